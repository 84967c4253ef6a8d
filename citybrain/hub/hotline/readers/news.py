"""What became of automatic dispatch, told to the hotline's managers: what waits for their word, and what changed.

Each change is a row (`ReaderEvent`), a ledger row of whoever changed it, and a push to the pages that are open.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Person
from citybrain.base.ledger.append import record
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.models.reader import CLASS_SCHEME, ReaderEvent

MANAGE: Final = "hotline.reading"
TOPIC: Final = "reading"  # what open pages are told of
Kind = ReaderEvent.Kind
SHOWN_FOR: Final = timedelta(days=7)
MOST: Final = 50


def names(rows: Iterable[ReaderEvent]) -> dict[str, str]:
    """Return key → name of those who changed something; no query where it all came by itself."""
    keys = {key for row in rows for key in (row.by, row.ended_by) if key.startswith("person:")}
    ids = [int(key.partition(":")[2]) for key in keys]
    return {
        f"person:{one}": name for one, name in Person.objects.filter(pk__in=ids).values_list("pk", "name")
    }


def tell(
    kind: ReaderEvent.Kind,
    who: str,
    why: str,
    now: datetime,
    *,
    label: str = "",
    scheme: str = CLASS_SCHEME,
    waits: bool = False,
) -> ReaderEvent:
    """Return the row of a change, in the current transaction; open pages hear of it once that stands."""
    made = ReaderEvent.objects.create(
        scheme=scheme, kind=kind, label=label, at=now, by=who, why=why, waits=waits
    )
    _push()
    return made


def settle(
    kinds: Iterable[ReaderEvent.Kind],
    who: str,
    note: str,
    now: datetime,
    *,
    label: str | None = None,
    scheme: str = CLASS_SCHEME,
) -> int:
    """Return how many changes no longer wait for anybody's word; `label` None: whatever the class."""
    waiting = ReaderEvent.objects.filter(scheme=scheme, kind__in=list(kinds), waits=True)
    if label is not None:
        waiting = waiting.filter(label=label)
    return waiting.update(waits=False, ended_at=now, ended_by=who, note=note)


def _push() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO cases_outbox (topic) VALUES (%s)", [TOPIC])


def waiting(actor: Actor) -> list[ReaderEvent]:
    """Return what waits for a manager's word, the latest first; nothing, and no query, for anybody else."""
    if not actor.may(MANAGE):
        return []
    return list(ReaderEvent.objects.filter(waits=True)[:MOST])


def count(actor: Actor) -> int:
    """Return how many changes wait for a manager's word."""
    return ReaderEvent.objects.filter(waits=True).count() if actor.may(MANAGE) else 0


def recent(actor: Actor, now: datetime) -> list[ReaderEvent]:
    """Return the changes of the last week that wait for nobody, the latest first. Raises Forbidden."""
    require(actor, MANAGE)
    rows = ReaderEvent.objects.filter(waits=False, at__gte=now - SHOWN_FOR)
    return list(rows[:MOST])


def acknowledge(actor: Actor, event_id: int, note: str, *, now: datetime | None = None) -> ReaderEvent:
    """Return a class's switching off that a manager has looked at and lets stand for now.

    A shift is set aside by `shifting.set_aside`: that lets dispatch go on. Raises Forbidden, BadInput without a
    note or for what waits no longer.
    """
    require(actor, MANAGE)
    moment = now or timezone.now()
    if not note.strip():
        raise BadInput(_("请写明核查情况。"), "note")
    with transaction.atomic():
        rows = ReaderEvent.objects.select_for_update().filter(waits=True, kind=Kind.CLASS_OFF)
        found = rows.filter(pk=event_id).first()
        if found is None:
            raise BadInput(_("该提示已处理。"))
        found.waits, found.ended_at, found.ended_by = False, moment, actor.key
        found.note = note.strip()[:1000]
        found.save(update_fields=["waits", "ended_at", "ended_by", "note"])
        told = {"event": found.pk, "note": found.note}
        record(actor.key, "hotline.auto_seen", f"class:{found.scheme}:{found.label}", told, at=moment)
        _push()
    return found
