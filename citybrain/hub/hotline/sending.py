"""Sending a ticket to who handles it: by a case, to a unit, to another line; back again; and by designation."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from citybrain.hub.cases import routing
from citybrain.hub.hotline import cases_of, limits, units
from citybrain.hub.hotline.change import Change
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.models.ticket import TicketEvent
from citybrain.hub.hotline.states import State, Step


def dispatch(change: Change) -> None:
    """Send a ticket on: by a case where it can be one and nobody says otherwise, else to the unit itself."""
    ticket, given = change.ticket, change.inputs
    if "complex" in given:
        ticket.is_complex = given["complex"]
    by_case = given.get("by_case", cases_of.is_possible(ticket))
    _leave(change)
    if cases_of.is_open(ticket):
        cases_of.send(ticket, given.get("agency"), change.now)
    elif by_case:
        if not cases_of.is_possible(ticket):
            raise BadInput(_("按事项立案须先填写事项和位置，且诉求类型为求助、投诉或举报。"), "by_case")
        cases_of.open_for(ticket, given.get("agency"), change.now)
    else:
        ticket.case_id = None
        _to_unit(change, given.get("agency") or ticket.suggested_agency_id)
    _sent(change)


def designate(change: Change) -> None:
    """Send a ticket to the unit that the hotline designates; it can't be returned."""
    ticket, agency_id = change.ticket, change.inputs["agency"]
    _leave(change)
    if cases_of.is_open(ticket):
        cases_of.send(ticket, agency_id, change.now, step="designate", reason=change.reason)
    elif ticket.case_id is None and cases_of.is_possible(ticket):
        cases_of.open_for(ticket, agency_id, change.now)
    else:
        ticket.case_id = None
        _to_unit(change, agency_id)
    _sent(change)
    ticket.designated = True


def _leave(change: Change) -> None:
    change.ticket.outside = ""
    change.ticket.designated = False


def _to_unit(change: Change, agency_id: int | None) -> None:
    ticket = change.ticket
    if agency_id is None:
        raise BadInput(_("请选择主办单位。"), "agency")
    ticket.agency_id = agency_id
    if ticket.item_code and ticket.district_id is not None:
        routing.count(ticket.item_code, ticket.district_id, agency_id, returned=False, now=change.now)


def _sent(change: Change) -> None:
    """Write down what any way of sending leaves: units, times, count."""
    ticket, given = change.ticket, change.inputs
    units.set_lead(ticket, ticket.agency_id, change.now, "sent_elsewhere")
    if "co" in given:
        units.set_co(ticket, given["co"], change.now, "taken_off")
    ticket.contact_needed = bool(given.get("contact", False)) and not ticket.is_secret
    ticket.flags = [flag for flag in ticket.flags if flag != "contact_asked"]
    ticket.dispatches += 1
    ticket.dispatched_at = change.now
    ticket.filed_at = ticket.filed_at or change.now
    ticket.accepted_at = ticket.replied_at = ticket.sign_on_time = None
    ticket.needs_person = False
    ticket.person_reason = ""
    change.facts |= {"to": ticket.agency_id, "case": ticket.case_id, "dispatches": ticket.dispatches}


def hand_over(change: Change) -> None:
    """Send a ticket to another line or the police; `outside` says to whom."""
    ticket = change.ticket
    units.end_all(ticket, change.now, "handed_over")
    ticket.outside = change.inputs["to"]
    ticket.case_id = None
    ticket.dispatches += 1
    ticket.dispatched_at = change.now
    ticket.filed_at = ticket.filed_at or change.now
    ticket.needs_person = False


def take_back(change: Change) -> None:
    change.facts["outside"] = change.ticket.outside
    change.ticket.outside = ""


def request_return(change: Change) -> None:
    change.facts["asked_from"] = int(change.from_state)


def review_return(change: Change) -> None:
    """Take a ticket back from its unit, or leave it there where the request found it."""
    ticket = change.ticket
    asked = _asked(ticket.pk, "return")
    if not change.inputs["approve"]:
        ticket.state = State(asked.get("asked_from", State.ACCEPTED))
        return
    change.facts |= {"agency_before": ticket.agency_id, "cause": asked.get("cause", "")}
    if ticket.item_code and ticket.district_id is not None and ticket.agency_id is not None:
        routing.count(ticket.item_code, ticket.district_id, ticket.agency_id, returned=True, now=change.now)
    ticket.state = State.TO_DISPATCH
    ticket.return_count += 1
    units.end_all(ticket, change.now, "returned")
    ticket.suggested_agency_id = asked.get("suggest")
    ticket.accepted_at = None
    ticket.contact_needed = False


def review_extension(change: Change) -> None:
    """Give the unit the time it asked for, or not; its limit runs on from where it waited."""
    handling = next((clock for clock in change.clocks if clock.step == Step.HANDLING), None)
    asked = _asked(change.ticket.pk, "request_extension")
    if not change.inputs["approve"] or handling is None or "until" not in asked:
        return
    limits.resume(handling, change.now)
    limits.extend_until(handling, datetime.fromisoformat(asked["until"]), change.now, change.reason)
    change.ticket.extension_count += 1
    change.facts["until"] = handling.due_at.isoformat() if handling.due_at else None


def _asked(ticket_id: int, action: str) -> dict[str, Any]:
    """Return what a unit asked for last."""
    rows = TicketEvent.objects.filter(ticket_id=ticket_id, action=action).order_by("-seq")
    found: dict[str, Any] = rows.values_list("data", flat=True).first() or {}
    return found
