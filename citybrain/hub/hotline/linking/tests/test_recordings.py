"""Recordings are fetched from the telephone system for one person with a reason, signed, and never kept."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from citybrain.base.exchange.tests.stub import Call as Asked
from citybrain.base.exchange.tests.stub import Reply, serving
from citybrain.base.identity.access import Forbidden
from citybrain.base.ledger.models import Entry
from citybrain.hub.hotline.errors import BadInput, NotNow
from citybrain.hub.hotline.linking import recordings, signing
from citybrain.hub.hotline.linking.tests.far import THEIRS, call, partner
from citybrain.hub.hotline.linking.tests.test_calls import PATH, event
from citybrain.hub.hotline.models import Call, Partner
from citybrain.hub.hotline.tests.conftest import Line

pytestmark = pytest.mark.django_db
SOUND = b"RIFF\x24\x00\x00\x00WAVEfmt our own"
FILE = "rec/2026/11/甲 1.wav"


@pytest.fixture(autouse=True)
def opened_hosts(settings: Any) -> None:
    settings.SOURCE_HOSTS = ["127.0.0.1"]


def recorded(line: Line, address: str, reference: str = FILE) -> Call:
    cti = partner(line, "cti", "phone", address=address)
    call(cti, PATH, event("ringing", line.now))
    call(cti, PATH, event("ended", line.now + timedelta(minutes=3), recording=reference))
    one = Call.objects.get()
    Call.objects.filter(pk=one.pk).update(ticket_id=line.sent().pk)
    return one


def sounding(asked: Asked) -> Reply:
    return Reply(SOUND, headers={"Content-Type": "audio/wav"})


def test_a_recording_comes_by_a_signed_call_and_stands_in_the_ledger(line: Line) -> None:
    with serving(sounding) as far:
        one = recorded(line, far.address)
        assert recordings.can_fetch(Call.objects.select_related("partner").get())
        found = recordings.fetch(line.actor("manager"), one.pk, "核实来电内容", now=line.now)
    assert (found.content, found.name) == (SOUND, "c-1.wav")
    (asked,) = far.calls
    assert (asked.method, asked.path) == ("GET", "/" + quote(FILE))
    named = {name.title(): value for name, value in asked.headers.items()}
    given = {name: named[name.title()] for name in signing.headers("a", "b", "GET", "/", b"", line.now)}
    told = signing.read(given)
    signing.check(told, (THEIRS,), "GET", asked.path, b"", told.at)
    actions = Entry.objects.filter(subject=f"call:{one.pk}").values_list("action", flat=True)
    assert [action for action in actions if "recording" in action] == [
        "hotline.recording", "hotline.recording_fetched",
    ]  # fmt: skip


def test_who_may_not_hear_fetches_nothing(line: Line) -> None:
    with serving(sounding) as far:
        one = recorded(line, far.address)
        for login in ("handler", "citizen", "audit"):
            with pytest.raises(Forbidden):
                recordings.fetch(line.actor(login), one.pk, "核实")
        with pytest.raises(BadInput):
            recordings.fetch(line.actor("manager"), one.pk, " ")
    assert far.calls == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"<html>sign in</html>", headers={"Content-Type": "text/html"}),
        Reply(SOUND, status=404),
        Reply(SOUND, broken=True),
        Reply(b""),
    ],
)
def test_what_is_no_recording_is_told_in_words(line: Line, reply: Reply) -> None:
    def answer(_asked: Asked) -> Reply:
        return reply

    told: Callable[[Asked], Reply] = answer
    with serving(told) as far:
        one = recorded(line, far.address)
        with pytest.raises(NotNow):
            recordings.fetch(line.actor("manager"), one.pk, "核实", now=line.now)


def test_a_system_without_an_address_is_not_asked(line: Line) -> None:
    one = recorded(line, "")
    with pytest.raises(NotNow):
        recordings.fetch(line.actor("manager"), one.pk, "核实", now=line.now)


@pytest.mark.parametrize(
    "reference",
    ["", "/", "../secret", "a/../../b", "a/%2e%2e/b", "http://elsewhere.example/a.wav", "a\\b", "a\nb"],
)
def test_a_reference_leads_nowhere_else(reference: str) -> None:
    with pytest.raises(BadInput):
        recordings.path_of(Partner(address="https://cti.example"), reference)


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("rec/1.wav", "/rec/1.wav"),
        ("/rec/1.wav", "/rec/1.wav"),
        ("https://cti.example/rec/1.wav", "/rec/1.wav"),
    ],
)
def test_a_reference_is_a_path_below_the_partners_address(reference: str, path: str) -> None:
    assert recordings.path_of(Partner(address="https://cti.example"), reference) == path


def test_the_fetching_is_refused_once_the_partner_is_shut(line: Line) -> None:
    with serving(sounding) as far:
        one = recorded(line, far.address)
        Partner.objects.update(is_active=False)
        with pytest.raises(NotNow):
            recordings.fetch(line.actor("manager"), one.pk, "核实", now=datetime.now(line.now.tzinfo))
    assert far.calls == []
