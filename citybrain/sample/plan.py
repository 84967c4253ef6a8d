"""How large a sample city is, and its streams of chance: one per subject, so that none disturbs another."""

import zlib
from dataclasses import dataclass

import numpy as np

FULL = (16, 281, 6_127, 20_000)
"""Districts, streets, communities and grids of a city in Tianjin's shape (scale 1)."""

SEED = 20_260
"""The seed of the city that `citybrain up` makes on its first start."""


@dataclass(frozen=True)
class Plan:
    """The numbers of areas of a sample city; its `extent` is a share of the full 70 × 90 km."""

    districts: int
    streets: int
    communities: int
    grids: int
    seed: int = SEED

    def __post_init__(self) -> None:
        if not 1 <= self.districts <= self.streets <= self.communities <= self.grids:
            raise ValueError(f"{self}: each level needs at least as many areas as the level above it")
        if self.districts > 99 or self.streets > 999 * self.districts:
            raise ValueError(f"{self}: at most 99 districts with 999 streets each fit into the codes")

    @property
    def extent(self) -> float:
        """Return the share of the full city's width, at most 1: a larger city grows denser, not wider."""
        return float(min(1.0, (self.grids / FULL[3]) ** 0.5))

    @property
    def cases(self) -> int:
        """Return how many cases the first day shows: 3,000 at full size, fewer with the square root of it."""
        return int(max(40, round(3_000 * (self.grids / FULL[3]) ** 0.5)))


TINY = Plan(districts=2, streets=3, communities=10, grids=32)
"""The city of other rooms' tests."""


def plan_for(scale: float, seed: int = SEED) -> Plan:
    """Return the plan of a city of `scale` × 20,000 grids. Scale 1 gives exactly `FULL`.

    Districts shrink with the square root of the scale, so that a small city still has several.
    Raises ValueError for a scale that is not above 0 or beyond 6 (the codes have two digits for a district).
    """
    if not 0 < scale <= 6:
        raise ValueError(f"scale {scale}: give a number above 0 and at most 6")
    districts = max(2, round(FULL[0] * (scale**0.5 if scale < 1 else scale)))
    streets = max(districts + 1, round(FULL[1] * scale))
    communities = max(2 * streets, round(FULL[2] * scale))
    return Plan(districts, streets, communities, max(3 * communities, round(FULL[3] * scale)), seed)


def stream(seed: int, subject: str) -> np.random.Generator:
    """Return the stream of chance of `subject`: the same for the same seed."""
    return np.random.default_rng([seed, zlib.crc32(subject.encode())])
