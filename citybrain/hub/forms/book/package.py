"""The parts of an .xlsx around its sheets: what else must move when a form's table grows."""

import zipfile
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import Final

from citybrain.base.exchange.reading.markup import changed as rewritten
from citybrain.base.exchange.reading.markup import elements, spliced
from citybrain.base.exchange.reading.parts import TYPES, Parts, relations_of
from citybrain.base.exchange.reading.workbook import Workbook
from citybrain.hub.forms.book import growing
from citybrain.hub.forms.book.references import Growth
from citybrain.hub.forms.book.sheet import Sheet

Change = Callable[[bytes, Growth], bytes]


def packed(archive: zipfile.ZipFile, changed: Mapping[str, bytes], without: Iterable[str] = ()) -> bytes:
    """Return the file with some parts changed and some left out, all others as they came, in their order."""
    gone = set(without)
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for info in archive.infolist():
            if info.filename not in gone:
                content = changed.get(info.filename)
                file.writestr(info, archive.read(info) if content is None else content)
    return out.getvalue()


def moved(book: Workbook, part: str, growth: Growth) -> tuple[dict[str, bytes], list[str]]:
    """Return (parts that change, parts to leave out) beside the grown sheet `part` itself."""
    archive, parts = book.archive, Parts(book.archive)
    changed: dict[str, bytes] = {}
    for one in parts.links(part):
        change = _BESIDE.get(one.kind)
        if change is not None and one.part:
            changed[one.part] = _changed(archive.read(one.part), change, growth)
    for sheet in book.sheets:
        if sheet.worksheet and sheet.part and sheet.part != part:
            changed[sheet.part] = _changed(archive.read(sheet.part), _pointing, growth)
    for name, told in parts.types().items():
        far = growing.texted if name == book.main else _AFAR.get(told.rpartition(".")[2].lower())
        if far is not None:
            changed[name] = _changed(archive.read(name), far, growth)
    return changed, _without_chain(book, parts, changed)


def _changed(content: bytes, change: Change, growth: Growth) -> bytes:
    return rewritten(content, lambda xml: change(xml, growth))


def _pointing(xml: bytes, growth: Growth) -> bytes:
    """Return another sheet changed; one that points to no sheet by name ("!", or "&#33;" in XML) isn't gone through."""
    return growing.pointing(xml, Sheet(xml), growth) if b"!" in xml or b"&#" in xml else xml


def _without_chain(book: Workbook, parts: Parts, changed: dict[str, bytes]) -> list[str]:
    """Leave out the order of calculation, which names cells by where they were; Excel makes it anew."""
    chain = book.beside("calcChain")
    if not chain:
        return []
    for name in (TYPES, relations_of(book.main)):
        part = parts.named(name)
        if part:
            changed[part] = rewritten(book.archive.read(part), lambda xml: _unchained(xml, chain))
    return [chain]


def _unchained(xml: bytes, chain: str) -> bytes:
    """Return a list of parts without what it says of one."""
    name = chain.rpartition("/")[2].lower()

    def named(value: str) -> bool:
        return value.rpartition("/")[2].lower() == name

    known = elements(xml, {"Override", "Relationship"})
    told = (one for one in known if any(named(value) for value in one.attributes.values()))
    return spliced(xml, [(one.start, one.end, b"") for one in told])


_BESIDE: Final[Mapping[str, Change]] = {
    "comments": growing.placed,
    "threadedComment": growing.placed,
    "vmlDrawing": growing.vml,
    "drawing": growing.anchored,
    "table": growing.around,
    "pivotTable": growing.placed,
}
_AFAR: Final[Mapping[str, Change]] = {
    "chart+xml": growing.texted,
    "chartex+xml": growing.texted,
    "pivotcachedefinition+xml": growing.sourced,
}
"""How parts change that point to sheets by name: charts, sources of pivot tables; by their content type."""
