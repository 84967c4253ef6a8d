"""A form's rows written into its workbook: first the prepared rows, then as many new ones as are needed.

New rows look like the last prepared one and carry its formulas and merged cells; totals, remarks, signatures, print
areas and lists below or around the table move and grow with it. All else stays as it came.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.markup import in_its_own, in_utf8, spliced
from citybrain.base.exchange.reading.report import Unreadable
from citybrain.base.exchange.reading.sheets import column_index, open_sheet
from citybrain.base.exchange.reading.workbook import Workbook, local, open_workbook, parse
from citybrain.hub.forms.book import growing, package
from citybrain.hub.forms.book.breaks import sound
from citybrain.hub.forms.book.facts import kind_of_file
from citybrain.hub.forms.book.filling import bounded, calculated, edits_of
from citybrain.hub.forms.book.form_end import Body, body
from citybrain.hub.forms.book.references import Growth
from citybrain.hub.forms.book.results import results, without_results
from citybrain.hub.forms.book.sheet import Sheet, cell
from citybrain.hub.forms.book.table import Filling, NotTaken, Problem, Table, Value, Written
from citybrain.hub.forms.book.values import Shows, kind_of, shows_as, to_cell
from citybrain.hub.forms.columns import Asks, Column

MOST_WRITTEN: Final = 200_000
MOST_CELLS: Final = 1_500_000
LAST_ROW: Final = 1_048_576
CELL: Final = re.compile(rb"[<:]c[\s/>]")


def write(table: Table, rows: Filling, limits: Limits | None = None) -> Written:
    """Return the form's workbook with the rows filled in, the first one in row `table.begins`.

    A letter that a row doesn't name leaves its cell; None or "" empties it. Serial numbers are counted where the row
    doesn't give them; formulas are never overwritten. Raises NotTaken (why it can't be), Unreadable (a broken file).
    """
    limits = limits or Limits()
    if len(rows) > MOST_WRITTEN:
        raise NotTaken("many_written", count=len(rows), limit=MOST_WRITTEN)
    with sound():
        kind = table.kind or kind_of_file(table.path)
        if kind == "xls":
            from citybrain.hub.forms.book.xls.writing import write as write_xls

            return write_xls(table, rows, limits)
        return _write_xlsx(table, rows, limits, kind)


def body_of(table: Table, kind: str, limits: Limits) -> Body:
    """Return what stands in the form's table below its header."""
    width = max((column_index(one.letter) + 1 for one in table.columns), default=1)
    with tempfile.TemporaryDirectory(prefix="citybrain-form-") as work:
        opened = open_sheet(table.path, "xls" if kind == "xls" else "xlsx", Path(work), limits, table.sheet)
        return body(opened.rows, opened.spans, table.begins, width)


def _write_xlsx(table: Table, rows: Filling, limits: Limits, kind: str) -> Written:
    book = open_workbook(table.path, limits)
    with book.archive as archive:
        bounded(archive, limits)
        part = _part(book, table.sheet)
        xml = in_utf8(archive.read(part))
        count = sum(1 for _ in CELL.finditer(xml))
        if count > MOST_CELLS:
            raise NotTaken("many_cells", sheet=table.sheet, count=count, limit=MOST_CELLS)
        there = body_of(table, kind, limits)
        sheet = Sheet(xml)
        last = prepared(table, there, {row: [one for one, _ in told] for row, told in sheet.columns.items()})
        more = max(0, table.begins + len(rows) - 1 - max(last, table.begins - 1))
        if max(sheet.numbers[-1:] or [0], default=0) + more > LAST_ROW:
            raise NotTaken("sheet_full", count=len(rows), limit=LAST_ROW)
        filler = Filler(table, rows, sheet, Formats(book), last, from_1904=book.from_1904)
        edits = edits_of(sheet, dict(filler.prepared()), from_1904=book.from_1904)
        changed = {part: spliced(xml, [*edits, *(results(sheet) if rows else ())])}
        without: list[str] = []
        if more:
            growth = Growth(table.sheet, table.begins, last, more)
            beside, without = package.moved(book, part, growth)
            changed[part] = growing.grown(changed[part], Sheet(changed[part]), growth, filler.new)
            changed.update(beside)
        changed[part] = in_its_own(changed[part], archive.read(part))
        changed[book.main] = calculated(changed.get(book.main) or archive.read(book.main))
        content = package.packed(
            archive, without_results(book, changed, {part}) if rows else changed, without
        )
    return Written(content, kind, len(rows), filler.cells, more, tuple(filler.problems))


def _part(book: Workbook, name: str) -> str:
    one = next((sheet for sheet in book.sheets if sheet.name == name), None)
    if one is None:
        raise NotTaken("sheet", sheet=name, sheets="、".join(sheet.name for sheet in book.sheets))
    if not one.part:
        raise Unreadable("damaged", detail=f"xlsx: {name}")
    return one.part


def prepared(table: Table, there: Body, columns: Mapping[int, list[int]]) -> int:
    """Return the last row the form has prepared; the row before the first where it has none.

    `columns` are the columns (from 0) that have a cell, by row.
    """
    width = max((column_index(one.letter) for one in table.columns), default=0)
    end = there.footer - 1 if there.footer else max(columns, default=0)
    styled = (
        row
        for row, told in columns.items()
        if table.begins <= row <= end and any(column <= width for column in told)
    )
    return max(max(styled, default=end if there.footer else 0), table.begins - 1)


class Filler:
    """The cells to be written, of the rows a form has prepared and of new ones. `problems` tells those left out."""

    def __init__(
        self, table: Table, rows: Filling, sheet: Sheet, formats: "Formats", last: int, *, from_1904: bool
    ) -> None:
        self.table, self.rows, self.sheet, self.formats, self.last = table, rows, sheet, formats, last
        self.from_1904 = from_1904
        self.asked = [
            (one, column_index(one.letter), kind_of(one))
            for one in table.columns
            if one.asks is not Asks.FORMULA
        ]
        self.like = (
            {one.letter: self._at(one.letter, last) for one in table.columns} if last >= table.begins else {}
        )
        self.prefix = sheet.prefix_in(last if last >= table.begins else 0)
        self.cells = 0
        self.problems: list[Problem] = []

    def prepared(self) -> Iterator[tuple[str, Value]]:
        """Yield (reference, value) of the prepared rows."""
        begins = self.table.begins
        for i, row in enumerate(self.rows[: max(0, self.last - begins + 1)]):
            for column, _, kind in self.asked:
                style, why = self._at(column.letter, begins + i)
                told = self._value(column, row, i, kind, style, why)
                if told is not None:
                    yield f"{column.letter}{begins + i}", told[0]

    def new(self, number: int) -> Mapping[int, bytes]:
        """Return the cells of a new row by column: like those of the last prepared one."""
        i = number - self.table.begins
        row, made = self.rows[i], {}
        for column, at, kind in self.asked:
            style, why = self.like.get(column.letter) or (self.sheet.styles.get(at), "")
            told = self._value(column, row, i, kind, style, why)
            if told is not None:
                reference = f"{column.letter}{number}"
                made[at] = cell(reference, told[0], style, self.prefix, from_1904=self.from_1904)
        return made

    def _at(self, letter: str, number: int) -> tuple[str | None, str]:
        """Return (style, why it can't be written or "") of a cell."""
        reference = f"{letter}{number}"
        place = self.sheet.cells.get(reference)
        why = "merged" if self.sheet.covered(reference) else "formula" if place and place.formula else ""
        return (place.style if place else self.sheet.style_of(number, column_index(letter))), why

    def _value(
        self, column: Column, row: Mapping[str, Value], i: int, kind: str, style: str | None, why: str
    ) -> tuple[Value] | None:
        counted = column.asks is Asks.SERIAL and column.letter not in row
        if column.letter not in row and not counted:
            return None
        value = i + 1 if counted else row[column.letter]
        if why:
            if value not in (None, "") and not counted:
                self.problems.append(Problem(f"{column.letter}{self.table.begins + i}", why))
            return None
        self.cells += 1
        return (to_cell(value, kind, self.formats.shows(style)),)


class Formats:
    """How the styles of a workbook show their cells."""

    def __init__(self, book: Workbook) -> None:
        self.codes: dict[int, str] = {}
        self.styles: list[int] = []
        self.inside = False
        name = book.beside("styles")
        if name:
            parse(iter([book.archive.read(name)]), self._start, self._end)
        self.known = [shows_as(one, self.codes.get(one, "")) for one in self.styles]

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local(tag)
        if name == "numFmt":
            self.codes[int(attributes.get("numFmtId", "0") or 0)] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self.inside = True
        elif name == "xf" and self.inside:
            self.styles.append(int(attributes.get("numFmtId", "0") or 0))

    def _end(self, tag: str) -> None:
        if local(tag) == "cellXfs":
            self.inside = False

    def shows(self, style: str | None) -> Shows:
        """Return how a cell of this style shows what it holds; general for an unknown one."""
        at = int(style or 0)
        return self.known[at] if at < len(self.known) else Shows.GENERAL
