"""Places as people name them: search by name and pinyin, and the name of a point."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from citybrain.base.areas import index
from citybrain.base.areas.models import AreaShape, Level
from citybrain.base.areas.tree import AreaTree, Lineage, Node, tree
from citybrain.hub.cases.models import Case

MOST = 8
ENDINGS = re.compile(r"(社区居委会|村委会|居委会|社区|街道办事处|街道|新区|区|镇|乡|村)$")
LEAST_STEM = 2
EXACT, INSIDE_TEXT = 100, 50


@dataclass(frozen=True, slots=True)
class Place:
    """An area to choose: its name, where it lies, and a point to look at (None where it has no shape)."""

    area_id: int
    name: str
    where: str
    lon: float | None
    lat: float | None

    def to_json(self) -> dict[str, Any]:
        return {"id": self.area_id, "name": self.name, "where": self.where, "lon": self.lon, "lat": self.lat}


def _name(node: Node) -> str:
    return node.name_en if node.name_en and (get_language() or "").startswith("en") else node.name


def where(area_id: int | None, *, itself: bool = True) -> str:
    """Return the names from the district down to the community: 和平区 建国街道 花园社区."""
    areas = tree()
    node = areas.find(area_id)
    if node is None:
        return ""
    named = [
        above
        for above in areas.ancestors(node.id)
        if Level.CITY < above.level < Level.GRID and (itself or above.id != node.id)
    ]
    if (get_language() or "").startswith("en"):
        return ", ".join(_name(one) for one in reversed(named))
    return " ".join(one.name for one in named)


def name_of_point(lon: float, lat: float) -> str:
    """Return where a point lies, in words; an empty text outside the city."""
    lineage = index.locate_one(lon, lat)
    return name_of_lineage(lineage) if lineage is not None else ""


def name_of_lineage(lineage: Lineage) -> str:
    """Return the community (or what else is known of it) in words."""
    deepest = next((one for one in reversed(lineage[:4]) if one is not None), None)
    return where(deepest) or city_name()


def city_name() -> str:
    """Return the city's name, or 本市 before one was set up."""
    roots = tree().roots()
    return _name(roots[0]) if roots else _("本市")


def where_is(case: Case) -> str:
    """Return where a case lies: its areas, then the address that was written down."""
    areas = where(case.community_id or case.street_id or case.district_id)
    return areas if areas.endswith(case.address) else f"{areas} {case.address}".strip()


@dataclass(frozen=True, slots=True)
class _Entry:
    node: Node
    stem: str
    pinyin: str
    initials: str


@lru_cache(maxsize=1)
def _entries(areas: AreaTree) -> tuple[_Entry, ...]:
    """Return what can be searched, larger areas first; once per version of the tree."""
    found = []
    for node in areas.in_force():
        if not Level.CITY < node.level < Level.GRID:
            continue
        full, _sep, initials = node.pinyin.partition(" ")
        found.append(_Entry(node, ENDINGS.sub("", node.name) or node.name, full.lower(), initials.lower()))
    return tuple(sorted(found, key=lambda one: (one.node.level, one.node.code)))


def _rank(entry: _Entry, text: str) -> int:
    """Return how well an entry fits, 0 for not at all."""
    node = entry.node
    if text in (node.name, entry.stem):
        return EXACT
    if node.name in text:
        return INSIDE_TEXT + 20 + node.level
    if len(entry.stem) >= LEAST_STEM and entry.stem in text:
        return INSIDE_TEXT + node.level
    if node.name.startswith(text):
        return 45
    if text in node.name:
        return 40
    return _rank_letters(entry, text)


def _rank_letters(entry: _Entry, text: str) -> int:
    letters = text.lower().replace(" ", "").replace("'", "")
    if not letters.isascii() or len(letters) < LEAST_STEM:
        return 0
    if entry.pinyin.startswith(letters):
        return 35
    if entry.initials.startswith(letters):
        return 30
    english = entry.node.name_en.lower().replace(" ", "")
    return 25 if english and letters in english else 0


def search(text: str, limit: int = MOST) -> list[Place]:
    """Return the areas that a text names, by name, pinyin or initials; best first. One query for the points."""
    wanted = re.sub(r"[\s,，、。]+", "", text)[:60]
    if not wanted:
        return []
    areas = tree()
    words = text.split()
    ranked = [(rank, one.node) for one in _entries(areas) if (rank := _fit(areas, one, wanted, words))]
    ranked.sort(key=lambda pair: -pair[0])
    best = [node for _fits, node in ranked[:limit]]
    points = {
        area: (lon, lat)
        for area, lon, lat in AreaShape.objects.filter(area__in=[node.id for node in best]).values_list(
            "area_id", "label_lon", "label_lat"
        )
    }
    return [
        Place(node.id, _name(node), where(node.id, itself=False), *points.get(node.id, (None, None)))
        for node in best
    ]


def _fit(areas: AreaTree, entry: _Entry, wanted: str, words: list[str]) -> int:
    """Return how well an area fits; one whose upper areas are named as well comes before its namesakes."""
    rank = _rank(entry, wanted)
    above = areas.ancestors(entry.node.id)[:-1]
    if INSIDE_TEXT <= rank < EXACT:
        return rank + 5 * sum(ENDINGS.sub("", node.name) in wanted for node in above)
    if rank or len(words) < 2:
        return rank
    names = "".join(node.name for node in above)
    return _rank(entry, words[-1]) if all(word in names for word in words[:-1]) else 0
