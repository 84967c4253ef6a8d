"""Columns that Iceberg can't widen in place, such as a whole number that becomes a decimal: written anew, all at once.

Rows and versions stay as they are: older versions are read under their own types. Nothing is changed where a single
value wouldn't come through the same.
"""

from collections.abc import Sequence
from typing import Any

import duckdb
from pyiceberg.io.pyarrow import parquet_file_to_data_file
from pyiceberg.schema import Schema

from citybrain.base.catalogue.shape import Field
from citybrain.base.lake import engine, names, parquet, snapshots
from citybrain.base.lake.iceberg import catalog
from citybrain.base.lake.names import quoted
from citybrain.base.lake.schema import BadEvolution, iceberg_type


def retype(table: Any, fields: Sequence[Field]) -> None:
    """Give fields of a table their new types. The caller has the table's lock. Raises BadEvolution."""
    loaded = catalog().load_table(table.identifier)
    old = {names.path_of(one.file_path): one for one in table.data_files()}
    new = {one.name: one for one in fields}
    with engine.session(read_only_files=False) as link:
        rows = f"(SELECT * FROM {engine.files_sql(list(old), loaded.schema())})"
        for one in fields:
            _check(link, rows, one)
        with loaded.transaction() as change:
            with change.update_schema() as update:
                for one in fields:
                    update.delete_column(one.name)
                    update.add_column(one.name, iceberg_type(one.type), one.zh)
            if not old:
                return
            schema = change.table_metadata.schema()
            _, written = parquet.write(link, f"SELECT {_cast(schema, new)} FROM {rows}", table.folder, schema)
            table.make_durable(written)
            notes = {"version": table.version(), "mode": "compact"}
            properties = {snapshots.PREFIX + name: str(value) for name, value in notes.items()}
            with change.update_snapshot(snapshot_properties=properties).overwrite() as producer:
                for path in written:
                    file = parquet_file_to_data_file(loaded.io, change.table_metadata, names.uri(path))
                    producer.append_data_file(file)
                for gone in old.values():
                    producer.delete_data_file(gone)


def _cast(schema: Schema, new: dict[str, Field]) -> str:
    return ", ".join(
        f"{quoted(one.name)}::{new[one.name].type.duckdb} AS {quoted(one.name)}"
        if one.name in new
        else quoted(one.name)
        for one in schema.fields
    )


def _check(link: duckdb.DuckDBPyConnection, rows: str, field: Field) -> None:
    """Raise BadEvolution where a value doesn't fit into the new type."""
    column = quoted(field.name)
    found = link.execute(
        f"SELECT count(*), min({column}::VARCHAR) FROM {rows} "
        f"WHERE {column} IS NOT NULL AND TRY_CAST({column} AS {field.type.duckdb}) IS NULL"
    ).fetchone()
    if found and found[0]:
        raise BadEvolution(
            f"field {field.name} can't become {field.type}: {found[0]} values don't fit, such as {found[1]}; "
            "choose a wider type"
        )
