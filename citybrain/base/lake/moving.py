"""A table's metadata in another folder: Iceberg keeps whole paths, so a city restored elsewhere writes them anew."""

from pathlib import Path

from pyiceberg.manifest import ManifestFile, read_manifest_list, write_manifest, write_manifest_list
from pyiceberg.serializers import FromInputFile
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from citybrain.base.lake import names
from citybrain.base.lake.iceberg import DurableIO


class Move:
    """From an old warehouse folder to the one where the files lie now, under the same names."""

    def __init__(self, old: str, new: Path) -> None:
        self.old = names.uri(old)
        self.new = names.uri(new)
        self.io = DurableIO()

    def address(self, address: str) -> str:
        """Return where a file lies now."""
        return self.new + address.removeprefix(self.old) if address.startswith(self.old) else address

    def table(self, address: str) -> str:
        """Write the metadata at an old address anew, with all it names; return its new address. May be repeated."""
        target = Path(names.path_of(self.address(address)))
        text = target.read_text(encoding="utf-8")
        if self.old != self.new:
            text = text.replace(f'"{self.old}/', f'"{self.new}/')
        metadata = FromInputFile.table_metadata(self.io.new_input(names.uri(target)))
        done: dict[str, ManifestFile] = {}
        for snapshot in metadata.snapshots:
            self._snapshot(metadata, snapshot, done)
        with self.io.new_output(names.uri(target)).create(overwrite=True) as stream:
            stream.write(text.encode())
        return names.uri(target)

    def _snapshot(self, table: TableMetadata, snapshot: Snapshot, done: dict[str, ManifestFile]) -> None:
        place = self.address(snapshot.manifest_list)
        manifests = [self._manifest(table, one, done) for one in read_manifest_list(self.io.new_input(place))]
        with write_manifest_list(
            format_version=2,
            output_file=self.io.new_output(place),
            snapshot_id=snapshot.snapshot_id,
            parent_snapshot_id=snapshot.parent_snapshot_id,
            sequence_number=snapshot.sequence_number,
            avro_compression="deflate",
        ) as writer:
            writer.add_manifests(manifests)

    def _manifest(
        self, table: TableMetadata, old: ManifestFile, done: dict[str, ManifestFile]
    ) -> ManifestFile:
        place = self.address(old.manifest_path)
        if place not in done:
            old[0] = place
            entries = old.fetch_manifest_entry(self.io, discard_deleted=False)
            with write_manifest(
                2, table.specs()[old.partition_spec_id], table.schema(), self.io.new_output(place),
                old.added_snapshot_id or 0, "deflate",
            ) as writer:  # fmt: skip
                for entry in entries:
                    entry.data_file[1] = self.address(entry.data_file.file_path)
                    writer.add_entry(entry)
            old[1] = len(self.io.new_input(place))
            done[place] = old
        return done[place]
