"""Cases on a map: points where they are few, counts per H3 cell where they are many; within rights, always."""

from dataclasses import dataclass
from typing import Any

import h3.api.basic_int as h3
from django.db import connection

from citybrain.base.identity.actor import Actor
from citybrain.hub.cases.access import visible_sql
from citybrain.hub.cases.filters import Filters
from citybrain.hub.cases.states import State

POINTS_MOST = 2000


@dataclass(frozen=True, slots=True)
class Box:
    """West, south, east, north in WGS-84 degrees."""

    west: float
    south: float
    east: float
    north: float


def feed(
    actor: Actor, filters: Filters, box: Box | None = None, *, open_only: bool = True, most: int = POINTS_MOST
) -> dict[str, Any]:
    """Return a GeoJSON FeatureCollection: case points, or cell counts with `clustered` true above `most`."""
    scope, params = visible_sql(actor)
    chosen, values = filters.sql()
    where = f"c.lon IS NOT NULL AND ({scope}) AND ({chosen})" + (" AND c.is_open" if open_only else "")
    params = [*params, *values]
    if box is not None:
        where += " AND c.lon BETWEEN %s AND %s AND c.lat BETWEEN %s AND %s"
        params += [box.west, box.east, box.south, box.north]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.number, c.lon, c.lat, c.state, c.urgent, c.due_at < now(), c.item_id"
            f" FROM cases_case c WHERE {where} ORDER BY c.reported_at DESC LIMIT %s",
            [*params, most + 1],
        )
        rows = cursor.fetchall()
        if len(rows) > most:
            cursor.execute(
                "SELECT c.cell, count(*), count(*) FILTER (WHERE c.due_at < now()) FROM cases_case c"
                f" WHERE {where} AND c.cell IS NOT NULL GROUP BY 1",
                params,
            )
            return _clusters(cursor.fetchall())
    return {"type": "FeatureCollection", "clustered": False, "features": [_point(row) for row in rows]}


def _point(row: tuple[Any, ...]) -> dict[str, Any]:
    number, lon, lat, state, urgent, late, _item = row
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": {
            "number": number,
            "state": int(state),
            "label": str(State(state).label),
            "urgent": urgent,
            "late": bool(late),
        },
    }


def _clusters(rows: list[tuple[int, int, int]]) -> dict[str, Any]:
    """Return one point per H3 cell of resolution 7 (about 5 km²) with its counts."""
    merged: dict[int, list[int]] = {}
    for cell, number, late in rows:
        parent = h3.cell_to_parent(cell, 7)
        counts = merged.setdefault(parent, [0, 0])
        counts[0] += number
        counts[1] += late
    features = []
    for parent, (number, late) in sorted(merged.items()):
        lat, lon = h3.cell_to_latlng(parent)
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]},
                "properties": {"count": number, "late": late},
            }
        )
    return {"type": "FeatureCollection", "clustered": True, "features": features}
