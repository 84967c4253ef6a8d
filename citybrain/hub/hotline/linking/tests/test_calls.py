"""Calls: events in any order, once; the screen of the operator at that extension opens, nobody else's."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.models import RoleGrant
from citybrain.base.ledger.models import Entry
from citybrain.hub.hotline.callers import marks
from citybrain.hub.hotline.errors import BadInput, NotFound
from citybrain.hub.hotline.linking import calls
from citybrain.hub.hotline.linking.tests.far import call, partner
from citybrain.hub.hotline.models import Call, Partner, Ticket
from citybrain.hub.hotline.tests.conftest import Line

pytestmark = pytest.mark.django_db
PATH = "/api/v1/hotline/calls"
NUMBER = "13911112222"


@pytest.fixture
def cti(line: Line) -> Partner:
    calls.sit_at(line.actor("operator"), "8001", now=line.now)
    return partner(line, "cti", "phone")


def event(what: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "call_id": "c-1",
        "event": what,
        "at": at.isoformat(),
        "number": NUMBER,
        "extension": "8001",
        **more,
    }


def topics() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT topic FROM cases_outbox WHERE topic LIKE 'line:%' ORDER BY id")
        return [topic for (topic,) in cursor.fetchall()]


def test_a_ringing_call_opens_the_screen_of_who_sits_there(line: Line, cti: Partner) -> None:
    answer = call(cti, PATH, event("ringing", line.now))
    assert answer.json() | {"call": 0} == {
        "call": 0, "state": "ringing", "operator_known": True, "announce": False, "put_through": True,
    }  # fmt: skip
    assert topics() == [calls.topic_of(line.village.people["operator"].pk)]
    live = calls.current_call(line.actor("operator"), now=line.now)
    assert live is not None
    assert (live.number, live.state) == (NUMBER, "ringing")
    assert calls.current_call(line.actor("manager"), now=line.now) is None
    with pytest.raises(NotFound):
        calls.own_call(line.actor("manager"), live.call_id)
    with pytest.raises(Forbidden):
        calls.current_call(line.actor("handler"))
    call(cti, PATH, event("answered", line.now + timedelta(seconds=6)))
    call(cti, PATH, event("ended", line.now + timedelta(minutes=3), recording="rec/2026/11/19/1.wav"))
    assert calls.current_call(line.actor("operator"), now=line.now) is None
    one = Call.objects.get()
    assert (one.state, one.recording, one.caller and one.caller.calls) == ("ended", "rec/2026/11/19/1.wav", 1)
    assert NUMBER.encode() not in bytes(one.number)


def test_events_in_the_wrong_order_or_twice_tell_the_same(line: Line, cti: Partner) -> None:
    told = [
        event("ended", line.now + timedelta(minutes=3)), event("answered", line.now + timedelta(seconds=6)),
        event("ringing", line.now), event("ringing", line.now),
    ]  # fmt: skip
    states = [call(cti, PATH, one).json()["state"] for one in told]
    assert states == ["missed", "ended", "ended", "ended"]
    one = Call.objects.get()
    assert (one.rang_at, one.answered_at, one.ended_at) == (
        line.now, line.now + timedelta(seconds=6), line.now + timedelta(minutes=3),
    )  # fmt: skip
    assert len(one.events) == 3


def test_a_withheld_number_rings_as_well(line: Line, cti: Partner) -> None:
    assert call(cti, PATH, event("ringing", line.now, number="anonymous")).status_code == 200
    live = calls.current_call(line.actor("operator"), now=line.now)
    assert live is not None
    assert (live.number, live.caller_id) == ("", None)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"event": "singing"}, "event"),
        ({"call_id": ""}, "call_id"),
        ({"call_id": "x" * 81}, "call_id"),
        ({"at": "now"}, "at"),
        ({"at": "2026-11-19T09:00:00"}, "at"),
        ({"at": "2099-01-01T00:00:00Z"}, "at"),
        ({"extension": ["8001"]}, "extension"),
        ({"recording": "a\nb"}, "recording"),
        ({"recording": "x" * 301}, "recording"),
    ],
)
def test_an_event_that_can_not_be_is_refused_by_field(
    line: Line, cti: Partner, changed: dict[str, Any], field: str
) -> None:
    answer = call(cti, PATH, event("ringing", line.now) | changed)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert not Call.objects.exists()


def test_a_marked_caller_hears_the_announcement_and_is_put_through(line: Line, cti: Partner) -> None:
    call(cti, PATH, event("ringing", line.now))
    caller = Call.objects.get().caller_id
    assert caller is not None
    now = datetime.now(line.now.tzinfo)
    mark = marks.propose_mark(line.actor("operator"), caller, "一天来电四十次，辱骂话务员", now=now)
    marks.decide_mark(
        line.actor("manager"),
        mark.pk,
        agree=True,
        reason="录音已核实，确属骚扰",
        ends_at=now + timedelta(days=3),
        now=now,
    )
    told = call(cti, PATH, event("ringing", line.now, call_id="c-2")).json()
    assert (told["announce"], told["put_through"]) == (True, True)


def test_two_operators_never_share_an_extension(line: Line, cti: Partner) -> None:
    calls.sit_at(line.actor("manager"), "8001", now=line.now)
    assert (calls.extension_of(line.actor("operator")), calls.extension_of(line.actor("manager"))) == (
        "",
        "8001",
    )
    calls.sit_at(line.actor("manager"), "", now=line.now)
    assert calls.extension_of(line.actor("manager")) == ""
    with pytest.raises(Forbidden):
        calls.sit_at(line.actor("handler"), "8001")


def test_a_call_is_tied_to_its_ticket_and_its_recording_is_heard_with_a_reason(
    line: Line, cti: Partner
) -> None:
    call(cti, PATH, event("ringing", line.now))
    call(cti, PATH, event("ended", line.now + timedelta(minutes=3), recording="rec/1.wav"))
    ticket, one = line.sent(), Call.objects.get()
    calls.tie_call(line.actor("operator"), one.pk, ticket.pk, now=line.now)
    (shown,) = calls.calls_of(line.actor("manager"), ticket.pk)
    assert shown["has_recording"]
    for login in ("handler", "citizen", "audit", "acceptor"):
        with pytest.raises(Forbidden):
            calls.calls_of(line.actor(login), ticket.pk)
        with pytest.raises(Forbidden):
            calls.recording_of(line.actor(login), one.pk, "核实")
    with pytest.raises(NotFound):
        calls.recording_of(line.actor("operator_west"), one.pk, "核实来电内容")
    with pytest.raises(BadInput):
        calls.recording_of(line.actor("manager"), one.pk, "  ")
    assert calls.recording_of(line.actor("manager"), one.pk, "核实来电内容", now=line.now) == "rec/1.wav"
    assert Entry.objects.filter(action="hotline.recording", subject=f"call:{one.pk}").count() == 1
    with pytest.raises(NotFound):
        calls.tie_call(line.actor("manager"), one.pk, ticket.pk)
    tied = Entry.objects.get(action="hotline.tie_call")
    assert json.loads(tied.body) == {"ticket": ticket.pk, "recording": True}, "the reference opens a voice"


def test_a_unit_hears_no_caller_by_a_hat_it_has_elsewhere(line: Line, cti: Partner) -> None:
    call(cti, PATH, event("ringing", line.now))
    call(cti, PATH, event("ended", line.now + timedelta(minutes=3), recording="rec/1.wav"))
    ticket, one = line.sent(), Call.objects.get()
    calls.tie_call(line.actor("operator"), one.pk, ticket.pk, now=line.now)
    RoleGrant.objects.create(
        person=line.village.people["handler"], role="hotline_operator", area=line.village.areas["129802"],
        agency=line.village.agencies["west_cm"], valid_from=date(2020, 1, 1),
    )  # fmt: skip
    both = line.actor("handler")
    assert Ticket.objects.visible_to(both).filter(pk=ticket.pk).exists()
    with pytest.raises(Forbidden):
        calls.recording_of(both, one.pk, "核实来电内容")
    with pytest.raises(Forbidden):
        calls.calls_of(both, ticket.pk)
    assert not Entry.objects.filter(action="hotline.recording").exists()
