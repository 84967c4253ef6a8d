"""What may stand in a cell: a column's type, options, range and check digits, told to whoever types. Pure."""

import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from django.utils.translation import gettext as _

from citybrain.base.catalogue import digits
from citybrain.base.catalogue.types import BadType, Type
from citybrain.hub.forms.columns import Column

LONGEST: Final = 2000
YES: Final = frozenset({"是", "有", "√", "1", "true", "yes", "y", "对"})
NO: Final = frozenset({"否", "无", "×", "0", "false", "no", "n", "错"})
_DAY: Final = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")
_EIGHT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_MOMENT_TAIL: Final = re.compile(r"[ T](\d{1,2}):(\d{2})(?::(\d{2}))?$")


class BadCell(ValueError):
    """A value that can't stand in its column; the message is for who typed it."""


def plain(text: str) -> str:
    """Return a text without control characters and outer blanks."""
    spaced = "".join(" " if letter.isspace() and letter != "\n" else letter for letter in text)
    return "".join(letter for letter in spaced if letter.isprintable() or letter == "\n").strip()


def checked(column: Column, written: str) -> str:
    """Return the value as it is stored; empty stays empty. Raises BadCell saying what the column takes.

    Numbers may come with blanks, thousands' commas, the column's unit, or full width digits; days as 2026-03-05,
    2026/3/5, 2026年3月5日 or 20260305.
    """
    text = plain(written)
    if not text:
        return ""
    if len(text) > LONGEST:
        raise BadCell(_("内容过长，最多 %(most)d 字。") % {"most": LONGEST})
    return _option(column, text) if column.options else _typed(column, text)


def _typed(column: Column, text: str) -> str:
    try:
        wanted = Type.parse(column.type)
    except BadType:
        return text
    if wanted.is_number:
        return _number(column, wanted, text)
    if wanted.kind in {"date", "timestamp"}:
        return _day(text, with_time=wanted.kind == "timestamp")
    if wanted.kind == "boolean":
        return _yes_no(text)
    if wanted.length and len(text) > wanted.length:
        raise BadCell(_("最多 %(most)d 字，现有 %(now)d 字。") % {"most": wanted.length, "now": len(text)})
    return _with_check(column, text)


def _option(column: Column, text: str) -> str:
    if text not in column.options:
        listed = _("、").join(column.options[:10])
        raise BadCell(_("“%(value)s”不在可选项中：%(options)s。") % {"value": text[:40], "options": listed})
    return text


def _number(column: Column, wanted: Type, text: str) -> str:
    bare = "".join(unicodedata.normalize("NFKC", text).split()).replace(",", "")
    if column.unit and bare.endswith(column.unit):
        bare = bare.removesuffix(column.unit)
    try:
        number = Decimal(bare)
    except InvalidOperation:
        raise BadCell(_("“%(value)s”不是数字。") % {"value": text[:40]}) from None
    if not number.is_finite() or abs(number) >= Decimal(10) ** 30:
        raise BadCell(_("“%(value)s”不是数字。") % {"value": text[:40]})
    if wanted.kind == "integer" and number != number.to_integral_value():
        raise BadCell(_("应为整数，现为 %(value)s。") % {"value": text[:40]})
    _in_range(column, number)
    return format(number.to_integral_value() if number == number.to_integral_value() else number, "f")


def _in_range(column: Column, number: Decimal) -> None:
    least, most = column.minimum, column.maximum
    if least is not None and number < Decimal(str(least)):
        raise BadCell(
            _("不能小于 %(least)s，现为 %(value)s。")
            % {"least": _short(least), "value": f"{number.normalize():f}"}
        )
    if most is not None and number > Decimal(str(most)):
        raise BadCell(
            _("不能大于 %(most)s，现为 %(value)s。")
            % {"most": _short(most), "value": f"{number.normalize():f}"}
        )


def _short(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)


def _day(text: str, *, with_time: bool) -> str:
    bare = unicodedata.normalize("NFKC", text).strip()
    tail = _MOMENT_TAIL.search(bare)
    head = bare[: tail.start()] if tail else bare
    found = _EIGHT.fullmatch(head) or _DAY.fullmatch(head.replace(" ", ""))
    try:
        if found is None:
            raise ValueError
        day = date(*(int(part) for part in found.groups()))
        if not tail or not with_time:
            return day.isoformat()
        hour, minute, second = (int(part or 0) for part in tail.groups())
        return datetime(day.year, day.month, day.day, hour, minute, second).isoformat(" ")  # noqa: DTZ001 as typed
    except ValueError:
        raise BadCell(_("“%(value)s”不是日期，请写成 2026-03-05 的样子。") % {"value": text[:40]}) from None


def _yes_no(text: str) -> str:
    word = text.lower()
    if word in YES:
        return "是"
    if word in NO:
        return "否"
    raise BadCell(_("请填“是”或“否”。"))


def _with_check(column: Column, text: str) -> str:
    if not column.check or column.check not in digits.CHECKS:
        return text
    bare = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    if not digits.valid(column.check, bare):
        raise BadCell(_("号码校验位不对，请核对。"))
    return bare
