"""Delimited text: which sign parts the cells, where the header is, where totals begin. The engine reads the rest."""

import csv
import io
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from citybrain.base.exchange.reading.encodings import Cleaned
from citybrain.base.exchange.reading.header import LOOKED_AT, find_header, is_footer
from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.plan import Plan
from citybrain.base.exchange.reading.report import Note, Unreadable
from citybrain.base.exchange.reading.rows import RowWriter

DELIMITERS = (",", "\t", ";", "|", "\x01", "^", "~", "，", "||", "|@|", "\x1f")
SAMPLE = 512 << 10
RECORDS = 200
TAIL = 64 << 10
STAND_IN = "\x02"  # for a delimiter of several letters, where the csv module takes one only


@dataclass(frozen=True)
class Dialect:
    """How the cells are parted and quoted."""

    delimiter: str
    quote: str = '"'


def records(text: str, dialect: Dialect, limit: int = RECORDS) -> list[tuple[int, list[str]]]:
    """Return the first records of a text as (lines up to its end, cells)."""
    delimiter = dialect.delimiter
    if len(delimiter) > 1:
        text, delimiter = text.replace(delimiter, STAND_IN), STAND_IN
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=dialect.quote)
    found: list[tuple[int, list[str]]] = []
    try:
        for cells in itertools.islice(reader, limit):
            found.append((reader.line_num, cells))  # noqa: PERF401  a broken record keeps those before it
    except csv.Error:
        pass
    return found


def sniff(text: str) -> Dialect:
    """Return the dialect of a sample: the sign that parts most records into the same number of cells, 2 or more."""
    best, best_score = Dialect(","), 0.0
    for delimiter in (*_spaced(text), *DELIMITERS):
        if delimiter not in text:
            continue
        for quote in ('"', "'") if f"{delimiter}'" in text or text.startswith("'") else ('"',):
            score = _score(records(text, Dialect(delimiter, quote)))
            if quote == "'":
                score *= 0.99 if _quoted_by_apostrophe(text, delimiter) else 0.5
            if score > best_score + 1e-9:
                best, best_score = Dialect(delimiter, quote), score
    return best


def _spaced(text: str) -> tuple[str, ...]:
    """Return the signs that a blank follows, where a quote after the blank would else be taken for text."""
    return tuple(f"{sign} " for sign in ",;" if f'{sign} "' in text and f'{sign}"' not in text)


def _score(found: Sequence[tuple[int, list[str]]]) -> float:
    widths = Counter(len(cells) for _, cells in found if any(cells))
    total = sum(widths.values())
    if not total:
        return 0.0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width < 2:
        return 0.0
    filled = sum(bool(cell.strip()) for _, cells in found for cell in cells if len(cells) == width) / (
        width * count
    )
    return (count / total) ** 2 * (1 - 1 / width) * (0.5 + filled / 2)


def _quoted_by_apostrophe(text: str, delimiter: str) -> bool:
    return text.count(f"'{delimiter}'") > 2 and '"' not in text[:2000]


def sample(path: Path) -> str:
    """Return the beginning of a UTF-8 file up to a line's end."""
    with path.open("rb") as file:
        raw = file.read(SAMPLE)
        if len(raw) == SAMPLE:
            raw += file.readline(SAMPLE)
    return raw.decode("utf-8-sig", "replace")


def read_delimited(
    cleaned: Cleaned,
    work: Path,
    limits: Limits,
    *,
    delimiter: str = "",
    header_row: int | None = None,
    fill: Sequence[str] = (),
) -> tuple[Plan, str, tuple[int, ...], tuple[Note, ...]]:
    """Return (plan, delimiter, header lines, notes) of a clean text. Raises Unreadable where there are no rows."""
    text = sample(cleaned.path)
    dialect = Dialect(delimiter) if delimiter else sniff(text)
    found = records(text, dialect, LOOKED_AT)
    rows = [cells for _, cells in found]
    if not any(any(cell.strip() for cell in cells) for cells in rows):
        raise Unreadable("no_rows")
    ends = [line for line, _ in found]
    starts = [1, *(line + 1 for line in ends)]
    at = starts.index(header_row) if header_row in starts else None
    header = find_header(rows, at=at)
    names = _as_wide_as_rows(header.names, rows[header.begins :])
    if len(names) > limits.columns:
        raise Unreadable("columns", count=len(names), limit=limits.columns)
    skip = starts[header.begins] - 1 if header.begins else 0
    lines = tuple(starts[i] for i in range(header.first, header.last + 1))
    path, footer = _without_footer(cleaned.path, work, dialect, len(names), skip)
    plan = Plan(
        "csv",
        str(path),
        names,
        dialect.delimiter,
        dialect.quote,
        skip,
        cleaned.plain and dialect.quote == '"',
    )
    notes = [*header.notes, *footer]
    wanted = [name for name in names if name in fill]
    if wanted:
        plan = filled_down(plan, work, limits, wanted)
        notes.append(Note("filled", {"names": "、".join(wanted)}))
    return plan, dialect.delimiter, lines, tuple(notes)


def _as_wide_as_rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the names, with one more where every row ends with a delimiter the header lacks (or without it)."""
    widths = Counter(len(cells) for cells in rows if any(cells))
    if not widths:
        return tuple(names)
    common, count = widths.most_common(1)[0]
    if common > len(names) and count * 2 > sum(widths.values()):
        return (*names, *(f"列{i + 1}" for i in range(len(names), common)))
    if common < len(names) and all(len(cells) == common for cells in rows if any(cells)):
        return tuple(names[:common])
    return tuple(names)


def _without_footer(
    path: Path, work: Path, dialect: Dialect, width: int, skip: int
) -> tuple[Path, tuple[Note, ...]]:
    """Return a file that ends with its last data row, and a note on what followed."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - TAIL))
        tail = file.read()
    if size > TAIL:
        tail = tail[tail.find(b"\n") + 1 :]
    lines = tail.splitlines(keepends=True)
    if size <= TAIL:
        lines = lines[skip:]
    cut = 0
    told: list[str] = []
    for line in reversed(lines):
        text = line.decode("utf-8-sig", "replace").strip("\r\n")
        cells = next((cells for _, cells in records(text, dialect, 1)), [])
        if not is_footer(cells, width):
            break
        cut += len(line)
        if text.strip(f"{dialect.delimiter}{dialect.quote} \t"):
            told.insert(0, " ".join(cell for cell in cells if cell.strip()))
    if not told:
        return path, ()
    target = work / "body.csv"
    if path.parent == work:
        with path.open("r+b") as file:
            file.truncate(size - cut)
        target = path
    else:
        _copy_front(path, target, size - cut)
    return target, (Note("footer", {"count": len(told), "text": " / ".join(told)[:200]}),)


def _copy_front(path: Path, target: Path, size: int) -> None:
    with path.open("rb") as source, target.open("wb") as out:
        left = size
        while left > 0 and (piece := source.read(min(left, 1 << 20))):
            out.write(piece)
            left -= len(piece)


def filled_down(plan: Plan, work: Path, limits: Limits, names: Sequence[str]) -> Plan:
    """Return the plan of a copy in which blanks in these columns hold the value above them."""
    from citybrain.base.exchange.reading.plan import connection, quoted

    writer = RowWriter(
        work / "filled.parquet", plan.names, limits, fill=[plan.names.index(name) for name in names]
    )
    with connection() as link:
        link.execute("SET threads=1")
        reader = link.execute(
            f"SELECT {', '.join(quoted(name) for name in plan.names)} FROM {plan.source()}"  # noqa: S608
        )
        number = plan.skip
        while rows := reader.fetchmany(8192):
            for cells in rows:
                number += 1
                writer.put(number, list(cells))
        count, broken = plan.set_aside(link)
    for one in broken:
        writer.set_aside(one.line, one.reason, one.text)
    writer.broken_count = count
    return writer.close()
