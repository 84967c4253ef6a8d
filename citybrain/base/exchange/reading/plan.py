"""How the engine scans the rows of a file: every column as text, in the file's order, memory bounded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from citybrain.base.exchange.reading.broken import Broken

ROW = "_row"
"""In a rewritten file: the number of the row in the sheet or the line in the file it came from."""
LINE_BYTES = 4 << 20
MOST_BROKEN = 1_000_000  # a file with more broken rows is another kind of file
REASONS = {
    "MISSING COLUMNS": "missing_columns",
    "TOO MANY COLUMNS": "too_many_columns",
    "UNQUOTED VALUE": "quote",
    "INVALID ENCODING": "encoding",
    "INVALID UNICODE": "encoding",
    "LINE SIZE OVER MAXIMUM": "too_long",
    "MAXIMUM LINE SIZE": "too_long",
}


def quoted(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class Plan:
    """A file and how to scan it. `rows`: Parquet written by us with `_row`; `parquet`: a supplier's own."""

    kind: Literal["csv", "rows", "parquet"]
    path: str
    names: tuple[str, ...]
    delimiter: str = ","
    quote: str = '"'
    skip: int = 0
    """Lines before the first data row."""
    plain: bool = False
    """A text without any quote, which every reader of delimited text parts alike."""
    broken: tuple[tuple[int, str, str], ...] = ()
    """(line, reason, text) of rows already set aside when the file was rewritten; the first ones."""
    broken_count: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the plan as a run keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Plan":
        """Return the plan that `to_json` gave."""
        broken = tuple((line, reason, text) for line, reason, text in kept["broken"])
        return cls(**{**kept, "names": tuple(kept["names"]), "broken": broken})

    @property
    def counts_rows(self) -> bool:
        """Whether `_row` is a column of the scan; else a row's number is its place in the scan."""
        return self.kind == "rows"

    def source(self) -> str:
        """Return the FROM item that scans the rows: columns as texts, under the names of the file."""
        if self.kind == "csv":
            return self._csv_source()
        if self.kind == "rows":
            return f"read_parquet({literal(self.path)})"
        return f"(SELECT {self._parquet_texts()} FROM read_parquet({literal(self.path)}))"  # noqa: S608

    @property
    def parts_anywhere(self) -> bool:
        """Whether Arrow's reader, which is three times faster, gives the same rows (or refuses the file)."""
        return (
            self.kind == "csv" and self.plain and self.skip > 0 and len(self.names) > 1 and len(self.delimiter) == 1
            and self.delimiter.isascii()
        )  # fmt: skip

    def batches(self, names: Sequence[str]) -> Any:
        """Yield batches of these columns as texts by Arrow's reader. Raises pyarrow.ArrowInvalid for a broken row."""
        import pyarrow as pa
        from pyarrow import csv

        return csv.open_csv(
            self.path,
            read_options=csv.ReadOptions(column_names=list(self.names), skip_rows=self.skip, block_size=LINE_BYTES),
            parse_options=csv.ParseOptions(delimiter=self.delimiter, quote_char=False),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(self.names, pa.string()), include_columns=list(names), check_utf8=False,
                strings_can_be_null=True, null_values=[""],
            ),
        )  # fmt: skip

    def _csv_source(self) -> str:
        # new_line isn't told: with it DuckDB 1.5 in strict mode reads no rows of a file with \\r\\n
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.names)
        quote = literal(self.quote)
        return (
            f"read_csv({literal(self.path)}, auto_detect=false, header=false, skip={self.skip}, "
            f"delim={literal(self.delimiter)}, quote={quote}, escape={quote}, "
            f"columns={{{columns}}}, nullstr='', strict_mode=true, null_padding=false, "
            f"max_line_size={LINE_BYTES}, store_rejects=true, rejects_limit={MOST_BROKEN})"
        )

    def _parquet_texts(self) -> str:
        texts = parquet_texts(self.path)
        return ", ".join(f"{texts[name]} AS {quoted(name)}" for name in self.names)

    def sample(self, rows: int) -> list[tuple[str | None, ...]]:
        """Return the first rows as texts."""
        with connection() as link:
            names = ", ".join(quoted(name) for name in self.names)
            return link.execute(f"SELECT {names} FROM {self.source()} LIMIT {int(rows)}").fetchall()  # noqa: S608

    def count(self) -> tuple[int, int, tuple[Broken, ...]]:
        """Return (good rows, broken rows, the broken ones kept) by one scan of the file."""
        with connection() as link:
            found = link.execute(f"SELECT count(*) FROM {self._scanned_whole()}").fetchall()  # noqa: S608
            count, broken = self.set_aside(link)  # rejects are there once the result is read to its end
        return found[0][0], count, broken

    def _scanned_whole(self) -> str:
        """Return the FROM item so that every value is looked at, as a check would: not only counted."""
        if self.kind != "csv":
            return self.source()
        every = " + ".join(f"coalesce(length({quoted(name)}), 0)" for name in self.names)
        return f"(SELECT {every} AS n FROM {self.source()}) WHERE n >= 0"  # noqa: S608

    def all_set_aside(self, link: duckdb.DuckDBPyConnection) -> list[Broken]:
        """Return every row that couldn't be read by the scan made on `link`, beyond those the report holds."""
        if self.kind == "rows":
            more = beside(Path(self.path))
            lines = more.read_bytes().splitlines() if more.exists() else []
            kept = [*self.broken, *((one[0], one[1], one[2]) for one in map(json.loads, lines))]
            return [Broken(line, reason, text) for line, reason, text in kept]
        if not _has_rejects(link):
            return [Broken(line, reason, text) for line, reason, text in self.broken]
        rows = link.execute(
            "SELECT min(line_byte_position), first(error_type ORDER BY column_idx), left(first(csv_line), 4000) "
            "FROM reject_errors GROUP BY scan_id, line ORDER BY 1"
        ).fetchall()
        numbers = line_numbers(self.path, [at for at, _, _ in rows])
        return [
            Broken(line, REASONS.get(kind, "quote"), text or "")
            for line, (_, kind, text) in zip(numbers, rows, strict=True)
        ]

    def set_aside(self, link: duckdb.DuckDBPyConnection) -> tuple[int, tuple[Broken, ...]]:
        """Return (how many, the first ones) of the rows that couldn't be read by the scan made on `link`."""
        kept = tuple(Broken(line, reason, text) for line, reason, text in self.broken)
        if self.kind != "csv" or not _has_rejects(link):
            return self.broken_count, kept
        counted = link.execute("SELECT count(DISTINCT (scan_id, line)) FROM reject_errors").fetchone()
        rows = link.execute(
            "SELECT min(line_byte_position), first(error_type ORDER BY column_idx), first(csv_line) "
            "FROM reject_errors GROUP BY scan_id, line ORDER BY 1 LIMIT 1000"
        ).fetchall()
        lines = line_numbers(self.path, [at for at, _, _ in rows])
        found = tuple(
            Broken(line, REASONS.get(kind, "quote"), (text or "")[:4000])
            for line, (_, kind, text) in zip(lines, rows, strict=True)
        )
        return self.broken_count + (counted[0] if counted else 0), kept + found


def beside(rows: Path) -> Path:
    """Return where broken rows of a rewritten file lie that the report has no room for, as JSON lines."""
    return rows.with_suffix(".broken.jsonl")


def _has_rejects(link: duckdb.DuckDBPyConnection) -> bool:
    """Whether a scan set rows aside: the engine makes its table only then."""
    try:
        return bool(link.execute("SELECT 1 FROM reject_errors LIMIT 1").fetchall())
    except duckdb.CatalogException:
        return False


def line_numbers(path: str, positions: Sequence[int]) -> list[int]:
    """Return the line, from 1, in which each byte position (ascending, from 1) lies."""
    lines: list[int] = []
    done, line = 0, 1
    with Path(path).open("rb") as file:
        for at in positions:
            while done < at - 1:
                piece = file.read(min(1 << 20, at - 1 - done))
                if not piece:
                    break
                line += piece.count(b"\n")
                done += len(piece)
            lines.append(line)
    return lines


def parquet_types(path: str) -> list[tuple[str, str]]:
    """Return (name, DuckDB type) of each column of a Parquet file."""
    with connection() as link:
        rows = link.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(path)})").fetchall()  # noqa: S608
    return [(name, kind) for name, kind, *_ in rows]


def parquet_texts(path: str) -> dict[str, str]:
    """Return the expression of each column of a Parquet file as text; lists and records are told as JSON."""
    texts = {}
    for name, kind in parquet_types(path):
        nested = "[" in kind or kind.startswith(("STRUCT", "MAP", "UNION"))
        texts[name] = f"CAST({f'to_json({quoted(name)})' if nested else quoted(name)} AS VARCHAR)"
    return texts


def connection() -> duckdb.DuckDBPyConnection:
    """Return a small engine of its own: nothing is fetched from outside, times are UTC."""
    link = duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "1GB"})
    link.execute("SET autoinstall_known_extensions=false; SET autoload_known_extensions=false")
    link.execute("SET TimeZone='UTC'")
    return link
