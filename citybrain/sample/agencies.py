"""The made-up city's bodies: of each kind at each level where that kind stands, and the operation centres."""

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from citybrain.sample.city import CITY, COMMUNITY, DISTRICT, STREET, AreaRow, City
from citybrain.sample.names import DATA, english, pinyin_key

CENTRE = "command_centre"
"""The kind of the operation centres (城市运行管理中心), where acceptors and dispatchers sit; no item is led by it."""


@dataclass(frozen=True, slots=True)
class AgencyRow:
    """A body before it is in a database. `area` and `parent` are places in the city's lists."""

    index: int
    key: str
    name: str
    name_en: str
    pinyin: str
    kind: str
    area: int
    parent: int | None


@cache
def kind_names() -> dict[str, str]:
    """Return the English name of each kind of agency by its key."""
    file = resources.files("citybrain.base.identity").joinpath("data/agencies.csv")
    rows = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    return {row["agency_key"]: row["name_en"] for row in rows}


@cache
def _patterns() -> dict[str, dict[str, str]]:
    return tomllib.loads((DATA / "agencies.toml").read_text(encoding="utf-8"))


def _sheet(area: AreaRow) -> str:
    """Return which sheet of data/agencies.toml names the bodies of an area."""
    if area.kind in {"town", "village"}:
        return area.kind
    return {CITY: "city", DISTRICT: "district", STREET: "street", COMMUNITY: "community"}[area.level]


def make_agencies(city: City) -> list[AgencyRow]:
    """Return all bodies, upper levels first; a body's parent is the one of its kind in the area above."""
    found: list[AgencyRow] = []
    at: dict[tuple[str, int], int] = {}
    for area in city.areas[: city.first[COMMUNITY] + city.plan.communities]:
        for row in _bodies(city, area, len(found), at):
            at[row.kind, row.area] = row.index
            found.append(row)
    return found


def _bodies(city: City, area: AreaRow, start: int, at: dict[tuple[str, int], int]) -> Iterator[AgencyRow]:
    short = city.areas[0].short if area.level == CITY else area.short
    place = "" if area.level == CITY else f"{english(short, '')} "
    for number, (kind, pattern) in enumerate(_patterns()[_sheet(area)].items()):
        name = pattern.format(a=area.name, c=city.areas[0].name, s=short)
        parent = None if area.parent is None else at.get((kind, area.parent))
        yield AgencyRow(
            start + number,
            f"{kind}-{area.code}",
            name,
            f"{place}{kind_names()[kind]}",
            pinyin_key(name),
            kind,
            area.index,
            parent,
        )
