"""Cells of an Arrow batch as arrays of bytes, and what can be told from them at once for a whole batch. Pure.

Every function says of each cell whether it is *plainly* something; False means only that it doesn't show at a glance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]

PIECE: Final = 16_384  # rows at once: stays in the processor's cache
FIRST_YEAR, LAST_YEAR = 1850, 2199
NO_DAY: Final = np.iinfo(np.int32).min
ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CREDIT_LETTERS: Final = b"0123456789ABCDEFGHJKLMNPQRTUWXY"
EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass
class Cells:
    """A column of texts: all bytes end to end, where each cell begins and ends, which cells hold anything."""

    data: Bytes
    starts: Whole
    ends: Whole
    valid: Flags | None
    """None: every cell holds something."""

    @classmethod
    def of(cls, column: Any) -> "Cells":
        """Return the cells of an Arrow array of texts."""
        _, offsets, data = column.buffers()
        count = len(column)
        places = np.frombuffer(offsets, np.int32, count + 1, column.offset * 4).astype(np.int64)
        whole = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
        valid = (
            None if not column.null_count else np.asarray(column.is_valid().to_numpy(zero_copy_only=False))
        )
        return cls(whole, places[:-1], places[1:], valid)

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def sizes(self) -> Whole:
        """The length of each cell in bytes."""
        return self.ends - self.starts

    @cached_property
    def span(self) -> Bytes:
        """The bytes of all cells."""
        return self.data[int(self.starts[0]) : int(self.ends[-1])] if len(self) else self.data[:0]

    def rows_of(self, places: Whole) -> Whole:
        """Return the cell that each place of `span` lies in."""
        found: Whole = np.searchsorted(self.ends, places + self.starts[0], side="right")
        return found

    def holding(self, letter: int) -> Whole:
        """Return the cells that hold a byte, each at least once."""
        return self.rows_of(np.flatnonzero(self.span == letter))

    def letters(self, width: int) -> tuple[Flags, Bytes]:
        """Return which cells are so many bytes long, and their bytes as rows (of the others: anything)."""
        fits = self.sizes == width
        if bool(fits.all()):
            return fits, self.span.reshape(-1, width)
        starts = np.where(fits, self.starts, 0)
        if len(self.data) < width:
            return np.zeros(len(self), np.bool_), np.zeros((len(self), width), np.uint8)
        return fits, self.data[starts[:, None] + np.arange(width)]

    def characters(self) -> Whole:
        """Return the length of each cell in characters."""
        following = np.concatenate([[0], np.cumsum((self.span & 0xC0) == 0x80)])
        base = self.starts[0] if len(self) else 0
        found: Whole = self.sizes - (following[self.ends - base] - following[self.starts - base])
        return found


def bare(cells: Cells) -> Flags:
    """Whether a cell has something in it and no space at its ends (of which there are many kinds)."""
    if not len(cells.span):
        return np.zeros(len(cells), np.bool_)
    filled = cells.sizes > 0
    first = cells.data[np.where(filled, cells.starts, 0)]
    last = cells.data[np.where(filled, cells.ends - 1, 0)]
    found = filled & _LEADS[first] & (last > 32)
    unsure = np.flatnonzero(
        found & _TRAILS[last]
    )  # the last byte of a wide space, and of every 20th character
    ends = cells.ends[unsure]
    two = cells.data[np.maximum(ends - 2, 0)].astype(np.int64) << 8 | cells.data[ends - 1]
    three = cells.data[np.maximum(ends - 3, 0)].astype(np.int64) << 16 | two
    found[unsure[(two == 0xC2A0) | (three == 0xE38080) | (three == 0xEFBBBF)]] = False
    return found


def _table(*wrong: int) -> Flags:
    made = np.ones(256, np.bool_)
    made[:33] = False
    made[list(wrong)] = False
    return made


_LEADS: Final = _table(0xC2, 0xE3, 0xEF)  # U+00A0, U+3000 and U+FEFF begin so, and little else that is common
_TRAILS: Final = ~_table(0xA0, 0x80, 0xBF)
_TRAILS[:33] = False
_NUMERIC: Final = np.zeros(256, np.bool_)
_NUMERIC[list(b"0123456789.-")] = True
_CREDIT: Final = np.full(256, 255, np.uint8)
_CREDIT[list(CREDIT_LETTERS)] = np.arange(31)


@cache
def calendar() -> npt.NDArray[np.int32]:
    """Return the days since 1970 by (year - 1850, month, day), NO_DAY where there is no such day."""
    days = np.full((LAST_YEAR - FIRST_YEAR + 1, 16, 32), NO_DAY, np.int32)
    for number in range(date(FIRST_YEAR, 1, 1).toordinal(), date(LAST_YEAR, 12, 31).toordinal() + 1):
        one = date.fromordinal(number)
        days[one.year - FIRST_YEAR, one.month, one.day] = number - EPOCH
    return days


def _day(year: Any, month: Any, day: Any) -> npt.NDArray[np.int32]:
    """Return the day's number, NO_DAY where there is none."""
    outside = (year < FIRST_YEAR) | (year > LAST_YEAR) | (month < 0) | (month > 12) | (day < 0) | (day > 31)
    y, m, d = (np.where(outside, 0, part) for part in (year - FIRST_YEAR, month, day))
    found: npt.NDArray[np.int32] = calendar()[y, m, d]
    return found


def _columns(rows: Bytes) -> Bytes:
    """Return rows of letters as one array per place: sums over places are then done for many rows at once."""
    return np.ascontiguousarray(rows.T)


def _number(digits: npt.NDArray[np.int16], first: int, length: int) -> Any:
    """Return the number of up to four digits that begins at a place."""
    total = digits[first].copy()
    for place in range(first + 1, first + length):
        total *= 10
        total += digits[place]
    return total


def _weighed(values: Any, weights: Sequence[int]) -> npt.NDArray[np.int16]:
    total = np.zeros(values.shape[1], np.int16)
    for row, weight in zip(values, weights, strict=True):
        total += row * np.int16(weight)
    return total


def _all_digits(columns: Bytes, places: Sequence[int]) -> Flags:
    found = np.ones(columns.shape[1], np.bool_)
    for place in places:
        found &= (columns[place] - np.uint8(48)) <= 9
    return found


def persons(cells: Cells) -> tuple[Flags, npt.NDArray[np.int32], Flags]:
    """Return (a right identity number, the day of birth in it, an odd 17th digit) of each cell."""
    fits, rows = cells.letters(18)
    right, days, odd = fits.copy(), np.full(len(cells), NO_DAY, np.int32), np.zeros(len(cells), np.bool_)
    for at in range(0, len(rows), PIECE):
        columns, piece = _columns(rows[at : at + PIECE]), slice(at, at + PIECE)
        digits = columns.astype(np.int16) - np.int16(48)
        last = columns[17]
        check = np.where(last == 88, np.int16(10), digits[17])
        days[piece] = _day(_number(digits, 6, 4), _number(digits, 10, 2), _number(digits, 12, 2))
        right[piece] &= (
            _all_digits(columns, range(17)) & (columns[0] != 48) & ((last == 88) | (last - np.uint8(48) <= 9))
            & ((_weighed(digits[:17], ID_WEIGHTS) + check) % 11 == 1) & (days[piece] != NO_DAY)
        )  # fmt: skip
        odd[piece] = columns[16] % 2 == 1
    return right, days, odd


def bodies(cells: Cells) -> Flags:
    """Whether a cell is a right 统一社会信用代码."""
    fits, rows = cells.letters(18)
    powers = [*(pow(3, n, 31) for n in range(17)), 1]
    right = fits.copy()
    for at in range(0, len(rows), PIECE):
        values = _CREDIT[_columns(rows[at : at + PIECE])]
        sums = _weighed(values.astype(np.int16), powers)
        right[at : at + PIECE] &= (values.max(axis=0) != 255) & (sums % 31 == 0)
    return right


def dates(cells: Cells) -> tuple[Flags, npt.NDArray[np.int32]]:
    """Return (YYYY-MM-DD that is a day, the day's number) of each cell."""
    fits, rows = cells.letters(10)
    right, days = fits.copy(), np.zeros(len(cells), np.int32)
    for at in range(0, len(rows), PIECE):
        columns, piece = _columns(rows[at : at + PIECE]), slice(at, at + PIECE)
        right[piece] &= _dated(columns, days, piece)
    return right, days


def _dated(columns: Bytes, days: npt.NDArray[np.int32], piece: slice) -> Flags:
    digits = columns[:10].astype(np.int16) - np.int16(48)
    days[piece] = _day(_number(digits, 0, 4), _number(digits, 5, 2), _number(digits, 8, 2))
    written = _all_digits(columns, (0, 1, 2, 3, 5, 6, 8, 9)) & (columns[4] == 45) & (columns[7] == 45)
    return np.asarray(written & (days[piece] != NO_DAY))


def stamps(cells: Cells) -> tuple[Flags, Whole]:
    """Return (YYYY-MM-DD HH:MM:SS that exists, its microseconds since 1970; a time of China's) of each cell."""
    fits, rows = cells.letters(19)
    right, moments = fits.copy(), np.zeros(len(cells), np.int64)
    days = np.zeros(len(cells), np.int32)
    for at in range(0, len(rows), PIECE):
        columns, piece = _columns(rows[at : at + PIECE]), slice(at, at + PIECE)
        digits = columns.astype(np.int16) - np.int16(48)
        hour, minute, second = (_number(digits, place, 2) for place in (11, 14, 17))
        right[piece] &= (
            _dated(columns, days, piece) & _all_digits(columns, (11, 12, 14, 15, 17, 18)) & (columns[10] == 32)
            & (columns[13] == 58) & (columns[16] == 58) & (hour < 24) & (minute < 60) & (second < 60)
        )  # fmt: skip
        seconds = hour.astype(np.int64) * 3600 + (minute * np.int16(60) + second)
        moments[piece] = (days[piece].astype(np.int64) * 86_400 + seconds - 28_800) * 1_000_000
    return right, moments


def numbers(cells: Cells, places: int | None, most: int) -> Flags:
    """Whether a cell is made of digits, a point and a minus alone, with so many digits after the point at most.

    `places` None: any; 0: no point at all. A cast must tell the rest. `most`: bytes.
    """
    right = (cells.sizes > 0) & (cells.sizes <= most)
    strange = np.flatnonzero(~_NUMERIC[cells.span])
    if len(strange):
        right[cells.rows_of(strange)] = False
    if places is None:
        return right
    points = np.flatnonzero(cells.span == 46)
    if len(points):
        rows = cells.rows_of(points)
        behind = cells.ends[rows] - (points + cells.starts[0]) - 1
        right[rows[behind > places if places else slice(None)]] = False
    return right


def as_dates(days: npt.NDArray[np.int32], valid: Flags | None) -> Any:
    """Return days as an Arrow array."""
    return pa.array(days, pa.date32(), mask=None if valid is None else ~valid)


def as_stamps(moments: Whole, valid: Flags | None) -> Any:
    """Return microseconds as an Arrow array of times in UTC."""
    return pa.array(moments, pa.timestamp("us", "UTC"), mask=None if valid is None else ~valid)
