"""The parts of an .xlsx around its sheets: what else must move when a form's table grows."""

import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final

from citybrain.base.exchange.reading.workbook import Workbook, parse
from citybrain.hub.forms.book import growing
from citybrain.hub.forms.book.filling import Sheet
from citybrain.hub.forms.book.references import Growth

CHAIN: Final = "xl/calcchain.xml"


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
            changed[name] = change(archive.read(name), growth)
    for sheet in book.sheets:
        name = part_named(archive, sheet.part)
        if name and name != part and "worksheets" in name.lower():
            xml = archive.read(name)
            if _mentions(xml, growth.sheet):
                changed[name] = growing.pointing(xml, Sheet(xml), growth)
    for name in archive.namelist():
        far = _afar(name.lower())
        if far is not None:
            changed[name] = far(archive.read(name), growth)
    without = _without_chain(archive, changed)
    return changed, without


def _afar(name: str) -> Callable[[bytes, Growth], bytes] | None:
    """Return how a part changes that points to sheets by name: charts, sources of pivot tables, names."""
    if re.fullmatch(r"xl/charts/chart[^/]*\.xml", name) or name == "xl/workbook.xml":
        return _by_name
    return growing.sourced if "/pivotcachedefinition" in name and name.endswith(".xml") else None


def _by_name(xml: bytes, growth: Growth) -> bytes:
    return growing.texted(xml, growth, here=False)


def _mentions(xml: bytes, sheet: str) -> bool:
    return b"<" in xml and sheet.replace("'", "''").encode() in xml.replace(b"&amp;", b"&")


def _without_chain(archive: zipfile.ZipFile, changed: dict[str, bytes]) -> list[str]:
    """Leave out the order of calculation, which names cells by where they were; Excel makes it anew."""
    chain = part_named(archive, CHAIN)
    if not chain:
        return []
    for name, pattern in (
        ("[Content_Types].xml", rb"<(?:\w+:)?Override\b[^>]*calcChain[^>]*?(?:/>|></(?:\w+:)?Override>)"),
        (
            "xl/_rels/workbook.xml.rels",
            rb"<(?:\w+:)?Relationship\b[^>]*calcChain[^>]*?(?:/>|></(?:\w+:)?Relationship>)",
        ),
    ):
        part = part_named(archive, name)
        if part:
            changed[part] = re.sub(pattern, b"", archive.read(part), flags=re.IGNORECASE)
    return [chain]


_BESIDE: Final = {
    "comments": growing.placed,
    "threadedComment": growing.placed,
    "vmlDrawing": growing.vml,
    "drawing": growing.anchored,
    "table": growing.around,
    "pivotTable": growing.placed,
}
