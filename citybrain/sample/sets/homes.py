"""Homes: one standard address each, in the grids, more of them where the city is dense."""

from dataclasses import dataclass

import numpy as np

from citybrain.sample.city import COMMUNITY, GRID, STREET, City
from citybrain.sample.names import Names
from citybrain.sample.plan import stream
from citybrain.sample.sets.text import Array, joined, zeros

HOMES_PER_BUILDING = 24
NEAR = 3
"""Buildings that stand in the cast's own community at least: its rosters and forms are the ones that are looked at."""
JITTER = 2e-5  # degrees: a building stands within some two metres of its grid's middle point


@dataclass(frozen=True)
class Homes:
    """Columns of equal length, a row per home. `spot` is longitude and latitude (n × 2)."""

    code: Array
    region: Array
    district: Array
    road: Array
    number: Array
    estate: Array
    building: Array
    unit: Array
    room: Array
    address: Array
    grid_code: Array
    spot: Array

    def __len__(self) -> int:
        return len(self.code)


def make_homes(city: City, count: int) -> Homes:
    """Return `count` homes; those of one building stand together in the list."""
    rng = stream(city.plan.seed, "homes")
    grids = city.at_level(GRID)
    weight = city.density / city.density.sum()
    buildings = -(-count // HOMES_PER_BUILDING)
    grid_of = rng.choice(len(grids), size=buildings, p=weight)
    near = _near(city)
    grid_of[: min(NEAR, buildings // 8)] = np.resize(near, min(NEAR, buildings // 8))
    grid_of = np.sort(grid_of)
    first, names = city.first, np.array([area.name for area in city.areas])
    codes = np.array([area.code for area in city.areas])
    parents = np.array([area.parent or 0 for area in city.areas])
    community = parents[grid_of + first[GRID]]
    street = parents[community]
    district = parents[street]
    building = np.arange(count) // HOMES_PER_BUILDING
    place = np.arange(count) % HOMES_PER_BUILDING
    roads = _roads(city, street, rng)
    doors = rng.integers(1, 400, buildings)
    blocks = rng.integers(1, 40, buildings)
    unit, floor, door = place // 12 + 1, place % 12 // 2 + 1, place % 2 + 1
    community = community[building]
    number = joined(doors[building].astype(np.str_), "号")
    block = joined(blocks[building].astype(np.str_), "号楼")
    units = joined(unit.astype(np.str_), "单元")
    rooms = joined(floor.astype(np.str_), zeros(door, 2), "室")
    estate = np.strings.replace(np.strings.replace(names[community], "社区", ""), "村委会", "村")
    told = joined(
        names[0],
        names[district[building]],
        names[street[building]],
        roads[building],
        number,
        estate,
        block,
        units,
        rooms,
    )
    spots = city.inner[grid_of] + rng.uniform(-JITTER, JITTER, (buildings, 2))
    return Homes(
        code=joined(codes[community], zeros(building, 8), zeros(place, 3)),
        region=codes[community],
        district=codes[district[building]],
        road=roads[building],
        number=number,
        estate=estate,
        building=block,
        unit=units,
        room=rooms,
        address=told,
        grid_code=codes[grid_of + first[GRID]][building],
        spot=spots[building],
    )


def _near(city: City) -> Array:
    """Return the places among the grids of those in the cast's community."""
    return np.array([area.index - city.first[GRID] for area in city.children(city.home.parent or 0)])


def _roads(city: City, street: Array, rng: np.random.Generator) -> Array:
    """Return one of its street's six roads for each building."""
    namer = Names(stream(city.plan.seed, "names"))
    start = city.first[STREET]
    table = np.array([namer.roads(number) for number in range(city.first[COMMUNITY] - start)])
    return np.asarray(table[street - start, rng.integers(0, table.shape[1], len(street))])
