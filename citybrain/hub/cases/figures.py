"""Figures of today and of a span of days, within the reader's rights, each one statement.

`permission` says under which right the cases are counted: who may look at figures need not see the cases.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

from citybrain.base.areas.tree import tree
from citybrain.base.identity.actor import Actor
from citybrain.hub.cases.access import VIEW, visible_sql
from citybrain.hub.cases.filters import AREA_COLUMNS, Filters
from citybrain.hub.cases.states import State


@dataclass(frozen=True, slots=True)
class Today:
    """Counts of one day and of now. Rates are 0..1, None where nothing was counted."""

    since: datetime
    as_of: datetime
    reported: int
    closed: int
    open: int
    late: int
    due_soon: int
    urgent: int
    suspended: int
    returned: int
    on_time_rate: float | None
    solved_rate: float | None
    satisfied_rate: float | None

    def to_json(self) -> dict[str, Any]:
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
        }


def _start_of_day(now: datetime) -> datetime:
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def _scope(actor: Actor, filters: Filters | None, permission: str = VIEW) -> tuple[str, list[Any]]:
    sql, params = visible_sql(actor, permission)
    if filters is None:
        return f"({sql})", params
    chosen, values = filters.sql()
    return f"({sql}) AND ({chosen})", [*params, *values]


def _rows(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def today(
    actor: Actor,
    filters: Filters | None = None,
    now: datetime | None = None,
    days: int = 1,
    *,
    permission: str = VIEW,
) -> Today:
    """Return the day's counts; the rates look at what was closed in the last `days` days."""
    moment = now or timezone.now()
    start = _start_of_day(moment)
    scope, params = _scope(actor, filters, permission)
    opened = _rows(
        "SELECT count(*), count(*) FILTER (WHERE c.due_at < %s),"
        " count(*) FILTER (WHERE c.due_at >= %s AND c.due_at < %s), count(*) FILTER (WHERE c.urgent),"
        f" count(*) FILTER (WHERE c.state = {State.SUSPENDED:d}), count(*) FILTER (WHERE c.state = {State.RETURNED:d})"
        f" FROM cases_case c WHERE c.is_open AND {scope}",
        [moment, moment, moment + timedelta(hours=2), *params],
    )[0]
    reported = _rows(
        f"SELECT count(*) FROM cases_case c WHERE c.reported_at >= %s AND {scope}",
        [start, *params],
    )[0][0]
    closed = _rows(
        "SELECT count(*) FILTER (WHERE c.closed_at >= %s), avg(c.on_time::int), avg(c.solved::int),"
        " avg((c.rating >= 4)::int) FILTER (WHERE c.rating IS NOT NULL)"
        f" FROM cases_case c WHERE c.closed_at >= %s AND c.state IN (12, 70, 71) AND {scope}",
        [start, start - timedelta(days=days - 1), *params],
    )[0]
    return Today(start, moment, reported, closed[0], *opened, *(_rate(value) for value in closed[1:]))


def _rate(value: Any) -> float | None:
    return None if value is None else round(float(value), 4)


@dataclass(frozen=True, slots=True)
class AreaFigure:
    """Counts of one area right below another."""

    area_id: int
    code: str
    name: str
    open: int
    late: int
    reported_today: int


def by_area(
    actor: Actor,
    parent_id: int,
    filters: Filters | None = None,
    now: datetime | None = None,
    *,
    permission: str = VIEW,
) -> list[AreaFigure]:
    """Return counts for each area right below one, areas without a case included, in the order of codes."""
    moment = now or timezone.now()
    known = tree()
    children = known.children(parent_id)
    if not children:
        return []
    column = AREA_COLUMNS[children[0].level - 1]
    parent_column = AREA_COLUMNS[known.get(parent_id).level - 1]
    scope, params = _scope(actor, filters, permission)
    start = _start_of_day(moment)
    rows = _rows(
        f"SELECT c.{column}, count(*) FILTER (WHERE c.is_open), count(*) FILTER (WHERE c.is_open AND c.due_at < %s),"
        f" count(*) FILTER (WHERE c.reported_at >= %s) FROM cases_case c"
        f" WHERE (c.is_open OR c.reported_at >= %s) AND c.{parent_column} = ANY(%s) AND {scope} GROUP BY 1",
        [moment, start, start, list(known.scope_ids(parent_id)), *params],
    )
    counted = {row[0]: row[1:] for row in rows}

    def within(area_id: int) -> list[int]:
        """Add up what lies in the area and in those merged or split into it, as the lists do."""
        found = [counted.get(one, (0, 0, 0)) for one in known.scope_ids(area_id)]
        return [sum(one) for one in zip(*found, strict=True)]

    return [AreaFigure(node.id, node.code, node.name, *within(node.id)) for node in children]


@dataclass(frozen=True, slots=True)
class DayFigure:
    """Counts of one local day (or hour): reported in it, closed in it."""

    at: datetime
    reported: int
    closed: int


def trend(
    actor: Actor,
    days: int = 14,
    filters: Filters | None = None,
    now: datetime | None = None,
    *,
    permission: str = VIEW,
) -> list[DayFigure]:
    """Return reported and closed per local day, oldest first, empty days included."""
    moment = now or timezone.now()
    first = _start_of_day(moment) - timedelta(days=days - 1)
    scope = _scope(actor, filters, permission)
    return _series(scope, first, timedelta(days=1), days, "day")


def hours(
    actor: Actor, filters: Filters | None = None, now: datetime | None = None, *, permission: str = VIEW
) -> list[DayFigure]:
    """Return reported and closed per hour of today up to now."""
    moment = now or timezone.now()
    first = _start_of_day(moment)
    scope = _scope(actor, filters, permission)
    return _series(scope, first, timedelta(hours=1), timezone.localtime(moment).hour + 1, "hour")


def _series(
    scoped: tuple[str, list[Any]], first: datetime, width: timedelta, count: int, unit: str
) -> list[DayFigure]:
    scope, params = scoped
    counted: list[dict[datetime, int]] = []
    for column in ("reported_at", "closed_at"):
        rows = _rows(
            f"SELECT date_trunc(%s, c.{column}, %s), count(*) FROM cases_case c"
            f" WHERE c.{column} >= %s AND {scope} GROUP BY 1",
            [unit, settings.TIME_ZONE, first, *params],
        )
        counted.append({row[0]: row[1] for row in rows})
    starts = [first + width * place for place in range(count)]
    return [DayFigure(start, counted[0].get(start, 0), counted[1].get(start, 0)) for start in starts]


@dataclass(frozen=True, slots=True)
class CodeFigure:
    code: str
    count: int


def by_class(
    actor: Actor,
    days: int = 7,
    filters: Filters | None = None,
    now: datetime | None = None,
    *,
    permission: str = VIEW,
) -> list[CodeFigure]:
    """Return item class code → reports of the last days, most first."""
    since = _start_of_day(now or timezone.now()) - timedelta(days=days - 1)
    scope, params = _scope(actor, filters, permission)
    rows = _rows(
        "SELECT i.class_code, count(*) FROM cases_case c JOIN cases_item i ON i.id = c.item_id"
        f" WHERE c.reported_at >= %s AND {scope} GROUP BY 1 ORDER BY 2 DESC, 1",
        [since, *params],
    )
    return [CodeFigure(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Quality:
    """How cases were closed: counts, so that they add up over days and areas. Rates are 0..1, None for none."""

    closed: int = 0
    judged: int = 0
    on_time: int = 0
    checked: int = 0
    solved: int = 0
    rated: int = 0
    satisfied: int = 0

    @property
    def on_time_rate(self) -> float | None:
        return _share(self.on_time, self.judged)

    @property
    def late_rate(self) -> float | None:
        return _share(self.judged - self.on_time, self.judged)

    @property
    def solved_rate(self) -> float | None:
        return _share(self.solved, self.checked)

    @property
    def satisfied_rate(self) -> float | None:
        return _share(self.satisfied, self.rated)


def added(qualities: Iterable[Quality]) -> Quality:
    """Return the counts of several days or areas together."""
    found = [astuple(one) for one in qualities]
    return Quality(*(sum(one) for one in zip(*found, strict=True))) if found else Quality()


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


_QUALITY: Final = (
    "count(*), count(c.on_time), count(*) FILTER (WHERE c.on_time), count(c.solved),"
    " count(*) FILTER (WHERE c.solved), count(c.rating), count(*) FILTER (WHERE c.rating >= 4)"
)


def quality_by_day(
    actor: Actor,
    days: int = 7,
    filters: Filters | None = None,
    now: datetime | None = None,
    *,
    permission: str = VIEW,
) -> list[tuple[datetime, Quality]]:
    """Return (local day, how cases were closed in it), oldest first, empty days included."""
    first = _start_of_day(now or timezone.now()) - timedelta(days=days - 1)
    scope, params = _scope(actor, filters, permission)
    rows = _rows(
        f"SELECT date_trunc('day', c.closed_at, %s), {_QUALITY} FROM cases_case c"
        f" WHERE c.closed_at >= %s AND c.state IN (12, 70, 71) AND {scope} GROUP BY 1",
        [settings.TIME_ZONE, first, *params],
    )
    counted = {row[0]: Quality(*row[1:]) for row in rows}
    starts = [first + timedelta(days=place) for place in range(days)]
    return [(start, counted.get(start, Quality())) for start in starts]


def quality_by_area(
    actor: Actor,
    parent_id: int,
    days: int = 7,
    filters: Filters | None = None,
    now: datetime | None = None,
    *,
    permission: str = VIEW,
) -> dict[int, Quality]:
    """Return area id → how cases were closed in the last `days` days, for the areas right below one."""
    known = tree()
    children = known.children(parent_id)
    if not children:
        return {}
    column, parent_column = (
        AREA_COLUMNS[level - 1] for level in (children[0].level, known.get(parent_id).level)
    )
    first = _start_of_day(now or timezone.now()) - timedelta(days=days - 1)
    scope, params = _scope(actor, filters, permission)
    rows = _rows(
        f"SELECT c.{column}, {_QUALITY} FROM cases_case c WHERE c.closed_at >= %s AND c.state IN (12, 70, 71)"
        f" AND c.{parent_column} = ANY(%s) AND {scope} GROUP BY 1",
        [first, list(known.scope_ids(parent_id)), *params],
    )
    counted = {row[0]: Quality(*row[1:]) for row in rows}
    return {
        node.id: added(counted.get(one, Quality()) for one in known.scope_ids(node.id)) for node in children
    }


def reported_between(
    actor: Actor,
    since: datetime,
    until: datetime,
    filters: Filters | None = None,
    *,
    permission: str = VIEW,
) -> int:
    """Return how many cases were reported from `since` up to, but not at, `until`."""
    scope, params = _scope(actor, filters, permission)
    rows = _rows(
        f"SELECT count(*) FROM cases_case c WHERE c.reported_at >= %s AND c.reported_at < %s AND {scope}",
        [since, until, *params],
    )
    return int(rows[0][0])


def by_state(actor: Actor, filters: Filters | None = None) -> dict[State, int]:
    """Return open cases per state."""
    scope, params = _scope(actor, filters)
    rows = _rows(f"SELECT c.state, count(*) FROM cases_case c WHERE c.is_open AND {scope} GROUP BY 1", params)
    return {State(state): number for state, number in rows}
