"""Is the city well? Each part's state, for `/health`, `citybrain doctor` and the start.

A part is {"ok": bool, …figures, "note": what to do}. Any part that isn't well turns the whole answer to 503.
"""

import shutil
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from citybrain.site.worker import LOOPS

Part = dict[str, Any]
LEAST_FREE = 2 * 2**30  # bytes
LATE_SECONDS = 20.0  # a heartbeat older than this, beyond the loop's own interval, is no heartbeat
LAG_SECONDS = 30.0
CALENDAR_DAYS = 60
MIGRATIONS_LOOK = 60.0


class _Kept:
    migrations: ClassVar[Part] = {}
    looked_at = float("-inf")


def database() -> Part:
    """Return that the database answers, and how quickly."""
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        row = cursor.fetchone()
    milliseconds = round((time.perf_counter() - began) * 1000, 1)
    return {"ok": True, "version": row[0] if row else "", "milliseconds": milliseconds}


def migrations() -> Part:
    """Return how many migrations are missing; looked at once a minute."""
    if time.monotonic() - _Kept.looked_at > MIGRATIONS_LOOK:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        _Kept.migrations = {"ok": not plan, "missing": len(plan)}
        if plan:
            _Kept.migrations["note"] = "restart `citybrain up`, which migrates"
        else:
            _Kept.looked_at = time.monotonic()
    return _Kept.migrations


def _age(at: datetime | None, now: datetime) -> float | None:
    return round((now - at).total_seconds(), 1) if at else None


def beats(now: datetime) -> dict[str, Part]:
    """Return the state of push, of the door for data and of each loop of the worker, by their heartbeats."""
    from citybrain.site.models import State

    rows = {row.key: row for row in State.objects.exclude(key="city")}
    parts: dict[str, Part] = {}
    for key, most in [
        ("push", LATE_SECONDS),
        ("data", LATE_SECONDS),
        *((f"worker.{x.name}", x.seconds + LATE_SECONDS) for x in LOOPS),
    ]:
        row = rows.get(key)
        age = _age(row.at if row else None, now)
        value = row.value if row else {}
        well = age is not None and age <= most and not value.get("error")
        parts[key] = {"ok": well, "age_seconds": age, **value}
        if not well:
            parts[key]["note"] = value.get("error") or "no sign of life: is `citybrain up` running?"
    return parts


def ledger(now: datetime) -> Part:
    """Return how far sealing is behind."""
    from citybrain.base.ledger.sealer import lag

    behind = lag()
    age = _age(behind.oldest, now) or 0.0
    part: Part = {"ok": age <= LAG_SECONDS, "unsealed": behind.pending, "oldest_seconds": age}
    if age > LAG_SECONDS:
        part["note"] = "the sealer is behind or stopped; look at worker.ledger"
    return part


def disk(now: datetime) -> Part:
    """Return the space left where data and photos live."""
    usage = shutil.disk_usage(settings.HOME)
    part: Part = {"ok": usage.free >= LEAST_FREE, "free_gib": round(usage.free / 2**30, 1)}
    if usage.free < LEAST_FREE:
        part["note"] = f"less than {LEAST_FREE // 2**30} GiB left in {settings.HOME}; free some"
    return part


def calendars(now: datetime) -> Part:
    """Return the years without a table of holidays that deadlines of the next 60 days touch.

    Only a year that has begun is a fault; one to come is a note.
    """
    from citybrain.base.worktime.calendar import current

    calendar = current()
    missing = calendar.years_needed(now, CALENDAR_DAYS)
    part: Part = {"ok": not calendar.years_needed(now, 0), "missing": missing}
    if missing:
        part["note"] = f"put the table of {missing[0]} into {settings.HOME}/calendars"
    return part


def _ask(part: Callable[[], Part]) -> Part:
    """Return the part's state; an error is a state too."""
    try:
        return part()
    except Exception as error:  # noqa: BLE001  (whatever is wrong is what the answer is about)
        return {"ok": False, "note": f"{type(error).__name__}: {error}".strip()}


def examine(now: datetime | None = None) -> dict[str, Any]:
    """Return every part's state and whether the city is well."""
    moment = now or timezone.now()
    parts: dict[str, Part] = {"web": {"ok": True}, "database": _ask(database)}
    parts["disk"] = _ask(lambda: disk(moment))
    if parts["database"]["ok"]:
        parts["migrations"] = _ask(migrations)
        parts["ledger"] = _ask(lambda: ledger(moment))
        parts["calendars"] = _ask(lambda: calendars(moment))
        try:
            parts |= beats(moment)
        except DatabaseError as error:
            parts["worker"] = {"ok": False, "note": str(error).strip()}
    return {"ok": all(part["ok"] for part in parts.values()), "at": moment.isoformat(), "parts": parts}


@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 when everything is well, 503 when something is not; the body says what."""
    found = examine()
    response = JsonResponse(found, status=200 if found["ok"] else 503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # who asks every second doesn't need a line in the log each time
    return response
