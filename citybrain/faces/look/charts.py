"""A chart as data: what chart.js draws, and what the table under it says. Drawn by `{% chart %}`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Series:
    """One line or one set of bars; None where there is no value. `urls` opens what each value counts."""

    name: str
    values: Sequence[float | None]
    urls: Sequence[str] = ()


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
            "series": [
                {"name": one.name, "values": list(one.values), "urls": list(one.urls)} for one in self.series
            ],
            "threshold": self.threshold,
            "thresholdLabel": self.threshold_label,
            "urls": list(self.urls),
        }

    @property
    def lines(self) -> list[tuple[str, list[tuple[float | None, str]]]]:
        """Return the rows of the table: a category with the value, and what it opens, of each series."""
        return [
            (name, [(one.values[i], one.urls[i] if i < len(one.urls) else "") for one in self.series])
            for i, name in enumerate(self.categories)
        ]
