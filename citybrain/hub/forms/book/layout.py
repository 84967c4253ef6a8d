"""Where the header of a form stands, what its columns are called, and where its rows begin and end."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from citybrain.base.exchange.reading.grid import Row, Span
from citybrain.base.exchange.reading.header import LOOKED_AT, blank, find_header, is_footer
from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.sheets import Opened, open_sheet
from citybrain.hub.forms.book.sheet import letters_of
from citybrain.hub.forms.matching.matcher import Column

EXAMPLES: Final = 5
ATTACHED: Final = re.compile(r"附\s*[件表录]?\s*[\d一二三四五六七八九十]*\s*(?:[-—]\s*\d+)?\s*[:：]?")
LABEL: Final = re.compile(r"\S{2,8}[:：]")


@dataclass(frozen=True, slots=True)
class Layout:
    """A form's table. Rows are counted from 1, as Excel does; `begins` is the first one to be filled."""

    sheet: str
    title: str
    columns: tuple[Column, ...]
    header_first: int
    header_last: int
    begins: int


def layout(
    path: Path, work: Path, kind: str = "xlsx", wanted: str = "", limits: Limits | None = None
) -> Layout:
    """Return the table of a workbook's sheet: the one named, or the first that shows and holds something.

    `work` is a folder for what is unpacked. Raises Unreadable.
    """
    opened = open_sheet(path, kind, work, limits or Limits(), wanted)
    return of_rows(opened.name, _rows(opened), opened.spans)


def _rows(opened: Opened) -> list[tuple[str, ...]]:
    return in_order(islice(opened.rows, LOOKED_AT))


def in_order(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """Return rows by their index, with the empty ones between."""
    told: list[tuple[str, ...]] = []
    for number, cells in rows:
        told.extend(() for _ in range(min(number - 1 - len(told), LOOKED_AT)))
        told.append(tuple(cells))
    return told


def of_rows(sheet: str, rows: Sequence[Sequence[str]], spans: Sequence[Span]) -> Layout:
    """Return the table among the first rows of a sheet; `spans` are its merged cells, as in Opened."""
    by_index = [(top - 1, left, bottom - 1, right) for top, left, bottom, right in spans]
    header = find_header(rows, spans=by_index)
    title = _title([cell.strip() for row in rows[: header.first] for cell in row if not blank(cell)]) or sheet
    width = len(header.names)
    below = [row for row in rows[header.begins :] if not is_footer(row, width)]
    columns = tuple(
        Column(
            letters_of(at), names_over(rows, header.first, header.last, by_index, at), _examples(below, at)
        )
        for at in range(width)
    )
    return Layout(sheet, title, columns, header.first + 1, header.last + 1, header.begins + 1)


def _title(above: Sequence[str]) -> str:
    """Return the title among the cells above a header: not "附件 1", nor "填报单位：" and the like."""
    named = (one for one in above if not ATTACHED.fullmatch(one) and not LABEL.match(one))
    return next(named, next(iter(above), ""))


def names_over(
    rows: Sequence[Sequence[str]], first: int, last: int, spans: Sequence[Span], at: int
) -> tuple[str, ...]:
    """Return the names over a column, outermost first; a merged name stands over all its columns.

    `first` and `last` are the header's rows and `spans` its merged cells, all by index.
    """
    names: list[str] = []
    for number in range(first, last + 1):
        row, column = number, at
        for top, left, bottom, right in spans:
            if top <= number <= bottom and left <= at <= right:
                row, column = top, left
        name = rows[row][column].strip() if row < len(rows) and column < len(rows[row]) else ""
        if name and (not names or names[-1] != name):
            names.append(name)
    return tuple(names)


def _examples(rows: Sequence[Sequence[str]], at: int) -> tuple[str, ...]:
    filled = (row[at].strip() for row in rows if at < len(row) and not blank(row[at]))
    return tuple(islice(filled, EXAMPLES))
