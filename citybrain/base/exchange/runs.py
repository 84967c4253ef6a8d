"""Runs: claimed under a lease, worked on step by step, each step's outcome kept before the next begins.

A process killed anywhere leaves a run whose lease runs out; the next worker goes on behind the last step kept. What
a step does twice it does once: landed files are named by their bytes, merges by the run's ingest name.
"""

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from django.db import close_old_connections, connection, transaction
from django.utils import timezone

from citybrain.base.exchange import landing
from citybrain.base.exchange.models import Quarantined, Run, Source
from citybrain.base.exchange.steps.job import Job, Stopped
from citybrain.base.ledger import record

log = logging.getLogger("citybrain.exchange")


def _step(module: str, name: str) -> Callable[[Job], dict[str, Any]]:
    """Return a step that loads what it works with (the engine, Iceberg) when it is taken: who only asks needs none."""

    def take(job: Job) -> dict[str, Any]:
        found: dict[str, Any] = getattr(import_module(f"citybrain.base.exchange.steps.{module}"), name)(job)
        return found

    return take


STEPS: Final[tuple[tuple[str, Callable[[Job], dict[str, Any]]], ...]] = (
    ("land", _step("taking", "land")),
    ("read", _step("taking", "read_file")),
    ("part", _step("parting", "part")),
    ("check", _step("checking", "check")),
    ("merge", _step("storing", "merge")),
    ("end", _step("parting", "end_rows")),
    ("publish", _step("storing", "publish")),
    ("measure", _step("storing", "measure")),
)
LEASE: Final = timedelta(seconds=60)
BEAT_SECONDS: Final = 15.0
ATTEMPTS: Final = 6
FIRST_PAUSE: Final = timedelta(seconds=10)
A_TICK: Final = 20
_CLAIM: Final = """
UPDATE exchange_run SET state = 'running', attempt = attempt + 1, lease_until = %(until)s WHERE id = (
  SELECT id FROM exchange_run WHERE state IN ('queued', 'running') AND next_try_at <= %(now)s
     AND (lease_until IS NULL OR lease_until < %(now)s) AND (%(only)s::bigint IS NULL OR id = %(only)s)
   ORDER BY next_try_at, id FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING id
"""


def tick(now: datetime) -> int:
    """Queue what is due, then work on runs that wait; return how many were worked on."""
    queue_due(now)
    done = 0
    while done < A_TICK and work_one(timezone.now()):
        done += 1
    return done


def queue_due(now: datetime) -> int:
    """Queue a run for each source whose time has come; one that still has a run waits for its end."""
    due = Source.objects.filter(is_active=True, next_due__lte=now).exclude(kind__in=("upload", "push"))
    queued = 0
    for source in due.select_related("dataset"):
        with transaction.atomic():
            held = (
                Source.objects.select_for_update(skip_locked=True)
                .filter(pk=source.pk, next_due__lte=now)
                .first()
            )
            if held is None:
                continue
            held.next_due = now + timedelta(minutes=held.every_minutes or 1440)
            held.save(update_fields=["next_due"])
            if not held.runs.filter(state__in=("queued", "running", "waiting")).exists():
                queue(held, "system")
                queued += 1
    return queued


def queue(source: Source, asked_by: str, *, ingest: str = "", **values: Any) -> Run:
    """Put a run of a source into the queue, in the current transaction; the same `ingest` again is the same run."""
    mode = values.pop("mode", source.mode)
    made = {"source": source, "dataset": source.dataset, "mode": mode, "asked_by": asked_by, **values}
    if ingest:
        return Run.objects.get_or_create(ingest=ingest, defaults=made)[0]
    return Run.objects.create(ingest=f"run-{uuid.uuid4().hex}", **made)


def work_one(now: datetime, only: int | None = None) -> bool:
    """Claim one run and work on it; return whether there was one."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "until": now + LEASE, "only": only})
        row = cursor.fetchone()
    if row is None:
        return False
    run = Run.objects.select_related("source__dataset", "source__supply", "dataset__current", "landed").get(
        pk=row[0]
    )
    with kept_alive(run.pk):
        _work(run)
    return True


@contextmanager
def kept_alive(run_id: int) -> Iterator[None]:
    """Renew the lease while a step works, by a thread with a connection of its own."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(BEAT_SECONDS):
            Run.objects.filter(pk=run_id, state="running").update(lease_until=timezone.now() + LEASE)
            close_old_connections()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _work(run: Run) -> None:
    job = Job(run)
    try:
        for name, step in STEPS:
            if name in run.done:
                continue
            run.step = name
            if not _files_there(run, name):
                run.done = {key: run.done[key] for key in ("internal", "land") if key in run.done}
                run.save(update_fields=["done", "step"])
                return _again(run)
            given = step(job)
            run.done[name] = given
            run.save(update_fields=["done", "step"])
            if "skip" in given:
                break
        _finish(run)
    except Stopped as stopped:
        _stop(run, stopped)
    except Exception as error:  # noqa: BLE001  any failure is kept with the run and tried again
        _fail(run, error)


def _files_there(run: Run, step: str) -> bool:
    """Whether what earlier steps left on disk is still there."""
    if step == "check":
        return Path(run.done["read"]["reading"]["plan"]["path"]).exists()
    if step == "end" and run.done.get("part"):
        return Path(run.done["part"]["keys"]).exists()
    return step != "merge" or Path(run.done["check"]["good"]).exists()


def _again(run: Run) -> None:
    """Put the run back into the queue at once: its files went with a disk or a clean-up."""
    Run.objects.filter(pk=run.pk).update(state="queued", lease_until=None, next_try_at=timezone.now())


@transaction.atomic
def _finish(run: Run) -> None:
    run.figures = figures(run)
    run.state, run.step, run.error, run.lease_until = "done", "", {}, None
    run.finished_at = timezone.now()
    run.save()
    record(run.asked_by, "exchange.take_in", f"dataset:{run.dataset.code}", {"run": run.pk, **run.figures})
    transaction.on_commit(lambda: landing.clear_work(run.pk))


def figures(run: Run) -> dict[str, Any]:
    """Return what a run did, in numbers."""
    skipped = run.done.get("land", {}).get("skip")
    if skipped:
        return {"skipped": skipped, "rows": 0, "inserted": 0, "updated": 0, "removed": 0}
    checked, merged = run.done["check"], run.done["merge"]
    part = run.done.get("part") or {}
    ended = {name: part[name] for name in ("ended", "ended_bad")} if part else {}
    return (
        {name: checked[name] for name in ("rows", "rows_good", "rows_bad", "repeated")} | dict(merged) | ended
    )


def _stop(run: Run, stopped: Stopped) -> None:
    run.state, run.lease_until = stopped.state, None
    run.error = {"key": stopped.key, "params": stopped.params}
    run.finished_at = timezone.now() if stopped.state == "refused" else None
    run.save(update_fields=["state", "lease_until", "error", "finished_at", "step"])
    if stopped.state == "refused":
        _give_back(run)
        record(
            run.asked_by,
            "exchange.refuse",
            f"dataset:{run.dataset.code}",
            {"run": run.pk, "why": stopped.key},
        )


def _fail(run: Run, error: Exception) -> None:
    from citybrain.base.exchange.sources import SourceError  # with the clients of every kind of source

    if isinstance(error, SourceError):  # the other side's; where it happened here tells nothing
        log.warning("run %s: %s failed (attempt %s): %s", run.pk, run.step, run.attempt, error)
    else:
        log.warning("run %s: %s failed (attempt %s)", run.pk, run.step, run.attempt, exc_info=error)
    run.error = {
        "key": "failed",
        "params": {"step": run.step, "detail": f"{type(error).__name__}: {error}"[:1000]},
    }
    run.state = "failed" if run.attempt >= ATTEMPTS else "queued"
    run.lease_until = None
    pause = FIRST_PAUSE * 4 ** max(run.attempt - 1, 0)
    asked = error.wait if isinstance(error, SourceError) and error.wait else pause
    run.next_try_at = timezone.now() + max(pause, asked)
    run.finished_at = timezone.now() if run.state == "failed" else None
    run.save(update_fields=["state", "lease_until", "error", "next_try_at", "finished_at", "step"])
    if run.state == "failed":
        _give_back(run)


def _give_back(run: Run) -> None:
    """Rows that were to be replayed by a run that ended otherwise can be replayed again."""
    Quarantined.objects.filter(replay=run, state="replaying").update(state="mended", replay=None)
