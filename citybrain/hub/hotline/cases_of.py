"""The case that a ticket opens: where the matter is one of the items and its place is known.

A case never holds who spoke, unless the caller lets the unit call them: it gets the ticket's `plain` text.
"""

from datetime import datetime

from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.cases import actions as cases
from citybrain.hub.cases import items, routing
from citybrain.hub.cases.errors import CaseError
from citybrain.hub.cases.intake import DESCRIPTION_MOST, Report
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.states import Source
from citybrain.hub.cases.states import State as CaseState
from citybrain.hub.hotline import classing, privacy
from citybrain.hub.hotline.errors import BadInput
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.states import CASE_KINDS, Urgency
from citybrain.hub.steps.inputs import TEXT_MOST

SENDABLE = {
    CaseState.PENDING_DISPATCH: "dispatch",
    CaseState.RETURNED: "redispatch",
    CaseState.PENDING_HANDLING: "reassign",
}


def is_possible(ticket: Ticket) -> bool:
    """Return whether the ticket can become a case: an item, a place, and something to be put right."""
    fits = not ticket.kind or ticket.kind in CASE_KINDS
    return fits and ticket.item_code in items.index().by_code and ticket.district_id is not None


def open_for(ticket: Ticket, agency_id: int | None, now: datetime) -> None:
    """Open the ticket's case, file it and send it to the body named, or to the first that routing finds."""
    try:
        receipt = cases.report(SYSTEM, _report(ticket), now=now)
        cases.take(SYSTEM, receipt.case_id, "file", {"item": ticket.item_code}, now=now)
    except (CaseError, Forbidden) as refused:
        raise BadInput(_("无法立案：%(why)s") % {"why": refused}, "by_case") from refused
    ticket.case_id = receipt.case_id
    ticket.extra = {**ticket.extra, "cases": [*ticket.extra.get("cases", []), receipt.number]}
    send(ticket, agency_id, now)


def _report(ticket: Ticket) -> Report:
    earlier = len(ticket.extra.get("cases", []))
    name, phone = classing.contact_of(ticket) if ticket.caller_shared else ("", "")
    placed = ticket.lon is not None and ticket.lat is not None
    lineage = [area_id for area_id in ticket.guard_lineage() if area_id is not None]
    text = (
        f"{ticket.title}\n{ticket.plain}"
        if ticket.title and ticket.title not in ticket.plain
        else ticket.plain
    )
    return Report(
        source=Source.HOTLINE,
        description=text[:DESCRIPTION_MOST],
        lon=ticket.lon if placed else None,
        lat=ticket.lat if placed else None,
        area_id=None if placed else lineage[-1],
        address=ticket.place_text[:200],
        item_code=ticket.item_code,
        urgent=ticket.urgency != Urgency.GENERAL,
        contact_name=name,
        contact_phone=phone[:20],
        contact_shared=bool(phone),
        external_ref=ticket.number if not earlier else f"{ticket.number}-{earlier + 1}",
        extra={"ticket": ticket.number},
    )


def send(ticket: Ticket, agency_id: int | None, now: datetime, *, step: str = "", reason: str = "") -> None:
    """Send the ticket's case to a body: the one named, or the first that routing finds; none: its dispatchers do."""
    case = Case.objects.select_related("item").get(pk=ticket.case_id or 0)
    step = step or SENDABLE.get(CaseState(case.state), "")
    chosen = agency_id or _first(case)
    if step and chosen is not None and not (step == "reassign" and chosen == case.agency_id):
        given = {"agency": chosen, **({"reason": _plain(ticket, reason)} if reason else {})}
        try:
            cases.take(SYSTEM, case.pk, step, given, now=now)
        except (CaseError, Forbidden) as refused:
            raise BadInput(_("案件无法派遣：%(why)s") % {"why": refused}, "agency") from refused
        case.refresh_from_db(fields=["version", "agency_id"])
    ticket.case_seq, ticket.agency_id = case.version, case.agency_id


def _first(case: Case) -> int | None:
    return routing.best(case.item, case.guard_lineage())


def do_over(ticket: Ticket, reason: str, now: datetime) -> bool:
    """Take the ticket's case up again; False where the case can't be (then the ticket has to be sent anew)."""
    case = Case.objects.filter(pk=ticket.case_id or 0).first()
    if case is None:
        return False
    step = {
        CaseState.HANDLED: "rework",
        CaseState.CHECKING: "rework",
        CaseState.CLOSED: "reopen",
        CaseState.FORCED_CLOSED: "reopen",
    }.get(CaseState(case.state))
    if step is None:
        return False
    try:
        outcome = cases.take(SYSTEM, case.pk, step, {"reason": _plain(ticket, reason)}, now=now)
    except CaseError:
        return False
    ticket.case_seq = outcome.version
    return True


def _plain(ticket: Ticket, reason: str) -> str:
    """Return a reason as the case's history may hold it: every handler reads that, so nobody who spoke is in it."""
    name, phone = classing.contact_of(ticket)
    return privacy.redact(reason, name=name, phone=phone, secret=ticket.is_secret)[:TEXT_MOST]


def is_open(ticket: Ticket) -> bool:
    """Return whether the ticket has a case that is still in hand."""
    return ticket.case_id is not None and Case.objects.filter(pk=ticket.case_id or 0, is_open=True).exists()
