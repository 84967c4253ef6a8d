"""The tables laid at once: the same as the migrations make, and never laid where they would not be."""

import psycopg
import pytest
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.loader import MigrationLoader
from django.db.utils import ConnectionHandler, ProgrammingError

from citybrain.site import schema
from citybrain.site.database import connection_info

ALIAS = "empty"


@pytest.fixture
def empty(django_db_setup, django_db_blocker, other_database, monkeypatch):
    """A connection to an empty database beside the test's own, under an alias of its own."""
    name = other_database.rpartition("/")[2]
    info = connection_info()
    with psycopg.connect(**info | {"dbname": "postgres"}, autocommit=True) as link:
        link.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        link.execute(f'CREATE DATABASE "{name}"')
    wanted = connections.settings[DEFAULT_DB_ALIAS] | {"NAME": name}
    handler = ConnectionHandler({DEFAULT_DB_ALIAS: wanted, ALIAS: wanted})
    made = handler[ALIAS]
    monkeypatch.setitem(connections.settings, ALIAS, wanted)
    connections[ALIAS] = made
    with django_db_blocker.unblock():
        yield made
        made.close()
    del connections[ALIAS]


def tables(connection):
    with connection.cursor() as cursor:
        return set(connection.introspection.table_names(cursor))


def changed(folder, old, new):
    """The recorded file with one thing otherwise."""
    file = folder / "schema.sql"
    text = schema.FILE.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


def test_the_file_is_what_the_migrations_execute(empty):
    said = "run `make schema` and commit the file: the migrations execute something else now"
    assert schema.record(empty) == schema.FILE.read_text(encoding="utf-8"), said
    with pytest.raises(schema.NotEmptyError):
        schema.record(empty)


def test_an_empty_database_gets_every_table_and_nothing_is_left_to_migrate(empty):
    assert schema.lay(empty) is True
    assert set(empty.introspection.django_table_names()) <= tables(empty)
    assert set(MigrationLoader(empty).applied_migrations) == {
        (one.app, one.name) for one in schema.named_in(schema.FILE.read_text(encoding="utf-8"))
    }
    assert schema.lay(empty) is False  # a second time there are tables


def test_nothing_is_laid_when_a_migration_reads_otherwise_than_recorded(empty, tmp_path):
    one = schema.named_in(schema.FILE.read_text(encoding="utf-8"))[-1]
    assert schema.lay(empty, changed(tmp_path, one.digest, "0" * 64)) is False
    assert tables(empty) == set()


def test_a_file_that_fails_half_way_leaves_the_database_empty(empty, tmp_path):
    with pytest.raises(ProgrammingError):
        schema.lay(empty, changed(tmp_path, "INSERT INTO django_migrations", "INSERT INTO no_such_table"))
    assert tables(empty) == set()


def test_migrating_goes_on_from_what_was_laid(empty, tmp_path, monkeypatch):
    """A migration that came after the file runs on top of it."""
    text = schema.FILE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines(keepends=True) if "portal" not in line]
    earlier = tmp_path / "schema.sql"
    earlier.write_text("".join(lines), encoding="utf-8")
    monkeypatch.setattr(schema, "FILE", earlier)
    monkeypatch.setattr(schema.lay, "__defaults__", (earlier,))
    call_command("migrate", database=ALIAS, verbosity=0, interactive=False)
    assert "portal_bucket" in tables(empty)
    assert ("portal", "0001_initial") in MigrationLoader(empty).applied_migrations
