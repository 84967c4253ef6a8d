"""Files of a hand-over: brought signed after the ticket, each once, only what the other side may have; theirs kept."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from citybrain.base.exchange.tests.stub import Call, Reply, serving
from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.hotline import files
from citybrain.hub.hotline.callers.numbers import opened
from citybrain.hub.hotline.file_kinds import MOST_BYTES
from citybrain.hub.hotline.linking import attached, delivering, handing, signing
from citybrain.hub.hotline.linking.handing import Plan
from citybrain.hub.hotline.linking.tests.far import THEIRS, answering, call, partner
from citybrain.hub.hotline.models import HandOver, LinkMessage, Partner, Ticket, TicketFile
from citybrain.hub.hotline.tests.conftest import NAME, PHONE, Line
from citybrain.hub.hotline.tests.test_files import PDF, picture

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _loopback(settings: Any, tmp_path: Path) -> None:
    settings.SOURCE_HOSTS = ["127.0.0.1"]
    settings.MEDIA_ROOT = tmp_path


def put(line: Line, ticket: Ticket, raw: bytes, name: str, *, released: bool | None = None) -> TicketFile:
    one = files.upload(raw, name, None, line.now)
    files.attach(SYSTEM, [one.token], ticket.pk, line.now)
    TicketFile.objects.filter(pk=one.pk).update(released=released)
    return one


def handed(line: Line, made: Partner, ticket: Ticket, **plan: Any) -> HandOver:
    return handing.hand_over(line.actor("operator"), ticket.pk, Plan(made.pk, "在北河", **plan), now=line.now)


def brought(calls: list[Call]) -> list[tuple[str, bytes]]:
    return [(one.params["name"], one.body) for one in calls if one.path.endswith("/files")]


def test_a_picture_goes_after_its_ticket_signed_and_without_the_senders_name_of_it(line: Line) -> None:
    ticket = line.hear(phone=PHONE, name=NAME)
    kept = put(line, ticket, picture(), f"{NAME}拍的.jpg")
    put(line, ticket, PDF, f"{NAME}的信.pdf")
    with serving(answering()) as far:
        made = handed(line, partner(line, address=far.address), ticket)
        delivering.tick(line.now)
        delivering.tick(line.later(minutes=1))
    first, second = far.calls
    assert (first.path, second.path) == ("/api/v1/hotline/links", f"/api/v1/hotline/links/{made.key}/files")
    assert brought(far.calls) == [("附件1.jpg", files.path_of(kept.token).read_bytes())]
    head = {name.title(): value for name, value in second.headers.items()}
    told = signing.read(head)
    signed = f"{second.path}?name=%E9%99%84%E4%BB%B61.jpg"
    signing.check(told, (THEIRS,), "POST", signed, second.body, told.at)
    lines = list(made.trail.values_list("what", "words"))
    assert ("file_out", "附件1.jpg") in lines
    assert not [words for _what, words in lines if NAME in words]


@pytest.mark.parametrize(
    ("secret", "shared", "shares_contact", "released", "names"),
    [
        (True, False, False, None, []),
        (True, False, False, True, ["附件1.jpg", "附件2.pdf"]),
        (False, True, False, None, ["附件1.jpg"]),
        (False, True, True, None, ["a.jpg", "b.pdf"]),
        (False, True, True, False, []),
    ],
)
def test_what_goes_is_what_the_caller_and_the_hotline_allow(
    line: Line, secret: bool, shared: bool, shares_contact: bool, released: bool | None, names: list[str]
) -> None:
    ticket = line.hear(phone=PHONE, secret=secret, shared=shared)
    put(line, ticket, picture(), "a.jpg", released=released)
    put(line, ticket, PDF, "b.pdf", released=released)
    with serving(answering()) as far:
        handed(line, partner(line, address=far.address), ticket, shares_contact=shares_contact)
        for minutes in (0, 1, 2, 3):
            delivering.tick(line.later(minutes=minutes))
    assert [name for name, _raw in brought(far.calls)] == names


def test_what_comes_to_the_ticket_later_goes_too_and_nothing_twice(line: Line) -> None:
    ticket = line.hear()
    put(line, ticket, picture(), "a.jpg")
    with serving(answering()) as far:
        made = handed(line, partner(line, address=far.address), ticket)
        put(line, ticket, picture("blue"), "b.jpg")
        line.do(line.ticket(ticket.pk), "operator", "comment", reason="来电人又发来一张照片")
        for minutes in (0, 1, 2, 3):
            delivering.tick(line.later(minutes=minutes))
        assert attached.bring(made, line.now) == 0
    assert [name for name, _raw in brought(far.calls)] == ["附件1.jpg", "附件2.jpg"]


def test_one_they_refuse_leaves_the_ticket_with_them_and_says_so(line: Line) -> None:
    def answer(asked: Call) -> Reply:
        if asked.path.endswith("/files"):
            return Reply('{"message": "不收这种文件"}'.encode(), 422)
        return answering()(asked)

    ticket = line.hear()
    put(line, ticket, picture(), "a.jpg")
    with serving(answer) as far:
        made = handed(line, partner(line, address=far.address), ticket)
        delivering.tick(line.now)
        delivering.tick(line.later(minutes=1))
    made.refresh_from_db()
    assert made.state == "received"
    assert made.trail.filter(what="refused", words="不收这种文件").exists()
    assert not LinkMessage.objects.filter(next_try_at__isnull=False).exists()


def test_one_that_is_no_longer_on_the_disk_is_given_up_and_said(line: Line) -> None:
    ticket = line.hear()
    kept = put(line, ticket, picture(), "a.jpg")
    with serving(answering()) as far:
        made = handed(line, partner(line, address=far.address), ticket)
        files.path_of(kept.token).unlink()
        delivering.tick(line.now)
        delivering.tick(line.later(minutes=1))
    assert brought(far.calls) == []
    assert made.trail.filter(what="refused", words="我方已没有这个文件。").exists()


def test_without_files_a_hand_over_asks_once_for_them(line: Line) -> None:
    made = handed(line, partner(line), line.hear())
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert attached.bring(made, line.now) == 0
    assert len(asked) == 1


def given(line: Line, beihe: Partner) -> tuple[str, Ticket]:
    key = "6b1f0f0e-1df0-4d2c-9d69-3c1d6f8a0001"
    raw = {"key": key, "number": "BH1", "text": "护栏断了", "reason": "在你市"}
    assert call(beihe, "/api/v1/hotline/links", raw).status_code == 201
    return f"/api/v1/hotline/links/{key}/files", Ticket.objects.get()


def bring(made: Partner, path: str, raw: bytes, *, secret: str | None = None) -> Any:
    key = secret if secret is not None else opened(made.secret_in)
    head = signing.headers(made.key, key, "POST", path, raw, timezone.now(), made.digest)
    return Client().post(path, raw, content_type="application/octet-stream", headers=head)


def test_a_file_they_bring_is_kept_with_our_ticket_once_and_stripped(line: Line) -> None:
    beihe = partner(line, "beihe")
    path, ticket = given(line, beihe)
    first = bring(beihe, f"{path}?name=%E7%8E%B0%E5%9C%BA.png", picture())
    again = bring(beihe, f"{path}?name=x.png", picture())
    assert (first.status_code, first.json(), again.status_code, again.json()) == (
        201, {"created": True}, 200, {"created": False},
    )  # fmt: skip
    (one,) = TicketFile.objects.all()
    assert (one.ticket_id, one.name, one.kind) == (ticket.pk, "现场.jpg", "picture")
    assert b"a camera of somebody" not in files.path_of(one.token).read_bytes()
    made = HandOver.objects.get()
    assert made.trail.filter(what="file_in", words="现场.jpg").count() == 1
    assert attached.bring(made, line.now) == 0  # never back to who sent it


def test_a_file_longer_than_a_body_of_json_may_be_comes_through(line: Line, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    beihe = partner(line, "beihe")
    path, _ticket = given(line, beihe)
    assert bring(beihe, f"{path}?name=a.pdf", PDF + b" " * 5000).status_code == 201


def test_what_is_not_taken_from_the_other_side_is_told(line: Line) -> None:
    beihe, other = partner(line, "beihe"), partner(line, "nanhe")
    path, ticket = given(line, beihe)
    named = f"{path}?name=a.pdf"
    assert bring(beihe, named, PDF, secret="a guess").status_code == 401
    assert bring(other, named, PDF).status_code == 404
    program = bring(beihe, f"{path}?name=a.jpg", b"MZ\x90\x00a program")
    assert (program.status_code, program.json()["field"]) == (422, "file")
    head = signing.headers(beihe.key, opened(beihe.secret_in), "POST", named, PDF, timezone.now(), "sha256")
    changed = Client().post(named, PDF + b"x", content_type="application/octet-stream", headers=head)
    assert changed.status_code == 401
    HandOver.objects.update(ended_at=line.now)
    assert bring(beihe, named, PDF).status_code == 409
    assert not TicketFile.objects.filter(ticket=ticket).exists()


def test_one_too_large_is_refused_before_it_is_read(line: Line) -> None:
    beihe = partner(line, "beihe")
    path, _ticket = given(line, beihe)
    head = signing.headers(beihe.key, opened(beihe.secret_in), "POST", path, b"", timezone.now(), "sha256")
    answer = Client().generic("POST", path, b"x", content_type="application/octet-stream",
                              headers=head, CONTENT_LENGTH=str(MOST_BYTES + 1))  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (413, "too_big")
    assert str(MOST_BYTES) in answer.json()["message"]
