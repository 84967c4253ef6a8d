"""Small writes: durable in PostgreSQL when accepted, worked on together every few seconds.

What happens to a batch is said by the handler registered (checks and merge belong to the exchange). A batch is
named once and keeps its rows and name through crashes, so the handler can use the name as ingest id.
"""

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from citybrain.base.lake import locks
from citybrain.base.lake.models import Staged

log = logging.getLogger("citybrain.lake")
BATCH_WRITES: Final = 5_000  # writes that are worked on together at most
_CLAIM = """
UPDATE lake_staged SET batch = %s WHERE id IN (
  SELECT id FROM lake_staged WHERE batch IS NULL AND code = %s AND supply = %s ORDER BY id LIMIT %s
  FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Writes of one supply to one data set, in the order they were accepted. `ingest` is the same on a retry."""

    ingest: str
    code: str
    supply: int
    writes: tuple[Staged, ...]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return all rows in their order: of one key the last counts."""
        return [row for write in self.writes for row in write.rows]


Handler = Callable[[Batch], None]
_handlers: dict[str, Handler] = {}


def register(handler: Handler) -> None:
    """Say who works on batches; the last one registered counts. Call from AppConfig.ready()."""
    _handlers["all"] = handler


def stage(
    code: str, rows: Sequence[Mapping[str, Any]], *, supply: int = 0, note: Mapping[str, Any] | None = None
) -> int:
    """Keep rows to be merged soon, in the current transaction; return the write's number."""
    return Staged.objects.create(code=code, rows=list(rows), supply=supply, note=dict(note or {})).pk


def waiting(code: str) -> int:
    """Return how many writes to a data set aren't in the lake yet."""
    return Staged.objects.filter(code=code).count()


def tick(now: datetime) -> int:
    """Hand every batch to the handler, those of a crash first; return how many writes were worked on."""
    handler = _handlers.get("all")
    if handler is None:
        return 0
    with locks.trying("staging") as mine:
        return _flush(handler) if mine else 0


def _flush(handler: Handler) -> int:
    """Work on what waits. A batch that fails stays, and the others go on; the first error is raised in the end."""
    done, failed = 0, None
    for code, supply in Staged.objects.filter(batch=None).values_list("code", "supply").distinct():
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, [uuid.uuid4(), code, supply, BATCH_WRITES])
    for batch in _batches():
        try:
            handler(batch)
            with transaction.atomic():
                Staged.objects.filter(pk__in=[write.pk for write in batch.writes]).delete()
            done += len(batch.writes)
        except Exception as error:
            log.exception("batch %s of %s failed; it is tried again", batch.ingest, batch.code)
            failed = failed or error
    if failed is not None:
        raise failed
    return done


def _batches() -> list[Batch]:
    named: dict[uuid.UUID, list[Staged]] = {}
    for write in Staged.objects.exclude(batch=None).order_by("id"):
        if write.batch is not None:
            named.setdefault(write.batch, []).append(write)
    return [Batch(f"staged-{name}", of[0].code, of[0].supply, tuple(of)) for name, of in named.items()]
