"""Rows in PostgreSQL's binary COPY form, packed from Python values by column. No database.

A column that a row doesn't name gets its default, which is packed once: past cases leave two thirds of
their columns alone. Source: PostgreSQL documentation, COPY, "Binary Format".
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from struct import Struct
from typing import Any, Final

import orjson

START: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END: Final = b"\xff\xff"
NULL: Final = b"\xff\xff\xff\xff"
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

Packer = Callable[[Any], bytes]

_length = Struct(">i").pack
_count = Struct(">h").pack
_int8 = Struct(">iq").pack


def _fixed(form: str, size: int) -> Packer:
    return partial(Struct(f">i{form}").pack, size)


def _text(value: str) -> bytes:
    data = value.encode()
    return _length(len(data)) + data


def _time(value: datetime) -> bytes:
    return _int8(8, (value - EPOCH) // MICROSECOND)


def _json(value: Any) -> bytes:
    data = orjson.dumps(value)
    return _length(len(data) + 1) + b"\x01" + data


def _words(value: set[str]) -> bytes:
    """Pack search words: each ends in a zero byte and a count of positions, of which there are none."""
    data = ("\0\0\0".join(sorted(value)) + "\0\0\0").encode() if value else b""
    return _length(len(data) + 4) + _length(len(value)) + data


PACKERS: Final[dict[str, Packer]] = {
    "bool": _fixed("?", 1),
    "int2": _fixed("h", 2),
    "int4": _fixed("i", 4),
    "int8": _fixed("q", 8),
    "float8": _fixed("d", 8),
    "timestamptz": _time,
    "uuid": lambda value: _length(16) + value.bytes,
    "jsonb": _json,
    "text": _text,
    "tsvector": _words,
}


class Table:
    """How rows of a table are packed: its columns in order with their types, and the defaults."""

    def __init__(self, name: str, types: Mapping[str, str], defaults: Mapping[str, Any]) -> None:
        self.name = name
        self.sql = f"COPY {name} ({', '.join(types)}) FROM STDIN (FORMAT BINARY)"
        self._packers = {column: PACKERS[kind] for column, kind in types.items()}
        self._count = _count(len(types))
        self._blank = {column: self._packed(column, defaults.get(column)) for column in types}

    def _packed(self, column: str, value: Any) -> bytes:
        return NULL if value is None else self._packers[column](value)

    def row(self, values: Mapping[str, Any]) -> bytes:
        """Return one row. Raises KeyError for a column that the table doesn't have."""
        packed, packers = self._blank.copy(), self._packers
        for column, value in values.items():
            packed[column] = NULL if value is None else packers[column](value)
        return self._count + b"".join(packed.values())


def whole(rows: Iterable[bytes]) -> bytes:
    """Return all that one COPY takes."""
    return b"".join((START, *rows, END))
