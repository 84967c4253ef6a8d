"""The tokens of an old workbook's formulas, and where their references point once rows were put in.

Source: [MS-XLS] 2.5.198 (Ptg). Rows count from 0 here; the rules are those of `book.references`.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

SIZES: Final = {
    0x01: 4, 0x02: 4, 0x15: 0, 0x16: 0, 0x1C: 1, 0x1D: 1, 0x1E: 2, 0x1F: 8, 0x20: 7, 0x21: 2, 0x22: 3, 0x23: 4,
    0x24: 4, 0x25: 8, 0x26: 6, 0x27: 6, 0x28: 6, 0x29: 2, 0x2A: 4, 0x2B: 8, 0x2C: 4, 0x2D: 8, 0x2E: 2, 0x2F: 2,
    0x39: 6, 0x3A: 6, 0x3B: 10, 0x3C: 6, 0x3D: 10,
    **dict.fromkeys(range(0x03, 0x15), 0),
}  # fmt: skip
REF, AREA, REF_N, AREA_N, REF_3D, AREA_3D = 0x24, 0x25, 0x2C, 0x2D, 0x3A, 0x3B
EXP: Final = 0x01
RELATIVE: Final = 0x8000
ROWS: Final = 65_536


class Unknown(ValueError):
    """A formula with a token we don't know, or one that can't say what it must."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its kind without its class, and where its data begin."""

    kind: int
    at: int


def tokens(raw: bytes) -> Iterator[Token]:
    """Yield the tokens of a formula. Raises Unknown."""
    at = 0
    while at < len(raw):
        code = raw[at]
        kind = (code & 0x1F) | 0x20 if code >= 0x20 else code
        at += 1
        if code >= 0x80:
            raise Unknown(code)
        yield Token(kind, at)
        at += _size(raw, kind, at)


def _size(raw: bytes, kind: int, at: int) -> int:
    if kind == 0x17:
        return 2 + raw[at] * (2 if raw[at + 1] & 1 else 1)
    if kind == 0x19:
        count = struct.unpack_from("<H", raw, at + 1)[0]
        return int(3 + (count + 1) * 2 if raw[at] & 0x04 else 3)
    if kind not in SIZES:
        raise Unknown(kind)
    return SIZES[kind]


@dataclass(frozen=True, slots=True)
class Growth:
    """Rows put in, counted from 0: `by` of them after row `after`; the table begins with row `begins`.

    `ours` says whether a reference to sheets (its number in EXTERNSHEET) means the grown one.
    """

    begins: int
    after: int
    by: int
    ours: Callable[[int], bool]

    def row(self, number: int) -> int:
        """Return where a row stands now."""
        return number + self.by if self.after < number < ROWS - self.by else number

    def ends(self, top: int, bottom: int, *, grows: bool) -> tuple[int, int]:
        """Return where a range's rows stand now; one that ends with the last prepared row may grow."""
        whole = top < bottom or self.begins == self.after
        if bottom == self.after >= self.begins and grows and whole:
            return top, bottom + self.by
        if (top, bottom) == (0, ROWS - 1):
            return top, bottom
        return self.row(top), self.row(bottom)

    def covering(self, top: int, bottom: int) -> tuple[int, int]:
        """Return a list's or format's rows: what covers the last prepared row covers the new ones."""
        if top <= bottom == self.after >= self.begins:
            return self.row(top), bottom + self.by
        return self.row(top), self.row(bottom)

    def formula(self, raw: bytes, *, here: bool, in_rows: bool = False) -> bytes:
        """Return a formula's tokens with the references moved. Raises Unknown."""
        told = bytearray(raw)
        for one in tokens(raw):
            if one.kind in {REF, AREA} and here:
                self._move(told, one.at, one.kind == AREA, in_rows)
            elif one.kind in {REF_3D, AREA_3D} and self.ours(struct.unpack_from("<H", raw, one.at)[0]):
                self._move(told, one.at + 2, one.kind == AREA_3D, in_rows and here)
        return bytes(told)

    def _move(self, told: bytearray, at: int, area: bool, in_rows: bool) -> None:
        if not area:
            struct.pack_into("<H", told, at, self.row(struct.unpack_from("<H", told, at)[0]))
            return
        top, bottom, _, last = struct.unpack_from("<HHHH", told, at)
        grows = not in_rows or not last & RELATIVE
        struct.pack_into("<HH", told, at, *self.ends(top, bottom, grows=grows))

    def shared(self, raw: bytes, bases: Iterator[int] | range, *, in_rows: bool) -> bytes:
        """Return a formula whose relative rows count from each of `bases`. Raises Unknown where they would differ."""
        made = {self._based(raw, base, in_rows=in_rows) for base in bases}
        if len(made) > 1:
            raise Unknown(REF_N)
        return made.pop() if made else raw

    def _based(self, raw: bytes, base: int, *, in_rows: bool) -> bytes:
        told = bytearray(self.formula(raw, here=True, in_rows=in_rows))
        for one in tokens(raw):
            if one.kind not in {REF_N, AREA_N}:
                continue
            count = 2 if one.kind == AREA_N else 1
            rows = list(struct.unpack_from(f"<{count}H", raw, one.at))
            columns = struct.unpack_from(f"<{count}H", raw, one.at + 2 * count)
            whole = [
                (row + base) % ROWS if column & RELATIVE else row
                for row, column in zip(rows, columns, strict=True)
            ]
            if count == 2:
                grows = not in_rows or not columns[1] & RELATIVE
                now: tuple[int, ...] = self.ends(whole[0], whole[1], grows=grows)
            else:
                now = (self.row(whole[0]),)
            new = [
                (row - self.row(base)) % ROWS if column & RELATIVE else row
                for row, column in zip(now, columns, strict=True)
            ]
            struct.pack_into(f"<{count}H", told, one.at, *new)
        return bytes(told)


def copied(raw: bytes, down: int) -> bytes:
    """Return a formula as it reads when copied `down` rows. Raises Unknown."""
    told = bytearray(raw)
    for one in tokens(raw):
        if one.kind not in {REF, AREA, REF_3D, AREA_3D}:
            continue
        at = one.at + (2 if one.kind in {REF_3D, AREA_3D} else 0)
        count = 2 if one.kind in {AREA, AREA_3D} else 1
        rows = struct.unpack_from(f"<{count}H", raw, at)
        columns = struct.unpack_from(f"<{count}H", raw, at + 2 * count)
        new = [
            (row + down) % ROWS if column & RELATIVE else row
            for row, column in zip(rows, columns, strict=True)
        ]
        struct.pack_into(f"<{count}H", told, at, *new)
    return bytes(told)


def unshared(raw: bytes, row: int, column: int) -> bytes:
    """Return a shared formula as the one of a cell: relative rows and columns become places. Raises Unknown."""
    told = bytearray(raw)
    for one in tokens(raw):
        if one.kind not in {REF_N, AREA_N}:
            continue
        count = 2 if one.kind == AREA_N else 1
        told[one.at - 1] = raw[one.at - 1] - 8
        for i in range(count):
            line = struct.unpack_from("<H", raw, one.at + 2 * i)[0]
            at = one.at + 2 * count + 2 * i
            place = struct.unpack_from("<H", raw, at)[0]
            if place & RELATIVE:
                line = (line + row) % ROWS
            if place & 0x4000:
                place = (place & 0xC000) | ((place + column) & 0xFF)
            struct.pack_into("<H", told, one.at + 2 * i, line)
            struct.pack_into("<H", told, at, place)
    return bytes(told)
