"""Values of data sets as they stand in a form: codes as their meaning, areas by name, masks as they are."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

from django.utils import timezone

from citybrain.base.areas.tree import AmbiguousCode, Node, UnknownCode, tree
from citybrain.base.catalogue import codes
from citybrain.base.catalogue.shape import Field

TRUTH: Final = {True: "是", False: "否"}
AGE: Final = "age"
LEVELS: Final = ("city", "district", "street", "community", "grid")
AREA_LENGTHS: Final = (15, 12, 9, 6)


def shower(field: Field, mask: str, options: Sequence[str] = ()) -> Callable[[Any], str]:
    """Return what writes a value of a field; an empty one is "". `options` are the words the form's column allows."""
    show = _shower(field, mask)
    if not options or mask:
        return show
    fitted: dict[str, str] = {}

    def fit(value: Any) -> str:
        text = show(value)
        if text not in fitted:
            fitted[text] = fitting(text, options)
        return fitted[text]

    return fit


def fitting(text: str, options: Sequence[str]) -> str:
    """Return the one option that means a text: itself, or the only one that begins it (男 for 男性); else the text."""
    if not text or text in options:
        return text
    alike = [one for one in options if one and (text.startswith(one) or one.startswith(text))]
    return alike[0] if len(alike) == 1 else text


def _shower(field: Field, mask: str) -> Callable[[Any], str]:
    if mask:
        return plain
    if field.code_table in codes.AREA_TABLES:
        return area_name
    if field.code_table and codes.known(field.code_table):
        meanings = codes.shipped()[field.code_table].codes
        return lambda value: "" if value is None else meanings.get(str(value).strip(), str(value).strip())
    return plain


def plain(value: Any) -> str:
    """Return a value as text: days as 2026-11-21, times to the minute in the city's zone, truths as 是 and 否."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return TRUTH[value]
    if isinstance(value, datetime):
        return (
            timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
            if value.tzinfo
            else f"{value:%Y-%m-%d %H:%M}"
        )
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def area_name(value: Any) -> str:
    """Return the name of the area with a code, filled up with noughts or not; the code where nobody knows it."""
    return "" if value is None else _area_name(str(value).strip(), tree().version)


@cache
def _area_name(code: str, version: int) -> str:
    for length in AREA_LENGTHS:
        if len(code) >= length and not code[length:].strip("0"):
            try:
                return tree().by_code(code[:length]).name
            except (UnknownCode, AmbiguousCode):
                continue
    return code


def age(value: Any, today: date) -> str:
    """Return whole years since a day; "" for none."""
    if not isinstance(value, date):
        return plain(value)
    return str(today.year - value.year - ((today.month, today.day) < (value.month, value.day)))


def area_words(node: Node, level: str) -> str:
    """Return the name of the area at a level ("street" …) that a node lies in or is; "" asks for its full name."""
    if level not in LEVELS:
        return tree().full_name(node.id)
    above = node.lineage[LEVELS.index(level)]
    return "" if above is None else tree().get(above).name


def stored(field: Field, text: str) -> str:
    """Return a text a person wrote as the data set keeps it: the meaning of a code as the code, 是 as true."""
    bare = text.strip()
    if field.type.kind == "boolean":
        return {"是": "true", "否": "false"}.get(bare, bare)
    if field.code_table and field.code_table not in codes.AREA_TABLES and codes.known(field.code_table):
        by_meaning = {meaning: code for code, meaning in codes.shipped()[field.code_table].codes.items()}
        return by_meaning.get(bare, bare)
    return bare
