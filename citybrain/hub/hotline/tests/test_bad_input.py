"""Bad messages: a clear answer each, and none lost."""

import uuid
from datetime import timedelta

import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS, SYSTEM
from citybrain.hub.hotline import sweep
from citybrain.hub.hotline.actions import receive
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.models.ticket import Ticket, TicketContact
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.tests.conftest import PHONE, SAID, Line


@pytest.mark.parametrize("text", ["", "   ", "\n\t ", "\x00\x00"])
def test_silence_is_refused_with_what_to_do(line: Line, text: str) -> None:
    with pytest.raises(BadInput, match="没有收到内容") as refused:
        line.hear(text)
    assert refused.value.field == "text"
    assert not Ticket.objects.exists()


def test_a_title_alone_is_a_message(line: Line) -> None:
    assert line.hear("", title="路灯不亮").text == "路灯不亮"


@pytest.mark.parametrize(
    ("text", "flag", "person"),
    [
        ("👍🔥💡", "wordless", True),
        ("<div onclick='x()'>路灯<b>不亮</b></div>", "html", False),
        ("The street lamp in front of my house is out", "foreign", True),
        ("路灯坏了 please send somebody to repair the lamp today", "mixed", False),
        ("王八蛋，路灯三天不亮", "abusive", False),
    ],
)
def test_odd_messages_become_tickets_with_a_word_to_the_sender(
    line: Line, text: str, flag: str, person: bool
) -> None:
    ticket = line.hear(text)
    assert (ticket.state, ticket.text, ticket.flags, ticket.needs_person) == (
        State.RECEIVED,
        text,
        [flag],
        person,
    )
    assert len(line.told[0].notes) == 1
    assert "<" not in ticket.plain


def test_a_hundred_thousand_characters_are_kept_whole(line: Line) -> None:
    text = "路灯不亮，" * 20_000
    ticket = line.hear(text)
    assert ticket.text == text
    assert ticket.flags == ["long"]
    assert len(ticket.text) == 100_000


def test_beyond_the_longest_a_message_is_refused_with_both_figures(line: Line) -> None:
    with pytest.raises(BadInput, match="1000001 字，最多 1000000 字"):
        line.hear("灯" * 1_000_001)


def test_half_letters_and_nul_are_no_reason_to_lose_a_message(line: Line) -> None:
    assert line.hear("路灯\x00不亮\ud83d").text == "路灯不亮?"


@pytest.mark.parametrize(
    ("more", "flag"),
    [
        ({"lon": 0.0, "lat": 0.0, "area_id": None}, "outside"),
        ({"lon": float("nan"), "lat": 39.0, "area_id": None}, "bad_place"),
        ({"lon": 117.0, "lat": 400.0, "area_id": None}, "bad_place"),
    ],
)
def test_a_place_that_is_none_goes_to_a_person(line: Line, more: dict[str, object], flag: str) -> None:
    ticket = line.hear(**more)
    assert (ticket.flags, ticket.needs_person, ticket.district_id) == ([flag], True, None)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"channel": "pigeon"}, "channel"),
        ({"kind": "9"}, "kind"),
        ({"urgency": "very"}, "urgency"),
        ({"item_code": "999999"}, "item_code"),
        ({"phone": "1" * 31}, "phone"),
        ({"external_ref": "r" * 121}, "external_ref"),
    ],
)
def test_a_code_that_is_none_is_refused_by_name(line: Line, more: dict[str, object], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        line.hear(**more)
    assert refused.value.field == field


def test_the_same_sending_or_reference_gives_the_first_receipt(line: Line) -> None:
    key = uuid.uuid4()
    line.hear(submission_key=key)
    line.hear(external_ref="A-1")
    line.hear("另一句", submission_key=key)
    line.hear("另一句", external_ref="A-1")
    line.hear(external_ref="A-1", channel="hook")
    first, second, again, again2, other = line.told
    assert (again.number, again.created) == (first.number, False)
    assert (again2.number, again2.created) == (second.number, False)
    assert other.created, "another channel counts its own references"
    assert Ticket.objects.count() == 3


def test_who_may_speak_on_which_channel(line: Line) -> None:
    portal, phone = Message("portal", SAID, phone=PHONE), Message("phone", SAID)
    assert receive(ANONYMOUS, portal, now=line.now).created
    assert receive(SYSTEM, phone, now=line.now).created
    for login in ("citizen", "handler", "chief", "audit"):
        with pytest.raises(Forbidden):
            receive(line.actor(login), phone, now=line.now)


def test_a_message_from_the_past_keeps_its_time_and_one_from_the_future_does_not(line: Line) -> None:
    past, future = line.now - timedelta(days=3), line.now + timedelta(days=3)
    assert line.hear(received_at=past).received_at == past
    assert line.hear(received_at=future).received_at == line.now


def test_who_wants_to_stay_unknown_is_never_shared(line: Line) -> None:
    ticket = line.hear(shared=True, secret=True)
    assert (ticket.caller_shared, ticket.is_secret) == (False, True)
    assert TicketContact.objects.get(ticket=ticket).phone == PHONE


# Reading may be down


def test_a_ticket_is_opened_and_sent_while_every_model_is_down(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "READER", "citybrain.hub.hotline.no_such_module")
    ticket = line.hear()
    assert sweep.read_new(line.now) == 0
    ticket = line.ticket(ticket.pk)
    assert (ticket.state, ticket.needs_person, ticket.read_at, ticket.read_tries) == (
        State.RECEIVED,
        True,
        None,
        1,
    )
    assert "ModuleNotFoundError" in ticket.person_reason
    ticket = line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    assert (ticket.state, ticket.needs_person) == (State.DISPATCHED, False)


def test_reading_is_tried_again_later_and_left_to_a_person_after_the_fifth_time(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "READER", "citybrain.hub.hotline.no_such_module")
    ticket = line.hear()
    for tries in range(1, 6):
        sweep.read_new(line.now)
        assert line.ticket(ticket.pk).read_tries == tries
        sweep.read_new(line.now)
        assert line.ticket(ticket.pk).read_tries == tries, "not at once again"
        line.later(minutes=10)
    assert line.ticket(ticket.pk).read_at is not None
    sweep.read_new(line.now)
    assert line.ticket(ticket.pk).read_tries == 5
