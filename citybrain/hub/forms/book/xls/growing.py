"""Rows put into an old worksheet below the last prepared row of a form; the counterpart of `book.growing` for .xls."""

import struct
from collections.abc import Callable, Iterator
from typing import Final

from citybrain.hub.forms.book.sheet import letters_of
from citybrain.hub.forms.book.table import NotTaken
from citybrain.hub.forms.book.xls.cells import (
    ARRAY,
    BLANK,
    FORMULA,
    MERGED,
    MULBLANK,
    MULRK,
    SHRFMLA,
    STRING,
    TABLE,
    Cell,
    Grid,
)
from citybrain.hub.forms.book.xls.records import (
    EXTERNSHEET,
    NAME,
    SUPBOOK,
    Book,
    Record,
    Tab,
    joined,
    records,
)
from citybrain.hub.forms.book.xls.tokens import EXP, Growth, Unknown, copied, unshared

NOTE, HLINK, BREAKS, DV, CONDFMT, CF, DRAWING, PIVOT, CHART = (
    0x001C, 0x01B8, 0x001B, 0x01BE, 0x01B0, 0x01B1, 0x00EC, 0x00B0, 0x1051,
)  # fmt: skip
NEWER_FORMATS: Final = frozenset({0x0879, 0x087A})
ANCHOR: Final = b"\x00\x00\x10\xf0\x12\x00\x00\x00"
INSIDE: Final = 0x0401
MERGES_MOST: Final = 1027
HEAD: Final = 20


def grow(book: Book, tab: Tab, sheet: Grid, begins: int, after: int, by: int) -> dict[int, bytes]:
    """Put `by` rows after row `after` (from 1) into a sheet; return the other sheets that change by it.

    Also changes the workbook's names. Raises NotTaken where something can't follow.
    """
    growth = Growth(begins - 1, after - 1, by, _ours(book, tab))
    shared = _shared(sheet)
    rows: dict[int, list[Cell]] = {}
    for row, cells in sheet.cells.items():
        rows[growth.row(row)] = [_moved(one, row, growth, shared) for one in cells]
    sheet.cells = rows
    sheet.rows = {growth.row(row): told for row, told in sheet.rows.items()}
    _new_rows(sheet, growth)
    sheet.after = list(_after(sheet.after, growth))
    sheet.before = list(_after(sheet.before, growth))
    book.main = [Record(NAME, _name(one.data, growth)) if one.op == NAME else one for one in book.main]
    return {start: _pointing(part, growth) for start, part in book.parts.items() if start != tab.at}


def _ours(book: Book, tab: Tab) -> Callable[[int], bool]:
    """Return whether a number of EXTERNSHEET means the sheet."""
    books = [one.data for one in book.main if one.op == SUPBOOK]
    told = next((one.data for one in book.main if one.op == EXTERNSHEET), b"\0\0")
    at = book.tabs.index(tab)
    found: set[int] = set()
    for i in range(struct.unpack_from("<H", told)[0]):
        of, first, last = struct.unpack_from("<HHH", told, 2 + 6 * i)
        inside = of < len(books) and struct.unpack_from("<H", books[of], 2)[0] == INSIDE
        if inside and first == last == at:
            found.add(i)
    return lambda number: number in found


def _shared(sheet: Grid) -> dict[tuple[int, int], bytes]:
    """Return the tokens of shared formulas by the cell that tells them."""
    found: dict[tuple[int, int], bytes] = {}
    for cells in sheet.cells.values():
        for cell in cells:
            for one in cell.told[1:]:
                if one.op == SHRFMLA:
                    row, column = struct.unpack_from("<HH", cell.told[0].data)
                    size = struct.unpack_from("<H", one.data, 8)[0]
                    found[(row, column)] = one.data[10 : 10 + size]
    return found


def _refused(row: int, column: int) -> NotTaken:
    return NotTaken("grow_formula", reference=f"{letters_of(column)}{row + 1}")


def _moved(cell: Cell, row: int, growth: Growth, shared: dict[tuple[int, int], bytes]) -> Cell:
    """Return a cell where it stands now, its formula moved; shared formulas become the cells' own."""
    first = cell.told[0]
    data = struct.pack("<H", growth.row(row)) + first.data[2:]
    if first.op != FORMULA:
        return Cell(cell.first, cell.last, [Record(first.op, data), *cell.told[1:]])
    if any(one.op == TABLE for one in cell.told):
        raise NotTaken("grow_data_table", reference=f"{letters_of(cell.first)}{row + 1}")
    size = struct.unpack_from("<H", data, HEAD)[0]
    raw, extra = data[HEAD + 2 : HEAD + 2 + size], data[HEAD + 2 + size :]
    in_rows = growth.begins <= row <= growth.after
    behind = [one for one in cell.told[1:] if one.op != SHRFMLA]
    try:
        if raw[:1] == bytes((EXP,)):
            origin = struct.unpack_from("<HH", raw, 1)
            if origin in shared:
                raw = unshared(shared[origin], row, cell.first)
                data = (
                    data[:14] + struct.pack("<H", struct.unpack_from("<H", data, 14)[0] & ~0x0008) + data[16:]
                )
            else:
                raw = raw[:1] + struct.pack("<H", growth.row(origin[0])) + raw[3:]
        raw = growth.formula(raw, here=True, in_rows=in_rows)
        behind = [_array(one, growth) if one.op == ARRAY else one for one in behind]
    except Unknown as unknown:
        raise _refused(row, cell.first) from unknown
    told = data[:HEAD] + struct.pack("<H", len(raw)) + raw + extra
    return Cell(cell.first, cell.last, [Record(FORMULA, told), *behind])


def _array(one: Record, growth: Growth) -> Record:
    top, bottom = (growth.row(row) for row in struct.unpack_from("<HH", one.data))
    size = struct.unpack_from("<H", one.data, 12)[0]
    raw = growth.formula(one.data[14 : 14 + size], here=True)
    return Record(ARRAY, struct.pack("<HH", top, bottom) + one.data[4:14] + raw + one.data[14 + size :])


def _new_rows(sheet: Grid, growth: Growth) -> None:
    """Put in the rows: height, styles and formulas of the last prepared one, no values."""
    if growth.after < growth.begins:
        return
    like = sheet.cells.get(growth.after, [])
    height = sheet.rows.get(growth.after)
    for down in range(1, growth.by + 1):
        row = growth.after + down
        if height is not None:
            sheet.rows[row] = height
        if like:
            sheet.cells[row] = [_like(one, row, down) for one in like]


def _like(cell: Cell, row: int, down: int) -> Cell:
    op, data = cell.told[0]
    head = struct.pack("<H", row)
    if op == FORMULA:
        size = struct.unpack_from("<H", data, HEAD)[0]
        raw = data[HEAD + 2 : HEAD + 2 + size]
        if raw[:1] != bytes((EXP,)):
            told = head + data[2 : HEAD + 2] + copied(raw, down) + data[HEAD + 2 + size :]
            behind = [one for one in cell.told[1:] if one.op == STRING]
            return Cell(cell.first, cell.last, [Record(FORMULA, told), *behind])
    if op == MULBLANK:
        return Cell(cell.first, cell.last, [Record(op, head + data[2:])])
    if op == MULRK:
        styles = b"".join(data[4 + 6 * i : 6 + 6 * i] for i in range(cell.last - cell.first + 1))
        raw = head + data[2:4] + styles + struct.pack("<H", cell.last)
        return Cell(cell.first, cell.last, [Record(MULBLANK, raw)])
    return Cell(cell.first, cell.last, [Record(BLANK, head + data[2:6])])


def _after(told: list[Record], growth: Growth) -> Iterator[Record]:
    """Yield the records around the cells where they belong now."""
    base = 0
    for one in told:
        if one.op in NEWER_FORMATS:
            raise NotTaken("grow_formula", reference="")
        if one.op == PIVOT and struct.unpack_from("<H", one.data, 2)[0] > growth.after:
            raise NotTaken("grow_pivot")
        if one.op == CONDFMT:
            base = struct.unpack_from("<H", one.data, 14)[0]
        if one.op == MERGED:
            yield from _merged(one.data, growth)
            continue
        change = _CHANGES.get(one.op)
        try:
            yield Record(one.op, change(one.data, growth, base)) if change else one
        except Unknown as unknown:
            raise NotTaken("grow_formula", reference="") from unknown


def _merged(data: bytes, growth: Growth) -> Iterator[Record]:
    """Yield the merged cells moved, those of the last prepared row also in every new one."""
    made: list[bytes] = []
    for i in range(struct.unpack_from("<H", data)[0]):
        top, bottom, left, right = struct.unpack_from("<HHHH", data, 2 + 8 * i)
        if top == bottom == growth.after >= growth.begins:
            made += [struct.pack("<HHHH", row, row, left, right) for row in range(top, top + growth.by + 1)]
            continue
        if growth.begins < top <= growth.after <= bottom:
            area = f"{letters_of(left)}{top + 1}:{letters_of(right)}{bottom + 1}"
            raise NotTaken("grow_merged", reference=area)
        made.append(struct.pack("<HHHH", *growth.covering(top, bottom), left, right))
    for at in range(0, len(made), MERGES_MOST):
        part = made[at : at + MERGES_MOST]
        yield Record(MERGED, struct.pack("<H", len(part)) + b"".join(part))


def _ranges(data: bytes, at: int, growth: Growth) -> bytes:
    """Return ranges moved, their count standing at `at`."""
    told = bytearray(data)
    for i in range(struct.unpack_from("<H", data, at)[0]):
        place = at + 2 + 8 * i
        struct.pack_into("<HH", told, place, *growth.covering(*struct.unpack_from("<HH", data, place)))
    return bytes(told)


def _condition(data: bytes, growth: Growth, _: int) -> bytes:
    bound = struct.pack("<HH", *growth.covering(*struct.unpack_from("<HH", data, 4)))
    return _ranges(data[:4] + bound + data[8:], 12, growth)


def _format(data: bytes, growth: Growth, base: int) -> bytes:
    one, other = struct.unpack_from("<HH", data, 2)
    at = len(data) - one - other
    first = growth.shared(data[at : at + one], range(base, base + 1), in_rows=False)
    second = growth.shared(data[at + one :], range(base, base + 1), in_rows=False)
    return data[:at] + first + second


def _validation(data: bytes, growth: Growth, _: int) -> bytes:
    at = 4
    for _text in range(4):
        count = struct.unpack_from("<H", data, at)[0]
        at += 3 + count * (2 if data[at + 2] & 1 else 1)
    first = struct.unpack_from("<H", data, at)[0]
    second = struct.unpack_from("<H", data, at + 4 + first)[0]
    ranges = at + 8 + first + second
    base = struct.unpack_from("<H", data, ranges + 2)[0]
    one = growth.shared(data[at + 4 : at + 4 + first], range(base, base + 1), in_rows=False)
    other = growth.shared(data[ranges - second : ranges], range(base, base + 1), in_rows=False)
    return (
        data[: at + 4]
        + one
        + data[at + 4 + first : ranges - second]
        + other
        + _ranges(data[ranges:], 0, growth)
    )


def _note(data: bytes, growth: Growth, _: int) -> bytes:
    return struct.pack("<H", growth.row(struct.unpack_from("<H", data)[0])) + data[2:]


def _link(data: bytes, growth: Growth, _: int) -> bytes:
    top, bottom = struct.unpack_from("<HH", data)
    return struct.pack("<HH", growth.row(top), growth.row(bottom)) + data[4:]


def _breaks(data: bytes, growth: Growth, _: int) -> bytes:
    told = bytearray(data)
    for i in range(struct.unpack_from("<H", data)[0]):
        place = 2 + 6 * i
        struct.pack_into("<H", told, place, growth.row(struct.unpack_from("<H", data, place)[0]))
    return bytes(told)


def _drawing(data: bytes, growth: Growth, _: int) -> bytes:
    """Return shapes with their anchors moved: flags, then column, x, row, y of both corners."""
    told = bytearray(data)
    at = data.find(ANCHOR)
    while at >= 0 and at + 26 <= len(data):
        for place in (at + 14, at + 22):
            struct.pack_into("<H", told, place, growth.row(struct.unpack_from("<H", data, place)[0]))
        at = data.find(ANCHOR, at + 26)
    return bytes(told)


def _chart(data: bytes, growth: Growth, _: int) -> bytes:
    size = struct.unpack_from("<H", data, 6)[0]
    return data[:8] + growth.formula(data[8 : 8 + size], here=False) + data[8 + size :]


def _name(data: bytes, growth: Growth) -> bytes:
    letters, size = data[3], struct.unpack_from("<H", data, 4)[0]
    at = 15 + letters * (2 if data[14] & 1 else 1)
    try:
        return data[:at] + growth.formula(data[at : at + size], here=False) + data[at + size :]
    except Unknown as unknown:
        raise NotTaken("grow_formula", reference="") from unknown


def _pointing(part: bytes, growth: Growth) -> bytes:
    """Return another sheet with its formulas and charts moved that point to the grown one; its length stays."""
    made: list[Record] = []
    told = list(records(part))
    for one in told:
        data = one.data
        if one.op == FORMULA:
            size = struct.unpack_from("<H", data, HEAD)[0]
            row, column = struct.unpack_from("<HH", data)
            end = HEAD + 2 + size
            try:
                data = data[: HEAD + 2] + growth.formula(data[HEAD + 2 : end], here=False) + data[end:]
            except Unknown as unknown:
                raise _refused(row, column) from unknown
        elif one.op == CHART:
            data = _chart(data, growth, 0)
        made.append(Record(one.op, data))
    raw = joined(made)
    return raw + part[len(raw) :]


_CHANGES: Final[dict[int, Callable[[bytes, Growth, int], bytes]]] = {
    CONDFMT: _condition,
    CF: _format,
    DV: _validation,
    NOTE: _note,
    HLINK: _link,
    BREAKS: _breaks,
    DRAWING: _drawing,
    CHART: _chart,
}
