"""A table out of rows of cells, as sheets and pages have them: header, data, totals, merged cells."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from citybrain.base.exchange.reading.header import LOOKED_AT, find_header, is_footer
from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.plan import Plan
from citybrain.base.exchange.reading.report import Note, Unreadable
from citybrain.base.exchange.reading.rows import RowWriter

Row = tuple[int, list[str]]
Span = tuple[int, int, int, int]
"""Merged cells: first row (from 1), first column (from 0), last row, last column."""
FOOTER_ROWS = 20


def tabulate(
    rows: Iterable[Row],
    target: Path,
    limits: Limits,
    *,
    spans: Sequence[Span] = (),
    header_row: int | None = None,
    fill: Sequence[str] = (),
) -> tuple[Plan, tuple[int, ...], tuple[Note, ...]]:
    """Write the data rows to `target`; return (plan, header rows by number, notes). Rows come with their numbers.

    `header_row` and `fill` (columns to fill downwards) are what a person said.
    """
    source = iter(fill_merged(rows, spans))
    first = [row for row, _ in zip(source, range(LOOKED_AT), strict=False)]
    shown = [cells for _, cells in first]
    if not any(any(cell.strip() for cell in cells) for cells in shown):
        raise Unreadable("no_rows")
    at = {number: i for i, (number, _) in enumerate(first)}
    near = [(at[a], left, at.get(b, at[a]), right) for a, left, b, right in spans if a in at]
    header = find_header(shown, spans=near, at=at.get(header_row) if header_row else None)
    wanted = [i for i, name in enumerate(header.names) if name in fill]
    writer = RowWriter(target, header.names, limits, fill=wanted)
    footer = _write(chain(first[header.begins :], source), writer)
    notes = list(header.notes)
    if footer:
        told = " / ".join(" ".join(cell for cell in cells if cell.strip()) for _, cells in footer)
        notes.append(Note("footer", {"count": len(footer), "text": told[:200]}))
    if wanted:
        notes.append(Note("filled", {"names": "、".join(header.names[i] for i in wanted)}))
    if writer.broken_count:
        notes.append(Note("column_limit"))
    numbers = tuple(first[i][0] for i in range(header.first, header.last + 1))
    return writer.close(), numbers, tuple(notes)


def _write(rows: Iterable[Row], writer: RowWriter) -> list[Row]:
    """Write the rows; return those at the end that are totals or remarks instead of data."""
    width = len(writer.names)
    held: deque[Row] = deque()
    for number, cells in rows:
        if is_footer(cells, width) and len(held) < FOOTER_ROWS:
            held.append((number, cells))
            continue
        while held:
            _write_row(*held.popleft(), width, writer)
        _write_row(number, cells, width, writer)
    return [(number, cells) for number, cells in held if any(cell.strip() for cell in cells)]


def _write_row(number: int, cells: list[str], width: int, writer: RowWriter) -> None:
    beyond = cells[width:]
    if beyond and any(cell.strip() for cell in beyond):
        writer.set_aside(number, "too_many_columns", "\t".join(cells))
        return
    if not any(cell.strip() for cell in cells):
        return
    padded: list[str | None] = [*cells[:width], *([None] * (width - len(cells)))]
    writer.put(number, padded)


def fill_merged(rows: Iterable[Row], spans: Sequence[Span]) -> Iterator[Row]:
    """Yield the rows with cells merged downwards filled with the value of their first row."""
    waiting = deque(sorted(span for span in spans if span[2] > span[0]))
    open_spans: list[tuple[Span, list[str]]] = []
    for number, cells in rows:
        while waiting and waiting[0][0] <= number:
            span = waiting.popleft()
            if span[2] >= number:
                open_spans.append((span, cells[span[1] : span[3] + 1] if span[0] == number else []))
        if open_spans:
            open_spans = [one for one in open_spans if one[0][2] >= number]
            for span, values in open_spans:
                _fill(cells, span[1], values)
        yield number, cells


def _fill(cells: list[str], left: int, values: Sequence[str]) -> None:
    for i, value in enumerate(values[:1], start=left):
        if i >= len(cells):
            cells.extend([""] * (i + 1 - len(cells)))
        cells[i] = cells[i] or value
