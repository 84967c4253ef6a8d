"""Texts from outside as they are kept: whole, without what a database or a screen can't hold. No database."""

import hashlib
import html
import re
from html.parser import HTMLParser
from typing import Any, Final

from django.utils.translation import gettext as _

from citybrain.hub.hotline.errors import BadInput

BREAKS: Final = frozenset(
    {"p", "br", "div", "li", "tr", "table", "h1", "h2", "h3", "h4", "ul", "ol", "blockquote", "hr", "section"}
)
UNSEEN: Final = frozenset({"script", "style", "head", "title", "template", "noscript"})
LOOKS_LIKE_MARKUP: Final = re.compile(
    r"<(?:html|body|div|p|br|span|table|font|td|b|i|a|img|style|h[1-6])\b", re.I
)
CELLS: Final = frozenset({"td", "th"})
REF_MOST: Final = 70  # characters of a sender's own number that are kept as they are


def kept(text: str) -> str:
    """Return a text without NUL, half surrogates and control characters, line ends as one; nothing else is lost."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        letter
        for letter in plain
        if letter in "\n\t"
        or not (letter < " " or "\x7f" <= letter < "\xa0" or "\ud800" <= letter <= "\udfff")
    ).strip()


def ref_within(space: str, told: str) -> str | None:
    """Return a sender's own number within the space that is theirs alone; None for none.

    One that is long, or holds what no database can, stands by its digest, so that a repeat is found again.
    """
    told = told.strip()
    if not told:
        return None
    raw = told.encode("utf-8", "surrogatepass")
    if len(told) > REF_MOST or b"\x00" in raw or any("\ud800" <= letter <= "\udfff" for letter in told):
        told = hashlib.sha256(raw).hexdigest()
    return f"{space}:{told}"


class _Reader(HTMLParser):
    """Gathers what a person would read of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSEEN:
            self.unseen += 1
        elif tag in BREAKS:
            self.parts.append("\n")
        elif tag in CELLS:
            self.parts.append("\t")

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN:
            self.unseen = max(0, self.unseen - 1)
        elif tag in BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.parts.append(re.sub(r"[ \t\r\n\f]+", " ", data))


def from_html(markup: str) -> str:
    """Return what a person would read of HTML: no scripts and styles, a line per paragraph.

    Where nothing would be left (broken markup that hides all), the markup itself is kept: nothing is lost.
    """
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    lines = (" ".join(line.split(" ")).strip() for line in "".join(reader.parts).split("\n"))
    text = kept(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)))
    return text or kept(html.unescape(markup))


def readable(text: str) -> str:
    """Return a text, without its markup where it has some."""
    return from_html(text) if LOOKS_LIKE_MARKUP.search(text[:20_000]) else kept(text)


def short(value: Any, field: str, most: int) -> str:
    """Return one line of at most `most` letters. Raises BadInput naming the field."""
    if not isinstance(value, str):
        raise BadInput(_("“%(field)s”应为文字。") % {"field": field}, field)
    line = " ".join(kept(value).split())
    if len(line) > most:
        raise BadInput(_("“%(field)s”过长，最多 %(most)d 字。") % {"field": field, "most": most}, field)
    return line


def words(value: Any, field: str, most: int) -> str:
    """Return a text of several lines of at most `most` letters. Raises BadInput naming the field."""
    if not isinstance(value, str):
        raise BadInput(_("“%(field)s”应为文字。") % {"field": field}, field)
    text = kept(value)
    if len(text) > most:
        raise BadInput(_("“%(field)s”过长，最多 %(most)d 字。") % {"field": field, "most": most}, field)
    return text
