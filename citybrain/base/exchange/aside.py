"""All rows that a run put aside, in one file of its own, and how long that file and the landed ones are kept.

The desk lists the first ones to be mended (`steps/checking.py`); this file holds every one of them, lines that couldn't
be read included. `raw` is the row's cells by field as JSON, or the text of a line.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings

from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange import landing
from citybrain.base.exchange.checks.reasons import Problem, explain, parse
from citybrain.base.exchange.models import Landed, Run
from citybrain.base.exchange.reading.broken import Broken
from citybrain.base.exchange.reading.plan import literal
from citybrain.base.lake import engine, locks, names

SCHEMA: Final = pa.schema([("row", pa.int64()), ("problems", pa.string()), ("raw", pa.string())])
BROKEN: Final = ":broken:"
PINNING: Final = ("queued", "running", "waiting", "failed")
GUARDED: Final = ("=", "+", "-", "@", "\t", "\r")


def path_of(run_id: int) -> Path:
    """Return where a run's file of rows put aside lies."""
    return names.home() / "aside" / f"run-{run_id}.parquet"


def keep(run_id: int, bad: Path, broken: Sequence[Broken]) -> int:
    """Keep all bad rows of a run, in the order of their numbers; return how many. Doing it again replaces the file."""
    target = path_of(run_id)
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = pa.table(
        {
            "row": [one.line for one in broken],
            "problems": [f"{BROKEN}{one.reason}\n" for one in broken],
            "raw": [one.text for one in broken],
        },
        schema=SCHEMA,
    )
    made = target.with_suffix(".making")
    with engine.session(memory="512MB", read_only_files=False) as link:
        link.register("lines", lines)
        sql = (
            "SELECT row, problems, CAST(to_json(raw) AS VARCHAR) AS raw "  # noqa: S608
            f"FROM read_parquet({literal(str(bad))}) UNION ALL SELECT * FROM lines ORDER BY row"
        )
        row = link.execute(
            f"COPY ({sql}) TO {literal(str(made))} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
    made.replace(target)
    return int(row[0]) if row else 0


def rows(run_id: int) -> Iterator[tuple[int, list[Problem], dict[str, Any]]]:
    """Yield (number, what is wrong, cells by field) of every row put aside; nothing once the file's time is over."""
    path = path_of(run_id)
    if not path.exists():
        return
    for batch in pq.ParquetFile(path).iter_batches(8192):
        for row in batch.to_pylist():
            if row["problems"].startswith(BROKEN):
                reason = row["problems"].strip().removeprefix(BROKEN)
                yield row["row"], [Problem("", "broken", None, reason)], {"": row["raw"]}
            else:
                raw = orjson.loads(row["raw"])
                yield row["row"], parse(row["problems"], raw), raw


def as_csv(run: Run) -> Iterator[bytes]:
    """Yield a table for a spreadsheet: number, what is wrong in words, then each field; nothing in it is run there."""
    shape: Shape = run.dataset.shape
    yield "\ufeff".encode() + _line(["row", "problems", *shape.names, ""])
    for number, problems, raw in rows(run.pk):
        told = "; ".join(explain(one, shape) for one in problems)
        yield _line([str(number), told, *(raw.get(name) or "" for name in (*shape.names, ""))])


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow([f"'{cell}" if cell.startswith(GUARDED) else cell for cell in cells])
    return out.getvalue().encode()


def tick(now: datetime) -> int:
    """Worker: remove landed files and files of rows put aside whose time is over; return how many.

    A file stays while a run that may still need it isn't over. Does nothing while a backup reads.
    """
    oldest = now - timedelta(days=settings.EXCHANGE_KEEP_DAYS)
    with locks.removing_files() as free:
        return _sweep_landed(oldest) + _sweep_aside(oldest) if free else 0


def _sweep_landed(oldest: datetime) -> int:
    over = (
        Landed.objects.filter(at__lt=oldest)
        .exclude(runs__state__in=PINNING)
        .exclude(runs__created_at__gte=oldest)
    )
    done = 0
    for landed in over.order_by("pk").iterator(1000):
        path = landing.path_of(landed)
        if path.exists() and path.stat().st_mtime < oldest.timestamp():
            path.unlink()
            done += 1
    return done


def _sweep_aside(oldest: datetime) -> int:
    done = 0
    for path in path_of(0).parent.glob("run-*.parquet"):
        if path.stat().st_mtime < oldest.timestamp():
            path.unlink()
            done += 1
    return done
