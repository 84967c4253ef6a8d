"""What moves now: the newest steps of cases in sight, for screens that live."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from citybrain.base.identity.actor import Actor
from citybrain.hub.cases.access import visible_sql
from citybrain.hub.cases.detail import action_label
from citybrain.hub.cases.filters import Filters
from citybrain.hub.cases.rows import COLUMNS, CaseRow, rows_from

LOOK_BACK: Final = timedelta(days=1)
NEWEST_EVENTS: Final = 20_000  # history is looked at from its end: a quiet area must not read all of it


@dataclass(frozen=True, slots=True)
class Move:
    """One step of one case: what was done, when; the case as it is now."""

    event_id: int
    action: str
    label: str
    at: datetime
    case: CaseRow


def latest(actor: Actor, filters: Filters, limit: int = 20, now: datetime | None = None) -> list[Move]:
    """Return the newest steps of the last day, one per case, newest first."""
    moment = now or timezone.now()
    scope, params = visible_sql(actor)
    chosen, values = filters.sql()
    sql = (
        f"SELECT * FROM (SELECT DISTINCT ON (c.id) e.id AS event_id, e.action, e.at, {COLUMNS}"
        " FROM (SELECT id, case_id, action, at FROM cases_caseevent ORDER BY id DESC LIMIT %s) e"
        f" JOIN cases_case c ON c.id = e.case_id WHERE e.at > %s AND e.at <= %s AND ({scope}) AND ({chosen})"
        " ORDER BY c.id, e.at DESC, e.id DESC) newest ORDER BY at DESC, event_id DESC LIMIT %s"
    )
    given: list[Any] = [NEWEST_EVENTS, moment - LOOK_BACK, moment, *params, *values, limit]
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        found = cursor.fetchall()
    rows = rows_from(one[3:] for one in found)
    return [
        Move(event_id, action, action_label(action), at, row)
        for (event_id, action, at, *_rest), row in zip(found, rows, strict=True)
    ]
