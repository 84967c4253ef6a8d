"""The city's tables as they are in the database, for backup and restore."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

OUR_OWN = "django_migrations"  # kept by the migrations themselves

_SQL_TABLES = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r' AND c.relname <> %s
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
GROUP BY c.relname ORDER BY c.relname
"""
_SQL_SEQUENCES = """
SELECT s.relname FROM pg_class s WHERE s.relnamespace = %s::regnamespace AND s.relkind = 'S' ORDER BY s.relname
"""
_SQL_REFERENCES = """
SELECT DISTINCT c.conrelid::regclass::text, c.confrelid::regclass::text FROM pg_constraint c
WHERE c.connamespace = %s::regnamespace AND c.contype = 'f' AND c.conrelid <> c.confrelid
"""


@dataclass(frozen=True)
class Table:
    """A table with the columns that are written (generated ones are not)."""

    name: str
    columns: tuple[str, ...]

    def copy(self, direction: str) -> sql.Composed:
        """Return the COPY statement, "TO STDOUT" or "FROM STDIN", in the text format every version reads."""
        columns = sql.SQL(", ").join(sql.Identifier(column) for column in self.columns)
        return sql.SQL("COPY {} ({}) " + direction).format(sql.Identifier(self.name), columns)


def tables(link: psycopg.Connection[Any], schema: str) -> list[Table]:
    """Return the tables of a schema by name, without the list of migrations."""
    rows = link.execute(_SQL_TABLES, [schema, OUR_OWN]).fetchall()
    return [Table(name, tuple(columns)) for name, columns in rows]


def sequences(link: psycopg.Connection[Any], schema: str) -> dict[str, list[Any]]:
    """Return each sequence's last value and whether it has been given out."""
    found = {}
    for (name,) in link.execute(_SQL_SEQUENCES, [schema]).fetchall():
        row = link.execute(
            sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(name))
        ).fetchone()
        found[name] = list(row or ())
    return found


def migrations(link: psycopg.Connection[Any]) -> list[list[str]]:
    """Return the applied migrations as [app, name], in the order they were applied."""
    rows = link.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()
    return [[app, name] for app, name in rows]


def count(link: psycopg.Connection[Any], table: str) -> int:
    """Return the number of rows."""
    row = link.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    return int(row[0]) if row else 0


def in_order(link: psycopg.Connection[Any], schema: str, names: list[str]) -> list[str]:
    """Return the tables so that each comes after those it refers to, as far as there is no circle."""
    needs: dict[str, set[str]] = {name: set() for name in names}
    for source, target in link.execute(_SQL_REFERENCES, [schema]).fetchall():
        if source in needs and target in needs:
            needs[source].add(target)
    done: list[str] = []
    left = sorted(names)
    while left:
        ready = [name for name in left if needs[name] <= set(done)] or left[:1]
        done += ready
        left = [name for name in left if name not in set(ready)]
    return done
