"""The cell table of an old worksheet: rows and cells taken apart, some written anew, put together again.

Indexes of rows (INDEX, DBCELL) are left out of a sheet that changes; Excel makes them when it saves.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from citybrain.hub.forms.book.sheet import serial
from citybrain.hub.forms.book.table import Value
from citybrain.hub.forms.book.xls.records import BOF, CONTINUE, EOF, Record, joined, records

DIMENSIONS, INDEX, ROW, DBCELL, COLINFO, MERGED = 0x0200, 0x020B, 0x0208, 0x00D7, 0x007D, 0x00E5
BLANK, MULBLANK, NUMBER, RK, MULRK = 0x0201, 0x00BE, 0x0203, 0x027E, 0x00BD
LABELSST, LABEL, RSTRING, BOOLERR, FORMULA = 0x00FD, 0x0204, 0x00D6, 0x0205, 0x0006
STRING, SHRFMLA, ARRAY, TABLE = 0x0207, 0x04BC, 0x0221, 0x0236
CELLS: Final = frozenset({BLANK, MULBLANK, NUMBER, RK, MULRK, LABELSST, LABEL, RSTRING, BOOLERR, FORMULA})
BEHIND: Final = frozenset({STRING, SHRFMLA, ARRAY, TABLE, CONTINUE})
USUAL_STYLE: Final = 15
BLOCK: Final = 32
LETTERS: Final = 32_767
LAST_ROW: Final = 65_536
ALWAYS: Final = 0x0001
TEXT, SPECIAL, NOTHING = b"\0", b"\xff\xff", b"\x03\0\0\0\0\0\xff\xff"  # 2.5.133 (FormulaValue)


@dataclass
class Cell:
    """One or several cells beside each other (blank or number), and the records behind a formula."""

    first: int
    last: int
    told: list[Record]

    @property
    def formula(self) -> bool:
        return self.told[0].op == FORMULA


def _first(cell: Cell) -> int:
    return cell.first


@dataclass
class Grid:
    """A worksheet's records: those before its cells, its rows and cells by row (from 0), those after."""

    before: list[Record] = field(default_factory=list)
    rows: dict[int, bytes] = field(default_factory=dict)
    cells: dict[int, list[Cell]] = field(default_factory=dict)
    after: list[Record] = field(default_factory=list)
    rest: bytes = b""

    def cell(self, row: int, column: int) -> Cell | None:
        """Return the cell at a place."""
        cells = self.cells.get(row, [])
        at = bisect_right(cells, column, key=_first) - 1
        return cells[at] if at >= 0 and cells[at].last >= column else None

    def style(self, row: int, column: int) -> int:
        """Return a cell's style, or the one it would have: its row's, its column's, the usual one."""
        one = self.cell(row, column)
        if one is not None:
            at = 4 if one.first == one.last and one.told[0].op not in {MULBLANK, MULRK} else None
            if at is None:
                step = 2 if one.told[0].op == MULBLANK else 6
                at = 4 + (column - one.first) * step
            return int(struct.unpack_from("<H", one.told[0].data, at)[0])
        known = self.rows.get(row)
        if known is not None and known[12] & 0x80:
            return int(struct.unpack_from("<H", known, 14)[0]) & 0x0FFF
        for told in self.before:
            if told.op == COLINFO:
                first, last, _, style = struct.unpack_from("<HHHH", told.data)
                if first <= column <= last:
                    return int(style)
        return USUAL_STYLE

    def merged(self) -> list[tuple[int, int, int, int]]:
        """Return the merged cells as (first row, last row, first column, last column), from 0."""
        found: list[tuple[int, int, int, int]] = []
        for one in self.after:
            if one.op == MERGED:
                count = struct.unpack_from("<H", one.data)[0]
                found += [struct.unpack_from("<HHHH", one.data, 2 + 8 * i) for i in range(count)]
        return found

    def put(self, row: int, column: int, record: Record) -> None:
        """Write a cell, taking apart the ones it lay among."""
        cells = self.cells.setdefault(row, [])
        at = bisect_right(cells, column, key=_first)
        new = [Cell(column, column, [record])]
        if at and cells[at - 1].last >= column:
            at -= 1
            new += apart(cells.pop(at), row, column)
        cells[at:at] = sorted(new, key=_first)

    def used(self) -> tuple[int, int, int, int]:
        """Return (first row, row after the last, first column, column after the last) that hold cells."""
        rows = [row for row, cells in self.cells.items() if cells] or [0]
        firsts = [cells[0].first for cells in self.cells.values() if cells]
        lasts = [cells[-1].last + 1 for cells in self.cells.values() if cells]
        return min(rows), max(rows) + 1, min(firsts, default=0), max(lasts, default=0)

    def raw(self) -> bytes:
        """Return the sheet's records."""
        top, bottom, left, right = self.used()
        before = [_dimensions(one, top, bottom, left, right) for one in self.before if one.op != INDEX]
        return joined([*before, *self._table(), *self.after]) + self.rest

    def _table(self) -> Iterator[Record]:
        numbers = sorted({*self.rows, *(row for row, cells in self.cells.items() if cells)})
        for at in range(0, len(numbers), BLOCK):
            block = numbers[at : at + BLOCK]
            for row in block:
                yield Record(ROW, self._row(row))
            for row in block:
                for cell in self.cells.get(row, ()):
                    yield from cell.told

    def _row(self, row: int) -> bytes:
        known = self.rows.get(row) or struct.pack("<HHHHHHHH", row, 0, 0, 0x00FF, 0, 0, 0x0100, 0x000F)
        _, left, right = struct.unpack_from("<HHH", known)
        cells = self.cells.get(row)
        if cells:
            empty = left >= right
            left = cells[0].first if empty else min(left, cells[0].first)
            right = cells[-1].last + 1 if empty else max(right, cells[-1].last + 1)
        return struct.pack("<HHH", row, left, right) + known[6:]


def _dimensions(one: Record, top: int, bottom: int, left: int, right: int) -> Record:
    if one.op != DIMENSIONS:
        return one
    known = struct.unpack_from("<IIHH", one.data)
    if known[0] >= known[1]:
        return Record(one.op, struct.pack("<IIHH", top, bottom, left, right) + one.data[12:])
    told = (min(known[0], top), max(known[1], bottom), min(known[2], left), max(known[3], right))
    return Record(one.op, struct.pack("<IIHH", *told) + one.data[12:])


def apart(one: Cell, row: int, column: int) -> list[Cell]:
    """Return the cells to both sides of a column, of blanks or numbers that were told together."""
    op, data = one.told[0]
    if op not in {MULBLANK, MULRK}:
        return []
    step = 2 if op == MULBLANK else 6
    told = [data[4 + i * step : 4 + (i + 1) * step] for i in range(one.last - one.first + 1)]
    parts = [(one.first, told[: column - one.first]), (column + 1, told[column - one.first + 1 :])]
    made: list[Cell] = []
    for first, items in parts:
        if len(items) == 1:
            single = Record(BLANK if op == MULBLANK else RK, struct.pack("<HH", row, first) + items[0])
            made.append(Cell(first, first, [single]))
        elif items:
            last = first + len(items) - 1
            raw = struct.pack("<HH", row, first) + b"".join(items) + struct.pack("<H", last)
            made.append(Cell(first, last, [Record(op, raw)]))
    return made


def grid(part: bytes) -> Grid:
    """Return a worksheet's records, taken apart."""
    made = Grid()
    depth = 0
    size = 0
    begun = False
    previous: Cell | None = None
    for one in records(part):
        size += 4 + len(one.data)
        depth += (one.op == BOF) - (one.op == EOF)
        if depth == 1 and one.op in CELLS:
            begun, previous = True, _cell(made, one)
        elif depth == 1 and one.op == ROW:
            begun = True
            made.rows[struct.unpack_from("<H", one.data)[0]] = one.data
        elif depth == 1 and previous is not None and one.op in BEHIND:
            previous.told.append(one)
        elif depth == 1 and one.op == DBCELL:
            previous = None
        else:
            (made.after if begun else made.before).append(one)
            previous = None
        if not depth:
            break
    made.rest = part[size:]
    for cells in made.cells.values():
        cells.sort(key=_first)
    return _settled(made)


def _settled(made: Grid) -> Grid:
    """A sheet without cells keeps its end behind where they will come: after the size of the table."""
    if made.rows or made.cells or made.after:
        return made
    at = next((i for i, one in enumerate(made.before) if one.op == DIMENSIONS), len(made.before) - 2) + 1
    made.before, made.after = made.before[:at], made.before[at:]
    return made


def _cell(made: Grid, one: Record) -> Cell:
    row, first = struct.unpack_from("<HH", one.data)
    last = struct.unpack_from("<H", one.data, len(one.data) - 2)[0] if one.op in {MULBLANK, MULRK} else first
    cell = Cell(first, last, [one])
    made.cells.setdefault(row, []).append(cell)
    return cell


@dataclass
class Texts:
    """Texts to be added to those the sheets share; the first one's number is `first`."""

    first: int
    numbers: dict[str, int] = field(default_factory=dict)
    uses: int = 0

    def number(self, text: str) -> int:
        """Return a text's number."""
        self.uses += 1
        return self.numbers.setdefault(text, self.first + len(self.numbers))


def record(row: int, column: int, style: int, value: Value, texts: Texts, from_1904: bool) -> Record:
    """Return a cell's record; a text takes its number from `texts`, which grows."""
    head = struct.pack("<HHH", row, column, style)
    if value is None or value == "":
        return Record(BLANK, head)
    if isinstance(value, bool):
        return Record(BOOLERR, head + bytes((value, 0)))
    if isinstance(value, date):
        return Record(NUMBER, head + struct.pack("<d", float(serial(value, from_1904))))
    if isinstance(value, str):
        return Record(LABELSST, head + struct.pack("<I", texts.number(value[:LETTERS])))
    return Record(NUMBER, head + struct.pack("<d", float(value)))


def calculated(part: bytes) -> bytes:
    """Return a sheet whose formulas are to be worked out when it is opened; nothing changes its length.

    Their saved results are those of the form as it came. Numbers become empty texts, as programs that only read would
    show them; a text stands in a record of its own and stays.
    """
    told = bytearray(part)
    at = 0
    for one in records(part):
        if one.op == FORMULA and len(one.data) >= 22:
            told[at + 4 + 14] |= ALWAYS
            if one.data[6:7] != TEXT or one.data[12:14] != SPECIAL:
                told[at + 10 : at + 18] = NOTHING
        at += 4 + len(one.data)
    return bytes(told)
