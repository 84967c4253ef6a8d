"""How the cells of one column are looked at, batch by batch: which are right, and the column typed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citybrain.base.catalogue.shape import Field
from citybrain.base.exchange.checks import cells as see
from citybrain.base.exchange.checks.cells import Cells, Flags
from citybrain.base.exchange.checks.texts import FALSE, FORMS, NOTHING, SHAPES, TRUE

CELL: Final = "c{}"
SHORT: Final = max(len(one) for one in NOTHING)
NUMERIC: Final = frozenset({"integer", "decimal", "double"})
NATIVE: Final[Mapping[str, tuple[str, ...]]] = {
    "integer": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"),
    "double": ("DOUBLE",),
    "boolean": ("BOOLEAN",),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"),
}
Seen = tuple[Flags, Any]
"""Which cells are right, and the column typed."""


@dataclass
class Batch:
    """One batch as it came from the scan, and what was found out about it."""

    rows: Any
    cells: dict[str, Cells] = field(default_factory=dict)
    days: dict[str, Any] = field(default_factory=dict)
    odd: dict[str, Any] = field(default_factory=dict)
    typed: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """One field: how its column comes, and how it is looked at."""

    field: Field
    place: int
    native: bool
    codes: Any

    def look(self, batch: Batch) -> Seen:
        """Return which cells are right, and the column in the field's type."""
        column = batch.rows.column(CELL.format(self.place))
        right, typed = _native(self.field, column) if self.native else self._text(column, batch)
        if column.null_count:
            empty = np.asarray(column.is_null().to_numpy(zero_copy_only=False))
            needed = self.field.required or self.field.key
            right = right & ~empty if needed else right | empty
        return right & _within(self.field, typed), typed

    def _text(self, column: Any, batch: Batch) -> Seen:
        one, kind = self.field, self.field.type.kind
        cells = batch.cells[one.name] = Cells.of(column)
        if kind in NUMERIC:
            places = {"integer": 0, "double": None}.get(kind, one.type.scale or 0)
            right = see.numbers(cells, places, 18 if kind == "integer" else 40)
            typed = _cast(column, right, one.type.arrow())
            return right & _there(typed), typed
        if kind == "date":
            right, days = see.dates(cells)
            return right, see.as_dates(days, cells.valid)
        if kind == "timestamp":
            right, moments = see.stamps(cells)
            return right, see.as_stamps(moments, cells.valid)
        if kind == "boolean":
            typed = pc.is_in(column, pa.array(TRUE))
            known = _flags(pc.is_in(column, pa.array((*TRUE, *FALSE))))
            if column.null_count:
                typed = pc.if_else(column.is_null(), pa.scalar(None, pa.bool_()), typed)
            return known, typed
        return self._plain(column, cells, batch), column

    def _plain(self, column: Any, cells: Cells, batch: Batch) -> Flags:
        """Whether texts are right: numbers with check digits, codes, or any text within its length and pattern."""
        one = self.field
        if one.check == "gb11643":
            right, batch.days[one.name], batch.odd[one.name] = see.persons(cells)
        elif one.check == "gb32100":
            right = see.bodies(cells)
        elif self.codes is not None:
            right = _flags(pc.is_in(column, self.codes))
        else:
            right = _anything(column, cells)
        if one.check and self.codes is not None:
            right = right & _flags(pc.is_in(column, self.codes))
        if one.type.kind in FORMS:
            right = right & _form(one, column)
        if one.pattern:
            right = right & _flags(pc.match_substring_regex(column, f"^(?:{one.pattern})$"))
        return right & _sized(one, cells)


def _cast(column: Any, right: Flags, kind: Any) -> Any:
    """Return the cells that may be numbers as numbers; null where one isn't, or has too many digits."""
    texts = column if bool(right.all()) else pc.if_else(pa.array(right), column, pa.scalar(None, pa.string()))
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        return pa.array([_cast_one(text, kind) for text in texts.to_pylist()], kind)


def _cast_one(text: str | None, kind: Any) -> Any:
    try:
        return pa.scalar(text, pa.string()).cast(kind).as_py()
    except pa.ArrowInvalid:
        return None


def _flags(found: Any) -> Flags:
    return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False))


def _there(column: Any) -> Flags:
    if not column.null_count:
        return np.ones(len(column), np.bool_)
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False))


def _anything(column: Any, cells: Cells) -> Flags:
    """Whether a text stands for itself: no space around it, none of the words for nothing, no number cut short."""
    right = see.bare(cells)
    short = np.flatnonzero(right & (cells.sizes <= SHORT))
    if len(short):
        part = column if len(short) == len(column) else column.take(pa.array(short))
        right[short[_flags(pc.is_in(part, pa.array(NOTHING)))]] = False
    right[cells.holding(43)] = False  # 1.2E+17
    return right


def _form(one: Field, column: Any) -> Flags:
    if one.type.kind == "json":
        return _flags(pc.match_substring_regex(column, r"^(\{[\s\S]*\}|\[[\s\S]*\])$"))
    form = SHAPES.replace("{form}", one.type.form.upper() or "[A-Z]+")
    return _flags(pc.match_substring_regex(pc.utf8_upper(column), form))


def _sized(one: Field, cells: Cells) -> Flags:
    length = one.type.length
    if length is None:
        return np.ones(len(cells), np.bool_)
    if one.type.kind == "char":
        ascii_only = len(cells.span) == 0 or int(cells.span.max()) < 128
        return np.asarray((cells.sizes if ascii_only else cells.characters()) == length)
    if not len(cells) or int(cells.sizes.max()) <= length:
        return np.ones(len(cells), np.bool_)
    return np.asarray(cells.characters() <= length)


def _native(one: Field, column: Any) -> Seen:
    """Return a column that its supplier typed, in the field's type."""
    kind = one.type.kind
    right = np.ones(len(column), np.bool_)
    if kind == "double":
        right = _flags(pc.is_finite(column))
    elif kind == "date":
        days = np.asarray(pc.fill_null(column.cast(pa.int32()), 0))
        right = _between_years(days)
    elif kind == "timestamp":
        moments = np.asarray(pc.fill_null(column.cast(pa.int64()), 0))
        right = _between_years(moments // 86_400_000_000)
        if column.type.tz is None:
            return right, see.as_stamps(
                moments - 28_800_000_000, None if not column.null_count else _there(column)
            )
    return right, column.cast(one.type.arrow())


def _between_years(days: Any) -> Flags:
    known = see.calendar()
    return np.asarray((days > int(known[1, 1, 1])) & (days < int(known[-2, 1, 1])))


def _within(one: Field, typed: Any) -> Flags:
    right = np.ones(len(typed), np.bool_)
    for limit, fits in ((one.minimum, pc.greater_equal), (one.maximum, pc.less_equal)):
        if limit is not None:
            right &= np.asarray(
                pc.fill_null(fits(typed, constant(one, limit)), True).to_numpy(zero_copy_only=False)
            )
    return right


def constant(one: Field, value: Any) -> Any:
    """Return a limit or a rule's value as an Arrow scalar. Raises ValueError, TypeError, ArrowInvalid."""
    kind = one.type.kind
    if kind == "decimal":
        return pa.scalar(Decimal(str(value)), one.type.arrow())
    if kind == "timestamp":
        from citybrain.base.exchange.checks.texts import _in_utc

        return pa.scalar(
            np.datetime64(_in_utc(str(value)), "us").astype(np.int64).item(), pa.timestamp("us", "UTC")
        )
    if kind == "date":
        return pa.scalar(str(value)).cast(pa.date32())
    if kind == "integer" and isinstance(value, float) and not (math.isfinite(value) and value.is_integer()):
        raise ValueError(value)
    return pa.scalar(value, one.type.arrow())
