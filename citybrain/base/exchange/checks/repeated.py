"""Keys that come again in one file: the same row is left out, other values make each row of the key a bad one."""

from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from citybrain.base.exchange.checks.compile import Checks
from citybrain.base.exchange.checks.outcome import BadWriter, Split
from citybrain.base.exchange.reading.plan import literal, quoted
from citybrain.base.lake.rowfile import NUMBER, Rows

DUPLICATE: Final = "duplicate_key"


def part_repeated(
    link: duckdb.DuckDBPyConnection, checks: Checks, rows: Rows, done: Split, aside: BadWriter
) -> None:
    """Find the keys that come again; tell in `done.left_out` which rows of the file don't count."""
    places = _alike(link, checks, rows)
    if not len(places):
        return
    keys = ", ".join(quoted(key) for key in checks.shape.keys)
    link.register("alike", rows.take(places))
    values = ", ".join(quoted(name) for name in checks.mapped)
    link.execute(f"CREATE TEMP TABLE twice AS SELECT {keys} FROM alike GROUP BY ALL HAVING count(*) > 1")  # noqa: S608
    link.execute(
        f"CREATE TEMP TABLE again AS SELECT {values}, min({NUMBER}) AS first, list({NUMBER}) AS numbers "  # noqa: S608
        f"FROM alike SEMI JOIN twice USING ({keys}) GROUP BY {values}"
    )
    link.execute(f"CREATE TEMP TABLE torn AS SELECT {keys} FROM again GROUP BY ALL HAVING count(*) > 1")  # noqa: S608
    repeated = _numbers(
        link,
        f"SELECT n FROM (SELECT unnest(numbers) AS n, first FROM again ANTI JOIN torn USING ({keys})) WHERE n > first",  # noqa: S608
    )
    cells = ", ".join(f"{literal(name)}: CAST({quoted(name)} AS VARCHAR)" for name in checks.mapped)
    torn = link.execute(
        f"SELECT n, {{{cells}}} AS raw FROM (SELECT *, unnest(numbers) AS n FROM again SEMI JOIN torn USING ({keys})) "  # noqa: S608
        "ORDER BY n"
    ).to_arrow_table()
    if len(torn):
        line = f"{','.join(checks.shape.keys)}:{DUPLICATE}"
        raw = torn.column("raw").combine_chunks()
        problems = pa.array([f"{line}\n"] * len(torn))
        aside.write(torn.column("n").to_pylist(), problems, raw, done)
    done.left_out = np.sort(np.concatenate([repeated, np.asarray(torn.column("n"), np.int64)]))
    done.repeated = len(repeated)
    done.rows_good -= len(done.left_out)


def _numbers(link: duckdb.DuckDBPyConnection, sql: str) -> Any:
    return np.asarray(link.execute(sql).fetchnumpy()["n"], np.int64)


def _alike(link: duckdb.DuckDBPyConnection, checks: Checks, rows: Rows) -> Any:
    """Return the places of rows whose key's hash comes more than once: a hash a row is held, nothing else."""
    link.register("kept", rows.dataset())
    keys = ", ".join(quoted(key) for key in checks.shape.keys)
    hashes = link.execute(f"SELECT hash({keys}) AS h FROM kept").fetchnumpy()["h"]  # noqa: S608
    link.unregister("kept")
    ordered = np.sort(hashes)
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(again):
        return again
    del ordered
    places = np.minimum(np.searchsorted(again, hashes), len(again) - 1)
    return np.flatnonzero(again[places] == hashes)
