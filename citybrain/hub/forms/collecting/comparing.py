"""A workbook that was filled laid beside its sheet: what each of its cells would change, and what it must not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.hub.forms import book
from citybrain.hub.forms.collecting import rows
from citybrain.hub.forms.collecting.aligning import Aligned, Came, Held, Lost, align, folded, title_letter
from citybrain.hub.forms.collecting.checking import BadCell, checked
from citybrain.hub.forms.collecting.looking import NAMES, area_text
from citybrain.hub.forms.collecting.rows import Line
from citybrain.hub.forms.collecting.sight import Sight, instead
from citybrain.hub.forms.collecting.values import FROM_DATA, Cell, CellState
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.models import Edit, Row, Shaped, Sheet

IDS: Final = UUID("5f0c2f5e-7f3f-5f0e-9c55-0d3a4b1f7f11")


class Fate(StrEnum):
    """What is done with a cell of the workbook."""

    CHANGE = "change"  # saved
    CONFLICT = "conflict"  # somebody else changed it after the workbook was taken out: theirs stays
    DATA = "data"  # a data set says otherwise: to be disputed, not overwritten
    REFUSED = "refused"  # it can't stand in its column: `why`
    HIDDEN = "hidden"  # the filler doesn't see (all of) what stands there


@dataclass(frozen=True, slots=True)
class Move:
    """A cell of the workbook that differs from the sheet. `number`: its row there; `before`: as the filler sees it."""

    key: str
    number: int
    name: str
    letter: str
    column: str
    before: str
    after: str
    fate: Fate
    base: int
    client: UUID
    why: str = ""
    who: str = ""

    @property
    def spot(self) -> str:
        """The cell's own name among all of the sheet."""
        return f"{self.key}:{self.letter}"


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row that the sheet doesn't have: its key, its cells as moves."""

    key: str
    number: int
    name: str
    client: UUID


@dataclass(frozen=True, slots=True)
class LostRow:
    number: int
    name: str
    why: Lost


@dataclass(slots=True)
class Plan:
    """What a workbook would change in a sheet; `stamp` is the sheet's when it was looked at.

    `same` cells are as in the sheet, `earlier` hold what the cell held before somebody changed it, `emptied` are empty
    where the sheet has a value, `again` were brought by this very file before; none of them changes anything.
    `absent` rows of the sheet aren't in the workbook; they stay.
    """

    digest: str
    stamp: int
    moves: list[Move] = field(default_factory=list)
    new: list[NewRow] = field(default_factory=list)
    lost: list[LostRow] = field(default_factory=list)
    same: int = 0
    earlier: int = 0
    emptied: int = 0
    again: int = 0
    absent: int = 0
    notes: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()

    def of(self, fate: Fate) -> list[Move]:
        """Return the moves of one fate, in the workbook's order."""
        return [one for one in self.moves if one.fate == fate]

    @property
    def does_something(self) -> bool:
        """Whether anything would be saved."""
        return bool(self.new) or any(one.fate in {Fate.CHANGE, Fate.CONFLICT} for one in self.moves)


class Comparing:
    """One workbook laid beside one sheet."""

    def __init__(
        self,
        actor: Actor,
        sheet: Sheet,
        held: Sight,
        taken: book.Taken,
        digest: str,
        base: int | None,
        begins: int,
    ) -> None:
        self.actor, self.sheet, self.sight, self.taken, self.base = actor, sheet, held, taken, base
        self.columns = {one.letter: one for one in held.columns if rows.editable(one)}
        self.plan = Plan(digest, sheet.stamp)
        stored = Row.objects.filter(sheet=sheet, removed=False).order_by("position", "id").values(*NAMES)
        self.lines = rows.stored(stored) if held.rows else []
        self.by_key = {line.key: line for line in self.lines}
        self.title = title_letter(held.columns)
        moved = [note.params for note in taken.notes if note.key == "moved"]
        self.begins = begins + (moved[0]["row"] - moved[0]["was"] if moved else 0)
        self.wrong = {one.reference: one for one in taken.problems}

    def made(self) -> Plan:
        came = self._came()
        found = self._aligned(came)
        paired = set(found.pairs.values())
        known = self._known(came, found)
        history = self._history(paired)
        for one in came:
            key = found.pairs.get(one.number)
            if key is not None:
                for letter, column in self.columns.items():
                    self._cell(one, self.by_key[key], column, known, history.get((key, letter), ()))
            elif one.number in found.lost:
                self.plan.lost.append(LostRow(one.number, self._name(one), found.lost[one.number]))
            else:
                self._new(one, known)
        self.plan.absent = sum(line.key not in paired and bool(line.values) for line in self.lines)
        self.plan.notes = tuple(str(note) for note in self.taken.notes)
        self.plan.beyond = tuple(str(one) for one in self.taken.problems if one.key == "beyond")
        return self.plan

    def _name(self, one: Came) -> str:
        return one.values.get(self.title, "")[:40]

    def _called(self, one: Came, line: Line, *, is_new: bool) -> str:
        """Return what a row is called, by what the filler sees of it."""
        shown = "" if is_new else self.sight.cell(line, self.title).value
        return shown[:40] or self._name(one)

    def _came(self) -> list[Came]:
        """Return the workbook's rows that hold something of what is filled by hand or data."""
        return [
            Came(
                one.number, one.number - self.begins, one.values,
                f"n{uuid5(IDS, f'{self.plan.digest}:{self.sheet.pk}:{one.number}').hex}",
            )
            for one in self.taken.rows
            if any(one.values.get(letter) for letter in self.columns)
        ]  # fmt: skip

    def _aligned(self, came: Sequence[Came]) -> Aligned:
        held = [
            Held(line.key, {letter: self.sight.cell(line, letter).value for letter in self.columns})
            for line in self.lines
        ]
        alone = self.sheet.round.form.shaped == Shaped.FIGURES
        elsewhere = [one for one in came if self._is_elsewhere(one)]
        away = {one.number for one in elsewhere}
        found = align(self.sight.columns, held, [one for one in came if one.number not in away], alone=alone)
        found.lost |= dict.fromkeys(sorted(away), Lost.ELSEWHERE)
        return found

    def _is_elsewhere(self, one: Came) -> bool:
        """Return whether a row names another area than the sheet's."""
        for column in self.sight.columns:
            text = one.values.get(column.letter, "")
            if column.asks == Asks.AREA and text and text != area_text(self.sheet.area_id, column.derived):
                return True
        return False

    def _client(self, key: str, letter: str) -> UUID:
        return uuid5(IDS, f"{self.plan.digest}:{self.sheet.pk}:{key}:{letter}")

    def _known(self, came: Sequence[Came], found: Aligned) -> set[UUID]:
        """Return the ids of this file's cells that were saved before. One query."""
        ids = [
            self._client(found.pairs.get(one.number, one.new_key), letter)
            for one in came
            for letter in ("", *self.columns)
            if one.values.get(letter) or not letter
        ]
        kept = Edit.objects.filter(sheet=self.sheet, client__in=ids, applied=True)
        return set(kept.values_list("client", flat=True))

    def _history(self, keys: Iterable[str]) -> dict[tuple[str, str], list[Edit]]:
        """Return what people typed into the rows, by cell, oldest first. One query."""
        found: dict[tuple[str, str], list[Edit]] = {}
        kept = Edit.objects.filter(sheet=self.sheet, row_key__in=sorted(keys), applied=True).exclude(
            letter=""
        )
        for one in kept.only("row_key", "letter", "before", "stamp", "by", "name").order_by("stamp"):
            found.setdefault((one.row_key, one.letter), []).append(one)
        return found

    def _new(self, one: Came, known: set[UUID]) -> None:
        """Plan a row that the sheet doesn't have; one that was brought before and taken out since stays out."""
        client = self._client(one.new_key, "")
        if client in known:
            self.plan.again += 1
            return
        line = Line(one.new_key, 0)
        before = len(self.plan.moves)
        for column in self.columns.values():
            self._cell(one, line, column, known, ())
        if any(move.fate == Fate.CHANGE for move in self.plan.moves[before:]):
            self.plan.new.append(NewRow(one.new_key, one.number, self._name(one), client))

    def _cell(self, one: Came, line: Line, column: Column, known: set[UUID], history: Sequence[Edit]) -> None:
        """Plan one cell."""
        text = one.values.get(column.letter, "")
        is_new = line.key == one.new_key and line.id is None
        now = Cell() if is_new else self.sight.cell(line, column.letter)
        wrong = self.wrong.get(f"{column.letter}{one.number}")
        if not text and wrong is None:
            self.plan.emptied += bool(now.value)
            return
        if folded(column, text) == folded(column, now.value):
            self.plan.same += 1
            return
        client = self._client(line.key, column.letter)
        if client in known:
            self.plan.again += 1
            return
        move = Move(
            line.key, one.number, self._name(one) or line.values.get(self.title, "")[:40], column.letter,
            column.name, now.value, text, Fate.CHANGE, self.plan.stamp, client,
        )  # fmt: skip
        decided = self._decided(move, line, column, now, wrong, history)
        if decided is not None:
            self.plan.moves.append(decided)

    def _decided(
        self,
        move: Move,
        line: Line,
        column: Column,
        now: Cell,
        wrong: book.Problem | None,
        history: Sequence[Edit],
    ) -> Move | None:
        """Return a cell with its fate; None where the workbook only holds what stood there before."""
        if line.values.get(column.letter, "") != now.value or self._is_masked(column.letter, now):
            return replace(move, fate=Fate.HIDDEN, why=_("这一格没有（完整）显示给您，保持原样。"))
        if wrong is not None:
            return replace(move, fate=Fate.REFUSED, why=str(wrong).partition(": ")[2])
        try:
            move = replace(move, after=checked(column, move.after))
        except BadCell as bad:
            return replace(move, fate=Fate.REFUSED, why=str(bad))
        if column.asks == Asks.DATA and now.of_data and now.value and now.state in FROM_DATA:
            if (
                self.base is not None and now.stamp > self.base
            ):  # data came since: an old value is no objection
                self.plan.earlier += 1
                return None
            return replace(move, fate=Fate.DATA, why=_("与数据不同：可提出异议，不直接覆盖。"))
        return self._typed_over(move, column, now, history)

    def _is_masked(self, letter: str, now: Cell) -> bool:
        """Return whether a cell of a data set is shown with a part of it hidden."""
        if not now.of_data or not now.value:
            return False
        how = self.sight.by_letter.get(instead(letter, now.source)) or self.sight.by_letter[letter]
        return bool(how.mask)

    def _typed_over(self, move: Move, column: Column, now: Cell, history: Sequence[Edit]) -> Move | None:
        since = [one for one in history if self.base is None or (one.stamp or 0) > self.base]
        if not since:
            return move
        before = since if self.base is None else since[:1]
        if any(folded(column, one.before) == folded(column, move.after) for one in before):
            self.plan.earlier += 1
            return None
        last = history[-1]
        if last.by == self.actor.key or now.state != CellState.EDITED:
            return move
        base = 0 if self.base is None else self.base
        return replace(
            move, fate=Fate.CONFLICT, base=min(base, max(now.stamp - 1, 0)), who=last.name,
            why=_("%(name)s 已填“%(value)s”") % {"name": last.name, "value": now.value},
        )  # fmt: skip
