"""Cells of an .xlsx filled in place.

Only the cells named are written anew, with the style they had; all other bytes of the sheet, and all other parts
of the file, stay as they came: formulas, merged cells, validation lists, print areas, hidden sheets, drawings,
signatures of the maker. Formulas are worked out again when the file is opened. Nothing is evaluated here.
Source: ECMA-376, part 1, 18.3.1.4 (c), 18.3.1.73 (row), 18.2.2 (calcPr).
"""

import re
import zipfile
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape

from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.report import Unreadable
from citybrain.base.exchange.reading.sheets import column_index
from citybrain.base.exchange.reading.workbook import local, open_workbook

Value = str | int | float | Decimal | bool | date | datetime | None
REFERENCE: Final = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
TAG: Final = re.compile(rb"""(?:[^"'>]|"[^"]*"|'[^']*')*>""")  # from a tag's beginning to its end
UNWANTED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
CALC: Final = re.compile(rb"<((?:\w+:)?)calcPr\b[^>]*?/?>")
MERGED_ROWS: Final = 100_000
EPOCH: Final = date(1899, 12, 30)
EPOCH_1904: Final = date(1904, 1, 1)


class NoCell(ValueError):
    """A cell that can't be written: its reference is none, or it lies inside a merged one."""


class CellProtected(ValueError):
    """A cell that holds a formula; what it shows is worked out and never overwritten."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell or row stands in the sheet's bytes: [start, end), and the end of its start tag."""

    start: int
    end: int
    tag_end: int
    style: str | None = None
    formula: bool = False
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    """The file, and how many cells were written."""

    content: bytes
    cells: int


def fill(path: Path, sheet: str, values: Mapping[str, Value], limits: Limits | None = None) -> Filled:
    """Return an .xlsx with cells of one sheet filled, by reference ("C5"). None empties a cell but keeps its style.

    Raises NoCell, CellProtected (with the cell's reference), Unreadable for a damaged file.
    """
    wanted = {reference: value for reference, value in values.items() if _checked(reference)}
    limits = limits or Limits()
    book = open_workbook(path, limits)
    with book.archive as archive:
        bounded(archive, limits)
        named = next((one.part.lower() for one in book.sheets if one.name == sheet), None)
        if named is None:
            raise NoCell(sheet)
        part = next((one for one in archive.namelist() if one.lower() == named), None)
        if part is None:
            raise Unreadable("damaged", detail=f"xlsx: {named}")
        written = write(archive.read(part), wanted, from_1904=book.from_1904)
        out = BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for info in archive.infolist():
                if info.filename == part:
                    packed.writestr(info, written)
                elif info.filename.lower() == "xl/workbook.xml":
                    packed.writestr(info, calculated(archive.read(info)))
                else:
                    packed.writestr(info, archive.read(info))
    return Filled(out.getvalue(), len(wanted))


def bounded(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Raise Unreadable for a file that unpacks to more than a document may; it is held in memory whole."""
    unpacked = sum(one.file_size for one in archive.infolist())
    if unpacked > limits.document_bytes:
        raise Unreadable(
            "bomb", unpacked=unpacked, packed=sum(one.compress_size for one in archive.infolist())
        )


def _checked(reference: str) -> bool:
    found = REFERENCE.fullmatch(reference)
    if found is None or column_index(found[1]) >= 16_384 or int(found[2]) > 1_048_576:
        raise NoCell(reference)
    return True


def write(xml: bytes, values: Mapping[str, Value], *, from_1904: bool = False) -> bytes:
    """Return a sheet's XML with cells written; what is not named stays, byte for byte. Raises as `fill` does."""
    return put(Sheet(xml), values, from_1904=from_1904)


def put(sheet: "Sheet", values: Mapping[str, Value], *, from_1904: bool = False) -> bytes:
    """Return the XML of a sheet that was read, with cells written. Raises NoCell and CellProtected."""
    inside = [one for one in values if sheet.covered(one)]
    if inside:
        raise NoCell(inside[0])
    edits: list[tuple[int, int, bytes]] = []
    missing: dict[int, list[tuple[int, str]]] = {}
    for reference, value in values.items():
        place = sheet.cells.get(reference)
        if place is None:
            letters, row = _split(reference)
            missing.setdefault(row, []).append((column_index(letters), reference))
        elif place.formula:
            raise CellProtected(reference)
        else:
            edits.append((place.start, place.end, sheet.cell(reference, value, place.style, from_1904)))
    for row, cells in sorted(missing.items()):
        edits.extend(sheet.added(row, sorted(cells), values, from_1904))
    return _spliced(sheet.xml, edits)


def _spliced(xml: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    parts, at = [], 0
    for start, end, new in sorted(edits, key=lambda one: one[:2]):
        parts += [xml[at:start], new]
        at = end
    return b"".join([*parts, xml[at:]])


def _split(reference: str) -> tuple[str, int]:
    found = REFERENCE.fullmatch(reference)
    if found is None:
        raise NoCell(reference)
    return found[1], int(found[2])


def calculated(xml: bytes) -> bytes:
    """Return workbook.xml with the wish that formulas are worked out when the file is opened."""
    found = CALC.search(xml)
    if found is None:
        return xml
    tag = re.sub(rb'\sfullCalcOnLoad="[^"]*"', b"", found[0])
    end = b"/>" if tag.endswith(b"/>") else b">"
    return xml[: found.start()] + tag.removesuffix(end) + b' fullCalcOnLoad="1"' + end + xml[found.end() :]


class Sheet:
    """Where rows and cells stand in a sheet's XML, found in one pass."""

    def __init__(self, xml: bytes) -> None:
        self.xml = xml
        self.prefix = ""
        self.cells: dict[str, Place] = {}
        self.rows: dict[int, Place] = {}
        self.columns: dict[int, list[tuple[int, int]]] = {}
        self.styles: dict[int, str] = {}
        self.row_styles: dict[int, str] = {}
        self.merged: list[tuple[int, int, int, int]] = []
        self.data: Place | None = None
        self._read()
        self.numbers = sorted(self.rows)
        self.merges: dict[int, list[tuple[int, int, int]]] = {}
        for top, left, bottom, right in self.merged:
            for row in range(top, min(bottom, top + MERGED_ROWS) + 1):
                self.merges.setdefault(row, []).append((left, right, top))

    def _read(self) -> None:
        if self.xml[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise Unreadable("encoding", encoding="UTF-16", at=1)
        parser = expat.ParserCreate(namespace_separator=None)
        state = _State(self, parser)
        parser.StartElementHandler, parser.EndElementHandler = state.start, state.end
        parser.StartDoctypeDeclHandler = _no_entities
        try:
            parser.Parse(self.xml, True)
        except expat.ExpatError as bad:
            raise Unreadable("damaged", detail=f"XML: {bad}") from bad

    def covered(self, reference: str) -> bool:
        """Return whether a cell lies inside a merged one and is not its first."""
        letters, row = _split(reference)
        column = column_index(letters)
        return any(
            left <= column <= right and (row, column) != (top, left)
            for left, right, top in self.merges.get(row, ())
        )

    def style_of(self, row: int, column: int) -> str | None:
        """Return the style of a cell that isn't there: its row's, else its column's."""
        return self.row_styles.get(row, self.styles.get(column))

    def cell(self, reference: str, value: Value, style: str | None, from_1904: bool) -> bytes:
        """Return a cell's XML."""
        tag = f"{self.prefix}c"
        head = f'<{tag} r="{reference}"' + (f' s="{style}"' if style is not None else "")
        kind, content = _content(value, self.prefix, from_1904)
        if content is None:
            return f"{head}/>".encode()
        return f"{head}{kind}>{content}</{tag}>".encode()

    def added(
        self, row: int, cells: Sequence[tuple[int, str]], values: Mapping[str, Value], from_1904: bool
    ) -> list[tuple[int, int, bytes]]:
        """Return the edits that put cells into a row that lacks them, in the order of columns."""
        made = [
            (
                column,
                self.cell(one, values[one], self.style_of(row, column), from_1904),
            )
            for column, one in cells
        ]
        place = self.rows.get(row)
        if place is None:
            return [self._row(row, b"".join(xml for _, xml in made))]
        if place.empty:
            start = self.xml[place.start : place.end].removesuffix(b"/>")
            whole = start + b">" + b"".join(xml for _, xml in made) + f"</{self.prefix}row>".encode()
            return [(place.start, place.end, whole)]
        there = sorted(self.columns.get(row, []))
        end = self.xml.rindex(b"<", place.start, place.end)
        edits: dict[int, list[bytes]] = {}
        for column, xml in made:
            at = next((start for known, start in there if known > column), end)
            edits.setdefault(at, []).append(xml)
        return [(at, at, b"".join(xmls)) for at, xmls in edits.items()]

    def _row(self, row: int, cells: bytes) -> tuple[int, int, bytes]:
        if self.data is None:
            raise NoCell(f"row {row}")
        tag = f"{self.prefix}row"
        made = f'<{tag} r="{row}">'.encode() + cells + f"</{tag}>".encode()
        if self.data.empty:
            start = self.xml[self.data.start : self.data.end].removesuffix(b"/>")
            return self.data.start, self.data.end, start + b">" + made + f"</{self.prefix}sheetData>".encode()
        later = bisect_right(self.numbers, row)
        if later < len(self.numbers):
            at = self.rows[self.numbers[later]].start
        else:
            at = self.xml.rindex(b"<", self.data.start, self.data.end)
        return at, at, made


def _no_entities(*_: object) -> None:
    raise Unreadable("external")


class _State:
    """What is known while a sheet is read: the row and cell we are in."""

    def __init__(self, sheet: Sheet, parser: expat.XMLParserType) -> None:
        self.sheet, self.parser = sheet, parser
        self.row = self.column = 0
        self.open: list[tuple[str, int, int, dict[str, str]]] = []
        self.formula = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local(tag)
        if name == "worksheet":
            self.sheet.prefix = tag.removesuffix("worksheet")
        elif name in {"sheetData", "row", "c"}:
            self._opened(name, attributes)
        elif name == "f":
            self.formula = True
        elif name == "mergeCell":
            self._merged(attributes.get("ref", ""))
        elif name == "col" and "style" in attributes:
            for column in range(int(attributes["min"]) - 1, min(int(attributes["max"]), 16_384)):
                self.sheet.styles[column] = attributes["style"]

    def _opened(self, name: str, attributes: dict[str, str]) -> None:
        at = self.parser.CurrentByteIndex
        if name == "row":
            self.row, self.column = int(attributes.get("r", self.row + 1)), 0
            if attributes.get("customFormat") in {"1", "true"} and "s" in attributes:
                self.sheet.row_styles[self.row] = attributes["s"]
        elif name == "c":
            self.formula = False
            if "r" in attributes:
                self.column = column_index(_split(attributes["r"])[0])
        self.open.append((name, at, self._tag_end(at), attributes))

    def _tag_end(self, at: int) -> int:
        found = TAG.match(self.sheet.xml, at)
        return found.end() if found else len(self.sheet.xml)

    def end(self, tag: str) -> None:
        name = local(tag)
        if name not in {"sheetData", "row", "c"}:
            return
        _, start, tag_end, attributes = self.open.pop()
        empty = self.sheet.xml[tag_end - 2 : tag_end] == b"/>"
        end = tag_end if empty else self.sheet.xml.index(b">", self.parser.CurrentByteIndex) + 1
        place = Place(start, end, tag_end, attributes.get("s"), self.formula, empty)
        if name == "sheetData":
            self.sheet.data = place
        elif name == "row":
            self.sheet.rows[self.row] = place
        else:
            reference = attributes.get("r") or f"{letters_of(self.column)}{self.row}"
            self.sheet.cells[reference] = place
            self.sheet.columns.setdefault(self.row, []).append((self.column, start))
            self.column += 1

    def _merged(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        (left, top), (right, bottom) = _split(first), _split(last or first)
        self.sheet.merged.append((top, column_index(left), bottom, column_index(right)))


def letters_of(column: int) -> str:
    """Return the letters of a column counted from 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _content(value: Value, prefix: str, from_1904: bool) -> tuple[str, str | None]:
    """Return (type attribute, inner XML) of a value; None for nothing."""
    if value is None or value == "":
        return "", None
    if isinstance(value, bool):
        return ' t="b"', f"<{prefix}v>{int(value)}</{prefix}v>"
    if isinstance(value, date):
        return "", f"<{prefix}v>{serial(value, from_1904)}</{prefix}v>"
    if isinstance(value, int | float | Decimal):
        return "", f"<{prefix}v>{value}</{prefix}v>"
    text = escape(UNWANTED.sub("", value).replace("\r\n", "\n").replace("\r", "\n"))
    return ' t="inlineStr"', f'<{prefix}is><{prefix}t xml:space="preserve">{text}</{prefix}t></{prefix}is>'


def serial(value: date, from_1904: bool) -> str:
    """Return a date or time as Excel counts it: days since its first day."""
    first = EPOCH_1904 if from_1904 else EPOCH
    if not isinstance(value, datetime):
        return str((value - first).days)
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    return f"{(value.date() - first).days + seconds / 86_400:.10g}"
