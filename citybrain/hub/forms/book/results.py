"""Saved results of formulas left out of a workbook whose cells have changed.

Excel and WPS work everything out when they open it. LibreOffice, previews on a phone and programs that only read the
cells show what was saved: totals of the empty form. A formula without a result is worked out by the first and shown
as nothing by the others.
Source: ECMA-376, part 1, 18.3.1.4 (c), 18.3.1.96 (v: need not be there).
"""

import re
from collections.abc import Mapping
from typing import Final

from citybrain.base.exchange.reading.markup import changed as rewritten
from citybrain.base.exchange.reading.workbook import Workbook

_REST: Final = rb"""[^"'<>]*(?:(?:"[^"]*"|'[^']*')[^"'<>]*)*"""
_FORMULA: Final = re.compile(
    rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>"
    rb"|(?P<cell><(?P<p>(?:[^\s<>/:]+:)?)c(?:\s" + _REST + rb")?(?<!/)>\s*)"
    rb"(?P<formula><(?P=p)f(?:\s"
    + _REST
    + rb")?(?:(?<=/)>|(?<!/)>(?:[^<]|<!\[CDATA\[.*?\]\]>)*</(?P=p)f\s*>))\s*"
    rb"<(?P=p)v(?:\s" + _REST + rb")?(?<!/)>[^<]+</(?P=p)v\s*>",
    re.DOTALL,
)
_TYPE: Final = re.compile(rb"""\st\s*=\s*(?:"[^"]*"|'[^']*')""")
_HOLDS: Final = re.compile(rb"<(?:[^\s<>/:]+:)?f[\s>/]")


def without_results(book: Workbook, changed: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return `changed`, parts by name, and with them every sheet that held results, now without them."""
    told = dict(changed)
    for sheet in book.sheets:
        if not sheet.part or not sheet.worksheet:
            continue
        was = told.get(sheet.part) or book.archive.read(sheet.part)
        now = rewritten(was, unresolved)
        if now is not was:
            told[sheet.part] = now
    return told


def unresolved(xml: bytes) -> bytes:
    """Return a sheet's XML with its formulas, styles and cells, without what the formulas came to."""
    return _FORMULA.sub(_bare, xml) if _HOLDS.search(xml) else xml


def _bare(found: re.Match[bytes]) -> bytes:
    cell = found["cell"]
    return _TYPE.sub(b"", cell) + found["formula"] if cell else found[0]
