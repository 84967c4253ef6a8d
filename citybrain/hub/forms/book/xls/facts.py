"""What an old workbook holds beside its cells."""

import re
import struct
from pathlib import Path
from typing import Final

from citybrain.base.exchange.reading.limits import Limits
from citybrain.hub.forms.book.breaks import sound
from citybrain.hub.forms.book.facts import Facts
from citybrain.hub.forms.book.sheet import letters_of
from citybrain.hub.forms.book.table import Note
from citybrain.hub.forms.book.xls.cells import grid
from citybrain.hub.forms.book.xls.records import BOF, EOF, PROTECT, SUPBOOK, Book, records, text_at

MACROS: Final = "_vba_project_cur"
SIGNATURES: Final = frozenset({"_signatures", "_xmlsignatures"})
INSIDE: Final = 0x0401
ADD_IN: Final = 0x3A01


def look(path: Path, limits: Limits) -> Facts:
    """Return an old workbook's facts. Raises NotTaken for one before Excel 97, Unreadable for a broken one."""
    book = Book(path, limits)
    names = {one.lower() for one in book.file.names()}
    notes = []
    if any(one.op == PROTECT and one.data[:2] == b"\1\0" for one in book.main):
        notes.append(Note("locked"))
    if names & SIGNATURES:
        notes.append(Note("signed"))
    return Facts(
        "xls",
        tuple(one.name for one in book.tabs),
        tuple(one.name for one in book.tabs if one.hidden),
        tuple(one.name for one in book.tabs if one.worksheet and _protected(book.parts[one.at])),
        MACROS in names,
        _links(book),
        tuple(notes),
    )


def _protected(part: bytes) -> bool:
    depth = 0
    for one in records(part):
        depth += (one.op == BOF) - (one.op == EOF)
        if not depth:
            return False
        if depth == 1 and one.op == PROTECT and one.data[:2] == b"\1\0":
            return True
    return False


def _links(book: Book) -> tuple[str, ...]:
    """Return the names of the files that formulas point to, without their folders."""
    found: list[str] = []
    for one in book.main:
        if one.op != SUPBOOK or len(one.data) < 5:
            continue
        count = struct.unpack_from("<H", one.data, 2)[0]
        if count in {INSIDE, ADD_IN}:
            continue
        name = text_at(one.data, 4, count)[0]
        last = re.split(r"[\x01-\x08/\\]", name)[-1].strip()
        if last:
            found.append(last)
    return tuple(dict.fromkeys(found))


def formulas(path: Path, sheet: str, row: int, limits: Limits) -> frozenset[str]:
    """Return the letters of the columns that hold a formula in a row, counted from 1. Raises as `look`."""
    with sound():
        book = Book(path, limits)
        held = grid(book.parts[book.tab(sheet).at]).cells.get(row - 1, ())
    return frozenset(letters_of(one.first) for one in held if one.formula)
