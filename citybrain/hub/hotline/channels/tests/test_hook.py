"""Pushed messages and the API: signed or with a key, ours or theirs in shape, each with its own result."""

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from citybrain.base.identity.actor import SYSTEM
from citybrain.faces.gateway import clients
from citybrain.hub.hotline.channels import door, hook
from citybrain.hub.hotline.linking.tests.far import call, partner
from citybrain.hub.hotline.models import Ticket, TicketContact
from citybrain.hub.hotline.tests.conftest import PHONE, SAID, Line

pytestmark = pytest.mark.django_db
PATH = "/api/v1/hotline/messages"


def test_a_pushed_message_is_a_ticket_and_again_the_same(line: Line) -> None:
    app = partner(line, "app", "hook")
    raw = {"id": "7", "text": SAID, "phone": PHONE, "name": "李建国", "shared": True, "place_text": "建国道"}
    first, again = call(app, PATH, raw).json(), call(app, PATH, raw).json()
    assert (first["taken"], first["results"][0]["created"], again["results"][0]["created"]) == (
        1,
        True,
        False,
    )
    ticket = Ticket.objects.get()
    assert (ticket.channel, ticket.external_ref, ticket.caller_shared) == ("hook", "app:7", True)
    assert TicketContact.objects.get(ticket=ticket).phone == PHONE


def test_their_own_shape_is_read_by_the_map_of_fields(line: Line) -> None:
    app = partner(
        line, "app", "hook", fields={"text": "data.body.0.msg", "id": "meta.no", "phone": "data.tel"}
    )
    raw = {"meta": {"no": 12}, "data": {"body": [{"msg": SAID}], "tel": PHONE}}
    assert call(app, PATH, json.dumps(raw, ensure_ascii=False).encode("gb18030")).json()["taken"] == 1
    assert Ticket.objects.get().external_ref == "app:12"


def test_one_that_is_wrong_does_not_hold_up_the_others(line: Line) -> None:
    app = partner(line, "app", "hook")
    raws = [
        {"id": "1", "text": "路灯不亮"},
        {"id": "2", "text": ""},
        {"id": "3", "text": ["x"]},
        7,
        {"id": "5", "text": "垃圾没清"},
    ]
    told = call(app, PATH, {"messages": raws}).json()
    assert (told["taken"], told["refused"]) == (2, 3)
    assert [(one["index"], one["taken"], one.get("field", "")) for one in told["results"]] == [
        (0, True, ""), (1, False, "text"), (2, False, "text"), (3, False, "messages"), (4, True, ""),
    ]  # fmt: skip


@pytest.mark.parametrize("raw", [{"messages": []}, {"messages": "x"}, {"messages": [{"text": "x"}] * 101}])
def test_too_many_or_none_are_refused(line: Line, raw: dict[str, Any]) -> None:
    assert call(partner(line, "app", "hook"), PATH, raw).status_code == 422


def test_a_message_beyond_what_a_call_may_hold_is_refused_with_the_limit(line: Line, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = call(partner(line, "app", "hook"), PATH, {"text": "路" * 2000})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_big")


def by_key(line: Line, login: str, method: str, path: str, body: Any = None) -> Any:
    key = clients.issue_key(SYSTEM, line.village.people[login], "一个系统")
    client = Client(headers={"Authorization": f"Bearer {key}"})
    if method == "get":
        return client.get(f"/api/v1/hotline{path}")
    return client.post(f"/api/v1/hotline{path}", json.dumps(body), content_type="application/json")


def test_a_machine_with_a_key_tells_and_follows_with_the_code(line: Line) -> None:
    answer = by_key(
        line, "operator", "post", "/tickets", {"text": SAID, "external_ref": "x-1", "phone": PHONE}
    )
    told = answer.json()
    assert answer.status_code == 201
    assert (
        by_key(line, "operator", "post", "/tickets", {"text": SAID, "external_ref": "x-1"}).status_code == 200
    )
    followed = by_key(line, "worker", "get", f"/tickets/{told['number']}?code={told['query_code']}")
    assert followed.json()["headline"] == "已收到"
    assert by_key(line, "worker", "get", f"/tickets/{told['number']}?code=AAAAAA").status_code == 404
    seen = by_key(line, "operator", "post", "/callers", {"phone": PHONE}).json()
    assert (seen["messages"], seen["tickets"]) == (1, [told["number"]])
    assert by_key(line, "operator", "post", "/callers", {"phone": "13900000000"}).status_code == 404
    assert by_key(line, "operator", "get", f"/callers?phone={PHONE}").status_code == 405, (
        "addresses are logged"
    )
    assert by_key(line, "handler", "post", "/callers", {"phone": PHONE}).status_code == 403
    assert by_key(line, "handler", "post", "/tickets", {"text": SAID}).status_code == 403
    assert Client().get(f"/api/v1/hotline/tickets/{told['number']}").status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": SAID, "kind": "9"}, "kind"),
        ({"text": SAID, "urgency": "x"}, "urgency"),
        ({"text": SAID, "lon": 117.0}, "lat"),
        ({"text": SAID, "area": "999"}, "area"),
        ({"text": SAID, "item": "999999"}, "item_code"),
        ({"text": SAID, "phon": "1"}, "phon"),
    ],
)
def test_what_is_wrong_is_named(line: Line, body: dict[str, Any], field: str) -> None:
    answer = by_key(line, "operator", "post", "/tickets", body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert not Ticket.objects.exists()


def test_two_clients_that_number_from_one_lose_nothing_and_learn_nothing_of_each_other(line: Line) -> None:
    body = {"text": SAID, "external_ref": "1"}
    mine = by_key(line, "operator", "post", "/tickets", body)
    other = by_key(line, "operator_west", "post", "/tickets", {"text": "另一件事", "external_ref": "1"})
    assert (mine.status_code, other.status_code) == (201, 201)
    assert mine.json()["query_code"] != other.json()["query_code"]
    assert Ticket.objects.count() == 2
    again = by_key(line, "operator", "post", "/tickets", body)
    assert (again.status_code, again.json()["number"]) == (200, mine.json()["number"])


def test_one_poisoned_message_does_not_break_its_batch(line: Line) -> None:
    app = partner(line, "app", "hook")
    raws = [
        {"id": "1", "text": "路灯不亮", "phone": PHONE},
        {"id": "a\x00", "text": "路\x00灯不亮", "phone": PHONE},
        {"id": "a\ud800", "text": "垃圾\ud800没清", "name": "\ud800", "place_text": "\x00"},
        {"id": "4", "text": "井盖松了", "received_at": "9999-12-31T23:59:59-12:00"},
        {
            "id": "5",
            "text": "井盖松了",
            "received_at": "0001-01-01T00:00:00+12:00",
            "lon": "nan",
            "lat": "inf",
        },
    ]
    body = json.dumps({"messages": raws}).encode()
    first, again = (call(app, PATH, body).json() for _ in range(2))
    assert (first["taken"], first["refused"]) == (5, 0)
    assert [one["folded"] for one in first["results"]] == [False, True, False, False, False]
    assert [one["number"] for one in again["results"]] == [one["number"] for one in first["results"]]
    assert not any(one["created"] for one in again["results"])


def test_one_that_fails_in_whatever_way_is_refused_and_logged_and_those_beside_it_are_taken(
    line: Line, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    taken = door.take_in

    def fails(actor: Any, message: Any, **more: Any) -> Any:
        made = taken(actor, message, **more)
        if message.text == "坏的":
            Ticket.objects.filter(pk=made.ticket_id).update(flags=["\x00"])
        return made

    monkeypatch.setattr(door, "take_in", fails)
    raws = [{"id": "1", "text": "路灯不亮"}, {"id": "2", "text": "坏的"}, {"id": "3", "text": "垃圾没清"}]
    told = call(partner(line, "app", "hook"), PATH, {"messages": raws}).json()
    assert [one["taken"] for one in told["results"]] == [True, False, True]
    assert told["results"][1]["message"]
    assert Ticket.objects.count() == 2
    assert "message 1 of app can't be taken" in caplog.text


def test_a_database_that_is_away_fails_the_call_so_that_it_comes_again(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any, **_more: Any) -> Any:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(door, "take_in", away)
    with pytest.raises(OperationalError):
        hook.take_messages(partner(line, "app", "hook"), {"id": "1", "text": SAID})
