"""Shapes for maps: outlines as GeoJSON, simplified for the zoom, with borders that still meet."""

import threading
from collections import OrderedDict
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.errors import GEOSException

from citybrain.base.areas.models import AreaShape
from citybrain.base.areas.tree import AreaTree, tree

_MOST_KEPT_BYTES = 64_000_000
_PIXELS_ROUND_THE_EARTH = 256  # at zoom 0
FULL_DETAIL_ZOOM = 18

_Key = tuple[int, int, int | None, int]


class _Cache:
    """Answers by version, level, area and zoom; the ones not asked for longest go first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: _Key) -> bytes | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: _Key, answer: bytes) -> None:
        with self._lock:
            self._size += len(answer) - len(self._kept.get(key, b""))
            self._kept[key] = answer
            self._kept.move_to_end(key)
            while self._size > _MOST_KEPT_BYTES and len(self._kept) > 1:
                self._size -= len(self._kept.popitem(last=False)[1])


_cache = _Cache()


def outlines(level: int, within_id: int | None = None, zoom: int = 12) -> bytes:
    """Return the areas of a level inside an area (None: everywhere) as a GeoJSON FeatureCollection.

    Each feature has id, code, name, name_en, level, label (a point inside, lon and lat) and km2. Detail that is
    smaller than a pixel at the zoom (0 to 18) is left out, the same on both sides of a border; zoom 18 leaves
    nothing out. Areas without a shape are missing. Kept until the areas change: `tree().version` serves as ETag.
    """
    areas = tree()
    zoom = max(0, min(zoom, FULL_DETAIL_ZOOM))
    key = (areas.version, level, within_id, zoom)
    kept = _cache.get(key)
    if kept is None:
        kept = _draw(areas, level, within_id, zoom)
        _cache.put(key, kept)
    return kept


def _draw(areas: AreaTree, level: int, within_id: int | None, zoom: int) -> bytes:
    shapes = AreaShape.objects.filter(area__level=level, area__valid_until=None)
    if within_id is not None:
        path = "".join(f"{above}." for above in areas.get(within_id).lineage if above is not None)
        shapes = shapes.filter(area__path__startswith=path)
    rows = list(shapes.order_by("area__code").values_list("area_id", "wkb", "label_lon", "label_lat", "km2"))
    drawn = simplified(shapely.from_wkb([bytes(row[1]) for row in rows]), zoom)
    features = []
    for (area_id, _, lon, lat, km2), geometry in zip(rows, shapely.to_geojson(drawn), strict=True):
        node = areas.find(area_id)
        if node is None:
            continue
        properties = {
            "id": area_id,
            "code": node.code,
            "name": node.name,
            "name_en": node.name_en,
            "level": node.level,
            "label": [round(lon, 6), round(lat, 6)],
            "km2": round(km2, 3),
        }
        features.append(
            {
                "type": "Feature",
                "id": area_id,
                "properties": properties,
                "geometry": orjson.Fragment(geometry),
            }
        )
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def simplified(shapes: Any, zoom: int) -> Any:
    """Return shapes without detail below a pixel, borders still shared; one that would vanish stays as it was."""
    if not len(shapes):
        return shapes
    if zoom < FULL_DETAIL_ZOOM:
        pixel = 360 / (_PIXELS_ROUND_THE_EARTH * 2**zoom)
        try:
            thin = shapely.coverage_simplify(shapes, pixel)
        except GEOSException:  # they overlap: each for itself
            thin = shapely.simplify(shapes, pixel)
        sound = shapely.is_valid(thin) & ~shapely.is_empty(thin)
        shapes = np.where(sound, thin, shapes)
    digits = 7 if zoom >= FULL_DETAIL_ZOOM else min(6, max(3, zoom // 3 + 1))
    return shapely.transform(shapes, lambda xy: np.round(xy, digits))


def bounds(area_id: int) -> tuple[float, float, float, float] | None:
    """Return west, south, east and north of an area's shape, or None where it has none."""
    return AreaShape.objects.filter(area_id=area_id).values_list("west", "south", "east", "north").first()


def geometry(area_id: int) -> Any | None:
    """Return an area's shape in full detail (a shapely MultiPolygon, WGS-84), or None."""
    wkb = AreaShape.objects.filter(area_id=area_id).values_list("wkb", flat=True).first()
    return None if wkb is None else shapely.from_wkb(bytes(wkb))
