"""What other systems send us: taken once, by whoever signed it, and by nobody else."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from citybrain.base.exchange.tests.stub import serving
from citybrain.base.identity.access import Forbidden
from citybrain.hub.hotline.callers.numbers import opened
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.linking import delivering, partners
from citybrain.hub.hotline.linking.tests.far import answering, call, partner
from citybrain.hub.hotline.models import HandOver, Partner, Ticket, TicketContact
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.tests.conftest import Line

pytestmark = pytest.mark.django_db
PATH = "/api/v1/hotline/links"


@pytest.fixture(autouse=True)
def _loopback(settings: Any) -> None:
    settings.SOURCE_HOSTS = ["127.0.0.1"]


def given(**more: Any) -> dict[str, Any]:
    return {
        "key": str(uuid.uuid4()), "number": "BH261119000007", "text": "海宁津一侧的河堤护栏断了一截",
        "reason": "事发地在贵市", "received_at": "2026-11-18T08:00:00+08:00",
        "contact": {"name": "赵六", "phone": "13877776666"}, **more,
    }  # fmt: skip


def test_a_ticket_handed_over_to_us_is_ours_with_its_number_and_trail(line: Line) -> None:
    north = partner(line)
    raw = given(trail=[{"at": "2026-11-18T08:00:00+08:00", "words": "受理"}])
    answer = call(north, PATH, raw)
    assert answer.status_code == 201, answer.content
    ticket = Ticket.objects.get(number=answer.json()["number"])
    assert (ticket.channel, ticket.state, ticket.text) == ("linked", State.RECEIVED, raw["text"])
    assert ticket.extra["link"]["number"] == "BH261119000007"
    assert TicketContact.objects.get(ticket=ticket).phone == "13877776666"
    again = call(north, PATH, raw)
    assert (again.status_code, again.json()["number"], again.json()["created"]) == (200, ticket.number, False)
    assert Ticket.objects.count() == 1


def test_what_becomes_of_it_is_told_back_in_order(line: Line) -> None:
    with serving(answering(200)) as far:
        north = partner(line, address=far.address)
        call(north, PATH, given())
        delivering.tick(line.now)
        assert far.calls == []
        made = HandOver.objects.get()
        ticket = made.ticket
        line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
        delivering.tick(line.now)
        line.do(ticket, "handler", "accept")
        line.do(ticket, "handler", "reply", reply="护栏已连夜修复，并已加装警示牌。")
        delivering.tick(line.now)
        delivering.tick(line.now)
        line.do(line.ticket(ticket.pk), "operator", "call_back", reached="reached", solved="是", rating=4)
        delivering.tick(line.now)
    told = [json.loads(one.body) for one in far.calls]
    assert [one["what"] for one in told] == ["in_hand", "replied", "concluded"]
    assert told[1]["reply"] == "护栏已连夜修复，并已加装警示牌。"
    assert told[0]["agency"] == "东区城市管理局"
    assert {one.path for one in far.calls} == {f"{PATH}/{made.key}/told"}
    seqs = [one["seq"] for one in told]
    assert seqs == sorted(set(seqs))


def test_one_that_is_not_ours_goes_back_with_the_reason(line: Line) -> None:
    with serving(answering(200)) as far:
        call(partner(line, address=far.address), PATH, given())
        made = HandOver.objects.get()
        line.do(made.ticket, "manager", "void", cause="other", reason="经核实在贵市一侧，请贵方办理")
        delivering.tick(line.now)
    (one,) = (json.loads(one.body) for one in far.calls)
    assert (one["what"], one["words"]) == ("returned", "经核实在贵市一侧，请贵方办理")
    made.refresh_from_db()
    assert made.state == "returned"


def test_they_take_it_back_before_anybody_works_on_it(line: Line) -> None:
    north = partner(line)
    raw = given()
    call(north, PATH, raw)
    assert (
        call(north, f"{PATH}/{raw['key']}/told", {"seq": 1, "what": "recalled", "words": "误转"}).status_code
        == 200
    )
    assert Ticket.objects.get().state == State.VOIDED


def test_they_take_it_back_while_a_unit_works_on_it_and_a_person_decides(line: Line) -> None:
    north = partner(line)
    raw = given()
    call(north, PATH, raw)
    ticket = line.do(Ticket.objects.get(), "operator", "dispatch", agency=line.agency("east_cm"))
    call(north, f"{PATH}/{raw['key']}/told", {"seq": 1, "what": "recalled", "words": "误转"})
    ticket = line.ticket(ticket.pk)
    assert ticket.state == State.DISPATCHED
    assert "误转" in ticket.events.order_by("-seq")[0].reason


def test_the_holder_can_not_be_told_what_only_the_giver_may_and_the_other_way_round(line: Line) -> None:
    north = partner(line)
    raw = given()
    call(north, PATH, raw)
    for what in ("replied", "returned", "concluded", "in_hand", "nonsense"):
        answer = call(
            north, f"{PATH}/{raw['key']}/told", {"seq": 1, "what": what, "reply": "x", "words": "x"}
        )
        assert (answer.status_code, answer.json()["field"]) == (422, "what")


def test_another_city_neither_sees_nor_changes_what_is_between_two(line: Line) -> None:
    north, south = partner(line), partner(line, "nanhe")
    raw = given()
    call(north, PATH, raw)
    assert call(south, PATH, raw).status_code == 409
    assert call(south, f"{PATH}/{raw['key']}/told", {"seq": 1, "what": "recalled"}).status_code == 404
    assert call(south, f"{PATH}/{raw['key']}", None, method="GET").status_code == 404
    assert call(north, f"{PATH}/{raw['key']}", None, method="GET").json()["state"] == "received"
    assert Ticket.objects.count() == 1


def test_a_forged_late_or_repeated_call_is_refused_and_learns_nothing(line: Line) -> None:
    north = partner(line)
    raw = json.dumps(given()).encode()
    from citybrain.hub.hotline.linking import signing

    now = timezone.now()
    good = signing.headers(north.key, opened(north.secret_in), "POST", PATH, raw, now)
    assert call(north, PATH, raw, headers=good).status_code == 201
    answers = [
        call(north, PATH, raw, headers=good),
        call(north, PATH, raw, secret="guessed"),
        call(north, PATH, raw, now=now - timedelta(minutes=10)),
        call(north, PATH, raw, now=now + timedelta(minutes=10)),
        call(north, PATH, raw, headers={"X-Citybrain-Key": "nobody"}),
        call(north, PATH, raw, headers={"X-Citybrain-Signature": "sha256=" + "0" * 64}),
        call(north, PATH, raw, headers={"X-Citybrain-Nonce": ""}),
    ]
    assert [one.status_code for one in answers] == [401] * 7
    assert len({one.content for one in answers}) == 1
    assert Ticket.objects.count() == 1


def test_each_kind_of_partner_has_its_own_door(line: Line) -> None:
    hook, phone, north = partner(line, "app", "hook"), partner(line, "cti", "phone"), partner(line)
    doors = {"/api/v1/hotline/messages": hook, "/api/v1/hotline/calls": phone, PATH: north}
    for path, owner in doors.items():
        for one in (hook, phone, north):
            status = call(one, path, {}).status_code
            assert (status == 401) == (one != owner), (path, one.key, status)


def test_a_partner_switched_off_is_out_at_once(line: Line) -> None:
    north = partner(line)
    partners.change_partner(line.actor("manager"), north.pk, {"is_active": False}, now=line.now)
    assert call(north, PATH, given()).status_code == 401


def test_a_renewed_secret_works_at_once_and_the_old_one_for_a_day(line: Line) -> None:
    north = partner(line)
    old = opened(north.secret_in)
    new = partners.renew_secret(line.actor("manager"), north.pk)
    assert call(north, PATH, given(), secret=old).status_code == 201
    assert call(north, PATH, given(), secret=new).status_code == 201
    Partner.objects.update(before_until=timezone.now() - timedelta(seconds=1))
    assert call(north, PATH, given(), secret=old).status_code == 401


def test_sm3_signs_as_well(line: Line) -> None:
    assert call(partner(line, digest="sm3"), PATH, given()).status_code == 201


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"key": "x"}, "key"),
        ({"key": None}, "key"),
        ({"text": ""}, "text"),
        ({"text": 7}, "text"),
        ({"number": None}, "number"),
        ({"lon": "far", "lat": 1}, "lon"),
        ({"lon": 1e999, "lat": 1}, "lon"),
        ({"urgency": "very"}, "urgency"),
        ({"kind": "9"}, "kind"),
        ({"contact": "13877776666"}, "contact"),
        ({"received_at": "yesterday"}, "received_at"),
        ({"trail": "x"}, "trail"),
        ({"title": "x" * 201}, "title"),
    ],
)
def test_a_hand_over_that_can_not_be_is_refused_by_field(
    line: Line, changed: dict[str, Any], field: str
) -> None:
    answer = call(partner(line), PATH, given(**changed))
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"7", b"\xff\xfe", b'{"a":' * 5000], ids=["empty", "list", "number", "bytes", "deep"]
)
def test_a_body_that_is_no_object_is_refused(line: Line, body: bytes) -> None:
    assert call(partner(line), PATH, body).status_code == 422


def test_a_hundred_thousand_letters_and_an_older_encoding_come_whole(line: Line) -> None:
    north = partner(line)
    raw = given(text="堤" * 100_000)
    assert call(north, PATH, json.dumps(raw, ensure_ascii=False).encode("gb18030")).status_code == 201
    assert len(Ticket.objects.get().text) == 100_000


def test_only_the_manager_enters_partners_and_secrets_are_never_kept_open(line: Line) -> None:
    wanted = {
        "key": "beihe",
        "name": "北河12345",
        "kind": "hotline",
        "address": "https://12345.beihe.example",
    }
    for login in ("operator", "handler", "audit", "citizen", "acceptor"):
        with pytest.raises(Forbidden):
            partners.add_partner(line.actor(login), wanted)
    made, secret = partners.add_partner(line.actor("manager"), {**wanted, "secret_out": "theirs-of-us"})
    row = Partner.objects.values().get(pk=made.pk)
    assert secret not in str(row)
    assert "theirs-of-us" not in str(row)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"key": "北河"}, "key"),
        ({"key": ""}, "key"),
        ({"name": ""}, "name"),
        ({"kind": "friend"}, "kind"),
        ({"address": ""}, "address"),
        ({"address": "ftp://x"}, "address"),
        ({"address": "https://user:pw@x"}, "address"),
        ({"address": "https://x/?q=1"}, "address"),
        ({"address": "https://x:99999"}, "address"),
        ({"digest": "md5"}, "digest"),
        ({"fields": ["x"]}, "fields"),
    ],
)
def test_a_partner_that_can_not_be_is_refused_by_field(
    line: Line, changed: dict[str, Any], field: str
) -> None:
    wanted = {"key": "beihe", "name": "北河12345", "kind": "hotline", "address": "https://x"} | changed
    with pytest.raises(BadInput) as told:
        partners.add_partner(line.actor("manager"), wanted)
    assert told.value.field == field


def test_nonces_are_forgotten_when_their_time_has_passed(line: Line) -> None:
    call(partner(line), PATH, given())
    assert partners.sweep_nonces(timezone.now()) == 0
    assert partners.sweep_nonces(timezone.now() + timedelta(minutes=16)) == 1
