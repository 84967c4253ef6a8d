"""How much the ledger costs: rows recorded and sealed a second, beside bare inserts of the same rows.

`python bench/ledger.py [--rows N]` makes a database of its own beside that of DATABASE_URL, drops it at the
end, and prints one JSON object. "single" is one durable transaction per row, "bulk" is COPY; in both the
bare limit is a table with the same columns and nothing but its primary key. The sealer runs beside "single".
"""

import argparse
import json
import os
import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import django
from django.conf import settings

BARE = """
CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz, actor text,
  on_behalf_of text, action text, subject text, body text)
"""


def body(n: int) -> dict[str, object]:
    """A body like that of a case's step."""
    return {
        "number": f"2026112{n:07}",
        "from": "filed",
        "to": "dispatched",
        "why": "井盖破损，影响通行",
        "clock": 240,
    }


@contextmanager
def scratch() -> Iterator[None]:
    """Run in a database of our own with the ledger's tables alone; drop it after."""
    import psycopg
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    kept = connection.settings_dict
    name = f"ledger_bench_{os.getpid()}"
    address = {key: kept[key.upper()] for key in ("host", "port", "user", "password")}
    with psycopg.connect(**address, dbname=kept["NAME"], autocommit=True) as outer:
        outer.execute(f'CREATE DATABASE "{name}"')
        kept["NAME"] = name
        try:
            MigrationExecutor(connection).migrate([("ledger", "0001_initial")])
            with connection.cursor() as cursor:
                cursor.execute(BARE)
            yield
        finally:
            connection.close()
            connection.close_pool()
            outer.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def rate(count: int, work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


@contextmanager
def sealing() -> Iterator[None]:
    """Seal every 200 ms in a thread, as the worker does beside the web processes."""
    from django.db import connection

    from citybrain.base.ledger.sealer import tick

    done = threading.Event()

    def loop() -> None:
        while not done.wait(0.2):
            tick(datetime.now(UTC))
        connection.close()

    thread = threading.Thread(target=loop)
    thread.start()
    yield
    done.set()
    thread.join()


def singles(count: int) -> dict[str, float]:
    from django.db import connection

    from citybrain.base.ledger import canonical, record
    from citybrain.base.ledger.append import SQL

    bare_sql = SQL.replace("ledger_entry", "bare")

    def bare() -> None:
        for n in range(count):
            with connection.cursor() as cursor:
                values = [None, f"person:{n % 500}", "", "cases.dispatch", f"case:{n}", canonical(body(n))]
                cursor.execute(bare_sql, values)

    def recorded() -> None:
        for n in range(count):
            record(f"person:{n % 500}", "cases.dispatch", f"case:{n}", body(n))

    bare()  # warm, and thrown away
    bare_rate = rate(count, bare)
    with sealing():
        recorded_rate = rate(count, recorded)
    return {"bare": bare_rate, "recorded": recorded_rate, "ratio": recorded_rate / bare_rate}


def bulks(count: int) -> dict[str, float]:
    from django.db import connection

    from citybrain.base.ledger import canonical, record_many
    from citybrain.base.ledger.append import _COPY, _COPY_TYPES, Row
    from citybrain.base.ledger.sealer import tick
    from citybrain.base.ledger.verify import verify

    now = datetime.now(UTC)

    def bare() -> None:
        with connection.cursor() as cursor, cursor.copy(_COPY.replace("ledger_entry", "bare")) as copy:
            copy.set_types(_COPY_TYPES)
            for n in range(count):
                copy.write_row(
                    (now, f"person:{n % 500}", "", "cases.dispatch", f"case:{n}", canonical(body(n)))
                )

    def recorded() -> None:
        record_many(Row(f"person:{n % 500}", "cases.dispatch", f"case:{n}", body(n)) for n in range(count))

    bare_rate, recorded_rate = rate(count, bare), rate(count, recorded)
    tick(now)  # what "single" left
    recorded()
    sealed_rate = rate(count, lambda: tick(now))
    both = 1 / (1 / recorded_rate + 1 / sealed_rate)
    verdict = verify()
    assert verdict.intact
    return {
        "bare": bare_rate,
        "recorded": recorded_rate,
        "sealed": sealed_rate,
        "recorded_and_sealed": both,
        "ratio": both / bare_rate,
        "verified": verdict.checked / verdict.seconds,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument(
        "--rows", type=int, default=200_000, help="rows of the bulk part; a hundredth, singly"
    )
    rows = max(arguments.parse_args().rows, 1000)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
    with server():
        measure(rows)


@contextmanager
def server() -> Iterator[None]:
    """Start a durable server of our own where DATABASE_URL names none; stop it after."""
    if os.environ.get("DATABASE_URL"):
        yield
        return
    from citybrain.site.postgres import Server

    with tempfile.TemporaryDirectory(prefix="citybrain-bench-") as folder:
        Path(folder).chmod(0o755)
        started = Server(Path(folder) / "postgres", durable=True)
        started.start()
        os.environ["DATABASE_URL"] = started.admin_url
        try:
            yield
        finally:
            started.stop()


def measure(rows: int) -> None:
    """Print the figures as JSON."""
    settings.DATABASES["default"]["OPTIONS"].pop("pool", None)  # two connections, each kept
    settings.DATABASES["default"]["CONN_MAX_AGE"] = None
    django.setup()
    from django.db import connection

    with scratch():
        result = {
            "bench": "ledger",
            "rows": rows,
            "unit": "rows/s",
            "single": singles(rows // 100),
            "bulk": bulks(rows),
            "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
            "postgresql": connection.pg_version,
        }
    print(json.dumps(result, indent=1, default=str, ensure_ascii=False))


if __name__ == "__main__":
    main()
