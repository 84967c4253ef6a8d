"""A filled form on paper: A4 across, its header on every page, page numbers, signatures, where values are from."""

import logging
import struct
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas

from citybrain.hub.forms.book.bands import Band, bands, merged_heads
from citybrain.hub.forms.columns import Column

log = logging.getLogger("citybrain.forms")
SONG: Final = "STSong-Light"  # every reader has a stand-in for this Chinese face; nothing is embedded
SONG_HAS: Final = range(0x10000)
MISSING: Final = "〓"
COMMON: Final = "表"  # a font for Chinese has it
WIDE: Final[float] = landscape(A4)[0]
HIGH: Final[float] = landscape(A4)[1]
MARGIN: Final = 34.0
FOOT: Final = 22.0
LEADING: Final = 1.28
PAD: Final = 2.2
LINE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Source:
    """Where values come from: the mark beside them, its name, the day it is of."""

    mark: str
    name: str
    as_of: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """What is printed. `rows` are letter → text, `marks` the same letters → the mark of a Source, row by row.

    `signatures` are lines under the table, such as "填表人：张三"; without any, empty ones are drawn to be signed.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, str]]
    area: str = ""
    office: str = ""
    number: str = ""
    period: str = ""
    marks: Sequence[Mapping[str, str]] = ()
    sources: Sequence[Source] = ()
    signatures: Sequence[str] = ()
    note: str = ""
    made_at: datetime | None = None


@dataclass
class Face:
    """A font and what it can show."""

    name: str
    glyphs: Container[int] = SONG_HAS
    gap: str = MISSING
    missed: set[str] = field(default_factory=set)

    def shown(self, text: str) -> str:
        """Return a text with what the font can't show replaced, which is told at the end."""
        gone = set() if text.isascii() else {one for one in text if ord(one) not in self.glyphs}
        if not gone:
            return text
        self.missed |= gone
        return "".join(self.gap if one in gone else one for one in text)

    def width(self, text: str, size: float) -> float:
        """Return a text's width in points."""
        wide: float = _width(self.name, text)
        return wide * size


@lru_cache(maxsize=100_000)
def _width(font: str, text: str) -> float:
    return float(pdfmetrics.stringWidth(text, font, 1000)) / 1000


def face(font: Path | None = None) -> Face:
    """Return the usual face, or a TrueType file's: embedded, so that rare characters of names are shown too.

    For a file that is missing or broken the usual face stands in; that, and a font without Chinese, is told to the
    operator.
    """
    own = _own(font) if font is not None else None
    if own is not None:
        return own
    if SONG not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(SONG))
    return Face(SONG)


def _own(font: Path) -> Face | None:
    name = f"own-{font.stem}"
    try:
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(font)))
        glyphs = pdfmetrics.getFont(name).face.charToGlyph
    except (TTFError, OSError, ValueError, struct.error) as bad:
        log.error("the paper's font can't be read, the reader's own Song stands in: %s: %s", font, bad)
        return None
    if ord(COMMON) not in glyphs:
        log.error("the paper's font has no Chinese: %s", font)
    return Face(name, glyphs, MISSING if ord(MISSING) in glyphs else "?")


def pdf(paper: Paper, font: Path | None = None) -> bytes:
    """Return the paper as PDF. More columns than fit beside each other go on, with the first ones again, below."""
    own = Path(settings.PAPER_FONT) if settings.PAPER_FONT else None
    return _Print(paper, face(font or own)).made()


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of a band as it is drawn: its cells' lines, its height."""

    cells: tuple[tuple[str, ...], ...]
    marks: tuple[str, ...]
    high: float


class _Print:
    def __init__(self, paper: Paper, kind: Face) -> None:
        self.paper, self.face = paper, kind
        self.out = BytesIO()
        self.canvas = Canvas(self.out, pagesize=(WIDE, HIGH), pageCompression=1, invariant=1)
        self.canvas.setTitle(paper.title)
        self.canvas.setSubject(paper.area)
        self.canvas.setCreator("citybrain")
        self.y = 0.0
        self.page = 0
        self.pages: list[list[tuple[Band, list[_Line]]]] = []

    def made(self) -> bytes:
        paper, told = self.paper, self.face
        rows = [[told.shown(row.get(one.letter, "") or "") for one in paper.columns] for row in paper.rows]
        marks = [[row.get(one.letter, "") for one in paper.columns] for row in paper.marks]
        shown = bands(paper.columns, rows, WIDE - 2 * MARGIN, told.width)
        tail = self._tail()
        self._broken(shown, rows, marks, tail)
        total = len(self.pages)
        for number, parts in enumerate(self.pages, start=1):
            self._page(parts, number, total, tail if number == total else [])
        self.canvas.save()
        return self.out.getvalue()

    def _top(self, number: int) -> float:
        """Return where the table begins, from the page's foot."""
        return HIGH - MARGIN - (46 if number == 1 else 16)

    def _broken(
        self,
        shown: Sequence[Band],
        rows: Sequence[Sequence[str]],
        marks: Sequence[Sequence[str]],
        tail: Sequence[str],
    ) -> None:
        """Part the rows into pages; every band begins on a page of its own."""
        room = 0.0
        for band in shown:
            lines = [self._line(band, row, marks[i] if i < len(marks) else ()) for i, row in enumerate(rows)]
            head = band.head_high
            part: list[_Line] = []
            self.pages.append([(band, part)])
            room = self._top(len(self.pages)) - MARGIN - FOOT - head
            for line in lines:
                if line.high > room and part:
                    part = []
                    self.pages.append([(band, part)])
                    room = self._top(len(self.pages)) - MARGIN - FOOT - head
                part.append(line)
                room -= line.high
        if not self.pages or room < self._tail_high(tail):
            self.pages.append([])

    def _line(self, band: Band, row: Sequence[str], marks: Sequence[str]) -> _Line:
        limit = self._top(2) - MARGIN - FOOT - band.head_high
        most = max(1, int((limit - 2 * PAD) / (band.size * LEADING)))
        cells = tuple(band.wrapped(row[at], i, self.face.width)[:most] for i, at in enumerate(band.columns))
        high = max((len(one) for one in cells), default=1) * band.size * LEADING + 2 * PAD
        told = tuple(marks[at] if at < len(marks) else "" for at in band.columns)
        return _Line(cells, told, max(high, band.size * LEADING + 2 * PAD))

    def _page(
        self, parts: Sequence[tuple[Band, Sequence[_Line]]], number: int, total: int, tail: Sequence[str]
    ) -> None:
        canvas, paper = self.canvas, self.paper
        self._headline(number)
        y = self._top(number)
        canvas.setLineWidth(LINE)
        for band, lines in parts:
            y = top = self._head(band, y)
            for line in lines:
                y = self._row(band, line, y)
            for at in range(len(band.columns) + 1):
                canvas.line(MARGIN + band.edge(at), top, MARGIN + band.edge(at), y)
        for text in tail:
            y -= 13
            self._text(MARGIN, y, text, 9)
        self._text(MARGIN, MARGIN - 12, self._fit(self._made_at(), 8, WIDE / 2), 8)
        told = gettext("第 %(page)s 页 共 %(pages)s 页") % {"page": number, "pages": total}
        self._text(WIDE - MARGIN - self.face.width(told, 8), MARGIN - 12, told, 8)
        if number == 1:
            canvas.bookmarkPage("top")
            canvas.addOutlineEntry(self.face.shown(paper.title), "top")
        canvas.showPage()

    def _made_at(self) -> str:
        if self.paper.made_at is None:
            return ""
        at = self.paper.made_at
        local = timezone.localtime(at) if timezone.is_aware(at) else at
        return gettext("打印于 %(at)s") % {"at": local.strftime("%Y-%m-%d %H:%M")}

    def _headline(self, number: int) -> None:
        paper = self.paper
        about = [
            gettext("填报单位：%(area)s") % {"area": paper.area} if paper.area else "",
            gettext("填报期：%(period)s") % {"period": paper.period} if paper.period else "",
            gettext("制表机关：%(office)s") % {"office": paper.office} if paper.office else "",
            gettext("表号：%(number)s") % {"number": paper.number} if paper.number else "",
        ]
        line = "　　".join(one for one in about if one)
        if number > 1:
            self._text(
                MARGIN, HIGH - MARGIN - 8, self._fit(f"{paper.title}　{paper.area}", 9, WIDE - 2 * MARGIN), 9
            )
            return
        title = self._fit(paper.title, 17, WIDE - 2 * MARGIN)
        self._text((WIDE - self.face.width(title, 17)) / 2, HIGH - MARGIN - 16, title, 17)
        self._text(MARGIN, HIGH - MARGIN - 38, self._fit(line, 9.5, WIDE - 2 * MARGIN), 9.5)

    def _fit(self, text: str, size: float, room: float) -> str:
        text = self.face.shown(text)
        while text and self.face.width(text, size) > room:
            text = text[:-2] + "…"
        return text

    def _text(self, x: float, y: float, text: str, size: float) -> None:
        self.canvas.setFont(self.face.name, size)
        self.canvas.drawString(x, y, self.face.shown(text))

    def _head(self, band: Band, y: float) -> float:
        canvas = self.canvas
        for first, last, top, bottom, name in merged_heads([self.paper.columns[at] for at in band.columns]):
            left, right = band.edge(first), band.edge(last + 1)
            high, low = y - sum(band.heads[:top]), y - sum(band.heads[: bottom + 1])
            canvas.setFillGray(0.92)
            canvas.rect(MARGIN + left, low, right - left, high - low, stroke=1, fill=1)
            canvas.setFillGray(0)
            lines = band.wrapped_in(self.face.shown(name), right - left, self.face.width)
            self._lines(lines, MARGIN + left, right - left, high, low, band.size, middle=True)
        return y - band.head_high

    def _lines(
        self,
        lines: Sequence[str],
        x: float,
        wide: float,
        high: float,
        low: float,
        size: float,
        *,
        middle: bool,
    ) -> None:
        step = size * LEADING
        y = (high + low) / 2 + len(lines) * step / 2 - size * 0.98
        for line in lines:
            at = x + (wide - self.face.width(line, size)) / 2 if middle else x + PAD
            self._text(at, y, line, size)
            y -= step

    def _row(self, band: Band, line: _Line, y: float) -> float:
        low = y - line.high
        self.canvas.line(MARGIN, low, MARGIN + band.edge(len(band.columns)), low)
        for i, cell in enumerate(line.cells):
            left, right = band.edge(i), band.edge(i + 1)
            self._lines(
                cell, MARGIN + left, right - left, y, low, band.size, middle=band.middle[i] and len(cell) == 1
            )
            mark = line.marks[i]
            if mark and cell and cell[-1]:
                size = band.size * 0.62
                x = MARGIN + right - self.face.width(mark, size) - 0.8
                self._text(x, y - size, mark, size)
        return low

    def _tail(self) -> list[str]:
        """Return the lines below the table: signatures, then where the values are from."""
        paper = self.paper
        blank = "________________"
        empty = gettext(
            "单位负责人：%(blank)s　　填表人：%(blank)s　　联系电话：%(blank)s　　填报日期：%(blank)s"
        )
        lines = ["", "　　".join(paper.signatures) if paper.signatures else empty % {"blank": blank}]
        if paper.note:
            lines += self._paragraph(paper.note)
        if paper.sources:
            lines.append("")
            lines += self._paragraph(gettext("数据来源：") + "；".join(_source(one) for one in paper.sources))
        if self.face.missed:
            lines += self._paragraph(
                gettext("“%(sign)s”处的字未收入打印字体，以电子表为准。") % {"sign": self.face.gap}
            )
        return lines

    def _paragraph(self, text: str) -> list[str]:
        lines, line = [], ""
        for one in self.face.shown(text):
            if self.face.width(line + one, 9) > WIDE - 2 * MARGIN:
                lines.append(line)
                line = ""
            line += one
        return [*lines, line]

    def _tail_high(self, tail: Sequence[str]) -> float:
        return 13.0 * len(tail) + 4


def _source(one: Source) -> str:
    as_of = gettext("截至 %(day)s") % {"day": one.as_of} if one.as_of else ""
    about = "，".join(part for part in (as_of, one.note) if part)
    return f"{one.mark} {one.name}" + (f"（{about}）" if about else "")
