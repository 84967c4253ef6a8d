"""Which topic is told to whom, and how loudly: rules as data (data/warnings.toml), no database."""

import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

_DATA = Path(__file__).parent / "data" / "warnings.toml"
SEVERITIES: Final = ("none", "blue", "yellow", "orange", "red")
CITY, STREET = 1, 3
Lineage = tuple[int | None, ...]


@dataclass(frozen=True)
class Voice:
    """One person in one topic: where they speak of (city to grid), since when, how urgent it is at most."""

    lineage: Lineage
    is_recent: bool = False
    danger: bool = False
    utilities: bool = False


@dataclass(frozen=True)
class Verdict:
    """A warning to give: to the area at `level` (1 city … 5 grid), None where nothing in the topic has a place."""

    severity: int
    rule: str
    level: int
    area_id: int | None


@cache
def settings() -> dict[str, Any]:
    """Return the rules and limits."""
    return tomllib.loads(_DATA.read_text("utf-8"))


def home(voices: Sequence[Voice]) -> tuple[int, int | None]:
    """Return level and area of the smallest area that holds enough of the people; the city where none does."""
    need = float(settings()["home_share"]) * len(voices)
    for level in range(STREET + 1, CITY, -1):
        areas = Counter(one.lineage[level - 1] for one in voices if one.lineage[level - 1] is not None)
        if areas and areas.most_common(1)[0][1] >= need:
            return level, areas.most_common(1)[0][0]
    cities = Counter(one.lineage[0] for one in voices if one.lineage[0] is not None)
    return CITY, cities.most_common(1)[0][0] if cities else None


def within(voices: Sequence[Voice], level: int, area_id: int | None) -> list[Voice]:
    """Return those who speak of an area; all where nobody says where."""
    return list(voices) if area_id is None else [one for one in voices if one.lineage[level - 1] == area_id]


def judge(voices: Sequence[Voice], growth: float) -> Verdict | None:
    """Return the loudest warning that the topic's home gives cause for, at the level that has to know; None: none."""
    level, area_id = home(voices)
    here = within(voices, level, area_id)
    figures = {
        "people": len(here),
        "recent": sum(one.is_recent for one in here),
        "danger": sum(one.danger for one in here),
        "utilities": sum(one.utilities for one in here),
        "growth": growth,
    }
    held = [
        rule for rule in settings()["rules"] if all(figures[what] >= rule.get(what, 0) for what in figures)
    ]
    if not held:
        return None
    rule = max(held, key=lambda one: SEVERITIES.index(one["severity"]))
    severity = SEVERITIES.index(rule["severity"])
    upto = min(level, int(settings()["levels"][rule["severity"]]))
    lineage: Lineage = here[0].lineage if here and area_id is not None else (None,) * 5
    return Verdict(severity, rule["key"], upto, lineage[upto - 1])
