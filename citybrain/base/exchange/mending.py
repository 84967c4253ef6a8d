"""Mending rows put aside, and rows that are pushed: small sets of rows checked at once, or written as a file."""

from collections.abc import Iterable, Iterator, Mapping

import ibis
import orjson
import pyarrow as pa
from django.db import transaction

from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange import landing, runs
from citybrain.base.exchange.checks import Problem
from citybrain.base.exchange.checks.compile import PROBLEMS
from citybrain.base.exchange.checks.reasons import parse
from citybrain.base.exchange.models import Quarantined, Source
from citybrain.base.exchange.reading.documents import shown
from citybrain.base.exchange.steps.checking import checks_for
from citybrain.base.lake import engine
from citybrain.base.lake.staging import Batch

__all__ = ["Problem", "as_lines", "still_wrong", "take_pushed"]


def still_wrong(shape: Shape, values: Mapping[str, str | None]) -> list[Problem]:
    """Return what is wrong with one row of texts by field."""
    row = {name: values.get(name) for name in shape.names}
    checks = checks_for(shape, {name: name for name in shape.names})
    schema = pa.schema([(name, pa.string()) for name in shape.names])
    with engine.session(read_only_files=False) as link:
        link.register("t", pa.Table.from_pylist([row], schema=schema))
        sql = checks.sql(ibis.table(dict.fromkeys(shape.names, "string"), name="t"))
        found = link.execute(sql).to_arrow_table().column(PROBLEMS)[0].as_py()
    return parse(found or "", row)


def as_lines(rows: Iterable[Quarantined]) -> Iterator[bytes]:
    """Yield mended rows as JSON lines under the names of the fields, with the number they are kept under."""
    for row in rows:
        yield orjson.dumps(row.mended) + b"\n"


def take_pushed(batch: Batch) -> None:
    """Take a batch of pushed rows in: landed as JSON lines, then a run like any. A batch is one run."""
    numbers = {write.note.get("source") for write in batch.writes}
    source = (
        Source.objects.select_related("dataset")
        .filter(pk__in=[one for one in numbers if one])
        .order_by("pk")
        .first()
    )
    if source is None:
        raise LookupError(f"push to {batch.code}: its source is gone")
    names = list(dict.fromkeys(name for row in batch.rows for name in row))
    lines = (
        orjson.dumps({name: shown(row.get(name)) or None for name in names}) + b"\n" for row in batch.rows
    )
    landed = landing.land(lines)
    by = str(batch.writes[0].note.get("by", "system"))
    with transaction.atomic():
        runs.queue(
            source,
            by,
            ingest=batch.ingest,
            landed=landed,
            name="push.jsonl",
            done={"internal": {"push": True}},
        )
