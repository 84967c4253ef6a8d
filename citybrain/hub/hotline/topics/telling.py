"""What a reader may know of topics: figures counted over the tickets within their areas, names made of these alone."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from citybrain.base.identity.access import scope_sql
from citybrain.base.identity.actor import Actor
from citybrain.hub.cases import items
from citybrain.hub.cases.rows import area_names
from citybrain.hub.hotline.models.topic import RIGHT
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.topics.naming import MOST_HEADS, Name, name
from citybrain.hub.hotline.topics.ranking import RECENT_DAYS

ITEM_SHARE: Final = 0.6  # of its tickets are of one item: a topic is called by it; our choice
HOME_SHARE: Final = 0.8
_SQL: Final = f"""
SELECT topic_id, sum(n), count(*), min(first), max(last), count(*) FILTER (WHERE first > %s),
  count(*) FILTER (WHERE danger), count(*) FILTER (WHERE utilities)
FROM (
  SELECT t.topic_id, k.person, count(*) AS n, min(k.at) AS first, max(k.at) AS last,
    bool_or(t.urgency = 'danger') AS danger, bool_or(t.urgency = 'utilities') AS utilities
  FROM hotline_ticket t JOIN hotline_topicticket k ON k.ticket_id = t.id
  WHERE t.topic_id = ANY(%s::bigint[]) AND t.state <> {int(State.VOIDED)} AND ({{scope}})
  GROUP BY 1, 2
) one GROUP BY 1
"""
_HIDDEN: Final = f"""
SELECT DISTINCT t.topic_id FROM hotline_ticket t
WHERE t.topic_id = ANY(%s::bigint[]) AND t.state <> {int(State.VOIDED)} AND NOT COALESCE(({{scope}}), false)
"""
_ITEMS: Final = f"""
SELECT t.topic_id, o.named, o.place, t.item_code, t.street_id, t.district_id, count(*)
FROM hotline_ticket t JOIN hotline_topic o ON o.id = t.topic_id
WHERE t.topic_id = ANY(%s::bigint[]) AND t.state <> {int(State.VOIDED)} AND ({{scope}}) GROUP BY 1, 2, 3, 4, 5, 6
"""
HEADS: Final = f"""
SELECT t.topic_id, k.person, t.title, left(t.plain, 80)
FROM hotline_ticket t JOIN hotline_topicticket k ON k.ticket_id = t.id
WHERE t.topic_id = ANY(%s::bigint[]) AND t.state <> {int(State.VOIDED)} AND ({{scope}}) ORDER BY t.id
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a reader's tickets say of one topic. `growth` is 0.5 where it is steady."""

    people: int
    messages: int
    first: datetime
    last: datetime
    recent: int
    growth: float
    danger: int
    utilities: int


def scope(actor: Actor) -> tuple[str, list[Any]]:
    """Return the condition for the tickets within an actor's areas, as SQL over `t`."""
    return scope_sql(actor, RIGHT, alias="t", agency_fields=(), owner_field=None)


def figures(actor: Actor, topics: Sequence[int], now: datetime) -> dict[int, Figures]:
    """Return the figures of the topics that at least one of the reader's tickets tells of."""
    where, params = scope(actor)
    since = now - timedelta(days=RECENT_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(scope=where), [since, list(topics), *params])
        rows = cursor.fetchall()
    return {row[0]: _figures(row, since) for row in rows}


def _figures(row: Sequence[Any], since: datetime) -> Figures:
    _, messages, people, first, last, recent, danger, utilities = row
    return Figures(
        people=people,
        messages=int(messages),
        first=first,
        last=last,
        recent=recent,
        growth=_growth(people, recent, first, since),
        danger=danger,
        utilities=utilities,
    )


def _growth(people: int, recent: int, first: datetime, since: datetime) -> float:
    """Return the growth as `ranking.growth` has it, from counts."""
    before = people - recent
    if not before:
        return (recent + 1) / (recent + 2)
    days = max(RECENT_DAYS, (since - first) / timedelta(days=1))
    return (recent + 0.5) / (recent + before * RECENT_DAYS / days + 1.0)


def names(actor: Actor, stored: dict[int, str]) -> dict[int, str]:
    """Return the names to show: as kept where the reader may know every ticket, else made of those they may know."""
    return names_within(*scope(actor), stored)


def names_within(where: str, params: Sequence[Any], stored: dict[int, str]) -> dict[int, str]:
    """Return the names to show to whoever may know the tickets that a condition over `t` holds for.

    A topic whose tickets are of one item is called by it, in the reader's language, where nobody gave it a name.
    """
    hidden = partly_within(where, params, list(stored))
    heads: dict[int, list[str]] = {}
    with connection.cursor() as cursor:
        if hidden:
            cursor.execute(HEADS.format(scope=where), [sorted(hidden), *params])
            heads = heads_of(cursor.fetchall())
        cursor.execute(_ITEMS.format(scope=where), [list(stored), *params])
        told = _gathered(cursor.fetchall())
    made = {one: name(heads[one]) for one in hidden}
    return {
        one: (_by_item(told.get(one), made.get(one)) or (made[one].title if one in made else kept))
        for one, kept in stored.items()
    }


@dataclass(slots=True)
class _Gathered:
    """What tickets of one topic are of, and where they lie: how many of each."""

    named: bool
    place: str
    items: Counter[str]
    streets: Counter[int | None]
    districts: Counter[int | None]


def _gathered(rows: Iterable[Sequence[Any]]) -> dict[int, _Gathered]:
    told: dict[int, _Gathered] = {}
    for topic_id, named, place, item, street, district, many in rows:
        one = told.setdefault(topic_id, _Gathered(named, place, Counter(), Counter(), Counter()))
        one.items[item] += many
        one.streets[street] += many
        one.districts[district] += many
    return told


def _by_item(told: _Gathered | None, made: Name | None) -> str:
    """Return the place and the item of a topic; empty where a person named it, or no item stands for it."""
    if told is None or (told.named and made is None):
        return ""
    code, many = told.items.most_common(1)[0]
    known = items.index().by_code.get(code)
    if known is None or many < ITEM_SHARE * told.items.total():
        return ""
    place = (made.place if made is not None else told.place) or _home(told)
    return " · ".join(part for part in (place, known.name) if part)


def _home(told: _Gathered) -> str:
    """Return the street, or the district, that holds four fifths of the tickets; empty for none."""
    for counted in (told.streets, told.districts):
        area_id, many = counted.most_common(1)[0]
        if area_id is not None and many >= HOME_SHARE * counted.total():
            return "".join(area_names([area_id]))
    return ""


def partly(actor: Actor, topics: Sequence[int]) -> set[int]:
    """Return those of the topics of which the reader may not know every ticket."""
    return partly_within(*scope(actor), topics)


def partly_within(where: str, params: Sequence[Any], topics: Sequence[int]) -> set[int]:
    """Return those of the topics that have tickets which a condition over `t` doesn't hold for."""
    if where == "TRUE" or not topics:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_HIDDEN.format(scope=where), [list(topics), *params])
        return {row[0] for row in cursor.fetchall()}


def heads_of(rows: Iterable[Sequence[Any]]) -> dict[int, list[str]]:
    """Return the heads of the first message of each of a topic's first people; rows: topic, person, title, text."""
    by_person: dict[int, dict[str, str]] = defaultdict(dict)
    for topic_id, person, title, text in rows:
        if len(by_person[topic_id]) < MOST_HEADS:
            by_person[topic_id].setdefault(person, title or text)
    return defaultdict(list, {topic_id: list(heads.values()) for topic_id, heads in by_person.items()})
