"""What a column's cells say about its field: numbers, dates and check digits, as far as there are any."""

import re
from collections.abc import Sequence
from typing import Final

from citybrain.base.catalogue.digits import valid
from citybrain.hub.forms.matching.headings import Heading
from citybrain.hub.forms.matching.known import Known

NUMBER: Final = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?(?:%|[人户元岁次件个名家套])?")
DATE: Final = re.compile(r"\d{4}[-/.年]\d{1,2}(?:[-/.月]\d{1,2}日?)?(?:[ T]\d{1,2}:\d{2}(?::\d{2})?)?|\d{8}")
TRUTH: Final = frozenset({"是", "否", "有", "无", "√", "×", "y", "n", "true", "false"})
NUMBERS: Final = frozenset({"integer", "double", "decimal"})
DATES: Final = frozenset({"date", "timestamp"})


def fits(known: Known, of: Heading, examples: Sequence[str]) -> float:
    """Return 1 where nothing speaks against a field's type, 0 where heading or cells contradict it, 0.5 between.

    A text may hold anything, also numbers (a door, a code) and yes or no; it seldom holds a date.
    """
    cells = ["".join(one.split()) for one in examples if one.strip()]
    if known.check and cells:
        return 1.0 if any(valid(known.check, cell) for cell in cells) else 0.5
    told, kind = sign(of, cells), _kind(known)
    if told is None or told == kind:
        return 1.0
    if kind == "text":
        return 0.5 if told == "date" else 1.0
    return 0.5 if {told, kind} == {"truth", "text"} else 0.0


def sign(of: Heading, examples: Sequence[str]) -> str | None:
    """Return number, date, truth or text: what the heading's brackets or some cells say; None for nothing."""
    cells = ["".join(one.split()) for one in examples if one.strip()]
    if of.hint:
        return of.hint
    if of.unit and of.unit not in {"年", "月", "日"}:
        return "number"
    if not cells:
        return None
    if all(DATE.fullmatch(cell) for cell in cells):
        return "date"
    if all(cell.lower() in TRUTH for cell in cells):
        return "truth"
    return "number" if all(NUMBER.fullmatch(cell) and len(cell) < 10 for cell in cells) else "text"


def _kind(known: Known) -> str:
    if known.type in NUMBERS:
        return "number"
    if known.type in DATES:
        return "date"
    return "truth" if known.type == "boolean" else "text"
