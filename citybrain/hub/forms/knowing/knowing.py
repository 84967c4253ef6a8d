"""What the city knows of an area's people: every cell of a form with its source, its day and its state.

One statement for each data set (see reading), joined by the person's number. A cell is one of the states below; a
field under a mask shows what the mask leaves, and its column says so: a form filled with masked values is the truth
about the right it was filled under.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import Node, tree
from citybrain.base.catalogue.quality import PROMISED
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import Actor
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.knowing import answers, doubts
from citybrain.hub.forms.knowing.cells import SHEET, Cell, Filled, Mark, State
from citybrain.hub.forms.knowing.homes import homes, same
from citybrain.hub.forms.knowing.people import People, residents
from citybrain.hub.forms.knowing.reading import Read, Reading, Want
from citybrain.hub.forms.knowing.rights import HasId, Right, best, by_set, require_work, rights_of, why_not
from citybrain.hub.forms.knowing.showing import AGE, age, area_words, shower

__all__ = ["Known", "know", "residents"]


@dataclass
class Known:
    """What is known of people at a moment. `versions` say of which version each set was read, under which grant."""

    keys: tuple[str, ...] = field(repr=False)
    columns: dict[str, Filled]
    at: datetime
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys)

    def cell(self, at: int, letter: str) -> Cell:
        return self.columns[letter].cell(at)

    def row(self, at: int) -> tuple[dict[str, str], dict[str, Mark]]:
        """Return a row's values and marks by letter, as `Row` keeps them; cells without a mark are left out."""
        values, marks = {}, {}
        for letter, column in self.columns.items():
            if column.values[at]:
                values[letter] = column.values[at]
            if column.state != State.BLANK:
                marks[letter] = column.mark(at)
        return values, marks

    def rows(self) -> Iterable[tuple[str, dict[str, str], dict[str, Mark]]]:
        """Yield (key, values, marks) for each row."""
        values: list[dict[str, str]] = [{} for _key in self.keys]
        marks: list[dict[str, Mark]] = [{} for _key in self.keys]
        for letter, column in self.columns.items():
            for row, value in zip(values, column.values, strict=True):
                if value:
                    row[letter] = value
            if column.state != State.BLANK:
                for told, mark in zip(marks, column.marks(), strict=True):
                    told[letter] = mark
        return zip(self.keys, values, marks, strict=True)

    def counts(self) -> dict[State, int]:
        """Return how many cells are in each state."""
        found: dict[State, int] = {}
        for column in self.columns.values():
            for _source, _day, state in column.odd.values():
                found[state] = found.get(state, 0) + 1
            found[column.state] = found.get(column.state, 0) + len(self.keys) - len(column.odd)
        return {state: count for state, count in found.items() if count}

    @property
    def down(self) -> list[str]:
        """The data sets that couldn't be read."""
        return sorted({one.source for one in self.columns.values() if one.state == State.DOWN})


def know(
    actor: Actor,
    area: HasId | int,
    columns: Sequence[Column],
    people: People | None = None,
    *,
    now: datetime | None = None,
    purpose: str = "",
) -> Known:
    """Return what the city knows of people in an area for a form's columns. Leaves a receipt for each set read.

    Without people: all residents. People must have been found by `residents` for the same actor and area (or one
    below it). Raises Forbidden.
    """
    node, moment = require_work(actor, area), now or timezone.now()
    found = people if people is not None else residents(actor, node, now=moment, purpose=purpose)
    if found.actor != actor.key or not tree().contains(node.id, found.area_id):
        raise Forbidden(_("这些人员不是为您在本地区查得的。"))
    work = _Work(actor, node, found, moment, purpose or "forms.fill")
    return work.known(columns)


class _Work:
    """One filling: rights, reads, then each column."""

    def __init__(self, actor: Actor, node: Node, people: People, now: datetime, purpose: str) -> None:
        self.actor, self.node, self.people, self.now, self.purpose = actor, node, people, now, purpose
        self.rights: dict[str, Right] = {}
        self.read: dict[str, Read] = {}
        self.days: dict[str, date | None] = {}
        self.late: set[str] = set()

    def known(self, columns: Sequence[Column]) -> Known:
        self._read(columns)
        filled = {one.letter: self._column(one) for one in columns}
        doubts.mark(self.read, self.people, filled)
        answers.fill(self.node, self.people.tokens, filled, self.now)
        versions = {
            code: {
                "version": one.version,
                "at": self.now.isoformat(),
                "grant": self.rights[code].policy.number,
            }
            for code, one in self.read.items()
            if not one.down
        }
        return Known(self.people.tokens, filled, self.now, versions)

    def _read(self, columns: Sequence[Column]) -> None:
        """Read every set that is asked, one statement each; then those that may stand in, of whom they may."""
        wanted = by_set(columns)
        others: dict[str, list[str]] = {}
        for column in columns:
            for other in same().get(column.field, ()) if column.asks == Asks.DATA else ():
                others.setdefault(other.partition(".")[0], []).append(other.partition(".")[2])
        for code in wanted.keys() & others.keys():
            wanted[code] = list(dict.fromkeys([*wanted[code], *others.pop(code)]))
        rights = rights_of(self.node, [*wanted, *others], self.now)
        numbers = self.people.numbers
        self._ask(rights, {code: (fields, numbers) for code, fields in wanted.items()})
        lacking = self._lacking(columns)
        self._ask(rights, {code: (fields, lacking) for code, fields in others.items()})
        self.days, self.late = freshness(self.rights, self.read, self.now)

    def _ask(
        self,
        rights: Mapping[str, Sequence[Right]],
        asked: Mapping[str, tuple[Sequence[str], tuple[str, ...]]],
    ) -> None:
        """Read fields of sets about people, as far as they are granted."""
        wants, here = [], self.people.here
        for code, (names, numbers) in asked.items():
            right = best(rights.get(code, ()), names)
            if right is None:
                continue
            self.rights[code] = right
            granted = tuple(dict.fromkeys(name for name in names if name in right.fields))
            if granted and numbers and right.shape.subject:
                wants.append(Want(right, granted, right.shape.subject, numbers, (), right.last, here))
        self.read.update(Reading(self.actor, self.purpose).read(wants))

    def _lacking(self, columns: Sequence[Column]) -> tuple[str, ...]:
        """Return who has no value in some column that another set may fill."""
        found: set[str] = set()
        for column in columns:
            if column.asks == Asks.DATA and column.field in same():
                read = self.read.get(column.dataset)
                place = read.at(column.field_name) if read else -1
                rows = read.rows if read and place >= 0 else {}
                found.update(
                    one for one in self.people.numbers if one not in rows or rows[one][place] is None
                )
        return tuple(one for one in self.people.numbers if one in found)

    def _column(self, column: Column) -> Filled:
        count = len(self.people)
        if column.asks != Asks.DATA or not column.field:
            return self._own(column, count)
        code, name = column.dataset, column.field_name
        right = self.rights.get(code)
        if right is None or name not in right.fields:
            return Filled(column, code, State.NO_RIGHT, why=why_not(code, right), values=[""] * count)
        read = self.read.get(code)
        if read is None or read.down:
            state = State.MISSING if count == 0 or right.shape.subject is None else State.DOWN
            filled = Filled(column, code, state, values=[""] * count)
        else:
            filled = self._from(read, right, column)
        self._instead(filled)
        return filled

    def _from(self, read: Read, right: Right, column: Column) -> Filled:
        """Return a column filled from its own data set."""
        code, name = column.dataset, column.field_name
        mask = right.mask(name)
        state = State.STALE if code in self.late else State.KNOWN
        filled = Filled(column, code, state, self.days.get(code), mask)
        show, place, rows = self._shower(right, name, mask, column), read.at(name), read.rows
        absent = State.MISSING if code in _registers() else State.NONE
        none = (code, filled.as_of, absent)
        missing = (code, filled.as_of, State.MISSING)
        for at, number in enumerate(self.people.numbers):
            row = rows.get(number)
            value = "" if row is None else show(row[place])
            filled.values.append(value)
            if not value:
                filled.odd[at] = none if row is None else missing
            elif row is not None and row[-1] > 1:
                filled.many[at] = row[-1]
        return filled

    def _shower(self, right: Right, name: str, mask: str, column: Column) -> Callable[[Any], str]:
        """Return what writes a field's values in a column: as they are, or as whole years of age."""
        if column.derived == AGE and not mask:
            today = timezone.localdate(self.now)
            return lambda value: age(value, today)
        return shower(right.shape.field(name), mask, column.options)

    def _instead(self, filled: Filled) -> None:
        """Fill empty cells from sets that hold the same of a person, as far as they may be read."""
        others = same().get(filled.column.field, ())
        for other in others:
            code, _dot, name = other.partition(".")
            read, right = self.read.get(code), self.rights.get(code)
            if (
                read is None
                or read.down
                or right is None
                or read.at(name) < 0
                or right.mask(name) != filled.mask
            ):
                continue
            show = self._shower(right, name, filled.mask, filled.column)
            place = read.at(name)
            state = State.STALE if code in self.late else State.KNOWN
            for at, number in enumerate(self.people.numbers):
                row = None if filled.values[at] else read.rows.get(number)
                value = "" if row is None else show(row[place])
                if value:
                    filled.values[at] = value
                    filled.odd[at] = (code, self.days.get(code), state)

    def _own(self, column: Column, count: int) -> Filled:
        """Return a column that the sheet, the area or the filler fills."""
        texts = {
            Asks.AREA: area_words(self.node, column.derived),
            Asks.FILLER: self.actor.name,
            Asks.DATE: timezone.localdate(self.now).isoformat(),
        }
        day = timezone.localdate(self.now)
        if column.asks == Asks.SERIAL:
            return Filled(column, SHEET, State.KNOWN, day, values=[str(at + 1) for at in range(count)])
        if column.asks in texts:
            return Filled(column, SHEET, State.KNOWN, day, values=[texts[column.asks]] * count)
        state = State.BLANK if column.asks == Asks.FORMULA else State.MISSING
        return Filled(column, "", state, values=[""] * count)


def _registers() -> frozenset[str]:
    """Return the sets in which everybody who lives there should stand: nobody's absence means nothing."""
    return frozenset(one.dataset for one in homes())


def freshness(
    rights: Mapping[str, Right], read: Mapping[str, Read], now: datetime
) -> tuple[dict[str, date | None], set[str]]:
    """Return of which day the copies' rows are, and which of them are older than the catalogue promises."""
    days: dict[str, date | None] = {}
    late = set()
    for code, one in read.items():
        if one.down:
            continue
        dataset = rights[code].dataset
        moment = dataset.data_at if dataset.data_version <= one.version else one.copied_at
        days[code] = timezone.localdate(moment) if moment else None
        promised = PROMISED[dataset.update_cycle]
        if promised is not None and (moment is None or now > moment + promised):
            late.add(code)
    return days, late
