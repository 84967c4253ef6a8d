"""merge, publish, measure: rows in the lake once, the serving copy renewed, figures told to the catalogue."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.utils import timezone

from citybrain.base.catalogue import quality
from citybrain.base.exchange.conflicts import compare
from citybrain.base.exchange.models import Quarantined, Source
from citybrain.base.exchange.steps.job import Job
from citybrain.base.lake import serving
from citybrain.base.lake.merge import Mode
from citybrain.base.lake.merge import merge as merge_rows
from citybrain.base.lake.tables import Table

MODES: Final[Mapping[str, Mode]] = {"full": "full", "upsert": "upsert", "append": "append"}
KINDS: Final[Mapping[str, str]] = {
    "integer": "type", "double": "type", "decimal": "type", "boolean": "type", "date": "type", "timestamp": "type",
    "json": "type", "geometry": "type", "damaged": "type", "lost_digits": "type", "broken": "type",
    "length": "length", "code": "code", "pattern": "pattern", "required": "required", "minimum": "range",
    "maximum": "range", "gb11643": "check", "gb32100": "check", "gb11714": "check", "duplicate_key": "key",
}  # fmt: skip


def merge(job: Job) -> dict[str, Any]:
    """Bring the checked rows into the lake, under the run's one name."""
    run, shape = job.run, job.shape
    table = Table(run.dataset.code)
    if not table.exists():
        table.create(shape)
    else:
        table.evolve(shape)
    checked = run.done["check"]
    left_out = np.load(checked["left_out"]) if checked["left_out"] else None
    compared = compare(run, shape, Path(checked["good"]), left_out)
    result = merge_rows(
        table,
        Path(checked["good"]),
        MODES[run.mode],
        run.ingest,
        run.pk,
        run.source.supply_id or 0,
        keys_distinct=True,
        left_out=compared.left_out,
    )
    run.version = result.version
    run.save(update_fields=["version"])
    return {
        "version": result.version, "inserted": result.inserted, "updated": result.updated,
        "unchanged": result.unchanged, "removed": result.removed, "conflicts": compared.found,
        "held_back": compared.held_back,
    }  # fmt: skip


def publish(job: Job) -> dict[str, Any]:
    """Renew the serving copy where somebody asks by key."""
    code = job.run.dataset.code
    if not serving.wanted(code):
        return {"published": False}
    held = serving.current(code)
    if held is None or held[1] != job.run.version:
        serving.publish(code, job.shape, job.run.version)
    return {"published": True}


def measure(job: Job) -> dict[str, Any]:
    """Tell the catalogue what was found, and the source where to go on."""
    run, checked = job.run, job.run.done["check"]
    problems: dict[str, int] = {}
    for line, count in checked["reasons"].items():
        reason = line.partition(":")[2].partition(":")[0]
        kind = KINDS.get(reason, "rule")
        problems[kind] = problems.get(kind, 0) + count
    if run.done["merge"]["conflicts"]:
        problems["conflict"] = run.done["merge"]["conflicts"]
    quality.measured(
        run.dataset.code, run.version or 0, checked["rows"], checked["rows_bad"], timezone.now(),
        total=Table(run.dataset.code).rows(), problems=problems, supply_id=run.source.supply_id, run=run.ingest,
    )  # fmt: skip
    Quarantined.objects.filter(replay=run, state="replaying").update(state="replayed")
    if not run.done.get("internal"):
        kinds = [[column.name, column.kind] for column in job.reading.columns]
        Source.objects.filter(pk=run.source_id).update(columns=kinds)
    cursor = run.done["land"].get("cursor")
    if cursor:
        Source.objects.filter(pk=run.source_id).update(cursor=cursor)
    return {}
