"""The made-up hotline: every state, by the hotline's own actions, with what the cast has to do."""

from collections import Counter

import pytest
from django.utils import timezone

from citybrain.base.ledger.models import Entry
from citybrain.hub.hotline import lists
from citybrain.hub.hotline.filters import Filters
from citybrain.hub.hotline.models import CallBack, Caller, KnowledgeEntry, Ticket, TicketClock, TicketEvent
from citybrain.hub.hotline.states import DONE, State
from citybrain.sample.fixtures import TinyCity, forget, the_cast, tiny_city
from citybrain.sample.hotline.make import HEATING, wording


@pytest.fixture
def hotline_city(db: None) -> TinyCity:
    forget()
    made = tiny_city(hotline=60)
    yield made
    forget()


def test_tickets_stand_in_every_state_with_their_history(hotline_city: TinyCity) -> None:
    states = Counter(State(one) for one in Ticket.objects.values_list("state", flat=True))
    assert set(states) >= set(State) - {State.REDO, State.RETURN_REQUESTED}
    for ticket in Ticket.objects.all():
        events = list(TicketEvent.objects.filter(ticket=ticket).order_by("seq"))
        assert [one.seq for one in events] == list(range(1, ticket.version + 1))
        assert events[0].action == "receive"
        assert events[-1].to_state == ticket.state
        assert [one.at for one in events] == sorted(one.at for one in events)
        assert ticket.received_at <= hotline_city.now
    done = Ticket.objects.filter(state__in=DONE)
    assert TicketClock.objects.filter(ticket__in=done, stopped_at=None).count() == 0


def test_each_step_is_in_the_ledger(hotline_city: TinyCity) -> None:
    steps = TicketEvent.objects.count()
    assert Entry.objects.filter(subject__startswith="ticket:", action__startswith="hotline.").count() == steps


def test_the_cast_has_something_to_do(hotline_city: TinyCity) -> None:
    cast = the_cast()
    operator = lists.counts(cast.actor("hotline_operator"))
    assert min(operator[key] for key in ("to_receive", "to_dispatch")) > 0
    assert Ticket.objects.filter(state=State.REPLIED).count() > 0
    assert lists.counts(cast.actor("hotline_manager"))["open"] == Ticket.objects.filter(is_open=True).count()
    assert lists.page(cast.actor("hotline_manager"), "all", Filters()).rows


def test_many_different_people_speak_of_one_matter(hotline_city: TinyCity) -> None:
    heating = Ticket.objects.filter(plain__contains="暖", state=State.RECEIVED, place_text__contains="社区")
    assert len({one.caller_id for one in heating}) >= 10
    assert heating.count() >= HEATING[1] - 4
    assert Caller.objects.filter(messages__gte=2).exists()


def test_callers_said_whether_it_was_solved(hotline_city: TinyCity) -> None:
    told = CallBack.objects.filter(counts=True)
    assert {one.solved for one in told} == {True, False}
    assert all(one.at <= timezone.now() for one in told)


def test_the_city_answers_from_knowledge_that_another_published(hotline_city: TinyCity) -> None:
    entries = KnowledgeEntry.objects.select_related("published")
    states = Counter(one.state for one in entries)
    assert states == {"published": len(wording()["knowledge"]) - 1, "review": 1}
    for one in entries:
        if one.published is not None:
            assert one.published.published_by_id != one.published.written_by_id
    assert entries.filter(review_on__lt=timezone.localdate(hotline_city.now)).exists()
