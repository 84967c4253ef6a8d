"""Figures of an area, counted from its live rosters: what a table with one row an area fills itself with.

A figure is as large as the roster that the same person may open; there is none where any set it depends on isn't
granted, or a field that decides is masked, for then it would be wrong without showing it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import Node
from citybrain.base.catalogue.conditions import Condition
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import refuse
from citybrain.hub.forms.access import FILL, REVIEW, ROSTERS
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.figures import Counted, UnknownFigure, counted, known, sex_of
from citybrain.hub.forms.knowing.cells import State
from citybrain.hub.forms.knowing.homes import homes
from citybrain.hub.forms.knowing.knowing import Known, freshness, know
from citybrain.hub.forms.knowing.people import LARGEST, People, residents
from citybrain.hub.forms.knowing.reading import Read, Reading, Want
from citybrain.hub.forms.knowing.rights import (
    HasId,
    Right,
    Shown,
    node_of,
    require_work,
    rights_of,
    why_not,
)
from citybrain.hub.forms.rosters.kinds import Member, roster
from citybrain.hub.forms.rosters.standing import standing, usable, want_of

JOINED: Final = "+"  # between the data sets of a figure, as its cell keeps them


@dataclass(frozen=True, slots=True)
class Need:
    """Fields of a data set without which a figure can't be told."""

    dataset: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One cell. `source` holds the codes of the data sets it is counted from, joined; no value unless it is whole."""

    value: str
    source: str
    as_of: date | None
    state: State
    why: str = ""


@dataclass
class Figures:
    """The figures of an area by letter; `versions` say of which version each set was read, under which grant."""

    cells: dict[str, Figure] = field(default_factory=dict)
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)


def asked(columns: Iterable[Column]) -> dict[str, Counted]:
    """Return what columns count by letter; a figure that there is no longer is left to who fills."""
    found = {}
    for column in columns:
        if column.asks == Asks.COUNT:
            try:
                found[column.letter] = counted(column.field)
            except UnknownFigure:
                continue
    return found


def codes_of(column: Column) -> tuple[str, ...]:
    """Return the data sets that a column's figure is counted from; none for any other column."""
    one = asked([column]).get(column.letter)
    return _codes(one) if one else ()


def needs(one: Counted, level: int) -> tuple[Need, ...]:
    """Return what must be granted, unmasked, to count a figure in an area of a level."""
    found = [Need(home.dataset, (home.place(level),)) for home in homes() if home.dataset in one.of.homes]
    for member in roster(one.of.roster).members:
        conditions = _conditions(one, member, timezone.now())
        place = next((home.place(level) for home in homes() if home.dataset == member.dataset), "")
        names = [each.field for each in conditions] + ([place] if member.here and place else [])
        if _total(one, member.dataset):
            names.append(_total(one, member.dataset))
        found.append(Need(member.dataset, tuple(dict.fromkeys(names))))
    for name in _attributes(one):
        code, _dot, of = name.partition(".")
        found.append(Need(code, (of,)))
    return tuple(found)


def _codes(one: Counted) -> tuple[str, ...]:
    return tuple(dict.fromkeys(need.dataset for need in needs(one, LARGEST)))


def _attributes(one: Counted) -> list[str]:
    """Return the fields that tell age and sex, as far as they are asked."""
    return [known().born] * one.asks_age + [known().sex] * bool(one.sex)


def _conditions(one: Counted, member: Member, now: datetime) -> tuple[Condition, ...]:
    """Return the roster's own conditions on a member's rows, and the figure's."""
    return (*member.conditions(timezone.localdate(now)), *one.of.where.get(member.dataset, ()))


def _total(one: Counted, code: str) -> str:
    """Return the field of a set that is added up, "" for none."""
    dataset, _dot, name = one.of.total.partition(".")
    return name if dataset == code else ""


def lacking(one: Counted, rights: Mapping[str, Sequence[Right]], level: int) -> str:
    """Return why a figure can't be counted under these rights, "" where it can."""
    for need in needs(one, level):
        listed = rights.get(need.dataset, ())
        if usable(listed, need.fields) is None:
            return why_not(need.dataset, listed[0] if listed else None)
    return ""


def shown(
    area: HasId | int, columns: Sequence[Column], now: datetime | None = None, office_id: int | None = None
) -> dict[str, Shown]:
    """Return by letter whether counted cells may be shown for an area now, under an office's own grants or any.

    Whoever calls has asked `require_work`, or acts for the office. One query; none where no column counts.
    """
    counting = [column for column in columns if column.asks == Asks.COUNT]
    if not counting:
        return {}
    wanted = asked(counting)
    rights = rights_of(area, {code for one in wanted.values() for code in _codes(one)}, now)
    if office_id is not None:
        rights = {
            code: [one for one in listed if one.grant.agency_id == office_id]
            for code, listed in rights.items()
        }
    level = node_of(area).level
    found = {column.letter: Shown(False) for column in counting}
    for letter, one in wanted.items():
        why = lacking(one, rights, level)
        found[letter] = Shown(not why, why=why)
    return found


def count(
    actor: Actor,
    area: HasId | int,
    columns: Sequence[Column],
    *,
    permissions: Sequence[str] = (ROSTERS, FILL, REVIEW),
    now: datetime | None = None,
    purpose: str = "",
) -> Figures:
    """Return the figures that columns ask for in an area of a street at most. Leaves receipts of what was read.

    Nothing is read for a figure that may not be told. Raises Forbidden; Refused above a street.
    """
    wanted = asked(columns)
    if not wanted:
        return Figures()
    node, moment = require_work(actor, area, permissions), now or timezone.now()
    if node.level < LARGEST:
        raise refuse("area", _("请选择街道、社区或网格，再查看人员。"))
    rights = rights_of(node, {code for one in wanted.values() for code in _codes(one)}, moment)
    whys = {letter: lacking(one, rights, node.level) for letter, one in wanted.items()}
    found = Figures(
        {
            letter: Figure("", _source(wanted[letter]), None, State.NO_RIGHT, why)
            for letter, why in whys.items()
            if why
        }
    )
    told = {letter: one for letter, one in wanted.items() if not whys[letter]}
    if told:
        people = residents(
            actor, node, permissions=permissions, now=moment, purpose=purpose or "forms.figures"
        )
        work = _Work(actor, node, people, rights, moment, purpose or "forms.figures")
        found.cells |= work.cells(told)
        found.versions = work.versions()
    return found


def _source(one: Counted) -> str:
    return JOINED.join(_codes(one))


def codes_in(source: str) -> list[str]:
    """Return the data sets that a cell's source names."""
    return source.split(JOINED) if source else []


_Key = tuple[str, str, str]


class _Work:
    """One counting: each reading of a set once, in as few looks as there are readings of the same set."""

    def __init__(
        self,
        actor: Actor,
        node: Node,
        people: People,
        rights: Mapping[str, Sequence[Right]],
        now: datetime,
        purpose: str,
    ) -> None:
        self.actor, self.node, self.people, self.now, self.purpose = actor, node, people, now, purpose
        self.rights = rights
        self.wants: dict[_Key, Want] = {}
        self.reads: dict[_Key, Read] = {}
        self.used: dict[str, tuple[Right, Read]] = dict(people.read)
        self.attributes: Known | None = None

    def cells(self, told: Mapping[str, Counted]) -> dict[str, Figure]:
        """Return the cells of figures that may be told."""
        keys = {letter: self._want(one) for letter, one in told.items()}
        self._read()
        who = {letter: self._who(listed) for letter, listed in keys.items()}
        self._know(told, who)
        rights = {code: right for code, (right, _read) in self.used.items()}
        days, late = freshness(rights, {code: read for code, (_r, read) in self.used.items()}, self.now)
        return {
            letter: self._cell(one, keys[letter], who[letter], days, late) for letter, one in told.items()
        }

    def versions(self) -> dict[str, dict[str, Any]]:
        """Return of which version each set was read, under which grant."""
        more = self.attributes.versions if self.attributes else {}
        own = {
            code: {"version": read.version, "at": self.now.isoformat(), "grant": right.policy.number}
            for code, (right, read) in self.used.items()
        }
        return {**more, **own}

    def _want(self, one: Counted) -> list[_Key]:
        """Keep the readings that a figure needs; return their keys."""
        keys = []
        for member in roster(one.of.roster).members:
            conditions = (
                *standing(member, self.node, self.now),
                *one.of.where.get(member.dataset, ()),
            )
            total = _total(one, member.dataset)
            fields = (total,) if total else ()
            right = usable(self.rights[member.dataset], [*fields, *(each.field for each in conditions)])
            if right is None:  # never so: see `lacking`
                raise LookupError(member.dataset)
            key = (member.dataset, str(conditions), total)
            self.wants[key] = want_of(right, conditions, self.people, *fields)
            keys.append(key)
        return keys

    def _read(self) -> None:
        left = dict(self.wants) if len(self.people) else {}
        while left:
            batch: dict[str, _Key] = {}
            for key in left:
                batch.setdefault(key[0], key)
            read = Reading(self.actor, self.purpose).read([left[key] for key in batch.values()])
            for code, key in batch.items():
                self.reads[key] = read[code]
                if not read[code].down:
                    self.used[code] = (left[key].right, read[code])
                del left[key]

    def _who(self, keys: Sequence[_Key]) -> People:
        """Return who stands on the roster."""
        read = [self.reads[key] for key in keys if key in self.reads]
        return self.people.with_numbers(number for one in read for number in one.rows)

    def _know(self, told: Mapping[str, Counted], who: Mapping[str, People]) -> None:
        """Read age and sex of all whose age or sex is asked, once."""
        names = dict.fromkeys(name for one in told.values() for name in _attributes(one))
        numbers = {
            number for letter, one in told.items() if _attributes(one) for number in who[letter].numbers
        }
        if names and numbers:
            columns = [Column(name, (name,), Asks.DATA, field=name) for name in names]
            people = self.people.with_numbers(numbers)
            self.attributes = know(self.actor, self.node, columns, people, now=self.now, purpose=self.purpose)

    def _cell(
        self, one: Counted, keys: Sequence[_Key], who: People, days: Mapping[str, date | None], late: set[str]
    ) -> Figure:
        codes, source = _codes(one), _source(one)
        columns = self.attributes.columns.values() if self.attributes and _attributes(one) else ()
        own = [column for column in columns if column.column.field in _attributes(one)]
        if any(column.state == State.NO_RIGHT or column.mask for column in own):
            return Figure("", source, None, State.NO_RIGHT)
        if self._is_down(one, keys) or any(column.state == State.DOWN for column in own):
            return Figure("", source, None, State.DOWN)
        number = self._number(one, keys, who)
        moments = [day for code in codes if (day := days.get(code)) is not None]
        as_of = min(moments, default=None)
        if number is None:
            return Figure("", source, as_of, State.MISSING)
        return Figure(str(number), source, as_of, State.STALE if late & set(codes) else State.KNOWN)

    def _is_down(self, one: Counted, keys: Sequence[_Key]) -> bool:
        read = (self.reads[key] for key in keys if key in self.reads)
        return any(self.people.not_asked.get(code) == "down" for code in one.of.homes) or any(
            each.down for each in read
        )

    def _number(self, one: Counted, keys: Sequence[_Key], who: People) -> int | None:
        """Return the figure; None where nobody is known to live here, or it can't be told of everybody."""
        if not len(self.people):
            return None
        if one.of.total:
            amounts = [
                row[self.reads[key].at(key[2])]
                for key in keys
                if key[2]
                for row in self.reads[key].rows.values()
            ]
            return None if any(each is None for each in amounts) else int(sum(amounts))
        if not _attributes(one) or not len(who):
            return len(who)
        held = self._held(one, who)
        return None if any(each is None for each in held) else sum(map(bool, held))

    def _held(self, one: Counted, who: People) -> list[bool | None]:
        """Return of each whether they are counted, None where it can't be told."""
        if self.attributes is None:
            return [None] * len(who)
        place = {token: at for at, token in enumerate(self.attributes.keys)}
        born, sexes = (
            self.attributes.columns[name].values if name in self.attributes.columns else None
            for name in (known().born, known().sex)
        )
        found = []
        for token in who.tokens:
            at = place[token]
            age = _age(born[at], timezone.localdate(self.now)) if born else None
            found.append(one.holds(age, sex_of(sexes[at]) if sexes else ""))
        return found


def _age(text: str, today: date) -> int | None:
    """Return whole years since a day (2026-11-21), None for none."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return today.year - day.year - ((today.month, today.day) < (day.month, day.day))
