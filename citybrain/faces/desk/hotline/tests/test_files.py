"""Files on the desk: they come with the operator's form, open within rights, and download if they aren't pictures."""

import io
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from citybrain.hub.hotline.models import Ticket, TicketFile
from citybrain.sample.fixtures import Cast

pytestmark = pytest.mark.django_db
Open = Callable[[str], Client]
CALL = "/desk/hotline/call/"


@pytest.fixture
def client_for(cast: Cast, settings: Any, tmp_path: Path) -> Open:
    settings.MEDIA_ROOT = tmp_path

    def open_browser(key: str) -> Client:
        client = Client()
        client.force_login(cast[key])
        return client

    return open_browser


def picture() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (20, 20), "green").save(out, "PNG")
    return SimpleUploadedFile("路灯.png", out.getvalue())


def told(client: Client, **more: Any) -> Any:
    sent = {"key": str(uuid.uuid4()), "text": "花园社区北门的路灯坏了", "then": "file", **more}
    return client.post(CALL, sent)


def test_what_the_operator_adds_is_on_the_ticket_and_opens_for_the_hotline_alone(client_for: Open) -> None:
    browser = client_for("hotline_operator")
    letter = SimpleUploadedFile("信.pdf", b"%PDF-1.4 ours")
    program = SimpleUploadedFile("a.exe", b"MZ\x90\x00")
    answer = told(browser, files=[picture(), letter, program])
    assert answer.status_code == 302
    assert "a.exe" in browser.get(answer.headers["Location"]).content.decode()
    ticket = Ticket.objects.latest("pk")
    page = browser.get(f"/desk/hotline/tickets/{ticket.number}/").content.decode()
    shown, paper = TicketFile.objects.filter(ticket=ticket)
    for part in (f"/files/{shown.token}/small/", f"/files/{paper.token}/", "信.pdf"):
        assert part in page
    opened = browser.get(f"/desk/hotline/files/{shown.token}/")
    assert opened.headers["Content-Type"] == "image/jpeg"
    loaded = browser.get(f"/desk/hotline/files/{paper.token}/")
    assert loaded.headers["Content-Type"] == "application/octet-stream"
    assert loaded.headers["Content-Disposition"].startswith("attachment")
    for key in ("handler", "worker", "commander"):
        stranger = client_for(key)
        for token in (shown.token, paper.token):
            assert stranger.get(f"/desk/hotline/files/{token}/").status_code in {403, 404}, key
            assert stranger.get(f"/desk/hotline/files/{token}/small/").status_code in {403, 404}, key
            given = stranger.post(f"/desk/hotline/files/{token}/release/", {"then": "give", "why": "x"})
            assert given.status_code in {403, 404}, key


def test_a_form_that_is_not_right_yet_keeps_its_files(client_for: Open) -> None:
    browser = client_for("hotline_operator")
    wrong = told(browser, files=[picture()], then="answer")
    assert wrong.status_code == 422
    kept = TicketFile.objects.get()
    assert f'name="file" value="{kept.token}"' in wrong.content.decode()
    assert told(browser, file=[str(kept.token), "no token"]).status_code == 302
    kept.refresh_from_db()
    assert kept.ticket == Ticket.objects.latest("pk")


def test_a_file_is_given_to_the_unit_with_a_reason(client_for: Open) -> None:
    browser = client_for("hotline_operator")
    told(browser, files=[SimpleUploadedFile("信.pdf", b"%PDF-1.4 ours")])
    kept = TicketFile.objects.get()
    url = f"/desk/hotline/files/{kept.token}/release/"
    assert browser.post(url, {"then": "give", "why": " "}).status_code == 422
    assert browser.post(url, {"then": "give", "why": "没有来电人信息"}).status_code == 302
    kept.refresh_from_db()
    assert kept.released is True
