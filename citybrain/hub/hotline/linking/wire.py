"""What goes over the wire between two hotlines: a ticket, and what is told of it afterwards. No database.

`what` in a telling: the holder tells received, in_hand, replied, concluded, returned; the giver recalled, redo; both
may send a note.
"""

import json
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from citybrain.hub.hotline.channels.texts import kept, short, words
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.states import Kind, Urgency

TEXT_MOST: Final = 500_000  # letters of a message that are sent; the whole stays with whoever took it
TRAIL_MOST: Final = 200
HOLDER_TELLS: Final = frozenset({"received", "in_hand", "replied", "concluded", "returned", "note"})
GIVER_TELLS: Final = frozenset({"recalled", "redo", "note"})
TICKETS: Final = "/api/v1/hotline/links"


def told_path(key: uuid.UUID) -> str:
    """Return where things are told of a hand-over."""
    return f"{TICKETS}/{key}/told"


def files_path(key: uuid.UUID) -> str:
    """Return where files of a hand-over are brought: the bare file, its name behind ?name=."""
    return f"{TICKETS}/{key}/files"


def is_file(path: str) -> bool:
    """Return whether a queued message is a file."""
    return path.endswith("/files")


def dumps(value: Mapping[str, Any]) -> str:
    """Return JSON as it is signed and sent."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Given:
    """A ticket as another hotline hands it over, checked."""

    key: uuid.UUID
    number: str
    text: str
    reason: str
    title: str = ""
    kind: str = ""
    urgency: str = ""
    urgent: bool = False
    place_text: str = ""
    lon: float | None = None
    lat: float | None = None
    item: str = ""
    received_at: datetime | None = None
    name: str = ""
    phone: str = ""
    shared: bool = False
    secret: bool = False
    phoned_to: str = ""
    trail: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Telling:
    """What the other side says of a hand-over; `seq` rises with each of theirs."""

    seq: int
    what: str
    words: str = ""
    reply: str = ""
    agency: str = ""
    at: datetime | None = None


def read_given(raw: Mapping[str, Any]) -> Given:
    """Return a ticket handed over. Raises BadInput naming the field."""
    text = words(raw.get("text"), "text", TEXT_MOST)
    if not text:
        raise BadInput(_("诉求内容是空的。"), "text")
    contact = raw.get("contact") or {}
    if not isinstance(contact, Mapping):
        raise BadInput(_("“%(field)s”应为对象。") % {"field": "contact"}, "contact")
    urgency = short(raw.get("urgency") or "", "urgency", 10)
    kind = short(raw.get("kind") or "", "kind", 1)
    if urgency and urgency not in Urgency.values:
        raise BadInput(_("没有这种紧急程度：%(value)s") % {"value": urgency}, "urgency")
    if kind and kind not in Kind.values:
        raise BadInput(_("没有这种诉求类型：%(value)s") % {"value": kind}, "kind")
    return Given(
        key=_key(raw.get("key")), number=short(raw.get("number"), "number", 40), text=text,
        reason=words(raw.get("reason") or "", "reason", 500), title=short(raw.get("title") or "", "title", 200),
        kind=kind, urgency=urgency, urgent=raw.get("urgent") is True,
        place_text=short(raw.get("place_text") or "", "place_text", 300),
        lon=_degrees(raw.get("lon"), "lon", 180), lat=_degrees(raw.get("lat"), "lat", 90),
        item=short(raw.get("item") or "", "item", 6), received_at=_time(raw.get("received_at"), "received_at"),
        name=short(contact.get("name") or "", "contact.name", 60),
        phone=short(contact.get("phone") or "", "contact.phone", 30),
        shared=raw.get("shared") is True, secret=raw.get("secret") is True,
        phoned_to=short(raw.get("phoned_to") or "", "phoned_to", 80), trail=_trail(raw.get("trail") or []),
    )  # fmt: skip


def read_telling(raw: Mapping[str, Any], allowed: frozenset[str]) -> Telling:
    """Return what is told of a hand-over. Raises BadInput naming the field."""
    seq = raw.get("seq")
    if not isinstance(seq, int) or isinstance(seq, bool) or not 0 < seq < 2**62:
        raise BadInput(_("“%(field)s”应为数字。") % {"field": "seq"}, "seq")
    what = short(raw.get("what"), "what", 20)
    if what not in allowed:
        raise BadInput(_("这里不能告知“%(what)s”。") % {"what": what}, "what")
    told = Telling(
        seq=seq, what=what, words=words(raw.get("words") or "", "words", 5000),
        reply=words(raw.get("reply") or "", "reply", 5000), agency=short(raw.get("agency") or "", "agency", 120),
        at=_time(raw.get("at"), "at"),
    )  # fmt: skip
    if what == "replied" and not told.reply:
        raise BadInput(_("请写明答复内容。"), "reply")
    if what in {"note", "returned", "redo"} and not told.words:
        raise BadInput(_("请写明内容或原因。"), "words")
    return told


def _key(value: Any) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except (TypeError, ValueError, AttributeError):
        raise BadInput(_("移交编号应为 UUID。"), "key") from None


def _degrees(value: Any, field: str, most: float) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadInput(_("“%(field)s”应为数字。") % {"field": field}, field)
    if not math.isfinite(value) or abs(value) > most:
        raise BadInput(_("“%(field)s”超出范围。") % {"field": field}, field)
    return float(value)


def _time(value: Any, field: str) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or not 1990 <= moment.year <= 2200:
        raise BadInput(_("“%(field)s”不是有效的时间。") % {"field": field}, field)
    return (moment if moment.tzinfo else timezone.make_aware(moment)).astimezone(UTC)


def _trail(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        raise BadInput(_("“%(field)s”应为列表。") % {"field": "trail"}, "trail")
    return tuple(
        (str(one.get("at", ""))[:40], kept(str(one.get("words", "")))[:300])
        for one in value[:TRAIL_MOST]
        if isinstance(one, Mapping)
    )
