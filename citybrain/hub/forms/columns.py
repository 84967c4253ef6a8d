"""What a column of a form asks for, as it is kept with a version of the form."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class Asks(StrEnum):
    """Where a column's cells come from."""

    DATA = "data"  # a field of the catalogue
    COUNT = "count"  # how many of an area's people stand on a live roster (see figures.py)
    ANSWER = "answer"  # whoever fills the form
    FORMULA = "formula"  # worked out by the sheet itself
    SERIAL = "serial"  # 1, 2, 3 …
    AREA = "area"  # the name of the area that fills
    FILLER = "filler"  # who fills: name or telephone
    DATE = "date"  # the day of filling


class Sums(StrEnum):
    """How a column is rolled up over sheets (汇总)."""

    NONE = "none"
    SUM = "sum"
    COUNT = "count"
    MEAN = "mean"
    LEAST = "least"
    MOST = "most"


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `path` holds its names from the outermost inwards; `field` is "dataset.field" where data is asked, a
    figure's key ("roster:elders/80-/women") where people are counted.

    `derived` is what a cell is worked out to: "age" of a DATA column's date of birth; "city", "district", "street",
    "community" or "grid" of an AREA column (the area above the filler's at that level; empty: the filler's own).
    `why` are the reasons of the match (matcher's keys), `sure` that a person confirmed it. `type` is a catalogue type
    ("varchar(50)"); `personal` "none", "personal" or "sensitive"; `options` the values allowed, empty for any.
    """

    letter: str
    path: tuple[str, ...]
    asks: Asks
    type: str = "varchar(200)"
    field: str = ""
    derived: str = ""
    confidence: float = 0.0
    why: tuple[str, ...] = ()
    sure: bool = False
    required: bool = False
    personal: str = "none"
    unit: str = ""
    code_table: str = ""
    check: str = ""
    options: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    sums: Sums = Sums.NONE

    @property
    def name(self) -> str:
        """The column's own name, as it stands lowest in the header."""
        return self.path[-1] if self.path else self.letter

    @property
    def dataset(self) -> str:
        """The code of the data set asked, empty where none is."""
        return "" if self.asks == Asks.COUNT else self.field.partition(".")[0]

    @property
    def field_name(self) -> str:
        """The field's name within its data set, empty where none is asked."""
        return self.field.partition(".")[2]

    def to_json(self) -> dict[str, Any]:
        """Return the column without what is as usual."""
        usual = asdict(Column(self.letter, self.path, self.asks))
        told = {key: value for key, value in asdict(self).items() if value != usual[key]}
        return {"letter": self.letter, "path": list(self.path), "asks": str(self.asks), **told}

    @staticmethod
    def from_json(data: dict[str, Any]) -> "Column":
        """Return the column that `to_json` told."""
        known = dict(data)
        for key in ("path", "why", "options"):
            known[key] = tuple(known.get(key) or ())
        known["asks"] = Asks(known["asks"])
        known["sums"] = Sums(known.get("sums", Sums.NONE))
        return Column(**known)

    def changed(self, **values: Any) -> "Column":
        """Return the column with some of its properties changed."""
        return replace(self, **values)


def columns_of(data: Sequence[dict[str, Any]]) -> tuple[Column, ...]:
    """Return the columns of a version, in their order."""
    return tuple(Column.from_json(one) for one in data)
