"""Files of tickets: checked by what they hold, stripped, outside the database, and opened only by who may."""

import io
import uuid
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS, SYSTEM
from citybrain.base.ledger.models import Entry
from citybrain.hub.hotline import files
from citybrain.hub.hotline.errors import BadInput, NotFound
from citybrain.hub.hotline.file_kinds import MACROS, kind_of
from citybrain.hub.hotline.models import Ticket, TicketFile
from citybrain.hub.hotline.tests.conftest import MORNING, Line

PDF = b"%PDF-1.4 a letter of ours"


def picture(colour: str = "red") -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "a camera of somebody"
    Image.new("RGB", (40, 30), colour).save(out, "JPEG", exif=exif)
    return out.getvalue()


def packed(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("raw", "kind", "ending"),
    [
        (picture(), "picture", "jpg"),
        (PDF, "letter", "pdf"),
        (packed("[Content_Types].xml", "word/document.xml"), "letter", "docx"),
        (packed("[Content_Types].xml", "xl/workbook.xml"), "letter", "xlsx"),
        (packed("OFD.xml"), "letter", "ofd"),
        (OLD + "WordDocument".encode("utf-16-le"), "letter", "doc"),
        ("路灯坏了".encode("gb18030"), "letter", "txt"),
        (b"#!AMR\n", "sound", "amr"),
        (b"\x00\x00\x00\x18ftypM4A ", "sound", "m4a"),
        (b"\x00\x00\x00\x18ftypisom", "video", "mp4"),
    ],
)
def test_a_file_is_what_it_holds(raw: bytes, kind: str, ending: str) -> None:
    assert kind_of(raw) == (kind, ending)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"MZ\x90\x00a program",
        b"<html><script>alert(1)</script></html>",
        b"<?xml version='1.0'?><svg/>",
        packed("a.exe"),
        packed("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
        OLD + MACROS,
        b"PK\x03\x04 cut off",
        b"\x00\x01\x02",
    ],
)
def test_what_is_not_taken_says_so(raw: bytes) -> None:
    with pytest.raises(BadInput):
        kind_of(raw)


@pytest.fixture
def ticket(line: Line, settings: object, tmp_path: Path) -> Ticket:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]
    return line.hear("建国道12号门前路灯不亮", phone="13912345678")


def put(ticket: Ticket, raw: bytes, name: str) -> TicketFile:
    kept = files.upload(raw, name, None, MORNING)
    assert files.attach(SYSTEM, [kept.token], ticket.pk, MORNING) == 1
    kept.refresh_from_db()
    return kept


@pytest.mark.django_db
def test_a_picture_is_encoded_again_without_what_the_camera_said(ticket: Ticket) -> None:
    kept = put(ticket, picture(), "../../李建国 13912345678.png")
    assert (kept.kind, kept.name) == ("picture", "李建国 13912345678.jpg")
    stored = files.path_of(kept.token).read_bytes()
    assert b"a camera of somebody" not in stored
    assert not Image.open(io.BytesIO(stored)).getexif()
    assert files.path_of(kept.token, thumb=True).name.endswith(".thumb.jpg")


@pytest.mark.django_db
def test_the_same_file_is_on_a_ticket_once_and_no_stranger_takes_anothers(line: Line, ticket: Ticket) -> None:
    put(ticket, PDF, "a.pdf")
    again = files.upload(PDF, "b.pdf", None, MORNING)
    assert files.attach(SYSTEM, [again.token], ticket.pk, MORNING) == 0
    assert TicketFile.objects.count() == 1
    own = files.upload(picture(), "c.jpg", line.actor("operator").person_id, MORNING)
    assert files.attach(line.actor("manager"), [own.token, uuid.uuid4()], ticket.pk, MORNING) == 0
    assert files.attach(line.actor("operator"), [own.token], ticket.pk, MORNING) == 1


@pytest.mark.django_db
def test_nobody_out_of_sight_opens_anything(line: Line, ticket: Ticket) -> None:
    kept = put(ticket, picture(), "a.jpg")
    unsent = files.upload(PDF, "b.pdf", None, MORNING)
    for actor in (ANONYMOUS, line.actor("handler")):
        with pytest.raises(NotFound):
            files.open_file(actor, kept.token)
    with pytest.raises(NotFound):
        files.open_file(line.actor("operator"), unsent.token)


@pytest.mark.django_db
def test_a_unit_gets_pictures_and_the_rest_by_the_hotlines_word(line: Line, ticket: Ticket) -> None:
    seen, letter = put(ticket, picture(), "李建国.jpg"), put(ticket, PDF, "李建国的信.pdf")
    line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    unit, operator = line.actor("handler"), line.actor("operator")
    ticket = line.ticket(ticket.pk)
    assert [(one.name, one.may_open) for one in files.files_of(unit, ticket)] == [
        ("附件1.jpg", True),
        ("附件2.pdf", False),
    ]
    assert files.open_file(unit, seen.token).name == "附件1.jpg"
    with pytest.raises(Forbidden):
        files.open_file(unit, letter.token)
    with pytest.raises(Forbidden):
        files.decide(unit, letter.token, True, "要看")
    with pytest.raises(BadInput):
        files.decide(operator, letter.token, True, " ")
    files.decide(operator, letter.token, True, "里面没有来电人信息")
    assert files.open_file(unit, letter.token).name == "附件2.pdf"
    assert Entry.objects.filter(action="hotline.file", subject=f"ticket:{ticket.pk}").count() == 1
    assert Entry.objects.filter(action="hotline.file_release").count() == 1
    files.decide(operator, seen.token, False, "照片里有人脸")
    with pytest.raises(Forbidden):
        files.open_file(unit, seen.token)
    assert files.open_file(operator, letter.token).name == "李建国的信.pdf"
    assert Entry.objects.filter(action="hotline.file").count() == 2


@pytest.mark.django_db
def test_who_asked_to_stay_unknown_shows_the_unit_nothing(line: Line, ticket: Ticket) -> None:
    put(ticket, picture(), "a.jpg")
    line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    Ticket.objects.filter(pk=ticket.pk).update(is_secret=True)
    assert [one.may_open for one in files.files_of(line.actor("handler"), line.ticket(ticket.pk))] == [False]


@pytest.mark.django_db
def test_what_no_message_took_is_removed_and_a_file_shown_elsewhere_stays(ticket: Ticket) -> None:
    kept = put(ticket, PDF, "a.pdf")
    files.upload(PDF, "b.pdf", None, MORNING)
    lost = files.upload(picture("blue"), "c.jpg", None, MORNING)
    assert files.sweep(MORNING + timedelta(days=2)) == 0
    assert files.sweep(MORNING + timedelta(days=4)) == 2
    assert files.path_of(kept.token).is_file()
    assert not files.file_of(lost).exists()


@pytest.mark.django_db
def test_too_many_and_too_large_are_told_and_stop_nothing(
    ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 100)
    monkeypatch.setattr(files, "MOST_FILES", 2)
    kept = files.upload_all([("a.pdf", PDF), ("b.pdf", PDF + b" " * 200), ("c.pdf", PDF)], None, MORNING)
    assert len(kept.tokens) == 1
    assert [name for name, _why in kept.refused] == ["b.pdf", "c.pdf"]
