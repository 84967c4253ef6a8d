"""网页挂接: messages that another system pushes to us, signed; in our own shape or in theirs by a map of fields."""

import hashlib
import json
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.hotline import files
from citybrain.hub.hotline.channels import door, pushed_files
from citybrain.hub.hotline.channels.door import Taken
from citybrain.hub.hotline.channels.texts import ref_within
from citybrain.hub.hotline.errors import BadInput, TicketError
from citybrain.hub.hotline.message import NAME_MOST, Message
from citybrain.hub.hotline.models.link import Partner
from citybrain.hub.hotline.states import Channel, Kind, Urgency

log = logging.getLogger("citybrain.hotline")
BATCH_MOST: Final = 100
DEEPEST: Final = 6
FIELDS: Final = (
    "id", "text", "title", "kind", "phone", "name", "shared", "secret", "place_text", "lon", "lat", "urgency",
    "received_at", "files",
)  # fmt: skip
YES: Final = frozenset({"1", "true", "yes", "y", "on", "是", "同意", "公开"})


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one message of a call, in its place: taken, or refused with the field that is wrong."""

    index: int
    taken: Taken | None = None
    field: str = ""
    message: str = ""
    files: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        if self.taken is None:
            return {"index": self.index, "taken": False, "field": self.field, "message": self.message}
        one = self.taken
        told = {
            "index": self.index, "taken": True, "number": one.number, "query_code": one.code,
            "created": one.created, "folded": one.folded,
        }  # fmt: skip
        return {**told, "files": self.files} if self.files else told


def take_messages(partner: Partner, payload: Any, now: datetime | None = None) -> list[Result]:
    """Return a result for each message of a call: one object, or {"messages": [...]} of a hundred at most.

    One that is wrong, however it is, doesn't hold up the others. Raises BadInput for what is no message at all;
    what says that the database is away, so that the sender comes again.
    """
    raws = payload.get("messages") if isinstance(payload, Mapping) and "messages" in payload else [payload]
    if not isinstance(raws, list) or not raws or len(raws) > BATCH_MOST:
        raise BadInput(_("一次推送 1 到 %(most)d 件。") % {"most": BATCH_MOST}, "messages")
    return [_take(partner, index, raw, now) for index, raw in enumerate(raws)]


def _take(partner: Partner, index: int, raw: Any, now: datetime | None) -> Result:
    try:
        return _taken(partner, index, raw, now or timezone.now())
    except TicketError as refused:
        return Result(index, None, refused.field, refused.message)
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # whatever one holds, those beside it must come through
        log.exception("message %d of %s can't be taken; it is refused", index, partner.key)
        return Result(index, None, "messages", _("这一件无法收下，原因已记入日志。"))


def _taken(partner: Partner, index: int, raw: Any, now: datetime) -> Result:
    """Return the receipt of a message with what became of its files."""
    named, message = pushed_files.read(partner, _given(partner, raw, "files")), message_of(partner, raw)
    if not message.text.strip() and named.names:
        words = _("（没有文字，附件：%(names)s）") % {"names": "、".join(named.names)}
        message = replace(message, text=message.title or words)
    held = files.upload_all(named.contents, None, now)
    refused = (*named.refused, *held.refused)
    if refused:
        message = replace(message, extra={**message.extra, "not_kept": [list(one) for one in refused]})
    with transaction.atomic():
        taken = door.take_in(SYSTEM, message, now=now)
        pushed_files.tie(partner, named, held, taken, now)
    told = None
    if named.names or refused:
        told = {
            "kept": len(held.tokens), "to_fetch": len(named.references),
            "refused": [{"name": name, "message": why} for name, why in refused],
        }  # fmt: skip
    return Result(index, taken, files=told)


def _given(partner: Partner, raw: Any, name: str) -> Any:
    return _found(raw, partner.fields.get(name, name)) if isinstance(raw, Mapping) else None


def message_of(partner: Partner, raw: Any) -> Message:
    """Return a message as it was pushed. Raises BadInput naming the field, in our words."""
    if not isinstance(raw, Mapping):
        raise BadInput(_("每件来件应为对象。"), "messages")
    given = {name: _given(partner, raw, name) for name in FIELDS}
    lon, lat = _point(given["lon"], given["lat"])
    known = {"kind": (Kind.values, ""), "urgency": (Urgency.values, "")}
    picked = {name: _text(given[name], name) for name in known}
    return Message(
        channel=Channel.HOOK,
        text=_text(given["text"], "text"),
        title=_text(given["title"], "title"),
        kind=picked["kind"] if picked["kind"] in Kind.values else "",
        urgency=picked["urgency"] if picked["urgency"] in Urgency.values else "",
        phone=_text(given["phone"], "phone")[:30].strip(),
        name=_text(given["name"], "name").strip()[:NAME_MOST],
        shared=_yes(given["shared"]),
        secret=_yes(given["secret"]),
        place_text=_text(given["place_text"], "place_text"),
        lon=lon,
        lat=lat,
        external_ref=_ref(partner, given["id"]),
        received_at=_time(given["received_at"]),
        extra={"hook": partner.key},
    )


def _found(raw: Mapping[str, Any], path: str) -> Any:
    """Return what lies at a path as a.b.0.c; None for nothing."""
    value: Any = raw
    for part in path.split(".")[:DEEPEST]:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isascii() and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _text(value: Any, field: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadInput(_("“%(field)s”应为文字。") % {"field": field}, field)
    return str(value)


def _yes(value: Any) -> bool:
    return value is True or str(value).strip().lower() in YES


def _ref(partner: Partner, value: Any) -> str | None:
    """Return the sender's number, within its system."""
    return ref_within(partner.key, _text(value, "id"))


def _point(lon: Any, lat: Any) -> tuple[float | None, float | None]:
    """Return a point, none where it is no number: a message must not be lost for its place."""
    try:
        return float(lon), float(lat)
    except (TypeError, ValueError):
        return None, None


def _time(value: Any) -> datetime | None:
    """Return when it was received there; now, where that can't be."""
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
        if moment is None:
            return None
        aware = (moment if moment.tzinfo else timezone.make_aware(moment)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return aware if aware.year >= 2000 and aware <= timezone.now() else None


def read_body(body: bytes) -> Any:
    """Return the JSON of a call: UTF-8, or GB18030 as older systems send. Raises BadInput."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return json.loads(body.decode(encoding))
        except (UnicodeDecodeError, ValueError, RecursionError):
            continue
    raise BadInput(_("请求内容不是 JSON。"), "body")


def submission_key(text: str) -> uuid.UUID:
    """Return a name for a sending that has none: the same content, the same name."""
    return uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4)
