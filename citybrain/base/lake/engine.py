"""The engine: DuckDB over the files of a version, and Ibis on it or on a Spark Connect session.

Statements of ours only. People's own SQL never runs here.
"""

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
from django.conf import settings
from pyiceberg.schema import Schema

from citybrain.base.lake import names
from citybrain.base.lake.names import SYSTEM_COLUMNS, LakeError, literal, quoted
from citybrain.base.lake.schema import duckdb_type
from citybrain.base.lake.tables import Table


def spill_folder() -> Path:
    """Return a new folder for what doesn't fit into memory; its name tells the process."""
    folder = names.home() / "tmp" / f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
    folder.mkdir(parents=True)
    return folder


def connect(
    *,
    memory: str | None = None,
    threads: int | None = None,
    read_only_files: bool = True,
    spill: Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """Return a connection in UTC that never looks for extensions outside, spilling into the lake's `tmp/`.

    With `read_only_files` it reaches the lake's files alone. `memory` such as "2GB", of settings.LAKE_MEMORY.
    """
    folder = spill or spill_folder()
    link = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": memory or settings.LAKE_MEMORY,
            "threads": str(threads or settings.LAKE_THREADS),
            "temp_directory": str(folder),
        }
    )
    link.execute("SET TimeZone = 'UTC'")
    link.execute("SET preserve_insertion_order = false")
    if read_only_files:
        link.execute(f"SET allowed_directories = [{literal(str(names.warehouse()))}]")
        link.execute("SET enable_external_access = false")
    return link


@contextmanager
def session(
    *, memory: str | None = None, threads: int | None = None, read_only_files: bool = True
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for the time of a block; what it spilled is removed with it."""
    folder = spill_folder()
    try:
        with connect(memory=memory, threads=threads, read_only_files=read_only_files, spill=folder) as link:
            yield link
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def columns_of(schema: Schema) -> dict[str, str]:
    """Return the fields with DuckDB's types, in their order, without the lake's own columns."""
    return {one.name: duckdb_type(one.field_type) for one in schema.fields if one.name not in SYSTEM_COLUMNS}


def files_sql(paths: Sequence[str], schema: Schema, extra: str = "") -> str:
    """Return a FROM item over files, whose columns are found by field id: older files may lack some.

    `schema` must be the table's; `extra` are further options of read_parquet. No file: no row.
    """
    if not paths:
        nothing = ", ".join(
            f"CAST(NULL AS {duckdb_type(one.field_type)}) AS {quoted(one.name)}" for one in schema.fields
        )
        return f"(SELECT {nothing} WHERE false)"
    fields = ", ".join(
        f"{one.field_id}: {{name: {literal(one.name)}, type: {literal(duckdb_type(one.field_type))}, "
        "default_value: NULL}"
        for one in schema.fields
    )
    listed = ", ".join(map(literal, paths))
    return f"read_parquet([{listed}], schema=MAP {{{fields}}}{extra})"


def relation_sql(code: str, version: int | None = None, columns: Sequence[str] | None = None) -> str:
    """Return the FROM item of a version for DuckDB: all its fields, or the `columns` named, in that order.

    The lake's own columns come only when named. Raises NoTable, NoVersion, LakeError for an unknown column.
    """
    table = Table(code)
    schema = table.schema(version or None)
    known = {one.name for one in schema.fields}
    wanted = list(columns_of(schema)) if columns is None else list(columns)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise LakeError(f"lake: {code} has no column {unknown[0]}")
    picked = ", ".join(map(quoted, wanted))
    return f"(SELECT {picked} FROM {files_sql(table.files(version), schema)})"


@dataclass(frozen=True)
class Changes:
    """What happened since a version, as FROM items for DuckDB.

    `rows`: rows written since, as they are now (an upsert for who keeps a copy). `removed`: keys taken out since
    that aren't there now. `whole`: there is no key to tell by, so `rows` is everything and replaces the copy.
    """

    rows: str
    removed: str
    whole: bool
    version: int


def changes_sql(code: str, since_version: int, columns: Sequence[str] | None = None) -> Changes:
    """Return the changes after a version up to now. Keyless sets that were only appended to give the new rows."""
    table = Table(code)
    schema = table.schema()
    now = table.version()
    history = [one for one in table.versions() if one.number > since_version]
    keys = table.keys
    wanted = list(columns_of(schema)) if columns is None else list(columns)
    all_rows = files_sql(table.files(now), schema)
    picked = ", ".join(map(quoted, wanted))
    whole = not keys and any(one.mode != "append" for one in history)
    where = "" if whole else f" WHERE {quoted(names.VERSION)} > {int(since_version)}"
    rows = f"(SELECT {picked} FROM {all_rows}{where})"
    gone = [str(table.folder / one.removed_keys) for one in history if one.removed_keys]
    keyed = ", ".join(map(quoted, keys)) or "NULL AS nothing"
    if not gone:
        return Changes(rows, f"(SELECT {keyed} FROM {files_sql([], schema)})", whole, now)
    listed = ", ".join(map(literal, gone))
    back = f"SELECT {keyed} FROM {all_rows} WHERE {quoted(names.VERSION)} > {int(since_version)}"
    same = " AND ".join(f"g.{quoted(key)} = b.{quoted(key)}" for key in keys)
    before = f"SELECT DISTINCT {keyed} FROM read_parquet([{listed}])"
    removed = f"(SELECT g.* FROM ({before}) g ANTI JOIN ({back}) b ON {same})"
    return Changes(rows, removed, whole, now)


def ibis_table(code: str, version: int | None = None) -> Any:
    """Return the version as an Ibis table on a DuckDB of its own."""
    return backend("duckdb").table(code, version)


Kind = Literal["duckdb", "spark"]


class Backend:
    """Where Ibis expressions run. The same expression gives the same rows on each (docs/scale.md).

    `link` is Ibis's own backend. On Spark the files must lie where its executors read them.
    """

    def __init__(self, kind: Kind, link: Any) -> None:
        self.kind = kind
        self.link = link

    def table(self, code: str, version: int | None = None) -> Any:
        """Return a version of a data set as an Ibis table, with its fields and without the lake's own columns."""
        name = f"{code}_{'now' if version is None else version}_{uuid.uuid4().hex[:6]}".replace("-", "_")
        if self.kind == "duckdb":
            self.link.raw_sql(
                f"CREATE TEMP VIEW {quoted(name)} AS SELECT * FROM {relation_sql(code, version)}"
            )
            return self.link.table(name)
        return self._spark_table(name, code, version)

    def _spark_table(self, name: str, code: str, version: int | None) -> Any:
        table = Table(code)
        schema = table.schema(version)
        session = self.link._session
        paths = [names.uri(path) for path in table.files(version)]
        wanted = columns_of(schema)
        if not paths:
            raise LakeError(f"lake: {code} has no rows to show to Spark")
        frame = session.read.option("mergeSchema", "true").parquet(*paths)
        there = set(frame.columns)
        picked = [quoted_spark(one) if one in there else f"NULL AS {quoted_spark(one)}" for one in wanted]
        frame.selectExpr(*picked).createOrReplaceTempView(name)
        return self.link.table(name)


def quoted_spark(name: str) -> str:
    """Return a column's name quoted for Spark."""
    return f"`{name}`"


def backend(name: str, *, memory: str | None = None, session: Any = None) -> Backend:
    """Return "duckdb" on this machine, or "spark" on a Spark Connect session (Spark's or Sail's).

    Raises LakeError for another name.
    """
    import ibis

    if name == "duckdb":
        return Backend("duckdb", ibis.duckdb.from_connection(connect(memory=memory)))
    if name == "spark":
        return Backend("spark", ibis.pyspark.connect(session))
    raise LakeError(f"lake: there is no engine {name!r}; duckdb and spark are known")
