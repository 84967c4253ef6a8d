"""A table in an HTML page, as many systems export it under the name .xls."""

import re
from html.parser import HTMLParser
from pathlib import Path

from citybrain.base.exchange.reading.encodings import decide, scan
from citybrain.base.exchange.reading.grid import Row, Span
from citybrain.base.exchange.reading.limits import Limits
from citybrain.base.exchange.reading.report import Unreadable

CHARSET = re.compile(rb'charset=["\']?([\w-]+)', re.IGNORECASE)
WIDEST = 1_000


class _Tables(HTMLParser):
    """Gathers the rows of every table with cells that reach over rows and columns."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[tuple[list[Row], list[Span]]] = []
        self.rows: list[Row] = []
        self.spans: list[Span] = []
        self.row: list[str] | None = None
        self.held: list[str] | None = None
        self.reach = (1, 1)
        self.taken: dict[int, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._end_table()
        elif tag == "tr":
            self._end_row()
            self.row = []
        elif tag in {"td", "th"}:
            self._end_cell()
            given = dict(attrs)
            self.reach = (_reach(given.get("rowspan")), _reach(given.get("colspan")))
            self.held = []
        elif tag == "br" and self.held is not None:
            self.held.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag == "table":
            self._end_table()

    def handle_data(self, data: str) -> None:
        if self.held is not None:
            self.held.append(data)

    def _end_cell(self) -> None:
        if self.held is None or self.row is None:
            self.held = None
            return
        number = len(self.rows) + 1
        while self.taken.get(len(self.row), 0) >= number:
            self.row.append("")
        down, right = self.reach
        at = len(self.row)
        self.row.extend([" ".join("".join(self.held).split()), *([""] * (right - 1))])
        if down > 1 or right > 1:
            self.spans.append((number, at, number + down - 1, at + right - 1))
            self.taken.update(dict.fromkeys(range(at, at + right), number + down - 1))
        self.held = None

    def _end_row(self) -> None:
        self._end_cell()
        if self.row is not None:
            self.rows.append((len(self.rows) + 1, self.row))
        self.row = None

    def _end_table(self) -> None:
        self._end_row()
        if self.rows:
            self.tables.append((self.rows, self.spans))
        self.rows, self.spans, self.taken = [], [], {}


def _reach(value: str | None) -> int:
    return min(int(value), WIDEST) if value and value.isdigit() and int(value) else 1


def read_page(path: Path, limits: Limits) -> tuple[list[Row], list[Span], str]:
    """Return (rows, merged cells, encoding) of the largest table of a page. Raises Unreadable without one."""
    size = path.stat().st_size
    if size > limits.document_bytes:
        raise Unreadable("too_large", bytes=size, limit=limits.document_bytes)
    raw = path.read_bytes()
    told = CHARSET.search(raw[:4096])
    encoding = decide(path, scan(path))
    if told and encoding not in {"utf-8", "utf-8-sig"}:
        encoding = {"gb2312": "gb18030", "gbk": "gb18030"}.get(told[1].decode().lower(), encoding)
    parser = _Tables()
    parser.feed(raw.decode(encoding, "replace"))
    parser.close()
    parser._end_table()
    if not parser.tables:
        raise Unreadable("no_rows")
    rows, spans = max(parser.tables, key=lambda one: sum(len(cells) for _, cells in one[0]))
    return rows, spans, encoding
