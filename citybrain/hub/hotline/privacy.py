"""What a unit, a list, a search or a case may read of a message: no markup, no numbers, no names of callers.

The whole message stays with the hotline (`Ticket.text`). Every pass is linear in the length of the text.
"""

import html
import re
from typing import Final

from citybrain.hub.hotline.persons import names_in
from citybrain.hub.hotline.private_numbers import ACCOUNT, ADDRESS, DOOR, PAPER, PHONE, PLATE, hide

__all__ = [
    "ACCOUNT",
    "ADDRESS",
    "DOOR",
    "NAME",
    "PAPER",
    "PHONE",
    "PLATE",
    "redact",
    "strip_markup",
    "without_contact",
]

NAME: Final = "（姓名已隐去）"

_WIDE_ZERO: Final = 0xFF10
_WIDE = {_WIDE_ZERO + digit: ord("0") + digit for digit in range(10)} | {0xFF0D: "-", 0x3000: " "}
_WIDE_LETTER = re.compile("[\uff0d\uff10-\uff19\u3000]")
_GAP = r"[ \t.\-·—]?"
_CALLED = r"(?:先生|女士|小姐|老师|同志|师傅|阿姨|大爷|大妈|叔叔|某某?)"


def strip_markup(text: str) -> str:
    """Return a text without tags, scripts and styles, entities written out; a text without tags as it is."""
    if "<" not in text:
        return html.unescape(text) if "&" in text else text
    lower = text.lower()
    parts: list[str] = []
    place, missing = 0, set()
    while True:
        start = text.find("<", place)
        end = text.find(">", start + 1) if start >= 0 else -1
        if start < 0 or end < 0:
            parts.append(text[place:])
            break
        if not _opens_tag(lower, start):
            parts.append(text[place : start + 1])
            place = start + 1
            continue
        parts.append(text[place:start])
        name = next((one for one in ("script", "style") if lower.startswith(one, start + 1)), "")
        close = lower.find(f"</{name}", end) if name and name not in missing else -1
        if name and close < 0:
            missing.add(name)
        place = close if close > 0 else end + 1
        parts.append(
            "\n" if lower.startswith(("<p", "<br", "<div", "</p", "</div", "<li", "<tr"), start) else ""
        )
    return html.unescape("".join(parts))


def _opens_tag(lower: str, start: int) -> bool:
    after = lower[start + 1 : start + 2]
    return after in {"/", "!"} or ("a" <= after <= "z")


def redact(text: str, *, name: str = "", phone: str = "", secret: bool = False) -> str:
    """Return a text without telephone, paper and card numbers, addresses of mail, and names of persons.

    `name` and `phone` are the caller's own, taken out wherever they stand ("李先生" too, where the name is 李…). Other
    names go where the text shows that they are names (`persons`). `secret`: the caller's own door goes, too.
    """
    found = text.translate(_WIDE) if _WIDE_LETTER.search(text) else text
    found = hide(_without_number(found, phone), door=secret)
    return _without_persons(_without_name(found, name.strip()))


def without_contact(text: str, *, name: str, phone: str) -> str:
    """Return a text without one caller's name and number; all other numbers, such as an office's, stay."""
    return _without_name(_without_number(text, phone), name.strip())


def _without_persons(text: str) -> str:
    parts: list[str] = []
    place = 0
    for start, end in names_in(text):
        parts += [text[place:start], NAME]
        place = end
    return "".join([*parts, text[place:]])


def _without_number(text: str, phone: str) -> str:
    digits = re.sub(r"\D", "", phone)
    return re.sub(_GAP.join(digits), PHONE, text) if len(digits) >= 5 else text


def _without_name(text: str, name: str) -> str:
    if len(name) < 2:
        return text
    hidden = text.replace(name, NAME)
    if "\u4e00" <= name[0] <= "\u9fff" and len(name) <= 4:
        hidden = re.sub(rf"{re.escape(name[0])}{_CALLED}", NAME, hidden)
    return hidden
