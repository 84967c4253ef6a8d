"""Faults put in on purpose, as agencies' files have them; the truth is kept beside them."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citybrain.base.catalogue.codes import whole
from citybrain.base.catalogue.shape import Field, Shape

SHARE = 0.006
"""Share of rows with a fault in a set of 200 rows and more; smaller sets get one or two."""
NO_DAY, NO_CODE = "2026-02-30", "ZZZZ"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `row` counts the rows of the file from 1, header and titles left out.

    `kind`: check_digit, missing, bad_date, bad_code, range, duplicate (the whole row again), contradiction
    (the key again with another value).
    """

    dataset: str
    row: int
    field: str
    kind: str
    right: str
    wrong: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def spoil(code: str, shape: Shape, table: pa.Table, rng: np.random.Generator) -> tuple[pa.Table, list[Fault]]:
    """Return a set of text columns with faults in it, and the faults. Rows are added at the end only."""
    rows = table.num_rows
    ways = [(field, kind) for field in shape.fields for kind in _ways(field)]
    count = min(rows // 3, max(min(2, rows // 20), round(rows * SHARE)))
    if not ways or not count:
        return table, []
    places = np.sort(rng.permutation(rows)[:count])
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    faults: list[Fault] = []
    for place, chosen in zip(places.tolist(), rng.integers(0, len(ways), count).tolist(), strict=True):
        field, kind = ways[chosen]
        right = columns[field.name][place]
        if right:
            columns[field.name][place] = wrong = _wrong(kind, right, field)
            faults.append(Fault(code, place + 1, field.name, kind, right, wrong))
    whole = np.setdiff1d(np.arange(rows), places)
    again = np.sort(rng.permutation(whole)[: rng.binomial(count, 1 / (1 + len(ways)))]).tolist()
    faults.extend(_again(code, shape, columns, place) for place in again)
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), faults


def _ways(field: Field) -> list[str]:
    """Return which faults a field can have."""
    found = []
    if field.check:
        found.append("check_digit")
    if field.required and not field.key:
        found.append("missing")
    if field.type.kind in {"date", "timestamp"}:
        found.append("bad_date")
    if field.code_table and whole(field.code_table) and not field.key:
        found.append("bad_code")
    if field.minimum is not None and field.type.is_number and not field.key:
        found.append("range")
    return found


def _wrong(kind: str, right: str, field: Field) -> str:
    if kind == "check_digit":
        return right[:-1] + ("1" if right[-1] != "1" else "2")
    if kind == "missing":
        return ""
    if kind == "bad_date":
        return NO_DAY
    if kind == "bad_code":
        return NO_CODE[: field.type.length or len(NO_CODE)]
    return str(int(float(field.minimum or 0)) - 7)


def _again(code: str, shape: Shape, columns: dict[str, list[Any]], place: int) -> Fault:
    """Append a row once more: as it is, or with another value in the first text field beside the key."""
    other = next(
        (f for f in shape.fields if not f.key and f.type.is_text and not f.code_table and not f.check), None
    )
    twist = other is not None and place % 2 == 0 and bool(columns[other.name][place])
    for values in columns.values():
        values.append(values[place])
    row = len(next(iter(columns.values())))
    if not twist or other is None:
        return Fault(code, row, "", "duplicate", "", "")
    right = str(columns[other.name][place])
    columns[other.name][-1] = wrong = right[::-1]
    return Fault(code, row, other.name, "contradiction", right, wrong)


def disagree(
    code: str, shape: Shape, table: pa.Table, fields: tuple[str, ...], rng: np.random.Generator
) -> tuple[pa.Table, list[Fault]]:
    """Return what a second agency says of the same things: some of the rows, some of these with another value."""
    rows = table.num_rows
    kept = np.sort(rng.permutation(rows)[: max(1, rows // 5)])
    part = table.take(pa.array(kept))
    names = [field.name for field in shape.fields if field.key or field.required or field.name in fields]
    columns = {name: part.column(name).to_pylist() for name in names}
    faults = []
    for place in np.flatnonzero(rng.random(len(kept)) < 0.03).tolist():
        field = fields[place % len(fields)]
        right, other = columns[field][place], columns[field][(place + 1) % len(kept)]
        if right != other:
            columns[field][place] = other
            faults.append(Fault(code, place + 1, field, "conflict", str(right), str(other)))
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), faults


def as_text(table: pa.Table) -> pa.Table:
    """Return every column as agencies write it: times in the city's own clock, yes and no as 1 and 0."""
    return pa.table({name: _text(table.column(name)) for name in table.column_names})


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:

    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "1", "0")
    if pa.types.is_timestamp(column.type):
        local = pc.local_timestamp(column.cast(pa.timestamp("us", tz="Asia/Shanghai")))
        return pc.strftime(pc.cast(local, pa.timestamp("s")), format="%Y-%m-%d %H:%M:%S")
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())
