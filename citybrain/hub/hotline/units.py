"""The units on a ticket: one lead, any co-handlers; what a unit gave back keeps its row."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _

from citybrain.hub.hotline import limits
from citybrain.hub.hotline.change import Change
from citybrain.hub.hotline.errors import BadInput, NotNow
from citybrain.hub.hotline.models.ticket import Ticket, TicketUnit
from citybrain.hub.hotline.states import Step, UnitRole


def set_lead(ticket: Ticket, agency_id: int | None, now: datetime, cause: str) -> None:
    """Give a ticket its lead; the lead before it keeps its row with the cause it ended by."""
    leads = TicketUnit.objects.filter(ticket_id=ticket.pk, ended_at=None)
    leads.filter(role=UnitRole.LEAD).exclude(agency_id=agency_id or 0).update(ended_at=now, end_cause=cause)
    ticket.agency_id = agency_id
    ticket.handler_id = None
    if agency_id is None:
        return
    ticket.co_agencies = [one for one in ticket.co_agencies if one != agency_id]
    leads.filter(agency_id=agency_id, role=UnitRole.CO).update(ended_at=now, end_cause="lead")
    made, fresh = TicketUnit.objects.get_or_create(
        ticket_id=ticket.pk,
        agency_id=agency_id,
        ended_at=None,
        defaults={"role": UnitRole.LEAD, "sent_at": now},
    )
    if not fresh:
        TicketUnit.objects.filter(pk=made.pk).update(sent_at=now, accepted_at=None, replied_at=None)


def set_co(ticket: Ticket, agencies: Iterable[int], now: datetime, cause: str) -> None:
    """Give a ticket its co-handlers; raises BadInput where the lead is among them."""
    wanted = list(dict.fromkeys(agencies))
    if ticket.agency_id in wanted:
        raise BadInput(_("主办单位不能同时为协办单位。"), "co")
    running = TicketUnit.objects.filter(ticket_id=ticket.pk, ended_at=None, role=UnitRole.CO)
    running.exclude(agency_id__in=wanted).update(ended_at=now, end_cause=cause)
    due = limits.new_clock(Step.HANDLING, ticket, now).due_at if wanted else None
    known = set(running.values_list("agency_id", flat=True)) if ticket.co_agencies else set()
    TicketUnit.objects.bulk_create(
        TicketUnit(ticket_id=ticket.pk, agency_id=one, role=UnitRole.CO, sent_at=now, due_at=due)
        for one in wanted
        if one not in known
    )
    ticket.co_agencies = wanted


def end_all(ticket: Ticket, now: datetime, cause: str) -> None:
    """Take a ticket from all its units."""
    TicketUnit.objects.filter(ticket_id=ticket.pk, ended_at=None).update(ended_at=now, end_cause=cause)
    ticket.agency_id = ticket.handler_id = None
    ticket.co_agencies = []


def mark_lead(ticket: Ticket, **values: object) -> None:
    """Write down on the lead's row what it did."""
    TicketUnit.objects.filter(ticket_id=ticket.pk, ended_at=None, role=UnitRole.LEAD).update(**values)


def co_accept(change: Change) -> None:
    row = _co_row(change)
    if row.accepted_at is not None:
        raise NotNow(_("本单位已接收协办。"))
    TicketUnit.objects.filter(pk=row.pk).update(accepted_at=change.now)


def co_reply(change: Change) -> None:
    row = _co_row(change)
    TicketUnit.objects.filter(pk=row.pk).update(
        reply=change.inputs["reply"], replied_at=change.now, accepted_at=row.accepted_at or change.now
    )


def co_return(change: Change) -> None:
    row = _co_row(change)
    if row.replied_at is not None:
        raise NotNow(_("本单位已提交协办意见，不能退出。"))
    TicketUnit.objects.filter(pk=row.pk).update(ended_at=change.now, end_cause=change.inputs["cause"])
    change.ticket.co_agencies = [one for one in change.ticket.co_agencies if one != row.agency_id]
    change.facts["agency"] = row.agency_id


def change_co(change: Change) -> None:
    before = list(change.ticket.co_agencies)
    set_co(change.ticket, change.inputs.get("co", []), change.now, "taken_off")
    handling = next((clock.due_at for clock in change.clocks if clock.step == Step.HANDLING), None)
    TicketUnit.objects.filter(ticket_id=change.ticket.pk, ended_at=None, role=UnitRole.CO).update(
        due_at=handling
    )
    change.facts["co_before"] = before


def _co_row(change: Change) -> TicketUnit:
    rows = TicketUnit.objects.filter(ticket_id=change.ticket.pk, ended_at=None, role=UnitRole.CO)
    row = rows.filter(agency_id=change.agency_id).first() if change.agency_id is not None else None
    if row is None:
        raise NotNow(_("本单位不是这张工单的协办单位。"))
    return row
