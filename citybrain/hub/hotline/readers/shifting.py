"""Looks whether the messages of late still look like those the model in use learnt from, and says so if not."""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.models.reader import CLASS_SCHEME, ModelInUse, ShiftNotice, TicketReading
from citybrain.hub.hotline.readers import news, using
from citybrain.hub.hotline.reading.shift import FEWEST, Profile, Shift, notice

logger = logging.getLogger(__name__)
WINDOW: Final = timedelta(days=30)
MOST: Final = 500


def measure(row: ModelInUse, now: datetime) -> tuple[Shift, datetime] | None:
    """Return how far the messages of late are from a model's own, and since when; None before there are enough.

    Only those read since the last notice was set aside: what a person has seen isn't told again.
    """
    kept = row.about.get("profile")
    if not kept:
        return None
    seen = (
        ShiftNotice.objects.filter(model_id=row.pk).values_list("seen_at", flat=True).order_by("-at").first()
    )
    since = max(now - WINDOW, seen or row.used_since or now - WINDOW)
    rows = TicketReading.objects.filter(model_id=row.pk, at__gte=since).exclude(label="")
    late = list(rows.order_by("-at").values_list("confidence", "label", "unknown", "at")[:MOST])
    if len(late) < FEWEST:
        return None
    told = notice(Profile.from_json(kept), [r[0] for r in late], [r[1] for r in late], [r[2] for r in late])
    return told, late[-1][3]


def look(now: datetime) -> int:
    """Return 1 where a notice was made: automatic dispatch rests until a person has seen it."""
    row = using.in_use()
    if row is None or ShiftNotice.objects.filter(model_id=row.pk, seen_at=None).exists():
        return 0
    measured = measure(row, now)
    if measured is None or not measured[0].signs:
        return 0
    told, first = measured
    with transaction.atomic():
        ShiftNotice.objects.create(
            scheme=row.scheme, model=row, at=now, first=first, messages=told.messages, measures=told.to_json()
        )
        record("system", "hotline.shift", f"model:{row.scheme}:{row.version}", told.to_json(), at=now)
        why = _("近期 %(n)d 件来件与训练所用的明显不同") % {"n": told.messages}
        news.tell(news.Kind.SHIFT, "system", why, now, scheme=row.scheme, waits=True)
    logger.warning("messages no longer look like those of model %s: %s", row, ", ".join(told.signs))
    return 1


def standing(scheme: str = CLASS_SCHEME) -> ShiftNotice | None:
    """Return the notice that nobody has seen yet."""
    return ShiftNotice.objects.filter(scheme=scheme, seen_at=None).select_related("model").defer(
        "model__content", "model__seen"
    ).first()  # fmt: skip


def set_aside(actor: Actor, notice_id: int, note: str, *, now: datetime | None = None) -> ShiftNotice:
    """Return a notice that a person has seen; automatic dispatch goes on where the promise stands.

    Raises Forbidden, BadInput without a note or for one that is set aside already.
    """
    require(actor, using.MANAGE)
    moment = now or timezone.now()
    if not note.strip():
        raise BadInput(_("请写明核查情况。"), "note")
    with transaction.atomic():
        found = ShiftNotice.objects.select_for_update().filter(pk=notice_id, seen_at=None).first()
        if found is None:
            raise BadInput(_("该提示已处理。"))
        found.seen_at, found.seen_by, found.note = moment, actor.key, note.strip()[:1000]
        found.save(update_fields=["seen_at", "seen_by", "note"])
        record(actor.key, "hotline.shift_seen", f"shift:{found.pk}", {"note": found.note}, at=moment)
        news.settle([news.Kind.SHIFT], actor.key, found.note, moment, scheme=found.scheme)
        news.tell(news.Kind.SHIFT_SEEN, actor.key, found.note, moment, scheme=found.scheme)
    return found
