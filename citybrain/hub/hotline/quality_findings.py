"""What the checks of answers found in a span: how many of each verdict, which faults the rules named, the latest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.access import reach_sql
from citybrain.hub.hotline.models.ticket import QualityCheck
from citybrain.hub.hotline.quality_checks import PERMISSION

_FROM: Final = "FROM hotline_qualitycheck q JOIN hotline_ticket t ON t.id = q.ticket_id"


@dataclass(frozen=True, slots=True)
class Found:
    """How many drawn answers wait for a person, and of those looked at in the span how many were what."""

    waiting: int
    checked: int
    good: int
    poor: int
    empty: int


def _rows(actor: Actor, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    scope, params = reach_sql(actor, PERMISSION)
    with connection.cursor() as cursor:
        cursor.execute(sql.format(scope=scope), [*values, *params])
        return list(cursor.fetchall())


def found(actor: Actor, since: datetime, until: datetime) -> Found:
    """Return the counts within the actor's rights, all 0 without the permission. One statement."""
    span = "q.checked_at >= %s AND q.checked_at < %s"
    sql = (
        f"SELECT count(*) FILTER (WHERE q.checked_at IS NULL), count(*) FILTER (WHERE {span}),"
        f" count(*) FILTER (WHERE {span} AND q.verdict = 'good'),"
        f" count(*) FILTER (WHERE {span} AND q.verdict = 'poor'),"
        f" count(*) FILTER (WHERE {span} AND q.verdict = 'empty')"
        f" {_FROM} WHERE (q.checked_at IS NULL OR ({span})) AND ({{scope}})"
    )
    return Found(*_rows(actor, sql, [since, until] * 5)[0])


def faults(actor: Actor, since: datetime, until: datetime) -> list[tuple[str, int, int]]:
    """Return (fault, drawn answers with it, those a person found good all the same) of a span, the commonest first."""
    sql = (
        "SELECT f, count(*), count(*) FILTER (WHERE q.verdict = 'good')"
        f" {_FROM} CROSS JOIN unnest(q.faults) f"
        " WHERE q.drawn_at >= %s AND q.drawn_at < %s AND ({scope}) GROUP BY f ORDER BY count(*) DESC, f"
    )
    return [(row[0], row[1], row[2]) for row in _rows(actor, sql, [since, until])]


def latest(
    actor: Actor, since: datetime, until: datetime, *, agency_id: int | None = None, limit: int = 30
) -> list[QualityCheck]:
    """Return the answers that a person found wanting in a span, the newest first, of one unit or of all."""
    unit = "AND q.agency_id = %s" if agency_id is not None else ""
    sql = (
        f"SELECT q.id {_FROM} WHERE q.checked_at >= %s AND q.checked_at < %s AND q.verdict <> 'good'"
        f" {unit} AND ({{scope}}) ORDER BY q.checked_at DESC, q.id DESC LIMIT {int(limit)}"
    )
    ids = [
        row[0] for row in _rows(actor, sql, [since, until, *([agency_id] if agency_id is not None else [])])
    ]
    rows = QualityCheck.objects.select_related("ticket", "agency", "checked_by").in_bulk(ids)
    return [rows[one] for one in ids]
