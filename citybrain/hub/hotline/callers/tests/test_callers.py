"""Callers: known again, shown to whom it helps, marked with care."""

from datetime import timedelta
from typing import Any

import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.ledger.models import Entry
from citybrain.hub.hotline.callers import looking, marks
from citybrain.hub.hotline.callers.known import find_caller, note_caller
from citybrain.hub.hotline.channels import door
from citybrain.hub.hotline.errors import BadInput, NotFound, NotNow
from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.models import Caller, CallerMark
from citybrain.hub.hotline.tests.conftest import Line

PHONE = "13911112222"
pytestmark = pytest.mark.django_db


def say(line: Line, text: str, phone: str = PHONE, **more: Any) -> door.Taken:
    values: dict[str, Any] = {"channel": "phone", "text": text, "phone": phone, **more}
    return door.take_in(line.actor("operator"), Message(**values), now=line.now)


def caller(line: Line) -> int:
    say(line, "楼下烧烤店油烟大")
    found = find_caller(PHONE)
    assert found is not None
    return found.pk


def marked(line: Line, days: int = 30) -> CallerMark:
    one = marks.propose_mark(line.actor("operator"), caller(line), "一天来电四十次，辱骂话务员", now=line.now)
    return marks.decide_mark(
        line.actor("manager"), one.pk, agree=True, reason="录音已核实，确属骚扰",
        ends_at=line.now + timedelta(days=days), now=line.now,
    )  # fmt: skip


def test_a_number_written_in_two_ways_is_one_caller_and_is_not_kept(line: Line) -> None:
    say(line, "楼下烧烤店油烟大", "139-1111-2222")
    say(line, "楼下烧烤店油烟还是大", "+86 13911112222")
    kept = Caller.objects.values().get()
    assert (kept["messages"], kept["shown"]) == (2, "139****2222")
    assert PHONE not in str(kept)


def test_an_operator_sees_who_calls_before_they_speak(line: Line) -> None:
    for at in range(3):
        say(line, f"楼下烧烤店油烟大，第{at + 1}次反映")
    seen = looking.look_up(line.actor("operator"), "+86 139 1111 2222", now=line.now)
    assert seen is not None
    assert (seen.shown, seen.messages, seen.recent, seen.is_repeat, seen.open_tickets) == (
        "139****2222",
        3,
        3,
        True,
        3,
    )
    assert [one.number for one in seen.tickets] == sorted((one.number for one in seen.tickets), reverse=True)
    assert PHONE not in str(seen.to_json())
    assert looking.look_up(line.actor("operator"), "13900000000") is None
    assert looking.look_up(line.actor("operator"), "anonymous") is None


@pytest.mark.parametrize("login", ["handler", "street_handler", "worker", "audit", "citizen", "system"])
def test_nobody_but_the_hotline_asks_who_calls(line: Line, login: str) -> None:
    caller_id = caller(line)
    with pytest.raises(Forbidden):
        looking.look_up(line.actor(login), PHONE)
    with pytest.raises(Forbidden):
        looking.look_at(line.actor(login), caller_id)
    with pytest.raises(Forbidden):
        looking.repeat_callers(line.actor(login))


def test_an_operator_of_one_district_sees_no_ticket_of_another(line: Line) -> None:
    say(line, "楼下烧烤店油烟大", area_id=line.area("east1"))
    here = say(line, "西街井盖松动", area_id=line.area("west1"))
    seen = looking.look_up(line.actor("operator_west"), PHONE, now=line.now)
    assert seen is not None
    assert ([one.number for one in seen.tickets], seen.recent, seen.open_tickets) == ([here.number], 1, 1)


def test_looking_up_costs_the_same_however_many_tickets(line: Line, django_assert_num_queries: Any) -> None:
    actor = line.actor("operator")
    for at in range(12):
        say(line, f"楼下烧烤店油烟大，第{at}次")
    with django_assert_num_queries(7):
        seen = looking.look_up(actor, PHONE, now=line.now)
    assert seen is not None
    assert len(seen.tickets) == looking.SHOWN


def test_repeat_callers_are_told_with_what_is_open_most_first(line: Line) -> None:
    for at in range(4):
        say(line, f"楼下烧烤店油烟大，第{at}次")
    for at in range(3):
        say(line, f"井盖松动，第{at}次", "13933334444")
    say(line, "咨询公积金提取", "13955556666")
    found = looking.repeat_callers(line.actor("manager"), now=line.now)
    assert [(one.caller.shown, one.tickets, one.open_tickets) for one in found] == [
        ("139****2222", 4, 4), ("139****4444", 3, 3),
    ]  # fmt: skip


def test_a_mark_is_proposed_by_one_and_decided_by_another_with_reason_and_end(line: Line) -> None:
    mark = marked(line)
    assert (mark.state, mark.proposed_name, mark.decided_name) == ("in_force", "话务员甲", "热线主管甲")
    assert marks.mark_of(mark.caller_id, line.now) is not None
    actions = list(
        Entry.objects.filter(subject=f"caller:{mark.caller_id}")
        .order_by("id")
        .values_list("action", flat=True)
    )
    assert actions == ["hotline.propose_mark", "hotline.decide_mark"]


def test_a_mark_ends_by_itself(line: Line) -> None:
    mark = marked(line, days=30)
    assert marks.mark_of(mark.caller_id, line.now + timedelta(days=30)) is None
    assert marks.sweep(line.now + timedelta(days=31)) == 1
    assert CallerMark.objects.get().state == "ended"


def test_a_marked_callers_message_is_taken_and_waits_for_a_person(line: Line) -> None:
    mark = marked(line)
    taken = say(line, "小区电梯坏了三天")
    assert taken.created
    ticket = line.ticket(taken.ticket_id)
    assert ticket.extra["marked_until"] == mark.ends_at.isoformat()  # type: ignore[union-attr]
    urgent = door.take_in(
        SYSTEM, Message(channel="hook", text="家里着火了", phone=PHONE, urgency="danger"), now=line.now
    )
    assert urgent.created
    assert not urgent.folded


@pytest.mark.parametrize("days", [0, -1, 91, 4000])
def test_a_mark_without_an_end_or_too_long_is_refused(line: Line, days: int) -> None:
    one = marks.propose_mark(line.actor("operator"), caller(line), "一天来电四十次，辱骂话务员", now=line.now)
    with pytest.raises(BadInput) as told:
        marks.decide_mark(
            line.actor("manager"), one.pk, agree=True, reason="录音已核实，确属骚扰",
            ends_at=line.now + timedelta(days=days), now=line.now,
        )  # fmt: skip
    assert told.value.field == "ends_at"


def test_nobody_decides_on_their_own_proposal(line: Line) -> None:
    one = marks.propose_mark(line.actor("manager"), caller(line), "一天来电四十次，辱骂话务员", now=line.now)
    with pytest.raises(NotNow):
        marks.decide_mark(
            line.actor("manager"), one.pk, agree=True, reason="录音已核实，确属骚扰",
            ends_at=line.now + timedelta(days=3), now=line.now,
        )  # fmt: skip


def test_an_operator_may_not_decide_and_a_unit_not_even_propose(line: Line) -> None:
    number = caller(line)
    with pytest.raises(Forbidden):
        marks.propose_mark(line.actor("handler"), number, "一天来电四十次，辱骂话务员")
    one = marks.propose_mark(line.actor("operator"), number, "一天来电四十次，辱骂话务员", now=line.now)
    with pytest.raises(Forbidden):
        marks.decide_mark(line.actor("operator"), one.pk, agree=False, reason="不构成骚扰，属重复诉求")


def test_a_second_mark_waits_for_the_first_to_end(line: Line) -> None:
    mark = marked(line)
    with pytest.raises(NotNow):
        marks.propose_mark(line.actor("operator"), mark.caller_id, "又来电骚扰二十余次", now=line.now)
    marks.end_mark(line.actor("manager"), mark.pk, "来电人已当面道歉", now=line.now)
    assert marks.mark_of(mark.caller_id, line.now) is None
    again = marks.propose_mark(line.actor("operator"), mark.caller_id, "又来电骚扰二十余次", now=line.now)
    assert again.state == "proposed"


@pytest.mark.parametrize("reason", ["", "骚扰", "   \n  ", "x" * 501])
def test_a_mark_needs_a_real_reason(line: Line, reason: str) -> None:
    with pytest.raises(BadInput):
        marks.propose_mark(line.actor("operator"), caller(line), reason)


def test_care_is_noted_for_the_next_operator(line: Line) -> None:
    number = caller(line)
    marks.set_care(line.actor("operator"), number, "听力不好，请慢讲")
    seen = looking.look_at(line.actor("manager"), number, now=line.now)
    assert seen is not None
    assert seen.care == "听力不好，请慢讲"
    with pytest.raises(BadInput):
        marks.set_care(line.actor("operator"), number, "x" * 201)
    with pytest.raises(NotFound):
        marks.set_care(line.actor("operator"), 10**9, "听力不好")


def test_a_caller_noted_at_once_by_two_is_one(line: Line) -> None:
    assert note_caller(PHONE, line.now, calls=1) == note_caller(PHONE, line.now, messages=1)
    one = Caller.objects.get()
    assert (one.calls, one.messages) == (1, 1)
    assert note_caller("anonymous", line.now) is None


def test_a_unit_never_sees_what_was_folded(line: Line) -> None:
    ticket = line.sent()
    with pytest.raises(NotFound):
        looking.folded_into(line.actor("handler"), ticket.pk)
    assert looking.folded_into(line.actor("operator"), ticket.pk) == (0, [])
