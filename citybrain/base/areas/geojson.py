"""GeoJSON features become sound shapes: WGS-84, rings closed and mended, or a reason why not.

Nothing of the tree or the database is known here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon
from shapely.errors import GEOSException

from citybrain.base.areas import coordinates
from citybrain.base.areas.errors import FileError

MOST_BYTES: Final = 400_000_000
MOST_VERTICES: Final = 500_000
MOST_CHANGE_BY_MENDING: Final = 0.01  # of the surface
_CODE_KEYS: Final = ("code", "adcode", "areaCode", "CODE", "代码", "编码", "区划代码", "网格编码", "id")


class BadShape(ValueError):
    """A geometry that can't be an area's shape; the message says why."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: a shape, or a `reason` why there is none. `note` tells what was mended."""

    number: int
    code: str
    shape: MultiPolygon | None
    reason: str = ""
    note: str = ""


def read_features(data: bytes, *, system: str = "wgs84", code_property: str = "") -> Iterator[Feature]:
    """Yield the features of a FeatureCollection (or of one Feature), numbered from 1.

    The code is read from `code_property`, by default the first known of code, adcode, 代码 …, or the feature's id.

    Raises FileError when the whole is no GeoJSON or too large, coordinates.UnknownSystemError.
    """
    coordinates.to_wgs84(0.0, 0.0, system)
    if len(data) > MOST_BYTES:
        raise FileError(f"{len(data):,} bytes of GeoJSON, at most {MOST_BYTES:,} are read; split the file")
    try:
        whole = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise FileError(f"not JSON: {error}") from None
    kind = whole.get("type") if isinstance(whole, dict) else None
    features = whole.get("features") if kind == "FeatureCollection" else [whole]
    if kind not in {"FeatureCollection", "Feature"} or not isinstance(features, list):
        raise FileError("not GeoJSON: a FeatureCollection with features is needed")
    for number, feature in enumerate(features, 1):
        yield _feature(number, feature, system, code_property)


def _feature(number: int, feature: Any, system: str, code_property: str) -> Feature:
    if not isinstance(feature, dict):
        return Feature(number, "", None, "is no GeoJSON object")
    code = _code(feature, code_property)
    if not code:
        looked = code_property or ", ".join(_CODE_KEYS)
        return Feature(number, "", None, f"has no code (looked for {looked})")
    try:
        shape, note = sound_shape(feature.get("geometry"), system)
    except BadShape as error:
        return Feature(number, code, None, str(error))
    return Feature(number, code, shape, note=note)


def _code(feature: dict[str, Any], code_property: str) -> str:
    properties = feature.get("properties")
    held = properties if isinstance(properties, dict) else {}
    keys = (code_property,) if code_property else _CODE_KEYS
    found = next((held[key] for key in keys if held.get(key) not in (None, "")), None)
    if found is None and not code_property:
        found = feature.get("id")
    whole = isinstance(found, float) and found.is_integer()
    return str(int(found) if whole else found).strip() if isinstance(found, str | int | float) else ""


def sound_shape(geometry: Any, system: str = "wgs84") -> tuple[MultiPolygon, str]:
    """Return a valid MultiPolygon in WGS-84 and a note on what was mended (empty: nothing).

    Rings left open are closed; crossing rings are untangled where that changes the surface by 1 % at most.

    Raises BadShape.
    """
    closed, notes = _closed(geometry)
    try:
        shape = shapely.force_2d(shapely.from_geojson(orjson.dumps(closed)))
    except (GEOSException, TypeError, orjson.JSONEncodeError) as error:
        raise BadShape(f"the geometry can't be read: {error}") from None
    if shapely.get_num_coordinates(shape) > MOST_VERTICES:
        raise BadShape(
            f"has {shapely.get_num_coordinates(shape):,} vertices, at most {MOST_VERTICES:,} are kept"
        )
    _check_degrees(shapely.get_coordinates(shape))
    shape = shapely.transform(
        shape, lambda xy: np.column_stack(coordinates.to_wgs84(xy[:, 0], xy[:, 1], system))
    )
    mended, reason = mend(shape)
    return mended, "; ".join(filter(None, [*notes, reason]))


def _closed(geometry: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the geometry with every ring closed. Raises BadShape for anything but polygons."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in {"Polygon", "MultiPolygon"}:
        raise BadShape(f"the geometry is {kind or 'missing'}; a Polygon or MultiPolygon is needed")
    polygons = geometry.get("coordinates")
    polygons = [polygons] if kind == "Polygon" else polygons
    try:
        opened = [ring for polygon in polygons for ring in polygon if ring[0] != ring[-1]]
        rings = [
            [ring if ring[0] == ring[-1] else [*ring, ring[0]] for ring in polygon] for polygon in polygons
        ]
    except (TypeError, IndexError, KeyError):
        raise BadShape("its coordinates are not lists of rings") from None
    notes = [f"closed {len(opened)} open ring(s)"] if opened else []
    return {"type": "MultiPolygon", "coordinates": rings}, notes


def _check_degrees(points: NDArray[np.float64]) -> None:
    if not len(points):
        raise BadShape("the geometry is empty")
    if not np.isfinite(points).all():
        raise BadShape("holds coordinates that are no numbers")
    low, high = points.min(axis=0), points.max(axis=0)
    if low[0] < -180 or high[0] > 180 or low[1] < -90 or high[1] > 90:
        raise BadShape(
            f"coordinates run from {low[0]:.6g}, {low[1]:.6g} to {high[0]:.6g}, {high[1]:.6g}: not longitude and"
            " latitude in degrees"
        )


def mend(shape: Any) -> tuple[MultiPolygon, str]:
    """Return a valid MultiPolygon of the same surface, and what was wrong with it. Raises BadShape."""
    reason = ""
    sound = shape
    if not shapely.is_valid(shape):
        reason = str(shapely.is_valid_reason(shape))
        sound = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    parts = [
        part
        for part in shapely.get_parts(sound, return_index=False)
        if part.geom_type in {"Polygon", "MultiPolygon"}
    ]
    polygons = [polygon for part in parts for polygon in shapely.get_parts(part) if polygon.area > 0]
    if not polygons:
        raise BadShape(f"encloses no surface{f' ({reason})' if reason else ''}")
    mended = MultiPolygon(polygons)
    if reason:
        outer = sum(abs(_ring_area(polygon.exterior)) for polygon in shapely.get_parts(shape))
        holes = sum(
            abs(_ring_area(hole)) for polygon in shapely.get_parts(shape) for hole in polygon.interiors
        )
        if abs(mended.area - (outer - holes)) > MOST_CHANGE_BY_MENDING * outer:
            raise BadShape(
                f"{reason}: mending it would change its surface by more than 1 %; correct the shape"
            )
        return mended, f"mended: {reason}"
    return mended, ""


def _ring_area(ring: Any) -> float:
    """Return a ring's signed surface in square degrees, crossings and all (the shoelace sum)."""
    points = shapely.get_coordinates(ring)
    points = points - points[0]
    x, y = points[:, 0], points[:, 1]
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)
