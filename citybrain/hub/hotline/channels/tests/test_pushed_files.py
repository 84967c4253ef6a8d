"""Files of the web hook and the API: in the message, at the sender's own address, or sent ahead; told if not kept."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from citybrain.base.exchange.tests.stub import Reply, serving
from citybrain.base.identity.actor import SYSTEM
from citybrain.faces.gateway import clients
from citybrain.hub.hotline import files
from citybrain.hub.hotline.channels import pushed_files
from citybrain.hub.hotline.linking.tests.far import THEIRS, call, partner
from citybrain.hub.hotline.models import FileToFetch, FoldedMessage, Ticket, TicketFile
from citybrain.hub.hotline.tests.conftest import PHONE, Line
from citybrain.hub.hotline.tests.test_files import PDF, picture

pytestmark = pytest.mark.django_db
PATH = "/api/v1/hotline/messages"


@pytest.fixture(autouse=True)
def _here(settings: Any, tmp_path: Path) -> None:
    settings.SOURCE_HOSTS = ["127.0.0.1"]
    settings.MEDIA_ROOT = tmp_path


def packed(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def names() -> list[str]:
    return list(TicketFile.objects.exclude(ticket=None).values_list("name", flat=True))


def test_what_lies_in_the_message_is_kept_at_once_and_a_repeat_adds_nothing(line: Line) -> None:
    app = partner(line, "app", "hook")
    sent = [{"name": "现场.png", "content": packed(picture())}, "data:application/pdf;base64," + packed(PDF)]
    raw = {"id": "1", "text": "路灯不亮", "files": sent}
    first, again = call(app, PATH, raw).json(), call(app, PATH, raw).json()
    assert first["results"][0]["files"] == {"kept": 2, "to_fetch": 0, "refused": []}
    assert again["results"][0]["created"] is False
    assert names() == ["现场.jpg", "附件2.pdf"]


def test_their_own_field_of_addresses_is_fetched_signed_from_their_address_alone(line: Line) -> None:
    with serving(lambda _call: Reply(picture())) as far:
        app = partner(line, "app", "hook", address=f"{far.address}/up", fields={"files": "data.images"})
        images = [
            f"{far.address}/up/2026/a.jpg?sig=1",
            "2026/b.jpg",
            "https://elsewhere.example/c.jpg",
            "../d",
        ]
        told = call(app, PATH, {"id": "1", "text": "路灯不亮", "data": {"images": images}}).json()
        found = told["results"][0]["files"]
        assert (found["kept"], found["to_fetch"]) == (0, 2)
        assert [one["name"] for one in found["refused"]] == ["c.jpg", "d"]
        assert pushed_files.tick(line.now + timedelta(days=400)) == 2
    assert [(one.path, one.params) for one in far.calls] == [
        ("/up/2026/a.jpg", {"sig": "1"}),
        ("/up/2026/b.jpg", {}),
    ]
    assert far.calls[0].headers["x-citybrain-key"] == "haining"
    assert THEIRS not in str(far.calls[0].headers)
    ticket = Ticket.objects.get()
    assert names() == ["a.jpg"]  # the very same picture is on a ticket once
    assert [name for name, _why in ticket.extra["not_kept"]] == ["c.jpg", "d"]
    assert not FileToFetch.objects.exists()


def test_a_sender_without_an_address_is_told_that_nothing_can_be_fetched(line: Line) -> None:
    told = call(
        partner(line, "app", "hook"), PATH, {"text": "路灯不亮", "files": "https://a.example/b.jpg"}
    ).json()
    assert told["taken"] == 1
    assert told["results"][0]["files"]["refused"][0]["name"] == "b.jpg"


@pytest.mark.parametrize(
    "given", [7, [True], [{}], {"name": "x"}, [{"content": "***"}], [[["a"]]], "a" * 3000]
)
def test_whatever_stands_for_files_holds_up_no_message(line: Line, given: Any) -> None:
    assert call(partner(line, "app", "hook"), PATH, {"text": "路灯不亮", "files": given}).json()["taken"] == 1
    assert Ticket.objects.count() == 1


def test_more_than_ten_and_what_is_no_file_are_refused_one_by_one(line: Line) -> None:
    sent = [{"name": f"{at}.txt", "content": packed(f"第{at}页".encode())} for at in range(11)]
    sent[0] = {"name": "a.exe", "content": packed(b"MZ\x90\x00a program")}
    told = call(partner(line, "app", "hook"), PATH, {"text": "路灯不亮", "files": sent}).json()
    found = told["results"][0]["files"]
    assert (found["kept"], [one["name"] for one in found["refused"]]) == (9, ["10.txt", "a.exe"])


def test_a_message_of_files_alone_is_a_ticket(line: Line) -> None:
    app = partner(line, "app", "hook")
    assert call(app, PATH, {"files": [{"name": "信.pdf", "content": packed(PDF)}]}).json()["taken"] == 1
    assert Ticket.objects.get().text == "（没有文字，附件：信.pdf）"


def test_what_cant_be_reached_is_tried_for_a_day_and_then_told_with_the_ticket(line: Line) -> None:
    app = partner(line, "app", "hook", address="http://127.0.0.1:9")
    call(app, PATH, {"text": "路灯不亮", "files": ["a.jpg", "b.jpg"]})
    one, _other = FileToFetch.objects.order_by("pk")
    assert (
        pushed_files.tick(one.created_at) == 1
    )  # its neighbour waits: who isn't there is asked once a round
    one.refresh_from_db()
    assert (one.attempts, one.next_try_at - one.created_at) == (1, timedelta(seconds=30))
    assert pushed_files.coming(one.ticket_id) == ["a.jpg", "b.jpg"]
    late = one.created_at + timedelta(days=1, minutes=1)
    pushed_files.tick(late)
    pushed_files.tick(late + timedelta(minutes=6))
    assert not FileToFetch.objects.exists()
    assert [name for name, _why in Ticket.objects.get().extra["not_kept"]] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(("status", "left"), [(404, 0), (500, 1)])
def test_an_answer_that_wont_change_ends_the_trying(line: Line, status: int, left: int) -> None:
    with serving(lambda _call: Reply(b"", status)) as far:
        call(
            partner(line, "app", "hook", address=far.address), PATH, {"text": "路灯不亮", "files": ["a.jpg"]}
        )
        pushed_files.tick(FileToFetch.objects.get().created_at)
    assert FileToFetch.objects.count() == left


def keyed(line: Line, login: str = "operator") -> Client:
    key = clients.issue_key(SYSTEM, line.village.people[login], "一个系统")
    return Client(headers={"Authorization": f"Bearer {key}"})


def ahead(client: Client, raw: bytes, name: str) -> Any:
    return client.post("/api/v1/hotline/files", {"file": SimpleUploadedFile(name, raw)})


def tell(client: Client, **body: Any) -> Any:
    return client.post("/api/v1/hotline/tickets", json.dumps(body), content_type="application/json")


def test_a_file_is_sent_ahead_and_goes_with_the_ticket_of_the_same_account_alone(line: Line) -> None:
    client, other = keyed(line), keyed(line, "manager")
    answer = ahead(client, picture(), "现场.png")
    token = answer.json()["token"]
    assert (answer.status_code, answer.json()["kind"], answer.json()["name"]) == (201, "picture", "现场.jpg")
    stolen = tell(other, text="垃圾没清", files=[token]).json()
    assert (stolen["files"], stolen["files_missing"]) == (0, [token])
    body = {"text": "路灯不亮", "external_ref": "7", "files": [token, str(uuid4())]}
    first, again = tell(client, **body).json(), tell(client, **body).json()
    assert (first["files"], len(first["files_missing"]), again["files"], again["created"]) == (1, 1, 1, False)
    assert TicketFile.objects.get().ticket == Ticket.objects.get(number=first["number"])


def test_what_is_no_file_of_ours_is_refused_ahead_and_who_takes_no_tickets_sends_none(line: Line) -> None:
    bad = ahead(keyed(line), b"MZ\x90\x00a program", "a.jpg")
    assert (bad.status_code, bad.json()["field"]) == (422, "file")
    assert ahead(keyed(line, "handler"), picture(), "a.jpg").status_code == 403
    assert Client().post("/api/v1/hotline/files").status_code == 401
    assert not TicketFile.objects.exists()


def test_files_of_a_flood_lie_with_the_ticket_that_stands_for_it(line: Line) -> None:
    client = keyed(line)
    for at, colour in enumerate(("red", "blue")):
        token = ahead(client, picture(colour), f"{at}.jpg").json()["token"]
        tell(client, text="路灯不亮", phone=PHONE, place_text="建国道", external_ref=str(at), files=[token])
    (ticket,) = Ticket.objects.all()
    assert [one.folded for one in ticket.files.order_by("pk")] == [None, FoldedMessage.objects.get()]
    assert len(files.files_of(line.actor("operator"), ticket)) == 2
