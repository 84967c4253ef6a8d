"""A workbook looked at before it becomes a form: which sheet, where its table is, what is prepared in it."""

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Final

from django.utils.translation import gettext as _

from citybrain.base.exchange.reading import Limits, Unreadable
from citybrain.base.exchange.reading.markup import elements, in_utf8
from citybrain.base.exchange.reading.sheets import column_index, open_sheet
from citybrain.base.exchange.reading.workbook import Workbook, open_workbook
from citybrain.base.identity.errors import Refused, refuse
from citybrain.hub.forms.book import Layout, Note, NotTaken, about, layout, look
from citybrain.hub.forms.book.form_end import body
from citybrain.hub.forms.book.sheet import Sheet, letters_of
from citybrain.hub.forms.book.xls.facts import formulas as formulas_of
from citybrain.hub.forms.making.sheets import tables

COLUMNS_MOST: Final = 300
OPTIONS_MOST: Final = 200
RANGE: Final = re.compile(
    r"(?:(?:'((?:[^']|'')+)'|([^'!]+))!)?\$?([A-Z]{1,3})\$?(\d+)(?::\$?([A-Z]{1,3})\$?(\d+))?"
)


class WhichSheet(Refused):
    """A workbook with several sheets that hold a table; `sheets` are their names, the person says which."""

    def __init__(self, sheets: Sequence[str]) -> None:
        told = {"count": len(sheets), "names": _("、").join(sheets)}
        text = _("工作簿里有 %(count)d 个工作表，请选择要下发的一个：%(names)s。") % told
        super().__init__(*refuse("sheet", text).problems)
        self.sheets = tuple(sheets)


@dataclass(frozen=True, slots=True)
class Read:
    """A form's table as it was found, and what its sender should know.

    `formulas` are the letters of columns that the sheet works out itself, `options` the values its lists allow.
    """

    layout: Layout
    kind: str
    notes: tuple[Note, ...] = ()
    formulas: frozenset[str] = frozenset()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_table(path: Path, name: str = "", sheet: str = "") -> Read:
    """Return the table of a workbook, `name` as its sender calls it.

    Raises WhichSheet where several sheets hold one and none is named, Refused for what is no form.
    """
    if not path.stat().st_size:
        raise refuse("file", _("文件是空的。"))
    try:
        with tempfile.TemporaryDirectory(prefix="citybrain-form-") as work:
            return _read(path, name, sheet, Path(work))
    except (Unreadable, NotTaken) as refused:
        raise refuse("file", str(refused)) from refused


def _read(path: Path, name: str, sheet: str, work: Path) -> Read:
    facts = look(path, name)
    kind = "xls" if facts.kind == "xls" else "xlsx"
    if not sheet:
        sheets = tables(path, work, kind)
        if len(sheets) > 1:
            raise WhichSheet(sheets)
        sheet = sheets[0] if sheets else ""
    found = layout(path, work, kind, wanted=sheet)
    if found.header_last < found.header_first or not any(one.path for one in found.columns):
        raise refuse("file", _("没有找到表头：请在表格第一行写明每列的名称。"))
    if len(found.columns) > COLUMNS_MOST:
        told = {"count": len(found.columns), "most": COLUMNS_MOST}
        raise refuse("file", _("表格有 %(count)d 列，最多 %(most)d 列。") % told)
    opened = open_sheet(path, kind, work, Limits(), found.sheet)
    held = body(opened.rows, opened.spans, found.begins, len(found.columns))
    notes = (*facts.notes, *about(facts, found, held.footer))
    if kind == "xls":
        letters = {one.letter for one in found.columns}
        return Read(
            found, facts.kind, notes, formulas_of(path, found.sheet, found.begins, Limits()) & letters
        )
    return _prepared(path, work, found, facts.kind, notes)


def _prepared(path: Path, work: Path, found: Layout, kind: str, notes: tuple[Note, ...]) -> Read:
    """Return what is prepared in the first row to be filled: formulas, lists of values."""
    book = open_workbook(path, Limits())
    with book.archive as archive:
        part = next(one.part for one in book.sheets if one.name == found.sheet)
        xml = in_utf8(archive.read(part))
        cells = Sheet(xml).cells
        letters = {one.letter for one in found.columns}
        formulas = {one for one in letters if (cell := cells.get(f"{one}{found.begins}")) and cell.formula}
        options = {}
        for squares, formula in _listed(xml):
            values = _values(path, work, book, found.sheet, formula)
            for letter in _letters(squares, found.begins) & letters if values else ():
                options[letter] = values
    return Read(found, kind, notes, frozenset(formulas), options)


def _listed(xml: bytes) -> Iterator[tuple[str, str]]:
    """Yield (ranges, formula) of a sheet's lists of values: its own ones, and those of Excel 2010's extension."""
    squares = formula = ""
    for one in elements(xml, {"dataValidation", "formula1", "sqref", "f"}):
        if one.name == "dataValidation":
            if one.attributes.get("type") == "list":
                yield one.attributes.get("sqref", squares), formula
            squares = formula = ""
        elif one.leaf and one.inside in {"dataValidation", "formula1"}:
            squares, formula = (one.text, formula) if one.name == "sqref" else (squares, one.text)


def _letters(squares: str, row: int) -> set[str]:
    """Return the columns that "C3:D90 F3" means in one row."""
    found = set()
    for one in squares.split():
        told = RANGE.fullmatch(one)
        if told and int(told[4]) <= row <= int(told[6] or told[4]):
            found |= {
                letters_of(at) for at in range(column_index(told[3]), column_index(told[5] or told[3]) + 1)
            }
    return found


def _values(path: Path, work: Path, book: Workbook, own: str, formula: str) -> tuple[str, ...]:
    """Return what a list allows: written in it ("是,否"), or cells of a sheet; nothing for what is worked out."""
    text = formula.strip().removeprefix("=")
    if text.startswith('"') and text.endswith('"'):
        return _distinct(text.strip('"').split(","))
    told = RANGE.fullmatch(text)
    if told is None or (told[5] and told[5] != told[3] and told[6] != told[4]):
        return ()
    sheet = (told[1] or told[2] or own).replace("''", "'")
    if sheet not in {one.name for one in book.sheets}:
        return ()
    top, bottom = int(told[4]), int(told[6] or told[4])
    left, right = column_index(told[3]), column_index(told[5] or told[3])
    rows = (
        cells
        for number, cells in islice(open_sheet(path, "xlsx", work, Limits(), sheet).rows, bottom)
        if top <= number <= bottom
    )
    return _distinct(chain.from_iterable(cells[left : right + 1] for cells in islice(rows, OPTIONS_MOST + 1)))


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    """Return values without blanks and repetitions; none where they are too many to choose from."""
    found = dict.fromkeys(one.strip() for one in values if one.strip())
    return tuple(found) if len(found) <= OPTIONS_MOST else ()
