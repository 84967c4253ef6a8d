"""What one piece of work takes: processor, database, statements; and which of them read a whole large table."""

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import connection

LARGE = 20_000  # rows from which reading a whole table counts
Work = Callable[[], object]


@dataclass
class Listener:
    """Counts what passes to the database: statements, and the milliseconds its process worked on them."""

    ms: float = 0.0
    statements: list[tuple[str, Any, float]] = field(default_factory=list)

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = served()
        try:
            return execute(sql, params, many, context)
        finally:
            took = served() - began
            self.ms += took
            if not many:
                self.statements.append((sql, params, took))


@lru_cache(maxsize=1)
def server_process() -> Path | None:
    """Return where the system tells what the connection's server process used; one process: no parallel plans."""
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        cursor.execute("SELECT pg_backend_pid()")
        told = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
    return told if told.is_file() else None


def served() -> float:
    """Return the milliseconds of processor that the server process used; the clock's where it can't be told."""
    told = server_process()
    return int(told.read_text().split()[0]) / 1e6 if told is not None else time.perf_counter() * 1000


@contextmanager
def heard() -> Iterator[Listener]:
    listener = Listener()
    server_process()
    with connection.execute_wrapper(listener):
        yield listener


def once(work: Work) -> tuple[float, float, Listener]:
    """Return the processor's milliseconds, those with the database's, and what the database heard."""
    with heard() as listener:
        began = time.process_time()
        work()
        cpu = (time.process_time() - began) * 1000
    return cpu, cpu + listener.ms, listener


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def figures(work: Sequence[Work], bare: Work | None = None) -> dict[str, Any]:
    """Return p50 and p95 of many alike pieces of work, what the slowest statement is, and which read whole tables.

    `bare`, in turn with them, is the least that must be done; the ratio is of the medians of database time.
    """
    work[0]()  # what is made once in a process is there
    total, processor, database, least, statements = [], [], [], [], []
    worst: tuple[str, Any, float] = ("", None, 0.0)
    whole: set[str] = set()
    for at, one in enumerate(work):
        cpu, ms, listener = once(one)
        total.append(ms)
        processor.append(cpu)
        database.append(listener.ms)
        statements.append(len(listener.statements))
        worst = max([worst, *listener.statements], key=lambda told: told[2])
        if at == 0:
            whole = set().union(*(read_whole(sql, given) for sql, given, _ms in listener.statements), set())
        if bare is not None:
            least.append(once(bare)[2].ms)
    found = {
        "times": len(work),
        "p50_ms": round(statistics.median(total), 1),
        "p95_ms": round(percentile(total, 0.95), 1),
        "processor_ms": round(statistics.median(processor), 1),
        "database_ms": round(statistics.median(database), 1),
        "statements": max(statements),
        "slowest_statement_ms": round(worst[2], 1),
        "slowest_statement": " ".join(worst[0].split())[:160],
        "reads_whole": sorted(whole),
    }
    if least:
        found["bare_ms"] = round(statistics.median(least), 2)
        found["database_to_bare"] = round(
            statistics.median(database) / max(statistics.median(least), 0.01), 1
        )
    return found


def read_whole(sql: str, params: Any) -> set[str]:
    """Return the large tables that a statement reads from end to end."""
    if not sql.lstrip().upper().startswith(("SELECT", "WITH")) or "INSERT" in sql.upper():
        return set()
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + sql, params)
        told = cursor.fetchone()[0]
    plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    return {one for one in _scanned(plan) if _rows(one) >= LARGE}


def _scanned(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for below in plan.get("Plans", ()):
        yield from _scanned(below)


def _rows(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [f'"{table}"'])
        return int(cursor.fetchone()[0])
