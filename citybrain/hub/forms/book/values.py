"""Texts of a form's cells as Excel should hold them, and what stands in an Excel as a form's text."""

import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Final

from citybrain.base.catalogue.types import NUMBER_KINDS, BadType, Type
from citybrain.base.exchange.reading.workbook import DATE_FORMATS, NOT_A_DATE
from citybrain.hub.forms.book.table import Value
from citybrain.hub.forms.columns import Column, Sums

DIGITS_KEPT: Final = 15
PLAIN: Final = re.compile(r"[+-]?\d+(?:\.\d+)?")
GROUPED: Final = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
LOST: Final = re.compile(r"[+-]?\d\.\d+[eE]\+?(\d+)")
UNIT: Final = re.compile(r"(?<=\d)\s*(?:元|万元|人|户|个|次|岁|%|平方米|㎡|km2|亩|吨)$")
DAY: Final = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*(?:[-/.月]\s*(\d{1,2})\s*[日号]?)?(?:[T\s]+(\d{1,2}:\d{2}(?::\d{2})?)(?:\.\d+)?)?"
)
PACKED: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
SERIALS: Final = (18_264, 73_415)  # 1950 to 2100 as Excel counts days
TEXT_FORMAT: Final = 49
LETTERS: Final = {"char", "varchar"}


class Shows(Enum):
    """How a cell's number format shows what it holds."""

    GENERAL = "general"
    NUMBER = "number"
    DATE = "date"
    TEXT = "text"


def shows_as(number: int, code: str) -> Shows:
    """Return how a number format shows a cell: `number` as the file counts its formats, `code` empty for a built-in."""
    first = code.split(";")[0].strip()
    if number == TEXT_FORMAT or first == "@":
        return Shows.TEXT
    if number in DATE_FORMATS and not code:
        return Shows.DATE
    bare = NOT_A_DATE.sub("", first).lower()
    if any(letter in bare for letter in "ydhs") or (bare and set(bare) <= set("m/-.: ")):
        return Shows.DATE
    return Shows.GENERAL if not number or first.lower() == "general" else Shows.NUMBER


def kind_of(column: Column) -> str:
    """Return the catalogue's kind of a column: "date", "integer", "varchar" …; a summed one is a number."""
    try:
        kind = str(Type.parse(column.type).kind)
    except BadType:
        kind = "varchar"
    return "decimal" if kind in LETTERS and column.sums not in {Sums.NONE, Sums.COUNT} else kind


def to_cell(value: Value, kind: str, shows: Shows) -> Value:
    """Return what to write: a number or day where the column asks for one and the cell shows it, else the text.

    A number of more than 15 digits stays text, as Excel would lose its end.
    """
    if not isinstance(value, str):
        return value.isoformat() if isinstance(value, date) and shows is not Shows.DATE else value
    text = value.strip()
    if not text or shows is Shows.TEXT:
        return text or None
    if kind in NUMBER_KINDS or (shows is Shows.NUMBER and kind not in {"date", "timestamp"}):
        return _number(text, value)
    if shows is Shows.DATE or kind in {"date", "timestamp"}:
        return _day(text, value) if shows is Shows.DATE else value
    return value


def _number(text: str, value: str) -> Value:
    if not PLAIN.fullmatch(text) or len(re.sub(r"\D", "", text)) > DIGITS_KEPT:
        return value
    if re.match(r"[+-]?0\d", text):  # a code, not an amount
        return value
    return Decimal(text)


def _day(text: str, value: str) -> Value:
    try:
        return datetime.fromisoformat(text) if len(text) > 10 else date.fromisoformat(text)
    except ValueError:
        return value


def from_cell(text: str, kind: str) -> tuple[str, str]:
    """Return (text as forms keep it, key of the problem or "").

    Spaces around and inside numbers, full-width digits, thousands' commas and units go; days become ISO. A text column
    keeps its text, without the spaces around it.
    """
    told = _trimmed(text)
    if not told:
        return "", ""
    if told.startswith("#") and told.rstrip("!?").isupper():
        return told, "error"
    if kind in NUMBER_KINDS:
        return _read_number(told)
    if kind in {"date", "timestamp"}:
        return _read_day(told, kind)
    lost = LOST.fullmatch(told)
    if lost and int(lost[1]) >= DIGITS_KEPT:
        return told, "digits"
    return told, ""


def _trimmed(text: str) -> str:
    return text.replace("\ufeff", "").replace("\u200b", "").replace("\xa0", " ").strip(" \t\r\n\u3000")


def _read_number(text: str) -> tuple[str, str]:
    bare = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lstrip("¥￥$")
    bare = UNIT.sub("", bare)
    if GROUPED.fullmatch(bare):
        bare = bare.replace(",", "")
    if PLAIN.fullmatch(bare):
        return bare.removeprefix("+"), ""
    lost = LOST.fullmatch(bare)
    if lost is None:
        return text, "number"
    if int(lost[1]) >= DIGITS_KEPT:
        return text, "digits"
    try:
        return f"{Decimal(bare):f}", ""
    except InvalidOperation:
        return text, "number"


def _read_day(text: str, kind: str) -> tuple[str, str]:
    bare = unicodedata.normalize("NFKC", text).strip()
    found = DAY.fullmatch(bare) or PACKED.fullmatch(bare)
    if found is None:
        if bare.isdigit() and SERIALS[0] <= int(bare) < SERIALS[1]:
            return date.fromordinal(date(1899, 12, 30).toordinal() + int(bare)).isoformat(), ""
        return text, "date"
    if found[3] is None:
        return f"{found[1]}-{int(found[2]):02}" if 1 <= int(found[2]) <= 12 else text, "date"
    try:
        day = date(int(found[1]), int(found[2]), int(found[3])).isoformat()
    except ValueError:
        return text, "date"
    time = found[4] if found.re is DAY and kind == "timestamp" else None
    return (f"{day} {time}" if time else day), ""
