"""Rows read back from a form's workbook that was filled elsewhere, in Excel or WPS."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Final

from citybrain.base.exchange.reading.grid import Row, Span, fill_merged
from citybrain.base.exchange.reading.header import LOOKED_AT
from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.report import Unreadable
from citybrain.base.exchange.reading.sheets import column_index, open_sheet
from citybrain.hub.forms.book.breaks import sound
from citybrain.hub.forms.book.facts import kind_of_file
from citybrain.hub.forms.book.form_end import body
from citybrain.hub.forms.book.layout import in_order, names_over
from citybrain.hub.forms.book.table import Note, NotTaken, Problem, Table, Taken, TakenRow
from citybrain.hub.forms.book.values import from_cell, kind_of
from citybrain.hub.forms.columns import Asks, Column

SHIFTS: Final = 20
PROBLEMS_MOST: Final = 500
COMPUTED: Final = frozenset({Asks.FORMULA, Asks.SERIAL})


def read_rows(table: Table, path: Path, limits: Limits | None = None) -> Taken:
    """Return the rows of a workbook that was filled after the form `table`; `table.path` isn't opened.

    Serial numbers and formulas are left out, and rows that hold nothing else; so are totals and remarks below the
    table. A header that lies a few rows off is found; one that asks something else is refused. Raises NotTaken,
    Unreadable.
    """
    with sound(), tempfile.TemporaryDirectory(prefix="citybrain-form-") as work:
        kind = kind_of_file(path)
        try:
            opened = open_sheet(
                path, "xls" if kind == "xls" else "xlsx", Path(work), limits or Limits(), table.sheet
            )
        except Unreadable as refused:
            if refused.key == "sheet":
                raise NotTaken("sheet", **refused.params) from refused
            raise
        head = list(islice(opened.rows, LOOKED_AT))
        off = _shift(table, in_order(head), opened.spans)
        rows = fill_merged(
            chain(head, opened.rows), [one for one in opened.spans if one[0] >= table.begins + off]
        )
        return _taken(table, off, rows, opened.spans)


def _taken(table: Table, off: int, source: Iterator[Row], spans: Sequence[Span]) -> Taken:
    width = max((column_index(one.letter) + 1 for one in table.columns), default=1)
    there = body(source, spans, table.begins + off, width)
    notes = [Note("moved", {"was": table.header_first, "row": table.header_first + off})] if off else []
    problems: list[Problem] = []
    asked = [
        (one, column_index(one.letter), kind_of(one)) for one in table.columns if one.asks not in COMPUTED
    ]
    rows: list[TakenRow] = []
    for number, cells in sorted(there.held.items()):
        values: dict[str, str] = {}
        for column, at, kind in asked:
            text, why = _cell(cells[at] if at < len(cells) else "", column, kind)
            values[column.letter] = text
            if why:
                problems.append(Problem(f"{column.letter}{number}", why, {"text": text[:60]}))
        if any(values.values()):
            rows.append(TakenRow(number, values))
        extra = next((one.strip() for one in cells[width:] if one.strip()), "")
        if extra:
            problems.append(Problem(f"{number}:{number}", "beyond", {"text": extra[:60]}))
    if not rows:
        notes.append(Note("emptied"))
    return Taken(tuple(rows), tuple(notes), tuple(problems[:PROBLEMS_MOST]))


def _cell(text: str, column: Column, kind: str) -> tuple[str, str]:
    if text.startswith("=") and len(text) > 1:
        return "", "bare"
    told, why = from_cell(text, kind)
    if why == "number" and column.options and told in column.options:
        return told, ""
    return told, why


def _shift(table: Table, rows: Sequence[Sequence[str]], spans: Sequence[Span]) -> int:
    """Return by how many rows the header lies lower than in the form. Raises NotTaken where it isn't there."""
    by_index = [(top - 1, left, bottom - 1, right) for top, left, bottom, right in spans]
    best: list[str] = []
    for off in sorted(range(1 - table.header_first, SHIFTS), key=abs):
        wrong = _differing(table, rows, by_index, off)
        if not wrong:
            return off
        if off == 0:
            best = wrong
    raise NotTaken("header", columns="、".join(best[:8]))


def _differing(table: Table, rows: Sequence[Sequence[str]], spans: Sequence[Span], off: int) -> list[str]:
    first, last = table.header_first - 1 + off, table.header_last - 1 + off
    return [
        f"{one.letter} {one.name}"
        for one in table.columns
        if _plain(names_over(rows, first, last, spans, column_index(one.letter))) != _plain(one.path)
    ]


def _plain(path: Sequence[str]) -> str:
    return re.sub(r"\s+", "", "/".join(path))
