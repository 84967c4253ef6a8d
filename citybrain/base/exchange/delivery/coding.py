"""Tight coding of numbers: sorted sets, and columns of whole numbers, about a byte or two each. Pure.

A coded text is one header byte, then a Zstandard frame of byte planes (all lowest bytes, then all second ones …):
neighbours in a plane are alike, which is what the compressor lives on. The format is ours and fixed by
`VERSION`; receipts kept for years are read by it.
"""

import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.uint64]
VERSION: Final = 1
_HEAD: Final = struct.Struct("<BH")  # version, number of columns
_COLUMN: Final = struct.Struct("<BBQ")  # 1 = differences, bytes a number, numbers
LEVEL: Final = 3


class BadCode(ValueError):
    """The bytes are no coded numbers of this version."""


def _codec() -> Any:
    import pyarrow as pa

    return pa.Codec("zstd", compression_level=LEVEL)


def _width(most: int) -> int:
    return max(1, (most.bit_length() + 7) // 8)


def _planes(values: Whole) -> tuple[int, bytes]:
    """Return the bytes a number needs, and the planes one after the other."""
    width = _width(int(values.max())) if len(values) else 1
    rows = values.astype("<u8", copy=False).view(np.uint8).reshape(-1, 8)
    return width, np.ascontiguousarray(rows[:, :width].T).tobytes()


def pack(columns: Sequence[tuple[Whole, bool]]) -> bytes:
    """Return columns as coded bytes. A column marked True rises, and its differences are kept.

    Raises ValueError for a column marked rising that falls.
    """
    heads, bodies = [], []
    for values, rising in columns:
        kept = np.asarray(values, dtype=np.uint64)
        if rising and len(kept) > 1:
            if bool((kept[1:] < kept[:-1]).any()):
                raise ValueError("coding: a column that should rise falls")
            kept = np.concatenate([kept[:1], kept[1:] - kept[:-1]])
        width, planes = _planes(kept)
        heads.append(_COLUMN.pack(rising, width, len(kept)))
        bodies.append(planes)
    frame: bytes = _codec().compress(b"".join(bodies), asbytes=True)
    return _HEAD.pack(VERSION, len(columns)) + b"".join(heads) + frame


def unpack(data: bytes) -> list[Whole]:
    """Return the columns of coded bytes. Raises BadCode when they are cut, damaged or of another version."""
    try:
        version, count = _HEAD.unpack_from(data)
        if version != VERSION:
            raise BadCode(f"coded numbers of version {version}; {VERSION} is read here")
        heads = [_COLUMN.unpack_from(data, _HEAD.size + _COLUMN.size * n) for n in range(count)]
        start = _HEAD.size + _COLUMN.size * count
        size = sum(width * length for _, width, length in heads)
        plain = _codec().decompress(memoryview(data)[start:], size, asbytes=True) if size else b""
    except (struct.error, OSError, ValueError) as bad:
        raise bad if isinstance(bad, BadCode) else BadCode(f"no coded numbers: {bad}") from bad
    found, at = [], 0
    for rising, width, length in heads:
        found.append(_column(plain, at, width, length, rising=bool(rising)))
        at += width * length
    return found


def _column(plain: bytes, at: int, width: int, length: int, *, rising: bool) -> Whole:
    planes = np.frombuffer(plain, np.uint8, width * length, at).reshape(width, length)
    values = np.zeros(length, np.uint64)
    for byte in range(width):
        values |= planes[byte].astype(np.uint64) << np.uint64(8 * byte)
    return np.cumsum(values, dtype=np.uint64) if rising else values


def pack_sorted(values: Whole) -> bytes:
    """Return a rising sequence as coded bytes."""
    return pack([(values, True)])


def unpack_sorted(data: bytes) -> Whole:
    """Return the rising sequence of `pack_sorted`. Raises BadCode."""
    columns = unpack(data)
    if len(columns) != 1:
        raise BadCode(f"one column is expected, {len(columns)} are there")
    return columns[0]
