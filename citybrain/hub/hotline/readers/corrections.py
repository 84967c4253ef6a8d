"""What officers put right after a ticket was read: taken from its history, once each; nothing is asked of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from citybrain.hub.hotline.models.reader import Correction, ReaderLook, TicketReading
from citybrain.hub.hotline.models.ticket import TicketEvent

LOOK: Final = "corrections"
OVERLAP: Final = timedelta(hours=1)  # history rows of one moment may appear after those of a later one
RETURNS: Final = ("review_return", "case_returned")
BATCH: Final = 2000


def look(now: datetime) -> int:
    """Return how many corrections were found since the last look.

    A look that ends early goes on, at the next, from the last page it finished.
    """
    last = ReaderLook.objects.filter(name=LOOK).values_list("at", flat=True).first()
    rows = TicketEvent.objects.filter(at__lte=now, ticket__reading__isnull=False)
    rows = rows.filter(Q(actor__isnull=False) | Q(action__in=RETURNS)).exclude(action="read")
    rows = rows.select_related("ticket").order_by("at", "id")
    events = list((rows if last is None else rows.filter(at__gt=last - OVERLAP))[:BATCH])
    found = _keep(events)
    while len(events) == BATCH:
        end = events[-1]
        ReaderLook.objects.update_or_create(name=LOOK, defaults={"at": end.at})
        events = list(rows.filter(at__gte=end.at).exclude(at=end.at, id__lte=end.pk)[:BATCH])
        found += _keep(events)
    ReaderLook.objects.update_or_create(name=LOOK, defaults={"at": now})
    return found


def _keep(events: list[TicketEvent]) -> int:
    """Keep what these history rows put right; return how much of it there is."""
    readings = TicketReading.objects.defer("whole").in_bulk({event.ticket_id for event in events})
    found = [one for event in events for one in _of_event(event, readings[event.ticket_id])]
    made = Correction.objects.bulk_create(found, ignore_conflicts=True) if found else []
    return len(made)


def _of_event(event: TicketEvent, reading: TicketReading) -> Iterator[Correction]:
    """Return what one step put right of what was read before it."""
    if event.at < reading.at:
        return
    data = event.data
    label = data.get("class_label")
    if label and reading.label and label != reading.label:
        yield _correction(event, reading, Correction.Kind.CLASS, reading.label, label)
    if "item" in data and data["item"] != reading.item_code:
        yield _correction(event, reading, Correction.Kind.ITEM, reading.item_code, data["item"] or "")
    if reading.automatic and _given_back(event):
        before, after = str(data.get("agency_before") or ""), str(event.ticket.agency_id or "")
        yield _correction(event, reading, Correction.Kind.UNIT, before, after)


def _given_back(event: TicketEvent) -> bool:
    """Return whether a dispatch was found to be wrong: the unit gave it back as not theirs."""
    if event.action == "case_returned":
        return True
    theirs = event.data.get("cause", "not_ours") in ("not_ours", "needs_others")
    return event.action == "review_return" and bool(event.data.get("approve")) and theirs


def _correction(event: TicketEvent, reading: TicketReading, kind: str, was: str, now: str) -> Correction:
    return Correction(
        ticket_id=event.ticket_id,
        event=event,
        kind=kind,
        label=reading.label,
        was=was[:60],
        now=now[:60],
        automatic=reading.automatic,
        at=event.at,
        by_id=event.actor_id,
    )
