"""Names of areas in a text: a gazetteer the caller fills, and what several names together mean. Knows no database."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from citybrain.hub.hotline.reading.words import Phrases

CITY: Final = 1
GRID: Final = 5
_ENDINGS: Final = (
    "社区居民委员会", "社区居委会", "村民委员会", "居民委员会", "居委会", "村委会", "社区", "街道办事处", "街道",
    "地区", "新区", "自治县", "镇", "乡", "村", "区", "县", "市",
)  # fmt: skip
_LEAST_SHORT = 3  # characters of a short form that stands alone: "和平" is also a word, "南营门" is not
_ONLY_NUMBERED = re.compile(r"^第?[0-9一二三四五六七八九十百]+(?:号)?网格$")
# What makes a short form the name of something else: 南营门路 is a road, wherever it lies.
_OTHER_THING = re.compile(
    r"^(?:[东南西北中]?(?:路|街(?!道)|大街|大道|道(?!路)|桥|立交|高架|高速|隧道)|[东南西北]?站|公园|医院|小学|中学|大学|学校|市场|广场|银行|公司|酒店|镇银行)"
)


@dataclass(frozen=True, slots=True)
class KnownArea:
    """An area of the gazetteer. `lineage`: ids of city, district, street, community, grid down to its own, None where
    there is none. `also`: other names people use.
    """

    id: int
    name: str
    level: int
    lineage: tuple[int | None, ...]
    also: tuple[str, ...] = ()


class Named(NamedTuple):
    """Areas that a piece of text may mean. `short`: it isn't the whole name, so it proves nothing alone."""

    start: int
    end: int
    areas: tuple[int, ...]
    short: bool


def short_form(name: str) -> str:
    """Return a name without its ending (南营门街道 → 南营门), "" where it has none."""
    for ending in _ENDINGS:
        if name.endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return ""


class Gazetteer:
    """Names of a city's areas, as the caller gives them; made once, used for all messages."""

    def __init__(self, areas: Iterable[KnownArea] = ()) -> None:
        self.areas = {one.id: one for one in areas}
        self._whole: dict[str, list[int]] = {}
        self._short: dict[str, list[int]] = {}
        for one in self.areas.values():
            for name in _names(one):
                self._whole.setdefault(name, []).append(one.id)
            if one.level < GRID:
                for name in self._shortened(one):
                    self._short.setdefault(name, []).append(one.id)
        self._phrases = Phrases(one for one in {*self._whole, *self._short} if len(one) > 1)

    def _shortened(self, area: KnownArea) -> set[str]:
        short = short_form(area.name)
        found = {short} if len(short) >= _LEAST_SHORT else set()
        if short and area.level == CITY + 1 and area.lineage[0] in self.areas:
            city = self.areas[area.lineage[0]].name
            found |= {f"{city}{short}", f"{short_form(city) or city}{short}"}
        bare = short_form(f"{short}社区") if area.level == CITY + 3 else ""
        return found | ({f"{bare}社区"} if len(bare) > 1 and area.name != f"{bare}社区" else set())

    def find(self, text: str) -> list[Named]:
        """Return the names in a text, from left to right."""
        told = []
        for start, end, name in self._phrases.find(text):
            whole = self._whole.get(name)
            if whole is None and _OTHER_THING.match(text[end : end + 4]):
                continue
            told.append(Named(start, end, tuple(whole or self._short[name]), whole is None))
        return told

    def resolve(self, named: Sequence[Named], within: int | None = None) -> tuple[tuple[int, ...], bool]:
        """Return the areas that names together may mean, likeliest first, and whether the first is certain.

        Names narrow each other: of several communities of one name the one that lies in the district also named.
        Two places that don't hold each other are two candidates. `within` is an area it lies in for certain;
        names outside are left out. The city alone is no place.
        """
        sets = [narrowed for one in named if (narrowed := self._deeper(one.areas, within))]
        anchors = [held for one, held in zip(named, map(set, sets), strict=False) if not one.short]
        meant: dict[int, float] = {}
        for order, areas in enumerate(sets):
            kept = [one for one in areas if self._agrees(one, sets)] or list(areas)
            for one in kept:
                weight = self.areas[one].level - order / 100
                meant[one] = max(meant.get(one, 0), weight)
        deepest = [
            one for one in meant if not any(self._holds(one, other) for other in meant if other != one)
        ]
        deepest.sort(key=lambda one: (-self._support(one, sets), -meant[one]))
        return tuple(deepest), len(deepest) == 1 and self._proven(deepest[0], anchors)

    def _deeper(self, areas: tuple[int, ...], within: int | None) -> tuple[int, ...]:
        """Return the areas below the city, those within `within` where there is one."""
        return tuple(
            one
            for one in areas
            if self.areas[one].level > CITY and (within is None or within in self.areas[one].lineage)
        )

    def _holds(self, area: int, other: int) -> bool:
        return area in self.areas[other].lineage

    def _agrees(self, area: int, sets: Sequence[tuple[int, ...]]) -> bool:
        """Tell whether every name of another level means an area in whose line this one lies, where any does."""
        return all(
            any(self._holds(one, area) or self._holds(area, one) for one in areas)
            for areas in sets
            if area not in areas and any(self.areas[one].level != self.areas[area].level for one in areas)
        )

    def _support(self, area: int, sets: Sequence[tuple[int, ...]]) -> int:
        return sum(any(self._holds(one, area) for one in areas) for areas in sets)

    def _proven(self, area: int, anchors: Sequence[set[int]]) -> bool:
        """Tell whether a whole name means this area, or one above it: a short form alone proves nothing."""
        return any(self._holds(one, area) for held in anchors for one in held)


def _names(area: KnownArea) -> set[str]:
    """Return the whole names of an area: its own and those given; a grid's number is no name."""
    names = {area.name, *area.also}
    if area.level >= CITY + 2 and area.name.endswith(("社区居民委员会", "社区居委会")):
        names.add(area.name.split("社区")[0] + "社区")
    if area.name.endswith(("村民委员会", "村委会")):
        names.add(area.name.replace("民委员会", "").replace("委会", ""))
    return {one for one in names if len(one) > 1 and not _ONLY_NUMBERED.match(one)}
