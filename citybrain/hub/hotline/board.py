"""What the supervisors' board counts within the reader's rights: what waits, with whom, how late; today."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import connection
from django.utils import timezone

from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.access import reach_sql
from citybrain.hub.hotline.rates import PERMISSION
from citybrain.hub.hotline.states import State, Urgency

CALLS_LOOKED_AT: Final = 200_000  # the newest calls among which today's are; no city's day has more
CITY: Final = 1


@dataclass(slots=True)
class Count:
    """How many tickets wait, how many of them are late, and since when the oldest does."""

    waiting: int = 0
    late: int = 0
    oldest: datetime | None = None

    def add(self, waiting: int, late: int, oldest: datetime) -> None:
        self.waiting += waiting
        self.late += late
        self.oldest = oldest if self.oldest is None else min(self.oldest, oldest)


@dataclass(frozen=True, slots=True)
class Standing:
    """The open tickets. `signing` are those a unit has not signed for yet, by which limit holds."""

    whole: Count = field(default_factory=Count)
    states: dict[State, Count] = field(default_factory=lambda: defaultdict(Count))
    signing: dict[Urgency, Count] = field(default_factory=lambda: defaultdict(Count))
    units: dict[int, Count] = field(default_factory=lambda: defaultdict(Count))
    unsigned: dict[int, Count] = field(default_factory=lambda: defaultdict(Count))

    def busiest(self, most: int) -> list[tuple[int, Count]]:
        """Return units with what waits at them, those with most late first."""
        ranked = sorted(self.units.items(), key=lambda one: (-one[1].late, -one[1].waiting, one[0]))
        return ranked[:most]


@dataclass(frozen=True, slots=True)
class Today:
    """What came since midnight. `calls` is None for who doesn't answer for the whole city: a call has no area."""

    received: int
    by_phone: int
    urgent: int
    automatic: int
    answered_directly: int
    calls: Mapping[str, int] | None


_STANDING: Final = """
SELECT t.state, t.agency_id, t.urgency, count(*), count(*) FILTER (WHERE t.due_at < %s), min(t.received_at)
  FROM hotline_ticket t WHERE t.is_open AND ({scope}) GROUP BY t.state, t.agency_id, t.urgency
"""
_TODAY: Final = """
SELECT count(*), count(*) FILTER (WHERE t.channel = 'phone'), count(*) FILTER (WHERE t.rank < 2),
       count(*) FILTER (WHERE r.automatic), count(*) FILTER (WHERE t.replied_at IS NOT NULL AND t.dispatches = 0)
  FROM hotline_ticket t LEFT JOIN hotline_ticketreading r ON r.ticket_id = t.id
 WHERE t.received_at >= %s AND ({scope})
"""
_CALLS: Final = """
SELECT count(*), count(*) FILTER (WHERE answered_at IS NOT NULL),
       count(*) FILTER (WHERE answered_at IS NULL AND state IN ('missed', 'ended')),
       count(*) FILTER (WHERE state IN ('ringing', 'answered') AND rang_at > %(now)s - interval '4 hours'),
       coalesce(avg(extract(epoch FROM answered_at - rang_at)) FILTER (WHERE answered_at >= rang_at), 0)::int
  FROM hotline_call
 WHERE id > coalesce((SELECT max(id) FROM hotline_call), 0) - %(most)s AND NOT outgoing AND rang_at >= %(since)s
"""


def standing(actor: Actor, now: datetime | None = None) -> Standing:
    """Return what is open within a reader's rights; nothing without the permission. One statement."""
    found = Standing()
    scope, params = reach_sql(actor, PERMISSION)
    with connection.cursor() as cursor:
        cursor.execute(_STANDING.format(scope=scope), [now or timezone.now(), *params])
        rows = cursor.fetchall()
    for state, agency_id, urgency, *figures in rows:
        found.whole.add(*figures)
        found.states[State(state)].add(*figures)
        if agency_id is not None:
            found.units[agency_id].add(*figures)
        if state == State.DISPATCHED:
            found.signing[Urgency(urgency)].add(*figures)
            if agency_id is not None:
                found.unsigned[agency_id].add(*figures)
    return found


def today(actor: Actor, now: datetime | None = None) -> Today:
    """Return what came since midnight within a reader's rights. One statement, two for the whole city."""
    moment = now or timezone.now()
    since = timezone.localtime(moment).replace(hour=0, minute=0, second=0, microsecond=0)
    scope, params = reach_sql(actor, PERMISSION)
    with connection.cursor() as cursor:
        cursor.execute(_TODAY.format(scope=scope), [since, *params])
        told = cursor.fetchone()
    whole_city = any(hat.area_level == CITY for hat in actor.hats_with(PERMISSION))
    received, by_phone, urgent, automatic, direct = told
    calls = _calls(since, moment) if whole_city else None
    return Today(received, by_phone, urgent, automatic, direct, calls)


def _calls(since: datetime, now: datetime) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_CALLS, {"since": since, "now": now, "most": CALLS_LOOKED_AT})
        row = cursor.fetchone()
    return dict(zip(("all", "answered", "missed", "live", "wait_seconds"), row, strict=True))
