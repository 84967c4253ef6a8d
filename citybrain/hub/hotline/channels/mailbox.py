"""电子邮件: a mailbox asked every half minute; each mail becomes a ticket, joins the one it goes on from, or is put by.

Nothing is deleted. What was taken is marked as read; what no person wrote, and what we couldn't take, is flagged and
stays for a person to look at. A mail that is asked for twice is taken once, by its own name.
"""

import imaplib
import logging
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import transaction
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.cases.intake import query_code
from citybrain.hub.hotline import files
from citybrain.hub.hotline.callers import danger
from citybrain.hub.hotline.channels import door, mail
from citybrain.hub.hotline.channels.mail import Mail
from citybrain.hub.hotline.message import TEXT_MOST, TITLE_MOST, Message
from citybrain.hub.hotline.models.caller import FoldedMessage
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.states import Channel

log = logging.getLogger("citybrain.hotline")
AT_ONCE: Final = 100
BYTES_MOST: Final = 30_000_000
TIMEOUT_SECONDS: Final = 30.0
TAKEN, ASIDE = r"(\Seen)", r"(\Seen \Flagged)"
NOTE_MOST: Final = 2000


class MailboxTrouble(OSError):
    """The mailbox can't be asked; the message says what the operator can do."""


def tick(now: datetime) -> int:
    """Take what is new in the mailbox; return how many mails were looked at. A loop of the worker.

    Does nothing where no mailbox is set. Raises MailboxTrouble.
    """
    if not settings.MAIL_HOST:
        return 0
    with _opened() as box:
        numbers = _ask(box, "SEARCH", "UNSEEN UNFLAGGED").split()[:AT_ONCE]
        for number in numbers:
            _ask(box, "STORE", f"{number} +FLAGS.SILENT {_handle(box, number, now)}")
    return len(numbers)


@contextmanager
def _opened() -> Iterator[imaplib.IMAP4]:
    where = f"{settings.MAIL_HOST}:{settings.MAIL_PORT}"
    try:
        if settings.MAIL_TLS:
            box: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                settings.MAIL_HOST,
                settings.MAIL_PORT,
                ssl_context=ssl.create_default_context(),
                timeout=TIMEOUT_SECONDS,
            )
        else:
            box = imaplib.IMAP4(settings.MAIL_HOST, settings.MAIL_PORT, timeout=TIMEOUT_SECONDS)
    except (OSError, imaplib.IMAP4.error) as bad:
        raise MailboxTrouble(f"mailbox {where}: {bad}; see CITYBRAIN_MAIL_HOST") from bad
    try:
        box.login(settings.MAIL_USER, settings.MAIL_PASSWORD)
        folder = '"' + settings.MAIL_FOLDER.replace("\\", "\\\\").replace('"', '\\"') + '"'
        kind, _words = box.select(folder)
        if kind != "OK":
            raise MailboxTrouble(
                f"mailbox {where}: no folder {settings.MAIL_FOLDER}; see CITYBRAIN_MAIL_FOLDER"
            )
        yield box
    except imaplib.IMAP4.error as bad:
        raise MailboxTrouble(f"mailbox {where}: {bad}") from bad
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            box.logout()


def _ask(box: imaplib.IMAP4, command: str, words: str) -> str:
    kind, told = box.uid(command, *words.split(" ", 1))
    if kind != "OK":
        raise MailboxTrouble(f"mailbox: {command} {words.split(' ', 1)[-1]}: {kind}")
    first = told[0] if told else b""
    return first.decode("ascii", "replace") if isinstance(first, bytes) else ""


def _handle(box: imaplib.IMAP4, number: str, now: datetime) -> str:
    """Take one mail; return the flags it is to have."""
    size = re.search(r"RFC822\.SIZE (\d+)", _ask(box, "FETCH", f"{number} (RFC822.SIZE)"))
    if size is not None and int(size.group(1)) > BYTES_MOST:
        log.warning(
            "mail %s has %s bytes, at most %d are read; it is flagged", number, size.group(1), BYTES_MOST
        )
        return ASIDE
    kind, told = box.uid("FETCH", number, "(BODY.PEEK[])")
    raw = next((one[1] for one in told if isinstance(one, tuple)), None) if kind == "OK" else None
    if raw is None:
        raise MailboxTrouble(f"mailbox: mail {number} can't be fetched")
    return _take_raw(bytes(raw), number, now)


def _take_raw(raw: bytes, number: str, now: datetime) -> str:
    try:
        read = mail.read(raw)
        if read.by_machine:
            log.info("mail %s is no person's (%s); it is flagged", number, read.by_machine)
            return ASIDE
        take_mail(read, now)
    except DatabaseTrouble:
        raise
    except Exception:  # whatever a mail holds, those behind it must come through, and it stays for a person
        log.exception("mail %s can't be taken; it is flagged", number)
        return ASIDE
    return TAKEN


def take_mail(read: Mail, now: datetime) -> door.Taken:
    """Return the receipt of a mail: of the open ticket that it goes on from, else of one of its own.

    What may tell of danger is always told by the one door: nobody may be looking at the old ticket.

    Raises BadInput for one longer than a message may be.
    """
    held = files.upload_all(((one.name, one.content) for one in read.attachments), None, now)
    message = message_of(read, now, held)
    with transaction.atomic():
        taken = _taken(read, message, now)
        folded = FoldedMessage.objects.filter(channel=Channel.EMAIL, external_ref=read.ref).first()
        files.attach(SYSTEM, held.tokens, taken.ticket_id, now, folded_id=folded.pk if folded else None)
    return taken


def _taken(read: Mail, message: Message, now: datetime) -> door.Taken:
    before = _goes_on(read)
    if before is None or danger.may_be(message):
        return door.take_in(SYSTEM, message, now=now)
    with transaction.atomic():
        kept = FoldedMessage.objects.filter(channel=Channel.EMAIL, external_ref=message.external_ref).first()
        created = kept is None
        if kept is None:
            door.add_to(before.pk, message.text[:NOTE_MOST], now)
            kept = FoldedMessage.objects.create(
                ticket=before, why="thread", channel=Channel.EMAIL, title=message.title, text=message.text,
                query_code=query_code(), external_ref=message.external_ref, received_at=now, extra=message.extra,
            )  # fmt: skip
    return door.Taken(before.pk, before.number, kept.query_code, created, folded=True, notes=(door.FOLDED,))


def _goes_on(read: Mail) -> Ticket | None:
    """Return the open ticket of an earlier mail of the same sender that this one answers."""
    if not read.answers:
        return None
    found = Ticket.objects.filter(channel=Channel.EMAIL, external_ref__in=read.answers, is_open=True)
    for ticket in found.order_by("-id"):
        if (ticket.extra.get("mail") or {}).get("from") == read.address:
            return ticket
    return None


def message_of(read: Mail, now: datetime, held: files.Kept | None = None) -> Message:
    """Return the message of a mail; one without a text says so, and what is attached.

    What of the attachments could not be kept is told with the ticket, and why; it lies in the mailbox.
    """
    names = "、".join(one.name for one in read.attachments)
    text = read.text or read.subject
    if not text:
        text = (
            _("（邮件没有正文，附件：%(names)s）") % {"names": names}
            if names
            else _("（邮件没有正文和标题）")
        )
    received = read.sent_at if read.sent_at is not None and read.sent_at.year >= 2000 else None
    return Message(
        channel=Channel.EMAIL,
        text=text[:TEXT_MOST],
        title=read.subject[:TITLE_MOST],
        name=read.name,
        external_ref=read.ref,
        received_at=received if received is not None and received <= now else None,
        extra={"mail": {**read.to_json(), "not_kept": [list(one) for one in held.refused] if held else []}},
    )
