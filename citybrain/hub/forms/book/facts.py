"""What a workbook is and what else it holds: asked before it is taken as a form. Nothing in it is run or followed."""

import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from citybrain.base.exchange.reading.containers import identify
from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.markup import elements, in_utf8
from citybrain.base.exchange.reading.parts import Parts, beside
from citybrain.base.exchange.reading.report import Unreadable
from citybrain.base.exchange.reading.workbook import Workbook, open_workbook
from citybrain.hub.forms.book.breaks import sound
from citybrain.hub.forms.book.filling import bounded
from citybrain.hub.forms.book.layout import Layout
from citybrain.hub.forms.book.table import Note, NotTaken

SHOWN: Final = {
    "xlsb": "Excel (.xlsb)", "ods": "OpenDocument (.ods)", "csv": "CSV", "text": "CSV", "html": "HTML", "json": "JSON",
    "zip": "ZIP", "gz": "GZIP", "xz": "XZ", "parquet": "Parquet",
}  # fmt: skip
SUFFIXES: Final = {
    ".xlsx": {"xlsx"}, ".xlsm": {"xlsm"}, ".xls": {"xls"}, ".et": {"xls", "xlsx"}, ".xltx": {"xlsx"}, ".xlt": {"xls"},
}  # fmt: skip
SIGNED: Final = "_xmlsignatures/"
OUTER: Final = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True)
class Facts:
    """A workbook's kind (xlsx, xlsm, xls), its sheets in their order, those hidden, and what its sender should know."""

    kind: str
    sheets: tuple[str, ...]
    hidden: tuple[str, ...]
    protected: tuple[str, ...]
    macros: bool
    links: tuple[str, ...]
    notes: tuple[Note, ...] = ()


def kind_of_file(path: Path) -> str:
    """Return xlsx, xlsm or xls by the file's content. Raises NotTaken for others, Unreadable for broken ones."""
    try:
        kind = identify(path)
    except Unreadable as other:
        if other.key != "kind":
            raise
        kind = str(other.params["kind"])
    if kind not in {"xlsx", "xls"}:
        raise NotTaken("kind", kind=SHOWN.get(kind, kind))
    if kind == "xls":
        return "xls"
    with zipfile.ZipFile(path) as archive:
        parts = Parts(archive)
        main = parts.main()
        told = any(one.kind == "vbaProject" and one.part for one in parts.links(main))
        return "xlsm" if told or parts.named(beside(main, "vbaProject.bin")) else "xlsx"


def look(path: Path, name: str = "", limits: Limits | None = None) -> Facts:
    """Return what a workbook holds, `name` being what its sender called it.

    Raises NotTaken for what is no workbook we fill, Unreadable for a damaged, locked or bomb-like one.
    """
    with sound():
        facts = _look(path, limits or Limits())
    suffix = PurePosixPath(name or path.name).suffix.lower()
    notes: list[Note] = []
    if suffix and facts.kind not in SUFFIXES.get(suffix, set()):
        notes.append(Note("misnamed", {"suffix": suffix, "kind": f".{facts.kind}"}))
    if facts.macros:
        notes.append(Note("macros"))
    if facts.links:
        notes.append(Note("links", {"names": "、".join(facts.links)[:200]}))
    if facts.hidden:
        notes.append(Note("hidden", {"sheets": "、".join(facts.hidden)[:200]}))
    return Facts(
        facts.kind,
        facts.sheets,
        facts.hidden,
        facts.protected,
        facts.macros,
        facts.links,
        (*notes, *facts.notes),
    )


def _look(path: Path, limits: Limits) -> Facts:
    kind = kind_of_file(path)
    if kind == "xls":
        from citybrain.hub.forms.book.xls.facts import look as look_xls

        return look_xls(path, limits)
    return _look_xlsx(path, kind, limits)


def _look_xlsx(path: Path, kind: str, limits: Limits) -> Facts:
    book = open_workbook(path, limits)
    with book.archive as archive:
        bounded(archive, limits)
        protected = tuple(
            sheet.name
            for sheet in book.sheets
            if sheet.part and _told(in_utf8(archive.read(sheet.part)), "sheetProtection")
        )
        notes = []
        locks = _told(in_utf8(archive.read(book.main)), "workbookProtection")
        if any(one.get("lockStructure") in {"1", "true"} for one in locks):
            notes.append(Note("locked"))
        if any(one.startswith(SIGNED) for one in archive.namelist()):
            notes.append(Note("signed"))
        links = _links(book)
    return Facts(
        kind,
        tuple(sheet.name for sheet in book.sheets),
        tuple(sheet.name for sheet in book.sheets if sheet.hidden),
        protected,
        kind == "xlsm",
        links,
        tuple(notes),
    )


def _told(xml: bytes, name: str) -> list[Mapping[str, str]]:
    """Return the attributes of the elements of a name; a part that never says it isn't gone through."""
    return [one.attributes for one in elements(xml, {name})] if name.encode() in xml else []


def _links(book: Workbook) -> tuple[str, ...]:
    """Return the names of the files that formulas point to, without their folders."""
    parts = Parts(book.archive)
    afar = (one.part for one in book.links if one.kind == "externalLink" and one.part)
    found = (OUTER.split(link.outside)[-1] for part in afar for link in parts.links(part) if link.outside)
    return tuple(dict.fromkeys(one for one in found if one))


def about(facts: Facts, found: Layout, footer: int = 0) -> tuple[Note, ...]:
    """Return what to tell of a form's table: its other sheets, header rows, equal headings, remarks below."""
    notes: list[Note] = []
    if len(facts.sheets) > 1:
        notes.append(Note("others", {"count": len(facts.sheets), "sheet": found.sheet}))
    if found.sheet in facts.protected:
        notes.append(Note("protected", {"sheet": found.sheet}))
    if found.header_last > found.header_first:
        notes.append(Note("header_rows", {"count": found.header_last - found.header_first + 1}))
    told = Counter("/".join(one.path) for one in found.columns if one.path)
    repeated = [name for name, times in told.items() if times > 1]
    if repeated:
        notes.append(Note("repeated", {"names": "、".join(repeated)[:200]}))
    if footer:
        notes.append(Note("legend", {"row": footer}))
    return tuple(notes)
