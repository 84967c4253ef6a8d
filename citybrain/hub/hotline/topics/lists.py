"""Topics as a reader may know them: the list, one topic with its days and places, and the warnings for their areas."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Max, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.hub.cases.models import Case
from citybrain.hub.hotline.errors import NotFound
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.models.topic import (
    RIGHT,
    Severity,
    Topic,
    TopicEvent,
    TopicState,
    TopicWarning,
    told_to,
)
from citybrain.hub.hotline.topics.ranking import LEAST_PEOPLE, heat_of
from citybrain.hub.hotline.topics.telling import Figures, figures, names, partly

MOST: Final = 1_000  # topics looked at for a list; the hottest first


@dataclass(frozen=True, slots=True)
class TopicRow:
    """One topic as its reader may know it: every figure counts the reader's tickets alone."""

    id: int
    name: str
    state: TopicState
    people: int
    messages: int
    recent: int
    growth: float
    heat: float
    danger: int
    severity: Severity
    first: datetime
    last: datetime
    case_number: str
    named: bool


@dataclass(frozen=True, slots=True)
class TopicDetail:
    """One topic with what tells of it. `tickets` are those the reader may open, the newest first.

    `events` are without what a person wrote where that may tell of tickets outside the reader's areas.
    """

    row: TopicRow
    days: list[tuple[Any, int]]
    areas: list[tuple[int, int]]
    tickets: "QuerySet[Ticket]"
    events: list[TopicEvent]
    warnings: list[TopicWarning]
    into: int | None


def topics(
    actor: Actor,
    *,
    state: TopicState = TopicState.ACTIVE,
    limit: int = 50,
    least_people: int = LEAST_PEOPLE,
    now: datetime | None = None,
) -> list[TopicRow]:
    """Return the topics of a state of which enough people within the reader's areas speak, hottest first.

    Raises Forbidden without `hotline.topics`.
    """
    require(actor, RIGHT)
    found = list(Topic.objects.visible_to(actor).filter(state=state).select_related("case")[:MOST])
    told = figures(actor, [one.pk for one in found], now or timezone.now())
    enough = [one for one in found if one.pk in told and told[one.pk].people >= least_people]
    hottest = sorted(enough, key=lambda one: (-_heat(one, told[one.pk]), -one.pk))[:limit]
    return _rows(actor, hottest, told)


def topic(actor: Actor, topic_id: int, now: datetime | None = None) -> TopicDetail:
    """Return one topic. Raises NotFound where none of the reader's tickets tells of it, Forbidden without the right."""
    require(actor, RIGHT)
    one = Topic.objects.visible_to(actor).filter(pk=topic_id).select_related("case").first()
    if one is None:
        raise NotFound
    told = told_to(actor).filter(topic_id=topic_id)
    people = Count("tie__person", distinct=True)
    days = told.annotate(day=TruncDate("received_at")).values_list("day").annotate(n=people).order_by("day")
    areas = (
        told.exclude(street_id=None).values_list("street_id").annotate(n=people).order_by("-n", "street_id")
    )
    return TopicDetail(
        row=_rows(actor, [one], figures(actor, [topic_id], now or timezone.now()))[0],
        days=list(days),
        areas=list(areas),
        tickets=Ticket.objects.visible_to(actor).filter(topic_id=topic_id).order_by("-received_at", "-id"),
        events=_events(actor, one),
        warnings=list(TopicWarning.objects.visible_to(actor).filter(topic_id=topic_id)),
        into=one.into_id,
    )


def warnings(actor: Actor, *, limit: int = 50) -> list[TopicWarning]:
    """Return the warnings nobody has seen yet for the reader's areas, the loudest first, then the newest."""
    require(actor, RIGHT)
    found = TopicWarning.objects.visible_to(actor).filter(seen_at=None, topic__state=TopicState.ACTIVE)
    return list(found.order_by("-severity", "-id")[:limit])


def _events(actor: Actor, one: Topic) -> list[TopicEvent]:
    """Return a topic's history; a person's reason, and the name they gave, only to who may know all it was about."""
    events = list(one.events.all())
    about = {event.pk: {one.pk, *event.data.get("topics", ())} for event in events}
    hidden = partly(actor, sorted(set().union(*about.values())))
    for event in events:
        if event.actor_id is not None and about[event.pk] & hidden:
            event.reason, event.data = "", {}
    return events


def _rows(actor: Actor, found: list[Topic], told: dict[int, Figures]) -> list[TopicRow]:
    if not found:
        return []
    ids = [one.pk for one in found]
    called = names(actor, {one.pk: one.name for one in found})
    loud = dict(
        TopicWarning.objects.visible_to(actor)
        .filter(topic_id__in=ids)
        .values_list("topic_id")
        .annotate(Max("severity"))
    )
    cases = [one.case_id for one in found if one.case_id is not None]
    numbers = (
        dict(Case.objects.visible_to(actor).filter(pk__in=cases).values_list("pk", "number")) if cases else {}
    )
    return [
        _row(one, told[one.pk], called[one.pk], loud.get(one.pk, 0), numbers.get(one.case_id or 0, ""))
        for one in found
        if one.pk in told
    ]


def _heat(one: Topic, told: Figures) -> float:
    return heat_of(told.people, one.clarity, told.growth)


def _row(one: Topic, told: Figures, called: str, severity: int, case_number: str) -> TopicRow:
    return TopicRow(
        id=one.pk,
        name=called,
        state=TopicState(one.state),
        people=told.people,
        messages=told.messages,
        recent=told.recent,
        growth=told.growth,
        heat=_heat(one, told),
        danger=told.danger,
        severity=Severity(severity),
        first=told.first,
        last=told.last,
        case_number=case_number,
        named=one.named,
    )
