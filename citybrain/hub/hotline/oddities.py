"""What is odd about a message: each a mark on the ticket and a sentence for who sent it. Nothing is refused by it."""

import re
import unicodedata
from functools import cache
from importlib import resources
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LONG: Final = 5_000  # characters a person doesn't read through: the ticket shows the beginning first
NOTES: Final[dict[str, Promise]] = {
    "wordless": _("没有读到文字内容，已转人工受理，话务员会与您联系。"),
    "short": _("内容较短，话务员可能会与您联系核实。"),
    "long": _("内容较长，已全文保存。"),
    "html": _("已去除格式标记，只显示文字，原文已保存。"),
    "foreign": _("内容不是中文，已转人工受理。"),
    "mixed": _("内容含多种语言，已全文保存。"),
    "abusive": _("已受理您的诉求。请使用文明用语，以便更快办理。"),
    "outside": _("位置不在本市范围内，已转人工核实地点。"),
    "bad_place": _("位置坐标无效，已转人工核实地点。"),
}
PERSON: Final = frozenset({"wordless", "foreign", "outside", "bad_place"})  # these always go to a person
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_TAG = re.compile(r"<[A-Za-z/!][^<>]{0,300}>")


@cache
def _abuse() -> re.Pattern[str]:
    text = resources.files("citybrain.hub.hotline").joinpath("data/abuse.txt").read_text(encoding="utf-8")
    words = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return re.compile(
        "|".join(rf"\b{one}\b" if one.isascii() else re.escape(one) for one in words), re.IGNORECASE
    )


def oddities(text: str, plain: str) -> tuple[str, ...]:
    """Return the marks of a message: `text` as it came, `plain` without markup."""
    found: list[str] = []
    letters = [letter for letter in plain[:LONG] if unicodedata.category(letter)[0] in "LN"]
    han = sum(1 for letter in letters if _HAN.match(letter))
    words = sum(1 for letter in letters if letter.isalpha()) - han
    if not letters:
        found.append("wordless")
    elif len(letters) < 4:
        found.append("short")
    if len(text) > LONG:
        found.append("long")
    if _TAG.search(text[:LONG]):
        found.append("html")
    if words >= 8 and han == 0:
        found.append("foreign")
    elif words >= 20 and han >= 4 and words > han:
        found.append("mixed")
    if _abuse().search(plain[:LONG]):
        found.append("abusive")
    return tuple(found)


def notes(flags: tuple[str, ...]) -> tuple[str, ...]:
    """Return what to tell the sender, a sentence a mark."""
    return tuple(str(NOTES[flag]) for flag in flags if flag in NOTES)
