"""Topics on a map: each where the tickets lie that its reader may know; within rights, always."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from citybrain.base.areas.shapes import bounds
from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.topics.lists import TopicRow, topics
from citybrain.hub.hotline.topics.telling import scope

_SQL: Final = f"""
SELECT t.topic_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY t.lon),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY t.lat), count(t.lon),
  mode() WITHIN GROUP (ORDER BY COALESCE(t.community_id, t.street_id, t.district_id))
FROM hotline_ticket t
WHERE t.topic_id = ANY(%s::bigint[]) AND t.state <> {int(State.VOIDED)} AND ({{scope}}) GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Box:
    """West, south, east, north in WGS-84 degrees."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, lon: float, lat: float) -> bool:
        return self.west <= lon <= self.east and self.south <= lat <= self.north


def feed(
    actor: Actor, box: Box | None = None, *, limit: int = 200, now: datetime | None = None
) -> dict[str, Any]:
    """Return a GeoJSON FeatureCollection of the reader's active topics; `elsewhere` counts those without a place.

    A topic stands at the middle (median) of its tickets' points, or in the area that most of them name (`exact`
    false). Raises Forbidden without `hotline.topics`.
    """
    rows = topics(actor, limit=limit, now=now)
    places = _places(actor, [one.id for one in rows])
    features = []
    for one in rows:
        place = places.get(one.id)
        if place is not None and (box is None or box.holds(place[0], place[1])):
            features.append(_feature(one, place))
    missing = sum(one.id not in places for one in rows)
    return {"type": "FeatureCollection", "features": features, "elsewhere": missing}


def _places(actor: Actor, ids: list[int]) -> dict[int, tuple[float, float, bool]]:
    """Return longitude and latitude of each topic that has a place, and whether they are of points."""
    where, params = scope(actor)
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(scope=where), [ids, *params])
        rows = cursor.fetchall()
    told: dict[int, tuple[float, float, bool]] = {}
    for topic_id, lon, lat, points, area_id in rows:
        if points:
            told[topic_id] = (float(lon), float(lat), True)
        elif area_id is not None and (around := bounds(area_id)) is not None:
            told[topic_id] = ((around[0] + around[2]) / 2, (around[1] + around[3]) / 2, False)
    return told


def _feature(one: TopicRow, place: tuple[float, float, bool]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(place[0], 6), round(place[1], 6)]},
        "properties": {
            "id": one.id,
            "name": one.name,
            "people": one.people,
            "messages": one.messages,
            "recent": one.recent,
            "heat": round(one.heat, 1),
            "severity": int(one.severity),
            "label": str(one.severity.label),
            "exact": place[2],
        },
    }
