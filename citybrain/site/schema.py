"""The tables of an empty database, laid at once.

Django renders all models anew for every step of every migration, which takes half a minute of a first start and of
every test database; what the steps execute takes a second. So what all migrations execute is recorded in
`sql/schema.sql` and laid into a database that has no table yet. The file names each migration with its digest:
where one of them reads otherwise today, nothing is laid and the migrations run as ever; migrations that came after
the file run on top of it. Written by `make schema`; a test compares the file with what the migrations execute.
"""

import hashlib
import inspect
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import migrations, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

log = logging.getLogger("citybrain.schema")
FILE = Path(__file__).parent / "sql" / "schema.sql"
HEADING = "-- Written by `make schema`: what the migrations below execute in an empty database.\n"
_NAMED = re.compile(r"^-- migration (\S+) (\S+) ([0-9a-f]{64})$", re.MULTILINE)
_READS = re.compile(r"\s*SELECT\b", re.IGNORECASE)
_KEPT_LIST = re.compile(r'\s*INSERT INTO "django_migrations"', re.IGNORECASE)
_SQL_ANY_TABLE = """
SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p'))
"""


class NotEmptyError(RuntimeError):
    """The database to record in has tables."""


@dataclass(frozen=True)
class Named:
    """A migration and the digest of what it does."""

    app: str
    name: str
    digest: str


def _statements(operations: Sequence[Operation]) -> Iterator[str]:
    """Yield the SQL that operations take from elsewhere than their own file."""
    for operation in operations:
        if isinstance(operation, migrations.RunSQL):
            yield repr(operation.sql)
        elif isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from _statements(operation.database_operations)


def digest(migration: migrations.Migration) -> str:
    """Return the SHA-256 of a migration's file and of the SQL it runs, as 64 hexadecimal digits."""
    text = inspect.getsource(inspect.getmodule(type(migration)) or type(migration))
    return hashlib.sha256("\n".join([text, *_statements(migration.operations)]).encode()).hexdigest()


def planned(loader: MigrationLoader) -> list[Named]:
    """Return all migrations of the program in the order in which an empty database gets them."""
    order: dict[tuple[str, str], None] = {}
    for leaf in loader.graph.leaf_nodes():
        order.update(dict.fromkeys(loader.graph.forwards_plan(leaf)))
    return [Named(app, name, digest(loader.graph.nodes[app, name])) for app, name in order]


def named_in(text: str) -> list[Named]:
    """Return the migrations a file was recorded from."""
    return [Named(*found) for found in _NAMED.findall(text)]


def recorded(file: Path = FILE) -> set[tuple[str, str]]:
    """Return app and name of the migrations the file was recorded from."""
    return {(one.app, one.name) for one in named_in(file.read_text(encoding="utf-8"))}


def is_empty(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether the database has no table in the schema it would write to."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL_ANY_TABLE)
        return not cursor.fetchone()[0]


def record(connection: BaseDatabaseWrapper) -> str:
    """Run all migrations in an empty database and return them with what they executed, as the file's text.

    Raises NotEmptyError when there is a table.
    """
    if not is_empty(connection):
        raise NotEmptyError(
            f"{connection.settings_dict['NAME']} has tables; recording needs an empty database"
        )
    executed: list[str] = []

    def kept(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not (_READS.match(sql) or _KEPT_LIST.match(sql)):
            whole = connection.ops.compose_sql(sql, params) if params else sql  # type: ignore[attr-defined]
            executed.append(whole.strip().rstrip(";") + ";\n")
        return execute(sql, params, many, context)

    runner = MigrationExecutor(connection)
    order = planned(runner.loader)
    with connection.execute_wrapper(kept):
        runner.migrate(runner.loader.graph.leaf_nodes())
    names = [f"-- migration {one.app} {one.name} {one.digest}\n" for one in order]
    done = ",\n".join(f"  ('{one.app}', '{one.name}', now())" for one in order)
    listed = f"INSERT INTO django_migrations (app, name, applied) VALUES\n{done};\n"
    return "".join([HEADING, *names, "\n", *executed, listed])


def lay(connection: BaseDatabaseWrapper, file: Path = FILE) -> bool:
    """Lay the recorded tables into an empty database, wholly or not at all; tell whether it was done.

    Nothing is done where a table exists or where a recorded migration reads otherwise today.
    """
    if not is_empty(connection):
        return False
    text = file.read_text(encoding="utf-8")
    today = {(one.app, one.name): one.digest for one in planned(MigrationLoader(connection))}
    for one in named_in(text):
        if today.get((one.app, one.name)) != one.digest:
            log.info("%s.%s reads otherwise than in %s: migrating step by step", one.app, one.name, file.name)
            return False
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(text)
    return True
