"""Topics in the database as the loop keeps them: opened, tied, counted, warned of, calmed down, made one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from citybrain.base.identity.actor import SYSTEM
from citybrain.base.ledger.append import record
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.models.topic import (
    Topic,
    TopicApart,
    TopicEvent,
    TopicState,
    TopicTicket,
    TopicWarning,
)
from citybrain.hub.hotline.states import State, Urgency
from citybrain.hub.hotline.topics import telling, warning
from citybrain.hub.hotline.topics.naming import Name, name
from citybrain.hub.hotline.topics.ranking import heat_of

AREAS = ("city_id", "district_id", "street_id", "community_id", "grid_id")
LIVE = (TopicState.ACTIVE, TopicState.QUIET, TopicState.DISMISSED)


@dataclass(frozen=True, slots=True)
class Tie:
    """A ticket, when it came, and who spoke: an opaque name of the caller, reporter or voice."""

    ticket_id: int
    person: str
    at: datetime


def open_topic(ties: Sequence[Tie], now: datetime) -> int:
    """Return the id of a new topic that these tickets tell of."""
    with transaction.atomic():
        one = Topic.objects.create(
            name="", first_at=min(tie.at for tie in ties), last_at=max(tie.at for tie in ties), changed_at=now
        )
        tie_all(one.pk, ties)
        note(one.pk, "opened", now)
    return one.pk


def tie_all(topic_id: int, ties: Sequence[Tie]) -> None:
    """Tie tickets to a topic; one that a topic has already stays where it is."""
    with transaction.atomic():
        free = set(
            Ticket.objects.filter(pk__in=[tie.ticket_id for tie in ties], topic_id__isnull=True).values_list(
                "pk", flat=True
            )
        )
        rows = [
            TopicTicket(topic_id=topic_id, ticket_id=tie.ticket_id, person=tie.person, at=tie.at)
            for tie in ties
            if tie.ticket_id in free
        ]
        TopicTicket.objects.bulk_create(rows, ignore_conflicts=True)
        Ticket.objects.filter(pk__in=free).update(topic_id=topic_id)


def note(topic_id: int, action: str, now: datetime, **data: Any) -> None:
    """Write down what the loop did."""
    TopicEvent.objects.create(topic_id=topic_id, at=now, action=action, data=data)


def join(topic_id: int, into_id: int, now: datetime) -> None:
    """Make one topic part of another in the database: its tickets, warnings, and what it is kept apart from."""
    TopicTicket.objects.filter(topic_id=topic_id).update(topic_id=into_id)
    Ticket.objects.filter(topic_id=topic_id).update(topic_id=into_id)
    for apart in TopicApart.objects.filter(Q(one_id=topic_id) | Q(other_id=topic_id)):
        other = apart.other_id if apart.one_id == topic_id else apart.one_id
        apart.delete()
        if other != into_id:
            part(into_id, other)
    Topic.objects.filter(into_id=topic_id).update(into_id=into_id)
    Topic.objects.filter(pk=topic_id).update(state=TopicState.MERGED, into_id=into_id, changed_at=now)


def part(one_id: int, other_id: int) -> None:
    """Keep two topics apart from now on."""
    TopicApart.objects.get_or_create(one_id=min(one_id, other_id), other_id=max(one_id, other_id))


def divide(topic_id: int, tickets: Sequence[int], now: datetime) -> int:
    """Return the id of a new topic that takes some of a topic's tickets; the two are kept apart from now on."""
    with transaction.atomic():
        one = Topic.objects.get(pk=topic_id)
        new = Topic.objects.create(
            name="", clarity=one.clarity, first_at=one.first_at, last_at=one.last_at, changed_at=now
        )
        TopicTicket.objects.filter(topic_id=topic_id, ticket_id__in=list(tickets)).update(topic_id=new.pk)
        Ticket.objects.filter(topic_id=topic_id, pk__in=list(tickets)).update(topic_id=new.pk)
        part(topic_id, new.pk)
        note(topic_id, "split", now, topics=[new.pk])
        note(new.pk, "parted", now, topics=[topic_id])
    return new.pk


def refresh(clarities: Mapping[int, float], now: datetime) -> int:
    """Count the topics anew, name those no person named, warn where there is cause; return how many warnings.

    `clarities`: the topics to count, and the mean likeness of two of their people.
    """
    if not clarities:
        return 0
    ids = sorted(clarities)
    told = telling.figures(SYSTEM, ids, now)
    heads = _heads(ids)
    places = _places(ids)
    warned = 0
    for one in Topic.objects.filter(pk__in=ids, state__in=LIVE).order_by("pk"):
        figures = told.get(one.pk)
        if figures is None:  # every ticket of it was voided
            Topic.objects.filter(pk=one.pk).update(state=TopicState.QUIET, people=0, messages=0, heat=0)
            continue
        _count(one, figures, clarities[one.pk], name(heads[one.pk]), places.get(one.pk, (None,) * 5), now)
        if one.state == TopicState.ACTIVE:
            warned += _warn(one, now)
    return warned


def _count(
    one: Topic,
    told: telling.Figures,
    clarity: float,
    called: Name,
    areas: Sequence[int | None],
    now: datetime,
) -> None:
    one.people, one.messages, one.recent = told.people, told.messages, told.recent
    one.first_at, one.last_at, one.growth = told.first, told.last, told.growth
    one.clarity = clarity or one.clarity
    one.heat = heat_of(told.people, one.clarity, told.growth)
    one.words = [word[:40] for word in called.words]
    if not one.named:
        one.name, one.place, one.matter = called.title[:120], called.place[:60], called.matter[:60]
    for field, value in zip(AREAS, areas, strict=True):
        setattr(one, field, value)
    quiet = told.last < now - timedelta(days=float(warning.settings()["quiet_days"]))
    if one.state == TopicState.ACTIVE and quiet:
        one.state = TopicState.QUIET
        note(one.pk, "quiet", now)
    elif one.state == TopicState.QUIET and not quiet:
        one.state = TopicState.ACTIVE
        note(one.pk, "again", now)
    one.changed_at = now
    one.save(
        update_fields=[
            "people", "messages", "recent", "first_at", "last_at", "growth", "clarity", "heat", "words", "name",
            "place", "matter", "state", "changed_at", *AREAS,
        ]
    )  # fmt: skip


def _heads(ids: Sequence[int]) -> dict[int, list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(telling.HEADS.format(scope="TRUE"), [list(ids)])
        return telling.heads_of(cursor.fetchall())


def _places(ids: Sequence[int]) -> dict[int, tuple[int | None, ...]]:
    """Return for each topic the area of each level that holds all its tickets with a place."""
    columns = ", ".join(
        f"CASE WHEN count(DISTINCT {one}) = 1 AND count({one}) = count(city_id) THEN min({one}) END"
        for one in AREAS
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT topic_id, {columns} FROM hotline_ticket WHERE topic_id = ANY(%s::bigint[])"
            f" AND state <> {int(State.VOIDED)} GROUP BY 1",
            [list(ids)],
        )
        return {row[0]: tuple(row[1:]) for row in cursor.fetchall()}


def _voices(topic_id: int, since: datetime) -> list[warning.Voice]:
    """Return who speaks of a topic: each person by their first ticket's place, and the worst of what they told."""
    rows = (
        TopicTicket.objects.filter(topic_id=topic_id)
        .exclude(ticket__state=State.VOIDED)
        .order_by("at", "ticket_id")
        .values_list("person", "at", "ticket__urgency", *(f"ticket__{one}" for one in AREAS))
    )
    told: dict[str, list[Any]] = {}
    for person, at, urgency, *lineage in rows:
        one = told.setdefault(person, [tuple(lineage), at > since, False, False])
        one[2] |= urgency == Urgency.DANGER
        one[3] |= urgency == Urgency.UTILITIES
    return [warning.Voice(*one) for one in told.values()]


def _warn(one: Topic, now: datetime) -> int:
    """Give a warning where there is cause for one louder, or higher up, than those given lately; return how many."""
    rules = warning.settings()
    voices = _voices(one.pk, now - timedelta(days=float(rules["recent_days"])))
    verdict = warning.judge(voices, one.growth)
    if verdict is None:
        return 0
    since = now - timedelta(days=float(rules["repeat_days"]))
    given = TopicWarning.objects.filter(topic_id=one.pk, at__gt=since).values_list("severity", "level")
    if any(severity >= verdict.severity and level <= verdict.level for severity, level in given):
        return 0
    here = warning.within(voices, verdict.level, verdict.area_id)
    lineage = next((voice.lineage for voice in here), (None,) * 5)[: verdict.level] if verdict.area_id else ()
    fields = dict(zip(AREAS, (*lineage, *(None,) * (5 - len(lineage))), strict=True))
    with transaction.atomic():
        row = TopicWarning.objects.create(
            topic_id=one.pk,
            at=now,
            severity=verdict.severity,
            level=verdict.level,
            name=_name_within(one, verdict),
            rule=verdict.rule,
            people=len(here),
            recent=sum(voice.is_recent for voice in here),
            danger=sum(voice.danger for voice in here),
            **fields,
        )
        Topic.objects.filter(pk=one.pk).update(severity=max(one.severity, verdict.severity))
        note(one.pk, "warned", now, warning=row.pk)
        record(
            SYSTEM.key,
            "hotline.topic_warning",
            f"topic:{one.pk}",
            {"warning": row.pk, "rule": verdict.rule},
            at=now,
        )
        tell(one.pk)
    return 1


def _name_within(one: Topic, verdict: warning.Verdict) -> str:
    """Return the topic's name as the messages of the warned area alone make it."""
    if verdict.area_id is None:
        return one.name
    column = f"t.{AREAS[verdict.level - 1]} = %s"
    with connection.cursor() as cursor:
        cursor.execute(telling.HEADS.format(scope=column), [[one.pk], verdict.area_id])
        heads = telling.heads_of(cursor.fetchall())
    return name(heads[one.pk]).title[:120]


def tell(topic_id: int) -> None:
    """Tell open pages that a topic changed."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO cases_outbox (topic) VALUES (%s)", [f"topic:{topic_id}"])
