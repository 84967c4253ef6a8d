"""Floods: storms are folded into one ticket with a count; nothing is lost; danger is always taken."""

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from citybrain.base.identity.actor import ANONYMOUS, SYSTEM
from citybrain.base.ledger.models import Entry
from citybrain.hub.hotline.callers import floods
from citybrain.hub.hotline.callers.numbers import opened
from citybrain.hub.hotline.channels import door
from citybrain.hub.hotline.channels.door import Taken
from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.models import Caller, FoldedMessage, Storm, Ticket, TicketEvent
from citybrain.hub.hotline.tests.conftest import Line

PHONE = "13911112222"
pytestmark = pytest.mark.django_db


def say(line: Line, text: str, **more: Any) -> Taken:
    values: dict[str, Any] = {"channel": "hook", "text": text, "phone": PHONE, **more}
    return door.take_in(SYSTEM, Message(**values), now=line.now)


def test_two_hundred_messages_of_one_number_are_six_tickets_and_all_are_kept(line: Line) -> None:
    for at in range(200):
        say(line, f"第{at}次说:楼下广场舞音乐太吵了", external_ref=f"robot:{at}")
    assert Ticket.objects.count() == floods.NUMBER.most
    assert FoldedMessage.objects.count() == 200 - floods.NUMBER.most
    texts = {
        *Ticket.objects.values_list("text", flat=True),
        *FoldedMessage.objects.values_list("text", flat=True),
    }
    assert texts == {f"第{at}次说:楼下广场舞音乐太吵了" for at in range(200)}
    assert set(FoldedMessage.objects.values_list("why", flat=True)) == {"number"}
    assert Caller.objects.get().messages == 200


def test_the_very_same_words_of_one_number_are_one_ticket(line: Line) -> None:
    first = say(line, "小区门口垃圾没人清运")
    again = say(line, "小区门口，垃圾没人清运！ ")
    assert (again.ticket_id, again.number, again.folded, again.created) == (
        first.ticket_id,
        first.number,
        True,
        True,
    )
    assert FoldedMessage.objects.get().why == "repeat"
    line.later(hours=25)
    assert say(line, "小区门口垃圾没人清运").ticket_id != first.ticket_id


def test_one_text_from_everywhere_is_folded_from_the_twenty_first_on(line: Line) -> None:
    taken = [
        say(line, "要求恢复某某公交线路的停靠", phone=f"139{at:08d}", external_ref=f"t:{at}")
        for at in range(30)
    ]
    assert [one.folded for one in taken] == [False] * floods.TEXT.most + [True] * (30 - floods.TEXT.most)
    assert FoldedMessage.objects.values("caller").distinct().count() == 10
    assert set(FoldedMessage.objects.values_list("why", flat=True)) == {"text"}


def test_few_words_say_the_same_of_different_places_and_are_not_folded(line: Line) -> None:
    taken = [say(line, "路灯不亮", phone=f"139{at:08d}") for at in range(25)]
    assert not any(one.folded for one in taken)


def test_the_same_words_of_two_places_are_two_matters(line: Line) -> None:
    taken = [
        say(line, "门口的路灯三天不亮了", phone=f"139{at:08d}", place_text="甲路" if at % 2 else "乙路")
        for at in range(40)
    ]
    assert not any(one.folded for one in taken)


def test_danger_is_taken_in_the_middle_of_a_flood(line: Line) -> None:
    for at in range(20):
        say(line, f"骚扰第{at}条")
    taken = say(line, "我家楼上着火了，有人被困")
    assert (taken.folded, taken.created) == (False, True)
    urgent = say(line, "水管问题", urgency="utilities")
    assert not urgent.folded


def test_the_same_cry_of_one_number_stays_a_ticket_five_times(line: Line) -> None:
    taken = [say(line, "三楼着火了快来") for _ in range(8)]
    assert [one.folded for one in taken] == [False] * floods.DANGER_MOST + [True] * 3


def test_a_settled_ticket_takes_no_more(line: Line) -> None:
    first = say(line, "小区门口垃圾没人清运")
    Ticket.objects.filter(pk=first.ticket_id).update(is_open=False)
    assert say(line, "小区门口垃圾没人清运").ticket_id != first.ticket_id


def test_a_folded_message_sent_again_has_its_first_receipt_and_counts_once(line: Line) -> None:
    say(line, "小区门口垃圾没人清运")
    key = uuid.uuid4()
    folded = say(line, "小区门口垃圾没人清运", submission_key=key)
    again = say(line, "小区门口垃圾没人清运", submission_key=key)
    assert folded.folded
    assert again.folded
    assert (again.number, again.code, again.created) == (folded.number, folded.code, False)
    assert FoldedMessage.objects.count() == 1


def test_a_ticket_sent_again_is_not_counted_as_a_storm(line: Line) -> None:
    for _ in range(10):
        taken = say(line, "小区门口垃圾没人清运", external_ref="a:1")
    assert not taken.folded
    assert Storm.objects.order_by("-count").values_list("count", flat=True)[0] == 1


def test_a_folded_messages_sender_gets_a_code_of_their_own(line: Line) -> None:
    first = say(line, "小区门口垃圾没人清运")
    folded = say(line, "小区门口垃圾没人清运")
    assert folded.code != first.code
    assert folded.code == FoldedMessage.objects.get().query_code


def test_the_number_of_a_folded_message_is_sealed(line: Line) -> None:
    say(line, "小区门口垃圾没人清运")
    say(line, "小区门口垃圾没人清运", name="王五")
    kept = FoldedMessage.objects.get()
    assert PHONE.encode() not in bytes(kept.contact)
    assert opened(kept.contact) == '{"name": "\\u738b\\u4e94", "phone": "13911112222"}'
    assert Entry.objects.filter(action="hotline.fold", subject=f"folded:{kept.pk}").count() == 1


def test_what_a_person_heard_by_phone_is_never_folded(line: Line) -> None:
    taken = [say(line, "小区门口垃圾没人清运", channel="phone") for _ in range(9)]
    assert not any(one.folded for one in taken)


def test_a_citizen_may_speak_but_not_in_the_name_of_a_system(line: Line) -> None:
    from citybrain.base.identity.access import Forbidden

    taken = door.take_in(ANONYMOUS, Message(channel="portal", text="楼道里堆了杂物"), now=line.now)
    assert taken.created
    with pytest.raises(Forbidden):
        door.take_in(ANONYMOUS, Message(channel="hook", text="楼道里堆了杂物"), now=line.now)


def test_counts_are_forgotten_after_two_days(line: Line) -> None:
    say(line, "小区门口垃圾没人清运")
    assert floods.sweep(line.now + timedelta(days=1)) == 0
    assert floods.sweep(line.now + timedelta(days=3)) == 3


@pytest.mark.django_db(transaction=True)
def test_the_same_sending_from_two_sides_at_once_is_one_ticket_and_nothing_folded(line: Line) -> None:
    key = uuid.uuid4()
    message = Message(channel="hook", text="小区门口垃圾没人清运", phone=PHONE, submission_key=key)
    told: list[Taken] = []

    def send() -> None:
        try:
            told.append(door.take_in(SYSTEM, message, now=line.now))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(one.number, one.code) for one in told}) == 1
    assert len(told) == 4
    assert sorted(one.created for one in told) == [False, False, False, True]
    assert (Ticket.objects.count(), FoldedMessage.objects.count()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_folded_sending_from_two_sides_at_once_is_folded_once(line: Line) -> None:
    say(line, "小区门口垃圾没人清运")
    message = Message(channel="hook", text="小区门口垃圾没人清运", phone=PHONE, external_ref="at_once")
    told: list[Taken] = []

    def send() -> None:
        try:
            told.append(door.take_in(SYSTEM, message, now=line.now))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.folded for one in told] == [True] * 4
    assert len({one.code for one in told}) == 1
    assert FoldedMessage.objects.count() == 1


def test_a_folded_message_counts_on_its_ticket_without_words_and_takes_no_ones_typing_away(
    line: Line,
) -> None:
    first = say(line, "小区门口垃圾没人清运")
    for _ in range(3):
        say(line, "小区门口垃圾没人清运", name="王五")
    ticket = Ticket.objects.get(pk=first.ticket_id)
    assert (ticket.urge_count, ticket.version) == (3, 4)
    added = TicketEvent.objects.filter(ticket=ticket, action="add_message")
    assert [one.reason for one in added] == [""] * 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"place_text": "甲路"}, {"place_text": "乙路"}),
        ({"lon": 120.6801, "lat": 30.5101}, {"lon": 120.6841, "lat": 30.5101}),
        ({"area_id": 1}, {"area_id": 2}),
    ],
    ids=["words", "point", "area"],
)
def test_the_same_words_of_one_number_about_two_places_are_two_tickets(
    line: Line, one: dict[str, Any], other: dict[str, Any]
) -> None:
    first, second = say(line, "路灯不亮了请来修", **one), say(line, "路灯不亮了请来修", **other)
    assert first.ticket_id != second.ticket_id
    assert say(line, "路灯不亮了请来修", **one).ticket_id == first.ticket_id


def test_a_point_a_few_steps_away_is_the_same_place(line: Line) -> None:
    first = say(line, "路灯不亮了请来修", lon=120.68011, lat=30.51012)
    assert say(line, "路灯不亮了请来修", lon=120.68019, lat=30.51008).ticket_id == first.ticket_id


def test_a_citizen_who_guesses_a_systems_number_learns_no_code(line: Line) -> None:
    from citybrain.base.identity.access import Forbidden

    say(line, "小区门口垃圾没人清运", channel="api")
    folded = say(line, "小区门口垃圾没人清运", channel="api", external_ref="1")
    assert folded.folded
    with pytest.raises(Forbidden):
        door.take_in(ANONYMOUS, Message(channel="api", text="x", external_ref="1"), now=line.now)


def test_what_no_database_holds_is_folded_all_the_same(line: Line) -> None:
    say(line, "小区门口垃圾没人清运", lon=float("nan"), lat=float("inf"), external_ref="a")
    odd = {"title": "t\x00\ud800", "external_ref": "b\x00\udfff", "lon": float("nan"), "lat": float("inf")}
    taken = say(line, "小区门口\x00垃圾\ud800没人清运", **odd)
    assert taken.folded
    kept = FoldedMessage.objects.get()
    assert (kept.text, kept.title, kept.external_ref) == ("小区门口垃圾?没人清运", "t?", "b?")
    assert kept.extra == {}
