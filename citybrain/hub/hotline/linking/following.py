"""Telling the other side what becomes of a ticket: a loop looks at what changed since they were told last."""

import hashlib
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from citybrain.hub.hotline.linking import attached, handing, trail, wire
from citybrain.hub.hotline.merged import main_of
from citybrain.hub.hotline.models.link import HandOver, HandOverState
from citybrain.hub.hotline.models.ticket import Ticket, TicketEvent
from citybrain.hub.hotline.states import State

BATCH: Final = 200
_WHAT: Final = {
    State.RECEIVED: "received",
    State.TO_DISPATCH: "received",
    State.ANSWERED_DIRECTLY: "replied",
    State.REPLIED: "replied",
    State.CALLING_BACK: "replied",
    State.CONCLUDED: "concluded",
    State.ARCHIVED: "concluded",
    State.VOIDED: "returned",
}
# What a hand-over has to tell of: its ticket, and the one that this was merged into. It only grows.
_SEEN: Final = F("ticket__version") + Coalesce(F("ticket__duplicate_of__version"), 0)
_STATES: Final = {
    "received": HandOverState.RECEIVED,
    "in_hand": HandOverState.IN_HAND,
    "replied": HandOverState.REPLIED,
}


def follow(now: datetime) -> int:
    """Queue what is to be told of tickets handed over to us and by us; return how many were looked at."""
    changed = (
        HandOver.objects.filter(ended_at=None).annotate(seen=_SEEN).filter(seen__gt=F("told")).order_by("id")
    )
    ids = list(changed.values_list("id", flat=True)[:BATCH])
    for number in ids:
        with transaction.atomic():
            made = (
                HandOver.objects.select_for_update(of=("self",), skip_locked=True)
                .select_related("ticket__duplicate_of", "partner")
                .filter(pk=number, ended_at=None)
                .first()
            )
            if made is not None:
                _follow_in(made, now) if not made.outgoing else _follow_out(made, now)
    return len(ids)


def _follow_in(made: HandOver, now: datetime) -> None:
    """Tell how a ticket stands that we hold for another; one that was merged goes on with its main ticket."""
    attached.bring(made, now)
    ticket = main_of(made.ticket)
    what = _WHAT.get(State(ticket.state), "in_hand")
    merged = None if ticket.pk == made.ticket_id else ticket
    reply = trail.outward(made, ticket.reply, of=merged) if merged is not None else ticket.reply
    told = {"reply": reply} if what in {"replied", "concluded"} else {}
    if what == "returned":
        told["words"] = trail.outward(made, _reason_of(ticket, "void"), of=merged) or _("对方退回")
    if ticket.agency is not None:
        told["agency"] = str(ticket.agency)
    digest = hashlib.sha256(wire.dumps({"what": what, **told}).encode()).hexdigest()
    made.told = made.ticket.version + (merged.version if merged is not None else 0)
    if digest != made.told_as and not (what == "replied" and not ticket.reply):
        made.told_as = digest
        trail.tell(made, what, now, **told)
        trail.note(made, f"{what}_out", made.ticket.number, now, told.get("reply") or told.get("words", ""))
        made.state = _STATES.get(what, made.state)
    made.save(update_fields=["told", "told_as", "state"])
    if what in {"concluded", "returned"}:
        ended = HandOverState.CONCLUDED if what == "concluded" else HandOverState.RETURNED
        if ticket.state != State.CONCLUDED:  # one that is only concluded may be worked on again
            handing.end(made, ended, now)


def _follow_out(made: HandOver, now: datetime) -> None:
    """Tell the holder that our caller isn't satisfied, bring files that came since; what is settled here ends it."""
    ticket = made.ticket
    attached.bring(made, now)
    made.told = ticket.version + (ticket.duplicate_of.version if ticket.duplicate_of is not None else 0)
    if ticket.state == State.REDO and made.told_as != f"redo{ticket.redo_count}":
        made.told_as = f"redo{ticket.redo_count}"
        words = trail.outward(made, _reason_of(ticket, "redo")) or _("请重新办理")
        trail.tell(made, "redo", now, words=words)
        trail.note(made, "redo_out", made.ticket.number, now, words)
    made.save(update_fields=["told", "told_as"])
    if State(ticket.state) in {State.ARCHIVED, State.VOIDED}:
        handing.end(made, HandOverState.CONCLUDED, now)


def _reason_of(ticket: Ticket, action: str) -> str:
    """Return the reason given with the last step of that name, never what was noted of anything else."""
    found = TicketEvent.objects.filter(ticket=ticket, action=action).order_by("-seq").first()
    return found.reason[:2000] if found else ""
