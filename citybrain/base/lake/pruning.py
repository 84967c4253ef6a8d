"""Which files of a table may hold a key, by the smallest and largest value that Iceberg keeps of each file."""

from collections.abc import Sequence
from typing import Any, Final

import duckdb
import pyarrow as pa
from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.types import PrimitiveType

from citybrain.base.lake.names import path_of, quoted
from citybrain.base.lake.schema import duckdb_type

EXACT_ROWS: Final = 1_000_000  # more are sorted in memory at a price that what is left out seldom pays
_FROM_TEXT: Final = {  # Iceberg counts days and microseconds since 1970
    "DATE": "DATE '1970-01-01' + {}::INTEGER",
    "TIMESTAMPTZ": "make_timestamptz({}::BIGINT)",
    "BOOLEAN": "{}::BOOLEAN",
}


def bounds(files: Sequence[DataFile], schema: Schema, key: str) -> list[tuple[Any, Any]]:
    """Return the smallest and largest value of a column in each file; None where it isn't known.

    Texts are cut to 32 letters by Iceberg, the smallest down and the largest up, so nothing lies outside.
    """
    field = schema.find_field(key)

    def value(kept: dict[int, bytes] | None) -> Any:
        raw = (kept or {}).get(field.field_id)
        kind = field.field_type
        return None if raw is None or not isinstance(kind, PrimitiveType) else from_bytes(kind, raw)

    return [(value(one.lower_bounds), value(one.upper_bounds)) for one in files]


def candidates(
    link: duckdb.DuckDBPyConnection,
    files: Sequence[DataFile],
    schema: Schema,
    keys: Sequence[str],
    incoming: str,
) -> list[str]:
    """Return the paths of the files that may hold a key of the relation `incoming`, in their order.

    A file is left out when no incoming value of some key field lies between its bounds.
    """
    kept = list(range(len(files)))
    for key in keys:
        if not kept:
            break
        found = _overlapping(link, [files[place] for place in kept], schema, key, incoming)
        kept = [place for place, overlaps in zip(kept, found, strict=True) if overlaps]
    return [path_of(files[place].file_path) for place in kept]


def _overlapping(
    link: duckdb.DuckDBPyConnection, files: Sequence[DataFile], schema: Schema, key: str, incoming: str
) -> list[bool]:
    """Tell for each file whether the smallest incoming value that isn't below it isn't above it either."""
    known = bounds(files, schema, key)
    kind = duckdb_type(schema.find_field(key).field_type)
    cast = _FROM_TEXT.get(kind, f"{{}}::{kind}")
    sure = [place for place, (low, high) in enumerate(known) if low is not None and high is not None]
    table = pa.table(
        {
            "place": pa.array(sure, pa.int64()),
            "low": pa.array([str(known[place][0]) for place in sure], pa.string()),
            "high": pa.array([str(known[place][1]) for place in sure], pa.string()),
        }
    )
    select = f"SELECT place, {cast.format('low')} AS low, {cast.format('high')} AS high FROM lake_bounds"
    link.register("lake_bounds", table)
    try:
        rows = link.execute(_meeting(link, select, quoted(key), incoming)).fetchall()
    finally:
        link.unregister("lake_bounds")
    hit = {place for (place,) in rows} | (set(range(len(files))) - set(sure))
    return [place in hit for place in range(len(files))]


def _meeting(link: duckdb.DuckDBPyConnection, bounds_sql: str, key: str, incoming: str) -> str:
    """Return the query of the places whose bounds meet an incoming value; of many values only the ends count."""
    row = link.execute(f"SELECT count(*) FROM {incoming}").fetchone()
    if row and row[0] > EXACT_ROWS:
        return (
            f"SELECT f.place FROM ({bounds_sql}) f, (SELECT min({key}) AS low, max({key}) AS high FROM {incoming}) i "
            "WHERE f.low <= i.high AND f.high >= i.low"
        )
    return (
        f"SELECT f.place FROM ({bounds_sql}) f ASOF JOIN (SELECT {key} AS k FROM {incoming}) i ON f.low <= i.k "
        "WHERE i.k <= f.high"
    )
