"""Filters of a list of tickets: read from an address, so that a link is a view; compiled into SQL over `t`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import tree
from citybrain.base.words import phrases, tsquery
from citybrain.hub.cases.states import Rating
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.states import Channel, Kind, State, Urgency

AREA_COLUMNS: Final = ("city_id", "district_id", "street_id", "community_id", "grid_id")
ORDERS: Final = {
    "due": "t.rank, t.due_at ASC NULLS LAST, t.id",
    "newest": "t.received_at DESC, t.id DESC",
    "oldest": "t.received_at, t.id",
    "changed": "t.changed_at DESC, t.id DESC",
}
VERDICTS: Final = {"any": "t.on_time IS NOT NULL", "on_time": "t.on_time", "late": "t.on_time IS FALSE"}
SOLVED: Final = {"any": "t.solved IS NOT NULL", "yes": "t.solved", "no": "t.solved IS FALSE"}
SEARCHED: Final = "lower(t.number || ' ' || t.title || ' ' || t.place_text || ' ' || t.plain)"
FLAGGED: Final = "NOT (t.flags = '{}'::varchar(20)[])"  # as the index says it
ITEM_DIGITS: Final = 6
CODED: Final = {
    "state": ("t.state", {str(one.value) for one in State}, int),
    "kind": ("t.kind", set(Kind.values), str),
    "channel": ("t.channel", set(Channel.values), str),
    "urgency": ("t.urgency", set(Urgency.values), str),
    "rating": ("t.rating", {str(one.value) for one in Rating}, int),
}
WHOLE: Final = {
    "lead": "t.agency_id",
    "topic": "t.topic_id",
    "caller": "t.caller_id",
    "case": "t.case_id",
    "main": "t.duplicate_of_id",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a person asked for; `order` is SQL from ORDERS. Empty fields ask for nothing.

    `codes` are (column, values); `numbers` are (column, id), as for the lead unit, a topic, a caller, a case.
    `counted` asks for what a rate counts ("response.above", ".below" or ".missed"); the span then goes by its moment.
    """

    q: str = ""
    codes: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    numbers: tuple[tuple[str, int], ...] = ()
    item: str = ""
    class_label: str = ""
    area_id: int | None = None
    agency_id: int | None = None
    since: date | None = None
    until: date | None = None
    late: bool = False
    needs_person: bool = False
    flag: str = ""
    verdict: str = ""
    solved: str = ""
    counted: str = ""
    order: str = ""
    raw: Mapping[str, str] = field(default_factory=dict)

    def sql(self) -> tuple[str, list[Any]]:
        """Return the condition and its parameters; "true" when nothing was asked."""
        parts, params = search(self.q)
        for column, values in self.codes:
            parts.append(f"{column} = ANY(%s)")
            params.append(list(values))
        for column, number in self.numbers:
            parts.append(f"{column} = %s")
            params.append(number)
        for condition, given in (self._about(), self._place(), self._time()):
            parts += condition
            params += given
        return " AND ".join(parts) or "true", params

    def _about(self) -> tuple[list[str], list[Any]]:
        parts = [sql for sql in (VERDICTS.get(self.verdict), SOLVED.get(self.solved)) if sql]
        params: list[Any] = []
        for condition, value in (
            ("t.class_label = %s", self.class_label),
            (f"{FLAGGED} AND t.flags @> ARRAY[%s]::varchar[]", self.flag),
        ):
            if value:
                parts.append(condition)
                params.append(value)
        if self.item:
            parts.append("t.item_code BETWEEN %s AND %s")
            params += [self.item, self.item.ljust(ITEM_DIGITS, "9")]
        if counts := self._counts():
            parts.append(counts[1])
        if self.late:
            parts.append("(t.due_at < now() OR t.on_time IS FALSE)")
        if self.needs_person:
            parts.append("t.needs_person")
        return parts, params

    def _place(self) -> tuple[list[str], list[Any]]:
        parts: list[str] = []
        params: list[Any] = []
        if self.area_id is not None:
            known = tree()
            column = AREA_COLUMNS[known.get(self.area_id).level - 1]
            ids = list(known.scope_ids(self.area_id))
            # one id is asked for as such: only then does the index of the area give the newest first
            parts.append(f"t.{column} = %s" if len(ids) == 1 else f"t.{column} = ANY(%s)")
            params.append(ids[0] if len(ids) == 1 else ids)
        if self.agency_id is not None:
            parts.append("(t.agency_id = %s OR t.co_agencies @> ARRAY[%s]::bigint[])")
            params += [self.agency_id, self.agency_id]
        return parts, params

    def _counts(self) -> tuple[str, str] | None:
        """Return the moment and the condition of what a rate counts."""
        from citybrain.hub.hotline import rates  # it counts what is filtered

        key, _dot, part = self.counted.partition(".")
        return rates.side(key, part, self.since) if self.counted else None

    def _time(self) -> tuple[list[str], list[Any]]:
        counts = self._counts()
        moment = counts[0] if counts else "received_at"
        parts: list[str] = []
        params: list[Any] = []
        if self.since:
            parts.append(f"t.{moment} >= %s")
            params.append(_start_of(self.since))
        if self.until:
            parts.append(f"t.{moment} < %s")
            params.append(_start_of(self.until + timedelta(days=1)))
        return parts, params


def search(query: str) -> tuple[list[str], list[Any]]:
    """Return the conditions for tickets with every phrase of a search: the index narrows, strpos makes sure.

    Only what a unit may read is searched: number, title, place and the text without numbers and names.
    """
    parts: list[str] = []
    params: list[Any] = []
    for phrase in phrases(query):
        if indexed := tsquery(phrase):
            parts.append("t.words @@ (%s)::tsquery")
            params.append(indexed)
        parts.append(f"strpos({SEARCHED}, %s) > 0")
        params.append(phrase.lower())
    return parts, params


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def read(params: Mapping[str, Any]) -> Filters:
    """Return filters from an address (a QueryDict or a dict). Raises BadInput naming the bad one."""
    raw = {key: str(params[key]).strip() for key in params if str(params[key]).strip()}
    area = _whole(raw.get("area"), "area")
    if area is not None and tree().find(area) is None:
        raise BadInput(_("没有这个区域。"), "area")
    codes = [
        (column, tuple(_coded(raw[name], known, name, kind)))
        for name, (column, known, kind) in CODED.items()
        if name in raw
    ]
    numbers = [(column, _whole(raw[name], name) or 0) for name, column in WHOLE.items() if name in raw]
    return Filters(
        q=raw.get("q", "").replace("\x00", "")[:200],
        codes=tuple(codes),
        numbers=tuple(numbers),
        item=_item(raw.get("item", "")),
        class_label=raw.get("class", "")[:60],
        area_id=area,
        agency_id=_whole(raw.get("agency"), "agency"),
        since=_day(raw.get("since"), "since"),
        until=_day(raw.get("until"), "until"),
        late=raw.get("late") == "1",
        needs_person=raw.get("person") == "1",
        flag=raw.get("flag", "")[:20],
        verdict="".join(_coded(raw.get("verdict", ""), set(VERDICTS), "verdict", str)[:1]),
        solved="".join(_coded(raw.get("solved", ""), set(SOLVED), "solved", str)[:1]),
        counted=_counted(raw.get("counted", "")),
        order=ORDERS.get(raw.get("order", ""), ""),
        raw=raw,
    )


def _counted(value: str) -> str:
    from citybrain.hub.hotline import rates

    key, _dot, part = value.partition(".")
    if value and rates.side(key, part) is None:
        raise BadInput(_("没有这个指标：%(key)s") % {"key": value[:40]}, "counted")
    return value


def _item(value: str) -> str:
    if value and not (value.isascii() and value.isdigit() and len(value) <= 6):
        raise BadInput(_("事项编码应为数字。"), "item")
    return value


def _coded(value: str, known: set[str], name: str, kind: Any) -> list[Any]:
    words = [word for word in value.split(",") if word]
    for word in words:
        if word not in known:
            raise BadInput(_("“%(name)s”没有 %(value)s 这个值。") % {"name": name, "value": word[:40]}, name)
    return [kind(word) for word in words]


def _whole(value: str | None, name: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 18):
        raise BadInput(_("“%(field)s”应为数字。") % {"field": name}, name)
    return int(value)


def _day(value: str | None, name: str) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise BadInput(_("“%(name)s”应为日期，如 2026-11-21。") % {"name": name}, name) from None
