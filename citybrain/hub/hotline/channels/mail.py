"""A mail as a message: whoever wrote it, in whatever encoding, with or without HTML and attachments. No database."""

import email
import email.errors
import email.policy
import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any, Final

from citybrain.hub.hotline.channels.texts import from_html, kept

CHARSETS: Final = ("utf-8", "gb18030", "big5")  # tried in this order where a mail names none, or a wrong one
QUOTED: Final = re.compile(
    r"^\s*(?:-{2,}\s*(?:原始邮件|Original Message|转发邮件).*|在.{4,80}写道[：:]|On .{4,120} wrote:|发件人[：:].*)\s*$",
    re.M | re.I,
)
MACHINES: Final = re.compile(r"^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounce)", re.I)
PARTS_MOST: Final = 200
ATTACHMENTS_TOLD: Final = 50


@dataclass(frozen=True, slots=True)
class Attached:
    """An attachment as the mail names it. The ticket keeps it (`files`), or says why not; it stays in the mailbox."""

    name: str
    kind: str
    size: int
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail says. `by_machine` names why no person wrote it: an automatic answer, a report of delivery."""

    ref: str
    name: str
    address: str
    subject: str
    text: str
    sent_at: datetime | None
    attachments: tuple[Attached, ...] = ()
    by_machine: str = ""
    answers: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what a ticket keeps of the mail beside its text."""
        files = [{"name": one.name, "type": one.kind, "bytes": one.size} for one in self.attachments]
        return {"from": self.address, "ref": self.ref, "subject": self.subject, "attachments": files}


def read(raw: bytes) -> Mail:
    """Return what a mail says, however broken it is: what can't be decoded is shown as �, never dropped."""
    found = email.message_from_bytes(raw, policy=email.policy.compat32)
    name, address = parseaddr(_header(found, "From").replace("\n", " "))
    parts = _Parts()
    parts.walk(found)
    return Mail(
        ref=_ref(found, raw),
        name=kept(name)[:60],
        address=kept(address)[:120],
        subject=" ".join(_header(found, "Subject").split()),
        text=parts.text(),
        sent_at=_sent(found),
        attachments=tuple(parts.attached[:ATTACHMENTS_TOLD]),
        by_machine=_machine(found, address),
        answers=_answers(found),
    )


def _ref(found: Message, raw: bytes) -> str:
    """Return the mail's own name, by digest: some are very long; the whole mail's digest where it has none."""
    named = str(found.get("Message-ID", "")).strip()
    return hashlib.sha256(named.encode("utf-8", "replace") if named else raw).hexdigest()[:40]


def _decoded(raw: bytes, charset: str | None) -> str:
    """Return bytes as text: by the charset named where it fits (GB2312 means GB18030), else by the first that does."""
    named = (charset or "").strip().lower()
    wanted = "gb18030" if named in {"gb2312", "gbk", "gb_2312-80", "x-gbk", "cp936"} else named
    for one in (wanted, *CHARSETS) if wanted not in {"", "us-ascii", "ascii"} else CHARSETS:
        try:
            return raw.decode(one)
        except (LookupError, UnicodeDecodeError, ValueError):
            continue
    return raw.decode(wanted if wanted in CHARSETS else "utf-8", "replace")


def _header(found: Message, name: str) -> str:
    """Return a header's text, also where it was sent as bare bytes."""
    value = found.get(name)
    if value is None:
        return ""
    try:
        parts = decode_header(str(value) if not hasattr(value, "encode") else value)
    except (ValueError, email.errors.HeaderParseError):
        return kept(str(value))
    texts = [
        _decoded(part, charset if charset != "unknown-8bit" else None)
        if isinstance(part, bytes)
        else _bare(part)
        for part, charset in parts
    ]
    return kept("".join(texts))


def _bare(text: str) -> str:
    """Return a header that came as bytes without a word on their encoding."""
    if any("\udc80" <= letter <= "\udcff" for letter in text):
        return _decoded(text.encode("ascii", "surrogateescape"), None)
    return text


def _sent(found: Message) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(found.get("Date", "")))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _machine(found: Message, address: str) -> str:
    """Return why no person wrote it; empty where one did. Source: RFC 3834, RFC 3464."""
    auto = str(found.get("Auto-Submitted", "no")).strip().lower()
    if auto and not auto.startswith("no"):
        return f"Auto-Submitted: {auto[:40]}"
    if found.get_content_type() == "multipart/report" or str(found.get("Return-Path", "")).strip() == "<>":
        return "report of delivery"
    if str(found.get("Precedence", "")).strip().lower() in {"bulk", "junk", "list", "auto_reply"}:
        return f"Precedence: {str(found.get('Precedence'))[:40]}"
    return f"sender {address[:60]}" if MACHINES.match(address) else ""


def _answers(found: Message) -> tuple[str, ...]:
    named = f"{found.get('In-Reply-To', '')} {found.get('References', '')}"
    return tuple(
        hashlib.sha256(one.encode("utf-8", "replace")).hexdigest()[:40]
        for one in re.findall(r"<[^<>\s]{1,400}>", named)[:50]
    )


class _Parts:
    """Gathers the texts and attachments of a mail, nested as they may be."""

    def __init__(self) -> None:
        self.plain: list[str] = []
        self.html: list[str] = []
        self.attached: list[Attached] = []
        self.seen = 0

    def walk(self, part: Message) -> None:
        for one in part.walk():
            self.seen += 1
            if self.seen > PARTS_MOST:
                return
            if not one.is_multipart():
                self._take(one)

    def _take(self, part: Message) -> None:
        try:
            raw = part.get_payload(decode=True)
        except (ValueError, LookupError, AssertionError):
            raw = None
        content = raw if isinstance(raw, bytes) else str(part.get_payload()).encode("utf-8", "replace")
        kind, name = part.get_content_type(), _name(part)
        inline = part.get_content_disposition() != "attachment" and not name
        if kind == "text/plain" and inline:
            self.plain.append(_decoded(content, part.get_content_charset()))
        elif kind == "text/html" and inline:
            self.html.append(_decoded(content, part.get_content_charset()))
        else:
            self.attached.append(Attached(name or kept(kind)[:120], kept(kind)[:80], len(content), content))

    def text(self) -> str:
        """Return the plain texts, else what a person reads of the HTML."""
        plain = kept("\n\n".join(self.plain))
        return plain or "\n\n".join(filter(None, (from_html(one) for one in self.html)))


def _name(part: Message) -> str:
    try:
        name = part.get_filename()
    except (ValueError, LookupError, TypeError):
        name = None
    return " ".join(kept(_bare(name)).split())[:120] if isinstance(name, str) else ""


def own_words(text: str) -> tuple[str, str]:
    """Return (what is new, what is quoted of an earlier mail)."""
    found = QUOTED.search(text)
    if found is None or not text[: found.start()].strip():
        return text, ""
    return text[: found.start()].strip(), text[found.start() :].strip()
