"""A segment: one file that tells which receipts of a day hold a person. Written once, read by a few short reads.

Layout, little endian: magic, number of receipts and of entries; the receipts' ids (8 bytes each); 4,097 offsets;
4,096 blocks. A person's block is `ordinal mod 4096`, so that people spread evenly whoever came first. A block has
three coded columns: the receipts that hold somebody of the bucket (by their place in the ids), how many entries
each has, and the entries (`ordinal div 4096`) as differences within each receipt.
"""

import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from citybrain.base.exchange.delivery import coding
from citybrain.base.exchange.delivery.coding import Whole

BUCKETS: Final = 4_096
_BUCKET_BITS: Final = 12
_PLACE_BITS: Final = 20
MOST_RECEIPTS: Final = 1 << _PLACE_BITS
_MAGIC: Final = b"CBREAD01"
_HEAD: Final = struct.Struct("<8sIQ")


class BadSegment(ValueError):
    """The file is no segment, or is cut."""


def sort_keys(sets: Iterable[Whole]) -> Whole:
    """Return one number per entry that sorts by bucket, receipt and person. The place of a set is its receipt."""
    parts = [
        (one & np.uint64(BUCKETS - 1)) << np.uint64(52)
        | np.uint64(place) << np.uint64(32)
        | one >> np.uint64(_BUCKET_BITS)
        for place, one in enumerate(sets)
    ]
    keys = np.concatenate(parts) if parts else np.zeros(0, np.uint64)
    keys.sort()
    return keys


def _blocks(keys: Whole) -> Iterator[bytes]:
    """Return the 4,096 blocks of sorted keys; an empty bucket has an empty one."""
    run = keys >> np.uint64(32)
    person = keys & np.uint64(0xFFFF_FFFF)
    fresh = np.ones(len(keys), bool)
    fresh[1:] = run[1:] != run[:-1]
    steps = person.copy()
    steps[1:] = np.where(fresh[1:], person[1:], person[1:] - person[:-1])
    starts = np.flatnonzero(fresh)
    lengths = np.diff(np.append(starts, len(keys))).astype(np.uint64)
    places = run[starts] & np.uint64(MOST_RECEIPTS - 1)
    buckets = np.arange(BUCKETS, dtype=np.uint64) << np.uint64(52)
    bounds = [*np.searchsorted(keys, buckets).tolist(), len(keys)]
    runs = np.searchsorted(starts, bounds).tolist()
    for at in range(BUCKETS):
        if bounds[at] == bounds[at + 1]:
            yield b""
            continue
        mine = slice(runs[at], runs[at + 1])
        entries = (steps[bounds[at] : bounds[at + 1]], False)
        yield coding.pack([(places[mine], True), (lengths[mine], False), entries])


def write(path: Path, ids: Sequence[int], keys: Whole) -> int:
    """Write a segment beside and put it in place at once; return its size in bytes. Raises ValueError for too many."""
    if len(ids) > MOST_RECEIPTS:
        raise ValueError(f"segment: {len(ids)} receipts, at most {MOST_RECEIPTS} fit")
    path.parent.mkdir(parents=True, exist_ok=True)
    offsets = np.zeros(BUCKETS + 1, "<u8")
    start = _HEAD.size + 8 * len(ids) + 8 * len(offsets)
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with beside.open("wb") as file:
        file.write(_HEAD.pack(_MAGIC, len(ids), len(keys)))
        file.write(np.array(ids, "<u8").tobytes())
        file.seek(start)
        offsets[0] = start
        for at, block in enumerate(_blocks(keys)):
            file.write(block)
            offsets[at + 1] = int(offsets[at]) + len(block)
        file.seek(_HEAD.size + 8 * len(ids))
        file.write(offsets.tobytes())
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return int(offsets[-1])


def find(path: Path, ordinal: int) -> list[tuple[int, int]]:
    """Return (receipt, how often) for one person, receipts in the segment's order. Raises BadSegment, OSError."""
    with path.open("rb") as file:
        magic, receipts, _ = _HEAD.unpack(file.read(_HEAD.size).ljust(_HEAD.size, b"\0"))
        if magic != _MAGIC:
            raise BadSegment(f"{path}: no segment of receipts")
        bucket = ordinal % BUCKETS
        file.seek(_HEAD.size + 8 * receipts + 8 * bucket)
        begin, end = struct.unpack("<QQ", file.read(16))
        if begin == end:
            return []
        file.seek(begin)
        block = file.read(end - begin)
        if len(block) != end - begin:
            raise BadSegment(f"{path}: cut short")
        places, counts = _in_block(block, ordinal >> _BUCKET_BITS)
        found = []
        for place, count in zip(places.tolist(), counts.tolist(), strict=True):
            file.seek(_HEAD.size + 8 * place)
            found.append((struct.unpack("<Q", file.read(8))[0], count))
    return found


def _in_block(block: bytes, person: int) -> tuple[Whole, npt.NDArray[np.intp]]:
    """Return the places of the receipts that hold a person, and how often each does."""
    places, lengths, steps = coding.unpack(block)
    ends = np.cumsum(lengths).astype(np.int64)
    starts = ends - lengths.astype(np.int64)
    summed = np.cumsum(steps, dtype=np.uint64)
    before = summed[starts] - steps[starts]
    people = summed - np.repeat(before, lengths.astype(np.int64))
    hits = np.searchsorted(ends, np.flatnonzero(people == person), side="right")
    found, counts = np.unique(hits, return_counts=True)
    return places[found], counts
