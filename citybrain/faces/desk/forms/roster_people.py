"""One person of a roster: every column with its source and day, visits and notes, and a way to say that it's wrong."""

from datetime import date
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.areas.tree import Node
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused, refuse
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.roster_shown import TONES, WORDS, source_names
from citybrain.faces.desk.forms.rosters import chosen_area, kind_of
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.forms import rosters
from citybrain.hub.forms.access import ROSTERS
from citybrain.hub.forms.knowing.cells import State
from citybrain.hub.forms.knowing.disputes import dispute
from citybrain.hub.forms.knowing.knowing import Known, know
from citybrain.hub.forms.models import Visit
from citybrain.hub.forms.rosters import visits
from citybrain.hub.forms.rosters.kinds import columns_of

ICONS: Final = {"visit": "walk", "call": "phone", "note": "notebook"}
FROM_DATA: Final = frozenset({State.KNOWN, State.STALE, State.CONFLICT})


def known_person(actor: Actor, key: str, area: Node, token: str) -> Known:
    """Return what is known of one who stands on the roster of the area. Raises Http404 for anybody else."""
    try:
        people = rosters.members(actor, key, area.id, permissions=(ROSTERS,)).only([token])
    except Refused:
        raise Http404 from None
    if len(people) != 1:
        raise Http404
    return know(actor, area.id, columns_of(rosters.roster(key)), people, purpose=f"forms.roster.{key}")


@never_cache
@officers
@require_GET
def person_view(request: HttpRequest, key: str, token: str) -> HttpResponse:
    """One person, read anew."""
    actor, kind = actor_of(request), kind_of(key)
    area = chosen_area(actor, request.GET.get("area", ""))
    known = known_person(actor, key, area, token)
    lines = lines_of(known)
    name = next((one["value"] for one in lines if one["value"]), _("（无姓名）"))
    context = {
        "kind": kind,
        "area": area,
        "area_name": area_name(area),
        "token": token,
        "name": name,
        "lines": lines,
        "events": [_event(one) for one in visits.visits_of(actor, area.id, token)],
        "kinds": Visit.Kind.choices,
        "back": f"{reverse('desk:forms_roster', args=[key])}?area={area.id}",
    }
    return shell_page(request, "desk/forms/roster_person.html", "forms_rosters", context)


def lines_of(known: Known) -> list[dict[str, Any]]:
    """Return every column of the one person: value, source, day, state in words."""
    names = source_names(tuple(known.columns.values()))
    found = []
    for letter, column in known.columns.items():
        cell = known.cell(0, letter)
        state = str(cell.state)
        found.append(
            {
                "field": column.column.field,
                "name": column.column.name,
                "value": cell.value,
                "source": names.get(cell.source, ""),
                "as_of": cell.as_of,
                "tone": TONES.get(state, "quiet") if state in WORDS else "",
                "word": str(WORDS[state]) if state in WORDS else "",
                "why": column.why,
                "may_dispute": cell.state in FROM_DATA and bool(cell.value),
            }
        )
    return found


def _event(one: Visit) -> dict[str, Any]:
    facts = [(_("下次走访"), one.next_on.isoformat())] if one.next_on else []
    return {
        "what": one.get_kind_display(),
        "who": one.name,
        "at": one.at,
        "icon": ICONS.get(one.kind, "point"),
        "why": one.text,
        "facts": facts,
    }


@require_POST
@officers
def note_view(request: HttpRequest, key: str, token: str) -> HttpResponse:
    """Note a visit, a call or a remark."""
    actor = actor_of(request)
    kind_of(key)
    area = chosen_area(actor, request.POST.get("area", ""))
    try:
        visits.add_visit(
            actor, key, area.id, token, request.POST.get("kind", ""),
            request.POST.get("text", "").replace("\x00", ""), _day(request.POST.get("next_on", "")),
        )  # fmt: skip
        messages.success(request, _("已记录。"))
    except Refused as refused:
        messages.error(request, str(refused))
    return _back(key, token, area)


def _day(text: str) -> date | None:
    """Return the day of the next visit, None for none. Raises Refused."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise refuse("next_on", _("日期无效。")) from None


@require_POST
@officers
def dispute_view(request: HttpRequest, key: str, token: str) -> HttpResponse:
    """Say that a value is wrong: it goes to the data set's provider."""
    actor = actor_of(request)
    kind = kind_of(key)
    area = chosen_area(actor, request.POST.get("area", ""))
    field = request.POST.get("field", "")
    try:
        if field not in {one for one, _zh, _en in kind.columns}:
            raise refuse("field", _("没有此列。"))
        claimed, note = (request.POST.get(name, "").replace("\x00", "") for name in ("claimed", "note"))
        dispute(actor, area.id, field, token, claimed[:200], note[:500])
        messages.success(request, _("异议已送提供单位，核实时限已开始计算。"))
    except Refused as refused:
        messages.error(request, str(refused))
    return _back(key, token, area)


def _back(key: str, token: str, area: Node) -> HttpResponse:
    return redirect(f"{reverse('desk:forms_roster_person', args=[key, token])}?area={area.id}")
