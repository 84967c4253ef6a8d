"""What a fixture writes into an empty database, made once in a process and laid again for each test after it.

`once("village", make)` runs `make` for the first test that asks, keeps the rows it wrote and what it returned, and
from then on copies both: the same rows with the same keys, in some milliseconds. `make` may read the database and
write rows and files; it must give the same whoever asks first, so it takes nothing from a test.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

Made = TypeVar("Made")
Rows = dict[str, bytes]

TABLES = """SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"""


@dataclass(frozen=True)
class Kept:
    """`added`: the rows that came to each table. `held`: the tables that held rows before, and which.

    `whole`: those of them whose rows were changed, too. They are written anew.
    """

    added: Rows
    held: Rows
    whole: frozenset[str]
    files: dict[Path, bytes]
    value: object


def rows_now() -> Rows:
    """Return each table's rows as COPY writes them, without the tables that hold none."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        found = {table: _copied(table) for (table,) in cursor.fetchall()}
    return {table: rows for table, rows in found.items() if rows}


def _copied(table: str) -> bytes:
    from django.db import connection

    with connection.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT") as copied:
        return b"".join(bytes(part) for part in copied)


def _rest(rows: bytes, without: bytes) -> bytes:
    """Return the rows (a line each) that are not among the others."""
    others = set(without.splitlines())
    return b"".join(row + b"\n" for row in rows.splitlines() if row not in others)


def _lay_rows(table: str, rows: bytes) -> None:
    from django.db import connection

    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy_in:
        copy_in.write(rows)


def _files() -> set[Path]:
    from django.conf import settings

    return {path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}


def keep(make: Callable[[], Made]) -> tuple[Kept, Made]:
    """Run `make` and return what it wrote beside what it returned."""
    from django.conf import settings

    before, files = rows_now(), _files()
    value = make()
    after = rows_now()
    home = Path(settings.MEDIA_ROOT)
    changed = {table for table, rows in after.items() if before.get(table) != rows}
    held = {table: before[table] for table in changed if table in before}
    whole = frozenset(table for table, rows in held.items() if _rest(rows, after[table]))
    kept = Kept(
        {
            table: after[table] if table in whole else _rest(after[table], held.get(table, b""))
            for table in changed
        },
        held,
        whole,
        {path.relative_to(home): path.read_bytes() for path in _files() - files},
        copy.deepcopy(value),
    )
    return kept, value


def lay(kept: Kept) -> bool:
    """Write what was kept and return True; where the database was another then, write nothing and return False."""
    from django.conf import settings
    from django.db import connection, transaction

    if any(_copied(table) != before for table, before in kept.held.items()):
        return False
    with transaction.atomic(), connection.cursor() as cursor:
        for table, rows in kept.added.items():
            if table in kept.whole:
                cursor.execute(f"DELETE FROM {table}")
            _lay_rows(table, rows)
    for path, content in kept.files.items():
        there = Path(settings.MEDIA_ROOT) / path
        if not there.exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(content)
    return True


KEPT: dict[str, Kept] = {}


@pytest.fixture
def once() -> Callable[[str, Callable[[], Made]], Made]:
    """Return `once(name, make)`, for fixtures that stand on an empty database."""

    def made(name: str, make: Callable[[], Made]) -> Made:
        if name not in KEPT:
            KEPT[name], value = keep(make)
            return value
        if not lay(KEPT[name]):
            return make()
        return copy.deepcopy(KEPT[name].value)  # type: ignore[return-value]

    return made
