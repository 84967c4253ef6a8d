"""The figures of a report: one area, one span of days, as the tickets stand when it is made. Texts of no ticket."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.agencies import agency_by_id
from citybrain.hub.hotline import rates
from citybrain.hub.hotline.filters import AREA_COLUMNS, Filters
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.topics.telling import names_within

TOP: Final = 20  # rows of agencies, items, classes
MOST_LATE: Final = 50
MOST_TOPICS: Final = 10
_SPAN: Final = "t.received_at >= %(since)s AND t.received_at < %(until)s"
_COUNT: Final = """
SELECT count(*) FILTER (WHERE {span}) AS received,
       count(*) FILTER (WHERE t.received_at >= %(before)s AND t.received_at < %(since)s) AS before,
       count(*) FILTER (WHERE t.concluded_at >= %(since)s AND t.concluded_at < %(until)s) AS concluded,
       count(*) FILTER (WHERE t.is_open) AS open,
       count(*) FILTER (WHERE t.is_open AND t.due_at < %(now)s) AS late
FROM hotline_ticket t
WHERE {place} AND t.state <> %(voided)s
  AND (t.received_at >= %(before)s OR t.concluded_at >= %(since)s OR t.is_open)
"""
_SPLIT: Final = """
SELECT {key} AS key, count(*) FROM hotline_ticket t
WHERE {place} AND {span} AND t.state <> %(voided)s GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(top)s
"""
_BELOW: Final = """
SELECT {key}, count(*) FILTER (WHERE {span}), count(*) FILTER (WHERE t.is_open AND t.due_at < %(now)s)
FROM hotline_ticket t
WHERE {place} AND t.state <> %(voided)s AND ({span} OR t.is_open) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(most)s
"""
_LATE: Final = """
SELECT t.number, t.step, t.due_at, t.agency_id FROM hotline_ticket t
WHERE {place} AND t.is_open AND t.due_at < %(now)s AND t.state <> %(voided)s ORDER BY t.due_at, t.id LIMIT %(late)s
"""
_TOPICS: Final = """
SELECT p.id, p.name, count(DISTINCT coalesce(t.caller_id, -t.id)) AS people, count(*)
FROM hotline_ticket t JOIN hotline_topic p ON p.id = t.topic_id
WHERE {place} AND {span} AND t.state <> %(voided)s AND p.state IN ('active', 'quiet')
GROUP BY p.id, p.name HAVING count(DISTINCT coalesce(t.caller_id, -t.id)) > 1
ORDER BY people DESC, 4 DESC, p.id LIMIT %(topics)s
"""
_QUALITY: Final = """
SELECT count(*), count(q.checked_at), avg(q.score)
FROM hotline_qualitycheck q JOIN hotline_ticket t ON t.id = q.ticket_id
WHERE {place} AND q.drawn_at >= %(since)s AND q.drawn_at < %(until)s
"""
_VERDICTS: Final = """
SELECT q.verdict, count(*) FROM hotline_qualitycheck q JOIN hotline_ticket t ON t.id = q.ticket_id
WHERE {place} AND q.drawn_at >= %(since)s AND q.drawn_at < %(until)s AND q.verdict <> '' GROUP BY 1 ORDER BY 2 DESC, 1
"""
_FAULTS: Final = """
SELECT fault, count(*) FROM hotline_qualitycheck q JOIN hotline_ticket t ON t.id = q.ticket_id, unnest(q.faults) fault
WHERE {place} AND q.drawn_at >= %(since)s AND q.drawn_at < %(until)s GROUP BY 1 ORDER BY 2 DESC, 1
"""
_DAYS: Final = """
SELECT (t.received_at AT TIME ZONE %(zone)s)::date, count(*) FROM hotline_ticket t
WHERE {place} AND {span} AND t.state <> %(voided)s GROUP BY 1 ORDER BY 1
"""
_KEYS: Final = {
    "kinds": "t.kind", "channels": "t.channel", "urgency": "t.urgency", "classes": "t.class_label",
    "items": "t.item_code",
}  # fmt: skip


def figures(area: Node, first: date, last: date, now: datetime) -> dict[str, Any]:
    """Return all figures of an area from its first to its last day, ready for JSON. Some fifteen statements."""
    since, until = _start(first), _start(last + timedelta(days=1))
    params: dict[str, Any] = {
        "since": since, "until": until, "before": since - (until - since), "now": now, "voided": State.VOIDED,
        "top": TOP, "most": 500, "late": MOST_LATE, "topics": MOST_TOPICS, "zone": timezone.get_current_timezone_name(),
        "ids": list(tree().scope_ids(area.id)),
    }  # fmt: skip
    place = f"{_column(area)} = ANY(%(ids)s::bigint[])"

    def ask(sql: str, key: str = "") -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql.format(place=place, span=_SPAN, key=key), params)
            rows: list[Any] = cursor.fetchall()
            return rows

    names = ("received", "before", "concluded", "open", "late")
    drawn, checked, score = ask(_QUALITY)[0]
    told: dict[str, Any] = {
        "totals": dict(zip(names, ask(_COUNT)[0], strict=True)),
        "rates": _rates(area, since, until, now),
        "rates_before": _rates(area, params["before"], since, now),
        "areas": _below(area, ask),
        "agencies": _agencies(area, since, until, now),
        "topics": _topics(area, ask(_TOPICS)),
        "overdue": [_overdue(row) for row in ask(_LATE)],
        "quality": {
            "drawn": drawn, "checked": checked, "score": None if score is None else round(float(score), 1),
            "verdicts": [list(row) for row in ask(_VERDICTS)], "faults": [list(row) for row in ask(_FAULTS)],
        },
        "days": [[day.isoformat(), many] for day, many in ask(_DAYS)],
    }  # fmt: skip
    return told | {name: [list(row) for row in ask(_SPLIT, key)] for name, key in _KEYS.items()}


def _start(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _column(area: Node) -> str:
    return f"t.{AREA_COLUMNS[area.level - 1]}"


def _topics(area: Node, rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return [name, people, messages] of topics; a name that other areas' messages may have made is made anew."""
    where, ids = f"COALESCE({_column(area)} = ANY(%s::bigint[]), false)", list(tree().scope_ids(area.id))
    called = names_within(where, [ids], {row[0]: row[1] for row in rows})
    return [[called[row[0]], *row[2:]] for row in rows]


def _rates(area: Node, since: datetime, until: datetime, now: datetime) -> list[list[Any]]:
    """Return [key, above, below] of each rate, in the order of their definitions."""
    rows = rates.rates(SYSTEM, since, until, filters=Filters(area_id=area.id), now=now)
    known = rows[0].rates if rows else {}
    return [
        [one.key, known[one.key].above, known[one.key].below] if one.key in known else [one.key, 0, 0]
        for one in rates.definitions(timezone.localdate(since))
    ]


def _below(area: Node, ask: Any) -> list[list[Any]]:
    """Return [name, received, late] of the areas one level down; tickets that lie in none of them have no name."""
    if area.level >= len(AREA_COLUMNS):
        return []
    found: dict[str, list[int]] = {}
    for area_id, received, late in ask(_BELOW, f"t.{AREA_COLUMNS[area.level]}"):
        node = tree().find(area_id)
        kept = found.setdefault(node.name if node is not None else "", [0, 0])
        kept[0] += received
        kept[1] += late
    return [[name, *figures] for name, figures in sorted(found.items(), key=lambda one: (-one[1][0], one[0]))]


def _agencies(area: Node, since: datetime, until: datetime, now: datetime) -> list[list[Any]]:
    """Return [name, [above, below] of each rate] of the units with most tickets."""
    rows = rates.rates(SYSTEM, since, until, group="agency", filters=Filters(area_id=area.id), now=now)
    return [[_agency(row.group), _pairs(row.rates.values())] for row in rows if row.group is not None][:TOP]


def _pairs(found: Any) -> list[list[int]]:
    return [[one.above, one.below] for one in found]


def _agency(agency_id: int | None) -> str:
    agency = agency_by_id(agency_id) if agency_id is not None else None
    return agency.name if agency is not None else ""


def _overdue(row: Sequence[Any]) -> list[Any]:
    number, step, due_at, agency_id = row
    return [number, step, timezone.localtime(due_at).strftime("%Y-%m-%d %H:%M"), _agency(agency_id)]
