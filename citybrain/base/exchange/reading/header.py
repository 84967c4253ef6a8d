"""Where the table begins and ends: titles above the header, headers of several rows, totals and notes below."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from citybrain.base.exchange.reading.report import Note

Cells = Sequence[str]
LOOKED_AT = 60
TITLES_MOST = 20
NAME_LETTERS = 80
UNNAMED = re.compile(r"Unnamed: \d+(_level_\d+)?")
NUMBER = re.compile(r"[+-]?[\d,]*\.?\d+(e[+-]?\d+)?%?", re.IGNORECASE)
DATE = re.compile(
    r"\d{4}[-/.年]\d{1,2}([-/.月]\d{1,2}日?)?([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?|\d{1,2}[-/]\d{1,2}[-/]\d{4}.*"
)
TOTAL = re.compile(r"(合\s*计|总\s*计|小\s*计|共\s*计|grand total|total|sum)[:：]?", re.IGNORECASE)
FOOTER = re.compile(
    r"(注|备注|说明|填表|制表|审核|复核|数据来源|来源|单位负责人|note|source)\w{0,6}\s*[:：]", re.IGNORECASE
)
NAMED = "列{}"


@dataclass(frozen=True)
class Header:
    """Rows by index in the rows given: header rows are `first`..`last` (last < first: none); data begins after."""

    first: int
    last: int
    begins: int
    names: tuple[str, ...]
    notes: tuple[Note, ...] = ()


def blank(cell: str) -> bool:
    """Whether a cell holds nothing, or the name a program gave to a column without one."""
    text = cell.strip()
    return not text or UNNAMED.fullmatch(text) is not None


def is_value(cell: str) -> bool:
    """Whether a cell looks like a number or a date, which no column is called."""
    text = cell.strip()
    return bool(NUMBER.fullmatch(text) or DATE.fullmatch(text))


def filled(row: Cells) -> int:
    """Return how many cells hold something."""
    return sum(not blank(cell) for cell in row)


def find_header(
    rows: Sequence[Cells], *, spans: Sequence[tuple[int, int, int, int]] = (), at: int | None = None
) -> Header:
    """Return where the header is among the first rows.

    `spans` are merged cells of a sheet as (row, column, last row, last column) by index; `at` is the header's row where
    somebody said so.
    """
    width = table_width(rows)
    first = at if at is not None else _first_header_row(rows, width)
    if first is None:
        begins = next((i for i, row in enumerate(rows) if any(cell.strip() for cell in row)), 0)
        names = tuple(NAMED.format(i + 1) for i in range(width))
        return Header(begins, begins - 1, begins, names, (Note("no_header"),))
    last = _last_header_row(rows, first, width, spans)
    notes: list[Note] = []
    titles = [" ".join(cell.strip() for cell in row if not blank(cell)) for row in rows[:first]]
    told = [title for title in titles if title]
    if told:
        notes.append(Note("title_rows", {"count": len(told), "text": " / ".join(told)[:200]}))
    if last > first:
        notes.append(Note("header_rows", {"count": last - first + 1}))
    begins = last + 1
    if begins < len(rows) and _is_numbering(rows[begins], width):
        begins += 1
        notes.append(Note("numbered"))
    names, about = _named(_joined(rows[first : last + 1], width, spans, first))
    return Header(first, last, begins, names, (*notes, *about))


def table_width(rows: Sequence[Cells]) -> int:
    """Return the width most rows with more than one filled cell have; the widest of equally frequent ones."""
    widths = Counter(_used(row) for row in rows if filled(row) > 1 or _used(row) == 1)
    if not widths:
        return max((len(row) for row in rows), default=0)
    most = max(widths.values())
    common = max(width for width, count in widths.items() if count >= max(1, most * 0.8))
    header = max((_used(row) for row in rows[:5] if _names(row)), default=0)
    return max(common, header)


def _used(row: Cells) -> int:
    return max((i + 1 for i, cell in enumerate(row) if cell.strip()), default=0)


def _names(row: Cells) -> bool:
    """Whether every filled cell could be a column's name."""
    cells = [cell.strip() for cell in row if not blank(cell)]
    return bool(cells) and not any(is_value(cell) or len(cell) > NAME_LETTERS for cell in cells)


def _first_header_row(rows: Sequence[Cells], width: int) -> int | None:
    for i, row in enumerate(rows[:TITLES_MOST]):
        count = filled(row)
        if not count or (width > 1 and count < max(2, width * 0.4)):
            continue
        if not _names(row):
            return None
        below = [one for one in rows[i + 1 : i + 40] if filled(one)]
        return i if not below or _differs(row, below) else None
    return None


def _differs(row: Cells, below: Sequence[Cells]) -> bool:
    """Whether a row of texts may head the rows below: something there isn't text, or nothing of it comes again.

    Without a number or date anywhere the first row is taken as header unless one of its cells is found again below
    in its own column (then it is a row like the others).
    """
    if any(is_value(cell) for one in below for cell in one):
        return True
    again = sum(
        1
        for i, cell in enumerate(row)
        if cell.strip() and any(i < len(one) and one[i].strip() == cell.strip() for one in below)
    )
    return again * 2 < max(filled(row), 1)


def _last_header_row(
    rows: Sequence[Cells], first: int, width: int, spans: Sequence[tuple[int, int, int, int]]
) -> int:
    touching = [span for span in spans if span[0] == first]
    if touching:
        deepest = max(span[2] for span in touching)
        wide = any(
            span[3] > span[1] and span[2] == first and _names_below(rows, span, spans) for span in touching
        )
        return min(max(deepest, first + wide), len(rows) - 1)
    last = first
    while (
        last - first < 3
        and last + 2 < len(rows)
        and _continues(rows[first : last + 1], rows[last + 1], width)
    ):
        last += 1
    return last


def _names_below(
    rows: Sequence[Cells], span: tuple[int, int, int, int], spans: Sequence[tuple[int, int, int, int]]
) -> bool:
    """Whether a wide name has others beneath it: the row below is neither empty there nor merged alike."""
    row, left, _, right = span
    alike = any(one[0] == row + 1 and (one[1], one[3]) == (left, right) for one in spans)
    below = rows[row + 1] if row + 1 < len(rows) else ()
    return not alike and any(not blank(_cell(below, i)) for i in range(left, right + 1))


def _continues(above: Sequence[Cells], row: Cells, width: int) -> bool:
    """Whether a row is a further header row: names below every gap of the rows above, and nearly only there."""
    if not _names(row):
        return False
    heads = [[not blank(_cell(one, i)) for one in above] for i in range(width)]
    gaps = [i for i, told in enumerate(heads) if not told[-1]]
    if not gaps or any(blank(_cell(row, i)) for i in gaps):
        return False
    beginnings = {i - 1 for i in gaps} - set(gaps)
    outside = [i for i in range(width) if i not in gaps and i not in beginnings]
    return all(blank(_cell(row, i)) for i in outside)


def _cell(row: Cells, i: int) -> str:
    return row[i] if i < len(row) else ""


def _is_numbering(row: Cells, width: int) -> bool:
    """Whether a row only numbers the columns: 甲 乙 1 2 …, or 1 to 6 and more where no letters go before."""
    cells = [cell.strip() for cell in row[:width]]
    numbers = [cell for cell in cells if cell.isdigit()]
    letters = [cell for cell in cells if cell in {"甲", "乙", "丙", "丁"}]
    return bool(
        (len(numbers) >= 6 or (letters and len(numbers) >= 2))
        and len(numbers) + len(letters) == width
        and [int(number) for number in numbers] == list(range(1, len(numbers) + 1))
    )


def _joined(
    rows: Sequence[Cells], width: int, spans: Sequence[tuple[int, int, int, int]], first: int
) -> list[str]:
    """Return one name a column: upper and lower names joined by "/", upper ones running on to the right."""
    if len(rows) == 1:
        return ["" if blank(_cell(rows[0], i)) else _tidy(_cell(rows[0], i)) for i in range(width)]
    levels: list[list[str]] = []
    for depth, row in enumerate(rows):
        level = ["" if blank(_cell(row, i)) else _tidy(_cell(row, i)) for i in range(width)]
        if depth < len(rows) - 1:
            level = _run_on(level, rows[depth + 1 :], spans, first + depth)
        levels.append(level)
    names = []
    for i in range(width):
        parts = [level[i] for level in levels if level[i]]
        names.append("/".join(dict.fromkeys(parts)))
    return names


def _run_on(
    level: list[str], below: Sequence[Cells], spans: Sequence[tuple[int, int, int, int]], row: int
) -> list[str]:
    wide = {i: span for span in spans if span[0] == row for i in range(span[1], span[3] + 1)}
    told = list(level)
    for i in range(1, len(told)):
        if told[i] or all(blank(_cell(one, i)) for one in below):
            continue
        if spans:
            told[i] = told[wide[i][1]] if i in wide else ""
        else:
            told[i] = told[i - 1]
    return told


def _tidy(name: str) -> str:
    return " ".join(name.replace("\ufeff", "").replace("\u3000", " ").split())


def _named(names: Sequence[str]) -> tuple[tuple[str, ...], list[Note]]:
    """Return names that are there and differ, with what was done about it."""
    unnamed = [i + 1 for i, name in enumerate(names) if not name]
    given = [name or NAMED.format(i + 1) for i, name in enumerate(names)]
    seen: Counter[str] = Counter()
    taken = {name.lower() for name in given}
    told: list[str] = []
    repeated: list[str] = []
    for name in given:
        seen[name.lower()] += 1
        unique, number = name, seen[name.lower()]
        while number > 1 and unique.lower() in taken:
            unique, number = f"{name}_{number}", number + 1
        if unique != name:
            repeated.append(unique)
            taken.add(unique.lower())
        told.append(unique)
    notes = [Note("unnamed", {"columns": "、".join(map(str, unnamed))})] if unnamed else []
    if repeated:
        notes.append(Note("repeated", {"names": "、".join(repeated)}))
    return tuple(told), notes


def is_footer(row: Cells, width: int) -> bool:
    """Whether a last row is a total, a remark or empty rather than data."""
    cells = [cell.strip() for cell in row if cell.strip()]
    if not cells:
        return True
    if TOTAL.fullmatch(cells[0]):
        return width > 1
    return len(cells) <= 2 and width > 2 and FOOTER.match(cells[0]) is not None
