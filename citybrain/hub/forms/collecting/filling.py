"""Filling a sheet with what the city knows: at first, and again when data or grants have moved.

Reading is done before the sheet is locked, so that nobody who types waits for it. What a person typed always stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from citybrain.base.areas.models import Level
from citybrain.base.catalogue import grants
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.lake.models import Serving
from citybrain.hub.forms.access import FILL
from citybrain.hub.forms.collecting import history, rows
from citybrain.hub.forms.collecting.rounds import OWED
from citybrain.hub.forms.collecting.rows import Counts, Line
from citybrain.hub.forms.collecting.sight import seen
from citybrain.hub.forms.collecting.values import ANSWER, Cell, CellState
from citybrain.hub.forms.columns import Column
from citybrain.hub.forms.knowing import answers
from citybrain.hub.forms.knowing.homes import homes
from citybrain.hub.forms.knowing.knowing import know
from citybrain.hub.forms.knowing.people import People, residents
from citybrain.hub.forms.models import Dispute, RoundState, Row, Shaped, Sheet, SheetState
from citybrain.hub.forms.rosters import counting, rosters
from citybrain.hub.forms.rosters import members as roster_members

FILL_AGAIN_AFTER: Final = timedelta(hours=1)
FILL_SOONEST: Final = timedelta(minutes=1)


@dataclass
class Gathered:
    """What is known of a sheet's rows. `complete`: nobody is missing because a source was down or not granted."""

    lines: list[Line] = field(default_factory=list)
    sources: dict[str, Any] = field(default_factory=dict)
    complete: bool = True
    unseen: bool = False  # some of those who live here may not be known any more


def open_sheet(actor: Actor, sheet: Sheet, *, now: datetime | None = None, again: bool = False) -> Sheet:
    """Return the sheet with its rows, filled where it may be: at first, when data or grants have moved, or `again`.

    Raises Refused where the actor may not look at it.
    """
    moment = now or timezone.now()
    sheet = seen(actor, sheet)
    if sheet.state not in OWED or sheet.round.state != RoundState.OPEN or not _may_fill(actor, sheet):
        return sheet
    if sheet.opened_at is not None and not again and not _is_old(sheet, moment):
        return sheet
    gathered = gather(actor, sheet, moment)
    return _put_in(actor, sheet, gathered, moment)


def _may_fill(actor: Actor, sheet: Sheet) -> bool:
    try:
        require(actor, FILL, sheet)
    except Forbidden:
        return False
    return True


def _is_old(sheet: Sheet, now: datetime) -> bool:
    """Return whether the sheet is to be filled again.

    So after an hour; when a grant it was filled under has ended; when there is newer data, but not each minute
    unless the answer to a dispute about this sheet may be in it.
    """
    moments = [datetime.fromisoformat(one["at"]) for one in sheet.filled_from.values()]
    filled_at = max(moments, default=sheet.opened_at or now)
    if now - filled_at > FILL_AGAIN_AFTER:
        return True
    used = {one["grant"] for one in sheet.filled_from.values() if one.get("grant")}
    if grants.live_grants(now).filter(number__in=used).count() < len(used):
        return True
    answered = Dispute.objects.filter(sheet=sheet, answered_at__gt=filled_at)
    return (now - filled_at > FILL_SOONEST or answered.exists()) and _has_newer_data(sheet)


def _has_newer_data(sheet: Sheet) -> bool:
    held = {code: one["version"] for code, one in sheet.filled_from.items() if one.get("version")}
    copies = Serving.objects.filter(code__in=list(held)).values_list("code", "version")
    return any(version > held[code] for code, version in copies)


def gather(actor: Actor, sheet: Sheet, now: datetime) -> Gathered:
    """Return what is known for the sheet; reads data sets by the actor's right and leaves receipts."""
    round_ = sheet.round
    columns = round_.version.shape
    if round_.form.shaped == Shaped.FIGURES:
        return _figures(actor, sheet, columns, now)
    if round_.form.shaped == Shaped.FREE or round_.level < Level.STREET:
        return Gathered()
    people = members(actor, sheet, now)
    known = know(actor, sheet.area_id, columns, people, now=now, purpose=f"round:{round_.number}")
    letters = {column.letter for column in rows.typed(columns)}
    lines = []
    for at, (token, values, marks) in enumerate(known.rows()):
        line = Line(rows.key_of(token, round_.key_seed), at + 1)
        line.values = {letter: value for letter, value in values.items() if letter in letters}
        line.marks = {letter: [*mark, 0] for letter, mark in marks.items() if letter in letters}
        lines.append(line)
    homes_read = {code: {"version": 0, "at": now.isoformat()} for code in _told_who(people)}
    return Gathered(
        lines, {**homes_read, **known.versions}, "down" not in people.not_asked.values(),
        any(why == "no_right" and code in sheet.filled_from for code, why in people.not_asked.items()),
    )  # fmt: skip


def members(actor: Actor, sheet: Sheet, now: datetime) -> People:
    """Return who lives in the sheet's area and stands on the form's roster; all residents, where it has none."""
    form, purpose = sheet.round.form, f"round:{sheet.round.number}"
    if form.roster in rosters():
        return roster_members(
            actor, form.roster, sheet.area_id, permissions=(FILL,), now=now, purpose=purpose
        )
    return residents(actor, sheet.area_id, permissions=(FILL,), now=now, purpose=purpose)


def _told_who(people: People) -> list[str]:
    """Return the data sets that told who lives in the area."""
    return [home.dataset for home in homes() if home.dataset not in people.not_asked]


def _figures(actor: Actor, sheet: Sheet, columns: Sequence[Column], now: datetime) -> Gathered:
    """Return the row of an area's figures: counted from its rosters, and what was answered before."""
    line, counted = Line(rows.AREA_ROW, 1), counting.Figures()
    if sheet.round.level >= Level.STREET:
        counted = counting.count(
            actor, sheet.area_id, columns, permissions=(FILL,), now=now, purpose=f"round:{sheet.round.number}"
        )
    for letter, one in counted.cells.items():
        line.put(letter, Cell(one.value, one.source, one.as_of.isoformat() if one.as_of else "", one.state))
    asked = {column.letter: answers.meaning_of(column) for column in rows.typed(columns)}
    kept = answers.find(sheet.area_id, asked.values(), ())
    for letter, meaning in asked.items():
        known = kept.get((meaning, "")) if not line.values.get(letter) else None
        if known is not None and line.cell(letter).state != CellState.NO_RIGHT:
            line.put(letter, Cell(known.value, ANSWER, known.as_of.isoformat(), CellState.ANSWERED))
    return Gathered([line], counted.versions)


def _put_in(actor: Actor, sheet: Sheet, gathered: Gathered, now: datetime) -> Sheet:
    with transaction.atomic():
        sheet = locked_sheet(sheet)
        if sheet.state not in OWED:
            return sheet
        first = sheet.opened_at is None
        columns = sheet.round.version.shape
        held = lines_of(sheet)
        merged = _merged(held, gathered, columns, sheet.stamp + 1)
        if merged.anything or first:
            sheet.stamp += 1
        rows.add(sheet.pk, merged.new)
        rows.change(merged.changed)
        if merged.gone:
            Row.objects.filter(pk__in=[line.id for line in merged.gone]).delete()
        gone = {line.key for line in merged.gone}
        left = [line for line in held if line.key not in gone] + merged.new
        recount(sheet, left, columns)
        sheet.filled_from = {**sheet.filled_from, **gathered.sources}
        if first:
            sheet.opened_at = now
            sheet.state = SheetState.FILLING if sheet.state == SheetState.WAITING else sheet.state
        sheet.save(update_fields=[*COUNTED, "filled_from", "opened_at", "state"])
        if merged.anything or first:
            details = {"rows": sheet.rows_count, "known": sheet.cells_known, "cells": sheet.cells}
            history.note(actor, "fill_sheet", sheet, now, {**details, "sets": sorted(gathered.sources)})
    return sheet


COUNTED: Final = ("stamp", "rows_count", "cells", "cells_known", "cells_missing")


def locked_sheet(sheet: Sheet) -> Sheet:
    """Return a sheet locked until the transaction ends, with its round."""
    found = Sheet.objects.select_for_update(of=("self",)).select_related(
        "round__version", "round__form", "round__office"
    )
    locked: Sheet = found.get(pk=sheet.pk)
    return locked


def lines_of(sheet: Sheet) -> list[Line]:
    """Return all rows as stored, in their order."""
    names = ("id", "key", "position", "values", "marks", "removed")
    return rows.stored(Row.objects.filter(sheet=sheet).order_by("position", "id").values(*names))


def recount(sheet: Sheet, lines: Sequence[Line], columns: Sequence[Column]) -> None:
    """Set the sheet's counts by its rows."""
    asked = rows.asked_for(columns)
    total = sum((rows.counted(line, columns, asked) for line in lines), Counts())
    sheet.rows_count = sum(not line.removed for line in lines)
    sheet.cells, sheet.cells_known, sheet.cells_missing = total.cells, total.known, total.missing


@dataclass
class _Merged:
    new: list[Line] = field(default_factory=list)
    changed: list[Line] = field(default_factory=list)
    gone: list[Line] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        return bool(self.new or self.changed or self.gone)


def _merged(held: Sequence[Line], gathered: Gathered, columns: Sequence[Column], stamp: int) -> _Merged:
    """Return which rows are new, which changed, and which are of people who have left and nobody typed into."""
    found = _Merged()
    by_key = {line.key: line for line in held}
    last = max((line.position for line in held), default=0)
    for line in gathered.lines:
        old = by_key.pop(line.key, None)
        if old is None:
            last += 1
            line.position = last
            for mark in line.marks.values():
                mark[3] = stamp
            found.new.append(line)
        elif _take_over(old, line, columns, stamp):
            found.changed.append(old)
    for old in by_key.values():
        _leave(old, gathered, stamp, found)
    return found


def _leave(old: Line, gathered: Gathered, stamp: int, found: _Merged) -> None:
    """Decide on a row that isn't known any more: withheld where the right is gone, away where the person is."""
    if old.added:
        return
    if gathered.unseen:
        if _withhold(old, stamp):
            found.changed.append(old)
    elif gathered.complete and not old.touched() and old.key != rows.AREA_ROW:
        found.gone.append(old)


def _take_over(old: Line, new: Line, columns: Sequence[Column], stamp: int) -> bool:
    """Bring a row up to what is known now; return whether a cell changed. What people typed stays."""
    changed = False
    for column in columns:
        if column.asks not in rows.TYPED:
            continue
        before, after = old.cell(column.letter), new.cell(column.letter)
        if before.state == CellState.EDITED or after.state == CellState.DOWN:
            continue
        if after.state == CellState.NO_RIGHT:
            if before.of_data and before.value and before.state != CellState.NO_RIGHT:
                old.marks[column.letter][2:] = [str(CellState.NO_RIGHT), stamp]
                changed = True
            continue
        if (before.value, before.source, before.state) != (after.value, after.source, after.state):
            old.put(column.letter, Cell(after.value, after.source, after.as_of, after.state, stamp))
            changed = True
        elif before.as_of != after.as_of:
            old.put(column.letter, Cell(after.value, after.source, after.as_of, after.state, before.stamp))
            changed = True
    return changed


def _withhold(line: Line, stamp: int) -> bool:
    """Mark what data sets said in a row as not to be shown; return whether anything was."""
    changed = False
    for letter in line.marks:
        cell = line.cell(letter)
        if cell.of_data and cell.state != CellState.NO_RIGHT:
            line.marks[letter][2:] = [str(CellState.NO_RIGHT), stamp]
            changed = True
    return changed
