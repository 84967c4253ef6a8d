"""Upkeep: small files put together, old versions let go, files that nothing needs removed.

Nothing is removed while a backup reads, and nothing a kept or pinned version needs. A file that was let go stays
for `GRACE` more, for readers that have its name.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from pyiceberg.manifest import DataFile, read_manifest_list
from pyiceberg.table.metadata import TableMetadata

from citybrain.base.lake import engine, locks, names, parquet, snapshots
from citybrain.base.lake.iceberg import DurableIO, catalog
from citybrain.base.lake.models import Commit, Orphan
from citybrain.base.lake.names import quoted
from citybrain.base.lake.tables import Table

log = logging.getLogger("citybrain.lake")
GRACE: Final = timedelta(hours=6)
SMALL_BYTES: Final = 67_108_864  # a file below it is small
SMALL_FILES: Final = 12  # so many of them are put together
KEPT_VERSIONS: Final = 100  # at most, pinned ones apart
SPILL_AGE: Final = timedelta(days=1)
_seen: dict[
    str, tuple[str, date]
] = {}  # code → metadata that needed nothing, and the day: age alone lets go too


def tick(now: datetime) -> int:
    """Look after the tables that changed since the last time; return how many things were done."""
    done = sweep_spill(now)
    for code, address in snapshots.locations().items():
        if (
            _seen.get(code) != (address, now.date())
            or Orphan.objects.filter(code=code, since__lt=now - GRACE).exists()
        ):
            done += look_after(code, now)
            _seen[code] = (snapshots.location(code) or "", now.date())
    return done


def look_after(code: str, now: datetime) -> int:
    """Do for one table what is due; return how many things were done."""
    table = Table(code)
    done = table.catch_up()
    done += compact(code)
    done += expire(code, now)
    return done + sweep(code, now)


def compact(code: str, *, everything: bool = False) -> int:
    """Put small files together, in the key's order where there is one; return how many were replaced.

    No version is added: the rows stay as they are. `everything` rewrites the whole table.
    """
    table = Table(code)
    with locks.writing(code):
        files = table.data_files()
        chosen = list(files) if everything else [one for one in files if one.file_size_in_bytes < SMALL_BYTES]
        if len(chosen) < (1 if everything else SMALL_FILES):
            return 0
        written = _rewritten(table, chosen)
        notes = {"version": table.version(), "mode": "compact"}
        paths = [names.path_of(one.file_path) for one in chosen]
        table.write(catalog().load_table(table.identifier), written, paths, notes)
        return len(chosen)


def _rewritten(table: Table, files: Sequence[DataFile]) -> list[Path]:
    schema = table.schema()
    paths = [names.path_of(one.file_path) for one in files]
    order = ", ".join(map(quoted, table.keys))
    query = f"SELECT * FROM {engine.files_sql(paths, schema)}" + (f" ORDER BY {order}" if order else "")
    with engine.session(read_only_files=False) as link:
        count, written = parquet.write(link, query, table.folder, schema, ordered=bool(order))
    expected = sum(one.record_count for one in files)
    if count != expected:
        raise names.LakeError(f"lake: {table.code}: {count} rows came out of a compaction of {expected}")
    return written


def expire(code: str, now: datetime, *, keep_days: int | None = None, keep: int = KEPT_VERSIONS) -> int:
    """Let versions go that are older than `keep_days` or more than `keep` behind; return how many.

    The current one and pinned ones stay. A version whose row isn't written is written first.
    """
    table = Table(code)
    with locks.writing(code):
        table.catch_up()
        loaded = catalog().load_table(table.identifier)
        oldest = now - timedelta(days=settings.LAKE_KEEP_DAYS if keep_days is None else keep_days)
        held = {ref.snapshot_id for ref in loaded.metadata.refs.values()}
        ordered = sorted(loaded.metadata.snapshots, key=lambda one: one.sequence_number or 0, reverse=True)
        going = [
            one.snapshot_id
            for place, one in enumerate(ordered)
            if one.snapshot_id not in held
            and (place >= keep or datetime.fromtimestamp(one.timestamp_ms / 1000, now.tzinfo) < oldest)
        ]
        if going:
            loaded.maintenance.expire_snapshots().by_ids(going).commit()
        return len(going)


def needed(table: TableMetadata, address: str) -> set[str]:
    """Return the paths of all files that a table's metadata, at this address, and its snapshots need."""
    io = DurableIO()
    paths = {names.path_of(address)} | {names.path_of(one.metadata_file) for one in table.metadata_log}
    for snapshot in table.snapshots:
        paths.add(names.path_of(snapshot.manifest_list))
        manifests = read_manifest_list(io.new_input(snapshot.manifest_list))
        paths |= {names.path_of(one.manifest_path) for one in manifests}
        paths |= {names.path_of(one.file_path) for one in snapshots.files(snapshot)}
    return paths


def removed_keys(code: str) -> set[str]:
    """Return the paths of the files with the keys that versions took out."""
    rows = Commit.objects.filter(code=code).exclude(removed_keys="").values_list("removed_keys", flat=True)
    noted = {snapshots.told(one, "removed-keys") for one in Table(code).metadata().snapshots}
    return {str(names.folder(code) / name) for name in {*rows, *noted} - {""}}


def stored(code: str) -> Iterator[Path]:
    """Return every file in a table's folder."""
    return (path for path in names.folder(code).rglob("*") if path.is_file())


def sweep(code: str, now: datetime, *, grace: timedelta = GRACE) -> int:
    """Remove files that nothing has needed for the grace; return how many. Does nothing during a backup.

    The table's lock is held, so what a writer has written and not committed isn't among them.
    """
    with locks.removing_files() as free, locks.writing(code):
        if not free:
            return 0
        address = snapshots.location(code)
        if address is None:
            return 0
        kept = needed(snapshots.metadata(address), address) | removed_keys(code)
        orphans = {str(path) for path in stored(code)} - kept
        Orphan.objects.filter(code=code).exclude(path__in=orphans).delete()
        Orphan.objects.bulk_create(
            [Orphan(path=path, code=code, since=now) for path in sorted(orphans)], ignore_conflicts=True
        )
        due = Orphan.objects.filter(code=code, since__lte=now - grace)
        gone = list(due.values_list("path", flat=True))
        for path in gone:
            Path(path).unlink(missing_ok=True)
        due.delete()
        _remove_empty_folders(names.folder(code) / "data")
        return len(gone)


def _remove_empty_folders(folder: Path) -> None:
    for inner in folder.glob("*"):
        if inner.is_dir() and not any(inner.iterdir()):
            inner.rmdir()


def sweep_spill(now: datetime) -> int:
    """Remove what killed processes left in `tmp/`; return how many folders."""
    done = 0
    for folder in (names.home() / "tmp").glob("*-*"):
        pid = folder.name.partition("-")[0]
        old = now.timestamp() - folder.stat().st_mtime > SPILL_AGE.total_seconds()
        if old or (pid.isdigit() and not _alive(int(pid))):
            shutil.rmtree(folder, ignore_errors=True)
            done += 1
    return done


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def check(code: str) -> list[str]:
    """Return what is wrong between a table's metadata and its folder, each as a line; empty when all is well."""
    address = snapshots.location(code)
    if address is None:
        return [f"{code}: there is no such table"]
    kept = needed(snapshots.metadata(address), address) | removed_keys(code)
    there = {str(path) for path in stored(code)}
    known = set(Orphan.objects.filter(code=code).values_list("path", flat=True))
    wrong = [f"{code}: {path} is missing" for path in sorted(kept - there)]
    sizes = {names.path_of(one.file_path): one.file_size_in_bytes for one in Table(code).data_files()}
    for path, size in sorted(sizes.items()):
        if path in there and Path(path).stat().st_size != size:
            wrong.append(f"{code}: {path} has {Path(path).stat().st_size} bytes, {size} were written")
    wrong += [
        f"{code}: {path} is needed by nothing (it will be swept)" for path in sorted(there - kept - known)
    ]
    return wrong
