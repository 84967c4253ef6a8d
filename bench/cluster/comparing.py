"""Whether two engines gave the same rows: sorted, everything equal, floats to 1e-9 of their size."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CLOSE = 1e-9


def difference(mine: pa.Table, theirs: pa.Table) -> str | None:
    """Return what is not the same in words, or None. Nothing is asked of the order of rows."""
    if mine.column_names != theirs.column_names:
        return f"columns {mine.column_names} and {theirs.column_names}"
    if mine.num_rows != theirs.num_rows:
        return f"{mine.num_rows} and {theirs.num_rows} rows"
    kinds = [_kind(field.type) for field in mine.schema]
    one, two = _sorted(mine, kinds), _sorted(theirs, kinds)
    for name in mine.column_names:
        wrong = _wrong(one[name], two[name])
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            return f"{name}: {wrong.sum()} values, such as {one[name][row].as_py()!r} and {two[name][row].as_py()!r}"
    return None


def _kind(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC") if kind.tz else pa.timestamp("us")
    if pa.types.is_integer(kind):
        return pa.int64()
    return pa.string() if pa.types.is_large_string(kind) else kind


def _sorted(table: pa.Table, kinds: list[pa.DataType]) -> pa.Table:
    """Return the rows in one order: exact columns first, so that a float's last bit moves nothing."""
    alike = table.cast(pa.schema(list(zip(table.column_names, kinds, strict=True)))).combine_chunks()
    names = sorted(alike.column_names, key=lambda name: pa.types.is_floating(alike.schema.field(name).type))
    return alike.take(pc.sort_indices(alike, sort_keys=[(name, "ascending") for name in names]))


def _wrong(one: pa.ChunkedArray, two: pa.ChunkedArray) -> np.ndarray:
    empty = pc.is_null(one).to_numpy() != pc.is_null(two).to_numpy()
    if pa.types.is_floating(one.type):
        a, b = (np.asarray(column.to_numpy(), dtype=float) for column in (one, two))
        return empty | ~np.isclose(a, b, rtol=CLOSE, atol=CLOSE, equal_nan=True)
    return empty | pc.fill_null(pc.not_equal(one, two), False).to_numpy()
