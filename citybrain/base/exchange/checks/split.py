"""Running the checks over a file in one scan: good rows to Parquet, bad rows beside it, memory bounded.

The engine streams Arrow batches in the file's order; each is parted by its `_problems`. So nothing is scanned or
checked twice, and a bad row knows its number.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from citybrain.base.exchange.checks.compile import PROBLEMS, RAW, Checks
from citybrain.base.exchange.reading.plan import ROW, Plan, literal, quoted
from citybrain.base.exchange.reading.report import Broken
from citybrain.base.lake import engine

BATCH: Final = 122_880
DUPLICATE: Final = "duplicate_key"
Rows = Iterator[pa.RecordBatch]


@dataclass
class Split:
    """What a check did. `repeated`: rows left out because an equal one is there; bad rows lie in `bad`."""

    good: Path
    bad: Path
    rows_good: int = 0
    rows_bad: int = 0
    repeated: int = 0
    broken_count: int = 0
    broken: tuple[Broken, ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """All rows the file held."""
        return self.rows_good + self.rows_bad + self.repeated + self.broken_count


def statement(checks: Checks, plan: Plan) -> str:
    """Return the statement that scans a file and checks it, for this machine's engine."""
    kinds = dict.fromkeys(plan.names, "string") | ({ROW: "int64"} if plan.counts_rows else {})
    table = ibis.table(kinds, name="_file")
    keep = (ROW,) if plan.counts_rows else ()
    return checks.sql(table, keep=keep).replace('"_file" AS', f"{plan.source()} AS", 1)


def split(checks: Checks, plan: Plan, good: Path, bad: Path, *, memory: str | None = None) -> Split:
    """Check a file; write its good rows (fields of the shape that came) to `good`, the others to `bad`.

    `bad` has columns row (its number in the file, from 1), problems (lines of field:reason) and raw (the cells of
    mapped fields by field). A key that comes again with the same values is left out and counted; one with other
    values is a problem of each of its rows.
    """
    done = Split(good, bad)
    with engine.session(memory=memory, read_only_files=False) as link:
        link.execute("SET preserve_insertion_order = true")
        _part(link, checks, plan, done)
        done.broken_count, done.broken = plan.set_aside(link)
        if checks.shape.keys and done.rows_good:
            _part_duplicates(link, checks, plan, done)
    return done


def _part(link: duckdb.DuckDBPyConnection, checks: Checks, plan: Plan, done: Split) -> None:
    fields = [checks.shape.field(name) for name in checks.mapped]
    schema = pa.schema([(one.name, one.type.arrow()) for one in fields])
    reader = link.execute(statement(checks, plan)).to_arrow_reader(BATCH)
    number = 0
    with (
        pq.ParquetWriter(
            done.good, schema, compression="lz4", use_dictionary=False, write_statistics=False
        ) as writer,
        _BadWriter(done.bad, checks) as bad,
    ):
        for batch in reader:
            problems = batch.column(PROBLEMS)
            rows = batch.select(list(schema.names))
            if problems.null_count == len(batch):
                writer.write_batch(_typed(rows, schema))
                done.rows_good += len(batch)
            else:
                mask = pc.is_null(problems)
                kept = rows.filter(mask)
                if len(kept):
                    writer.write_batch(_typed(kept, schema))
                done.rows_good += len(kept)
                bad.put(batch.filter(pc.invert(mask)), _numbers(batch, mask, number), done)
            number += len(batch)


def _numbers(batch: pa.RecordBatch, good: Any, before: int) -> list[int]:
    """Return the numbers of the bad rows of a batch: those written with it, or their places in the file."""
    if ROW in batch.schema.names:
        return batch.column(ROW).filter(pc.invert(good)).to_pylist()  # type: ignore[no-any-return]
    return [before + int(i) + 1 for i in pc.indices_nonzero(pc.invert(good)).to_pylist()]


def _typed(rows: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return rows if rows.schema.equals(schema) else rows.cast(schema)


class _BadWriter:
    """Writes bad rows: number, problems, the cells as they came."""

    def __init__(self, path: Path, checks: Checks) -> None:
        self.checks = checks
        raw = pa.struct([(name, pa.string()) for name in checks.mapped])
        self.schema = pa.schema([("row", pa.int64()), ("problems", pa.string()), ("raw", raw)])
        self.writer = pq.ParquetWriter(path, self.schema, compression="zstd")

    def __enter__(self) -> "_BadWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()

    def put(self, rows: pa.RecordBatch, numbers: list[int], done: Split) -> None:
        """Write bad rows and count their reasons."""
        cells = [rows.column(RAW.format(i)).cast(pa.string()) for i in range(len(self.checks.mapped))]
        raw = pa.StructArray.from_arrays(cells, names=list(self.checks.mapped))
        problems = rows.column(PROBLEMS)
        self.write(numbers, problems, raw, done)

    def write(self, numbers: list[int], problems: Any, raw: Any, done: Split) -> None:
        """Write rows given as columns."""
        batch = pa.record_batch(
            [pa.array(numbers, pa.int64()), problems.cast(pa.string()), raw], schema=self.schema
        )
        self.writer.write_batch(batch)
        done.rows_bad += len(numbers)
        for told in problems.value_counts().to_pylist():
            for line in told["values"].split("\n"):
                if line:
                    done.reasons[line] = done.reasons.get(line, 0) + told["counts"]


def _part_duplicates(link: duckdb.DuckDBPyConnection, checks: Checks, plan: Plan, done: Split) -> None:
    """Leave out rows that are there twice; move rows of one key with different values to the bad ones."""
    keys = ", ".join(quoted(key) for key in checks.shape.keys)
    source = f"read_parquet({literal(str(done.good))})"
    counted = link.execute(f"SELECT count(*), count(DISTINCT hash({keys})) FROM {source}").fetchall()  # noqa: S608
    if counted[0][0] == counted[0][1]:
        return
    link.execute(f"CREATE TEMP TABLE twice AS SELECT {keys} FROM {source} GROUP BY ALL HAVING count(*) > 1")  # noqa: S608
    link.execute(f"CREATE TEMP TABLE again AS SELECT DISTINCT * FROM {source} SEMI JOIN twice USING ({keys})")  # noqa: S608
    link.execute(f"CREATE TEMP TABLE torn AS SELECT {keys} FROM again GROUP BY ALL HAVING count(*) > 1")  # noqa: S608
    whole = done.good.with_suffix(".whole.parquet")
    link.execute(
        f"COPY (SELECT * FROM {source} ANTI JOIN twice USING ({keys}) UNION ALL BY NAME "  # noqa: S608
        f"SELECT * FROM again ANTI JOIN torn USING ({keys})) TO {literal(str(whole))} (FORMAT parquet, COMPRESSION lz4)"
    )
    left = link.execute(f"SELECT count(*) FROM read_parquet({literal(str(whole))})").fetchall()[0][0]  # noqa: S608
    torn = (
        _move_torn(link, checks, plan, done) if link.execute("SELECT 1 FROM torn LIMIT 1").fetchall() else 0
    )
    done.repeated = done.rows_good - left - torn
    done.rows_good = left
    whole.replace(done.good)


def _move_torn(link: duckdb.DuckDBPyConnection, checks: Checks, plan: Plan, done: Split) -> int:
    """Add the rows of keys with different values to the bad ones, by a second scan; return how many."""
    # every row that was good is bad in this scan where its key is torn: read the texts again and compare typed keys
    typed = statement(checks, plan)
    keys = ", ".join(quoted(key) for key in checks.shape.keys)
    cells = ", ".join(f"{literal(name)}: CAST(_typed.{quoted(name)} AS VARCHAR)" for name in checks.mapped)
    number = quoted(ROW) if plan.counts_rows else "row_number() OVER ()"
    line = f"{','.join(checks.shape.keys)}:{DUPLICATE}"
    moved = done.bad.with_suffix(".torn.parquet")
    link.execute(
        f"COPY (SELECT _n AS row, {literal(line)} || chr(10) AS problems, {{{cells}}} AS raw FROM "  # noqa: S608
        f"(SELECT *, {number} AS _n FROM ({typed})) _typed SEMI JOIN torn USING ({keys}) "
        f"WHERE _problems IS NULL) TO {literal(str(moved))} (FORMAT parquet)"
    )
    both = done.bad.with_suffix(".both.parquet")
    found = link.execute(
        f"COPY (SELECT * FROM read_parquet([{literal(str(done.bad))}, {literal(str(moved))}]) ORDER BY row) "  # noqa: S608
        f"TO {literal(str(both))} (FORMAT parquet, COMPRESSION zstd)"
    ).fetchall()[0][0]
    torn = int(found) - done.rows_bad
    both.replace(done.bad)
    moved.unlink()
    done.rows_bad = int(found)
    done.reasons[line] = torn
    return torn
