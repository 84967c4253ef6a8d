"""The loop `hotline_topics`: puts each ticket to a gathering as it comes, and keeps topics of those many speak of.

Gatherings live in the worker's memory. When it starts, the tickets of the last days are put where they were, some
thousand in a round; until that is done no topic is opened. What people decide (actions.py) is heeded in the next round:
the topics they touched are put together anew from their tickets.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Max, Min

from citybrain.hub.hotline.callers.numbers import normal_number, number_hash
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.models.topic import Topic, TopicApart, TopicEvent, TopicState, TopicTicket
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.topics import keeping, parting
from citybrain.hub.hotline.topics.engine import NOTHING, Engine, voice
from citybrain.hub.hotline.topics.keeping import Tie
from citybrain.hub.hotline.topics.ranking import LEAST_PEOPLE
from citybrain.hub.hotline.topics.terms import Message, terms_of

log = logging.getLogger(__name__)
DAYS: Final = 60  # how far back gatherings are put together when the worker starts
MOST: Final = 100_000  # tickets put together then
BATCH: Final = 1_000
LOOK_BACK: Final = 5_000  # tickets that may be read later than younger ones
AGAIN: Final = timedelta(minutes=10)  # between two looks over all that has gathered
_MOST_ANEW: Final = 2_000  # tickets by which a topic that a person changed is put together
_COLUMNS = (
    "id", "title", "plain", "caller__number_hash", "contact__phone", "reporter_id", "received_at", "topic_id",
)  # fmt: skip


@dataclass
class Gatherer:
    """What the loop knows between two rounds."""

    engine: Engine = field(default_factory=Engine)
    topic_of: dict[int, int] = field(default_factory=dict)  # by gathering
    number_of: dict[int, int] = field(default_factory=dict)  # by topic
    waiting: dict[int, list[Tie]] = field(default_factory=dict)  # tickets of gatherings that are no topic yet
    handled: "OrderedDict[int, None]" = field(default_factory=OrderedDict)
    before: int = 0  # tickets up to here are handled
    until: int | None = None  # tickets up to here were there at the start; None: not looked yet
    heeded: int = 0  # the last event looked at
    looked_at: datetime | None = None
    has_grown: bool = False  # since the last look over all
    touched: set[int] = field(default_factory=set)
    grown: set[int] = field(default_factory=set)  # topics that tickets came to since the last look over all

    @property
    def is_caught_up(self) -> bool:
        return self.until is not None and self.before >= self.until


_gatherer = Gatherer()


def forget() -> None:
    """Start over, as after a restart."""
    global _gatherer
    _gatherer = Gatherer()


def tick(now: datetime) -> int:
    """Return how many tickets were put to a gathering. Runs every five seconds."""
    one = _gatherer
    try:
        return run(one, now)
    except Exception:
        forget()  # what was half done is put together anew
        raise


def run(one: Gatherer, now: datetime) -> int:
    """Do one round; see `tick`."""
    if one.until is None:
        _begin(one, now)
    heed(one)
    done = put_new(one)
    if one.is_caught_up:
        open_due(one, now)
        one.grown |= one.touched
        look_over(one, now)
        _refresh(one, one.touched, now)
        one.touched = set()
    return done


def _begin(one: Gatherer, now: datetime) -> None:
    """Find where to start: the tickets of the last days, the latest hundred thousand at most."""
    last = Ticket.objects.aggregate(last=Max("pk"))["last"] or 0
    late = Ticket.objects.filter(pk__gt=last - MOST, received_at__gte=now - timedelta(days=DAYS))
    first = late.aggregate(first=Min("pk"))["first"]
    one.before = max(first - 1 if first is not None else last - 1, 0)
    one.until = last
    one.heeded = TopicEvent.objects.aggregate(last=Max("pk"))["last"] or 0
    for apart in TopicApart.objects.all():
        one.engine.apart.add(frozenset((_number(one, apart.one_id), _number(one, apart.other_id))))
    for topic_id in (
        Topic.objects.filter(held=True).exclude(state=TopicState.MERGED).values_list("pk", flat=True)
    ):
        one.engine.held.add(_number(one, topic_id))


def _number(one: Gatherer, topic_id: int) -> int:
    """Return the gathering of a topic, a number of its own where it has none yet."""
    if topic_id not in one.number_of:
        number = one.engine.reserve()
        one.number_of[topic_id] = number
        one.topic_of[number] = topic_id
    return one.number_of[topic_id]


def put_new(one: Gatherer) -> int:
    """Put the tickets that were read since; those of a topic already go there."""
    rows = list(
        Ticket.objects.filter(pk__gt=one.before, read_at__isnull=False)
        .exclude(state=State.VOIDED)
        .exclude(pk__in=list(one.handled))
        .order_by("pk")
        .values_list(*_COLUMNS, named=True)[:BATCH]
    )
    messages = [_message(row) for row in rows]
    fresh = []
    for row, message in zip(rows, messages, strict=True):
        if row.topic_id is not None:
            one.engine.put(message, _number(one, row.topic_id))
            one.touched.add(row.topic_id)
        else:
            fresh.append(message)
    _put(one, fresh)
    one.has_grown |= bool(rows)
    for row in rows:
        one.handled[row.id] = None
    _advance(one, full=len(rows) == BATCH)
    return len(rows)


def _put(one: Gatherer, messages: Sequence[Message]) -> None:
    for message, number in zip(messages, one.engine.add(messages), strict=True):
        if number == NOTHING:
            continue
        tie = Tie(int(message.key), message.person, datetime.fromtimestamp(message.at or 0, tz=UTC))
        if number in one.topic_of:
            keeping.tie_all(one.topic_of[number], [tie])
            one.touched.add(one.topic_of[number])
        else:
            one.waiting.setdefault(number, []).append(tie)


def _message(row: Any) -> Message:
    message = Message(key=str(row.id), title=row.title, text=row.plain, at=row.received_at.timestamp())
    return replace(message, person=_person(row) or voice(terms_of([message])[0].pairs)[:40])


def _person(row: Any) -> str:
    """Return what tells a caller, by number, or a signed-in reporter apart from others; "" for nobody known."""
    number = normal_number(row.contact__phone or "")
    known = row.caller__number_hash or (number_hash(number) if number else "")
    if known:
        return f"p{known[:32]}"
    return f"r{row.reporter_id}" if row.reporter_id is not None else ""


def _advance(one: Gatherer, *, full: bool) -> None:
    """Move on behind the tickets that are handled or will never be; unread ones are waited for a while."""
    last = max(one.handled, default=one.before)
    waits = Ticket.objects.filter(pk__gt=one.before, pk__lte=last, read_at=None).order_by("pk").first()
    reached = last if waits is None else waits.pk - 1
    one.before = max(one.before, reached, last - LOOK_BACK)
    if not full and one.until is not None:
        one.until = min(one.until, one.before)  # what is unread now will come as new
    for ticket_id in [key for key in one.handled if key <= one.before]:
        del one.handled[ticket_id]


def open_due(one: Gatherer, now: datetime) -> None:
    """Open a topic for each gathering that enough different people have come to."""
    for number in [key for key, ties in one.waiting.items() if len(ties) >= LEAST_PEOPLE]:
        ties = one.waiting[number]
        if len({tie.person for tie in ties}) < LEAST_PEOPLE:
            continue
        topic_id = keeping.open_topic(ties, now)
        one.topic_of[number], one.number_of[topic_id] = topic_id, number
        one.touched.add(topic_id)
        del one.waiting[number]


def look_over(one: Gatherer, now: datetime) -> None:
    """Now and then: make one of topics that grew alike, forget what is gone, count all active topics anew."""
    if one.looked_at is not None and now - one.looked_at < AGAIN:
        return
    one.looked_at = now
    if one.has_grown:
        for number, into in one.engine.settle().items():
            _joined(one, number, into, now)
        one.has_grown = False
        for topic_id in sorted(one.grown | one.touched):
            _part(one, topic_id, now)
    one.grown = set()
    one.waiting = {number: ties for number, ties in one.waiting.items() if one.engine.kept(number)}
    one.touched |= set(Topic.objects.filter(state=TopicState.ACTIVE).values_list("pk", flat=True))


def _joined(one: Gatherer, number: int, into: int, now: datetime) -> None:
    """Follow in the database what the engine made one."""
    ties = one.waiting.pop(number, [])
    topic_id, target = one.topic_of.pop(number, None), one.topic_of.get(into)
    if topic_id is None and target is None:
        one.waiting.setdefault(into, []).extend(ties)
    elif topic_id is None and target is not None:
        keeping.tie_all(target, ties)
        one.touched.add(target)
    elif topic_id is not None and target is None:
        one.topic_of[into], one.number_of[topic_id] = topic_id, into
        keeping.tie_all(topic_id, one.waiting.pop(into, []))
        one.touched.add(topic_id)
    elif topic_id is not None and target is not None:
        keeping.join(topic_id, target, now)
        keeping.note(target, "joined", now, topic=topic_id)
        one.number_of.pop(topic_id, None)
        one.touched.add(target)


def _part(one: Gatherer, topic_id: int, now: datetime) -> None:
    """Make two of a topic that turns out to be two matters of one place; one that a person decided on stays."""
    free = Topic.objects.filter(pk=topic_id, state=TopicState.ACTIVE, held=False, named=False, case=None)
    ties = TopicTicket.objects.filter(topic_id=topic_id)
    if not free.exists() or ties.filter(by_person=True).exists():
        return
    ids = list(ties.order_by("ticket_id").values_list("ticket_id", flat=True)[: parting.MOST + 1])
    if not parting.LEAST <= len(ids) <= parting.MOST:
        return
    rows = list(Ticket.objects.filter(pk__in=ids).order_by("pk").values_list(*_COLUMNS, named=True))
    second = parting.parted(one.engine, [_message(row) for row in rows])
    if second is None:
        return
    new = keeping.divide(topic_id, [row.id for row, goes in zip(rows, second, strict=True) if goes], now)
    _anew(one, topic_id)
    _anew(one, new)
    one.engine.apart.add(frozenset((_number(one, topic_id), _number(one, new))))


def _refresh(one: Gatherer, topics: Iterable[int], now: datetime) -> None:
    keeping.refresh({topic_id: _clarity(one, topic_id) for topic_id in topics}, now)


def _clarity(one: Gatherer, topic_id: int) -> float:
    number = one.number_of.get(topic_id)
    return one.engine.clarity(number) if number is not None else 0.0


def heed(one: Gatherer) -> None:
    """Put together anew the topics that a person changed since."""
    events = list(
        TopicEvent.objects.filter(pk__gt=one.heeded, actor__isnull=False)
        .order_by("pk")
        .values_list("pk", "topic_id", "data")
    )
    changed: set[int] = set()
    for event_id, topic_id, data in events:
        one.heeded = event_id
        changed |= {topic_id, *data.get("topics", ())}
    for topic_id in changed:
        _anew(one, topic_id)
    if changed:
        for apart in TopicApart.objects.all():
            one.engine.apart.add(frozenset((_number(one, apart.one_id), _number(one, apart.other_id))))


def _anew(one: Gatherer, topic_id: int) -> None:
    number = one.number_of.pop(topic_id, None)
    if number is not None:
        one.engine.drop(number)
        one.engine.held.discard(number)
        one.topic_of.pop(number, None)
    topic = Topic.objects.filter(pk=topic_id).exclude(state=TopicState.MERGED).first()
    if topic is None:
        return
    number = _number(one, topic_id)
    if topic.held:
        one.engine.held.add(number)
    ids = (
        TopicTicket.objects.filter(topic_id=topic_id)
        .order_by("-ticket_id")
        .values_list("ticket_id", flat=True)
    )
    rows = (
        Ticket.objects.filter(pk__in=list(ids[:_MOST_ANEW])).order_by("pk").values_list(*_COLUMNS, named=True)
    )
    for row in rows:
        one.engine.put(_message(row), number)
        one.handled[row.id] = None
    one.touched.add(topic_id)
