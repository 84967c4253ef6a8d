"""Sheets that were handed in: the queue of a street, one sheet to look through, sent back or on, accepted."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from citybrain.base.catalogue.access import Side
from citybrain.base.catalogue.lists import PAGE, page_of
from citybrain.base.catalogue.models import DataSet
from citybrain.base.identity.access import require, why_not
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.faces.desk.addresses import query
from citybrain.faces.desk.data.sets import number
from citybrain.faces.desk.doors import actor_of, officers
from citybrain.faces.desk.forms.finding import COLLECTS, found_sheet
from citybrain.faces.desk.forms.shown import SHEET_TONES, left_to_fill, place, sets_of
from citybrain.faces.desk.shell import page as shell_page
from citybrain.faces.look import words
from citybrain.hub.forms import collecting
from citybrain.hub.forms.access import ISSUE, REVIEW
from citybrain.hub.forms.collecting import Cell, CellState, Seen, SeenRow
from citybrain.hub.forms.collecting.rows import asked_for
from citybrain.hub.forms.collecting.values import ANSWER, EDIT, HOUSE
from citybrain.hub.forms.models import RoundState, Sheet, SheetEvent, SheetState
from citybrain.hub.forms.rosters.counting import codes_in

ROWS: Final = 100
MARKS: Final = {
    CellState.STALE: ("due_soon", gettext_lazy("数据已旧")),
    CellState.CONFLICT: ("late", gettext_lazy("来源不一致")),
    CellState.DISPUTED: ("due_soon", gettext_lazy("有异议")),
    CellState.ANSWERED: ("done", gettext_lazy("以前答过")),
    CellState.EDITED: ("info", gettext_lazy("填报人填")),
    CellState.MISSING: ("quiet", gettext_lazy("空缺")),
    CellState.DOWN: ("paused", gettext_lazy("来源连不上")),
    CellState.NO_RIGHT: ("quiet", gettext_lazy("无权显示")),
}
STEPS: Final = {
    "submit_sheet": ("send", "info", gettext_lazy("上报")),
    "review_sheet": ("clipboard-check", "normal", gettext_lazy("审核通过")),
    "send_back_sheet": ("arrow-back-up", "late", gettext_lazy("退回")),
    "accept_sheet": ("check", "done", gettext_lazy("接收")),
    "fill_sheet": ("pencil", "quiet", gettext_lazy("打开，由数据填好")),
}


@never_cache
@officers
@require_GET
def queue_view(request: HttpRequest) -> HttpResponse:
    """The sheets that wait for the reader's review, those that wait longest first."""
    actor, now = actor_of(request), timezone.now()
    require(actor, REVIEW)
    found = page_of(collecting.to_review(actor), number(request.GET.get("page", "")) or 1)
    context = {
        "rows": [
            {
                "one": one,
                "href": reverse("desk:forms_sheet", args=[one.pk]),
                "name": place(one.area_id),
                "left": left_to_fill(one.round, now),
                "known": known_percent(one),
            }
            for one in found.rows
        ],
        "total": found.total,
        "first": (found.number - 1) * PAGE + 1 if found.rows else 0,
        "last": (found.number - 1) * PAGE + len(found.rows),
        "prev_url": query({}, page=found.number - 1) if found.number > 1 else "",
        "next_url": query({}, page=found.number + 1) if found.number < found.pages else "",
    }
    return shell_page(request, "desk/forms/review.html", "forms_review", context)


def known_percent(sheet: Sheet) -> int | None:
    """Return the share of cells that data filled, None where there is none."""
    return round(sheet.cells_known / sheet.cells * 100) if sheet.cells else None


@never_cache
@officers
@require_GET
def sheet_view(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """One area's sheet as the reader may see it, with what each cell rests on."""
    actor, now = actor_of(request), timezone.now()
    one = found_sheet(actor, sheet_id)
    page = number(request.GET.get("page", "")) or 1
    words_asked = request.GET.get("q", "").replace("\x00", "").strip()[:60]
    only = request.GET.get("missing") == "1"
    seen = collecting.look(
        actor, one, only_missing=only, find=words_asked, offset=(page - 1) * ROWS, limit=ROWS
    )
    kept = {"q": words_asked, "missing": "1" if only else ""}
    signed = collecting.signings(one)
    context = {
        "one": one,
        "name": place(one.area_id),
        "above": " · ".join(filter(None, (place(one.district_id), place(one.street_id)))),
        "tone": SHEET_TONES[one.state],
        "state": one.get_state_display(),
        "left": left_to_fill(one.round, now) if one.round.state == RoundState.OPEN else None,
        "groups": groups_of(seen),
        "columns": seen.columns,
        "rows": [row_of(row, seen) for row in seen.rows],
        "marks": marks_of(seen),
        "sources": sources_of(seen),
        "down": down_names(seen),
        "withheld": [column.name for column in seen.columns if column.letter in seen.withheld],
        "asked": kept,
        "filtered": bool(words_asked or only),
        "known": known_percent(one),
        "signing": signed[-1] if signed else None,
        "signed_words": words.stamp(signed[-1].at) if signed else "",
        "missing_tone": "due_soon" if one.cells_missing else "normal",
        "missing_word": _("有空缺") if one.cells_missing else _("填齐了"),
        "is_genuine": collecting.verify_signature(one) if signed else None,
        "events": [step_line(event) for event in reversed(collecting.steps(actor, one))],
        "total": seen.total,
        "first": (page - 1) * ROWS + 1 if seen.rows else 0,
        "last": (page - 1) * ROWS + len(seen.rows),
        "prev_url": query(kept, page=page - 1) if page > 1 else "",
        "next_url": query(kept, page=page + 1) if page * ROWS < seen.total else "",
        "next_sheet": _next_of(actor, one),
        "is_round_seen": any(actor.may(each) for each in COLLECTS),
        **rights_on(actor, one),
    }
    here = "forms_review" if actor.may(REVIEW) else "forms_rounds"
    return shell_page(request, "desk/forms/sheet.html", here, context)


def rights_on(actor: Actor, one: Sheet) -> dict[str, bool]:
    """Return what the actor may do with a sheet as it stands."""
    reviews = one.state == SheetState.SUBMITTED and not why_not(actor, REVIEW, one)
    issues = not why_not(actor, ISSUE, Side(one.round.office))
    own = one.submitted_by == actor.key
    running = one.round.state == RoundState.OPEN
    back = (reviews and not own) or (issues and one.state in {SheetState.REVIEWED, SheetState.ACCEPTED})
    return {
        "may_review": reviews and not own,
        "own": reviews and own,
        "may_accept": issues and one.state == SheetState.REVIEWED,
        "may_send_back": running and back,
    }


def _next_of(actor: Actor, one: Sheet) -> Sheet | None:
    """Return the next sheet that waits for the reader, None where none does."""
    if not actor.may(REVIEW):
        return None
    following: Sheet | None = collecting.to_review(actor).exclude(pk=one.pk).first()
    return following


def groups_of(seen: Seen) -> list[tuple[str, int]]:
    """Return the names over the columns with how many each stands over; nothing where no column has any."""
    found: list[tuple[str, int]] = []
    for column in seen.columns:
        name = "/".join(column.path[:-1])
        if found and found[-1][0] == name and name:
            found[-1] = (name, found[-1][1] + 1)
        else:
            found.append((name, 1))
    return found if any(name for name, _count in found) else []


def row_of(row: SeenRow, seen: Seen) -> list[dict[str, Any]]:
    """Return a row's cells with their marks."""
    asked = letters_asked(seen)
    return [cell_of(row.cells[column.letter], is_asked=column.letter in asked) for column in seen.columns]


def letters_asked(seen: Seen) -> frozenset[str]:
    """Return the columns in which an empty cell is one that is missing."""
    return frozenset(column.letter for column in asked_for(seen.columns))


def cell_of(cell: Cell, *, is_asked: bool = True) -> dict[str, Any]:
    """Return a cell: its value, what stands against relying on it, where it is from."""
    mark = MARKS.get(CellState(cell.state)) if cell.state in set(CellState) else None
    shown = mark if cell.state != CellState.MISSING or (is_asked and not cell.value) else None
    bare = cell.source == HOUSE
    return {
        "value": cell.value,
        "tone": shown[0] if shown and not bare else "",
        "word": str(shown[1]) if shown and not bare else "",
        "title": " · ".join(filter(None, (source_name(cell.source), cell.as_of))) if not bare else "",
    }


def source_name(source: str) -> str:
    """Return what a source of a cell is called; a data set by its code."""
    told = {ANSWER: _("以前的填报"), EDIT: _("本次填报"), HOUSE: "", "": ""}
    return told.get(source, _("、").join(codes_in(source)))


def marks_of(seen: Seen) -> list[tuple[str, str, int]]:
    """Return the marks that stand in the shown cells, each with tone, word and how often."""
    asked = letters_asked(seen)
    counted: dict[str, int] = {}
    for row in seen.rows:
        for letter, cell in row.cells.items():
            if cell_of(cell, is_asked=letter in asked)["word"]:
                counted[cell.state] = counted.get(cell.state, 0) + 1
    return [
        (MARKS[CellState(key)][0], str(MARKS[CellState(key)][1]), count) for key, count in counted.items()
    ]


def sources_of(seen: Seen) -> list[dict[str, str]]:
    """Return the data sets that filled cells, with the day each is of. One query."""
    days: dict[str, str] = {}
    for row in seen.rows:
        for cell in row.cells.values():
            if cell.of_data and cell.source != HOUSE:
                for code in codes_in(cell.source):
                    days[code] = max(days.get(code, ""), cell.as_of)
    rows = DataSet.objects.filter(code__in=list(days)).select_related("provider", "current")
    sets = {dataset.code: dataset for dataset in rows}  # also those that stood in for a column's own
    return [
        {
            "code": code,
            "name": sets[code].name if code in sets else code,
            "as_of": day,
            "provider": _provider(sets.get(code)),
        }
        for code, day in sorted(days.items())
    ]


def _provider(dataset: Any) -> str:
    return str(dataset.provider) if dataset is not None else ""


def down_names(seen: Seen) -> list[str]:
    """Return the names of data sets that couldn't be read."""
    sets = sets_of(seen.columns) if seen.down else {}
    codes = dict.fromkeys(code for source in seen.down for code in codes_in(source))
    return [sets[code].name if code in sets else code for code in codes]


def step_line(event: SheetEvent) -> dict[str, Any]:
    """Return a step of a sheet as look's timeline draws it."""
    icon, tone, label = STEPS.get(event.action, ("point", "quiet", event.action))
    details = event.details or {}
    return {
        "what": str(label),
        "who": event.actor_name,
        "at": event.at,
        "icon": icon,
        "tone": tone,
        "why": str(details.get("why") or details.get("note") or ""),
        "key": f"step-{event.pk}",
    }


@require_POST
@officers
def review_view(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """Send a sheet on to the office, and go to the next that waits."""
    note = request.POST.get("note", "")
    return _did(
        request, sheet_id, lambda actor, one: collecting.review(actor, one, note=note), _("已审核通过。")
    )


@require_POST
@officers
def accept_view(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """Take a sheet in."""
    return _did(request, sheet_id, collecting.accept, _("已接收。"))


@require_POST
@officers
def send_back_view(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """Send a sheet back to who filled it."""
    why = request.POST.get("why", "")
    return _did(
        request,
        sheet_id,
        lambda actor, one: collecting.send_back(actor, one, why),
        _("已退回，填报人会看到原因。"),
    )


def _did(request: HttpRequest, sheet_id: int, do: Callable[[Actor, Sheet], Any], said: str) -> HttpResponse:
    """Do it and go on with the next sheet that waits; what was refused is said on the sheet's own page."""
    actor = actor_of(request)
    one = found_sheet(actor, sheet_id)
    try:
        do(actor, one)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("desk:forms_sheet", sheet_id)
    messages.success(request, f"{place(one.area_id)}：{said}")
    following = _next_of(actor, one)
    if following is not None:
        return redirect("desk:forms_sheet", following.pk)
    return redirect("desk:forms_review") if actor.may(REVIEW) else redirect("desk:forms_round", one.round_id)
