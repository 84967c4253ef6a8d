"""Which encoding a text is in, decided by strict decoding of all of it, and the text written anew as clean UTF-8.

A detector that guesses from a sample confuses GB18030 with Latin-1: nearly every pair of Latin-1 letters is also some
rare Chinese character. What tells them apart is where the bytes lie: everyday Chinese uses the two thousand cells of
GB 2312's first level and its signs, Latin-1 text hits them rarely.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import charset_normalizer
from django.utils.translation import gettext as _

from citybrain.base.exchange.reading.report import Unreadable

PIECE = 1 << 20
BOM = b"\xef\xbb\xbf"
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (BOM, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SHOWN = {"utf-8-sig": "UTF-8 (BOM)", "gb18030": "GB18030", "latin-1": "Latin-1", "cp1252": "Windows-1252"}
FEW = 0.002
"""Our choice: a text with fewer undecodable bytes than this among its non-ASCII ones is damaged, not foreign."""
CONTROLS = bytes({*range(0x01, 0x09), *range(0x0E, 0x20)} - {0x1A, 0x1B})


@dataclass(frozen=True)
class Scan:
    """What one pass over the bytes found."""

    size: int
    mark: str
    ascii_only: bool
    utf8: bool
    nul: int
    marks_inside: int
    lone_returns: int
    returns: int
    quoted: bool = True


@dataclass(frozen=True)
class Cleaned:
    """A text file in UTF-8 with newlines the engine knows."""

    path: Path
    encoding: str
    nul: int = 0
    marks_inside: int = 0
    undecodable: int = 0
    first_undecodable: int = 0
    old_newlines: bool = False
    plain: bool = False
    """No quotes in it."""


def pieces(path: Path, size: int = PIECE) -> Iterator[bytes]:
    """Yield the bytes of a file."""
    with path.open("rb") as file:
        while piece := file.read(size):
            yield piece


def scan(path: Path) -> Scan:
    """Return what one pass over the bytes of a text finds; less than a second per gigabyte."""
    mark = leading_mark(path)
    size, nul, inside, utf8, ascii_only, quoted = 0, 0, 0, True, True, False
    returns = pairs = 0
    tail = left = b""
    for piece in pieces(path):
        joined = tail + piece
        size += len(piece)
        nul += piece.count(0)
        if b"\r" in joined:
            returns += piece.count(b"\r")
            pairs += joined.count(b"\r\n") - tail.count(b"\r\n")
        quoted = quoted or b'"' in piece
        if left or not piece.isascii():
            ascii_only = False
            inside += joined.count(BOM) - tail.count(BOM)
            if utf8:
                utf8, left = _decodes(left + piece)
        tail = joined[-2:]
    inside -= mark == "utf-8-sig"
    return Scan(size, mark, ascii_only, utf8 and not left, nul, inside, returns - pairs, returns, quoted)


def _decodes(piece: bytes) -> tuple[bool, bytes]:
    """Return whether a piece is UTF-8 but for a letter cut off at its end, and that letter's bytes."""
    import pyarrow as pa

    end = len(piece)
    for back in range(1, min(4, end + 1)):
        letter = piece[end - back]
        if letter >= 0xC0:
            cut = back < (2 if letter < 0xE0 else 3 if letter < 0xF0 else 4)
            end -= back if cut else 0
        if letter < 0x80 or letter >= 0xC0:
            break
    try:
        pa.array([piece[:end]], pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return False, b""
    return True, piece[end:]


def leading_mark(path: Path) -> str:
    """Return the encoding a byte order mark tells, or an empty text."""
    with path.open("rb") as file:
        head = file.read(4)
    return next((name for mark, name in MARKS if head.startswith(mark)), "")


def decide(path: Path, found: Scan) -> str:
    """Return the encoding: by mark, else UTF-8 if all of it decodes, else the likeliest that decodes it."""
    if found.mark:
        return found.mark
    wide = _wide(path, found)
    if wide:
        return wide
    if found.utf8:
        return "utf-8"
    return _by_trial(path)


def _wide(path: Path, found: Scan) -> str:
    """Return UTF-16 without a mark: every other byte of mostly Western or digit text is zero."""
    if found.nul * 10 < found.size:
        return ""
    with path.open("rb") as file:
        head = file.read(PIECE)
    even, odd = head[::2].count(0), head[1::2].count(0)
    name = "utf-16-le" if odd > even else "utf-16-be"
    return name if max(even, odd) > 4 * min(even, odd) and damage(path, name)[0] == 0 else ""


def _by_trial(path: Path) -> str:
    broken8, seen8 = damage(path, "utf-8")
    if broken8 <= FEW * seen8:
        return "utf-8"
    broken, seen = damage(path, "gb18030")
    share = everyday_share(path)
    if broken <= FEW * seen and share >= 0.6:
        return "gb18030"
    if damage(path, "big5")[0] == 0 and everyday_share(path, lead=(0xA4, 0xC6), trail=0x40) >= 0.8:
        return "big5"
    if broken == 0 and share >= 0.3 and _helper_says_chinese(path):
        return "gb18030"
    return "latin-1" if _no_controls(path) else "cp1252"


def _helper_says_chinese(path: Path) -> bool:
    with path.open("rb") as file:
        best = charset_normalizer.from_bytes(file.read(PIECE)).best()
    return best is not None and best.encoding in {"gb18030", "gbk", "gb2312", "hz"}


def _no_controls(path: Path) -> bool:
    controls = bytes(range(0x80, 0xA0))
    return all(len(piece.translate(None, controls)) == len(piece) for piece in pieces(path))


def damage(path: Path, encoding: str) -> tuple[int, int]:
    """Return (places that don't decode, characters beyond ASCII that do)."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    broken = seen = 0
    for piece in pieces(path):
        text = decoder.decode(piece)
        if not text.isascii():
            broken += text.count("\ufffd")
            seen += sum(1 for one in text if one > "\x7f")
    broken += decoder.decode(b"", True).count("\ufffd")
    return broken, seen


def everyday_share(path: Path, lead: tuple[int, int] = (0xA1, 0xD7), trail: int = 0xA1) -> float:
    """Return the share of pairs of high bytes that lie among the everyday characters; 0 without any.

    Looks at the first megabyte that has high bytes. By default GB 2312's signs and first level: lead A1-A9 or B0-D7.
    """
    everyday = total = 0
    for piece in pieces(path):
        if piece.isascii():
            continue
        hits, pairs = _pairs(piece, lead, trail)
        everyday, total = everyday + hits, total + pairs
        if total > 20_000:
            break
    return everyday / total if total else 0.0


def _pairs(piece: bytes, lead: tuple[int, int], trail: int) -> tuple[int, int]:
    hits = total = at = 0
    end = len(piece) - 1
    while at < end:
        if piece[at] < 0x80:
            at += 1
            continue
        total += 1
        first, second = piece[at], piece[at + 1]
        between = trail == 0xA1 and 0xA9 < first < 0xB0
        hits += lead[0] <= first <= lead[1] and second >= trail and not between
        at += 2 if second >= 0x40 else 1
    return hits, total


def clean(path: Path, work: Path, encoding: str = "") -> Cleaned:
    """Return the text as UTF-8 without marks or zeros inside: where it lies if it is so already, else in `work`.

    Bytes that don't decode become U+FFFD, which the checks know; an encoding asked for by name must decode all.
    """
    found = scan(path)
    if not found.size:
        raise Unreadable("empty")
    chosen = encoding or decide(path, found)
    if not (encoding or found.utf8 or chosen.startswith("utf-")) and _is_no_text(path):
        raise Unreadable("kind", kind=_("二进制"))
    if encoding and damage(path, encoding)[0]:
        raise Unreadable("encoding", encoding=encoding, at=_first_damage(path, encoding))
    as_it_is = chosen in {"utf-8", "utf-8-sig"} and found.utf8 and not (found.nul or found.marks_inside)
    if as_it_is and not found.lone_returns and _one_newline(path, found):
        return Cleaned(path, shown(chosen, found), plain=not found.quoted)
    return _rewrite(path, work / "text.csv", chosen, found)


def _is_no_text(path: Path) -> bool:
    """Whether so many bytes are controls that no text begins like this: a picture, a program, something encrypted.

    Zeros don't count: broken exports pad with them.
    """
    with path.open("rb") as file:
        begins = file.read(PIECE)
    controls = len(begins) - len(begins.translate(None, CONTROLS))
    return len(begins) >= 256 and controls > 0.03 * len(begins)


def _one_newline(path: Path, found: Scan) -> bool:
    """Whether all lines end alike (the engine is told one ending)."""
    return not found.returns or sum(piece.count(b"\n") for piece in pieces(path)) == found.returns


def shown(encoding: str, found: Scan) -> str:
    """Return the name of an encoding for the report."""
    if encoding == "utf-8":
        return "ASCII" if found.ascii_only else "UTF-8"
    return SHOWN.get(encoding, encoding.upper().replace("-LE", "").replace("-BE", " (BE)"))


def _rewrite(path: Path, target: Path, encoding: str, found: Scan) -> Cleaned:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    broken = line = first = nul = inside = 0
    held = ""
    with target.open("w", encoding="utf-8", newline="") as out:
        for piece, final in _with_end(path):
            text = held + decoder.decode(piece, final)
            held = "\r" if text.endswith("\r") and not final else ""
            text = text[: len(text) - len(held)]
            bad = text.count("\ufffd")
            if bad and not broken:
                first = line + text[: text.index("\ufffd")].count("\n") + 1
            broken += bad
            nul += text.count("\0")
            inside += text.count("\ufeff")
            text = text.replace("\0", "").replace("\ufeff", "").replace("\r\n", "\n").replace("\r", "\n")
            line += text.count("\n")
            out.write(text)
    inside -= bool(found.mark)
    old = bool(found.lone_returns) and not encoding.startswith("utf-16") and not encoding.startswith("utf-32")
    return Cleaned(target, shown(encoding, found), nul, max(inside, 0), broken, first, old)


def _with_end(path: Path) -> Iterator[tuple[bytes, bool]]:
    for piece in pieces(path):
        yield piece, False
    yield b"", True


def _first_damage(path: Path, encoding: str) -> int:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    done = 0
    for piece, final in _with_end(path):
        try:
            decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            return done + error.start + 1
        done += len(piece)
    return done
