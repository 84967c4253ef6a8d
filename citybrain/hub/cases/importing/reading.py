"""A file of past requests, row by row: text or gzip, and its last moment."""

import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from citybrain.hub.cases.importing import rows
from citybrain.hub.cases.importing.mapping import BadMapping, Mapping311


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


def last_moment(path: Path, mapping: Mapping311) -> datetime:
    """Return the latest report or closing in a file: open cases are judged as of then."""
    latest: datetime | None = None
    with opened(path, mapping.encoding) as file:
        for row in rows_of(file, mapping, path):
            for moment in rows.moments(mapping, row):
                latest = moment if latest is None or moment > latest else latest
    if latest is None:
        raise BadMapping(f"{path}: no row has a usable time")
    return latest
