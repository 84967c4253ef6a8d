"""Entries to seal, and hands that alter what the database refuses to alter."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from citybrain.base.ledger.append import Row, record_many


def write(count: int, start: int = 1) -> None:
    """Append entries with the subjects case:start … and nothing else alike."""
    record_many(
        Row(f"person:{n % 7}", "cases.close", f"case:{n}", {"n": n, "why": "已修复"})
        for n in range(start, start + count)
    )


@contextmanager
def unprotected() -> Iterator[Any]:
    """A cursor that may change the ledger, as its owner may after lifting the triggers."""
    with connection.cursor() as cursor:
        for table in ("ledger_entry", "ledger_seal"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ledger_refuse")
        yield cursor
        for table in ("ledger_entry", "ledger_seal"):
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER ledger_refuse")


@pytest.fixture
def another() -> Iterator[Callable[[], psycopg.Connection]]:
    """Opens further connections to the same database, each with a transaction of its own."""
    made: list[psycopg.Connection] = []

    def open_one() -> psycopg.Connection:
        kept = connection.settings_dict
        made.append(
            psycopg.connect(
                host=kept["HOST"],
                port=kept["PORT"],
                user=kept["USER"],
                password=kept["PASSWORD"],
                dbname=kept["NAME"],
            )
        )
        return made[-1]

    yield open_one
    for one in made:
        one.close()
