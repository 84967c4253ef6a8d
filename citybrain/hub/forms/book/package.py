"""The parts of an .xlsx around its sheets: what else must move when a form's table grows."""

import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final

from citybrain.base.exchange.reading.markup import changed as rewritten
from citybrain.base.exchange.reading.markup import elements, spliced
from citybrain.base.exchange.reading.workbook import Workbook, parse
from citybrain.hub.forms.book import growing
from citybrain.hub.forms.book.references import Growth
from citybrain.hub.forms.book.sheet import Sheet

CHAIN: Final = "xl/calcchain.xml"
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


def related(archive: zipfile.ZipFile, part: str) -> dict[str, str]:
    """Return the parts that a part points to, with the last word of their kind ("comments", "drawing", "table")."""
    path = PurePosixPath(part)
    where = path.parent / "_rels" / f"{path.name}.rels"
    name = part_named(archive, str(where))
    found: dict[str, str] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if attributes.get("TargetMode") == "External" or "Target" not in attributes:
            return
        target = attributes["Target"]
        whole = target.lstrip("/") if target.startswith("/") else _joined(path.parent, target)
        known = part_named(archive, whole)
        if known:
            found[known] = attributes.get("Type", "").rpartition("/")[2]

    if name:
        parse(iter([archive.read(name)]), start)
    return found


def _joined(folder: PurePosixPath, target: str) -> str:
    steps: list[str] = list(folder.parts)
    for step in target.split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step != ".":
            steps.append(step)
    return "/".join(steps)


def part_named(archive: zipfile.ZipFile, name: str) -> str:
    """Return a part's name as the file writes it, empty where it isn't there."""
    return next((one for one in archive.namelist() if one.lower() == name.lower()), "")


def moved(book: Workbook, part: str, growth: Growth) -> tuple[dict[str, bytes], list[str]]:
    """Return (parts that change, parts to leave out) beside the grown sheet `part` itself."""
    archive = book.archive
    changed: dict[str, bytes] = {}
    for name, kind in related(archive, part).items():
        change = _BESIDE.get(kind)
        if change is not None:
            changed[name] = _changed(archive.read(name), change, growth)
    for sheet in book.sheets:
        name = part_named(archive, sheet.part)
        if name and name != part and "worksheets" in name.lower():
            changed[name] = _changed(archive.read(name), _pointing, growth)
    for name in archive.namelist():
        far = _afar(name.lower())
        if far is not None:
            changed[name] = _changed(archive.read(name), far, growth)
    without = _without_chain(archive, changed)
    return changed, without


def _changed(content: bytes, change: Change, growth: Growth) -> bytes:
    return rewritten(content, lambda xml: change(xml, growth))


def _afar(name: str) -> Change | None:
    """Return how a part changes that points to sheets by name: charts, sources of pivot tables, names."""
    if re.fullmatch(r"xl/charts/chart[^/]*\.xml", name) or name == "xl/workbook.xml":
        return growing.texted
    return growing.sourced if "/pivotcachedefinition" in name and name.endswith(".xml") else None


def _pointing(xml: bytes, growth: Growth) -> bytes:
    """Return another sheet changed; one that points to no sheet by name ("!", or "&#33;" in XML) isn't gone through."""
    return growing.pointing(xml, Sheet(xml), growth) if b"!" in xml or b"&#" in xml else xml


def _without_chain(archive: zipfile.ZipFile, changed: dict[str, bytes]) -> list[str]:
    """Leave out the order of calculation, which names cells by where they were; Excel makes it anew."""
    chain = part_named(archive, CHAIN)
    if not chain:
        return []
    for name in ("[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
        part = part_named(archive, name)
        if part:
            changed[part] = rewritten(archive.read(part), _unchained)
    return [chain]


def _unchained(xml: bytes) -> bytes:
    known = elements(xml, {"Override", "Relationship"})
    told = (one for one in known if any("calcchain" in value.lower() for value in one.attributes.values()))
    return spliced(xml, [(one.start, one.end, b"") for one in told])


_BESIDE: Final[Mapping[str, Change]] = {
    "comments": growing.placed,
    "threadedComment": growing.placed,
    "vmlDrawing": growing.vml,
    "drawing": growing.anchored,
    "table": growing.around,
    "pivotTable": growing.placed,
}
