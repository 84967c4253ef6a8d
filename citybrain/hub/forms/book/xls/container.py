"""The compound file that holds an .xls: its streams read, some of them replaced, all others and the tree as they were.

Source: [MS-CFB], sections 2.1 to 2.6. Small streams lie in the mini stream, larger ones in sectors of the file.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from citybrain.base.exchange.reading.report import Unreadable

MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
FREE, END, FAT, DIFAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
NONE: Final = 0xFFFFFFFF
ENTRY: Final = 128
MINI: Final = 64
CUTOFF: Final = 4096
IN_HEADER: Final = 109


@dataclass
class Container:
    """A compound file: its header, its directory's entries (128 bytes each), the content of each stream by index."""

    header: bytes
    entries: list[bytes]
    streams: dict[int, bytes] = field(default_factory=dict)

    def find(self, *names: str) -> int | None:
        """Return the index of a stream of the root by name, the first found of those given."""
        there = {self.name(at).lower(): at for at in self._children() if at in self.streams}
        return next((there[one.lower()] for one in names if one.lower() in there), None)

    def names(self) -> list[str]:
        """Return the names of what lies in the root."""
        return [self.name(at) for at in self._children()]

    def name(self, at: int) -> str:
        """Return an entry's name."""
        length = struct.unpack_from("<H", self.entries[at], 64)[0]
        return (
            self.entries[at][: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace").partition("\0")[0]
        )

    def _children(self) -> list[int]:
        waiting = [struct.unpack_from("<I", self.entries[0], 76)[0]]
        found: list[int] = []
        while waiting:
            at = waiting.pop()
            if at >= len(self.entries) or at in found:
                continue
            found.append(at)
            waiting += struct.unpack_from("<II", self.entries[at], 68)
        return found


def read(content: bytes) -> Container:
    """Return a compound file's streams. Raises Unreadable for a damaged one."""
    if not content.startswith(MAGIC) or len(content) < 1536:
        raise Unreadable("damaged", detail="xls")
    try:
        return _read(content)
    except (struct.error, IndexError) as bad:
        raise Unreadable("damaged", detail="xls") from bad


def _read(content: bytes) -> Container:
    size = 1 << struct.unpack_from("<H", content, 30)[0]
    if size not in {512, 4096}:
        raise Unreadable("damaged", detail="xls: sectors")
    table = _table(content, size)
    first, first_mini = struct.unpack_from("<I", content, 48)[0], struct.unpack_from("<I", content, 60)[0]
    folder = _chain(content, size, table, first)
    entries = [folder[at : at + ENTRY] for at in range(0, len(folder) - ENTRY + 1, ENTRY)]
    file = Container(content[:512], entries)
    minis = _numbers(_chain(content, size, table, first_mini))
    start, length = struct.unpack_from("<II", entries[0], 116)
    small = _chain(content, size, table, start)[:length]
    for at, entry in enumerate(entries):
        if entry[66] != 2:
            continue
        start, length = struct.unpack_from("<II", entry, 116)
        whole = (
            _chain(content, size, table, start) if length >= CUTOFF else _chain(small, MINI, minis, start, 0)
        )
        if len(whole) < length:
            raise Unreadable("damaged", detail=f"xls: {file.name(at)}")
        file.streams[at] = whole[:length]
    return file


def _numbers(raw: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4])


def _table(content: bytes, size: int) -> tuple[int, ...]:
    """Return the table of sectors that follow each other."""
    sectors = list(struct.unpack_from(f"<{IN_HEADER}I", content, 76))
    at, seen = struct.unpack_from("<I", content, 68)[0], 0
    while at < DIFAT and seen <= len(content) // size:
        more = _numbers(content[(at + 1) * size : (at + 2) * size])
        sectors += more[:-1]
        at, seen = more[-1], seen + 1
    return _numbers(b"".join(content[(one + 1) * size : (one + 2) * size] for one in sectors if one < DIFAT))


def _chain(content: bytes, size: int, table: tuple[int, ...], start: int, skipped: int = 1) -> bytes:
    """Return the sectors from `start` on; `skipped` sectors (the header) lie before the first."""
    parts: list[bytes] = []
    at = start
    while at < DIFAT:
        if at >= len(table) or len(parts) > len(table):
            raise Unreadable("damaged", detail="xls: chain")
        parts.append(content[(at + skipped) * size : (at + skipped + 1) * size])
        at = table[at]
    return b"".join(parts)


def written(file: Container, changed: Mapping[int, bytes]) -> bytes:
    """Return the compound file with some streams replaced; names, order, ids and times of all entries stay."""
    size = 1 << struct.unpack_from("<H", file.header, 30)[0]
    entries = [bytearray(one) for one in file.entries]
    sectors: list[bytes] = []
    table: list[int] = []
    small = bytearray()
    minis: list[int] = []

    def put(content: bytes) -> int:
        """Add a stream to the sectors; return its first one."""
        if not content:
            return END
        start = len(sectors)
        count = -(-len(content) // size)
        for i in range(count):
            sectors.append(content[i * size : (i + 1) * size].ljust(size, b"\0"))
            table.append(start + i + 1 if i < count - 1 else END)
        return start

    for at, known in file.streams.items():
        content = changed.get(at, known)
        if content and len(content) < CUTOFF:
            start, count = len(minis), -(-len(content) // MINI)
            small += content.ljust(count * MINI, b"\0")
            minis += [start + i + 1 if i < count - 1 else END for i in range(count)]
        else:
            start = put(content)
        struct.pack_into("<IQ", entries[at], 116, start, len(content))
    struct.pack_into("<IQ", entries[0], 116, put(bytes(small)), len(small))
    mini_raw = struct.pack(f"<{len(minis)}I", *minis)
    first_mini = put(mini_raw + b"\xff" * (-len(mini_raw) % size))
    first = put(b"".join(entries).ljust(-(-len(entries) * ENTRY // size) * size, b"\0"))
    return _assembled(file.header, size, sectors, table, first, first_mini, -(-len(mini_raw) // size))


def _assembled(
    header: bytes, size: int, sectors: list[bytes], table: list[int], first: int, first_mini: int, minis: int
) -> bytes:
    """Return the file: header, sectors, the table of them and, for a large file, the table's own table."""
    each = size // 4
    fats = difats = 0
    while True:
        total = len(sectors) + fats + difats
        wanted = -(-total // each)
        further = max(0, -(-(wanted - IN_HEADER) // (each - 1)))
        if (wanted, further) == (fats, difats):
            break
        fats, difats = wanted, further
    at = len(sectors)
    places = list(range(at, at + fats))
    table = [*table, *[FAT] * fats, *[DIFAT] * difats]
    table += [FREE] * (fats * each - len(table))
    raw = struct.pack(f"<{len(table)}I", *table)
    beyond = places[IN_HEADER:]
    chained = b""
    for i in range(difats):
        part = beyond[i * (each - 1) : (i + 1) * (each - 1)]
        part += [FREE] * (each - 1 - len(part))
        chained += struct.pack(f"<{each}I", *part, at + fats + i + 1 if i < difats - 1 else END)
    head = bytearray(header)
    struct.pack_into("<I", head, 44, fats)
    struct.pack_into("<I", head, 48, first)
    struct.pack_into("<II", head, 60, first_mini, minis)
    struct.pack_into("<II", head, 68, at + fats if difats else END, difats)
    in_header = places[:IN_HEADER]
    struct.pack_into(f"<{IN_HEADER}I", head, 76, *in_header, *[FREE] * (IN_HEADER - len(in_header)))
    if size == 4096:
        chain, folder = first, 0
        while chain < DIFAT:
            chain, folder = table[chain], folder + 1
        struct.pack_into("<I", head, 40, folder)
    return bytes(head).ljust(size, b"\0") + b"".join(sectors) + raw + chained
