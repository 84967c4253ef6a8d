"""Taking rows out of a table by key: an upsert says what is new, this says what ended. Nothing else is rewritten."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from citybrain.base.lake import engine, locks, parquet, pruning
from citybrain.base.lake.names import SUPPLY, literal, quoted
from citybrain.base.lake.tables import Table

BATCH_FILES: Final = 16


@dataclass(frozen=True, slots=True)
class EndResult:
    """`removed`: rows taken out; `held_back`: rows of those keys that others wrote; `version`: the one that stands."""

    version: int
    removed: int
    held_back: int = 0


def end(
    table: Table,
    keys: Path,
    ingest: str,
    run_id: int = 0,
    supply_id: int = 0,
    *,
    only: Collection[int] | None = None,
) -> EndResult:
    """Take out the rows whose keys stand in a Parquet file; those that aren't there are nothing to do.

    `only`: the supplies whose rows may go; None: all. The same ingest twice does nothing. Raises NoTable, Conflict,
    Busy.
    """
    with locks.writing(table.code):
        done = table.of_ingest(ingest)
        if done is not None:
            table.record(done)
            return EndResult(done.number, done.removed)
        with engine.session(read_only_files=False) as link:
            return _Ending(link, table, only).take_out(keys, ingest, run_id, supply_id)


class _Ending:
    """One ending on its connection: `hit` are the rows that go, by file and line."""

    def __init__(self, link: Any, table: Table, only: Collection[int] | None) -> None:
        self.link, self.table, self.only = link, table, only
        self.schema = table.schema()
        self.keys = ", ".join(map(quoted, table.keys))

    def take_out(self, keys: Path, ingest: str, run_id: int, supply_id: int) -> EndResult:
        """Find the rows, write their files anew without them, and commit."""
        types = engine.columns_of(self.schema)
        cast = ", ".join(f"{quoted(name)}::{types[name]} AS {quoted(name)}" for name in self.table.keys)
        self.link.execute(
            f"CREATE TEMP VIEW ended AS SELECT DISTINCT {cast} FROM read_parquet({literal(str(keys))})"
        )
        there = self.table.data_files()
        files = pruning.candidates(self.link, there, self.schema, self.table.keys, "ended") if there else []
        removed, held_back = self._find(files)
        if not removed:
            return EndResult(self.table.version(), 0, held_back)
        add, replace = self._without(files)
        figures = {
            "mode": "end", "inserted": 0, "updated": 0, "unchanged": 0, "removed": removed, "run": run_id,
            "supply": supply_id, "removed-keys": self._kept_keys(),
        }  # fmt: skip
        info = self.table.commit(ingest, add, replace, figures)
        return EndResult(info.number, removed, held_back)

    def _find(self, files: list[str]) -> tuple[int, int]:
        """Make the table `hit`; return (rows that go, rows that stay because others wrote them)."""
        self.link.execute(
            f"CREATE TEMP TABLE hit AS SELECT t.* FROM (SELECT {self.keys}, {quoted(SUPPLY)} AS whose, "
            f"file_index AS place, file_row_number AS line FROM {engine.files_sql(files, self.schema)}) t "
            f"SEMI JOIN ended USING ({self.keys})"
            if files
            else "CREATE TEMP TABLE hit AS SELECT *, 0 AS whose, 0 AS place, 0 AS line FROM ended WHERE false"
        )
        held_back = 0
        if self.only is not None:
            mine = ", ".join(str(int(one)) for one in self.only) or "-1"
            count = self.link.execute(f"SELECT count(*) FROM hit WHERE whose NOT IN ({mine})").fetchone()
            held_back = int(count[0])
            self.link.execute(f"DELETE FROM hit WHERE whose NOT IN ({mine})")
        return int(self.link.execute("SELECT count(*) FROM hit").fetchone()[0]), held_back

    def _without(self, files: list[str]) -> tuple[list[Path], list[str]]:
        """Write the rows that stay of each file that loses some; return (new files, files they replace)."""
        touched = [
            row[0] for row in self.link.execute("SELECT DISTINCT place FROM hit ORDER BY place").fetchall()
        ]
        columns = ", ".join(quoted(one.name) for one in self.schema.fields)
        add: list[Path] = []
        for first in range(0, len(touched), BATCH_FILES):
            batch = touched[first : first + BATCH_FILES]
            paths = [files[place] for place in batch]
            places = ", ".join(f"({new}, {old})" for new, old in enumerate(batch))
            gone = f"SELECT b.new AS place, h.line FROM hit h JOIN (VALUES {places}) b(new, old) ON h.place = b.old"
            rows = (
                f"SELECT {columns}, file_index AS place, file_row_number AS line "
                f"FROM {engine.files_sql(paths, self.schema)}"
            )
            query = f"SELECT t.* FROM ({rows}) t ANTI JOIN ({gone}) g USING (place, line)"
            add += parquet.write(self.link, query, self.table.folder, self.schema)[1]
        return add, [files[place] for place in touched]

    def _kept_keys(self) -> str:
        """Keep the keys that go, for who asks for the changes; return the file's name under the table's folder."""
        name = f"removed/{uuid.uuid4().hex}.parquet"
        target = self.table.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        self.link.execute(
            f"COPY (SELECT {self.keys} FROM hit) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
        )
        self.table.make_durable([target])
        return name
