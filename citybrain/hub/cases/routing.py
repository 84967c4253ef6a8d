"""Routing: which body should handle it. Ranked candidates, each with its reasons; a returned route sinks."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db import connection
from django.utils.translation import gettext as _

from citybrain.base.identity.agencies import agencies_covering, resolve_agency
from citybrain.base.identity.models import Agency
from citybrain.hub.cases.models import Item
from citybrain.hub.cases.rows import area_names

LEAD, ASSIST, STREET = 1.0, 0.55, 0.45
RETURN_PENALTY = 0.35
RECHECK_SECONDS = 2.0
LEVELS = {"社区": 4, "街镇": 3, "区": 2, "市": 1}
NEVER = (0, 0)
Lineage = Sequence[int | None]
Found = dict[int, tuple[Agency, float]]
Records = dict[int, tuple[int, int]]
"""Agency id → how often the route went there and how often it came back, of those that returned it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One body that could handle it; `score` only orders, `reasons` say why."""

    agency_id: int
    name: str
    score: float
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"agency": self.agency_id, "name": self.name, "score": self.score, "reasons": self.reasons}


def rank(
    item: Item | None, lineage: Lineage, limit: int = 5, *, barred: frozenset[int] = frozenset()
) -> list[Candidate]:
    """Return candidates for an item in a place, best first.

    `barred` holds agencies that have returned this very case: they come last, with that reason.
    """
    if item is None:
        return []
    found = _by_kind(item, lineage)
    records = _records(item.code, lineage[1])
    return [
        _told(item, found[agency], score, records.get(agency, NEVER), barred)
        for agency, score in _ordered(found, records, barred)[:limit]
    ]


def best(item: Item | None, lineage: Lineage) -> int | None:
    """Return the agency that `rank` puts first, without a word why."""
    if item is None:
        return None
    ordered = _ordered(_by_kind(item, lineage), _records(item.code, lineage[1]), frozenset())
    return ordered[0][0] if ordered else None


def _by_kind(item: Item, lineage: Lineage) -> Found:
    """Return agency id → (agency, what it is to the item) for the lead and assisting kinds and the street office."""
    found: Found = {}
    part = _from_level(lineage, LEVELS.get(item.first_level, 3))
    for kind, role in ((item.lead_kind, LEAD), (item.assist_kind, ASSIST), ("subdistrict", STREET)):
        body = resolve_agency(kind, part) if kind else None
        if body is not None:
            found.setdefault(body.pk, (body, role))
    return found


def _ordered(found: Found, records: Records, barred: frozenset[int]) -> list[tuple[int, float]]:
    """Return the agencies with their scores, best first."""
    scores = {
        agency: _score(role, records.get(agency, NEVER), agency in barred)
        for agency, (_body, role) in found.items()
    }
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))


def _score(role: float, record: tuple[int, int], is_barred: bool) -> float:
    dispatched, returned = record
    if returned:
        role *= 1 - RETURN_PENALTY * min(1.0, returned / max(dispatched, returned) + 0.2)
    return round(role * 0.2 if is_barred else role, 3)


def _told(
    item: Item, found: tuple[Agency, float], score: float, record: tuple[int, int], barred: frozenset[int]
) -> Candidate:
    """Return a candidate with its reasons."""
    body, role = found
    reasons = [
        _("事项“%(item)s”的%(role)s") % {"item": item.name, "role": _role(role)},
        _("辖区：%(area)s") % {"area": "".join(area_names([body.area_id]))},
    ]
    if record[1]:
        reasons.append(_("同类案件曾退回 %(n)d 次，排序下调") % {"n": record[1]})
    if body.pk in barred:
        reasons.append(_("该单位已退回过本案"))
    return Candidate(body.pk, str(body), score, tuple(reasons))


def _role(role: float) -> str:
    if role == LEAD:
        return _("牵头单位类别")
    return _("协办单位类别") if role == ASSIST else _("属地街镇")


def _from_level(lineage: Lineage, finest: int) -> tuple[int | None, ...]:
    """Return the lineage cut at the level that handles first, so that a street item stays at the street."""
    keep = max(finest, 1)
    return tuple(area if level <= max(keep, 3) else None for level, area in enumerate(lineage, start=1))


class _Returns:
    """Routes that were ever returned, read again every RECHECK_SECONDS: every intake asks for them."""

    read_at = float("-inf")
    by_route: ClassVar[dict[tuple[str, int], dict[int, tuple[int, int]]]] = {}


def forget() -> None:
    """Read the returned routes again at the next question."""
    _Returns.read_at = float("-inf")


def _records(item_code: str, district_id: int | None) -> Records:
    """Return agency id → (dispatched, returned) of a route, for agencies that returned it."""
    if time.monotonic() - _Returns.read_at > RECHECK_SECONDS:
        found: dict[tuple[str, int], dict[int, tuple[int, int]]] = {}
        with connection.cursor() as cursor:
            cursor.execute(RETURNED)
            for code, district, agency, dispatched, returned in cursor.fetchall():
                found.setdefault((code, district), {})[agency] = (dispatched, returned)
        _Returns.by_route, _Returns.read_at = found, time.monotonic()
    return _Returns.by_route.get((item_code, district_id or 0), {})


def choices(item: Item | None, lineage: Lineage, barred: frozenset[int] = frozenset()) -> list[Candidate]:
    """Return the ranked candidates and then every other body that covers the place, for the dispatcher's list."""
    ranked = rank(item, lineage, barred=barred)
    known = {candidate.agency_id for candidate in ranked}
    rest = [
        Candidate(agency.pk, str(agency), 0.0, ())
        for agency in agencies_covering(lineage)
        if agency.pk not in known
    ]
    return ranked + rest


RETURNED = """
SELECT item_code, district_id, agency_id, dispatched, returned FROM cases_routerecord WHERE returned > 0
"""
COUNT = """
INSERT INTO cases_routerecord (item_code, district_id, agency_id, dispatched, returned, changed_at)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (item_code, district_id, agency_id) DO UPDATE
SET dispatched = cases_routerecord.dispatched + EXCLUDED.dispatched,
    returned = cases_routerecord.returned + EXCLUDED.returned, changed_at = EXCLUDED.changed_at
"""


def count(item_code: str, district_id: int, agency_id: int, *, returned: bool, now: datetime) -> None:
    """Remember one dispatch, or one return, of a route."""
    once = (0, 1) if returned else (1, 0)
    values: list[str | int | datetime] = [item_code, district_id, agency_id, *once, now]
    with connection.cursor() as cursor:
        cursor.execute(COUNT, values)
    if returned:
        forget()
