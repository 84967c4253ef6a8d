"""A round added up (汇总): by area and level, in the form's own Excel, with nobody to be told from the figures."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import tree
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.choosing import area_name
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.finding import found_round
from citybrain.faces.desk.forms.rounds import below_of, tabs_of
from citybrain.faces.desk.forms.shown import ROUND_TONES, SUMS, left_to_fill, level_name, place
from citybrain.faces.desk.shell import page as shell_page
from citybrain.hub.forms import collecting
from citybrain.hub.forms.collecting import Figure, FigureState, Rollup, RollupRow
from citybrain.hub.forms.models import Round, RoundState

WORDS: Final = {
    FigureState.HIDDEN: ("paused", gettext_lazy("人数过少，不显示")),
    FigureState.PENDING: ("due_soon", gettext_lazy("收齐后显示")),
}
STEP: Final = 200


@never_cache
@officers
@require_GET
def rollup_view(request: HttpRequest, round_id: int) -> HttpResponse:
    """The figures of a round by areas of a level, with their total."""
    actor, now = actor_of(request), timezone.now()
    one = found_round(actor, round_id)
    below = below_of(request, actor, one)
    outer = tree().get(below.pk if below else one.root_id)
    levels = [level for level in Level if outer.level < level <= one.level] or [Level(one.level)]
    level = level_of(request, levels)
    exact = request.GET.get("exact") == "1"
    found = collecting.rollup(actor, one, level, within=below, exact=exact)
    asked = {"level": level, "below": below.pk if below else "", "exact": "1" if exact else ""}
    address = reverse("desk:forms_rollup", args=[one.pk])
    context = {
        "one": one,
        "tone": ROUND_TONES[one.state],
        "state": one.get_state_display(),
        "left": left_to_fill(one, now) if one.state == RoundState.OPEN else None,
        "tabs": tabs_of(one, "rollup"),
        "levels": [
            (str(each.label), address + query(asked, level=each.value), each.value == level)
            for each in levels
        ],
        "where": place(found.total.area_id),
        "level_word": level_name(level),
        "columns": [
            (column, "" if column.unit in column.name else column.unit, str(SUMS[column.sums]))
            for column in found.columns
        ],
        "rows": [line_of(row, found, one, level) for row in found.rows[:STEP]],
        "more": max(0, len(found.rows) - STEP),
        "total": line_of(found.total, found, one, level),
        "handed_in": found.total.handed_in,
        "sheets": found.total.sheets,
        "pending": found.pending,
        "hidden": found.hidden,
        "least": found.people_least,
        "exact": exact,
        "exact_url": address + query(asked, exact="" if exact else "1"),
        "may_detail": may_detail(actor, one),
        "excel_url": reverse("desk:forms_rollup_excel", args=[one.pk]) + query(asked),
        "detail_url": reverse("desk:forms_detail_excel", args=[one.pk]) + query({"below": asked["below"]}),
        "as_of": found.as_of,
    }
    return shell_page(request, "desk/forms/rollup.html", "forms_rounds", context)


def level_of(request: HttpRequest, levels: list[Level]) -> int:
    """Return the level asked for among those there are, else the street's, else the topmost."""
    wanted = request.GET.get("level", "")
    known = [level.value for level in levels]
    if wanted.isdecimal() and len(wanted) < 3 and int(wanted) in known:
        return int(wanted)
    return Level.STREET.value if Level.STREET.value in known else known[0]


def may_detail(actor: Actor, one: Round) -> bool:
    """Return whether the actor may read row by row what was handed in."""
    from citybrain.base.identity.access import Forbidden
    from citybrain.hub.forms.collecting.rollup import require_detail

    try:
        require_detail(actor, one, None)
    except Forbidden:
        return False
    return True


def line_of(row: RollupRow, found: Rollup, one: Round, level: int) -> dict[str, Any]:
    """Return a row of figures; an area above those that fill leads further down."""
    node = tree().find(row.area_id)
    leads = row is not found.total and level < one.level
    return {
        "name": area_name(node) or row.name,
        "href": reverse("desk:forms_rollup", args=[one.pk]) + query({"below": row.area_id}) if leads else "",
        "handed_in": row.handed_in,
        "sheets": row.sheets,
        "cells": [cell_of(row.figures.get(column.letter, Figure())) for column in found.columns],
    }


def cell_of(figure: Figure) -> dict[str, str]:
    """Return a figure, or why there is none."""
    if figure.state not in WORDS:
        return {"text": figure.text or "–", "tone": "", "word": ""}
    tone, word = WORDS[figure.state]
    return {"text": "", "tone": tone, "word": str(word)}
