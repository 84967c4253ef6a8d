"""Roll-up (汇总): the figures of all sheets that were handed in, added up by area, with nobody to be told from them.

A column of personal data is shown once every sheet has come in or the round has ended, so that two roll-ups can't be
taken from each other; then what is of fewer than k people is hidden, with what it could be worked out from
(see suppress). Whoever may read the detail can ask for exact figures.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from citybrain.base.areas.models import Area
from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.access import Forbidden, refusal, require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger import record
from citybrain.hub.forms.access import FILL, LEVELS, REVIEW, VIEW
from citybrain.hub.forms.collecting.looking import area_text
from citybrain.hub.forms.collecting.progress import may_see_all
from citybrain.hub.forms.collecting.rounds import OWED
from citybrain.hub.forms.collecting.sight import area_shown, may_issue, office_shown
from citybrain.hub.forms.collecting.suppress import Column as People
from citybrain.hub.forms.collecting.suppress import Units, conceal
from citybrain.hub.forms.collecting.totals import summed
from citybrain.hub.forms.columns import Asks, Column, Sums
from citybrain.hub.forms.knowing import rights
from citybrain.hub.forms.knowing.rights import Place, Shown
from citybrain.hub.forms.models import Round, RoundState, Shaped, Sheet
from citybrain.hub.forms.rosters import counting

TOTAL_WORDS: Final = re.compile(r"合\s*计|总\s*计|总数|小\s*计|共\s*计|总人|总户|^计$|^总")
EXTREMES: Final = frozenset({Sums.LEAST, Sums.MOST})


class FigureState(StrEnum):
    SHOWN = "shown"
    NONE = "none"  # nobody wrote anything
    HIDDEN = "hidden"  # of too few people, or one could be worked out from it
    PENDING = "pending"  # personal data: shown when all sheets are in or the round has ended


class Figure(NamedTuple):
    """A figure as it is shown; `text` is empty unless it is."""

    text: str = ""
    state: FigureState = FigureState.NONE


NOTHING: Final = Figure()
HIDDEN: Final = Figure(state=FigureState.HIDDEN)
PENDING: Final = Figure(state=FigureState.PENDING)


@dataclass(frozen=True, slots=True)
class RollupRow:
    """The figures of one area by letter. `handed_in` of `sheets` are in them."""

    area_id: int
    code: str
    name: str
    sheets: int
    handed_in: int
    figures: dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Rollup:
    """A roll-up by areas of one level, with the total over all of them."""

    columns: tuple[Column, ...]  # those that are added up
    shape: tuple[Column, ...]  # all of the form
    level: int
    rows: tuple[RollupRow, ...]
    total: RollupRow
    as_of: datetime
    pending: bool = False
    hidden: int = 0
    people_least: int = 5

    def book_rows(self) -> list[dict[str, str]]:
        """Return a row an area by letter, as `book.write` takes them. Formulas work themselves out of what is shown;
        what is hidden is written as *, which no formula can use. In a form that doesn't ask for the area, its name
        stands in the first column that nothing is added of.
        """
        return [self._book_row(row, place) for place, row in enumerate(self.rows, 1)]

    @property
    def _naming(self) -> str:
        if any(one.asks == Asks.AREA for one in self.shape):
            return ""
        plain = (
            one for one in self.shape if one.asks in {Asks.DATA, Asks.ANSWER} and one not in self.columns
        )
        return next((one.letter for one in plain), "")

    def _book_row(self, row: RollupRow, place: int) -> dict[str, str]:
        found = {}
        for column in self.shape:
            if column.asks == Asks.SERIAL:
                found[column.letter] = str(place)
            elif column.asks == Asks.AREA:
                found[column.letter] = area_text(row.area_id, column.derived)
            elif column.letter in row.figures:
                figure = row.figures[column.letter]
                hidden = figure.state in {FigureState.HIDDEN, FigureState.PENDING}
                found[column.letter] = "*" if hidden else figure.text
            elif column.letter == self._naming:
                found[column.letter] = area_text(row.area_id, "")
        return {letter: text for letter, text in found.items() if text}


@dataclass
class _Added:
    """Texts of figures, and counts of sheets, by area of the level asked and over all (None)."""

    figures: dict[int | None, Sequence[str | None]] = field(default_factory=dict)
    sheets: dict[int | None, tuple[int, int]] = field(default_factory=dict)


def rollup(
    actor: Actor,
    round_: Round,
    level: int = 3,
    *,
    within: Area | None = None,
    exact: bool = False,
    now: datetime | None = None,
) -> Rollup:
    """Return the figures of the sheets handed in (reviewed or accepted), by areas of a level within one area.

    `exact` shows figures of few people for columns whose detail the actor may read, and is written down. Four queries
    at most besides those of rights. Raises Forbidden.
    """
    outer = outer_area(actor, round_, within)
    level = max(outer.level, min(level, round_.level))
    shape = round_.version.shape
    columns = summed(shape)
    moment = now or timezone.now()
    added = _added(round_, level, outer, columns)
    personal = [column for column in columns if column.personal != "none"]
    if exact:
        readable = detail(actor, round_, outer, personal, moment)
        personal = [column for column in personal if column.letter not in readable]
        body = {"area": outer.code, "level": level, "letters": sorted(readable)}
        record(actor.key, "forms.rollup_exactly", f"round:{round_.number}", body)
    pending = bool(personal) and not _is_settled(round_)
    hidden = {} if pending else _hidden(round_, personal)
    letters = {column.letter for column in personal}
    made = _Made(added, [_Line(column, column.letter in letters, pending, hidden) for column in columns])
    nodes = [tree().get(area_id) for area_id in added.sheets if area_id is not None]
    found = tuple(made.row(node, node.id) for node in sorted(nodes, key=lambda node: node.code))
    return Rollup(
        columns, shape, level, found, made.row(outer, None), moment, pending, made.count,
        settings.FORMS_PEOPLE_LEAST,
    )  # fmt: skip


def outer_area(actor: Actor, round_: Round, within: Area | None) -> Node:
    """Return the area the actor may roll up: that asked for, else all, else the one the actor works in.

    Only a whole area within the actor's right, never a choice of areas. Raises Forbidden.
    """
    areas = tree()
    root = areas.get(round_.root_id)
    if may_see_all(actor, round_):
        return areas.get(within.pk) if within is not None and areas.contains(root.id, within.pk) else root
    if within is not None and areas.contains(root.id, within.pk):
        return rights.require_work(actor, within.pk, (REVIEW, FILL, VIEW))
    for permission in (REVIEW, VIEW, FILL):
        for hat in actor.hats_with(permission):
            if hat.reach == "area" and hat.area_id is not None:
                if areas.contains(root.id, hat.area_id):
                    return areas.get(hat.area_id)
                if areas.contains(hat.area_id, root.id):
                    return root
    raise refusal(actor, VIEW, Place(root))


def _expression(column: Column) -> tuple[str, list[Any]]:
    """Return the SQL text of a column's figure over the sheets of a group, and its parameters. Means: two decimals."""
    cells, whole, least, most = ([column.letter, str(at)] for at in range(4))
    number = "(s.totals #>> %s::text[])::numeric"
    match column.sums:
        case Sums.COUNT:
            return f"sum({number})::text", [cells]
        case Sums.MEAN:
            return f"trim_scale(round(sum({number}) / nullif(sum({number}), 0), 2))::text", [whole, cells]
        case Sums.LEAST:
            return f"trim_scale(min({number}))::text", [least]
        case Sums.MOST:
            return f"trim_scale(max({number}))::text", [most]
        case _:
            return f"trim_scale(sum({number}))::text", [whole]


def _added(round_: Round, level: int, outer: Node, columns: Sequence[Column]) -> _Added:
    area = LEVELS[level - 1]
    where = f"s.round_id = %s AND s.{LEVELS[outer.level - 1]} = ANY(%s)"
    params: list[Any] = [round_.pk, list(tree().scope_ids(outer.id))]
    grouped = f"GROUP BY GROUPING SETS ((s.{area}), ()) ORDER BY grouping(s.{area})"
    found = _Added()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.{area}, count(*), count(*) FILTER (WHERE s.state IN ('reviewed', 'accepted'))"  # noqa: S608
            f" FROM forms_sheet s WHERE {where} {grouped}",
            params,
        )
        found.sheets = {area_id: (sheets, handed_in) for area_id, sheets, handed_in in cursor.fetchall()}
        if columns:
            texts = [_expression(column) for column in columns]
            cursor.execute(
                f"SELECT s.{area}, {', '.join(sql for sql, _given in texts)} FROM forms_sheet s"  # noqa: S608
                f" WHERE {where} AND s.state IN ('reviewed', 'accepted') AND s.totals IS NOT NULL {grouped}",
                [*(one for _sql, given in texts for one in given), *params],
            )
            found.figures = {row[0]: row[1:] for row in cursor.fetchall()}
    return found


def _is_settled(round_: Round) -> bool:
    """Return whether the figures won't grow any more: every sheet is in, or the round has ended and all are decided."""
    undecided = Q(state="submitted") | Q(state__in=OWED, round__state=RoundState.OPEN)
    return not Sheet.objects.filter(undecided, round=round_).exists()


def detail(
    actor: Actor, round_: Round, outer: Node, columns: Iterable[Column], now: datetime
) -> frozenset[str]:
    """Return the letters whose every cell the actor may read, whole, over an area."""
    wanted = list(columns)
    try:
        shown = area_shown(actor, outer.id, wanted, now)
    except Forbidden:
        shown = office_shown(round_, outer.id, wanted, now) if may_issue(actor, round_) else {}
    nothing = Shown(False)
    return frozenset(
        column.letter
        for column in wanted
        if shown.get(column.letter, nothing).allowed and not shown.get(column.letter, nothing).mask
    )


def _hidden(round_: Round, personal: Sequence[Column]) -> dict[str, set[int | None]]:
    """Return by letter the areas (None: the whole round) whose figure is hidden; the same whoever asks, and how."""
    wanted = [column for column in personal if column.sums not in EXTREMES]
    if not wanted:
        return {}
    units, places, columns = _people(round_, wanted)
    found = conceal(units, columns, settings.FORMS_PEOPLE_LEAST, linked(wanted))
    return {
        letter: {area_id for area_id, place in places.items() if place in hidden}
        for letter, hidden in found.items()
    }


def _people(
    round_: Round, wanted: Sequence[Column]
) -> tuple[Units, dict[int | None, int], dict[str, People]]:
    """Return the round's areas as a tree, their places, and the people behind each column's figure."""
    areas = tree()
    root = areas.get(round_.root_id)
    levels = [LEVELS[level - 1] for level in range(root.level + 1, round_.level + 1)]
    people = ", ".join("coalesce((s.totals #>> %s::text[])::bigint, 0)" for _column in wanted)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {''.join(f's.{name}, ' for name in levels)}s.rows_count, {people}"  # noqa: S608 columns only
            " FROM forms_sheet s WHERE s.round_id = %s AND s.state IN ('reviewed', 'accepted')"
            " AND s.totals IS NOT NULL ORDER BY s.id",
            [*([column.letter, "4"] for column in wanted), round_.pk],
        )
        stored = cursor.fetchall()
    units, places, width = Units(), {None: 0, root.id: 0}, len(levels)
    at = [_place(units, places, row[:width]) for row in stored]
    rosters = round_.form.shaped == Shaped.ROSTER
    columns = {}
    for order, column in enumerate(wanted, width + 1):
        told = [
            (row[order], row[width] - row[order] if rosters and column.sums == Sums.COUNT else 0)
            for row in stored
        ]
        columns[column.letter] = _column(units, at, told)
    return units, places, columns


def _place(units: Units, places: dict[int | None, int], lineage: Iterable[int | None]) -> int:
    """Return the place of an area, made with those above it where it is new; levels it hasn't are left out."""
    place = 0
    for area_id in lineage:
        if area_id is None:
            continue
        known = places.get(area_id)
        if known is None:
            known = places[area_id] = units.add(place)
        place = known
    return place


def _column(units: Units, at: Sequence[int], told: Sequence[tuple[int, int]]) -> People:
    """Return (people, rest) of each sheet added up over the tree."""
    count = len(units.below)
    found = People([0] * count, [0] * count)
    for place, (people, rest) in zip(at, told, strict=True):
        found.people[place] += people
        found.rest[place] += max(0, rest)
    for place in range(count - 1, -1, -1):
        for below in units.below[place]:
            found.people[place] += found.people[below]
            found.rest[place] += found.rest[below]
    return found


def linked(columns: Sequence[Column]) -> list[list[str]]:
    """Return groups of columns that may add up to each other: under one header, every total with all, parts of one
    figure.
    """
    groups: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    counted = _counted(columns)
    totals = [column.letter for column in columns if TOTAL_WORDS.search(column.name)]
    for column in columns:
        groups[column.path[:-1]].append(column.letter)
    if totals:
        return [[column.letter for column in columns]] if len(columns) > 1 else []
    return [letters for path, letters in groups.items() if path and len(letters) > 1] + counted


def _counted(columns: Sequence[Column]) -> list[list[str]]:
    """Return groups of counted columns where one is a part of another: of one figure, or of a wider one."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for letter, one in counting.asked(columns).items():
        for key in (one.figure, *one.of.within):
            groups[key].append(letter)
    return [letters for letters in groups.values() if len(letters) > 1]


class _Line:
    """What may be shown of one column: nothing yet, nothing at all, or all but the hidden areas."""

    def __init__(
        self, column: Column, personal: bool, pending: bool, hidden: Mapping[str, set[int | None]]
    ) -> None:
        self.letter = column.letter
        self.hidden = hidden.get(column.letter, set()) if personal else set()
        self.always: Figure | None = None
        if personal:
            self.always = PENDING if pending else HIDDEN if column.sums in EXTREMES else None


@dataclass
class _Made:
    """Writes rows: what may be shown, and how many figures weren't."""

    added: _Added
    lines: Sequence[_Line]
    count: int = 0

    def row(self, node: Node, key: int | None) -> RollupRow:
        sheets, handed_in = self.added.sheets.get(key, (0, 0))
        texts = self.added.figures.get(key) or [None] * len(self.lines)
        figures = {}
        for line, text in zip(self.lines, texts, strict=True):
            if line.always is not None:
                figure = line.always
            elif node.id in line.hidden:
                figure = HIDDEN
            else:
                figure = Figure(text, FigureState.SHOWN) if text else NOTHING
            self.count += figure is HIDDEN
            figures[line.letter] = figure
        return RollupRow(node.id, node.code, node.name, sheets, handed_in, figures)


def may_roll_up(actor: Actor, round_: Round) -> bool:
    """Return whether the actor may roll the round up at all."""
    try:
        outer_area(actor, round_, None)
    except Forbidden:
        return False
    return True


def require_detail(actor: Actor, round_: Round, within: Area | None) -> Node:
    """Return the area whose handed-in rows the actor may read one by one: the office's, a reviewer's own.

    Raises Forbidden for who may only look at figures.
    """
    areas = tree()
    if may_issue(actor, round_):
        return areas.get(within.pk if within is not None else round_.root_id)
    outer = outer_area(actor, round_, within)
    require(actor, REVIEW, Place(outer))
    return outer
