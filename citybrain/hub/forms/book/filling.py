"""Cells of an .xlsx filled in place.

Only the cells named are written anew, with the style they had; all other bytes of the sheet, and all other parts
of the file, stay as they came: formulas, merged cells, validation lists, print areas, hidden sheets, drawings,
signatures of the maker. Formulas are worked out again when the file is opened. Nothing is evaluated here.
Source: ECMA-376, part 1, 18.3.1.4 (c), 18.3.1.73 (row), 18.2.2 (calcPr).
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from citybrain.base.exchange.reading import markup
from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.report import Unreadable
from citybrain.base.exchange.reading.sheets import column_index
from citybrain.base.exchange.reading.workbook import open_workbook
from citybrain.hub.forms.book.package import packed
from citybrain.hub.forms.book.results import without_results
from citybrain.hub.forms.book.sheet import REFERENCE, NoCell, Sheet, Value, split

BEFORE_CALC: Final = ("sheets", "functionGroups", "externalReferences", "definedNames")


class CellProtected(ValueError):
    """A cell that holds a formula; what it shows is worked out and never overwritten."""


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
        wanted_part = next((one.part for one in book.sheets if one.name == sheet), None)
        if wanted_part is None:
            raise NoCell(sheet)
        if not wanted_part:
            raise Unreadable("damaged", detail=f"xlsx: {sheet}")
        written = write(archive.read(wanted_part), wanted, from_1904=book.from_1904)
        changed = {wanted_part: written, book.main: calculated(archive.read(book.main))}
        content = packed(archive, without_results(book, changed))
    return Filled(content, len(wanted))


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
    return markup.changed(xml, lambda told: put(Sheet(told), values, from_1904=from_1904))


def put(sheet: Sheet, values: Mapping[str, Value], *, from_1904: bool = False) -> bytes:
    """Return the XML of a sheet that was read, with cells written. Raises NoCell and CellProtected."""
    return markup.spliced(sheet.xml, edits_of(sheet, values, from_1904=from_1904))


def edits_of(sheet: Sheet, values: Mapping[str, Value], *, from_1904: bool) -> list[markup.Edit]:
    """Return the edits that write cells into a sheet. Raises NoCell and CellProtected."""
    inside = [one for one in values if sheet.covered(one)]
    if inside:
        raise NoCell(inside[0])
    edits: list[markup.Edit] = []
    missing: dict[int, list[tuple[int, str]]] = {}
    for reference, value in values.items():
        place = sheet.cells.get(reference)
        if place is None:
            letters, row = split(reference)
            missing.setdefault(row, []).append((column_index(letters), reference))
        elif place.formula:
            raise CellProtected(reference)
        else:
            edits.append(sheet.rewritten(reference, value, from_1904))
    for row, cells in sorted(missing.items()):
        edits.extend(sheet.added(row, sorted(cells), values, from_1904))
    return edits


def calculated(xml: bytes) -> bytes:
    """Return workbook.xml with the wish that formulas are worked out when the file is opened."""
    return markup.changed(xml, _calculated)


def _calculated(xml: bytes) -> bytes:
    found = list(markup.elements(xml, {"workbook", "calcPr", *BEFORE_CALC}))
    calc = next((one for one in found if one.name == "calcPr"), None)
    if calc is not None:
        if "fullCalcOnLoad" in calc.attributes:
            return markup.spliced(xml, calc.set({"fullCalcOnLoad": lambda _: "1"}))
        end = calc.tag_end - (2 if xml[calc.tag_end - 2 : calc.tag_end] == b"/>" else 1)
        return markup.spliced(xml, [(end, end, b' fullCalcOnLoad="1"')])
    at = max((one.end for one in found if one.inside == "workbook"), default=0)
    made = f'<{found[-1].prefix}calcPr fullCalcOnLoad="1"/>'.encode() if at else b""
    return markup.spliced(xml, [(at, at, made)])
