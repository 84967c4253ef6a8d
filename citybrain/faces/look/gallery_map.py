"""Made-up shapes and points for the maps of the gallery."""

import math
from typing import Any

NAMES = (
    "和平区",
    "河东区",
    "河西区",
    "南开区",
    "河北区",
    "红桥区",
    "东丽区",
    "西青区",
    "津南区",
    "北辰区",
    "滨江新区",
    "静海区",
)
COLUMNS, WEST, SOUTH, SIZE = 4, 117.0, 38.9, 0.12


def _corner(x: int, y: int) -> list[float]:
    """Return a corner of the mesh, pushed off the straight by a fixed wave."""
    shift = 0.03 * math.sin(2.3 * x + 1.7 * y)
    return [round(WEST + SIZE * x + shift, 5), round(SOUTH + SIZE * 0.8 * y + 0.8 * shift * math.cos(x), 5)]


def areas() -> dict[str, Any]:
    """Return a GeoJSON FeatureCollection of twelve districts with a value each."""
    features = []
    for i, name in enumerate(NAMES):
        x, y = i % COLUMNS, i // COLUMNS
        ring = [_corner(*at) for at in ((x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1), (x, y))]
        value = (i * 37) % 101 * 12
        properties = {"id": i, "name": name, "value": value, "url": ""}
        features.append(
            {
                "type": "Feature",
                "properties": properties,
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    return {"type": "FeatureCollection", "features": features}


def points() -> dict[str, Any]:
    """Return a GeoJSON FeatureCollection of 160 cases, some late, a few urgent."""
    features = []
    for i in range(160):
        at = [round(WEST + 0.05 + (i * 0.618 % 1) * 0.4, 5), round(SOUTH + 0.03 + (i * 0.414 % 1) * 0.22, 5)]
        properties = {
            "number": f"2026112100{i:04d}",
            "label": "处置中",
            "urgent": i % 29 == 0,
            "late": i % 9 == 0,
        }
        features.append(
            {"type": "Feature", "properties": properties, "geometry": {"type": "Point", "coordinates": at}}
        )
    return {"type": "FeatureCollection", "clustered": False, "features": features}
