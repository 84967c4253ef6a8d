"""check: good rows typed in a file, bad rows put aside where people can mend them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import pyarrow.parquet as pq
from django.db import connection, transaction
from psycopg.types.json import Jsonb

from citybrain.base.catalogue.codes import code_table, whole
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.aside import keep
from citybrain.base.exchange.checks import Checks, Problem, compile_checks
from citybrain.base.exchange.checks.outcome import Split
from citybrain.base.exchange.checks.reasons import parse
from citybrain.base.exchange.checks.split import split
from citybrain.base.exchange.models import Quarantined
from citybrain.base.exchange.steps.job import Job, Stopped
from citybrain.base.lake.rowfile import SUFFIX

LISTED: Final = 200_000
"""Bad rows of one run that are listed to be mended; all of them are in the run's file of rows put aside (aside.py)."""


def checks_for(shape: Shape, columns: dict[str, str], *, damaged: bool = False) -> Checks:
    """Return the checks with the code tables they need; an excerpt can't tell that a code is wrong."""
    wanted = {one.code_table for one in shape.fields if one.code_table and one.name in columns}
    codes = {key: code_table(key) for key in wanted if whole(key)}
    return compile_checks(shape, columns, codes=codes, damaged=damaged)


def check(job: Job) -> dict[str, Any]:
    """Part the file; put bad rows aside. Raises Stopped when too many are bad: then it is the wrong file."""
    reading = job.reading
    damaged = any(note.key == "undecodable" for note in reading.notes)
    checks = checks_for(job.shape, job.columns, damaged=damaged)
    good, bad = job.folder / f"good{SUFFIX}", job.folder / "bad.parquet"
    done = split(checks, reading.plan, good, bad)
    left_out = job.folder / "left_out.npy"
    if done.left_out is not None:
        np.save(left_out, done.left_out)
    aside = done.rows_bad + done.broken_count
    if not done.rows:
        raise Stopped("refused", "no_rows")
    put_aside(job, done)
    kept = keep(job.run.pk, bad, done.all_broken) if aside else 0
    if aside * 100 > job.source.bad_percent * done.rows and aside > 10 and not job.run.drift_accepted:
        raise Stopped("waiting", "too_many_bad", bad=aside, rows=done.rows)
    return {
        "good": str(good), "left_out": "" if done.left_out is None else str(left_out), "bad": str(bad),
        "rows": done.rows, "rows_good": done.rows_good, "rows_bad": aside, "repeated": done.repeated,
        "reasons": done.reasons, "kept_aside": kept, "broken": done.broken_count,
    }  # fmt: skip


@transaction.atomic
def put_aside(job: Job, done: Split) -> None:
    """List the run's bad rows anew, by COPY; rows somebody mended already stay."""
    run = job.run
    if Quarantined.objects.filter(run=run).exclude(state="open").exists():
        return
    Quarantined.objects.filter(run=run).delete()
    rows = list(_rows(done, done.bad))
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY exchange_quarantined (run_id, dataset_id, row, raw, problems, state, mended_by, note) FROM STDIN"
        ) as copy,
    ):
        for number, raw, problems in rows:
            told = [problem.to_json() for problem in problems]
            copy.write_row(
                (
                    run.pk,
                    run.dataset_id,
                    number,
                    Jsonb(raw, orjson.dumps),
                    Jsonb(told, orjson.dumps),
                    "open",
                    "",
                    "",
                )
            )


def _rows(done: Split, path: Path) -> Iterator[tuple[int, dict[str, str | None], list[Problem]]]:
    for one in done.broken:
        yield one.line, {"": _storable(one.text)}, [Problem("", "broken", None, one.reason)]
    listed = 0
    for batch in pq.ParquetFile(path).iter_batches(8192):
        for row in batch.to_pylist():
            if listed == LISTED:
                return
            listed += 1
            raw = {name: _storable(value) for name, value in row["raw"].items()}
            yield row["row"], raw, parse(row["problems"], raw)


def _storable(value: str | None) -> str | None:
    """Return a text without what PostgreSQL can't keep."""
    return None if value is None else value.replace("\0", "\u2400")
