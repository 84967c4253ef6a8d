"""Mails: whoever wrote them in whatever way; broken ones are shown as far as they can be read, never dropped."""

import io
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from citybrain.hub.hotline import files
from citybrain.hub.hotline.channels import mail, mailbox
from citybrain.hub.hotline.models import FoldedMessage, Ticket, TicketFile
from citybrain.hub.hotline.tests.conftest import Line

NOW = datetime(2026, 11, 19, 1, 0, tzinfo=UTC)


def written(text: str = "小区北门的路灯坏了两周", **more: Any) -> EmailMessage:
    one = EmailMessage()
    one["From"] = more.pop("sender", "王女士 <wang@example.org>")
    one["To"] = "12345@haining.example"
    one["Subject"] = more.pop("subject", "路灯")
    one["Date"] = "Wed, 18 Nov 2026 20:00:00 +0800"
    one["Message-ID"] = more.pop("ref", "<1@example.org>")
    for name, value in more.items():
        one[name.replace("_", "-")] = value
    one.set_content(text)
    return one


def test_a_plain_mail_is_read_whole() -> None:
    read = mail.read(bytes(written()))
    assert (read.name, read.address, read.subject) == ("王女士", "wang@example.org", "路灯")
    assert read.text == "小区北门的路灯坏了两周"
    assert read.sent_at == datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
    assert (read.by_machine, read.attachments) == ("", ())


def test_plain_text_goes_before_its_html_twin_and_html_alone_is_read_as_a_person_would() -> None:
    both = written()
    both.add_alternative("<p>另一个样子</p>", subtype="html")
    assert mail.read(bytes(both)).text == "小区北门的路灯坏了两周"
    alone = written()
    alone.set_content(
        "<html><head><style>p{}</style><script>alert(1)</script></head><body><p>路灯</p><p>坏了&nbsp;两周</p></body>",
        subtype="html",
    )
    assert (
        mail.read(bytes(alone)).text == "路灯\n\n坏了 两周".replace("\xa0", " ")
        or "路灯" in mail.read(bytes(alone)).text
    )
    assert "alert" not in mail.read(bytes(alone)).text


def test_gbk_called_gb2312_or_not_named_at_all_is_read() -> None:
    head = "From: a@example.org\r\nSubject: {}\r\nContent-Type: text/plain{}\r\n\r\n"
    body = "镕基路的路灯坏了".encode("gb18030")
    for named in ("; charset=gb2312", "", "; charset=no-such-thing", "; charset=utf-8"):
        raw = head.format("=?gb2312?B?wre1xg==?=", named).encode() + body
        read = mail.read(raw)
        assert (read.subject, read.text) == ("路灯", "镕基路的路灯坏了"), named


def test_a_header_of_bare_bytes_is_read() -> None:
    raw = "From: 王女士 <w@example.org>\r\nSubject: 路灯坏了\r\n\r\n请修".encode("gb18030")
    read = mail.read(raw)
    assert (read.name, read.subject, read.text) == ("王女士", "路灯坏了", "请修")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"Subject: =?utf-8?B?!!!?=\r\n\r\n\xff\xff\xff",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\n@@@@",
        b'From: \r\nDate: never\r\nContent-Type: text/plain; charset="\r\n\r\nx',
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: text/html\r\n\r\n" + b"<div>" * 20_000,
    ],
    ids=["empty", "bytes", "bad words", "cut", "bad headers", "no boundary", "deep"],
)
def test_nothing_that_arrives_breaks_the_reader(raw: bytes) -> None:
    read = mail.read(raw)
    assert len(read.ref) == 40
    assert mailbox.message_of(read, NOW).text


def test_attachments_are_named() -> None:
    one = written()
    one.add_attachment(b"%PDF" * 10, maintype="application", subtype="pdf", filename="照片说明.pdf")
    read = mail.read(bytes(one))
    assert [(a.name, a.kind, a.size) for a in read.attachments] == [("照片说明.pdf", "application/pdf", 40)]
    empty = written(text="")
    empty.add_attachment(b"x", maintype="image", subtype="jpeg", filename="a.jpg")
    del empty["Subject"]
    assert "a.jpg" in mailbox.message_of(mail.read(bytes(empty)), NOW).text


@pytest.mark.parametrize(
    "more",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"Return_Path": "<>"},
        {"sender": "MAILER-DAEMON@example.org"},
        {"sender": "no-reply@example.org"},
    ],
)
def test_an_automatic_answer_is_told_from_a_person(more: dict[str, str]) -> None:
    assert mail.read(bytes(written(**more))).by_machine
    assert not mail.read(bytes(written(Auto_Submitted="no"))).by_machine


class Box:
    """A mailbox on loopback: mails by number, and the flags that were set."""

    def __init__(self, *mails: bytes) -> None:
        self.mails = dict(enumerate(mails, start=1))
        self.flags: dict[int, str] = {}
        self.port = 0


class Handler(socketserver.StreamRequestHandler):
    """As much of IMAP as a client needs that searches, fetches and flags."""

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self) -> None:
        self.say("* OK ready")
        while words := self.rfile.readline().decode().split():
            told = getattr(self, f"do_{words[1].lower()}", lambda _words: "OK done")(words)
            self.say(f"{words[0]} {told}")

    @property
    def box(self) -> Box:
        return self.server.box  # type: ignore[attr-defined,no-any-return]

    def do_capability(self, _words: list[str]) -> str:
        self.say("* CAPABILITY IMAP4rev1")
        return "OK done"

    def do_login(self, words: list[str]) -> str:
        return "NO wrong password" if "wrong" in words[3] else "OK done"

    def do_select(self, _words: list[str]) -> str:
        self.say(f"* {len(self.box.mails)} EXISTS")
        return "OK done"

    def do_uid(self, words: list[str]) -> str:
        if words[2].upper() == "SEARCH":
            new = (str(number) for number in self.box.mails if number not in self.box.flags)
            self.say(f"* SEARCH {' '.join(new)}")
        elif words[2].upper() == "STORE":
            self.box.flags[int(words[3])] = " ".join(words[5:])
        else:
            self.fetch(words[3], self.box.mails[int(words[3])], size="SIZE" in words[4])
        return "OK done"

    def fetch(self, number: str, raw: bytes, *, size: bool) -> None:
        if size:
            self.say(f"* {number} FETCH (RFC822.SIZE {len(raw)} UID {number})")
            return
        self.say(f"* {number} FETCH (UID {number} BODY[] {{{len(raw)}}}")
        self.wfile.write(raw)
        self.say(")")


@contextmanager
def mailbox_of(*mails: bytes) -> Iterator[Box]:
    box = Box(*mails)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.box = box  # type: ignore[attr-defined]
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield box
        server.shutdown()
        thread.join()


def set_up(settings: Any, box: Box, password: str = "pass") -> None:
    settings.MAIL_HOST, settings.MAIL_PORT, settings.MAIL_TLS = "127.0.0.1", box.port, False
    settings.MAIL_USER, settings.MAIL_PASSWORD, settings.MAIL_FOLDER = "hotline", password, "INBOX"


@pytest.mark.django_db
def test_a_mailbox_is_taken_in_mail_by_mail_and_twice_is_once(line: Line, settings: Any) -> None:
    machine = bytes(written(ref="<2@example.org>", Auto_Submitted="auto-replied"))
    broken = b"Subject: \xff\xfe\r\n\r\n\xff"
    with mailbox_of(bytes(written()), machine, broken) as box:
        set_up(settings, box)
        assert mailbox.tick(line.now) == 3
        assert mailbox.tick(line.now) == 0
        assert box.flags == {1: r"(\Seen)", 2: r"(\Seen \Flagged)", 3: r"(\Seen)"}
        box.flags.clear()
        mailbox.tick(line.now)
    first, _second = Ticket.objects.order_by("id")
    assert (first.channel, first.text, first.title) == ("email", "小区北门的路灯坏了两周", "路灯")
    assert first.extra["mail"]["from"] == "wang@example.org"


@pytest.mark.django_db
def test_an_answer_to_an_earlier_mail_joins_its_ticket_and_one_of_another_doesnt(line: Line) -> None:
    first = mailbox.take_mail(mail.read(bytes(written())), line.now)
    reply = written("补充:是北门往东第三盏", ref="<2@example.org>", In_Reply_To="<1@example.org>")
    joined = mailbox.take_mail(mail.read(bytes(reply)), line.now)
    again = mailbox.take_mail(mail.read(bytes(reply)), line.now)
    assert (joined.ticket_id, joined.folded, joined.created, again.created) == (
        first.ticket_id,
        True,
        True,
        False,
    )
    assert FoldedMessage.objects.get().text == "补充:是北门往东第三盏"
    other = written("别的事", ref="<3@example.org>", In_Reply_To="<1@example.org>", sender="x@example.org")
    assert mailbox.take_mail(mail.read(bytes(other)), line.now).ticket_id != first.ticket_id


@pytest.mark.django_db
def test_a_wrong_password_or_a_server_that_is_down_is_told_to_the_operator(line: Line, settings: Any) -> None:
    with mailbox_of(bytes(written())) as box:
        set_up(settings, box, "wrong")
        with pytest.raises(mailbox.MailboxTrouble, match="wrong password"):
            mailbox.tick(line.now)
    with pytest.raises(mailbox.MailboxTrouble, match="CITYBRAIN_MAIL_HOST"):
        mailbox.tick(line.now)
    settings.MAIL_HOST = ""
    assert mailbox.tick(line.now) == 0


@pytest.mark.django_db
def test_one_mail_that_can_not_be_taken_is_flagged_and_the_next_comes_through(
    line: Line, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = mailbox.take_mail

    def fails(read: mail.Mail, now: datetime) -> Any:
        if read.subject == "路灯":
            raise RuntimeError("whatever")
        return taken(read, now)

    monkeypatch.setattr(mailbox, "take_mail", fails)
    with mailbox_of(bytes(written()), bytes(written(ref="<2@example.org>", subject="井盖"))) as box:
        set_up(settings, box)
        mailbox.tick(line.now)
        assert box.flags == {1: r"(\Seen \Flagged)", 2: r"(\Seen)"}
    assert Ticket.objects.get().title == "井盖"


@pytest.mark.django_db
def test_an_answer_that_may_tell_of_danger_is_a_ticket_of_its_own(line: Line) -> None:
    first = mailbox.take_mail(mail.read(bytes(written())), line.now)
    reply = written("电线掉下来了，有人触电", ref="<2@example.org>", In_Reply_To="<1@example.org>")
    taken = mailbox.take_mail(mail.read(bytes(reply)), line.now)
    assert (taken.ticket_id != first.ticket_id, taken.folded) == (True, False)
    assert mailbox.take_mail(mail.read(bytes(reply)), line.now).number == taken.number


def test_the_kind_of_an_attachment_holds_nothing_a_database_can_not(line: Line) -> None:
    raw = (
        b"From: a@example.org\r\nDate: Fri, 31 Dec 9999 23:59:59 -1200\r\n"
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: application/a\x00\xff\r\nContent-Disposition: attachment\r\n\r\nz\r\n--x--"
    )
    read = mail.read(raw)
    assert [one.kind for one in read.attachments] == ["application/a�"]
    assert read.sent_at is None


@pytest.mark.django_db
def test_attachments_are_kept_with_the_ticket_and_what_is_not_taken_is_told(
    line: Line, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    out = io.BytesIO()
    Image.new("RGB", (20, 20), "green").save(out, "PNG")
    one = written()
    one.add_attachment(out.getvalue(), maintype="image", subtype="png", filename="路灯.png")
    one.add_attachment(b"%PDF-1.4 ours", maintype="application", subtype="pdf", filename="信.pdf")
    one.add_attachment(b"MZ\x90\x00", maintype="application", subtype="octet-stream", filename="a.exe")
    for _again in range(2):
        taken = mailbox.take_mail(mail.read(bytes(one)), NOW)
    ticket = Ticket.objects.get(pk=taken.ticket_id)
    shown = files.files_of(line.actor("operator"), ticket)
    assert [(each.name, each.kind) for each in shown] == [("路灯.jpg", "picture"), ("信.pdf", "letter")]
    assert [name for name, _why in ticket.extra["mail"]["not_kept"]] == ["a.exe"]
    assert TicketFile.objects.count() == 2
