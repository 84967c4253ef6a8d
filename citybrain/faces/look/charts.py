"""A chart as data: what chart.js draws, and what the table under it says. Drawn by `{% chart %}`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Series:
    """One line or one set of bars; None where there is no value."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart. `kind`: line, area, bar, bar_h (horizontal, for long names) or heat (series × categories).

    `title` says the subject, `unit` the unit; `as_of` is the time of the data and `is_stale` marks it old.
    `threshold` is a line across; `urls` (same length as categories) opens what a point stands for.
    """

    key: str
    title: str
    kind: str
    categories: Sequence[str]
    series: Sequence[Series]
    unit: str = ""
    digits: int = 0
    size: str = ""
    threshold: float | None = None
    threshold_label: str = ""
    as_of: datetime | None = None
    is_stale: bool = False
    urls: Sequence[str] = field(default_factory=tuple)
    empty_text: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.categories or all(v is None for one in self.series for v in one.values)

    @property
    def payload(self) -> dict[str, object]:
        """Return what the browser draws from."""
        return {
            "kind": self.kind,
            "title": self.title,
            "unit": self.unit,
            "digits": self.digits,
            "categories": list(self.categories),
            "series": [{"name": one.name, "values": list(one.values)} for one in self.series],
            "threshold": self.threshold,
            "thresholdLabel": self.threshold_label,
            "urls": list(self.urls),
        }

    @property
    def lines(self) -> list[tuple[str, list[float | None]]]:
        """Return the rows of the table: a category and its value in each series."""
        return [(name, [one.values[i] for one in self.series]) for i, name in enumerate(self.categories)]
