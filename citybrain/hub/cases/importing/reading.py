"""A file of past requests, row by row: text or gzip."""

import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from citybrain.hub.cases.importing.mapping import BadMapping, Mapping311

BLOCK: Final = 1 << 20  # letters


@contextmanager
def opened(path: Path, encoding: str) -> Iterator[IO[str]]:
    """Open a text file, gzip or plain, strictly in its encoding."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        with io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
            yield text


def rows_of(file: IO[str], mapping: Mapping311, path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows by column; a short row's missing cells are empty. Raises BadMapping for a missing column."""
    lines = csv.reader(file, delimiter=mapping.delimiter)
    header = next(lines, [])
    missing = sorted(mapping.columns() - set(header))
    if missing:
        raise BadMapping(f"{path}: the file has no column {', '.join(missing)}")
    blank = dict.fromkeys(header, "")
    width = len(header)
    return (
        dict(zip(header, line, strict=False))
        if len(line) >= width
        else blank | dict(zip(header, line, strict=False))
        for line in lines
        if line
    )


def check(path: Path, encoding: str) -> None:
    """Read a text file to its end, so that one in another encoding is refused whole. Raises UnicodeDecodeError."""
    with opened(path, encoding) as file:
        while file.read(BLOCK):
            pass
