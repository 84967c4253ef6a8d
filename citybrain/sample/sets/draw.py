"""What chance decides in one data set: a stream of its own, and the codes that its fields may hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from citybrain.base.catalogue.codes import code_table
from citybrain.base.catalogue.shape import Shape
from citybrain.sample.sets.text import Array


@dataclass(frozen=True)
class Draw:
    """Chance for the rows of one set; `until` is the last day the city knows of."""

    rng: np.random.Generator
    shape: Shape
    until: date

    @property
    def today(self) -> np.datetime64:
        return np.datetime64(self.until)

    def codes(self, field: str) -> list[str]:
        """Return the codes a field may hold. Raises LookupError for a field without a code table."""
        key = self.shape.field(field).code_table
        if key is None:
            raise LookupError(f"{field} has no code table")
        return list(code_table(key))

    def code(self, field: str, count: int, *weights: float) -> Array:
        """Return codes of a field, the first ones by `weights` (they share what is left evenly)."""
        return self.pick(self.codes(field), count, *weights)

    def pick(self, choices: Sequence[Any], count: int, *weights: float) -> Array:
        """Return `count` of the choices; `weights` are shares of the first ones, the others share the rest."""
        shares = np.array(weights[: len(choices)], dtype=float)
        rest = len(choices) - len(shares)
        if rest:
            left = max(0.0, 1.0 - shares.sum())
            shares = np.concatenate([shares, np.full(rest, left / rest)])
        return np.asarray(choices)[self.rng.choice(len(choices), size=count, p=shares / shares.sum())]

    def some(self, count: int, share: float) -> Array:
        """Return True for about that share of rows."""
        return np.asarray(self.rng.random(count) < share)

    def of(self, total: int, share: float) -> Array:
        """Return the places of a share of `total`, each once, in order; at least one where there are any."""
        wanted = min(total, max(1, round(total * share))) if total else 0
        return np.sort(self.rng.permutation(total)[:wanted])

    def any_of(self, total: int, count: int) -> Array:
        """Return `count` places among `total`, with repetition."""
        return np.asarray(self.rng.integers(0, max(1, total), count))

    def days_back(self, count: int, most: int, least: int = 0) -> Array:
        """Return dates between `least` and `most` days before the last day."""
        return np.asarray(self.today - self.rng.integers(least, most + 1, count).astype("timedelta64[D]"))

    def moments_back(self, count: int, days: int) -> Array:
        """Return moments (UTC, seconds) of the last `days` days, more of them by day than by night."""
        seconds = (self.rng.beta(3, 2.4, count) * 86_400).astype(np.int64)
        day = self.days_back(count, max(1, days), 1)
        return np.asarray(
            day.astype("datetime64[s]") + seconds.astype("timedelta64[s]") - np.timedelta64(8, "h")
        )

    def later(self, moments: Array, least_minutes: float, most_minutes: float) -> Array:
        """Return moments some minutes after others."""
        minutes = self.rng.uniform(least_minutes, most_minutes, len(moments))
        return np.asarray(moments + (minutes * 60).astype("timedelta64[s]"))

    def money(self, count: int, middle: float, spread: float = 0.6) -> Array:
        """Return amounts of yuan with two places around `middle`."""
        return np.round(middle * self.rng.lognormal(0.0, spread, count), 2)

    def number(self, count: int, low: float, high: float, places: int = 2) -> Array:
        return np.round(self.rng.uniform(low, high, count), places)
