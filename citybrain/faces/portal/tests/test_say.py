"""说件事: anybody tells the hotline something, follows it, rates the answer, adds to it."""

import io
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from citybrain.base.identity.actor import SYSTEM
from citybrain.faces.portal import throttle
from citybrain.hub.cases.tests.conftest import Village
from citybrain.hub.hotline import actions, files
from citybrain.hub.hotline.models import FoldedMessage, Ticket, TicketContact, TicketFile
from citybrain.hub.hotline.states import State

SAID = "我想问一下,老年卡丢了怎么补办?"
pytestmark = pytest.mark.usefixtures("town")


def words(**changed: Any) -> dict[str, Any]:
    given = {"submission_key": str(uuid.uuid4()), "text": SAID, "place_text": "", "contact": "none"} | changed
    return {name: value for name, value in given.items() if value is not None}


def said(client: Client, **changed: Any) -> Ticket:
    answer = client.post("/say/", words(**changed))
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return Ticket.objects.get(number=answer["Location"].rstrip("/").rsplit("/", 1)[1])


def answered(ticket: Ticket) -> None:
    actions.take(SYSTEM, ticket.pk, "answer", {"reply": "请带身份证到任一社区服务中心补办，当场可取。"})


def test_the_front_page_offers_it_and_the_page_needs_no_script(client: Client) -> None:
    assert 'href="/say/"' in client.get("/").content.decode()
    page = client.get("/say/").content.decode()
    for name in ("text", "place_text", "contact", "phone", "shared", "secret", "submission_key"):
        assert f'name="{name}"' in page, name


def test_anybody_speaks_follows_rates_and_adds(client: Client) -> None:
    ticket = said(
        client, contact="phone", phone="022-2731 0000", name="王女士", shared="1", place_text="花园社区"
    )
    assert (ticket.channel, ticket.text, ticket.reporter_id, ticket.caller_shared) == (
        "portal",
        SAID,
        None,
        True,
    )
    assert ticket.state == State.RECEIVED
    contact = TicketContact.objects.get(ticket=ticket)
    assert (contact.name, contact.phone) == ("王女士", "02227310000")
    page = client.get(f"/say/done/{ticket.number}/").content.decode()
    assert ticket.query_code in page
    page = client.get(f"/say/{ticket.number}/").content.decode()
    assert "已收到" in page
    assert SAID in page
    assert client.post(f"/say/{ticket.number}/supplement/", {"reason": "是敬老卡"}).status_code == 302
    answered(ticket)
    page = client.get(f"/say/{ticket.number}/").content.decode()
    assert "请带身份证到任一社区服务中心补办" in page
    assert "是敬老卡" in page
    answer = client.post(f"/say/{ticket.number}/rate/", {"rating": "5", "solved": "1", "reason": "谢谢"})
    assert answer.status_code == 302
    ticket.refresh_from_db()
    assert (ticket.rating, ticket.solved) == (5, True)
    page = client.get(f"/say/{ticket.number}/").content.decode()
    assert "您的评价" in page
    assert "/rate/" not in page


def test_the_same_submission_twice_is_one_ticket(client: Client) -> None:
    key = str(uuid.uuid4())
    first, second = said(client, submission_key=key), said(client, submission_key=key)
    assert first.pk == second.pk
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"text": ""}, "请写下您想说的事"),
        ({"text": "  \n "}, "请写下您想说的事"),
        ({"place_text": "路" * 301}, "地点写得太长了"),
        ({"contact": "phone", "phone": ""}, "请写下电话号码"),
        ({"contact": "phone", "phone": "12"}, "这个电话号码好像不对"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_written_stays(
    client: Client, changed: dict[str, str], told: str
) -> None:
    answer = client.post("/say/", words(**changed))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert told in page
    assert changed.get("text", SAID) in page
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "路" * 100_000,
        "😡😡😡",
        "<script>alert(1)</script><b>路灯</b>不亮",
        "\x00路灯\x00不亮",
        "the lamp is broken 路灯",
        "?",
    ],
    ids=["long", "emoji", "markup", "nul", "mixed", "mark"],
)
def test_whatever_is_said_becomes_a_ticket_and_is_shown_as_text(client: Client, text: str) -> None:
    ticket = said(client, text=text)
    assert ticket.text == text.replace("\x00", "").strip()
    page = client.get(f"/say/{ticket.number}/").content.decode()
    assert "<script>alert" not in page


def test_nobody_else_sees_it_and_a_wrong_code_says_the_same_as_a_wrong_number(client: Client) -> None:
    ticket = said(client)
    stranger = Client()
    assert stranger.get(f"/say/{ticket.number}/").headers["Location"] == "/progress/"
    assert stranger.get(f"/say/done/{ticket.number}/").status_code == 404
    assert stranger.post(f"/say/{ticket.number}/rate/", {"rating": "1"}).headers["Location"] == "/progress/"
    pages = [
        stranger.post("/progress/", {"number": number, "code": "AAAAAA"})
        for number in (ticket.number, "RX261119999999")
    ]
    assert [one.status_code for one in pages] == [404, 404]
    spoken = f"{ticket.number[:8]} {ticket.number[8:]}"
    found = stranger.post("/progress/", {"number": spoken, "code": ticket.query_code})
    assert found.headers["Location"] == f"/say/{ticket.number}/"
    assert SAID in stranger.get(f"/say/{ticket.number}/").content.decode()


def test_guessing_the_code_of_a_ticket_is_slowed_down(client: Client) -> None:
    ticket = said(client)
    stranger = Client()
    answers = [
        stranger.post("/progress/", {"number": ticket.number, "code": f"BAD{at:03d}"}).status_code
        for at in range(throttle.LOOKUPS_OF_CASE_AND_ADDRESS.burst + 1)
    ]
    assert answers == [404] * throttle.LOOKUPS_OF_CASE_AND_ADDRESS.burst + [429]


def test_a_folded_message_shows_how_far_it_is_and_not_what_the_other_said(
    client: Client, town: Village
) -> None:
    secret = "我是三号楼的张三,楼道堆满杂物没人管"
    first = said(client, text=secret, contact="phone", phone="13911112222")
    neighbour = Client()
    answer = neighbour.post("/say/", words(text=secret, contact="phone", phone="13911112222"))
    number = answer["Location"].rstrip("/").rsplit("/", 1)[1]
    assert number == first.number
    folded = FoldedMessage.objects.get()
    page = neighbour.get(f"/say/done/{number}/").content.decode()
    assert folded.query_code in page
    assert first.query_code not in page
    client.post(f"/say/{number}/supplement/", {"reason": "我家电话是13911112222"})
    page = neighbour.get(f"/say/{number}/").content.decode()
    assert "我家电话是" not in page
    assert "/supplement/" not in page
    assert neighbour.post(f"/say/{number}/withdraw/", {}).status_code == 404
    assert Ticket.objects.get().state == State.RECEIVED


def test_one_browser_sending_without_end_is_asked_to_wait(client: Client) -> None:
    for at in range(throttle.REPORTS_OF_DEVICE.burst + 2):  # the first has no name yet
        answer = client.post("/say/", words(text=f"第{at}件事,请问几点开门"))
    assert answer.status_code == 429


def test_a_citizen_signed_in_finds_it_among_their_own_and_in_what_is_kept_of_them(
    client: Client, town: Village, sign_in: Any
) -> None:
    sign_in(client, "citizen")
    ticket = said(client, contact="account")
    assert ticket.reporter_id == town.people["citizen"].pk
    other = Client()
    sign_in(other, "citizen")
    assert f"/say/{ticket.number}/" in other.get("/my/").content.decode()
    assert "19800000001" in other.get("/my/data/").content.decode()
    assert SAID in other.get(f"/say/{ticket.number}/").content.decode()
    neighbour = Client()
    sign_in(neighbour, "neighbour")
    assert ticket.number not in neighbour.get("/my/").content.decode()
    assert neighbour.get(f"/say/{ticket.number}/").headers["Location"] == "/progress/"


def test_an_officer_speaks_as_anybody_does(client: Client, town: Village, sign_in: Any) -> None:
    sign_in(client, "handler")
    ticket = said(client)
    assert (ticket.reporter_id, ticket.created_by_id) == (None, None)
    assert SAID in client.get(f"/say/{ticket.number}/").content.decode()


def test_it_is_withdrawn_before_anybody_works_on_it(client: Client) -> None:
    ticket = said(client)
    assert client.get(f"/say/{ticket.number}/withdraw/").status_code == 200
    assert client.post(f"/say/{ticket.number}/withdraw/", {}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.state == State.VOIDED
    assert "已撤销" in client.get(f"/say/{ticket.number}/").content.decode()


def picture(kind: str = "JPEG") -> SimpleUploadedFile:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "a camera of somebody"
    Image.new("RGB", (30, 20), "blue").save(out, kind, exif=exif)
    return SimpleUploadedFile("李建国家门口.jpg", out.getvalue())


@pytest.fixture
def photos(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.mark.usefixtures("photos")
def test_photos_come_with_what_is_said_without_what_the_camera_said(client: Client) -> None:
    ticket = said(client, photo=[picture()])
    kept = TicketFile.objects.get(ticket=ticket)
    assert (kept.kind, kept.uploaded_by) == ("picture", None)
    assert b"a camera of somebody" not in files.path_of(kept.token).read_bytes()


@pytest.mark.usefixtures("photos")
def test_a_photo_is_chosen_once_even_if_the_words_were_wrong(client: Client) -> None:
    wrong = client.post("/say/", words(text="", photo=[picture()]))
    assert wrong.status_code == 422
    name = re.search(r'name="photo_token" value="([^"]+)"', wrong.content.decode())
    assert name is not None
    ticket = said(client, photo_token=name[1])
    assert TicketFile.objects.get().ticket == ticket


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize("raw", [b"MZ\x90\x00", b"%PDF-1.4", b"<svg></svg>", b"\xff\xd8\xff cut"])
def test_what_is_no_photo_is_refused_and_the_words_stay(client: Client, raw: bytes) -> None:
    answer = client.post("/say/", words(photo=[SimpleUploadedFile("a.jpg", raw)]))
    assert answer.status_code == 422
    assert SAID in answer.content.decode()
    assert not Ticket.objects.exists()
    assert client.post("/say/", words(photo_token="made up")).status_code == 422
