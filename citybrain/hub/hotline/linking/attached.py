"""Files of a hand-over: ours brought to the other side after the ticket, theirs kept with it, each once.

What goes is what a unit there may have: pictures, unless the caller wants to stay unknown, and whatever the hotline
gave out; where name and number went along, everything that the hotline doesn't keep back. A file's own name goes only
where the caller's does: it may hold it.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.hotline import files
from citybrain.hub.hotline.callers.numbers import sealed
from citybrain.hub.hotline.errors import BadInput, NotNow
from citybrain.hub.hotline.linking import trail, wire
from citybrain.hub.hotline.models.file import FileKind, TicketFile
from citybrain.hub.hotline.models.link import HandOver, HandOverEvent, LinkMessage, Partner

FILES_MOST: Final = 50  # of one hand-over, either way
OUT: Final = "file_out"
IN: Final = "file_in"


def bring(made: HandOver, now: datetime) -> int:
    """Queue the files of a ticket that the other side may have and doesn't have yet; return how many.

    One query where there are none.
    """
    may = [(at, one) for at, one in _files(made) if _may_go(made, one)]
    if not may:
        return 0
    known = _known(made)
    done = 0
    for at, one in may:
        if one.digest in known or len(known) >= FILES_MOST:
            continue
        known.add(one.digest)
        name = (
            one.name if made.shares_contact else _("附件%(n)d.%(ending)s") % {"n": at, "ending": one.ending}
        )
        LinkMessage.objects.create(
            partner_id=made.partner_id, hand_over=made, path=wire.files_path(made.key), created_at=now,
            next_try_at=now, body=sealed(wire.dumps({"file": str(one.token), "name": name})),
        )  # fmt: skip
        trail.note(made, OUT, made.ticket.number, now, name, digest=one.digest)
        done += 1
    return done


def _files(made: HandOver) -> Iterator[tuple[int, TicketFile]]:
    return enumerate(TicketFile.objects.filter(ticket_id=made.ticket_id), 1)


def _may_go(made: HandOver, one: TicketFile) -> bool:
    if one.released is not None:
        return one.released
    return made.shares_contact or (one.kind == FileKind.PICTURE and not made.ticket.is_secret)


def _known(made: HandOver) -> set[str]:
    """Return the digests of the files that went either way."""
    lines = HandOverEvent.objects.filter(hand_over=made, what__in=(OUT, IN))
    return {str(data.get("digest", "")) for data in lines.values_list("data", flat=True)}


def content_of(told: str) -> tuple[str, bytes] | None:
    """Return what stands behind the path of a queued file, and the file; None where it is no longer there."""
    given = json.loads(told)
    one = TicketFile.objects.filter(token=given["file"]).first()
    try:
        return (f"?name={quote(given['name'])}", files.file_of(one).read_bytes()) if one is not None else None
    except FileNotFoundError:
        return None


def take_file(partner: Partner, key: Any, name: str, raw: bytes, now: datetime | None = None) -> bool:
    """Keep a file that the other side brings to a hand-over; return whether it is new.

    Raises NotFound, the same for an unknown one and one of others; NotNow for one that is over; BadInput for what is
    too large, no file that we take, or one too many.
    """
    moment = now or timezone.now()
    with transaction.atomic():
        made = trail.held(partner, key)
        if made.ended_at is not None:
            raise NotNow(_("该移交已结束。"))
        known = _known(made)
        if len(known) >= FILES_MOST:
            raise BadInput(_("一件移交最多 %(most)d 个文件。") % {"most": FILES_MOST}, "file")
        one = files.upload(raw, name, None, moment)
        if one.digest in known or not files.attach(SYSTEM, [one.token], made.ticket_id, moment):
            TicketFile.objects.filter(pk=one.pk, ticket=None).delete()
            return False
        trail.note(made, IN, partner.name, moment, one.name, digest=one.digest)
    return True
