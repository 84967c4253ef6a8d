"""Reading a sheet: its rows as the actor may see them, what changed since, rows for a workbook, its history."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import tree
from citybrain.base.identity.actor import Actor
from citybrain.hub.forms.access import FILL, REVIEW, in_reach
from citybrain.hub.forms.collecting import rows
from citybrain.hub.forms.collecting.rounds import OWED
from citybrain.hub.forms.collecting.rows import Line
from citybrain.hub.forms.collecting.sight import Sight, seen, sight, why_not_edit
from citybrain.hub.forms.collecting.values import FROM_DATA, HOUSE, Cell, CellState, Seen, SeenRow
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.knowing.homes import same
from citybrain.hub.forms.models import Dispute, DisputeState, Edit, Row, Sheet, SheetEvent, SheetState

LIMIT: Final = 200
LIMIT_MOST: Final = 2_000
NAMES: Final = ("id", "key", "position", "values", "marks", "removed")
LEVEL_NAMES: Final = {level.name.lower(): level for level in Level}


_FILLED_SINCE: Final = """
SELECT DISTINCT r.id FROM forms_row r CROSS JOIN LATERAL jsonb_each(r.marks) AS m
WHERE r.sheet_id = %s AND (m.value ->> 3)::bigint > %s
"""


def to_fill(actor: Actor) -> QuerySet[Sheet]:
    """Return the sheets the actor has to fill, what is due first at the top."""
    owing = Sheet.objects.filter(in_reach(actor, (FILL,)), state__in=OWED, round__state="open")
    return owing.select_related("round__form", "round__office", "area").order_by("round__due_at", "id")


def to_review(actor: Actor) -> QuerySet[Sheet]:
    """Return the sheets that wait for the actor's review, longest waiting first."""
    waiting = Sheet.objects.filter(in_reach(actor, (REVIEW,)), state=SheetState.SUBMITTED)
    waiting = waiting.exclude(round__state="called_off").exclude(submitted_by=actor.key)
    return waiting.select_related("round__form", "round__office", "area").order_by("submitted_at", "id")


def look(
    actor: Actor,
    sheet: Sheet,
    *,
    only_missing: bool = False,
    find: str = "",
    offset: int = 0,
    limit: int = LIMIT,
    now: datetime | None = None,
) -> Seen:
    """Return a part of a sheet as the actor may see it. `find` searches only what is shown whole to the actor.

    Four queries besides those of rights. Raises Refused where the actor may not look at the sheet at all.
    """
    sheet = seen(actor, sheet)
    held = sight(actor, sheet, now or timezone.now())
    found = _rows(sheet, held).filter(removed=False)
    if only_missing:
        found = found.filter(_lacking(held.columns))
    if find.strip():
        found = found.filter(_searched(held, find.strip()[:60]))
    limit = max(1, min(limit, LIMIT_MOST))
    lines = rows.stored(found.order_by("position", "id").values(*NAMES)[offset : offset + limit])
    return _seen(actor, sheet, held, lines, found.count())


def changes(actor: Actor, sheet: Sheet, since: int, *, now: datetime | None = None) -> Seen:
    """Return the rows that changed after a stamp, by people or by data, those taken out as well, for an open page."""
    sheet = seen(actor, sheet)
    held = sight(actor, sheet, now or timezone.now())
    since = max(0, min(since, sheet.stamp))
    edits = Edit.objects.filter(sheet=sheet, stamp__gt=since, applied=True)
    touched = Q(key__in=edits.values("row_key"))
    if edits.values("stamp").distinct().count() < sheet.stamp - since:  # filled again meanwhile
        touched |= Q(pk__in=_filled_since(sheet, since))
    found = _rows(sheet, held).filter(touched).order_by("position", "id")
    lines = rows.stored(found.values(*NAMES)[:LIMIT_MOST])
    return _seen(actor, sheet, held, lines, len(lines))


def _filled_since(sheet: Sheet, since: int) -> list[int]:
    """Return the ids of rows with a cell that changed after a stamp."""
    with connection.cursor() as cursor:
        cursor.execute(_FILLED_SINCE, [sheet.pk, since])
        return [row[0] for row in cursor.fetchall()]


def _rows(sheet: Sheet, held: Sight) -> QuerySet[Row]:
    return Row.objects.filter(sheet=sheet) if held.rows else Row.objects.none()


def _lacking(columns: Sequence[Column]) -> Q:
    """Return the condition for rows with a cell that is to be filled."""
    either = Q(pk__in=[])
    for column in rows.asked_for(columns):
        there = Q(**{f"values__{column.letter}__isnull": False}) & ~Q(**{f"values__{column.letter}": ""})
        nothing = Q(**{f"marks__{column.letter}__2": str(CellState.NONE)})
        either |= ~(there | nothing)
    return either


def _searched(held: Sight, words: str) -> Q:
    """Return the condition for rows in which a cell holds the words, hidden and masked cells apart."""
    either = Q(pk__in=[])
    for letter in held.searchable():
        shown = ~Q(**{f"marks__{letter}__2": str(CellState.NO_RIGHT)})
        for code in held.not_whole(letter):
            shown &= ~Q(**{f"marks__{letter}__0": code})
        either |= Q(**{f"values__{letter}__icontains": words}) & shown
    return either


def _seen(actor: Actor, sheet: Sheet, held: Sight, lines: Iterable[Line], total: int) -> Seen:
    why_not = why_not_edit(actor, sheet)
    asked = rows.asked_for(held.columns)
    kept = list(lines)
    doubted = _disputed(sheet, kept)
    shown = tuple(
        _with_doubts(seen_row(sheet.area_id, held, line, asked), held.columns, doubted) for line in kept
    )
    down = {
        cell.source
        for row in shown
        for cell in row.cells.values()
        if cell.state == CellState.DOWN and cell.source
    }
    counts = (sheet.cells, sheet.cells_known, sheet.cells_missing) if held.rows else (0, 0, 0)
    return Seen(
        sheet.pk, sheet.stamp, sheet.state, held.columns, shown, total, *counts,
        tuple(sorted(down)), held.withheld(), not why_not, why_not,
    )  # fmt: skip


def _disputed(sheet: Sheet, lines: Sequence[Line]) -> set[tuple[str, str]]:
    """Return (row's key, "dataset.field") of what is disputed now among the rows. One query."""
    by_token = {rows.token_of(line.key, sheet.round.key_seed): line.key for line in lines}
    by_token.pop("", None)
    if not by_token:
        return set()
    waiting = Dispute.objects.filter(state=DisputeState.OPEN, subject__in=list(by_token))
    found = waiting.values_list("subject", "dataset__code", "field")
    return {(by_token[token], f"{code}.{name}") for token, code, name in found}


def _with_doubts(row: SeenRow, columns: Sequence[Column], doubted: set[tuple[str, str]]) -> SeenRow:
    """Return the row with its cells marked as they are disputed now, not as when they were filled."""
    cells = dict(row.cells)
    for column in columns:
        cell = cells[column.letter]
        if column.asks != Asks.DATA or not cell.value or cell.state not in FROM_DATA or not cell.of_data:
            continue
        fields = (column.field, *same().get(column.field, ()))
        field = next((one for one in fields if one.startswith(f"{cell.source}.")), column.field)
        if (row.key, field) in doubted:
            cells[column.letter] = replace(cell, state=CellState.DISPUTED)
        elif cell.state == CellState.DISPUTED:
            cells[column.letter] = replace(cell, state=CellState.KNOWN)
    return replace(row, cells=cells)


def seen_row(area_id: int, held: Sight, line: Line, asked: Sequence[Column]) -> SeenRow:
    """Return a row of an area's sheet as the actor may see it."""
    cells = {
        column.letter: house_cell(area_id, column, line) or held.cell(line, column.letter)
        for column in held.columns
    }
    lacking = sum(rows.lacks(line, column.letter) for column in asked)
    return SeenRow(line.key, line.position, cells, line.added, line.removed, lacking)


def house_cell(area_id: int, column: Column, line: Line) -> Cell | None:
    """Return a cell that the sheet itself fills, None for any other."""
    if column.asks == Asks.SERIAL:
        return Cell(str(line.position), HOUSE, "", CellState.KNOWN)
    if column.asks == Asks.AREA:
        return Cell(area_text(area_id, column.derived), HOUSE, "", CellState.KNOWN)
    if column.asks == Asks.FORMULA:
        return Cell("", HOUSE, "", CellState.KNOWN)
    return None


def area_text(area_id: int, derived: str) -> str:
    """Return the name of the area, or of the one above it at the level asked; empty where there is none."""
    node = tree().find(area_id)
    if node is None:
        return ""
    level = LEVEL_NAMES.get(derived)
    above = node if level is None else tree().find(node.lineage[level - 1])
    return above.name if above is not None else ""


def export_rows(actor: Actor, sheet: Sheet, *, now: datetime | None = None) -> list[dict[str, str]]:
    """Return the rows by letter as `book.write` takes them; what the actor may not see is empty."""
    sheet = seen(actor, sheet)
    held = sight(actor, sheet, now or timezone.now())
    lines = rows.stored(_rows(sheet, held).filter(removed=False).order_by("position", "id").values(*NAMES))
    return [_exported(sheet.area_id, held, line, place) for place, line in enumerate(lines, 1)]


def _exported(area_id: int, held: Sight, line: Line, place: int) -> dict[str, str]:
    found = {}
    for column in held.columns:
        if column.asks == Asks.FORMULA:
            continue
        if column.asks == Asks.SERIAL:
            found[column.letter] = str(place)
            continue
        cell = house_cell(area_id, column, line) or held.cell(line, column.letter)
        if cell.value:
            found[column.letter] = cell.value
    return found


def steps(actor: Actor, sheet: Sheet) -> list[SheetEvent]:
    """Return what became of a sheet, oldest first."""
    return list(SheetEvent.objects.filter(sheet=seen(actor, sheet)).order_by("at", "id"))


def cell_history(actor: Actor, sheet: Sheet, key: str, letter: str) -> list[dict[str, Any]]:
    """Return who typed what into a cell, newest first; what the cell held before is told only where it may be."""
    sheet = seen(actor, sheet)
    held = sight(actor, sheet, timezone.now())
    if not held.rows or letter not in held.by_letter or not held.typed.get(letter):
        return []
    whole = held.by_letter[letter]
    rows_ = Edit.objects.filter(sheet=sheet, row_key=key, letter=letter).order_by("-at", "-id")[:50]
    return [
        {
            "at": one.at, "name": one.name, "after": one.after, "applied": one.applied,
            "before": one.before if whole.allowed and not whole.mask else "",
        }
        for one in rows_
    ]  # fmt: skip
