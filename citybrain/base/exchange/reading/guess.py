"""What the columns seem to hold, told from the first rows, for a person who maps them; the checks decide."""

import itertools
import re
from collections.abc import Sequence

from citybrain.base.exchange.reading.report import Column, Note

INTEGER = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DATE = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{4}年\d{1,2}月\d{1,2}日")
STAMP = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?")
LOST = re.compile(r"\d(\.\d+)?[eE]\+?1[1-9]")
ZEROS = re.compile(r"0\d+")
TRUTHS = frozenset({"true", "false", "是", "否", "y", "n", "yes", "no", "t", "f"})
KINDS = (("integer", INTEGER), ("decimal", DECIMAL), ("date", DATE), ("timestamp", STAMP))
SHOWN = 3


def columns(
    names: Sequence[str], rows: Sequence[Sequence[str | None]]
) -> tuple[tuple[Column, ...], tuple[Note, ...]]:
    """Return the columns with guessed kinds, and what the values warn of."""
    found: list[Column] = []
    lost: list[str] = []
    zeros: list[str] = []
    sparse: list[str] = []
    formulas = False
    for i, name in enumerate(names):
        values = [value.strip() for row in rows if (value := row[i]) and value.strip()]
        found.append(Column(name, kind(values), tuple(dict.fromkeys(values))[:SHOWN]))
        if any(LOST.fullmatch(value) for value in values):
            lost.append(name)
        if values and sum(ZEROS.fullmatch(value) is not None for value in values) * 2 > len(values):
            zeros.append(name)
        if is_sparse([row[i] for row in rows]):
            sparse.append(name)
        formulas = formulas or any(
            value[0] in "=@" or (value[0] in "+-" and not is_number(value))
            for value in values
            if len(value) > 1
        )
    notes = [
        *([Note("lost_digits", {"names": "、".join(lost)})] if lost else []),
        *([Note("leading_zeros", {"names": "、".join(zeros)})] if zeros else []),
        *([Note("sparse", {"names": "、".join(sparse)})] if sparse else []),
        *([Note("formula_texts")] if formulas else []),
    ]
    return tuple(found), tuple(notes)


def is_number(value: str) -> bool:
    """Whether a text is a plain number."""
    return DECIMAL.fullmatch(value) is not None


def kind(values: Sequence[str]) -> str:
    """Return the narrowest kind all values have; text where there are none."""
    if not values:
        return "text"
    if any(ZEROS.fullmatch(value) for value in values):
        return "text"
    for name, pattern in KINDS:
        if all(pattern.fullmatch(value) for value in values):
            return name
    return "boolean" if {value.lower() for value in values} <= TRUTHS else "text"


def is_sparse(values: Sequence[str | None]) -> bool:
    """Whether a column begins with a value and then is mostly blank, as merged cells leave it."""
    if len(values) < 8 or not (values[0] or "").strip():
        return False
    told = [bool((value or "").strip()) for value in values]
    runs = sum(1 for above, here in itertools.pairwise(told) if above and not here)
    return sum(told) * 2 < len(told) and runs >= 2
