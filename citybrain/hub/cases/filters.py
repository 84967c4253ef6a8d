"""Filters of a list: read from an address, so that a link is a view; compiled into SQL over the alias `c`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import tree
from citybrain.hub.cases import items, search
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.states import Rating, Source, State

AREA_COLUMNS: Final = ("city_id", "district_id", "street_id", "community_id", "grid_id")
ORDERS: Final = {
    "due": "c.urgent DESC, c.due_at ASC NULLS LAST, c.id",
    "newest": "c.reported_at DESC, c.id DESC",
    "oldest": "c.reported_at, c.id",
    "changed": "c.changed_at DESC, c.id DESC",
}
VERDICTS: Final = {"any": "c.on_time IS NOT NULL", "on_time": "c.on_time", "late": "c.on_time IS FALSE"}
SOLVED: Final = {"any": "c.solved IS NOT NULL", "yes": "c.solved", "no": "c.solved IS FALSE"}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a person asked for; `order` is SQL from ORDERS. Empty fields ask for nothing.

    `hour` is the local hour of the report; `verdict` and `solved` are keys of VERDICTS and SOLVED; `unplaced` is
    a level of area (2..5) on which the case lies nowhere.
    """

    q: str = ""
    states: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    item: str = ""
    area_id: int | None = None
    agency_id: int | None = None
    since: date | None = None
    until: date | None = None
    urgent: bool = False
    late: bool = False
    supervised: bool = False
    hour: int | None = None
    closed_since: date | None = None
    closed_until: date | None = None
    verdict: str = ""
    solved: str = ""
    ratings: tuple[int, ...] = ()
    unplaced: int | None = None
    order: str = ""
    raw: Mapping[str, str] = field(default_factory=dict)

    def sql(self) -> tuple[str, list[Any]]:
        """Return the condition and its parameters; "true" when nothing was asked."""
        found, params = search.condition(self.q)
        parts = [] if found == "true" else [found]
        for condition, values in (
            self._codes(),
            self._place(),
            self._time(),
            self._end(),
        ):
            parts += condition
            params += values
        if self.urgent:
            parts.append("c.urgent")
        if self.late:
            parts.append("(c.due_at < now() OR c.on_time IS FALSE)")
        if self.supervised:
            parts.append("c.supervised")
        return " AND ".join(parts) or "true", params

    def _codes(self) -> tuple[list[str], list[Any]]:
        parts: list[str] = []
        params: list[Any] = []
        if self.states:
            parts.append("c.state = ANY(%s)")
            params.append(list(self.states))
        if self.sources:
            parts.append("c.source = ANY(%s)")
            params.append(list(self.sources))
        if self.item:
            known = items.index().by_id.values()
            parts.append("c.item_id = ANY(%s)")
            params.append([one.pk for one in known if one.code.startswith(self.item)])
        return parts, params

    def _place(self) -> tuple[list[str], list[Any]]:
        parts: list[str] = []
        params: list[Any] = []
        if self.area_id is not None:
            known = tree()
            column = AREA_COLUMNS[known.get(self.area_id).level - 1]
            parts.append(f"c.{column} = ANY(%s)")
            params.append(list(known.scope_ids(self.area_id)))
        if self.agency_id is not None:
            parts.append("c.agency_id = %s")
            params.append(self.agency_id)
        if self.unplaced is not None:
            parts.append(f"c.{AREA_COLUMNS[self.unplaced - 1]} IS NULL")
        return parts, params

    def _time(self) -> tuple[list[str], list[Any]]:
        parts: list[str] = []
        params: list[Any] = []
        if self.since:
            parts.append("c.reported_at >= %s")
            params.append(_start_of(self.since))
        if self.until:
            parts.append("c.reported_at < %s")
            params.append(_start_of(self.until + timedelta(days=1)))
        if self.hour is not None:
            parts.append("extract(hour FROM c.reported_at AT TIME ZONE %s) = %s")
            params += [settings.TIME_ZONE, self.hour]
        return parts, params

    def _end(self) -> tuple[list[str], list[Any]]:
        """How and when a case ended: what the rates of the cockpit are made of."""
        parts = [sql for sql in (VERDICTS.get(self.verdict), SOLVED.get(self.solved)) if sql]
        params: list[Any] = []
        if self.closed_since:
            parts.append("c.closed_at >= %s")
            params.append(_start_of(self.closed_since))
        if self.closed_until:
            parts.append("c.closed_at < %s")
            params.append(_start_of(self.closed_until + timedelta(days=1)))
        if self.ratings:
            parts.append("c.rating = ANY(%s)")
            params.append(list(self.ratings))
        return parts, params


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def read(params: Mapping[str, Any]) -> Filters:
    """Return filters from an address (a QueryDict or a dict). Raises BadInput naming the bad one."""
    raw = {key: str(params[key]).strip() for key in params if str(params[key]).strip()}
    area = _whole(raw.get("area"), "area")
    if area is not None:
        _known_area(area)
    return Filters(
        q=raw.get("q", "")[:200],
        states=tuple(_coded(raw.get("state", ""), {str(state.value) for state in State}, "state", int)),
        sources=tuple(_coded(raw.get("source", ""), set(Source.values), "source", str)),
        item=_item(raw.get("item", "")),
        area_id=area,
        agency_id=_whole(raw.get("agency"), "agency"),
        since=_day(raw.get("since"), "since"),
        until=_day(raw.get("until"), "until"),
        urgent=raw.get("urgent") == "1",
        late=raw.get("late") == "1",
        supervised=raw.get("supervised") == "1",
        hour=_within(raw.get("hour"), "hour", 0, 23),
        closed_since=_day(raw.get("closed_since"), "closed_since"),
        closed_until=_day(raw.get("closed_until"), "closed_until"),
        verdict="".join(_coded(raw.get("verdict", ""), set(VERDICTS), "verdict", str)[:1]),
        solved="".join(_coded(raw.get("solved", ""), set(SOLVED), "solved", str)[:1]),
        ratings=tuple(_coded(raw.get("rating", ""), {str(one.value) for one in Rating}, "rating", int)),
        unplaced=_within(raw.get("unplaced"), "unplaced", 2, 5),
        order=ORDERS.get(raw.get("order", ""), ""),
        raw=raw,
    )


def _known_area(area_id: int) -> None:
    try:
        tree().get(area_id)
    except KeyError:
        raise BadInput(_("没有这个区域。"), "area") from None


def _item(value: str) -> str:
    if value and not (value.isascii() and value.isdigit() and len(value) <= 6):
        raise BadInput(_("事项编码应为数字。"), "item")
    return value


def _coded(value: str, known: set[str], name: str, kind: Any) -> list[Any]:
    words = [word for word in value.split(",") if word]
    for word in words:
        if word not in known:
            raise BadInput(_("“%(name)s”没有 %(value)s 这个值。") % {"name": name, "value": word}, name)
    return [kind(word) for word in words]


def _whole(value: str | None, name: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 18):
        raise BadInput(_("“%(name)s”应为数字。") % {"name": name}, name)
    return int(value)


def _within(value: str | None, name: str, least: int, most: int) -> int | None:
    number = _whole(value, name)
    if number is not None and not least <= number <= most:
        raise BadInput(_("“%(name)s”没有 %(value)s 这个值。") % {"name": name, "value": number}, name)
    return number


def _day(value: str | None, name: str) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise BadInput(_("“%(name)s”应为日期，如 2026-11-21。") % {"name": name}, name) from None
