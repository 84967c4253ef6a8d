"""The records of a workbook's stream: which there are, the sheets they make, the texts they share.

Source: [MS-XLS] 2.1 (file structure), 2.4 (records), 2.5.293 (XLUnicodeRichExtendedString).
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.report import Unreadable
from citybrain.hub.forms.book.table import NotTaken
from citybrain.hub.forms.book.values import Shows, shows_as
from citybrain.hub.forms.book.xls import container
from citybrain.hub.forms.book.xls.container import Container

BOF, EOF, CONTINUE, FILEPASS = 0x0809, 0x000A, 0x003C, 0x002F
BOUNDSHEET, SST, EXTSST, XF, FORMAT, DATE1904, RECALCID = (
    0x0085,
    0x00FC,
    0x00FF,
    0x00E0,
    0x041E,
    0x0022,
    0x01C1,
)
SUPBOOK, EXTERNSHEET, NAME, PROTECT = 0x01AE, 0x0017, 0x0018, 0x0012
VERSION: Final = 0x0600
LARGEST: Final = 8224


class Record(NamedTuple):
    """A record: its number and its data, without the four bytes before it."""

    op: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Tab:
    """A sheet as the workbook lists it; `at` is where its records begin."""

    name: str
    hidden: bool
    worksheet: bool
    at: int


def records(raw: bytes, at: int = 0) -> Iterator[Record]:
    """Yield the records of a stream; zeros after the last are no records. Raises Unreadable for a cut one."""
    end = len(raw)
    while at + 4 <= end:
        op, size = struct.unpack_from("<HH", raw, at)
        if not op and not size:
            return
        if at + 4 + size > end:
            raise Unreadable("damaged", detail="xls: record")
        yield Record(op, raw[at + 4 : at + 4 + size])
        at += 4 + size


def joined(told: Iterable[Record]) -> bytes:
    """Return records as bytes."""
    return b"".join(struct.pack("<HH", one.op, len(one.data)) + one.data for one in told)


def text_at(data: bytes, at: int, count: int) -> tuple[str, int]:
    """Return (text, where it ends) of `count` letters behind their flags."""
    wide = data[at] & 1
    end = at + 1 + count * (2 if wide else 1)
    return data[at + 1 : end].decode("utf-16-le" if wide else "latin-1", "replace"), end


class Book:
    """An opened .xls. `parts` are the bytes of each sheet, in the order of the stream; `main` the records before."""

    def __init__(self, path: Path, limits: Limits) -> None:
        size = path.stat().st_size
        if size > limits.document_bytes:
            raise Unreadable("too_large", bytes=size, limit=limits.document_bytes)
        self.file: Container = container.read(path.read_bytes())
        at = self.file.find("Workbook")
        if at is None:
            raise (
                NotTaken("old") if self.file.find("Book") is not None else Unreadable("damaged", detail="xls")
            )
        self.at = at
        raw = self.file.streams[at]
        self.main = list(self._main(raw))
        self.tabs = [self._tab(one.data) for one in self.main if one.op == BOUNDSHEET]
        starts = sorted(one.at for one in self.tabs)
        if not starts or starts[-1] >= len(raw):
            raise Unreadable("damaged", detail="xls: sheets")
        ends = [*starts[1:], len(raw)]
        self.parts = {start: raw[start:end] for start, end in zip(starts, ends, strict=True)}
        self.from_1904 = any(one.op == DATE1904 and one.data[:1] == b"\1" for one in self.main)
        self.formats = self._formats()

    @staticmethod
    def _main(raw: bytes) -> Iterator[Record]:
        for number, one in enumerate(records(raw)):
            if not number and (one.op != BOF or struct.unpack_from("<H", one.data)[0] != VERSION):
                raise NotTaken("old")
            if one.op == FILEPASS:
                raise Unreadable("encrypted")
            yield one
            if one.op == EOF:
                return

    @staticmethod
    def _tab(data: bytes) -> Tab:
        at, state, kind, count = struct.unpack_from("<IBBB", data)
        return Tab(text_at(data, 7, count)[0], state & 3 != 0, kind == 0, at)

    def _formats(self) -> list[Shows]:
        codes: dict[int, str] = {}
        styles: list[int] = []
        for one in self.main:
            if one.op == FORMAT:
                number, count = struct.unpack_from("<HH", one.data)
                codes[number] = text_at(one.data, 4, count)[0]
            elif one.op == XF:
                styles.append(struct.unpack_from("<H", one.data, 2)[0])
        return [shows_as(one, codes.get(one, "")) for one in styles]

    def shows(self, style: int) -> Shows:
        """Return how cells of a style show what they hold."""
        return self.formats[style] if style < len(self.formats) else Shows.GENERAL

    def tab(self, name: str) -> Tab:
        """Return a sheet by name. Raises NotTaken where there is none."""
        found = next((one for one in self.tabs if one.name == name and one.worksheet), None)
        if found is None:
            raise NotTaken("sheet", sheet=name, sheets="、".join(one.name for one in self.tabs))
        return found

    def written(self, parts: dict[int, bytes], texts: Sequence[str], uses: int) -> bytes:
        """Return the file with some sheets changed (by where they began) and texts added to the shared ones."""
        main = list(self.main)
        if uses:
            main = with_texts(main, texts, uses)
        main = [Record(one.op, b"\xc1\x01\0\0\0\0\0\0") if one.op == RECALCID else one for one in main]
        at = len(joined(main))
        places: dict[int, int] = {}
        whole: list[bytes] = []
        for start, known in self.parts.items():
            places[start] = at
            whole.append(parts.get(start, known))
            at += len(whole[-1])
        main = [
            Record(one.op, struct.pack("<I", places[struct.unpack_from("<I", one.data)[0]]) + one.data[4:])
            if one.op == BOUNDSHEET
            else one
            for one in main
        ]
        stream = joined(main) + b"".join(whole)
        if len(stream) < container.CUTOFF:
            stream = stream.ljust(container.CUTOFF, b"\0")
        return container.written(self.file, {self.at: stream})

    def shared(self) -> int:
        """Return how many texts the sheets share."""
        told = next((one.data for one in self.main if one.op == SST), b"")
        return int(struct.unpack_from("<I", told, 4)[0]) if told else 0


def with_texts(main: Sequence[Record], texts: Sequence[str], uses: int) -> list[Record]:
    """Return the workbook's records with texts added behind those the sheets share, used `uses` times."""
    told = list(main)
    at = next((i for i, one in enumerate(told) if one.op == SST), None)
    if at is None:
        at = next(i for i, one in enumerate(told) if one.op == EOF)
        told.insert(at, Record(SST, struct.pack("<II", 0, 0)))
    total, unique = struct.unpack_from("<II", told[at].data)
    counts = struct.pack("<II", total + uses, unique + len(texts))
    told[at] = Record(SST, counts + told[at].data[8:])
    end = at + 1
    while told[end].op == CONTINUE:
        end += 1
    parts, places = _packed(texts)
    starts: list[int] = []
    position = len(joined(told[:end]))
    for part in parts:
        starts.append(position)
        position += 4 + len(part)
    more = [Record(CONTINUE, part) for part in parts]
    if told[end].op == EXTSST:
        located = [(starts[part] + 4 + inside, 4 + inside) for part, inside in places]
        index = _indexed(told[end].data, unique, located)
        return [*told[:end], *more, *([Record(EXTSST, index)] if index else []), *told[end + 1 :]]
    return [*told[:end], *more, *told[end:]]


def _packed(texts: Sequence[str]) -> tuple[list[bytes], list[tuple[int, int]]]:
    """Return (records' data, for each text the record and place where it begins)."""
    parts: list[bytearray] = [bytearray()]
    places: list[tuple[int, int]] = []
    for text in texts:
        raw = text.encode("utf-16-le", "surrogatepass")
        if len(parts[-1]) + 5 > LARGEST:
            parts.append(bytearray())
        places.append((len(parts) - 1, len(parts[-1])))
        parts[-1] += struct.pack("<HB", len(raw) // 2, 1)
        while raw:
            room = (LARGEST - len(parts[-1])) // 2 * 2
            if not room:
                parts.append(bytearray(b"\1"))
                continue
            parts[-1] += raw[:room]
            raw = raw[room:]
    return [bytes(one) for one in parts if one], places


def _indexed(data: bytes, unique: int, located: Sequence[tuple[int, int]]) -> bytes:
    """Return the index of the shared texts with the new ones; nothing where it would grow too large."""
    each = struct.unpack_from("<H", data)[0] or 8
    more = b"".join(
        struct.pack("<IHH", at, inside, 0)
        for number, (at, inside) in enumerate(located, start=unique)
        if number % each == 0
    )
    return data + more if len(data) + len(more) <= LARGEST else b""
