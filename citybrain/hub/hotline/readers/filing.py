"""A new ticket is read, what was read is kept with its why, and it is dispatched or given to a person. Never lost."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import orjson
from django.db import transaction
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.cases.errors import CaseError
from citybrain.hub.hotline.actions import take
from citybrain.hub.hotline.errors import TicketError
from citybrain.hub.hotline.models.reader import TicketReading
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.readers import using
from citybrain.hub.hotline.readers.deciding import REASONS, Decision, decide
from citybrain.hub.hotline.reading import likeness, shift
from citybrain.hub.hotline.reading.example_set import OTHER
from citybrain.hub.hotline.reading.normal import normalise
from citybrain.hub.hotline.reading.whole_reading import Hint, WholeReading
from citybrain.hub.hotline.states import State

logger = logging.getLogger(__name__)
LABEL_MOST: Final = 60
PLACE_MOST: Final = 300


@dataclass(frozen=True, slots=True)
class Read:
    """A ticket as it was read, and what is done with it."""

    whole: WholeReading
    used: using.InUse
    decision: Decision
    area_id: int | None


def file_ticket(ticket: Ticket, now: datetime) -> None:
    """Read a ticket, keep what was read, and dispatch it or give it to a person with the suggestions.

    A part that breaks, a model that is missing or a dispatch that is refused: the ticket goes to a person, and says
    why. Raises only what the database raises; the loop then tries again.
    """
    read = read_ticket(ticket)
    with transaction.atomic():
        outcome = take(SYSTEM, ticket.pk, "read", _given(ticket, read), now=now)
        _keep(ticket, read, now)
    if read.decision.automatic:
        _dispatch(ticket, read.decision, outcome.version, now)


def read_ticket(ticket: Ticket) -> Read:
    """Return what is read of a ticket and decided on it; nothing is written. Never fails."""
    used = using.current()
    lineage = ticket.guard_lineage()
    known = next((one for one in reversed(lineage) if one is not None), None)
    whole = _whole(ticket, used, Hint(known, ticket.kind))
    area_id = whole.place.areas[0] if known is None and whole.place.certain and whole.place.areas else None
    node = tree().find(area_id)
    try:
        decision = decide(ticket, whole, used, node.lineage if node is not None else lineage)
    except Exception:
        logger.exception("ticket %s: nothing can be decided on what was read", ticket.number)
        decision = Decision(("failed",), "", (), False)
    return Read(whole, used, decision, area_id if node is not None else None)


def _whole(ticket: Ticket, used: using.InUse, hint: Hint) -> WholeReading:
    title = "" if ticket.title and ticket.title in ticket.text else ticket.title
    try:
        return used.reader.read(ticket.text, title=title, hint=hint)
    except Exception:
        logger.exception("ticket %s can't be read", ticket.number)
        return WholeReading(reason="failed", failed=("whole",))


def _given(ticket: Ticket, read: Read) -> dict[str, Any]:
    """Return what the step "read" takes over; a person's word is never changed by it."""
    whole, decision = read.whole, read.decision
    given: dict[str, Any] = {"urgency": whole.urgency.level, "sentiment": whole.sentiment.level}
    if whole.label and whole.label != OTHER:
        given["class_label"] = whole.label[:LABEL_MOST]
    if decision.item_code and not ticket.item_code:
        given["item"] = decision.item_code
    if decision.agencies:
        given["agency"] = decision.agencies[0][0]
    if read.area_id is not None:
        given["place"] = str(read.area_id)
    if whole.place.text and not ticket.place_text:
        given["place_text"] = whole.place.text[:PLACE_MOST]
    if ticket.state == State.RECEIVED and decision.reasons:
        given |= {"needs_person": True, "reason": _joined(ticket.person_reason, decision.told())}
    return given


def _joined(before: str, told: str) -> str:
    return told if not before or before in told else f"{before}；{told}"


def _keep(ticket: Ticket, read: Read, now: datetime) -> None:
    whole, best = read.whole, read.whole.items.guesses[:1]
    is_item = bool(best) and not whole.items.is_none
    TicketReading.objects.update_or_create(
        ticket_id=ticket.pk,
        defaults={
            "at": now,
            "model": read.used.row,
            "label": (whole.label or "")[:LABEL_MOST],
            "confidence": whole.confidence,
            "threshold": read.used.threshold,
            "item_code": best[0].code if is_item else "",
            "item_confidence": best[0].confidence if is_item else 0.0,
            "unknown": _unknown(ticket, read.used),
            "whole": orjson.loads(orjson.dumps(whole.to_json(), option=orjson.OPT_SERIALIZE_NUMPY)),
            "agencies": [list(one) for one in read.decision.agencies],
            "bands": likeness.bands(whole.signature),
            "automatic": False,
            "reasons": list(read.decision.reasons),
        },
    )


def _unknown(ticket: Ticket, used: using.InUse) -> float:
    text = normalise(f"{ticket.title} {ticket.text}").text
    if used.classes is None or not text:
        return 0.0
    return float(np.round(shift.unknown(used.classes.linear, [text])[0], 5))


def _dispatch(ticket: Ticket, decision: Decision, version: int, now: datetime) -> None:
    """Dispatch a ticket by itself; where that is refused it goes to a person. Somebody faster is left alone."""
    agency_id, why = decision.agencies[0]
    given = {
        "agency": agency_id,
        "by_case": decision.by_case,
        "reason": _("自动派单：%(why)s") % {"why": why} if why else _("自动派单"),
    }
    try:
        with transaction.atomic():
            take(SYSTEM, ticket.pk, "dispatch", given, seen_version=version, now=now)
            TicketReading.objects.filter(ticket_id=ticket.pk).update(automatic=True)
    except (TicketError, CaseError, Forbidden) as refused:
        _to_a_person(ticket, str(refused), now)
    except Exception as error:
        logger.exception("ticket %s can't be dispatched by itself", ticket.number)
        _to_a_person(ticket, type(error).__name__, now)


def _to_a_person(ticket: Ticket, why: str, now: datetime) -> None:
    TicketReading.objects.filter(ticket_id=ticket.pk).update(reasons=["not_dispatched"])
    if not Ticket.objects.filter(pk=ticket.pk, state=State.RECEIVED).exists():
        return
    reason = f"{REASONS['not_dispatched']}：{why}"
    take(SYSTEM, ticket.pk, "read", {"needs_person": True, "reason": reason}, now=now)
