"""A sheet's totals, worked out once when it is handed in: what a roll-up adds. Pure.

`people` is how many people stand behind a figure, or the fewest it can be: the rows of a roster; in a table of
figures a count of people itself, and for any other figure one for each area that has something to tell.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from citybrain.base.catalogue.types import BadType, Type
from citybrain.hub.forms.collecting.rows import Line
from citybrain.hub.forms.collecting.signing import handed_over
from citybrain.hub.forms.columns import Asks, Column, Sums
from citybrain.hub.forms.models import Shaped

COUNTS_PEOPLE: Final = re.compile(
    r"人数|户数|[(（](人|名|户|位)[)）]$|(老人|残疾人|儿童|居民|人员|人口|党员|妇女|家庭)数?$|^(男|女)性?$"
)
PEOPLE_UNITS: Final = frozenset({"人", "名", "户", "位"})


@dataclass(frozen=True, slots=True)
class Total:
    """A column's figure: cells with a value, their sum, least and most (None where none is a number), people."""

    cells: int = 0
    sum: Decimal | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    people: int = 0

    def to_json(self) -> list[Any]:
        """Return it as stored; numbers as texts, so that nothing is rounded."""
        numbers = [None if one is None else format(one, "f") for one in (self.sum, self.least, self.most)]
        return [self.cells, *numbers, self.people]


def summed(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Return the columns a roll-up adds; formulas are left to the workbook, which works them out of what is shown."""
    return tuple(
        one for one in columns if one.sums != Sums.NONE and one.asks in {Asks.DATA, Asks.COUNT, Asks.ANSWER}
    )


def counts_people(column: Column) -> bool:
    """Return whether a figure of the column is itself a number of people (or of homes)."""
    if column.sums != Sums.SUM:
        return False
    if column.asks == Asks.COUNT:
        return True
    if column.unit:
        return column.unit in PEOPLE_UNITS
    try:
        if Type.parse(column.type).kind in {"double", "decimal"}:
            return False
    except BadType:
        return False
    return bool(COUNTS_PEOPLE.search(column.name))


def number(text: str) -> Decimal | None:
    """Return the number a cell holds, None for anything else."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def totals(lines: Sequence[Line], columns: Sequence[Column], shaped: str) -> dict[str, list[Any]]:
    """Return by letter what each column that is rolled up comes to, as `Sheet.totals` keeps it."""
    wanted = summed(columns)
    cells = [handed_over(line, wanted) for line in lines if not line.removed]
    return {column.letter: _total(column, cells, shaped).to_json() for column in wanted}


def _total(column: Column, cells: Sequence[dict[str, str]], shaped: str) -> Total:
    texts = [one[column.letter] for one in cells if one.get(column.letter)]
    numbers = [found for text in texts if (found := number(text)) is not None]
    if column.sums == Sums.COUNT:
        return Total(len(texts), Decimal(len(texts)), people=len(texts))
    if not numbers:
        return Total(len(texts))
    whole = sum(numbers, Decimal(0))
    return Total(len(numbers), whole, min(numbers), max(numbers), _people(column, numbers, whole, shaped))


def _people(column: Column, numbers: Sequence[Decimal], whole: Decimal, shaped: str) -> int:
    if shaped == Shaped.FIGURES and counts_people(column):
        return max(0, int(whole))
    return len(numbers) if shaped == Shaped.ROSTER else sum(1 for one in numbers if one)
