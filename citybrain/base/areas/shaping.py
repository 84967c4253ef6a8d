"""Shapes are set, and those above drawn from them.

A level without shapes of its own gets the union of the level below as soon as all of that is there, and gets it
again when it changes; a shape that was given is never overwritten by one that was drawn.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from django.db import connection, transaction
from django.utils import timezone
from shapely import MultiPolygon, Polygon
from shapely.errors import GEOSException

from citybrain.base.areas import tree
from citybrain.base.areas.doer import MANAGE, Doer, require_manage
from citybrain.base.areas.geojson import Feature
from citybrain.base.areas.models import AreaShape, Level
from citybrain.base.ledger.append import record

_EARTH_KM = 6371.0072  # radius of the sphere with the Earth's surface
ShapeOutcome = Literal["set", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class ShapeResult:
    """What became of one feature. `note`: why it was refused, or what was mended."""

    number: int
    code: str
    outcome: ShapeOutcome
    note: str = ""


@dataclass(frozen=True, slots=True)
class ShapeReceipt:
    """What became of all features, and how many areas above got a shape drawn from those below."""

    results: tuple[ShapeResult, ...]
    derived: int = 0

    @property
    def counts(self) -> dict[str, int]:
        of = [result.outcome for result in self.results]
        return {"set": of.count("set"), "unchanged": of.count("unchanged"), "refused": of.count("refused")}


def set_shapes(
    actor: Doer,
    features: Iterable[Feature],
    *,
    source: str = "",
    progress: Callable[[int], object] | None = None,
) -> ShapeReceipt:
    """Give areas their shapes, and those above them theirs, in one transaction.

    Raises NotAllowedError when the actor may change areas nowhere.
    """
    if not actor.may(MANAGE):
        require_manage(actor)
    with transaction.atomic():
        tree.hold()
        areas = tree.read_tree()
        wanted: dict[int, MultiPolygon] = {}
        results: list[tuple[Feature, int, str]] = []
        for feature in features:
            area_id, reason = _target(actor, areas, feature, wanted)
            if not reason and feature.shape is not None:
                wanted[area_id] = feature.shape
            results.append((feature, area_id, reason))
            if progress:
                progress(1)
        changed = store_shapes(wanted)
        derived = derive_above(areas, changed)
        if changed:
            tree.bump()
            body = {"source": source, "set": len(changed), "derived": derived}
            record(actor.key, "areas.set_shapes", "areas", body)
    receipt = tuple(_result(feature, area_id, reason, changed) for feature, area_id, reason in results)
    return ShapeReceipt(receipt, derived)


def set_shape(actor: Doer, area_id: int, shape: MultiPolygon | Polygon) -> None:
    """Give one area its shape, WGS-84. Raises NotAllowedError."""
    require_manage(actor, area_id)
    with transaction.atomic():
        tree.hold()
        areas = tree.read_tree()
        whole = shape if isinstance(shape, MultiPolygon) else MultiPolygon([shape])
        changed = store_shapes({area_id: whole})
        if changed:
            derive_above(areas, changed)
            tree.bump()
            record(
                actor.key, "areas.set_shapes", f"area:{area_id}", {"code": areas.get(area_id).code, "set": 1}
            )


def _result(feature: Feature, area_id: int, reason: str, changed: set[int]) -> ShapeResult:
    if reason:
        return ShapeResult(feature.number, feature.code, "refused", reason)
    outcome: ShapeOutcome = "set" if area_id in changed else "unchanged"
    return ShapeResult(feature.number, feature.code, outcome, feature.note)


def _target(
    actor: Doer, areas: tree.AreaTree, feature: Feature, taken: Mapping[int, MultiPolygon]
) -> tuple[int, str]:
    """Return the area a feature is for, or why it can't be taken."""
    if feature.shape is None:
        return 0, feature.reason
    try:
        node = areas.by_code(feature.code)
    except LookupError as error:
        return 0, str(error)
    if not node.in_force:
        return 0, f"the area {node.code} {node.name} has ended"
    if node.id in taken:
        return 0, f"{node.code} {node.name} has a shape already in this file"
    if not actor.covers_area(MANAGE, node.id):
        return 0, f"you may not change {node.code} {node.name}"
    return node.id, ""


def store_shapes(shapes: Mapping[int, MultiPolygon], *, derived: bool = False) -> set[int]:
    """Write shapes by area id; return the ids of those that weren't the same already."""
    wkbs = dict(zip(shapes, shapely.to_wkb(list(shapes.values())), strict=True))
    same = {
        area_id
        for area_id, wkb, drawn in AreaShape.objects.filter(area_id__in=list(shapes)).values_list(
            "area_id", "wkb", "derived"
        )
        if bytes(wkb) == wkbs[area_id] and drawn == derived
    }
    fresh = {area_id: shape for area_id, shape in shapes.items() if area_id not in same}
    listed = list(fresh.items())
    with connection.cursor() as cursor:
        for start in range(0, len(listed), _ROWS_A_STATEMENT):
            some = dict(listed[start : start + _ROWS_A_STATEMENT])
            cursor.execute(_UPSERT, [derived, timezone.now(), *_columns(some, wkbs)])
    return set(fresh)


_ROWS_A_STATEMENT = 2000
_UPSERT = """
INSERT INTO areas_areashape (area_id, wkb, west, south, east, north, label_lon, label_lat, km2, derived, changed_at)
SELECT *, %s::boolean, %s::timestamptz FROM unnest(%s::bigint[], %s::bytea[], %s::float8[], %s::float8[],
  %s::float8[], %s::float8[], %s::float8[], %s::float8[], %s::float8[]) AS shape
ON CONFLICT (area_id) DO UPDATE SET wkb = EXCLUDED.wkb, west = EXCLUDED.west, south = EXCLUDED.south,
  east = EXCLUDED.east, north = EXCLUDED.north, label_lon = EXCLUDED.label_lon, label_lat = EXCLUDED.label_lat,
  km2 = EXCLUDED.km2, derived = EXCLUDED.derived, changed_at = EXCLUDED.changed_at
"""


def _columns(shapes: Mapping[int, MultiPolygon], wkbs: Mapping[int, bytes]) -> list[list[Any]]:
    """Return the columns from area_id to km2, one list each."""
    listed = np.array(list(shapes.values()), dtype=object)
    labels = label_points(listed)
    numbers = np.column_stack((shapely.bounds(listed), labels, surface_km2(listed)))
    return [list(shapes), [wkbs[area_id] for area_id in shapes], *numbers.T.tolist()]


def label_points(shapes: Any) -> Any:
    """Return n × 2 longitudes and latitudes: the centroid where it lies inside, else a point that does."""
    centres = shapely.centroid(shapes)
    outside = ~shapely.contains(shapes, centres)
    centres[outside] = shapely.point_on_surface(shapes[outside])
    return shapely.get_coordinates(centres)


def surface_km2(shapes: Any) -> Any:
    """Return square kilometres of WGS-84 shapes, to about half a percent (on a sphere of equal surface)."""
    flat = shapely.transform(
        shapes, lambda xy: np.column_stack((np.radians(xy[:, 0]), np.sin(np.radians(xy[:, 1]))))
    )
    return shapely.area(flat) * _EARTH_KM**2


def derive_above(areas: tree.AreaTree, changed: Iterable[int]) -> int:
    """Draw the shapes above the changed ones from those below, level by level; return how many were drawn."""
    touched = set(changed)
    drawn = 0
    for level in range(Level.COMMUNITY, 0, -1):
        parents = {
            node.parent_id
            for node in map(areas.find, touched)
            if node is not None and node.parent_id is not None and areas.get(node.parent_id).level == level
        }
        given = AreaShape.objects.filter(area_id__in=parents, derived=False).values_list("area_id", flat=True)
        parents -= set(given)
        fresh = store_shapes(_unions(areas, parents), derived=True)
        drawn += len(fresh)
        touched |= fresh
    return drawn


def _unions(areas: tree.AreaTree, parents: Iterable[int]) -> dict[int, MultiPolygon]:
    """Return the union of the children's shapes for each parent whose children all have one."""
    parent_of = {child.id: parent for parent in parents for child in areas.children(parent)}
    parts: dict[int, list[Any]] = defaultdict(list)
    rows = AreaShape.objects.filter(area_id__in=list(parent_of)).values_list("area_id", "wkb")
    for area_id, wkb in rows:
        parts[parent_of[area_id]].append(shapely.from_wkb(bytes(wkb)))
    whole = {parent: shapes for parent, shapes in parts.items() if len(shapes) == len(areas.children(parent))}
    return {parent: union(shapes) for parent, shapes in whole.items()}


def union(shapes: list[Any]) -> MultiPolygon:
    """Return one shape for several; quick where they share borders exactly, right where they don't."""
    joined = _quick_union(shapes)
    if joined is None:
        joined = shapely.union_all(shapes)
    polygons = [part for part in shapely.get_parts(joined) if part.geom_type == "Polygon"]
    return MultiPolygon(polygons)


def _quick_union(shapes: list[Any]) -> Any | None:
    """Return the union of shapes that meet exactly, or None where they overlap or miss each other."""
    try:
        joined = shapely.coverage_union_all(shapes)
    except GEOSException:
        return None
    total = sum(shape.area for shape in shapes)
    return joined if shapely.is_valid(joined) and abs(joined.area - total) <= 1e-9 * total else None
