"""Which grid, community, street, district and city hold a point.

The finest level with shapes answers first and the tree fills in the levels above it; points it doesn't hold are
asked of the next coarser level. A point on a border belongs to one area, the one with the lowest code.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from citybrain.base.areas.models import AreaShape, Level
from citybrain.base.areas.tree import AmbiguousCode, AreaTree, Lineage, Node, tree

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

_CELLS = 256  # per side


class Located(NamedTuple):
    """Ids per point, 0 where none is known; all arrays as long as the input."""

    grid: Ids
    community: Ids
    street: Ids
    district: Ids
    city: Ids


@dataclass(frozen=True, slots=True)
class Outline:
    """An area as the index needs it. `lineage` as in `tree.Node`."""

    code: str
    lineage: Lineage
    geometry: Any


class Layer:
    """The shapes of one level, ready to be asked; knows nothing of the database."""

    def __init__(self, outlines: Sequence[Outline]) -> None:
        ordered = sorted(outlines, key=lambda outline: outline.code)
        self._shapes = np.array([outline.geometry for outline in ordered], dtype=object)
        self._lineages = [outline.lineage for outline in ordered]
        self._ids = np.array(
            [[above or 0 for above in outline.lineage] for outline in ordered], dtype=np.int64
        ).reshape(-1, len(Level))
        shapely.prepare(self._shapes)
        self._tree = shapely.STRtree(self._shapes)
        # What is prepared builds its own index at the first question, which two threads must not ask at once.
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._shapes)

    def find(self, lons: Floats, lats: Floats) -> NDArray[np.intp]:
        """Return the number of the shape that holds each point, -1 for none; input must be finite."""
        order = _neighbours_first(lons, lats)
        found = np.empty(len(lons), dtype=np.intp)
        found[order] = self._find(lons[order], lats[order])
        return found

    def _find(self, lons: Floats, lats: Floats) -> NDArray[np.intp]:
        points, candidates = self._tree.query(shapely.points(lons, lats))
        with self._lock:
            held = shapely.intersects_xy(self._shapes[candidates], lons[points], lats[points])
        none = len(self._shapes)
        lowest = np.full(len(lons), none, dtype=np.intp)
        np.minimum.at(lowest, points[held], candidates[held])
        lowest[lowest == none] = -1
        return lowest

    def find_one(self, lon: float, lat: float) -> Lineage | None:
        """Return the lineage of the area that holds a finite point."""
        candidates: list[int] = sorted(self._tree.query(shapely.Point(lon, lat)).tolist())
        with self._lock:
            for candidate in candidates:
                if shapely.intersects_xy(self._shapes[candidate], lon, lat):
                    return self._lineages[candidate]
        return None

    def fill(self, found: NDArray[np.intp], into: Ids, at: NDArray[np.intp]) -> None:
        """Write the ids of five levels, city first, for the points at positions `at`."""
        into[at] = self._ids[found]


def _neighbours_first(lons: Floats, lats: Floats) -> NDArray[np.intp]:
    """Return an order in which near points follow each other, so that one shape is asked while it is at hand.

    Doubles the speed on points strewn over a city; any order gives the same answers.
    """
    if len(lons) < 2:
        return np.arange(len(lons))
    columns, rows = (
        ((values - values.min()) / (np.ptp(values) or 1.0) * _CELLS).astype(np.int32)
        for values in (lons, lats)
    )
    return np.argsort(columns * (_CELLS + 1) + rows, kind="stable")


class AreaIndex:
    """The layers of one version of the areas, each read when it is first needed, finest first."""

    def __init__(self, areas: AreaTree) -> None:
        self.version = areas.version
        self.areas = areas
        self.layers: dict[int, Layer] = {}
        self._lock = threading.Lock()

    def layer(self, level: int) -> Layer:
        """Return the layer of a level; reads its shapes once."""
        with self._lock:
            if level not in self.layers:
                self.layers[level] = Layer(_outlines(self.areas, level))
            return self.layers[level]

    def locate(self, lons: Floats, lats: Floats) -> Ids:
        """Return n × 5 ids, city first; 0 where none is known."""
        ids = np.zeros((len(lons), len(Level)), dtype=np.int64)
        asked = np.flatnonzero(np.isfinite(lons) & np.isfinite(lats))
        for level in sorted(Level, reverse=True):
            if not len(asked):
                break
            layer = self.layer(level)
            if len(layer):
                found = layer.find(lons[asked], lats[asked])
                held = found >= 0
                layer.fill(found[held], ids, asked[held])
                asked = asked[~held]
        return ids

    def locate_one(self, lon: float, lat: float) -> Lineage | None:
        """Return the lineage for one finite point."""
        for level in sorted(Level, reverse=True):
            found = self.layer(level).find_one(lon, lat)
            if found is not None:
                return found
        return None


def _outlines(areas: AreaTree, level: int) -> list[Outline]:
    """Read the shapes of the areas in force at one level."""
    rows = list(
        AreaShape.objects.filter(area__level=level, area__valid_until=None).values_list("area_id", "wkb")
    )
    geometries = shapely.from_wkb([bytes(wkb) for _, wkb in rows])
    known = ((areas.find(area_id), shape) for (area_id, _), shape in zip(rows, geometries, strict=True))
    return [Outline(node.code, node.lineage, shape) for node, shape in known if node is not None]


class _Kept:
    index: AreaIndex | None = None


_lock = threading.Lock()


def index() -> AreaIndex:
    """Return the index of the current tree; a new version starts empty and reads what it is asked for."""
    areas = tree()
    kept = _Kept.index
    if kept is not None and kept.areas is areas:
        return kept
    with _lock:
        kept = _Kept.index
        if kept is None or kept.areas is not areas:
            kept = _Kept.index = AreaIndex(areas)
        return kept


def locate(lons: ArrayLike, lats: ArrayLike) -> Located:
    """Return the areas that hold WGS-84 points; NaN and infinite coordinates are held by none.

    Raises ValueError when the arrays differ in length.
    """
    x = np.atleast_1d(np.asarray(lons, dtype=np.float64))
    y = np.atleast_1d(np.asarray(lats, dtype=np.float64))
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"{x.shape} longitudes and {y.shape} latitudes: two lists of one length are needed")
    city, district, street, community, grid = index().locate(x, y).T
    return Located(grid, community, street, district, city)


def locate_one(lon: float, lat: float) -> Lineage | None:
    """Return ids of city, district, street, community and grid that hold a WGS-84 point, or None outside."""
    if not (np.isfinite(lon) and np.isfinite(lat)):
        return None
    return index().locate_one(float(lon), float(lat))


def by_code_at(code: str, lon: float, lat: float, on: date | None = None) -> Node:
    """Return today's area for a code; of an area since split, the successor that holds the point.

    Raises UnknownCode, and AmbiguousCode where no successor holds the point.
    """
    areas = tree()
    try:
        return areas.by_code(code, on)
    except AmbiguousCode as split:
        lineage = locate_one(lon, lat) or ()
        for node in split.successors:
            if node.id in lineage:
                return node
        raise
