"""A backup: one file with the whole city as of one moment. And what a backup file is.

A zip file with `manifest.json`, `tables/NAME` (PostgreSQL's COPY text, which every version reads), `photos/…`,
`calendars/…`, `forms/…` (workbooks), `secret_key`, and the lake (`lake_backup`). The tables are read in one
repeatable-read transaction while the city works on; photos and workbooks are never changed once written, and those of
the snapshot were on disk before its rows were committed.
Each entry's SHA-256 is in the manifest, which comes last: a file without it is not whole.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import IsolationLevel

from citybrain.site import lake_backup, tables
from citybrain.site.database import connection_info

FORMAT = 1
MANIFEST = "manifest.json"
BLOCK = 1 << 20
FOLDERS = ("photos", "calendars", "forms")
Progress = Callable[[str, int, int], None]  # stage, done, total


class BackupError(RuntimeError):
    """The file can't be used; the message says what is wrong with it."""


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Say nothing."""


@dataclass
class Manifest:
    """What is in a backup, with the figures that a restored city must show again."""

    created_at: str
    server: int
    migrations: list[list[str]]
    rows: dict[str, int] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)
    sequences: dict[str, list[Any]] = field(default_factory=dict)
    ledger_head: list[Any] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)  # entry → SHA-256
    format: int = FORMAT

    def to_json(self) -> str:
        """Return the manifest's text."""
        return json.dumps(self.__dict__, ensure_ascii=False, indent=1)

    @property
    def photos(self) -> int:
        """Return how many photos there are."""
        return sum(1 for name in self.digests if name.startswith("photos/"))


def ledger_head(link: psycopg.Connection[Any]) -> list[Any]:
    """Return the last seal's number and hash, empty before the first."""
    row = link.execute(
        "SELECT seq, encode(hash, 'hex') FROM ledger_seal ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return list(row) if row else []


class _Writer:
    """Writes entries and notes their digests."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self.archive = archive
        self.manifest = manifest

    def write(self, name: str, blocks: Iterator[bytes], *, pack: bool = True) -> None:
        entry = zipfile.ZipInfo(name, date_time=datetime.now(UTC).timetuple()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED if pack else zipfile.ZIP_STORED
        entry._compresslevel = 3  # type: ignore[attr-defined]
        digest = hashlib.sha256()
        with self.archive.open(entry, "w", force_zip64=True) as stream:
            for block in blocks:
                digest.update(block)
                stream.write(block)
        self.manifest.digests[name] = digest.hexdigest()


def read_blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Return a stream's content in blocks."""
    while block := stream.read(BLOCK):
        yield block


def _copied(link: psycopg.Connection[Any], table: tables.Table) -> Iterator[bytes]:
    with link.cursor() as cursor, cursor.copy(table.copy("TO STDOUT")) as rows:
        for block in rows:
            yield bytes(block)


def _write_tables(link: psycopg.Connection[Any], writer: _Writer, say: Progress) -> None:
    found = tables.tables(link, "public")
    manifest = writer.manifest
    for done, table in enumerate(found):
        say("tables", done, len(found))
        manifest.columns[table.name] = list(table.columns)
        manifest.rows[table.name] = tables.count(link, table.name)
        writer.write(f"tables/{table.name}", _copied(link, table))
    say("tables", len(found), len(found))
    manifest.sequences = tables.sequences(link, "public")
    lake_backup.write_tables(link, writer.write)
    manifest.ledger_head = ledger_head(link)


def _write_files(link: psycopg.Connection[Any], home: Path, writer: _Writer, say: Progress) -> None:
    paths = [path for name in FOLDERS for path in sorted((home / name).rglob("*")) if path.is_file()]
    found = [(path.relative_to(home).as_posix(), path) for path in paths] + lake_backup.files(link)
    for done, (name, path) in enumerate(found):
        if not done % 50:
            say("files", done, len(found))
        with path.open("rb") as stream:
            writer.write(name, read_blocks(stream), pack=False)
    say("files", len(found), len(found))
    secret = home / "secret_key"
    if secret.is_file():
        writer.write("secret_key", iter([secret.read_bytes()]))


def write(target: Path, home: Path, say: Progress = quiet) -> Manifest:
    """Write the city of `home` and of its database into `target`, whole or not at all; return its manifest.

    The file holds the secret and people's data: only its owner can read it.
    """
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with (
            os.fdopen(handle, "w+b") as stream,
            lake_backup.keeping_files(),
            psycopg.connect(**connection_info()) as link,
        ):
            link.isolation_level = IsolationLevel.REPEATABLE_READ
            link.read_only = True
            manifest = Manifest(
                datetime.now(UTC).isoformat(), link.info.server_version, tables.migrations(link)
            )
            with zipfile.ZipFile(stream, "w", allowZip64=True) as archive:
                writer = _Writer(archive, manifest)
                _write_tables(link, writer, say)
                _write_files(link, home, writer, say)
                archive.writestr(MANIFEST, manifest.to_json(), zipfile.ZIP_DEFLATED)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.rename(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return manifest


def open_file(path: Path) -> tuple[zipfile.ZipFile, Manifest]:
    """Return the opened backup with its manifest. Raises BackupError when it is none or not whole."""
    try:
        archive = zipfile.ZipFile(path)
        found = json.loads(archive.read(MANIFEST))
        manifest = Manifest(**found)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise BackupError(f"{path} is no whole backup: {error}") from error
    if manifest.format != FORMAT:
        raise BackupError(f"{path} has format {manifest.format}; this citybrain reads {FORMAT}")
    return archive, manifest


def verify(path: Path, say: Progress = quiet) -> Manifest:
    """Read every entry and compare its digest; return the manifest. Raises BackupError naming a bad entry."""
    archive, manifest = open_file(path)
    with archive:
        missing = set(manifest.digests) - set(archive.namelist())
        if missing:
            raise BackupError(f"{path}: {min(missing)} is missing")
        total = len(manifest.digests)
        for done, (name, expected) in enumerate(manifest.digests.items()):
            say("checking", done, total)
            digest = hashlib.sha256()
            try:
                with archive.open(name) as stream:
                    for block in read_blocks(stream):
                        digest.update(block)
            except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
                raise BackupError(f"{path}: {name} is damaged: {error}") from error
            if digest.hexdigest() != expected:
                raise BackupError(f"{path}: {name} is not what was written")
        say("checking", total, total)
    return manifest
