"""What a city aims at: the lines that its figures are held against. Data, with dates and source."""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Targets:
    """Shares of 1: the least that rates should reach, the most of the open cases that may be late."""

    on_time_least: float
    solved_least: float
    satisfied_least: float
    late_share_most: float


@cache
def _tables() -> list[dict[str, Any]]:
    text = resources.files("citybrain.hub.cases").joinpath("data/targets.toml").read_text(encoding="utf-8")
    tables: list[dict[str, Any]] = tomllib.loads(text)["tables"]
    return sorted(tables, key=lambda table: table["from"], reverse=True)


def targets(on: date) -> Targets:
    """Return the targets in force on a day (before the first table: the first)."""
    table = next((table for table in _tables() if table["from"] <= on), _tables()[-1])
    return Targets(**table["target"])
