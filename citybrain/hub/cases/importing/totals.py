"""What became of a file, in numbers."""

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(slots=True)
class Totals:
    """What became of a file. rows = cases + already + sum(refused). Verdicts compare ours with the file's."""

    rows: int = 0
    cases: int = 0
    already: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    open: int = 0
    closed: int = 0
    without_item: int = 0
    on_time: int = 0
    late: int = 0
    no_deadline: int = 0
    verdicts_compared: int = 0
    verdicts_equal: int = 0

    def add(self, other: "Totals") -> None:
        """Add the totals of a part of the file."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    def count(self, closed: bool, has_item: bool) -> None:
        """Count one case."""
        self.cases += 1
        self.open += not closed
        self.closed += closed
        self.without_item += not has_item

    def judge(self, ours: bool | None, theirs: bool | None) -> None:
        """Count our verdict on one case and the file's."""
        self.on_time += ours is True
        self.late += ours is False
        self.no_deadline += ours is None
        if ours is not None and theirs is not None:
            self.verdicts_compared += 1
            self.verdicts_equal += ours is theirs

    def to_json(self) -> dict[str, Any]:
        """Return the totals; `verdict_agreement` is equal ÷ compared, null when none was compared."""
        compared = self.verdicts_compared
        return {
            "rows": self.rows,
            "cases": self.cases,
            "already": self.already,
            "refused": dict(sorted(self.refused.items())),
            "refused_total": sum(self.refused.values()),
            "open": self.open,
            "closed": self.closed,
            "without_item": self.without_item,
            "our_verdict": {"on_time": self.on_time, "late": self.late, "none": self.no_deadline},
            "verdicts_compared": compared,
            "verdicts_equal": self.verdicts_equal,
            "verdict_agreement": round(self.verdicts_equal / compared, 6) if compared else None,
        }
