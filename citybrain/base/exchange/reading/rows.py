"""Rows written as Parquet texts with the number of the row they came from, a batch at a time."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.plan import ROW, Plan, beside
from citybrain.base.exchange.reading.report import Unreadable

BATCH = 8192


class RowWriter:
    """Writes rows of texts under the names of their columns; sets aside what doesn't fit."""

    def __init__(self, path: Path, names: Sequence[str], limits: Limits, *, fill: Iterable[int] = ()) -> None:
        if len(names) > limits.columns:
            raise Unreadable("columns", count=len(names), limit=limits.columns)
        self.path, self.names, self.limits = path, tuple(names), limits
        self.schema = pa.schema([(ROW, pa.int64()), *((name, pa.string()) for name in names)])
        self.writer = pq.ParquetWriter(path, self.schema, compression="zstd", compression_level=1)
        self.fill = tuple(fill)
        self.above: list[str | None] = [None] * len(names)
        self.numbers: list[int] = []
        self.cells: list[list[str | None]] = []
        self.broken: list[tuple[int, str, str]] = []
        self.broken_count = 0
        self.beyond: IO[bytes] | None = None
        self.count = 0

    def put(self, number: int, cells: list[str | None]) -> None:
        """Write a row of exactly as many cells as there are columns; empty texts become nothing."""
        for i in self.fill:
            if cells[i]:
                self.above[i] = cells[i]
            else:
                cells[i] = self.above[i]
        self.numbers.append(number)
        self.cells.append(cells)
        if len(self.numbers) >= BATCH:
            self.flush()

    def set_aside(self, number: int, reason: str, text: str) -> None:
        """Count a row that can't be read; the first ones are kept at hand, the others in a file beside."""
        self.broken_count += 1
        one = (number, reason, text[:4000])
        if len(self.broken) < self.limits.broken_kept:
            self.broken.append(one)
            return
        if self.beyond is None:
            self.beyond = beside(self.path).open("wb")
        self.beyond.write(orjson.dumps(one) + b"\n")

    def flush(self) -> None:
        """Write what is held."""
        if not self.numbers:
            return
        arrays: list[Any] = [pa.array(self.numbers, pa.int64())]
        arrays += [
            pa.array([cell or None for cell in column], pa.string())
            for column in (zip(*self.cells, strict=True) if self.names else ())
        ]
        self.writer.write_batch(pa.record_batch(arrays, schema=self.schema))
        self.count += len(self.numbers)
        self.numbers, self.cells = [], []

    def close(self) -> Plan:
        """Finish the file; return how to scan it."""
        self.flush()
        self.writer.close()
        if self.beyond is not None:
            self.beyond.close()
        return Plan(
            "rows", str(self.path), self.names, broken=tuple(self.broken), broken_count=self.broken_count
        )
