"""The cells of a workbook, streamed: .xlsx by our own reader in bounded memory, .xls, .xlsb and .ods by calamine.

A formula's saved result is its value; a formula without one is kept as its text. Neither is ever evaluated.
"""

import mmap
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from xml.parsers import expat

import python_calamine

from citybrain.base.exchange.reading.containers import copy_limited
from citybrain.base.exchange.reading.grid import Row, Span
from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.markup import elements, encoding_of
from citybrain.base.exchange.reading.report import Note, Unreadable
from citybrain.base.exchange.reading.workbook import (
    PIECE,
    Style,
    Texts,
    Workbook,
    as_number,
    local,
    open_workbook,
)

REFERENCE = re.compile(r"([A-Z]+)(\d+)")
MERGE = re.compile(r"([A-Z]+)(\d+):([A-Z]+)(\d+)")
HOLDS = re.compile(rb"<(?:[^\s<>/:]+:)?(?:v|t|f)[\s>]")
COLUMNS = 16_384
MOST_ROWS = 1_048_576  # of a sheet of Excel


@dataclass
class Opened:
    """A sheet ready to be streamed. `formulas` and `bare` (without a saved result) are full once `rows` is read."""

    name: str
    others: tuple[str, ...]
    spans: tuple[Span, ...]
    rows: Iterator[Row]
    counts: dict[str, int] = field(default_factory=lambda: {"formulas": 0, "bare": 0})

    def notes(self) -> list[Note]:
        """Return what a reader should know about the sheet, once its rows are read."""
        notes: list[Note] = []
        if self.others:
            params = {
                "count": len(self.others) + 1,
                "sheet": self.name,
                "others": "、".join(self.others)[:200],
            }
            notes.append(Note("sheets", params))
        if self.spans:
            notes.append(Note("merged", {"count": len(self.spans)}))
        if self.counts["formulas"]:
            notes.append(Note("formulas", {"count": self.counts["formulas"], "bare": self.counts["bare"]}))
        return notes


@cache
def column_index(letters: str) -> int:
    """Return the column, from 0, of letters like "AB"."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def open_sheet(path: Path, kind: str, work: Path, limits: Limits, wanted: str = "") -> Opened:
    """Return the sheet asked for, or the first one that shows and holds something."""
    if kind == "xlsx":
        return _open_xlsx(path, work, limits, wanted)
    return _open_calamine(path, limits, wanted)


def _open_xlsx(path: Path, work: Path, limits: Limits, wanted: str) -> Opened:
    book = open_workbook(path, limits)
    names = [sheet.name for sheet in book.sheets]
    if wanted and wanted not in names:
        raise Unreadable("sheet", sheet=wanted, sheets="、".join(names))
    shown = [sheet for sheet in book.sheets if not sheet.hidden] or list(book.sheets)
    candidates = [sheet for sheet in book.sheets if sheet.name == wanted] if wanted else shown
    texts = Texts(book, work, limits)
    for number, sheet in enumerate(candidates):
        raw = work / f"sheet-{number}.xml"
        if not sheet.part or not sheet.worksheet:
            continue
        with book.archive.open(sheet.part) as inner:
            copy_limited(inner, raw, book.archive.getinfo(sheet.part).compress_size, limits)
        _recode(raw)
        if _has_cells(raw) or sheet is candidates[-1]:
            others = tuple(name for name in names if name != sheet.name)
            counts = {"formulas": 0, "bare": 0}
            rows = _stream(raw, book, texts, counts, limits)
            return Opened(sheet.name, others, _spans(raw), rows, counts)
    raise Unreadable("no_rows")


def _recode(raw: Path) -> None:
    """Write a sheet of another encoding anew in UTF-8, which is how it is read from here on."""
    with raw.open("rb") as file:
        name = encoding_of(file.read(PIECE))
    if name == "utf-8":
        return
    out = raw.with_suffix(".utf8")
    try:
        with raw.open(encoding=name, newline="") as was, out.open("w", encoding="utf-8", newline="") as now:
            while piece := was.read(PIECE):
                now.write(piece)
    except (LookupError, UnicodeError) as bad:
        raise Unreadable("encoding", encoding=name, at=getattr(bad, "start", 0) + 1) from bad
    out.replace(raw)


def _has_cells(raw: Path) -> bool:
    if not raw.stat().st_size:
        return False
    with raw.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        return HOLDS.search(whole) is not None


def _spans(raw: Path) -> tuple[Span, ...]:
    """Return the merged cells, which stand after the rows."""
    with raw.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        tail = whole[max(whole.rfind(b"sheetData"), 0) :]
    told = (MERGE.fullmatch(one.attributes.get("ref", "")) for one in elements(tail, {"mergeCell"}))
    return tuple(
        (int(one[2]), column_index(one[1]), int(one[4]), column_index(one[3])) for one in told if one
    )


class _Cells:
    """Takes the events of a sheet's XML and makes rows of texts of them."""

    def __init__(self, book: Workbook, texts: Sequence[str], counts: dict[str, int], limits: Limits) -> None:
        self.book, self.texts, self.counts, self.limits = book, texts, counts, limits
        self.done: list[Row] = []
        self.row: list[str] = []
        self.number = 0
        self.column = -1
        self.kind, self.style = "", 0
        self.held: list[str] = []
        self.value: str | None = None
        self.formula: str | None = None
        self.taking = self.phonetic = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag if ":" not in tag else local(tag)
        if name == "c":
            self._start_cell(attributes)
        elif name in {"v", "t", "f"}:
            self.taking = not self.phonetic
            if name == "f":
                self.formula = ""
        elif name == "row":
            self.number = int(attributes.get("r") or self.number + 1)
            if self.number > MOST_ROWS:
                raise Unreadable("rows", limit=MOST_ROWS)
            self.row, self.column = [], -1
        elif name == "rPh":
            self.phonetic = True

    def _start_cell(self, attributes: dict[str, str]) -> None:
        reference = REFERENCE.match(attributes.get("r", ""))
        self.column = column_index(reference[1]) if reference else self.column + 1
        self.kind = attributes.get("t", "n")
        self.style = int(attributes.get("s", "0") or 0)
        self.value = self.formula = None
        self.held.clear()

    def text(self, value: str) -> None:
        if self.taking:
            self.held.append(value)

    def end(self, tag: str) -> None:
        name = tag if ":" not in tag else local(tag)
        if name == "v":
            self.value, self.taking = "".join(self.held), False
            self.held.clear()
        elif name == "t":
            self.taking = False
        elif name == "f":
            self.formula, self.taking = "".join(self.held), False
            self.held.clear()
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self.done.append((self.number, self.row))
        elif name == "rPh":
            self.phonetic = False

    def _end_cell(self) -> None:
        if self.kind == "inlineStr":
            self.value = "".join(self.held)
        shown = self._shown()
        if not shown:
            return
        if self.column >= COLUMNS:
            raise Unreadable("columns", count=self.column + 1, limit=COLUMNS)
        gap = self.column - len(self.row)
        if gap > 0:
            self.row.extend([""] * gap)
        self.row[self.column : self.column + 1] = [shown[: self.limits.cell_characters]]

    def _shown(self) -> str:
        if self.formula is not None:
            self.counts["formulas"] += 1
            if not self.value:
                self.counts["bare"] += 1
                return f"={self.formula}" if self.formula else ""
        value = self.value or ""
        if self.kind == "s":
            return self.texts[int(value)] if value.isdigit() and int(value) < len(self.texts) else ""
        if self.kind == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(value, value)
        if self.kind in {"n", ""} and value:
            styles = self.book.styles
            style = styles[self.style] if 0 <= self.style < len(styles) else Style()
            return as_number(value, style, from_1904=self.book.from_1904)
        return value


def _stream(
    raw: Path, book: Workbook, texts: Sequence[str], counts: dict[str, int], limits: Limits
) -> Iterator[Row]:
    """Yield the rows of a sheet's XML, a piece at a time."""
    cells = _Cells(book, texts, counts, limits)
    feed = _Feeder(cells)
    with raw.open("rb") as file:
        while piece := file.read(PIECE):
            feed.put(piece)
            yield from cells.done
            cells.done.clear()
        feed.finish()
    yield from cells.done
    raw.unlink()


class _Feeder:
    """Gives pieces of XML to expat one by one, so that rows can be taken out between them."""

    def __init__(self, cells: _Cells) -> None:
        self.error = expat.ExpatError
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = cells.start
        self.parser.EndElementHandler = cells.end
        self.parser.CharacterDataHandler = cells.text
        self.parser.StartDoctypeDeclHandler = self._refuse

    @staticmethod
    def _refuse(*_: Any) -> None:
        raise Unreadable("external")

    def put(self, piece: bytes, *, final: bool = False) -> None:
        try:
            self.parser.Parse(piece, final)
        except self.error as bad:
            raise Unreadable("damaged", detail=f"XML: {bad}") from bad

    def finish(self) -> None:
        self.put(b"", final=True)


def _refuse_too_large(path: Path, limits: Limits) -> None:
    """Raise Unreadable for a workbook that would be held in memory whole and is too large for that."""
    size = path.stat().st_size
    if size > limits.document_bytes:
        raise Unreadable("too_large", bytes=size, limit=limits.document_bytes)
    if zipfile.is_zipfile(path):  # it is held in memory whole, as large as it is unpacked
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(one.file_size for one in archive.infolist())
        if unpacked > limits.document_bytes:
            raise Unreadable("bomb", unpacked=unpacked, packed=size)


@contextmanager
def calamine() -> Iterator[None]:
    """Raise Unreadable for what calamine can't read, and where it gives up by a panic, which is no Exception."""
    try:
        yield
    except python_calamine.PasswordError as locked:
        raise Unreadable("encrypted") from locked
    except (python_calamine.CalamineError, OSError, ValueError) as bad:
        if isinstance(bad, Unreadable):
            raise
        raise Unreadable("damaged", detail=str(bad)[:200]) from bad
    except BaseException as bad:
        if type(bad).__name__ != "PanicException":
            raise
        raise Unreadable("damaged", detail=str(bad)[:200]) from bad


def _open_calamine(path: Path, limits: Limits, wanted: str) -> Opened:
    _refuse_too_large(path, limits)
    with calamine():
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
        if wanted and wanted not in names:
            raise Unreadable("sheet", sheet=wanted, sheets="、".join(names))
        hidden = {
            meta.name
            for meta in book.sheets_metadata
            if meta.visible != python_calamine.SheetVisibleEnum.Visible
        }
        candidates = [wanted] if wanted else [name for name in names if name not in hidden] or names
        for name in candidates:
            sheet = book.get_sheet_by_name(name)
            if sheet.height or name == candidates[-1]:
                spans = _calamine_spans(sheet)
                return Opened(name, tuple(one for one in names if one != name), spans, _calamine_rows(sheet))
    raise Unreadable("no_rows")


def _calamine_spans(sheet: Any) -> tuple[Span, ...]:
    found = sheet.merged_cell_ranges or []
    return tuple((top + 1, left, bottom + 1, right) for (top, left), (bottom, right) in found)


def _calamine_rows(sheet: Any) -> Iterator[Row]:
    with calamine():
        rows = sheet.to_python(skip_empty_area=False)
    for number, cells in enumerate(rows, start=1):
        yield number, [shown(cell) for cell in cells]


def shown(cell: Any) -> str:
    """Return a cell's value as text."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int | float):
        return as_number(repr(cell), Style(), from_1904=False)
    if isinstance(cell, datetime):
        plain = cell.hour == cell.minute == cell.second == 0
        return cell.date().isoformat() if plain else cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)
