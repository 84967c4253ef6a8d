"""Restoring a backup: all of it, or nothing.

The tables are built in a schema of their own by the migrations the backup was made with, filled, counted, and
put in the place of the old ones in one transaction; only then are they migrated on. A restore that fails or is
killed leaves the city as it was.
"""

import zipfile
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from citybrain.site import lake_backup, schema, tables
from citybrain.site.backup import (
    BackupError,
    Manifest,
    Progress,
    ledger_head,
    open_file,
    quiet,
    read_blocks,
    verify,
)
from citybrain.site.database import connection_info
from citybrain.site.postgres import write_secret

BUILD = "citybrain_restore"
TELLING = ("areas_area", "identity_person", "cases_case")  # a row in one of these: there is a city already


class NotEmptyError(RuntimeError):
    """There is a city already; `--replace` is needed to put the backup in its place."""


def city_rows(link: psycopg.Connection[Any]) -> dict[str, int]:
    """Return how many areas, people and cases there are, of the tables that exist."""
    there = {table.name for table in tables.tables(link, "public")}
    return {name: tables.count(link, name) for name in TELLING if name in there}


def _targets(executor: MigrationExecutor, manifest: Manifest) -> list[tuple[str, str]]:
    """Return the last migration of each app as the backup knew it.

    Raises BackupError when the backup was made by a newer program.
    """
    applied = {(app, name) for app, name in manifest.migrations}
    unknown = sorted(applied - set(executor.loader.disk_migrations))
    if unknown:
        app, name = unknown[0]
        raise BackupError(
            f"the backup needs migration {app}.{name}, which this citybrain doesn't have: update it"
        )
    graph = executor.loader.graph
    return [
        node
        for node in graph.nodes
        if node in applied
        and not any(
            child.key in applied and child.key[0] == node[0] for child in graph.node_map[node].children
        )
    ]


def _build(manifest: Manifest) -> None:
    """Make the tables in the schema of their own, as they were when the backup was made.

    A backup of today's tables takes them as they are recorded; an older one's are migrated step by step.
    """
    django: Any = connections["default"]
    django.close()
    django.close_pool()
    options = django.settings_dict["OPTIONS"]
    before = options.get("options")
    options["options"] = f"-c search_path={BUILD}"
    try:
        if {(app, name) for app, name in manifest.migrations} == schema.recorded():
            schema.lay(django)
        executor = MigrationExecutor(django)
        executor.migrate(_targets(executor, manifest))
    finally:
        django.close()
        django.close_pool()
        if before is None:
            del options["options"]
        else:
            options["options"] = before


def _fill_one(
    link: psycopg.Connection[Any], archive: zipfile.ZipFile, table: tables.Table, rows: int
) -> None:
    """Write one table's rows and count them."""
    with (
        archive.open(f"tables/{table.name}") as stream,
        link.cursor() as cursor,
        cursor.copy(table.copy("FROM STDIN")) as copy,
    ):
        for block in read_blocks(stream):
            copy.write(block)
    if (found := tables.count(link, table.name)) != rows:
        raise BackupError(f"{table.name}: {found} rows arrived, {rows} were written")


def _fill(link: psycopg.Connection[Any], archive: zipfile.ZipFile, manifest: Manifest, say: Progress) -> None:
    """Write the rows and sequences into the built tables, and count them."""
    there = {table.name: table for table in tables.tables(link, BUILD)}
    missing = sorted(set(manifest.rows) - set(there))
    if missing:
        raise BackupError(f"the backup has a table {missing[0]}, which its own migrations don't make")
    names = tables.in_order(link, BUILD, list(manifest.rows))
    for name in reversed(names):
        if tables.count(link, name):  # what the migrations themselves wrote
            link.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
    for done, name in enumerate(names):
        say("tables", done, len(names))
        _fill_one(link, archive, tables.Table(name, tuple(manifest.columns[name])), manifest.rows[name])
    say("tables", len(names), len(names))
    for name, (value, called) in manifest.sequences.items():
        link.execute("SELECT setval(%s::regclass, %s, %s)", [name, value, called])
    if ledger_head(link) != manifest.ledger_head:
        raise BackupError(f"the ledger ends with {ledger_head(link)}, the backup with {manifest.ledger_head}")


def _put_in_place(link: psycopg.Connection[Any]) -> None:
    """Exchange the old tables for the built ones."""
    link.execute("SET LOCAL lock_timeout = '10s'")
    link.execute("DROP SCHEMA public CASCADE")
    link.execute(sql.SQL("ALTER SCHEMA {} RENAME TO public").format(sql.Identifier(BUILD)))


def _place(root: Path, name: str) -> Path:
    """Return where an entry belongs. Raises BackupError for one that points out of its folder."""
    if name.startswith("lake/"):
        try:
            return lake_backup.target(name)
        except ValueError as error:
            raise BackupError(str(error)) from error
    target = (root / name).resolve()
    if not target.is_relative_to(root):
        raise BackupError(f"{name} points out of the home folder")
    return target


def _files(archive: zipfile.ZipFile, manifest: Manifest, home: Path, say: Progress) -> None:
    """Write photos, calendars and workbooks; a photo that is there already is the same one."""
    names = [
        name for name in manifest.digests if name.startswith(("photos/", "calendars/", "forms/", "lake/"))
    ]
    root = home.resolve()
    for done, name in enumerate(names):
        if not done % 50:
            say("files", done, len(names))
        target = _place(root, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f"{target.name}.restoring")
        with archive.open(name) as stream, fresh.open("wb") as out:
            for block in read_blocks(stream):
                out.write(block)
        fresh.chmod(0o600)
        fresh.rename(target)
    say("files", len(names), len(names))


def _remove_strangers(manifest: Manifest, home: Path) -> None:
    """Remove photos that the restored city doesn't know."""
    for path in (home / "photos").rglob("*"):
        if path.is_file() and path.relative_to(home).as_posix() not in manifest.digests:
            path.unlink()


def restore(path: Path, home: Path, *, replace: bool = False, say: Progress = quiet) -> Manifest:
    """Put the backup in place of what is there; return its manifest, whose figures were compared.

    Raises BackupError for a file that can't be used, and NotEmptyError when there is a city and `replace` is
    False; in both cases nothing was changed.
    """
    manifest = verify(path, say)
    with psycopg.connect(**connection_info(), autocommit=True) as link:
        rows = city_rows(link)
        if any(rows.values()) and not replace:
            told = ", ".join(f"{count} in {name}" for name, count in rows.items() if count)
            raise NotEmptyError(f"there is a city already ({told}); --replace puts the backup in its place")
        build = sql.Identifier(BUILD)
        link.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(build))
        link.execute(sql.SQL("CREATE SCHEMA {}").format(build))
        archive, _ = open_file(path)
        try:
            with archive:
                _build(manifest)
                _files(archive, manifest, home, say)
                lake_backup.move(archive)
                link.execute(sql.SQL("SET search_path = {}").format(build))
                with link.transaction():
                    _fill(link, archive, manifest, say)
                    lake_backup.restore_tables(link, archive)
                    _put_in_place(link)
                if "secret_key" in manifest.digests:
                    write_secret(home / "secret_key", archive.read("secret_key").decode().strip())
        except BaseException:
            link.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(build))
            raise
    _remove_strangers(manifest, home)
    return manifest
