"""Rows of a sheet in memory: their keys, cells and counts. Pure but for the two statements that write many rows.

A person's row bears the person's token under a key of the round's own, so that two rounds' rows can't be laid beside
each other; who holds the round's seed (the database) can undo it, to keep answers for the next form.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import orjson
from django.db import connection

from citybrain.hub.forms.collecting.values import OWN_WORK, SAVED_WORK, Cell, CellState
from citybrain.hub.forms.columns import Asks, Column

AREA_ROW: Final = "area"  # the key of the one row of a sheet of figures
TYPED: Final = frozenset({Asks.DATA, Asks.COUNT, Asks.ANSWER})  # columns that somebody may have to fill
BY_HOUSE: Final = frozenset({Asks.FILLER, Asks.DATE})  # put in when the sheet is handed in
NEW_KEY: Final = re.compile(r"n[0-9a-f]{32}")
PERSON_KEY: Final = re.compile(r"p[0-9a-f]{32}")
_SOURCE, _DAY, _STATE, _STAMP = range(4)


@lru_cache(4096)
def _pad(seed: bytes) -> int:
    return int.from_bytes(hmac.new(seed, b"row", hashlib.sha256).digest()[:16])


def key_of(token: str, seed: bytes | memoryview) -> str:
    """Return the row's key of a person's token (32 hexadecimal digits) in the round with this seed."""
    return f"p{int(token, 16) ^ _pad(bytes(seed)):032x}"


def token_of(key: str, seed: bytes | memoryview) -> str:
    """Return the person's token of a row's key, "" for a row that is about nobody known."""
    return f"{int(key[1:], 16) ^ _pad(bytes(seed)):032x}" if PERSON_KEY.fullmatch(key) else ""


@dataclass(slots=True)
class Line:
    """A row as stored. `marks` by letter: source, day, state, stamp."""

    key: str
    position: int
    values: dict[str, str] = field(default_factory=dict)
    marks: dict[str, list[Any]] = field(default_factory=dict)
    removed: bool = False
    id: int | None = None

    @property
    def added(self) -> bool:
        return self.key.startswith("n")

    def cell(self, letter: str) -> Cell:
        """Return a cell as stored, without regard to rights."""
        mark = self.marks.get(letter)
        if mark is None:
            return Cell(self.values.get(letter, ""))
        return Cell(self.values.get(letter, ""), mark[_SOURCE], mark[_DAY] or "", mark[_STATE], mark[_STAMP])

    def put(self, letter: str, cell: Cell) -> None:
        """Store a cell; an empty value with nothing to say about it leaves nothing behind."""
        if cell.value:
            self.values[letter] = cell.value
        else:
            self.values.pop(letter, None)
        self.marks[letter] = [cell.source, cell.as_of, str(cell.state), cell.stamp]

    def touched(self) -> bool:
        """Return whether a person typed something into the row."""
        return self.added or any(mark[_STATE] == CellState.EDITED for mark in self.marks.values())


def typed(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Return the columns that data or people fill."""
    return tuple(column for column in columns if column.asks in TYPED)


def asked_for(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Return the columns whose empty cells count as missing: the required ones; all, where none is."""
    filled = typed(columns)
    return tuple(column for column in filled if column.required) or filled


def editable(column: Column) -> bool:
    return column.asks not in OWN_WORK


@dataclass(frozen=True, slots=True)
class Counts:
    """Cells of a row or a sheet."""

    cells: int = 0
    known: int = 0
    missing: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.cells + other.cells, self.known + other.known, self.missing + other.missing)

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(self.cells - other.cells, self.known - other.known, self.missing - other.missing)


def lacks(line: Line, letter: str) -> bool:
    """Return whether a cell is to be filled: empty, and not known to be nothing."""
    return not line.values.get(letter) and line.marks.get(letter, ("", "", "", 0))[_STATE] != CellState.NONE


def counted(line: Line, columns: Sequence[Column], asked: Sequence[Column]) -> Counts:
    """Return the counts of one row; nothing for one taken out. `asked` as by `asked_for`."""
    if line.removed:
        return Counts()
    known = sum(
        1
        for column in columns
        if column.asks in TYPED
        and line.values.get(column.letter)
        and line.marks.get(column.letter, ("", "", "", 0))[_STATE] in SAVED_WORK
    )
    missing = sum(1 for column in asked if lacks(line, column.letter))
    return Counts(sum(column.asks in TYPED for column in columns), known, missing)


def stored(rows: Iterable[Mapping[str, Any]]) -> list[Line]:
    """Return rows of the database (`.values(...)`) as lines."""
    return [
        Line(one["key"], one["position"], one["values"], one["marks"], one["removed"], one["id"])
        for one in rows
    ]


_ADD: Final = """
INSERT INTO forms_row (sheet_id, key, position, "values", marks, removed)
SELECT %s, k, p, v::jsonb, m::jsonb, r FROM unnest(%s::text[], %s::int[], %s::text[], %s::text[], %s::bool[])
    AS t(k, p, v, m, r)
"""
_CHANGE: Final = """
UPDATE forms_row SET position = p, "values" = v::jsonb, marks = m::jsonb, removed = r
FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::bool[]) AS t(i, p, v, m, r) WHERE id = i
"""


def _texts(lines: Sequence[Line]) -> list[list[Any]]:
    return [
        [line.position for line in lines],
        [orjson.dumps(line.values).decode() for line in lines],
        [orjson.dumps(line.marks).decode() for line in lines],
        [line.removed for line in lines],
    ]


def add(sheet_id: int, lines: Sequence[Line]) -> None:
    """Write new rows in one statement."""
    if lines:
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [sheet_id, [line.key for line in lines], *_texts(lines)])


def change(lines: Sequence[Line]) -> None:
    """Write changed rows in one statement."""
    if lines:
        with connection.cursor() as cursor:
            cursor.execute(_CHANGE, [[line.id for line in lines], *_texts(lines)])
