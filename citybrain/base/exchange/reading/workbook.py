"""The parts of an .xlsx beside its cells: sheets, styles that mean dates, shared texts. Nothing is evaluated."""

import mmap
import re
import zipfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.parsers import expat

from citybrain.base.exchange.reading.containers import copy_limited
from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.parts import Link, Parts, beside
from citybrain.base.exchange.reading.report import Unreadable

DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
NOT_A_DATE = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.|General', re.IGNORECASE)
PIECE = 1 << 18


@dataclass(frozen=True)
class Sheet:
    """A sheet by name, in the part `part` ("" where the file lacks it); `hidden` ones are read only when asked for.

    One of charts or dialogues alone has no cells: it is no `worksheet`.
    """

    name: str
    part: str
    hidden: bool
    worksheet: bool = True


@dataclass(frozen=True)
class Style:
    """What a number format says: a date, or so many digits with leading zeros."""

    date: bool = False
    zeros: int = 0


@dataclass
class Workbook:
    """An opened .xlsx. `main` is the part that lists the sheets, `links` what it points to."""

    archive: zipfile.ZipFile
    sheets: tuple[Sheet, ...]
    styles: tuple[Style, ...]
    from_1904: bool
    main: str
    links: tuple[Link, ...]

    def beside(self, kind: str) -> str:
        """Return the part of a kind that belongs to the whole workbook ("styles"), empty where there is none."""
        told = next((one.part for one in self.links if one.kind == kind and one.part), "")
        return told or Parts(self.archive).named(beside(self.main, f"{kind}.xml"))


def parse(pieces: Iterator[bytes], start: Any, end: Any = None, text: Any = None) -> None:
    """Run expat over pieces. Raises Unreadable for broken XML and for entities that reach outside."""
    parser = expat.ParserCreate(namespace_separator=None)
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text

    def refuse(*_: Any) -> None:
        raise Unreadable("external")

    parser.StartDoctypeDeclHandler = refuse
    try:
        fed = False
        for piece in pieces:
            parser.Parse(piece, False)
            fed = True
        if fed:
            parser.Parse(b"", True)
    except expat.ExpatError as bad:
        raise Unreadable("damaged", detail=f"XML: {bad}") from bad


def _part(archive: zipfile.ZipFile, name: str, limits: Limits) -> Iterator[bytes]:
    """Yield the pieces of a small part; nothing for no name."""
    if not name:
        return
    done = 0
    with archive.open(name) as part:
        while piece := part.read(PIECE):
            done += len(piece)
            if done > limits.document_bytes:
                raise Unreadable("bomb", unpacked=done, packed=archive.getinfo(name).compress_size)
            yield piece


def local(tag: str) -> str:
    """Return a tag without its prefix."""
    return tag.rpartition(":")[2]


def open_workbook(path: Path, limits: Limits) -> Workbook:
    """Return the workbook's parts. Raises Unreadable for a damaged one."""
    try:
        archive = zipfile.ZipFile(path)
        parts = Parts(archive)
        main = parts.main()
        links = parts.links(main)
        sheets: list[Sheet] = []
        flags: dict[str, bool] = {"date1904": False}
        targets = {one.id: one for one in links}

        def start(tag: str, attributes: dict[str, str]) -> None:
            if local(tag) == "sheet":
                where = next((value for key, value in attributes.items() if local(key) == "id"), "")
                hidden = attributes.get("state", "visible") != "visible"
                link = targets.get(where)
                name, worksheet = attributes.get("name", ""), link is not None and link.kind == "worksheet"
                sheets.append(Sheet(name, link.part if link else "", hidden, worksheet))
            elif local(tag) == "workbookPr":
                flags["date1904"] = attributes.get("date1904", "0") in {"1", "true"}

        parse(_part(archive, main, limits), start)
        book = Workbook(archive, tuple(sheets), (), flags["date1904"], main, links)
        return replace(book, styles=_styles(archive, book.beside("styles"), limits))
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError) as bad:
        raise Unreadable("damaged", detail=f"xlsx: {bad}") from bad


def _styles(archive: zipfile.ZipFile, part: str, limits: Limits) -> tuple[Style, ...]:
    formats: dict[int, str] = {}
    cells: list[int] = []
    inside = [False]

    def start(tag: str, attributes: dict[str, str]) -> None:
        name = local(tag)
        if name == "numFmt":
            with suppress(ValueError):
                formats[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            inside[0] = True
        elif name == "xf" and inside[0]:
            cells.append(int(attributes.get("numFmtId", "0") or 0))

    def end(tag: str) -> None:
        if local(tag) == "cellXfs":
            inside[0] = False

    pieces = list(_part(archive, part, limits))
    if pieces:
        parse(iter(pieces), start, end)
    return tuple(_style(number, formats.get(number, "")) for number in cells)


def _style(number: int, code: str) -> Style:
    if number in DATE_FORMATS and not code:
        return Style(date=True)
    bare = NOT_A_DATE.sub("", code.split(";")[0])
    if any(letter in bare.lower() for letter in "ydhs") or (bare and set(bare.lower()) <= set("m/-.: ")):
        return Style(date=True)
    return Style(zeros=len(bare) if bare and set(bare) == {"0"} else 0)


def as_date(value: float, *, from_1904: bool) -> str:
    """Return a serial day as ISO text: a date, a date with time, or a time where the day is 0.

    Excel counts a 29 February 1900 that never was, so days before March 1900 are one off.
    """
    if value < 0 or value >= 2_958_466:
        return f"{value:.15g}"
    days, seconds = divmod(round(value * 86_400), 86_400)
    time = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if days == 0 and seconds:
        return time
    first = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 31 if days < 60 else 30)  # noqa: DTZ001
    day = (first + timedelta(days=days)).date().isoformat()
    return f"{day} {time}" if seconds else day


def as_number(text: str, style: Style, *, from_1904: bool) -> str:
    """Return a number's text as Excel shows it to 15 digits; a longer one in the form that tells its loss."""
    try:
        value = float(text)
    except ValueError:
        return text
    if style.date:
        return as_date(value, from_1904=from_1904)
    if value != value or value in (float("inf"), float("-inf")):
        return text
    if abs(value) >= 1e15:
        return f"{value:.14E}"
    shown = str(int(value)) if value == int(value) else _plain(value)
    return shown.zfill(style.zeros) if style.zeros else shown


def _plain(value: float) -> str:
    """Return a fraction in 15 digits without an exponent where that stays short."""
    shown = f"{value:.15g}"
    if "e" in shown and abs(value) > 1e-12:
        return f"{value:.20f}".rstrip("0")
    return shown


class Texts(Sequence[str]):
    """The shared texts of a workbook: on disk with their places in memory, however many they are."""

    def __init__(self, workbook: Workbook, work: Path, limits: Limits) -> None:
        self.ends = array("Q", [0])
        self.map: mmap.mmap | None = None
        part = workbook.beside("sharedStrings")
        if not part:
            return
        raw = work / "texts.xml"
        with workbook.archive.open(part) as inner:
            copy_limited(inner, raw, workbook.archive.getinfo(part).compress_size, limits)
        path = work / "texts.bin"
        self._gather(raw, path)
        raw.unlink()
        if self.ends[-1]:
            with path.open("rb") as file:
                self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def _gather(self, raw: Path, path: Path) -> None:
        held: list[str] = []
        state = {"text": False, "phonetic": False, "at": 0}
        with path.open("wb") as out:

            def start(tag: str, _: dict[str, str]) -> None:
                name = local(tag)
                state["phonetic"] = state["phonetic"] or name == "rPh"
                state["text"] = name == "t" and not state["phonetic"]

            def end(tag: str) -> None:
                name = local(tag)
                state["text"] = False
                if name == "rPh":
                    state["phonetic"] = False
                elif name == "si":
                    state["at"] += out.write("".join(held).encode())
                    self.ends.append(state["at"])
                    held.clear()

            def text(value: str) -> None:
                if state["text"]:
                    held.append(value)

            with raw.open("rb") as file:
                parse(iter(lambda: file.read(PIECE), b""), start, end, text)

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, at: Any) -> Any:
        if not 0 <= at < len(self):
            raise IndexError(at)
        begin, end = self.ends[at], self.ends[at + 1]
        return self.map[begin:end].decode() if self.map is not None and end > begin else ""
