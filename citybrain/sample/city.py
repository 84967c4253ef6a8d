"""The made-up city as plain data: its areas with codes, names and shapes. No database is needed.

Codes begin with 1298, a city number that no city has (synthetic_data_rule of our code tables): neither a code
nor an identity number made from it can belong to anything real.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from citybrain.sample.mesh import Mesh, build_mesh
from citybrain.sample.names import Names, english, pinyin_key, words
from citybrain.sample.partition import Partition, partition
from citybrain.sample.plan import Plan, stream
from citybrain.sample.terrain import Terrain, terrain, to_degrees

CITY_CODE = "1298"
CITY, DISTRICT, STREET, COMMUNITY, GRID = range(1, 6)
TOWN_BELOW, VILLAGE_BELOW = 2.6, 1.7
"""Grids per km² below which a street is a town, and a community a village."""
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AreaRow:
    """An area before it is in a database: `index` is its place in the city's list, `parent` its parent's.

    `short` is the name without its kind (听潮 of 听潮街道).
    """

    index: int
    code: str
    name: str
    short: str
    name_en: str
    pinyin: str
    level: int
    kind: str
    parent: int | None

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as a call: a frozen dataclass's own way takes ten times as long."""
        return AreaRow, tuple(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True)
class City:
    """Areas from the city down to the grids, parents first, and the shape of each (WGS-84)."""

    plan: Plan
    land: Terrain
    areas: list[AreaRow]
    shapes: npt.NDArray[np.object_]
    first: dict[int, int]
    density: npt.NDArray[np.float64]
    """Grids per km² at each grid's site, in the order of the grids."""
    inner: npt.NDArray[np.float64]
    """A point well inside each grid: longitude, latitude."""

    def __getstate__(self) -> dict[str, Any]:
        own = {one.name: getattr(self, one.name) for one in fields(self)}
        return own | {"shapes": shapely.to_wkb(self.shapes)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"shapes": shapely.from_wkb(state["shapes"])})

    def at_level(self, level: int) -> list[AreaRow]:
        """Return the areas of a level, in the order of codes."""
        return self.areas[self.first[level] : self.first.get(level + 1, len(self.areas))]

    def lineage(self, index: int) -> tuple[int, ...]:
        """Return the indexes from the city down to this area."""
        found = [index]
        while (above := self.areas[found[-1]].parent) is not None:
            found.append(above)
        return tuple(reversed(found))

    @cached_property
    def home(self) -> AreaRow:
        """The busiest grid: where the standing cast is at home."""
        return self.at_level(GRID)[int(np.argmax(self.density))]

    def children(self, index: int) -> list[AreaRow]:
        """Return the areas right below one."""
        return self._children.get(index, [])

    @cached_property
    def _children(self) -> dict[int, list[AreaRow]]:
        found: dict[int, list[AreaRow]] = {}
        for area in self.areas:
            if area.parent is not None:
                found.setdefault(area.parent, []).append(area)
        return found


@lru_cache(maxsize=2)
def make_city(plan: Plan) -> City:
    """Return the city of a plan: the same for the same plan."""
    land = terrain(plan.seed, plan.extent)
    mesh = build_mesh(plan, land)
    parts = partition(plan, mesh, land)
    order = np.lexsort((-mesh.sites[:, 1], parts.community))
    density = land.density(mesh.sites)[order]
    groups = [group[order] for group in (parts.district, parts.street, parts.community)]
    shapes = mesh.shapes[order]
    areas = list(_rows(plan, Partition(*groups), density))
    counts = (1, plan.districts, plan.streets, plan.communities, plan.grids)
    starts = np.concatenate([[0], np.cumsum(counts)])[:5].tolist()
    return City(
        plan=plan,
        land=land,
        areas=areas,
        shapes=_all_shapes(shapes, groups),
        first=dict(zip(range(CITY, GRID + 1), starts, strict=True)),
        density=density,
        inner=_inner(mesh, order, shapes, plan),
    )


def _inner(mesh: Mesh, order: Ints, shapes: npt.NDArray[np.object_], plan: Plan) -> npt.NDArray[np.float64]:
    """Return the sites in degrees; where a bend left one outside its cell, a point that is inside."""
    spots = to_degrees(mesh.sites[order], plan.extent)
    lost = ~shapely.contains_xy(shapes, spots[:, 0], spots[:, 1])
    spots[lost] = shapely.get_coordinates(shapely.point_on_surface(shapes[lost]))
    return spots


def _all_shapes(grids: npt.NDArray[np.object_], groups: list[Ints]) -> npt.NDArray[np.object_]:
    """Return the shapes of all areas: each the exact union of its children's."""
    levels: list[list[shapely.Geometry]] = [list(grids)]
    for group in reversed(groups):
        levels.insert(0, _unions(grids, group))
    levels.insert(0, [shapely.coverage_union_all(np.array(levels[0]))])
    flat = np.array([shape for level in levels for shape in level], dtype=object)
    return np.asarray(shapely.orient_polygons(flat))


def _unions(grids: npt.NDArray[np.object_], group: Ints) -> list[shapely.Geometry]:
    cuts = np.cumsum(np.bincount(group))[:-1]
    ordered = np.argsort(group, kind="stable")
    return [shapely.coverage_union_all(grids[cells]) for cells in np.split(ordered, cuts)]


def _rows(plan: Plan, parts: Partition, density: npt.NDArray[np.float64]) -> Iterator[AreaRow]:
    """Yield the city, then its districts, streets, communities and grids, coded one after the other."""
    namer = Names(stream(plan.seed, "names"))
    name = words()["city"]
    top = AreaRow(0, CITY_CODE, name, name[:-1], "Anlan City", pinyin_key(name), CITY, "prefecture", None)
    yield top
    parents = [top]
    groups = [np.zeros_like(parts.district), parts.district, parts.street, parts.community]
    groups.append(np.arange(plan.grids))
    for level in range(DISTRICT, GRID + 1):
        above, here = groups[level - 2], groups[level - 1]
        parent_of = np.zeros(int(here.max()) + 1, dtype=np.int64)
        parent_of[here] = above
        built = np.bincount(here, weights=density) / np.bincount(here)
        rows = list(_level(level, parent_of.tolist(), built.tolist(), parents, namer))
        yield from rows
        parents = rows


def _level(
    level: int, parent_of: list[int], built: list[float], parents: list[AreaRow], namer: Names
) -> Iterator[AreaRow]:
    """Yield the areas of one level; `built`: how densely each is built makes it a street or a town."""
    start = parents[-1].index + 1
    seen = [0] * len(parents)
    for number, parent_place in enumerate(parent_of):
        parent = parents[parent_place]
        seen[parent_place] += 1
        digits = 2 if level == DISTRICT else 3
        code = f"{parent.code}{seen[parent_place]:0{digits}}"
        short, name, name_en, kind = _named(level, parent, seen[parent_place], built[number], namer)
        yield AreaRow(start + number, code, name, short, name_en, pinyin_key(name), level, kind, parent.index)


def _named(level: int, parent: AreaRow, place: int, built: float, namer: Names) -> tuple[str, str, str, str]:
    """Return short name, name, English name and kind of an area."""
    if level == DISTRICT:
        short = namer.district()
        return short, f"{short}区", english(short, "District"), "district"
    if level == STREET:
        short, town = namer.street(), built < TOWN_BELOW
        kind = ("镇", "Town", "town") if town else ("街道", "Subdistrict", "subdistrict")
        return short, short + kind[0], english(short, kind[1]), kind[2]
    if level == COMMUNITY:
        village = built < VILLAGE_BELOW
        short = namer.community(rural=village)
        kind = ("村", "Village", "village") if village else ("社区", "Community", "community")
        return short, short + kind[0], english(short, kind[1]), kind[2]
    short = f"{parent.short}第{place}网格"
    return short, short, f"{english(parent.short, 'Grid')} {place}", "grid"
