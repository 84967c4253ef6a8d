"""Writing the table's files by DuckDB: with Iceberg's field ids, so that any reader of Iceberg finds the columns."""

import uuid
from dataclasses import dataclass
from pathlib import Path

import duckdb
from pyiceberg.schema import Schema

from citybrain.base.lake import names
from citybrain.base.lake.names import literal, quoted

FILE_BYTES = 256_000_000  # where a file is full and the next begins
ROW_GROUP = 122_880
ROW_GROUP_BYTES = 16_777_216  # rows may be wide: a writer holds a whole group in memory


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the lake's own columns say of rows that are written now."""

    version: int
    run: int = 0
    supply: int = 0

    def sql(self) -> str:
        """Return the three columns as constants."""
        values = zip(names.SYSTEM_COLUMNS, (self.version, self.run, self.supply), strict=True)
        return ", ".join(f"{int(value)}::BIGINT AS {quoted(name)}" for name, value in values)


def write(
    link: duckdb.DuckDBPyConnection, query: str, folder: Path, schema: Schema, *, ordered: bool = False
) -> tuple[int, list[Path]]:
    """Write a query's rows, which have the schema's columns, into new files; return how many, and the files.

    `ordered` keeps the query's order inside the files; without it writing needs less memory.
    """
    target = folder / "data" / uuid.uuid4().hex
    target.parent.mkdir(parents=True, exist_ok=True)
    ids = ", ".join(f"{quoted(one.name)}: {one.field_id}" for one in schema.fields)
    columns = ", ".join(quoted(one.name) for one in schema.fields)
    link.execute(f"SET preserve_insertion_order = {'true' if ordered else 'false'}")
    limit = "" if ordered else f"ROW_GROUP_SIZE_BYTES {ROW_GROUP_BYTES}, "
    row = link.execute(
        f"COPY (SELECT {columns} FROM ({query})) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd, "
        f"ROW_GROUP_SIZE {ROW_GROUP}, {limit}FILE_SIZE_BYTES {FILE_BYTES}, FIELD_IDS {{{ids}}}, "
        "FILENAME_PATTERN 'part-{i}', RETURN_FILES true)"
    ).fetchone()
    count, written = (int(row[0]), list(row[1])) if row else (0, [])
    if not count:
        for path in written:
            Path(path).unlink(missing_ok=True)
        return 0, []
    return count, sorted(Path(path) for path in written)
