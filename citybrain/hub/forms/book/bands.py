"""How wide a printed form's columns are, and which of them stand beside each other on a page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from citybrain.hub.forms.columns import Asks, Column

Width = Callable[[str, float], float]
SIZES: Final = (9.0, 8.0, 7.0, 6.5)
LEADING: Final = 1.28
PAD: Final = 2.2
LOOKED_AT: Final = 400
REPEATED: Final = 2  # the first columns come again with every band: number and name
FAIR: Final = 24.0  # letters: a longer text is broken into lines


@dataclass(frozen=True, slots=True)
class Band:
    """Columns beside each other: their indexes, widths in points, the height of each header row."""

    columns: tuple[int, ...]
    widths: tuple[float, ...]
    size: float
    heads: tuple[float, ...]
    middle: tuple[bool, ...]

    @property
    def head_high(self) -> float:
        return sum(self.heads)

    def edge(self, at: int) -> float:
        """Return the left edge of a column, or the right one of the last."""
        return sum(self.widths[:at])

    def wrapped(self, text: str, at: int, width: Width) -> tuple[str, ...]:
        """Return a cell's lines."""
        return self.wrapped_in(text, self.widths[at], width)

    def wrapped_in(self, text: str, room: float, width: Width) -> tuple[str, ...]:
        """Return a text's lines that fit into a width."""
        return wrapped(text, room - 2 * PAD, self.size, width)


def wrapped(text: str, room: float, size: float, width: Width) -> tuple[str, ...]:
    """Return the lines of a text. Chinese breaks anywhere, and so does a number that is too long for a line."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line, used = "", 0.0
        if width(paragraph, size) <= room:
            lines.append(paragraph)
            continue
        for one in paragraph:
            wide = width(one, size)
            if line and used + wide > room:
                lines.append(line)
                line, used = "", 0.0
            line, used = line + one, used + wide
        lines.append(line)
    return tuple(lines)


def bands(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: float, width: Width) -> list[Band]:
    """Return the bands of a form: one where its columns fit in letters of 6.5 points or more."""
    if not columns:
        return []
    for size in SIZES:
        wanted = [_wanted(one, rows, i, size, width) for i, one in enumerate(columns)]
        if sum(wanted) <= room:
            spare = (room - sum(wanted)) / sum(wanted)
            return [_band(columns, range(len(columns)), [one * (1 + spare) for one in wanted], size, width)]
    told: list[Band] = []
    kept = min(REPEATED, len(columns) - 1)
    at = 0
    while at < len(columns):
        part = list(range(kept)) if at else []
        used = sum(wanted[one] for one in part)
        while at < len(columns) and (used + wanted[at] <= room or len(part) <= (kept if told else 0)):
            part.append(at)
            used += wanted[at]
            at += 1
        scale = room / used
        told.append(_band(columns, part, [wanted[one] * scale for one in part], SIZES[-1], width))
    return told


def _wanted(column: Column, rows: Sequence[Sequence[str]], at: int, size: float, width: Width) -> float:
    """Return the width a column would like: its longest usual text, a header of two lines."""
    least = 3.2 * size
    texts = [row[at] for row in rows[:LOOKED_AT]]
    longest = max((width(one, size) for one in texts if one), default=0.0)
    head = width(column.name, size) / (2 if len(column.name) > 4 else 1)
    return max(least, min(longest, FAIR * size * 0.5 if _breaks(texts) else FAIR * size), head) + 2 * PAD + 1


def _breaks(texts: Sequence[str]) -> bool:
    return any(len(one) > 8 and not one.isascii() for one in texts)


def _band(
    columns: Sequence[Column], at: Sequence[int], widths: Sequence[float], size: float, width: Width
) -> Band:
    shown = [columns[one] for one in at]
    depth = max((len(one.path) for one in shown), default=1) or 1
    heads = [size * LEADING + 2 * PAD] * depth
    for first, last, top, bottom, name in merged_heads(shown):
        lines = len(wrapped(name, sum(widths[first : last + 1]) - 2 * PAD, size, width))
        need = lines * size * LEADING + 2 * PAD
        have = sum(heads[top : bottom + 1])
        if need > have:
            heads[bottom] += need - have
    middle = tuple(not (one.asks in {Asks.DATA, Asks.COUNT, Asks.ANSWER} and _long(one)) for one in shown)
    return Band(tuple(at), tuple(widths), size, tuple(heads), middle)


def _long(column: Column) -> bool:
    return column.type.startswith(("varchar", "char")) and any(
        word in column.name for word in ("地址", "住址", "备注", "说明", "情况", "原因", "内容", "措施")
    )


def merged_heads(columns: Sequence[Column]) -> list[tuple[int, int, int, int, str]]:
    """Return the header's cells as (first column, last column, first row, last row, name), merged as in the form."""
    depth = max((len(one.path) for one in columns), default=1) or 1
    paths = [one.path or (one.letter,) for one in columns]
    cells: list[tuple[int, int, int, int, str]] = []
    for level in range(depth):
        at = 0
        while at < len(paths):
            path = paths[at]
            if level >= len(path):
                at += 1
                continue
            ends = level == len(path) - 1
            last = at
            while not ends and last + 1 < len(paths) and _same(path, paths[last + 1], level):
                last += 1
            cells.append((at, last, level, depth - 1 if ends else level, path[level]))
            at = last + 1
    return cells


def _same(one: Sequence[str], other: Sequence[str], level: int) -> bool:
    return len(other) > level + 1 and tuple(one[: level + 1]) == tuple(other[: level + 1])
