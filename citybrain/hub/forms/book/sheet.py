"""Where rows and cells stand in the XML of an .xlsx's sheet, and how a cell is written.

Source: ECMA-376, part 1, 18.3.1.4 (c), 18.3.1.73 (row), 18.3.1.80 (sheetData).
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from xml.parsers import expat

from citybrain.base.exchange.reading.markup import Edit, attributes_at, escaped, quoted, tag_at
from citybrain.base.exchange.reading.report import Unreadable
from citybrain.base.exchange.reading.sheets import column_index
from citybrain.base.exchange.reading.workbook import local

Value = str | int | float | Decimal | bool | date | datetime | None
REFERENCE: Final = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
UNWANTED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
MERGED_ROWS: Final = 100_000
EPOCH: Final = date(1899, 12, 30)
EPOCH_1904: Final = date(1904, 1, 1)


class NoCell(ValueError):
    """A cell that can't be written: its reference is none, or it lies inside a merged one."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell, a row or all rows stand in the sheet's bytes: [start, end).

    Its start tag ends at `tag_end`, its end tag begins at `text_end`, which is `end` where it has none.
    """

    start: int
    end: int
    tag_end: int
    text_end: int
    style: str | None = None
    formula: bool = False
    empty: bool = False


def split(reference: str) -> tuple[str, int]:
    found = REFERENCE.fullmatch(reference)
    if found is None:
        raise NoCell(reference)
    return found[1], int(found[2])


class Sheet:
    """Where rows and cells stand in a sheet's XML (UTF-8, whatever it declares), found in one pass.

    Raises Unreadable for broken XML.
    """

    def __init__(self, xml: bytes) -> None:
        self.xml = xml
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
        parser = expat.ParserCreate("utf-8")
        state = _State(self, parser)
        parser.StartElementHandler, parser.EndElementHandler = state.start, state.end
        parser.StartDoctypeDeclHandler = _no_entities
        try:
            parser.Parse(self.xml, True)
        except expat.ExpatError as bad:
            raise Unreadable("damaged", detail=f"XML: {bad}") from bad

    def covered(self, reference: str) -> bool:
        """Return whether a cell lies inside a merged one and is not its first."""
        letters, row = split(reference)
        column = column_index(letters)
        return any(
            left <= column <= right and (row, column) != (top, left)
            for left, right, top in self.merges.get(row, ())
        )

    def style_of(self, row: int, column: int) -> str | None:
        """Return the style of a cell that isn't there: its row's, else its column's."""
        return self.row_styles.get(row, self.styles.get(column))

    def prefix_in(self, row: int) -> str:
        """Return the prefix of what stands in a row, with its colon; that of a new one where the row isn't there."""
        place = self.rows.get(row) or self.data
        return tag_at(self.xml, place.start)[0] if place else ""

    def rewritten(self, reference: str, value: Value, from_1904: bool) -> Edit:
        """Return the edit that gives a cell another value; its style and what its tag declares stay."""
        place = self.cells[reference]
        prefix, _ = tag_at(self.xml, place.start)
        declared = ""
        if self.xml.find(b"xmlns", place.start, place.tag_end) >= 0:
            known = attributes_at(self.xml, place.start, place.tag_end)
            declared = "".join(
                f" {name}={quoted(told).decode()}" for name, told, _, _ in known if name.startswith("xmlns")
            )
        made = cell(reference, value, place.style, prefix, declared, from_1904=from_1904)
        return place.start, place.end, made

    def added(
        self, row: int, cells: Sequence[tuple[int, str]], values: Mapping[str, Value], from_1904: bool
    ) -> list[Edit]:
        """Return the edits that put cells into a row that lacks them, in the order of columns."""
        prefix = self.prefix_in(row)
        made = [
            (column, cell(one, values[one], self.style_of(row, column), prefix, from_1904=from_1904))
            for column, one in cells
        ]
        place = self.rows.get(row)
        if place is None:
            return [self._row(row, b"".join(xml for _, xml in made))]
        if place.empty:
            return [self._opened(place, "row", b"".join(xml for _, xml in made))]
        there = sorted(self.columns.get(row, []))
        edits: dict[int, list[bytes]] = {}
        for column, xml in made:
            at = next((start for known, start in there if known > column), place.text_end)
            edits.setdefault(at, []).append(xml)
        return [(at, at, b"".join(xmls)) for at, xmls in edits.items()]

    def _opened(self, place: Place, name: str, inside: bytes) -> Edit:
        """Return the edit that puts something into what is told as an empty tag."""
        close = f"</{tag_at(self.xml, place.start)[0]}{name}>".encode()
        return place.end - 2, place.end, b">" + inside + close

    def _row(self, row: int, cells: bytes) -> Edit:
        if self.data is None:
            raise NoCell(f"row {row}")
        tag = f"{self.prefix_in(row)}row"
        made = f'<{tag} r="{row}">'.encode() + cells + f"</{tag}>".encode()
        if self.data.empty:
            return self._opened(self.data, "sheetData", made)
        later = bisect_right(self.numbers, row)
        at = self.rows[self.numbers[later]].start if later < len(self.numbers) else self.data.text_end
        return at, at, made


def cell(
    reference: str, value: Value, style: str | None, prefix: str, declared: str = "", *, from_1904: bool
) -> bytes:
    """Return a cell's XML."""
    head = f'<{prefix}c{declared} r="{reference}"' + (f' s="{style}"' if style is not None else "")
    kind, content = _content(value, prefix, from_1904)
    if content is None:
        return f"{head}/>".encode()
    return f"{head}{kind}>{content}</{prefix}c>".encode()


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
        if name in {"sheetData", "row", "c"}:
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
                self.column = column_index(split(attributes["r"])[0])
        self.open.append((name, at, tag_at(self.sheet.xml, at)[1], attributes))

    def end(self, tag: str) -> None:
        name = local(tag)
        if name not in {"sheetData", "row", "c"}:
            return
        _, start, tag_end, attributes = self.open.pop()
        empty = self.sheet.xml[tag_end - 2 : tag_end] == b"/>"
        text_end = tag_end if empty else self.parser.CurrentByteIndex
        end = tag_end if empty else self.sheet.xml.index(b">", text_end) + 1
        place = Place(start, end, tag_end, text_end, attributes.get("s"), self.formula, empty)
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
        (left, top), (right, bottom) = split(first), split(last or first)
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
    text = escaped(UNWANTED.sub("", value).replace("\r\n", "\n").replace("\r", "\n")).decode()
    return ' t="inlineStr"', f'<{prefix}is><{prefix}t xml:space="preserve">{text}</{prefix}t></{prefix}is>'


def serial(value: date, from_1904: bool) -> str:
    """Return a date or time as Excel counts it: days since its first day."""
    first = EPOCH_1904 if from_1904 else EPOCH
    if not isinstance(value, datetime):
        return str((value - first).days)
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    return f"{(value.date() - first).days + seconds / 86_400:.10g}"
