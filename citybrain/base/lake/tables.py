"""A table of the lake: its shape, its versions, and the one way to add one.

`version()` counts what changed the rows; a compaction is none. Every commit carries an ingest id: asked for a
second time it answers with the version that id made, whatever happened in between.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pyiceberg.exceptions import CommitFailedException, TableAlreadyExistsError
from pyiceberg.io.pyarrow import parquet_file_to_data_file
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from citybrain.base.catalogue.shape import Shape
from citybrain.base.lake import locks, names, snapshots
from citybrain.base.lake.iceberg import catalog, sync_file, sync_folder
from citybrain.base.lake.models import Commit, Orphan
from citybrain.base.lake.names import LakeError
from citybrain.base.lake.schema import BadEvolution, additions, iceberg_type, schema_of
from citybrain.base.lake.snapshots import VersionInfo

__all__ = ["NoTable", "NoVersion", "Table", "VersionInfo", "tables"]

PROPERTIES: Final = {
    "format-version": "2",
    "commit.retry.num-retries": "0",  # a commit is prepared for one state; another one is started anew
    "write.metadata.previous-versions-max": "20",
    "write.metadata.metrics.default": "truncate(32)",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "20",
}
PIN: Final = "pin-"


class NoTable(LakeError):
    """There is no table of this code."""


class NoVersion(LakeError):
    """The version isn't kept: it never was, or its files have been let go."""


class Conflict(LakeError):
    """The table changed while a commit was prepared; nothing was written. Start again."""


def tables() -> list[str]:
    """Return the codes of all tables."""
    return sorted(snapshots.locations())


class Table:
    """One data set's table. Cheap to make; it holds nothing but the code."""

    def __init__(self, code: str) -> None:
        self.code = names.checked(code)

    @property
    def identifier(self) -> tuple[str, str]:
        return (names.NAMESPACE, self.code)

    @property
    def folder(self) -> Path:
        return names.folder(self.code)

    def exists(self) -> bool:
        return snapshots.location(self.code) is not None

    def metadata(self) -> TableMetadata:
        """Return the current metadata. Raises NoTable."""
        address = snapshots.location(self.code)
        if address is None:
            raise NoTable(f"lake: there is no table {self.code}")
        return snapshots.metadata(address)

    def create(self, shape: Shape) -> None:
        """Make the table; one that is there follows the shape instead."""
        if self.exists():
            self.evolve(shape)
            return
        with locks.writing(self.code):
            properties = PROPERTIES | {snapshots.KEYS: json.dumps(list(shape.keys))}
            location = names.uri(self.folder)
            try:
                catalog().create_table(self.identifier, schema_of(shape), location, properties=properties)
            except TableAlreadyExistsError:
                self.evolve(shape)

    def evolve(self, shape: Shape) -> bool:
        """Add the fields that are new and widen those that grew; return whether anything changed.

        Text has no length here. A whole number that becomes a decimal or a text, and a decimal with more places, are
        written anew at once.

        Raises BadEvolution for a field dropped or narrowed, and for other keys on a table with rows.
        """
        with locks.writing(self.code):
            table = catalog().load_table(self.identifier)
            added, widened, retyped = additions(table.schema(), shape)
            keys = json.dumps(list(shape.keys))
            rekeyed = table.properties.get(snapshots.KEYS) != keys
            if rekeyed and table.current_snapshot() is not None:
                raise BadEvolution(
                    f"lake: {self.code} has rows under the key {self.keys}; a key can't change"
                )
            if retyped:
                from citybrain.base.lake import retyping

                retyping.retype(self, retyped)
                table = catalog().load_table(self.identifier)
            if not (added or widened or rekeyed):
                return bool(retyped)
            with table.transaction() as change:
                with change.update_schema() as update:
                    for field in added:
                        update.add_column(field.name, iceberg_type(field.type), field.zh)
                    for field in widened:
                        update.update_column(field.name, iceberg_type(field.type))
                if rekeyed:
                    change.set_properties({snapshots.KEYS: keys})
        return True

    @property
    def keys(self) -> tuple[str, ...]:
        """The key fields, in their order; empty for a set that is only appended to or replaced."""
        return tuple(json.loads(self.metadata().properties.get(snapshots.KEYS, "[]")))

    def schema(self, version: int | None = None) -> Schema:
        """Return the columns: today's, or those of a version. Raises NoVersion."""
        table = self.metadata()
        return (
            table.schema() if version is None else snapshots.schema_at(table, self._snapshot(table, version))
        )

    def version(self) -> int:
        """Return the number of the current version, 0 while there is none."""
        snapshot = snapshots.latest(self.metadata())
        return snapshots.number(snapshot) if snapshot else 0

    def rows(self) -> int:
        """Return how many rows the current version holds."""
        snapshot = snapshots.latest(self.metadata())
        return snapshots.info(snapshot).rows if snapshot else 0

    def versions(self) -> list[VersionInfo]:
        """Return every version, oldest first; also those whose files are no longer kept (`kept`)."""
        known = {row.number: _from_row(row) for row in Commit.objects.filter(code=self.code)}
        for number, snapshot in snapshots.commits(self.metadata()).items():
            known.setdefault(number, snapshots.info(snapshot))
        return [known[number] for number in sorted(known)]

    def kept(self) -> set[int]:
        """Return the numbers of the versions that can still be read."""
        return set(snapshots.by_version(self.metadata()))

    def _snapshot(self, table: TableMetadata, version: int | None) -> Snapshot:
        found = snapshots.latest(table) if version is None else snapshots.by_version(table).get(version)
        if found is None:
            kept = ", ".join(map(str, sorted(snapshots.by_version(table)))) or "none"
            raise NoVersion(f"lake: {self.code} has no version {version} to read; kept: {kept}")
        return found

    def data_files(self, version: int | None = None) -> tuple[DataFile, ...]:
        """Return Iceberg's word on each file of a version, by name. None is the current one, 0 the empty one."""
        table = self.metadata()
        if version == 0 or (version is None and snapshots.latest(table) is None):
            return ()
        return snapshots.files(self._snapshot(table, version))

    def files(self, version: int | None = None) -> list[str]:
        """Return the paths of a version's Parquet files. Raises NoVersion.

        They stay for as long as `upkeep.GRACE` after the version is let go; pin one to read it longer.
        """
        return [names.path_of(one.file_path) for one in self.data_files(version)]

    def pin(self, version: int, name: str) -> None:
        """Keep a version until `unpin`. A name that is taken moves to this version. Raises NoVersion."""
        with locks.writing(self.code):
            table = catalog().load_table(self.identifier)
            snapshot = self._snapshot(table.metadata, version)
            with table.manage_snapshots() as change:
                change.create_tag(snapshot.snapshot_id, PIN + name)

    def unpin(self, name: str) -> None:
        """Let a pinned version go; nothing happens when there is no such pin."""
        with locks.writing(self.code):
            table = catalog().load_table(self.identifier)
            if PIN + name in table.metadata.refs:
                with table.manage_snapshots() as change:
                    change.remove_tag(PIN + name)

    def pins(self) -> dict[str, int]:
        """Return each pin's name with its version."""
        table = self.metadata()
        by_id = {one.snapshot_id: snapshots.number(one) for one in table.snapshots}
        return {
            name.removeprefix(PIN): by_id[ref.snapshot_id]
            for name, ref in table.refs.items()
            if name.startswith(PIN)
        }

    def of_ingest(self, ingest: str) -> VersionInfo | None:
        """Return the version that an ingest made, None when it made none."""
        for snapshot in snapshots.commits(self.metadata()).values():
            if snapshots.told(snapshot, "ingest") == ingest:
                return snapshots.info(snapshot)
        row = Commit.objects.filter(code=self.code, ingest=ingest).first()
        return _from_row(row) if row else None

    def commit(
        self,
        ingest: str,
        add: Sequence[Path],
        replace: Sequence[str] | None,
        figures: Mapping[str, Any],
    ) -> VersionInfo:
        """Put files in and take files out, as one new version; return it. Done before: return that version.

        `add` lies in the table's folder and has the columns' field ids; `replace` are paths of the current
        version. `figures`: inserted, updated, unchanged, removed, mode, run, supply, removed-keys.
        Raises Conflict when the table changed meanwhile, ValueError for files that aren't the table's.
        """
        with locks.writing(self.code):
            found = self.of_ingest(ingest)
            if found is not None:
                self.record(found)
                return found
            table = catalog().load_table(self.identifier)
            last = snapshots.latest(table.metadata)
            number = (snapshots.number(last) if last else 0) + 1
            notes = {"version": number, "ingest": ingest, "mode": "append", **figures}
            snapshot = self.write(table, add, replace, notes)
            found = snapshots.info(snapshot)
            self.record(found)
            return found

    def write(
        self,
        table: IcebergTable,
        add: Sequence[Path],
        replace: Sequence[str] | None,
        notes: Mapping[str, Any],
    ) -> Snapshot:
        """Commit one snapshot with the files and notes; the caller has the table's lock."""
        self.make_durable(add)
        old = {names.path_of(one.file_path): one for one in self._files_of(table)}
        strangers = [path for path in replace or () if path not in old]
        if strangers:
            raise ValueError(f"lake: {strangers[0]} is no file of the current version of {self.code}")
        properties = {snapshots.PREFIX + name: str(value) for name, value in notes.items()}
        try:
            with table.transaction() as change:
                update = change.update_snapshot(snapshot_properties=properties)
                with update.overwrite() if replace else update.merge_append() as producer:
                    for path in add:
                        producer.append_data_file(
                            parquet_file_to_data_file(table.io, table.metadata, names.uri(path))
                        )
                    for gone in replace or ():
                        producer.delete_data_file(old[gone])
        except CommitFailedException as error:
            raise Conflict(f"lake: {self.code} changed while a commit was prepared: {error}") from error
        made = table.current_snapshot()
        if made is None:
            raise LakeError(f"lake: {self.code} has no snapshot after a commit")
        return made

    @staticmethod
    def _files_of(table: IcebergTable) -> tuple[DataFile, ...]:
        snapshot = table.current_snapshot()
        return snapshots.files(snapshot) if snapshot else ()

    def make_durable(self, paths: Iterable[Path]) -> None:
        """Return once the files are on disk. Raises ValueError for one outside the table's folder."""
        folders = {self.folder}
        for path in paths:
            if not path.is_relative_to(self.folder):
                raise ValueError(f"lake: {path} lies outside the folder of {self.code}")
            sync_file(path)
            folders |= {path.parent, path.parent.parent}
        for one in sorted(folders):
            sync_folder(one)

    def record(self, info: VersionInfo) -> None:
        """Write a version's row where it is missing."""
        row = {
            "number": info.number, "snapshot_id": info.snapshot_id, "mode": info.mode, "at": info.at,
            "rows": info.rows, "inserted": info.added, "updated": info.changed, "unchanged": info.unchanged,
            "removed": info.removed, "removed_keys": info.removed_keys, "run": info.run, "supply": info.supply,
        }  # fmt: skip
        Commit.objects.get_or_create(code=self.code, ingest=info.ingest, defaults=row)

    def catch_up(self) -> int:
        """Write the rows of versions that a crash left unwritten; return how many."""
        known = set(Commit.objects.filter(code=self.code).values_list("number", flat=True))
        missing = [one for number, one in snapshots.commits(self.metadata()).items() if number not in known]
        for snapshot in missing:
            self.record(snapshots.info(snapshot))
        return len(missing)

    def drop(self) -> None:
        """Remove the table with all its versions and files, at once."""
        with locks.writing(self.code):
            catalog().drop_table(self.identifier)
            Commit.objects.filter(code=self.code).delete()
            Orphan.objects.filter(code=self.code).delete()
            shutil.rmtree(self.folder, ignore_errors=True)


def _from_row(row: Commit) -> VersionInfo:
    return VersionInfo(
        number=row.number,
        at=row.at,
        ingest=row.ingest,
        rows=row.rows,
        added=row.inserted,
        changed=row.updated,
        removed=row.removed,
        snapshot_id=row.snapshot_id,
        unchanged=row.unchanged,
        mode=row.mode,
        removed_keys=row.removed_keys,
        run=row.run,
        supply=row.supply,
    )
