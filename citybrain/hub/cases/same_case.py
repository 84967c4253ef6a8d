"""Same-case check: which open cases may be about the same matter, and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt

import h3.api.basic_int as h3
from django.db import connection
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.hub.cases.access import visible_sql
from citybrain.hub.cases.guess import bigrams
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.rows import COLUMNS, CaseRow, rows_from

NEAR_METRES = 150.0
WITHIN = timedelta(days=7)
LEAST = 0.35
EARTH_METRES = 6_371_008.8


@dataclass(frozen=True, slots=True)
class SameCase:
    """A candidate: `score` 0..1 orders, `reasons` say why; `metres` apart."""

    row: CaseRow
    score: float
    metres: float
    reasons: tuple[str, ...]


def candidates(actor: Actor, case: Case, limit: int = 5) -> list[SameCase]:
    """Return open cases near a case in place, time and words that the actor may see, likeliest first."""
    if case.cell is None or case.lon is None or case.lat is None:
        return []
    cells = list(h3.grid_disk(case.cell, 1))
    scope, params = visible_sql(actor)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM cases_case c WHERE c.cell = ANY(%s) AND c.reported_at BETWEEN %s AND %s"
            f" AND c.is_open AND c.id <> %s AND ({scope}) ORDER BY c.reported_at DESC LIMIT 200",
            [cells, case.reported_at - WITHIN, case.reported_at + WITHIN, case.pk, *params],
        )
        rows = rows_from(cursor.fetchall())
    found = [one for one in (_compare(case, row) for row in rows) if one is not None and one.score >= LEAST]
    return sorted(found, key=lambda one: (-one.score, one.row.id))[:limit]


def _compare(case: Case, row: CaseRow) -> SameCase | None:
    if row.lon is None or row.lat is None or case.lon is None or case.lat is None:
        return None
    metres = distance(case.lon, case.lat, row.lon, row.lat)
    if metres > NEAR_METRES:
        return None
    reasons = [_("相距 %(m)d 米") % {"m": round(metres)}, _time_apart(case.reported_at, row.reported_at)]
    score = 0.35 * (1 - metres / NEAR_METRES)
    alike = likeness(case.description, row.description)
    score += 0.45 * alike
    if alike >= 0.2:
        reasons.append(_("描述相似 %(n)d%%") % {"n": round(alike * 100)})
    if case.item_id is not None and case.item_id == row.item_id:
        score += 0.3
        reasons.append(_("事项相同"))
    return SameCase(row, min(score, 1.0), metres, tuple(reasons))


def _time_apart(one: datetime, other: datetime) -> str:
    hours = abs((one - other).total_seconds()) / 3600
    if hours < 1:
        return _("相隔不到 1 小时")
    if hours < 48:
        return _("相隔 %(n)d 小时") % {"n": round(hours)}
    return _("相隔 %(n)d 天") % {"n": round(hours / 24)}


def likeness(one: str, other: str) -> float:
    """Return how alike two texts are by their letter pairs, 0..1 (Dice)."""
    first, second = set(bigrams(one)), set(bigrams(other))
    if not first or not second:
        return 0.0
    return 2 * len(first & second) / (len(first) + len(second))


def distance(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Return metres between two WGS-84 points on the sphere."""
    p, q = radians(lat), radians(other_lat)
    h = sin((q - p) / 2) ** 2 + cos(p) * cos(q) * sin(radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH_METRES * asin(sqrt(h))
