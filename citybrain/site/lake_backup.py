"""The lake's part of a backup: Iceberg's catalogue as of the backup's moment, and every file it names.

Files are never changed once written, and none is removed while `keeping_files` is held. What came (`landed/`) is
kept as well. Serving copies aren't: they are made anew.
"""

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

TABLES = ("iceberg_tables", "iceberg_namespace_properties")
COLUMNS = {
    "iceberg_tables": (
        "catalog_name", "table_namespace", "table_name", "metadata_location",
        "previous_metadata_location", "iceberg_type",
    ),
    "iceberg_namespace_properties": ("catalog_name", "namespace", "property_key", "property_value"),
}  # fmt: skip
NOTE = "lake.json"
Write = Callable[[str, Iterator[bytes]], None]


def keeping_files() -> AbstractContextManager[None]:
    """Let the lake remove no file meanwhile."""
    from citybrain.base.lake import locks

    return locks.keeping_files()


def exists(link: psycopg.Connection[Any]) -> bool:
    """Tell whether there is a lake: a backup made before its migration has none."""
    row = link.execute("SELECT to_regclass('iceberg.iceberg_tables')").fetchone()
    return bool(row and row[0])


def _copied(link: psycopg.Connection[Any], name: str) -> Iterator[bytes]:
    with link.cursor() as cursor, cursor.copy(_statement(name, "TO STDOUT")) as rows:
        for block in rows:
            yield bytes(block)


def _statement(name: str, direction: str) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS[name]))
    return sql.SQL("COPY iceberg.{} ({}) " + direction).format(sql.Identifier(name), columns)


def write_tables(link: psycopg.Connection[Any], write: Write) -> None:
    """Write the catalogue's tables, and where the lake's folder is now."""
    from citybrain.base.lake import names

    if exists(link):
        for name in TABLES:
            write(f"iceberg/{name}", _copied(link, name))
        write(NOTE, iter([json.dumps({"warehouse": str(names.warehouse())}).encode()]))


def files(link: psycopg.Connection[Any]) -> list[tuple[str, Path]]:
    """Return each file to keep, with its name in the backup."""
    from citybrain.base.lake import names, snapshots, upkeep

    if not exists(link):
        return []
    home = names.home()
    kept = (path for name in ("landed", "aside") for path in (home / name).rglob("*"))
    found = {path for path in kept if path.is_file()}
    rows = link.execute("SELECT table_name, metadata_location FROM iceberg.iceberg_tables").fetchall()
    for _code, address in rows:
        found |= {Path(path) for path in upkeep.needed(snapshots.metadata(address), address)}
    gone = link.execute("SELECT code, removed_keys FROM lake_commit WHERE removed_keys <> ''").fetchall()
    found |= {names.folder(code) / name for code, name in gone}
    return [(f"lake/{path.relative_to(home).as_posix()}", path) for path in sorted(found) if path.is_file()]


def target(name: str) -> Path:
    """Return where a file of the backup belongs. Raises ValueError for one that points out of the lake."""
    from citybrain.base.lake import names

    root = names.home().resolve()
    path = (root / name.removeprefix("lake/")).resolve()
    if not path.is_relative_to(root):
        raise ValueError(f"{name} points out of the lake's folder")
    return path


def move(archive: zipfile.ZipFile) -> None:
    """Write the restored metadata anew where the lake's folder isn't the one the backup was made of."""
    from citybrain.base.lake import moving, names

    if NOTE not in archive.namelist():
        return
    old = json.loads(archive.read(NOTE))["warehouse"]
    if old != str(names.warehouse()):
        move = moving.Move(old, names.warehouse())
        for address in _addresses(archive):
            move.table(address)


def _addresses(archive: zipfile.ZipFile) -> list[str]:
    rows = archive.read("iceberg/iceberg_tables").decode().splitlines()
    return [row.split("\t")[3] for row in rows]


def restore_tables(link: psycopg.Connection[Any], archive: zipfile.ZipFile) -> None:
    """Put the backup's catalogue in the place of the one that is there, in the restore's transaction."""
    from citybrain.base.lake import names

    if not exists(link):
        return
    for name in TABLES:
        link.execute(sql.SQL("DELETE FROM iceberg.{}").format(sql.Identifier(name)))
    if NOTE not in archive.namelist():
        link.execute(
            "INSERT INTO iceberg.iceberg_namespace_properties VALUES ('citybrain', 'city', 'exists', 'true')"
        )
        return
    for name in TABLES:
        with archive.open(f"iceberg/{name}") as stream:
            _fill(link, name, stream)
    old = names.uri(json.loads(archive.read(NOTE))["warehouse"])
    new = names.uri(names.warehouse())
    for column in ("metadata_location", "previous_metadata_location"):
        link.execute(
            sql.SQL(
                "UPDATE iceberg.iceberg_tables SET {0} = %s || substr({0}, %s) WHERE starts_with({0}, %s)"
            ).format(sql.Identifier(column)),
            [new, len(old) + 1, old + "/"],
        )
    link.execute("UPDATE lake_serving SET relation = ''")
    link.execute("DELETE FROM lake_orphan")


def _fill(link: psycopg.Connection[Any], name: str, stream: IO[bytes]) -> None:
    with link.cursor() as cursor, cursor.copy(_statement(name, "FROM STDIN")) as copy:
        while block := stream.read(1 << 20):
            copy.write(block)
