"""XML changed in place: where elements, attributes and texts stand in a part's bytes, however it was written.

Prefixes, quotes, white space in tags, comments, CDATA and references to characters are as free as XML lets them be;
only what is changed is written anew. Parts are held as UTF-8 here; one of another encoding comes back in its own.
Source: XML 1.0, 2.3 to 2.11 and 4.3.3; ECMA-376, part 2, 8.1.4 (parts are UTF-8 or UTF-16).
"""

import codecs
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from citybrain.base.exchange.reading.report import Unreadable

Edit = tuple[int, int, bytes]
"""Bytes from a start to an end, and what stands there instead."""
_REST: Final = rb"""[^"'<>]*(?:(?:"[^"]*"|'[^']*')[^"'<>]*)*"""
_TOKEN: Final = re.compile(
    rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    rb"|<(?P<closes>/?)(?P<prefix>(?:[^\s<>/:]+:)?)(?P<name>[^\s<>/:]+)(?P<rest>" + _REST + rb")>",
    re.DOTALL,
)
_TAG: Final = re.compile(rb"<(?P<prefix>(?:[^\s<>/:]+:)?)(?P<name>[^\s<>/:]+)" + _REST + rb">")
_ATTRIBUTE: Final = re.compile(rb"""\s([^\s=<>"'/]+)\s*=\s*("[^"]*"|'[^']*')""")
_PIECE: Final = re.compile(r"<!\[CDATA\[(.*?)\]\]>|<!--.*?-->|<\?.*?\?>|([^<]+)", re.DOTALL)
_REFERENCE: Final = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(lt|gt|amp|quot|apos));")
_NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_DECLARED: Final = re.compile(
    rb"""(?:\xef\xbb\xbf)?<\?xml\s[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']"""
)
_ONES: Final = {b'"': b"&quot;", b"'": b"&apos;"}


@dataclass(frozen=True, slots=True)
class Element:
    """An element in the bytes `xml`: its tag from `start` to `tag_end`, its content to `text_end`, and its `end`.

    `inside` names the nearest element around it that was asked for too; a `leaf` has no elements within.
    """

    xml: bytes
    name: str
    prefix: str
    start: int
    tag_end: int
    text_end: int
    end: int
    inside: str = ""
    leaf: bool = True

    @property
    def text(self) -> str:
        """The text of a leaf, as XML means it."""
        return told(self.xml[self.tag_end : self.text_end])

    @property
    def attributes(self) -> Mapping[str, str]:
        """The values of its attributes by their written names."""
        return {name: value for name, value, _, _ in attributes_at(self.xml, self.start, self.tag_end)}

    def set(self, changes: Mapping[str, Callable[[str], str] | None]) -> Iterator[Edit]:
        """Yield the edits that change the values of attributes it has; None takes one out."""
        for name, value, start, end in attributes_at(self.xml, self.start, self.tag_end):
            if name not in changes:
                continue
            change = changes[name]
            if change is None:
                named = self.xml.rindex(name.encode(), self.start, start)
                yield self.start + len(self.xml[self.start : named].rstrip()), end, b""
            elif (new := change(value)) != value:
                yield start, end, quoted(new, self.xml[start : start + 1])

    def say(self, text: str) -> Iterator[Edit]:
        """Yield the edit that gives a leaf another text; nothing where it says that already."""
        if self.text_end < self.end:
            if self.text != text:
                yield self.tag_end, self.text_end, escaped(text)
        elif text:
            end = f"</{self.prefix}{self.name}>".encode()
            yield self.tag_end - 2, self.tag_end, b">" + escaped(text) + end


def elements(
    xml: bytes, wanted: Collection[str], start: int = 0, end: int | None = None
) -> Iterator[Element]:
    """Yield the elements with certain local names, whatever their prefix, each where it ends.

    The bytes may be a cut of a document. What is not closed as it must be is passed over.
    """
    names = {one.encode() for one in wanted}
    around: list[tuple[re.Match[bytes], bool]] = []
    for tag in _TOKEN.finditer(xml, start, len(xml) if end is None else end):
        name = tag["name"]
        if name is None:
            continue
        if not tag["closes"] and around and around[-1][1]:
            around[-1] = (around[-1][0], False)
        if name not in names:
            continue
        if tag["closes"]:
            at = next((i for i in reversed(range(len(around))) if around[i][0]["name"] == name), None)
            if at is not None:
                first, leaf = around[at]
                del around[at:]
                yield _element(xml, first, tag.start(), tag.end(), around, leaf=leaf)
        elif tag["rest"].endswith(b"/"):
            yield _element(xml, tag, tag.end(), tag.end(), around, leaf=True)
        else:
            around.append((tag, True))


def _element(
    xml: bytes,
    tag: re.Match[bytes],
    text_end: int,
    end: int,
    around: list[tuple[re.Match[bytes], bool]],
    *,
    leaf: bool,
) -> Element:
    inside = around[-1][0]["name"].decode() if around else ""
    name, prefix = tag["name"].decode(), tag["prefix"].decode()
    return Element(xml, name, prefix, tag.start(), tag.end(), text_end, end, inside, leaf)


def tag_at(xml: bytes, start: int) -> tuple[str, int]:
    """Return (prefix with its colon, end) of the tag that begins at a place. Raises ValueError where none does."""
    found = _TAG.match(xml, start)
    if found is None:
        raise ValueError(start)
    return found["prefix"].decode(), found.end()


def attributes_at(xml: bytes, start: int, end: int) -> Iterator[tuple[str, str, int, int]]:
    """Yield (name as written, value, where the quoted value starts, where it ends) of a tag's attributes."""
    for one in _ATTRIBUTE.finditer(xml, start, end):
        yield one[1].decode(), _value(one[2][1:-1]), one.start(2), one.end(2)


def _value(raw: bytes) -> str:
    return _resolved(re.sub(r"\r\n|[\t\r\n]", " ", raw.decode()))


def told(raw: bytes) -> str:
    """Return the text that XML means: references resolved, CDATA as it stands, no comments, lines ended by LF."""
    pieces = _PIECE.finditer(raw.decode().replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(one[1] if one[1] is not None else _resolved(one[2] or "") for one in pieces)


def _resolved(text: str) -> str:
    return _REFERENCE.sub(_meant, text) if "&" in text else text


def _meant(found: re.Match[str]) -> str:
    if found[3]:
        return _NAMED[found[3]]
    return chr(int(found[1], 16) if found[1] else int(found[2]))


def escaped(text: str) -> bytes:
    """Return a text as XML writes it between tags."""
    kept = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return kept.replace("\r", "&#13;").encode()


def quoted(value: str, quote: bytes = b'"') -> bytes:
    """Return an attribute's value with its quotes."""
    inner = value.replace("&", "&amp;").replace("<", "&lt;").encode().replace(quote, _ONES[quote])
    return quote + inner + quote


def spliced(xml: bytes, edits: Iterable[Edit]) -> bytes:
    """Return bytes with edits made; they don't overlap."""
    parts, at = [], 0
    for start, end, new in sorted(edits, key=lambda one: one[:2]):
        parts += [xml[at:start], new]
        at = end
    return b"".join([*parts, xml[at:]]) if parts else xml


def encoding_of(content: bytes) -> str:
    """Return the encoding of an XML part as Python calls it. Raises Unreadable for one that nobody knows."""
    if content[:2] == b"\xff\xfe" or content[:2] == b"<\0":
        return "utf-16-le"
    if content[:2] == b"\xfe\xff" or content[:2] == b"\0<":
        return "utf-16-be"
    declared = _DECLARED.match(content)
    name = declared[1].decode() if declared else "utf-8"
    try:
        return codecs.lookup(name).name
    except LookupError as unknown:
        raise Unreadable("encoding", encoding=name, at=1) from unknown


def in_utf8(content: bytes) -> bytes:
    """Return an XML part in UTF-8, whatever its declaration goes on saying. Raises Unreadable("encoding")."""
    name = encoding_of(content)
    if name == "utf-8":
        return content
    try:
        return content.decode(name).encode()
    except (LookupError, UnicodeError) as bad:
        raise Unreadable("encoding", encoding=name, at=getattr(bad, "start", 0) + 1) from bad


def in_its_own(xml: bytes, content: bytes) -> bytes:
    """Return UTF-8 in the encoding of the part it came from, with references for what that one lacks."""
    name = encoding_of(content)
    return xml if name == "utf-8" else xml.decode().encode(name, "xmlcharrefreplace")


def changed(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return a part as a change of its UTF-8 leaves it, in the encoding it had."""
    was = in_utf8(content)
    now = change(was)
    return content if now == was else in_its_own(now, content)
