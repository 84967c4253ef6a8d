"""The parts of an Office file and how they point to each other: a part is found by what it is, not by its name.

Excel, WPS and LibreOffice name a workbook xl/workbook.xml; other writers don't, and needn't.
Source: ECMA-376, part 2, 6.2 (parts), 6.5 (relationships); part 1, 12.3 (parts of a workbook).
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

from citybrain.base.exchange.reading.markup import elements, in_utf8
from citybrain.base.exchange.reading.report import Unreadable

TYPES: Final = "[Content_Types].xml"
USUAL: Final = "xl/workbook.xml"
ROOT: Final = "_rels/.rels"
LARGEST: Final = 16 << 20  # bytes of a list of parts: far more than any file of ours has


@dataclass(frozen=True, slots=True)
class Link:
    """One part pointing to another. `kind` is the last word of its type ("worksheet", "styles", "comments").

    `part` is the name as the file writes it, empty for one that isn't there; `outside` what lies elsewhere.
    """

    id: str
    kind: str
    part: str
    outside: str = ""


class Parts:
    """The names of a package's parts, found however they are written."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.names = {one.lower(): one for one in reversed(archive.namelist())}

    def named(self, name: str) -> str:
        """Return a part's name as the file writes it, empty where it isn't there."""
        return self.names.get(name.lower()) or self.names.get(unquote(name).lower(), "")

    def small(self, name: str) -> bytes:
        """Return a list of parts; nothing where it isn't there. Raises Unreadable for one that can't be meant."""
        found = self.named(name)
        if not found:
            return b""
        about = self.archive.getinfo(found)
        if about.file_size > LARGEST:
            raise Unreadable("bomb", unpacked=about.file_size, packed=about.compress_size)
        return in_utf8(self.archive.read(found))

    def links(self, part: str) -> tuple[Link, ...]:
        """Return what a part points to; what the package as a whole does for an empty name."""
        return tuple(self._links(self.small(relations_of(part)), PurePosixPath(part).parent))

    def _links(self, xml: bytes, folder: PurePosixPath) -> Iterator[Link]:
        for one in elements(xml, {"Relationship"}):
            told = one.attributes
            target, kind = told.get("Target", ""), told.get("Type", "").rpartition("/")[2]
            if told.get("TargetMode") == "External":
                yield Link(told.get("Id", ""), kind, "", target)
            elif target:
                whole = target.lstrip("/") if target.startswith("/") else _joined(folder, target)
                yield Link(told.get("Id", ""), kind, self.named(whole))

    def types(self) -> dict[str, str]:
        """Return each part's content type, by its name as the file writes it."""
        usual: dict[str, str] = {}
        found: dict[str, str] = {}
        for one in elements(self.small(TYPES), {"Default", "Override"}):
            told = one.attributes
            if one.name == "Default":
                usual[told.get("Extension", "").lower()] = told.get("ContentType", "")
            elif name := self.named(told.get("PartName", "").lstrip("/")):
                found[name] = told.get("ContentType", "")
        for name in self.names.values():
            found.setdefault(name, usual.get(PurePosixPath(name).suffix[1:].lower(), ""))
        return found

    def main(self) -> str:
        """Return the part that the package is about: a workbook's list of sheets. Empty where it can't be told."""
        told = (one.part for one in self.links("") if one.kind == "officeDocument" and one.part)
        return next(told, "") or self.named(USUAL)


def relations_of(part: str) -> str:
    """Return the name of the part that lists what another points to."""
    path = PurePosixPath(part)
    return str(path.parent / "_rels" / f"{path.name}.rels") if part else ROOT


def beside(part: str, name: str) -> str:
    """Return the name of a part in the same folder as another."""
    return str(PurePosixPath(part).parent / name)


def _joined(folder: PurePosixPath, target: str) -> str:
    steps = list(folder.parts)
    for step in target.split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step != ".":
            steps.append(step)
    return "/".join(steps)
