"""Writing the table's files: with Iceberg's field ids, so that any reader of Iceberg finds the columns.

Batches are coded by two threads, a file each, while the engine makes the next ones. Arrow's writer takes less than
half of the processor's time that the engine's own takes for the same rows.
"""

import contextlib
import queue
import threading
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg import types as iceberg
from pyiceberg.schema import Schema

from citybrain.base.lake import names
from citybrain.base.lake.names import quoted

FILE_BYTES: Final = 256_000_000  # where a file is full and the next begins
ROW_GROUP: Final = 122_880
ROW_GROUP_BYTES: Final = 33_554_432  # rows may be wide: a writer holds a whole group in memory
BATCH: Final = 20_480
WRITERS: Final = 2
LOOKED_AT: Final = 8_192  # rows by which a column's coding is chosen
FEW: Final = 0.1  # so many different values in a row, and a column is coded by a dictionary
_SIMPLE: Final[dict[type, pa.DataType]] = {
    iceberg.LongType: pa.int64(),
    iceberg.DoubleType: pa.float64(),
    iceberg.BooleanType: pa.bool_(),
    iceberg.DateType: pa.date32(),
    iceberg.TimestamptzType: pa.timestamp("us", "UTC"),
    iceberg.StringType: pa.string(),
}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the lake's own columns say of rows that are written now."""

    version: int
    run: int = 0
    supply: int = 0

    @property
    def values(self) -> dict[str, int]:
        """The three columns and their one value."""
        return dict(zip(names.SYSTEM_COLUMNS, (self.version, self.run, self.supply), strict=True))

    def sql(self) -> str:
        """Return the three columns as constants."""
        return ", ".join(f"{int(value)}::BIGINT AS {quoted(name)}" for name, value in self.values.items())


def arrow_schema(schema: Schema) -> pa.Schema:
    """Return the columns as Arrow has them, each with its field id."""
    fields = []
    for one in schema.fields:
        kind = one.field_type
        told = (
            pa.decimal128(kind.precision, kind.scale)
            if isinstance(kind, iceberg.DecimalType)
            else _SIMPLE[type(kind)]
        )
        fields.append(pa.field(one.name, told, metadata={b"PARQUET:field_id": str(one.field_id).encode()}))
    return pa.schema(fields)


def write(
    link: duckdb.DuckDBPyConnection, query: str, folder: Path, schema: Schema, *, ordered: bool = False
) -> tuple[int, list[Path]]:
    """Write a query's rows, which have the schema's columns, into new files; return how many, and the files.

    `ordered` keeps the query's order in one file after the other.
    """
    columns = ", ".join(quoted(one.name) for one in schema.fields)
    link.execute(f"SET preserve_insertion_order = {'true' if ordered else 'false'}")
    reader = link.execute(f"SELECT {columns} FROM ({query})").to_arrow_reader(BATCH)
    return write_batches(reader, folder, schema, ordered=ordered)


def write_batches(
    batches: Iterable[Any], folder: Path, schema: Schema, *, ordered: bool = False
) -> tuple[int, list[Path]]:
    """Write batches with the schema's columns into new files; return how many rows, and the files.

    What fails on the way leaves no file.
    """
    target = folder / "data" / uuid.uuid4().hex
    target.mkdir(parents=True)
    wanted = arrow_schema(schema)
    waiting: queue.Queue[Any] = queue.Queue(maxsize=WRITERS)
    writers = [_Writer(n, target, wanted, waiting) for n in range(1 if ordered else WRITERS)]
    try:
        for group in _groups(batches, wanted):
            _put(waiting, group, writers)
        for _ in writers:
            _put(waiting, None, writers)
    except BaseException:
        for one in writers:
            one.stopped.set()
        raise
    finally:
        for one in writers:
            one.join()
    _raise_first(writers)
    written = sorted(path for one in writers for path in one.paths)
    if not written:
        target.rmdir()
    return sum(one.count for one in writers), written


def write_one(reader: Any, path: Path) -> int:
    """Write all batches of a reader into one file, in their order, without field ids; return how many rows."""
    count, writer = 0, None
    try:
        for group in _groups(reader, reader.schema):
            if writer is None:
                writer = _opened(str(path), reader.schema, group)
            writer.write_table(group, row_group_size=ROW_GROUP)
            count += len(group)
        if writer is None:
            writer = _opened(str(path), reader.schema, reader.schema.empty_table())
    finally:
        if writer is not None:
            writer.close()
    return count


def _opened(sink: Any, schema: pa.Schema, first: Any) -> Any:
    return pq.ParquetWriter(
        sink, schema, compression="zstd", compression_level=1, use_dictionary=_repeating(first),
        store_decimal_as_integer=True, version="2.6",
    )  # fmt: skip


def _raise_first(writers: Sequence["_Writer"]) -> None:
    for one in writers:
        if one.error is not None:
            raise one.error


def _put(waiting: "queue.Queue[Any]", group: Any, writers: Sequence["_Writer"]) -> None:
    while True:
        _raise_first(writers)
        with contextlib.suppress(queue.Full):
            return waiting.put(group, timeout=1.0)


def _groups(batches: Iterable[Any], wanted: pa.Schema) -> Iterable[Any]:
    """Yield tables as large as a row group."""
    held: list[Any] = []
    rows = size = 0
    for batch in batches:
        if not len(batch):
            continue
        held.append(batch if batch.schema.equals(wanted) else batch.cast(wanted))
        rows, size = rows + len(batch), size + batch.nbytes
        if rows >= ROW_GROUP or size >= ROW_GROUP_BYTES:
            yield pa.Table.from_batches(held, wanted)
            held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held, wanted)


class _Writer(threading.Thread):
    """Writes the groups it takes into files of its own."""

    def __init__(self, number: int, folder: Path, schema: pa.Schema, waiting: "queue.Queue[Any]") -> None:
        super().__init__(name=f"parquet-{number}", daemon=True)
        self.number = number
        self.folder = folder
        self.schema = schema
        self.waiting = waiting
        self.stopped = threading.Event()
        self.paths: list[Path] = []
        self.count = 0
        self.error: Exception | None = None
        self.sink: Any = None
        self.writer: Any = None
        self.start()

    def run(self) -> None:
        """Write until there is nothing more."""
        try:
            while (group := self._next()) is not None:
                if self.writer is None:
                    self._open(group)
                self.writer.write_table(group, row_group_size=ROW_GROUP)
                self.count += len(group)
                if self.sink.tell() >= FILE_BYTES:
                    self._close()
        except Exception as error:  # noqa: BLE001  told to the thread that waits for us
            self.error = error
        finally:
            with contextlib.suppress(OSError):
                self._close()
            if self.error is not None or self.stopped.is_set():
                for path in self.paths:
                    path.unlink(missing_ok=True)

    def _next(self) -> Any:
        while not self.stopped.is_set():
            with contextlib.suppress(queue.Empty):
                return self.waiting.get(timeout=0.2)
        return None

    def _open(self, group: Any) -> None:
        path = self.folder / f"part-{self.number}-{len(self.paths)}.parquet"
        self.paths.append(path)
        self.sink = pa.OSFile(str(path), "wb")
        self.writer = _opened(self.sink, self.schema, group)

    def _close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.sink.close()
            self.writer = self.sink = None


def _repeating(group: Any) -> list[str]:
    """Return the columns in which few values come again and again."""
    part = group.slice(0, LOOKED_AT)
    most = max(FEW * len(part), 2)
    return [
        name for name in part.column_names if pc.count_distinct(part.column(name), mode="all").as_py() <= most
    ]
