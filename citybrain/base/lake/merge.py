"""Merging checked rows into a table: each key once, only files that change rewritten, memory bounded by DuckDB.

A key's rows are found by a join of keys alone; whether a row changed is told by a 64-bit hash of its values
(two different rows of one key look alike once in 10^19 times). What doesn't fit into memory is spilled.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import duckdb
import numpy as np
import pyarrow as pa
from pyiceberg.schema import Schema

from citybrain.base.lake import engine, locks, names, parquet, pruning
from citybrain.base.lake.names import LakeError, literal, quoted
from citybrain.base.lake.parquet import Stamp
from citybrain.base.lake.rowfile import NUMBER, SUFFIX, Rows
from citybrain.base.lake.tables import Table, VersionInfo

Mode = Literal["full", "upsert", "append"]
BATCH_BYTES: Final = 134_217_728  # small files that change are rewritten together up to this size


class BadRows(LakeError):
    """The rows can't be merged: columns or keys aren't what the table needs."""


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What a merge did. `duplicates`: rows left out because a later one of the same key came with them."""

    version: int
    inserted: int
    updated: int
    unchanged: int
    removed: int
    duplicates: int = 0

    @property
    def changed(self) -> bool:
        return bool(self.inserted or self.updated or self.removed)


def merge(
    table: Table,
    rows: Path | Sequence[Path],
    mode: Mode,
    ingest: str,
    run_id: int = 0,
    supply_id: int = 0,
    *,
    keys_distinct: bool = False,
    left_out: Any = None,
    memory: str | None = None,
    threads: int | None = None,
) -> MergeResult:
    """Bring rows (Parquet files, or one `rowfile`) into the table and return what changed; nothing new, no version.

    full: afterwards the table holds these rows and no others. upsert: rows of keys that are there replace
    them; columns that didn't come keep their values. append: rows of keys that are there are left out; without
    a key all are added. Of rows with one key the last one counts; `keys_distinct` says that there are none, nor
    empty keys, which saves looking. `left_out`: rising numbers of a row file's rows that don't count. The same
    ingest twice does nothing. Columns that don't come are empty in new rows.

    Raises BadRows, NoTable, Conflict, Busy.
    """
    paths = [rows] if isinstance(rows, Path) else list(rows)
    with locks.writing(table.code):
        done = table.of_ingest(ingest)
        if done is not None:
            table.record(done)
            return _result(done)
        with engine.session(memory=memory, threads=threads, read_only_files=False) as link:
            work = _Work(link, table, Stamp(table.version() + 1, run_id, supply_id))
            work.left_out = left_out
            work.take(paths, mode, keys_distinct=keys_distinct)
            return work.finish(mode, ingest)


def _result(info: VersionInfo, duplicates: int = 0) -> MergeResult:
    return MergeResult(info.number, info.added, info.changed, info.unchanged, info.removed, duplicates)


class _Work:
    """One merge on its connection. `incoming` are the rows with `rid`, `hit` the rows of theirs that are there."""

    def __init__(self, link: duckdb.DuckDBPyConnection, table: Table, stamp: Stamp) -> None:
        self.link = link
        self.table = table
        self.stamp = stamp
        self.keys = table.keys
        self.schema: Schema = table.schema()
        self.types = engine.columns_of(self.schema)
        self.here: list[str] = []  # the fields that came
        self.duplicates = self.inserted = self.updated = self.unchanged = self.removed = 0
        self.add: list[Path] = []
        self.replace: list[str] = []
        self.removed_keys = ""
        self.left_out: Any = None
        self.file: Rows | None = None  # where the rows came as a row file

    def one(self, query: str) -> Any:
        """Return the first value of a query."""
        row = self.link.execute(query).fetchone()
        return row[0] if row else None

    def take(self, paths: Sequence[Path], mode: Mode, *, keys_distinct: bool) -> None:
        """Prepare all files of the new version."""
        self._look_at(paths)
        if self.keys:
            if not keys_distinct:
                self._refuse_empty_keys()
                self._drop_duplicates()
            self._merge_keyed(mode)
        elif mode == "upsert":
            raise BadRows(
                f"lake: {self.table.code} has no key, so rows can't replace each other; use full or append"
            )
        elif mode == "full":
            self._replace_all()
        else:
            self._add_all()

    def finish(self, mode: Mode, ingest: str) -> MergeResult:
        """Commit what was prepared; without a change there is no new version."""
        if not (self.add or self.replace):
            return MergeResult(self.table.version(), 0, 0, self.unchanged, 0, self.duplicates)
        figures: dict[str, Any] = {
            "mode": mode, "inserted": self.inserted, "updated": self.updated, "unchanged": self.unchanged,
            "removed": self.removed, "run": self.stamp.run, "supply": self.stamp.supply,
        }  # fmt: skip
        if self.removed_keys:
            figures["removed-keys"] = self.removed_keys
        info = self.table.commit(ingest, self.add, self.replace or None, figures)
        return _result(info, self.duplicates)

    def _look_at(self, paths: Sequence[Path]) -> None:
        """Make the view `incoming`: the fields in the table's types, and `rid`, the place of a row."""
        if not paths:
            raise BadRows(f"lake: no file of rows for {self.table.code}")
        source, rid = self._source(paths)
        found = [
            row[0]
            for row in self.link.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
            if row[0] != NUMBER
        ]
        unknown = [name for name in found if name not in self.types]
        lacking = [key for key in self.keys if key not in found]
        if unknown or lacking:
            what = (
                f"have a column {unknown[0]} it doesn't know"
                if unknown
                else f"lack the key field {lacking[0]}"
            )
            raise BadRows(f"lake: the rows for {self.table.code} {what}")
        self.here = [name for name in self.types if name in set(found)]
        cast = ", ".join(f"{quoted(name)}::{self.types[name]} AS {quoted(name)}" for name in self.here)
        less = "" if self.left_out is None else f" ANTI JOIN left_out ON {NUMBER} = left_out.number"
        self.link.execute(f"CREATE TEMP VIEW arrived AS SELECT {cast}, {rid} AS rid FROM {source}{less}")
        self.link.execute("CREATE TEMP VIEW incoming AS SELECT * FROM arrived")

    def _source(self, paths: Sequence[Path]) -> tuple[str, str]:
        """Return the FROM item of the rows, and what tells each row's place."""
        if paths[0].suffix == SUFFIX:
            self.file = Rows(paths[0])
            self.link.register("row_file", self.file.dataset())
            if self.left_out is not None:
                self.link.register("left_out", pa.table({"number": self.left_out}))
            return "row_file", NUMBER
        listed = ", ".join(literal(str(path)) for path in paths)
        return (
            f"read_parquet([{listed}], union_by_name = true)",
            "(file_index::BIGINT << 40) + file_row_number",
        )

    def _add_all(self) -> None:
        """Write all rows as new ones: none of them is there. A row file's go straight from file to file."""
        if self.file is None or self.duplicates:
            self.inserted = self._write(self._new_rows("incoming"))
            return
        count, files = parquet.write_batches(
            self._stamped(self.file), self.table.folder, self.schema, ordered=False
        )
        self.inserted = count
        self.add += files

    def _stamped(self, file: Rows) -> Iterator[Any]:
        """Yield the batches of a row file with all of the table's columns."""
        wanted = parquet.arrow_schema(self.schema)
        told = self.stamp.values
        for batch in file.batches():
            if self.left_out is not None:
                numbers = np.asarray(batch.column(NUMBER))
                places = np.minimum(np.searchsorted(self.left_out, numbers), len(self.left_out) - 1)
                kept = self.left_out[places] != numbers
                batch = batch if bool(kept.all()) else batch.filter(pa.array(kept))
            columns = []
            for one in wanted:
                if one.name in told:
                    columns.append(pa.repeat(pa.scalar(told[one.name], pa.int64()), len(batch)))
                elif one.name in self.here:
                    columns.append(batch.column(one.name).cast(one.type))
                else:
                    columns.append(pa.nulls(len(batch), one.type))
            yield pa.record_batch(columns, schema=wanted)

    def _key_list(self, alias: str = "") -> str:
        return ", ".join(alias + quoted(key) for key in self.keys)

    def _refuse_empty_keys(self) -> None:
        empty = " OR ".join(f"{quoted(key)} IS NULL" for key in self.keys)
        count = self.one(f"SELECT count(*) FROM incoming WHERE {empty}")
        if count:
            raise BadRows(
                f"lake: {count} rows for {self.table.code} have no value in a key field ({', '.join(self.keys)})"
            )

    def _drop_duplicates(self) -> None:
        """Let the view `incoming` hold the last row of each key."""
        keys = self._key_list()
        total, different = self.link.execute(
            f"SELECT count(*), count(DISTINCT hash({keys})) FROM arrived"
        ).fetchone() or (0, 0)
        if total == different:
            return  # keys whose hashes all differ all differ
        self.link.execute(f"CREATE TEMP TABLE last AS SELECT max(rid) AS rid FROM arrived GROUP BY {keys}")
        self.duplicates = total - self.one("SELECT count(*) FROM last")
        self.link.execute(
            "CREATE OR REPLACE TEMP VIEW incoming AS SELECT * FROM arrived SEMI JOIN last USING (rid)"
        )

    def _merge_keyed(self, mode: Mode) -> None:
        there = self.table.data_files()
        if mode == "full":
            files = [names.path_of(one.file_path) for one in there]
        else:
            files = pruning.candidates(self.link, there, self.schema, self.keys, "incoming") if there else []
        if not files:
            self._add_all()
            return
        self._find(files, mode)
        self._count(files, mode)
        if self.inserted or self.updated:
            fresh = (
                "SELECT i.* FROM incoming i ANTI JOIN (SELECT rid FROM hit WHERE NOT changed) h USING (rid)"
            )
            self._write(self._new_rows(f"({fresh})", kept_from_hit=mode == "upsert"))
        if mode != "append":
            self._rewrite(files, mode)

    def _find(self, files: list[str], mode: Mode) -> None:
        """Make the table `hit`: of each incoming row whose key is there, where it is and whether it changes."""
        absent = self._absent() if mode == "upsert" else []
        compared = [name for name in self.here if name not in self.keys]
        if mode == "full":
            compared = [name for name in self.types if name not in self.keys]
        mine = ", ".join(
            quoted(name) if name in self.here else f"NULL::{self.types[name]}" for name in compared
        )
        theirs = ", ".join(map(quoted, compared))
        differs = "i.digest <> t.digest" if compared and mode != "append" else "false"
        i_digest, t_digest = (
            f"hash({text})" if compared and mode != "append" else "0" for text in (mine, theirs)
        )
        extra = "".join(f", t.{quoted(name)}" for name in absent)
        theirs_extra = "".join(f", {quoted(name)}" for name in absent)
        same = " AND ".join(f"i.{quoted(key)} = t.{quoted(key)}" for key in self.keys)
        keys = self._key_list()
        self.link.execute(
            f"CREATE TEMP TABLE hit AS SELECT i.rid, t.place, t.line, {differs} AS changed{extra} "
            f"FROM (SELECT {keys}, rid, {i_digest} AS digest FROM incoming) i JOIN "
            f"(SELECT {keys}, file_index AS place, file_row_number AS line, {t_digest} AS digest{theirs_extra} "
            f"FROM {engine.files_sql(files, self.schema)}) t ON {same}"
        )

    def _absent(self) -> list[str]:
        return [name for name in self.types if name not in self.here]

    def _count(self, files: list[str], mode: Mode) -> None:
        found, self.updated = self.link.execute(
            "SELECT count(*), count(*) FILTER (changed) FROM hit"
        ).fetchone() or (0, 0)
        self.unchanged = found - self.updated
        self.inserted = self.one("SELECT count(*) FROM incoming") - found
        if mode == "full":
            self.removed = sum(one.record_count for one in self.table.data_files()) - found
            if self.removed:
                self._write_removed(files)

    def _write_removed(self, files: list[str]) -> None:
        """Keep the keys that go, for who asks for the changes."""
        name = f"removed/{uuid.uuid4().hex}.parquet"
        target = self.table.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        self.link.execute(
            f"COPY (SELECT {self._key_list('t.')} FROM "
            f"(SELECT {self._key_list()}, file_index AS place, file_row_number AS line "
            f"FROM {engine.files_sql(files, self.schema)}) t ANTI JOIN hit USING (place, line)) "
            f"TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
        )
        self.table.make_durable([target])
        self.removed_keys = name

    def _new_rows(self, source: str, *, kept_from_hit: bool = False) -> str:
        """Return the query of rows to write anew, stamped. Fields that didn't come are kept where asked."""
        absent = self._absent()
        picked = [f"i.{quoted(name)}" for name in self.here]
        joined = ""
        if kept_from_hit and absent:
            picked += [f"h.{quoted(name)}" for name in absent]
            joined = " LEFT JOIN hit h USING (rid)"
        else:
            picked += [f"NULL::{self.types[name]} AS {quoted(name)}" for name in absent]
        return f"SELECT {', '.join(picked)}, {self.stamp.sql()} FROM {source} i{joined}"

    def _write(self, query: str) -> int:
        count, files = parquet.write(self.link, query, self.table.folder, self.schema)
        self.add += files
        return count

    def _rewrite(self, files: list[str], mode: Mode) -> None:
        """Write the rows that stay of each file in which some don't; leave the other files as they are."""
        changed = self._touched(files, mode)
        batch: list[int] = []
        size = 0
        for place in changed:
            batch.append(place)
            size += Path(files[place]).stat().st_size
            if size >= BATCH_BYTES:
                self._rewrite_batch(files, batch, mode)
                batch, size = [], 0
        if batch:
            self._rewrite_batch(files, batch, mode)

    def _touched(self, files: list[str], mode: Mode) -> list[int]:
        """Return the places of the files in which a row changes or goes."""
        places = {
            row[0] for row in self.link.execute("SELECT DISTINCT place FROM hit WHERE changed").fetchall()
        }
        if mode == "full":
            held = {names.path_of(one.file_path): one.record_count for one in self.table.data_files()}
            found = dict(self.link.execute("SELECT place, count(*) FROM hit GROUP BY place").fetchall())
            places |= {place for place, path in enumerate(files) if found.get(place, 0) < held[path]}
        return sorted(places)

    def _rewrite_batch(self, files: list[str], batch: list[int], mode: Mode) -> None:
        paths = [files[place] for place in batch]
        places = ", ".join(f"({new}, {old})" for new, old in enumerate(batch))
        lines = (
            f"SELECT b.new AS place, h.line FROM hit h JOIN (VALUES {places}) b(new, old) ON h.place = b.old"
        )
        join, which = ("SEMI", "NOT h.changed") if mode == "full" else ("ANTI", "h.changed")
        columns = ", ".join(quoted(one.name) for one in self.schema.fields)
        rows = (
            f"SELECT {columns}, file_index AS place, file_row_number AS line "
            f"FROM {engine.files_sql(paths, self.schema)}"
        )
        self._write(f"SELECT t.* FROM ({rows}) t {join} JOIN ({lines} WHERE {which}) k USING (place, line)")
        self.replace += paths

    def _replace_all(self) -> None:
        """Put the rows in place of all that are there, unless they are the same ones."""
        files = self.table.files()
        mine = ", ".join(
            quoted(name) if name in self.here else f"NULL::{self.types[name]}" for name in self.types
        )
        theirs = ", ".join(map(quoted, self.types))
        old = f"SELECT hash({theirs}) AS digest FROM {engine.files_sql(files, self.schema)}"
        new = f"SELECT hash({mine}) AS digest FROM incoming"
        counted = "SELECT digest, count(*) AS many FROM ({}) GROUP BY digest"
        self.unchanged, self.inserted, self.removed = self.link.execute(
            "SELECT coalesce(sum(least(coalesce(o.many, 0), coalesce(n.many, 0))), 0)::BIGINT, "
            "coalesce(sum(greatest(coalesce(n.many, 0) - coalesce(o.many, 0), 0)), 0)::BIGINT, "
            "coalesce(sum(greatest(coalesce(o.many, 0) - coalesce(n.many, 0), 0)), 0)::BIGINT "
            f"FROM ({counted.format(old)}) o FULL JOIN ({counted.format(new)}) n USING (digest)"
        ).fetchone() or (0, 0, 0)
        if self.inserted or self.removed:
            self._write(self._new_rows("incoming"))
            self.replace = files
