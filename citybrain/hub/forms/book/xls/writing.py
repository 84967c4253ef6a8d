"""Rows written into an old workbook's table; the counterpart of `book.writing` for .xls."""

from collections.abc import Iterator

from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.sheets import column_index
from citybrain.hub.forms.book.table import Filling, NotTaken, Problem, Table, Value, Written
from citybrain.hub.forms.book.values import kind_of, to_cell
from citybrain.hub.forms.book.writing import body_of, prepared
from citybrain.hub.forms.book.xls import cells, growing
from citybrain.hub.forms.book.xls.cells import LAST_ROW, Grid, Texts
from citybrain.hub.forms.book.xls.records import Book
from citybrain.hub.forms.columns import Asks


def write(table: Table, rows: Filling, limits: Limits) -> Written:
    """Return the .xls with its rows filled. Raises NotTaken, Unreadable."""
    there = body_of(table, "xls", limits)
    book = Book(table.path, limits)
    tab = book.tab(table.sheet)
    sheet = cells.grid(book.parts[tab.at])
    columns = {
        row + 1: [column for one in told for column in range(one.first, one.last + 1)]
        for row, told in sheet.cells.items()
    }
    last = prepared(table, there, columns)
    more = max(0, table.begins + len(rows) - 1 - max(last, table.begins - 1))
    if max(max(columns, default=0), last) + more > LAST_ROW:
        raise NotTaken("sheet_full", count=len(rows), limit=LAST_ROW)
    parts: dict[int, bytes] = {}
    if more:
        parts = growing.grow(book, tab, sheet, table.begins, last, more)
    problems: list[Problem] = []
    texts = Texts(book.shared())
    count = 0
    for row, column, value in _values(table, rows, sheet, book, problems):
        style = sheet.style(row, column)
        sheet.put(row, column, cells.record(row, column, style, value, texts, book.from_1904))
        count += 1
    parts[tab.at] = sheet.raw()
    changed = {at: cells.calculated(parts.get(at, known)) for at, known in book.parts.items()}
    content = book.written(changed, list(texts.numbers), texts.uses)
    return Written(content, "xls", len(rows), count, more, tuple(problems))


def _values(
    table: Table, rows: Filling, sheet: Grid, book: Book, problems: list[Problem]
) -> Iterator[tuple[int, int, Value]]:
    """Yield (row, column, value), from 0, of the cells to be written."""
    covered = {
        (row, column)
        for top, bottom, left, right in sheet.merged()
        if bottom >= table.begins - 1
        for row in range(top, bottom + 1)
        for column in range(left, right + 1)
        if (row, column) != (top, left)
    }
    kinds = {one.letter: kind_of(one) for one in table.columns}
    for i, row in enumerate(rows):
        number = table.begins + i
        for column in table.columns:
            counted = column.asks is Asks.SERIAL and column.letter not in row
            if column.asks is Asks.FORMULA or (column.letter not in row and not counted):
                continue
            at = column_index(column.letter)
            value = i + 1 if counted else row[column.letter]
            known = sheet.cell(number - 1, at)
            formula = known is not None and known.formula
            why = "merged" if (number - 1, at) in covered else "formula" if formula else ""
            if why:
                if value not in (None, "") and not counted:
                    problems.append(Problem(f"{column.letter}{number}", why))
                continue
            yield (
                number - 1,
                at,
                to_cell(value, kinds[column.letter], book.shows(sheet.style(number - 1, at))),
            )
