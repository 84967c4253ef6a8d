"""What a check of a file did: the counts, and the rows it put aside."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from citybrain.base.exchange.checks.compile import PROBLEMS, RAW, Checks
from citybrain.base.exchange.reading.broken import Broken


@dataclass
class Split:
    """What a check did. `repeated`: rows left out because an equal one is there; bad rows lie in `bad`.

    `left_out`: numbers of rows in `good` that are repeated, or bad after all.
    """

    good: Path
    bad: Path
    rows_good: int = 0
    rows_bad: int = 0
    repeated: int = 0
    broken_count: int = 0
    broken: tuple[Broken, ...] = ()
    all_broken: list[Broken] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    left_out: Any = None

    @property
    def rows(self) -> int:
        """All rows the file held."""
        return self.rows_good + self.rows_bad + self.repeated + self.broken_count


class BadWriter:
    """Writes bad rows: number, problems, the cells as they came."""

    def __init__(self, path: Path, checks: Checks) -> None:
        self.checks = checks
        self.raw = pa.struct([(name, pa.string()) for name in checks.mapped])
        self.schema = pa.schema([("row", pa.int64()), ("problems", pa.string()), ("raw", self.raw)])
        self.writer = pq.ParquetWriter(path, self.schema, compression="zstd")

    def __enter__(self) -> "BadWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()

    def put(self, rows: pa.RecordBatch, numbers: list[int], done: Split) -> None:
        """Write bad rows and count their reasons."""
        cells = [rows.column(RAW.format(i)).cast(pa.string()) for i in range(len(self.checks.mapped))]
        raw = pa.StructArray.from_arrays(cells, names=list(self.checks.mapped))
        self.write(numbers, rows.column(PROBLEMS), raw, done)

    def write(self, numbers: list[int], problems: Any, raw: Any, done: Split) -> None:
        """Write rows given as columns."""
        batch = pa.record_batch(
            [pa.array(numbers, pa.int64()), problems.cast(pa.string()), raw.cast(self.raw)],
            schema=self.schema,
        )
        self.writer.write_batch(batch)
        done.rows_bad += len(numbers)
        for told in problems.value_counts().to_pylist():
            for line in told["values"].split("\n"):
                if line:
                    done.reasons[line] = done.reasons.get(line, 0) + told["counts"]
