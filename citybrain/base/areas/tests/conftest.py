"""A city of eight grids in one row, west to east, each 0.01° wide: 2 districts × 2 streets × 1 community × 2 grids."""

from dataclasses import dataclass

import pytest
import shapely

from citybrain.base.areas import tree
from citybrain.base.areas.actions import AreaRow, import_rows, set_shapes
from citybrain.base.areas.doer import OPERATOR
from citybrain.base.areas.geojson import Feature
from citybrain.base.areas.tree import Node

WEST, SOUTH, SIDE = 117.0, 39.0, 0.01


@dataclass(frozen=True)
class Manager:
    """Someone who may change the areas named (with what lies below), or nothing at all."""

    key: str = "person:7"
    areas: tuple[int, ...] = ()

    def may(self, permission: str) -> bool:
        return permission == "areas.manage" and bool(self.areas)

    def covers_area(self, permission: str, area_id: int | None) -> bool:
        if area_id is None or not self.may(permission):
            return False
        return any(own in tree.tree().get(area_id).lineage for own in self.areas)


def square(column: int, columns: int = 1) -> shapely.MultiPolygon:
    """Return the box of some neighbouring grids, counted from the west."""
    west = WEST + column * SIDE
    return shapely.MultiPolygon([shapely.box(west, SOUTH, west + columns * SIDE, SOUTH + SIDE)])


def inside(column: int) -> tuple[float, float]:
    return WEST + (column + 0.5) * SIDE, SOUTH + SIDE / 2


ROWS = [
    AreaRow(2, "99", "津海市"),
    AreaRow(3, "990102", "西山区"),
    AreaRow(4, "990101", "东湖区"),
    AreaRow(5, "990101001", "柳林街道"),
    AreaRow(6, "990101002", "白塔镇"),
    AreaRow(7, "990102001", "石桥街道"),
    AreaRow(8, "990102002", "南洼乡"),
    AreaRow(9, "990101001001", "柳林社区"),
    AreaRow(10, "990101002001", "白塔村"),
    AreaRow(11, "990102001001", "石桥社区"),
    AreaRow(12, "990102002001", "南洼村"),
    *(
        AreaRow(13 + place, f"{community}{number:03}", f"第{number}网格")
        for place, (community, number) in enumerate(
            (community, number)
            for community in ("990101001001", "990101002001", "990102001001", "990102002001")
            for number in (1, 2)
        )
    ),
]
GRIDS = [row.code for row in ROWS if len(row.code) == 15]


@pytest.fixture(autouse=True)
def _fresh_tree():
    tree.forget()
    yield
    tree.forget()


@pytest.fixture
def city(db: None) -> Node:
    """The city, with codes but without shapes."""
    receipt = import_rows(OPERATOR, ROWS)
    assert receipt.counts == {"added": 19, "renamed": 0, "unchanged": 0, "refused": 0}
    return tree.tree().by_code("99")


@pytest.fixture
def shaped_city(city: Node) -> Node:
    """The city with a shape for each grid, and those above drawn from them."""
    set_shapes(OPERATOR, [Feature(place + 1, code, square(place)) for place, code in enumerate(GRIDS)])
    return city


def area(code: str) -> Node:
    """Return the area in force with a code."""
    return tree.tree().by_code(code)
