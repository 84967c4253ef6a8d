"""Saved results of formulas left out of a workbook whose cells have changed.

Excel and WPS work everything out when they open it. LibreOffice, previews on a phone and programs that only read the
cells show what was saved: totals of the empty form. A formula without a result is worked out by the first and shown
as nothing by the others.
Source: ECMA-376, part 1, 18.3.1.4 (c), 18.3.1.96 (v: need not be there).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from citybrain.base.exchange.reading.markup import Edit, Element, elements, spliced
from citybrain.base.exchange.reading.markup import changed as rewritten
from citybrain.base.exchange.reading.workbook import Workbook
from citybrain.hub.forms.book.sheet import Sheet

_HOLDS: Final = re.compile(rb"<(?:[^\s<>/:]+:)?f[\s>/]")


def without_results(
    book: Workbook, changed: Mapping[str, bytes], done: Collection[str] = ()
) -> dict[str, bytes]:
    """Return `changed`, parts by name, and with them every sheet that held results, now without; but not `done`."""
    told = dict(changed)
    for sheet in book.sheets:
        if not sheet.part or not sheet.worksheet or sheet.part in done:
            continue
        was = told.get(sheet.part) or book.archive.read(sheet.part)
        now = rewritten(was, unresolved)
        if now is not was:
            told[sheet.part] = now
    return told


def unresolved(xml: bytes) -> bytes:
    """Return a sheet's XML with its formulas, styles and cells, without what the formulas came to."""
    return spliced(xml, results(Sheet(xml))) if _HOLDS.search(xml) else xml


def results(sheet: Sheet) -> Iterator[Edit]:
    """Yield the edits that leave out what a sheet's formulas came to."""
    for place in sheet.cells.values():
        if not place.formula:
            continue
        held = [one for one in elements(sheet.xml, {"v"}, place.tag_end, place.text_end) if one.text]
        yield from ((one.start, one.end, b"") for one in held)
        if held:
            cell = Element(sheet.xml, "c", "", place.start, place.tag_end, place.text_end, place.end)
            yield from cell.set({"t": None})
