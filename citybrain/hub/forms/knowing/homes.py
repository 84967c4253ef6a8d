"""Where people live and what tells the same of them (data/homes.toml). Light: the applications' start reads it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from citybrain.base.areas.models import Level
from citybrain.base.catalogue.conditions import Condition
from citybrain.base.lake.residences import Residence

FILE: Final = Path(__file__).parent.parent / "data" / "homes.toml"


@dataclass(frozen=True, slots=True)
class Home:
    """A data set that says who lives where."""

    dataset: str
    region: str
    grid: str
    here: Condition | None

    def place(self, level: int) -> str:
        """Return the field that tells who lives in an area of a level, "" where the set can't tell."""
        return self.grid if level == Level.GRID else self.region or self.grid


@cache
def homes() -> tuple[Home, ...]:
    """Return the sets of data/homes.toml that say who lives where, in their order."""
    return tuple(
        Home(
            one["dataset"], one.get("region", ""), one.get("grid", ""),
            Condition.from_json(one["here"]) if "here" in one else None,
        )
        for one in _read()["homes"]
    )  # fmt: skip


def residences() -> tuple[Residence, ...]:
    """Return the homes by which serving copies are placed: those that tell communities, permits before the register."""
    return tuple(Residence(one.dataset, one.region) for one in reversed(homes()) if one.region)


@cache
def same() -> Mapping[str, tuple[str, ...]]:
    """Return for a field ("dataset.field") those that hold the same of a person, in the order they are asked."""
    return {key: tuple(listed) for key, listed in _read()["same"].items()}


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
