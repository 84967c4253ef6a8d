"""A form's rows written into its workbook: first the prepared rows, then as many new ones as are needed.

New rows look like the last prepared one and carry its formulas and merged cells; totals, remarks, signatures, print
areas and lists below or around the table move and grow with it. All else stays as it came.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.report import Unreadable
from citybrain.base.exchange.reading.sheets import column_index, open_sheet
from citybrain.base.exchange.reading.workbook import Workbook, local, open_workbook, parse
from citybrain.hub.forms.book import growing, package
from citybrain.hub.forms.book.breaks import sound
from citybrain.hub.forms.book.facts import kind_of_file
from citybrain.hub.forms.book.filling import Sheet, bounded, calculated, put
from citybrain.hub.forms.book.form_end import MOST_ROWS, Body, body
from citybrain.hub.forms.book.references import Growth
from citybrain.hub.forms.book.table import Filling, NotTaken, Problem, Table, Value, Written
from citybrain.hub.forms.book.values import Shows, kind_of, shows_as, to_cell
from citybrain.hub.forms.columns import Asks

MOST_CELLS: Final = 1_500_000
LAST_ROW: Final = 1_048_576


def write(table: Table, rows: Filling, limits: Limits | None = None) -> Written:
    """Return the form's workbook with the rows filled in, the first one in row `table.begins`.

    A letter that a row doesn't name leaves its cell; None or "" empties it. Serial numbers are counted where the row
    doesn't give them; formulas are never overwritten. Raises NotTaken (why it can't be), Unreadable (a broken file).
    """
    limits = limits or Limits()
    if len(rows) > MOST_ROWS:
        raise NotTaken("many_rows", count=len(rows), limit=MOST_ROWS)
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
        xml = archive.read(part)
        count = xml.count(b"<c ") + xml.count(b":c ")
        if count > MOST_CELLS:
            raise NotTaken("many_cells", sheet=table.sheet, count=count, limit=MOST_CELLS)
        there = body_of(table, kind, limits)
        sheet = Sheet(xml)
        last = prepared(table, there, {row: [one for one, _ in told] for row, told in sheet.columns.items()})
        more = max(0, table.begins + len(rows) - 1 - max(last, table.begins - 1))
        if max(sheet.numbers[-1:] or [0], default=0) + more > LAST_ROW:
            raise NotTaken("sheet_full", count=len(rows), limit=LAST_ROW)
        changed: dict[str, bytes] = {}
        without: list[str] = []
        if more:
            growth = Growth(table.sheet, table.begins, last, more)
            sheet = Sheet(growing.grown(xml, sheet, growth))
            changed, without = package.moved(book, part, growth)
        problems: list[Problem] = []
        values = dict(_values(table, rows, sheet, Formats(book), problems))
        changed[part] = put(sheet, values, from_1904=book.from_1904)
        named = package.part_named(archive, "xl/workbook.xml")
        changed[named] = calculated(changed.get(named) or archive.read(named))
        content = package.packed(archive, changed, without)
    return Written(content, kind, len(rows), len(values), more, tuple(problems))


def _part(book: Workbook, name: str) -> str:
    one = next((sheet for sheet in book.sheets if sheet.name == name), None)
    if one is None:
        raise NotTaken("sheet", sheet=name, sheets="、".join(sheet.name for sheet in book.sheets))
    part = package.part_named(book.archive, one.part)
    if not part:
        raise Unreadable("damaged", detail=f"xlsx: {one.part}")
    return part


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


def _values(
    table: Table, rows: Filling, sheet: Sheet, formats: "Formats", problems: list[Problem]
) -> Iterator[tuple[str, Value]]:
    """Yield the cells to be written; what can't be is told in `problems`."""
    kinds = {one.letter: kind_of(one) for one in table.columns}
    for i, row in enumerate(rows):
        number = table.begins + i
        for column in table.columns:
            counted = column.asks is Asks.SERIAL and column.letter not in row
            if column.asks is Asks.FORMULA or (column.letter not in row and not counted):
                continue
            reference = f"{column.letter}{number}"
            value = i + 1 if counted else row[column.letter]
            place = sheet.cells.get(reference)
            why = "merged" if sheet.covered(reference) else "formula" if place and place.formula else ""
            if why:
                if value not in (None, "") and not counted:
                    problems.append(Problem(reference, why))
                continue
            style = place.style if place else sheet.style_of(number, column_index(column.letter))
            yield reference, to_cell(value, kinds[column.letter], formats.shows(style))


class Formats:
    """How the styles of a workbook show their cells."""

    def __init__(self, book: Workbook) -> None:
        self.codes: dict[int, str] = {}
        self.styles: list[int] = []
        self.inside = False
        name = package.part_named(book.archive, "xl/styles.xml")
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
