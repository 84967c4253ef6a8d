"""Rounds of forms: how far each is, by area and on a map; who owes; urging, ending, taking everything in."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from citybrain.base.areas.models import Area
from citybrain.base.areas.tree import tree
from citybrain.base.catalogue.access import Side
from citybrain.base.catalogue.lists import PAGE, page_of
from citybrain.base.identity.access import why_not
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.data.sets import number
from citybrain.faces.desk.doors import actor_of, is_partial, officers
from citybrain.faces.desk.forms.finding import COLLECTS, found_round, needs_one
from citybrain.faces.desk.forms.one_form import event_lines
from citybrain.faces.desk.forms.shown import (
    ROUND_TONES,
    SHEET_TONES,
    left_to_fill,
    level_name,
    place,
)
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look import words
from citybrain.hub.forms.access import ISSUE, REVIEW, VIEW, in_reach
from citybrain.hub.forms.collecting import rounds as acts
from citybrain.hub.forms.collecting.progress import (
    Counts,
    Progress,
    in_sight,
    map_feed,
    may_see_all,
    progress,
)
from citybrain.hub.forms.models import Round, RoundState, Sheet, SheetState

EVENTS: Final = 10
HANDED_IN: Final = (SheetState.SUBMITTED, SheetState.REVIEWED, SheetState.ACCEPTED)
COUNTED: Final = {
    "all": Count("id"),
    "in": Count("id", filter=Q(state__in=HANDED_IN)),
    "wait": Count("id", filter=Q(state=SheetState.SUBMITTED)),
    "here": Count("id", filter=Q(state=SheetState.REVIEWED)),
}


@never_cache
@officers
@require_GET
def list_view(request: HttpRequest) -> HttpResponse:
    """Rounds within right, the newest first, those that still run before those that have ended."""
    actor, now = actor_of(request), timezone.now()
    needs_one(actor, COLLECTS)
    chosen = "ended" if request.GET.get("list") == "ended" else "open"
    rows = Round.objects.visible_to(actor).select_related("form", "office")
    rows = rows.filter(state=RoundState.OPEN) if chosen == "open" else rows.exclude(state=RoundState.OPEN)
    order = ("due_at", "id") if chosen == "open" else ("-issued_at", "-id")
    found = page_of(rows.order_by(*order), number(request.GET.get("page", "")) or 1)
    counted = counts_of(actor, found.rows)
    context = {
        "tabs": [
            {"label": label, "url": f"?list={key}", "active": key == chosen, "count": None}
            for key, label in (("open", _("收集中")), ("ended", _("已结束")))
        ],
        "chosen": chosen,
        "rows": [_line(one, counted.get(one.pk, {}), now) for one in found.rows],
        "total": found.total,
        "first": (found.number - 1) * PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * PAGE + len(found.rows),
        "prev_url": query({"list": chosen}, page=found.number - 1) if found.number > 1 else "",
        "next_url": query({"list": chosen}, page=found.number + 1) if found.number < found.pages else "",
    }
    return shell_page(request, "desk/forms/rounds.html", "forms_rounds", context)


def counts_of(actor: Actor, rounds: Iterable[Round]) -> dict[int, dict[str, int]]:
    """Return by round how many sheets there are for the actor to count, and how many are handed in. Two queries."""
    whole: list[int] = []
    part: list[int] = []
    for one in rounds:
        (whole if may_see_all(actor, one) else part).append(one.pk)
    found: dict[int, dict[str, int]] = {}
    for chosen, ids in ((Q(), whole), (in_reach(actor, COLLECTS), part)):
        if ids:
            rows = (
                Sheet.objects.filter(chosen, round__in=ids).order_by().values("round_id").annotate(**COUNTED)
            )
            found |= {row["round_id"]: row for row in rows}
    return found


def _line(one: Round, counted: dict[str, int], now: datetime) -> dict[str, Any]:
    whole, given = counted.get("all", 0), counted.get("in", 0)
    return {
        "one": one,
        "href": reverse("desk:forms_round", args=[one.pk]),
        "tone": ROUND_TONES[one.state],
        "state": one.get_state_display(),
        "left": left_to_fill(one, now) if one.state == RoundState.OPEN else None,
        "where": f"{place(one.root_id)} · {level_name(one.level)}",
        "all": whole,
        "in": given,
        "percent": given * 100 // whole if whole else 0,
    }


@never_cache
@officers
@require_GET
def round_view(request: HttpRequest, round_id: int) -> HttpResponse:
    """How far one round is: in all, by area, on the map; further down by ?below."""
    actor, now = actor_of(request), timezone.now()
    one = found_round(actor, round_id)
    below = below_of(request, actor, one)
    found = progress(actor, one, below=below, now=now)
    sheets = sheets_by_area(actor, one, found) if _are_fillers(found, one) else {}
    context = {
        "one": one,
        "tone": ROUND_TONES[one.state],
        "state": one.get_state_display(),
        "left": left_to_fill(one, now) if one.state == RoundState.OPEN else None,
        "total": found.total,
        "percent": round(found.total.share * 100),
        "owing": (owing := found.total.waiting + found.total.filling + found.total.returned),
        "owing_tone": "late" if found.total.late else "info" if owing else "normal",
        "owing_word": _late_words(found.total.late) if owing else _("都交了"),
        "given_words": _("%(given)s / %(all)s 份")
        % {
            "given": words.amount(found.total.handed_in),
            "all": words.amount(found.total.sheets),
        },
        "known_percent": round(found.total.cells_known / found.total.cells * 100)
        if found.total.cells
        else None,
        "states": states_of(found.total),
        "areas": [_area_line(one, area, sheets) for area in found.areas],
        "is_leaf": bool(sheets) or _are_fillers(found, one),
        "way": _way(actor, one, found.area_id),
        "here": place(found.area_id),
        "below": found.area_id if found.area_id != one.root_id else None,
        "level_word": level_name(found.areas[0].level) if found.areas else level_name(one.level),
        "map_url": reverse("desk:forms_round_map", args=[one.pk]) + query({"below": found.area_id}),
        "events": event_lines(one.events.all()[:EVENTS]),
        "tabs": tabs_of(one, "progress"),
        **rights_on(actor, one, below),
    }
    if is_partial(request):
        return render(request, "desk/forms/round_figures.html", context)
    return shell_page(request, "desk/forms/round.html", "forms_rounds", context)


def tabs_of(one: Round, here: str) -> list[dict[str, Any]]:
    """Return the tabs above everything about one round."""
    tabs = (
        ("progress", _("进度"), "desk:forms_round"),
        ("sheets", _("名单"), "desk:forms_round_sheets"),
        ("rollup", _("汇总"), "desk:forms_rollup"),
    )
    return [
        {"label": label, "url": reverse(name, args=[one.pk]), "active": key == here, "count": None}
        for key, label, name in tabs
    ]


def below_of(request: HttpRequest, actor: Actor, one: Round) -> Area | None:
    """Return the area looked at: the one asked for, else where the actor works, else None for the whole round."""
    wanted = request.GET.get("below", "") or request.POST.get("below", "")
    node = tree().find(int(wanted)) if wanted.isdecimal() and len(wanted) < 16 else None
    if wanted and (node is None or not tree().contains(one.root_id, node.id)):
        raise Http404
    if node is None and not may_see_all(actor, one):
        ids = [hat.area_id for each in (REVIEW, VIEW) for hat in actor.hats_with(each)]
        node = next((tree().find(pk) for pk in ids if pk and tree().contains(one.root_id, pk)), None)
    return Area.objects.get(pk=node.id) if node is not None and node.id != one.root_id else None


def _are_fillers(found: Progress, one: Round) -> bool:
    return bool(found.areas) and found.areas[0].level == one.level


def sheets_by_area(actor: Actor, one: Round, found: Progress) -> dict[int, Sheet]:
    """Return the sheets of the shown areas that the actor may open. One query."""
    rows = Sheet.objects.visible_to(actor).filter(round=one, area__in=[area.area_id for area in found.areas])
    return {sheet.area_id: sheet for sheet in rows}


def states_of(counts: Counts) -> list[tuple[str, str, int]]:
    """Return each state with tone, word and how many sheets are in it; those that none is in are left out."""
    return [
        (SHEET_TONES[state], str(SheetState(state).label), getattr(counts, state))
        for state in SheetState.values
        if getattr(counts, state)
    ]


def _late_words(late: int) -> str:
    """Return how many are late, or that none is."""
    return _("逾期 %(n)s") % {"n": words.amount(late)} if late else _("未到期")


def _area_line(one: Round, area: Any, sheets: dict[int, Sheet]) -> dict[str, Any]:
    counts, leaf = area.counts, area.level == one.level
    sheet = sheets.get(area.area_id)
    href = reverse("desk:forms_sheet", args=[sheet.pk]) if sheet else ""
    if not leaf:
        href = reverse("desk:forms_round", args=[one.pk]) + query({"below": area.area_id})
    state = next((key for key in SheetState.values if leaf and getattr(counts, key)), "")
    return {
        "name": place(area.area_id),
        "href": href,
        "counts": counts,
        "percent": round(counts.share * 100),
        "known": round(counts.cells_known / counts.cells * 100) if counts.cells else None,
        "late_words": words.amount(counts.late),
        "tone": SHEET_TONES.get(state, ""),
        "state": str(SheetState(state).label) if state else "",
    }


def _way(actor: Actor, one: Round, area_id: int) -> list[tuple[str, str]]:
    """Return the way down from the round's area to the one shown, each with its address; empty at the top."""
    if area_id == one.root_id:
        return []
    address = reverse("desk:forms_round", args=[one.pk])
    ids = [pk for pk in tree().get(area_id).lineage if pk is not None and tree().contains(one.root_id, pk)]
    whole = may_see_all(actor, one)
    return [
        (area_name(tree().find(pk)), "" if pk == area_id or not whole else address + query({"below": pk}))
        for pk in ids
    ]


def rights_on(actor: Actor, one: Round, below: Area | None) -> dict[str, bool]:
    """Return what the actor may do with a round as it stands."""
    issues = not why_not(actor, ISSUE, Side(one.office))
    running = one.state == RoundState.OPEN
    return {
        "issues": issues,
        "may_remind": running and (issues or (below is not None and actor.may(REVIEW))),
        "may_close": running and issues,
        "may_accept": issues and one.state != RoundState.CALLED_OFF,
    }


@never_cache
@require_GET
@officers
def map_view(request: HttpRequest, round_id: int) -> HttpResponse:
    """Areas with how many of their sheets are handed in, for the map."""
    actor = actor_of(request)
    one = found_round(actor, round_id)
    below = below_of(request, actor, one)
    outer = tree().get(below.pk if below else one.root_id)
    feed = map_feed(actor, one, outer.level + 1, within=below)
    sheets = _sheet_ids(actor, one, [feature["id"] for feature in feed["features"]])
    for feature in feed["features"]:
        told = feature["properties"]
        told["name"] = place(told["id"])
        told["percent"] = round(told["share"] * 100)
        told["label"] = f"{told['handed_in']}/{told['sheets']}"
        told["said"] = _("%(given)s / %(all)s 份已交") % {
            "given": words.amount(told["handed_in"]), "all": words.amount(told["sheets"]),
        }  # fmt: skip
        if told["level"] < one.level:
            told["url"] = reverse("desk:forms_round", args=[one.pk]) + query({"below": told["id"]})
        elif told["id"] in sheets:
            told["url"] = reverse("desk:forms_sheet", args=[sheets[told["id"]]])
    return JsonResponse(feed, content_type="application/geo+json")


def _sheet_ids(actor: Actor, one: Round, areas: list[int]) -> dict[int, int]:
    rows = Sheet.objects.visible_to(actor).filter(round=one, area__in=areas)
    return dict(rows.values_list("area_id", "pk"))


@never_cache
@officers
@require_GET
def sheets_view(request: HttpRequest, round_id: int) -> HttpResponse:
    """The sheets of a round by name: who owes, who was late, what waits for review or for the office."""
    actor, now = actor_of(request), timezone.now()
    one = found_round(actor, round_id)
    asked = {name: request.GET.get(name, "").replace("\x00", "").strip()[:60] for name in ("state", "q")}
    asked["state"] = asked["state"] if asked["state"] in KINDS else "owing"
    rows = Sheet.objects.filter(in_sight(actor, one), KINDS[asked["state"]], round=one)
    for word in asked["q"].split():
        rows = rows.filter(Q(area__name__icontains=word) | Q(area__pinyin__icontains=word.lower()))
    rows = rows.select_related("area", "street", "district").order_by("area__code")
    found = page_of(rows, number(request.GET.get("page", "")) or 1)
    opened = set(
        Sheet.objects.visible_to(actor)
        .filter(pk__in=[sheet.pk for sheet in found.rows])
        .values_list("pk", flat=True)
    )
    context = {
        "one": one,
        "tone": ROUND_TONES[one.state],
        "state": one.get_state_display(),
        "left": left_to_fill(one, now) if one.state == RoundState.OPEN else None,
        "tabs": tabs_of(one, "sheets"),
        "kinds": [(key, label, key == asked["state"]) for key, label in kind_words()],
        "asked": asked,
        "rows": [sheet_line(sheet, one, now, opens=sheet.pk in opened) for sheet in found.rows],
        "total": found.total,
        "first": (found.number - 1) * PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * PAGE + len(found.rows),
        "prev_url": query(asked, page=found.number - 1) if found.number > 1 else "",
        "next_url": query(asked, page=found.number + 1) if found.number < found.pages else "",
        **rights_on(actor, one, None),
    }
    return shell_page(request, "desk/forms/round_sheets.html", "forms_rounds", context)


KINDS: Final = {
    "owing": Q(state__in=acts.OWED),
    "submitted": Q(state=SheetState.SUBMITTED),
    "reviewed": Q(state=SheetState.REVIEWED),
    "accepted": Q(state=SheetState.ACCEPTED),
    "late": Q(submitted_at__gt=F("round__due_at")),
    "all": Q(),
}


def kind_words() -> list[tuple[str, str]]:
    """Return what the list of sheets can be narrowed to."""
    return [
        ("owing", _("未交")),
        ("submitted", _("待街镇审核")),
        ("reviewed", _("待接收")),
        ("accepted", _("已接收")),
        ("late", _("迟交")),
        ("all", _("全部")),
    ]


def sheet_line(sheet: Sheet, one: Round, now: datetime, *, opens: bool) -> dict[str, Any]:
    """Return one line of a list of sheets."""
    owes = sheet.state in acts.OWED
    return {
        "one": sheet,
        "href": reverse("desk:forms_sheet", args=[sheet.pk]) if opens else "",
        "name": place(sheet.area_id),
        "above": " · ".join(filter(None, (place(sheet.district_id), place(sheet.street_id)))),
        "tone": SHEET_TONES[sheet.state],
        "state": sheet.get_state_display(),
        "late": words.span(now - one.due_at)
        if owes and one.due_at < now and one.state == RoundState.OPEN
        else "",
        "was_late": bool(sheet.submitted_at and sheet.submitted_at > one.due_at),
        "known": round(sheet.cells_known / sheet.cells * 100) if sheet.cells else None,
    }
