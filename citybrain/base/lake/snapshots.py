"""Reading Iceberg's metadata: which version is current, which files it is made of.

Cached by the address of the file: none ever changes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from django.db import connection
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import DataFile, read_manifest_list
from pyiceberg.schema import Schema
from pyiceberg.serializers import FromInputFile
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from citybrain.base.lake.iceberg import CATALOG
from citybrain.base.lake.names import NAMESPACE

_LOCATION = """
SELECT metadata_location FROM iceberg.iceberg_tables
WHERE catalog_name = %s AND table_namespace = %s AND table_name = %s
"""
_ALL = "SELECT table_name, metadata_location FROM iceberg.iceberg_tables WHERE catalog_name = %s ORDER BY 1"
PREFIX = "citybrain."
KEYS = PREFIX + "keys"  # property of a table: its key fields as JSON


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """One version: how many rows it holds, and what it added, changed and took out."""

    number: int
    at: datetime
    ingest: str
    rows: int
    added: int
    changed: int
    removed: int
    snapshot_id: int
    unchanged: int = 0
    mode: str = ""
    removed_keys: str = ""
    run: int = 0
    supply: int = 0


def location(code: str) -> str | None:
    """Return the address of the table's current metadata, None when there is no table."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCATION, [CATALOG, NAMESPACE, code])
        row = cursor.fetchone()
    return str(row[0]) if row else None


def locations() -> dict[str, str]:
    """Return every table's code with the address of its current metadata."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL, [CATALOG])
        return dict(cursor.fetchall())


@lru_cache(maxsize=256)
def metadata(address: str) -> TableMetadata:
    """Return the metadata at an address."""
    return FromInputFile.table_metadata(PyArrowFileIO().new_input(address))


def schema_at(table: TableMetadata, snapshot: Snapshot) -> Schema:
    """Return the columns that the table had then."""
    found = next((one for one in table.schemas if one.schema_id == snapshot.schema_id), None)
    return found or table.schema()


@lru_cache(maxsize=512)
def _files(manifest_list: str) -> tuple[DataFile, ...]:
    io = PyArrowFileIO()
    entries = (
        entry
        for manifest in read_manifest_list(io.new_input(manifest_list))
        for entry in manifest.fetch_manifest_entry(io, discard_deleted=True)
    )
    return tuple(sorted((entry.data_file for entry in entries), key=lambda one: one.file_path))


def files(snapshot: Snapshot) -> tuple[DataFile, ...]:
    """Return the Parquet files of a snapshot, by name."""
    return _files(snapshot.manifest_list)


def told(snapshot: Snapshot, name: str) -> str:
    """Return what we noted on a snapshot, "" when nothing."""
    return _notes(snapshot).get(PREFIX + name, "")


def _notes(snapshot: Snapshot) -> dict[str, str]:
    return snapshot.summary.additional_properties if snapshot.summary else {}


def number(snapshot: Snapshot) -> int:
    """Return the version that a snapshot holds."""
    return int(told(snapshot, "version") or 0)


def _count(snapshot: Snapshot, name: str) -> int:
    return int(told(snapshot, name) or 0)


def info(snapshot: Snapshot) -> VersionInfo:
    """Return what a snapshot says of its version."""
    return VersionInfo(
        number=number(snapshot),
        at=datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
        ingest=told(snapshot, "ingest"),
        rows=int(_notes(snapshot).get("total-records", 0)),
        added=_count(snapshot, "inserted"),
        changed=_count(snapshot, "updated"),
        removed=_count(snapshot, "removed"),
        snapshot_id=snapshot.snapshot_id,
        unchanged=_count(snapshot, "unchanged"),
        mode=told(snapshot, "mode"),
        removed_keys=told(snapshot, "removed-keys"),
        run=_count(snapshot, "run"),
        supply=_count(snapshot, "supply"),
    )


def latest(table: TableMetadata) -> Snapshot | None:
    """Return the snapshot that is current, None for an empty table."""
    return table.current_snapshot()


def by_version(table: TableMetadata) -> dict[int, Snapshot]:
    """Return the newest snapshot of each version that is kept (a compaction makes a second one)."""
    found: dict[int, Snapshot] = {}
    for snapshot in sorted(table.snapshots, key=lambda one: one.sequence_number or 0):
        found[number(snapshot)] = snapshot
    return found


def commits(table: TableMetadata) -> dict[int, Snapshot]:
    """Return the snapshot that made each version, without those that only rearranged files."""
    return {number(one): one for one in table.snapshots if told(one, "mode") != "compact"}
