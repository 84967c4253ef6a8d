"""Notes of a call that nobody has sent yet: kept while they are typed, found again, gone once they are a ticket."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.callers.numbers import opened, sealed
from citybrain.hub.hotline.models.call import Call
from citybrain.hub.hotline.models.unsent import UnsentNote

TAKE: Final = "hotline.take"
KEPT: Final = timedelta(days=30)
FIELD_MOST: Final = 100_000  # characters of one field; what is longer is kept up to here
FIELDS: Final = frozenset(
    {"text", "title", "kind", "phone", "name", "shared", "secret", "place_text", "lon", "lat", "area", "item",
     "urgency", "agency", "answer", "call"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    """One note as its writer finds it again. `line` is its beginning, to tell it from others."""

    key: uuid.UUID
    fields: Mapping[str, str]
    call_id: int | None
    began_at: datetime
    kept_at: datetime

    @property
    def line(self) -> str:
        said = " ".join(self.fields.get("text", "").split())
        return said[:60] or self.fields.get("place_text", "")[:60] or _("（还没有内容）")


@transaction.atomic
def keep_note(actor: Actor, key: uuid.UUID, fields: Mapping[str, str], *, now: datetime) -> bool:
    """Keep what is on the form now; True when it was kept. A note of somebody else's key is never touched.

    Notes that nobody came back to within thirty days are dropped on the way.
    """
    require(actor, TAKE)
    known = {name: str(value)[:FIELD_MOST] for name, value in fields.items() if name in FIELDS and value}
    UnsentNote.objects.filter(person_id=_writer(actor), kept_at__lt=now - KEPT).delete()
    call = _own_call(actor, known.get("call", ""))
    body = sealed(json.dumps(known, ensure_ascii=False))
    changed = UnsentNote.objects.filter(pk=key, person_id=_writer(actor)).update(
        body=body, kept_at=now, call_id=call
    )
    if changed:
        return True
    note = UnsentNote(pk=key, person_id=_writer(actor), call_id=call, body=body, began_at=now, kept_at=now)
    UnsentNote.objects.bulk_create([note], ignore_conflicts=True)  # two tabs may keep the first word at once
    return UnsentNote.objects.filter(pk=key, person_id=_writer(actor)).exists()


def _writer(actor: Actor) -> int:
    """Return whose notes an actor's are; 0 for who is no person: they have none."""
    return actor.person_id or 0


def drop_note(actor: Actor, key: uuid.UUID) -> bool:
    """Throw one's own note away; True when there was one."""
    return bool(UnsentNote.objects.filter(pk=key, person_id=_writer(actor)).delete()[0])


def notes_of(actor: Actor) -> list[Note]:
    """Return one's own notes, the latest first. One query."""
    return [_note(one) for one in UnsentNote.objects.filter(person_id=_writer(actor))[:50]]


def note_of(actor: Actor, key: uuid.UUID) -> Note | None:
    """Return one of one's own notes."""
    found = UnsentNote.objects.filter(pk=key, person_id=_writer(actor)).first()
    return _note(found) if found else None


def _note(row: UnsentNote) -> Note:
    told = opened(row.body)
    return Note(row.key, json.loads(told) if told else {}, row.call_id, row.began_at, row.kept_at)


def _own_call(actor: Actor, text: str) -> int | None:
    """Return the id of a call that rang at this operator's, None for any other."""
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        return None
    return Call.objects.filter(pk=int(text), operator_id=_writer(actor)).values_list("pk", flat=True).first()
