"""What a ticket is about: put right by a person, or filled in from reading where no person has said it."""

from typing import Any

from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.cases import contact as case_contact
from citybrain.hub.cases.models import Case
from citybrain.hub.hotline import limits, privacy
from citybrain.hub.hotline.callers.known import note_caller
from citybrain.hub.hotline.change import Change
from citybrain.hub.hotline.intake import RANKS
from citybrain.hub.hotline.models.ticket import Ticket, TicketContact
from citybrain.hub.hotline.states import Step, Urgency

PLAIN = {"kind": "kind", "class_label": "class_label", "complex": "is_complex", "item": "item_code"}
LINEAGE = ("city_id", "district_id", "street_id", "community_id", "grid_id")
LIMITED = frozenset({Step.FILING, Step.SIGNING, Step.RETURNING, Step.HANDLING, Step.REVIEWING})


def classify(change: Change) -> None:
    """Take over what a person decided; the running clocks get the limits that hold for it."""
    ticket, given = change.ticket, change.inputs
    for name, column in PLAIN.items():
        if name in given:
            _set(change, column, given[name])
    if "place" in given:
        _place(change, given["place"])
    _caller_wants(change)
    if "title" in given or "place_text" in given:
        _texts(change)
    if "urgency" in given:
        set_urgency(change, given["urgency"])
    elif "complex" in given:
        _limits(change)
    ticket.needs_person = False
    ticket.person_reason = ""


def _caller_wants(change: Change) -> None:
    """Take over whether the caller may be called by the unit; who wants to stay unknown never is."""
    ticket, given = change.ticket, change.inputs
    let_before = ticket.caller_shared
    _set(change, "is_secret", given.get("secret", ticket.is_secret))
    _set(change, "caller_shared", given.get("shared", ticket.caller_shared) and not ticket.is_secret)
    ticket.contact_needed = ticket.contact_needed and not ticket.is_secret
    if ticket.is_secret and given.get("secret"):
        for column in ("plain", "title", "place_text"):
            setattr(ticket, column, privacy.redact(getattr(ticket, column), secret=True))
    if ticket.caller_shared != let_before:
        _tell_cases(change)


def _tell_cases(change: Change) -> None:
    """Let the cases that the ticket opened know of its caller what the ticket allows now, and no more."""
    ticket = change.ticket
    name, phone = contact_of(ticket)
    known = case_contact.Contact(name, phone[:20]) if ticket.caller_shared else None

    def plain(text: str) -> str:
        return privacy.redact(text, name=name, phone=phone, secret=ticket.is_secret)

    for case_id in Case.objects.filter(number__in=ticket.extra.get("cases", [])).values_list("pk", flat=True):
        case_contact.put_right(SYSTEM, case_id, known, plain, change.now)


def read(change: Change) -> None:
    """Take over what was read: only where no person has said it, and urgency only upwards."""
    ticket, given = change.ticket, change.inputs
    for name, column in (("kind", "kind"), ("class_label", "class_label"), ("item", "item_code")):
        if given.get(name) and not getattr(ticket, column):
            _set(change, column, given[name])
    if given.get("place") and ticket.district_id is None:
        _place(change, given["place"])
    if given.get("place_text") and not ticket.place_text:
        _texts(change)
    if given.get("agency") and ticket.suggested_agency_id is None:
        ticket.suggested_agency_id = given["agency"]
    ticket.sentiment = given.get("sentiment", ticket.sentiment)
    if "needs_person" in given:
        ticket.needs_person = given["needs_person"]
        ticket.person_reason = change.reason[:300] if given["needs_person"] else ""
    if RANKS[Urgency(given.get("urgency", Urgency.GENERAL))] < ticket.rank:
        set_urgency(change, given["urgency"])
    ticket.read_at = change.now


def set_urgency(change: Change, urgency: str) -> None:
    """Give a ticket its urgency, and its running clocks the limits that go with it."""
    _set(change, "urgency", urgency)
    change.ticket.rank = RANKS[Urgency(urgency)]
    _limits(change)


def _limits(change: Change) -> None:
    changed = [
        clock.step
        for clock in change.clocks
        if clock.step in LIMITED and limits.set_limit(clock, change.ticket, change.now)
    ]
    if changed:
        change.facts["limits"] = changed


def _set(change: Change, column: str, value: Any) -> None:
    before = getattr(change.ticket, column)
    if before != value:
        change.facts.setdefault("before", {})[column] = before
        setattr(change.ticket, column, value)


def _place(change: Change, place: dict[str, Any]) -> None:
    for name, area_id in zip(LINEAGE, place["lineage"], strict=True):
        _set(change, name, area_id)
    _set(change, "lon", place.get("lon"))
    _set(change, "lat", place.get("lat"))


def _texts(change: Change) -> None:
    ticket = change.ticket
    name, phone = contact_of(ticket)
    for column in ("title", "place_text"):
        if column in change.inputs:
            told = privacy.redact(change.inputs[column], name=name, phone=phone, secret=ticket.is_secret)
            _set(change, column, told)


def set_contact(change: Change) -> None:
    """Put right who spoke; what others read of the ticket loses the new name and number, too."""
    ticket, given = change.ticket, change.inputs
    before_name, before_phone = contact_of(ticket)
    name, phone = given.get("name", before_name), given.get("phone", before_phone)
    TicketContact.objects.update_or_create(ticket_id=ticket.pk, defaults={"name": name, "phone": phone})
    if phone != before_phone:
        ticket.caller_id = note_caller(phone, change.now)
    for column in ("plain", "title", "place_text"):
        told = privacy.redact(getattr(ticket, column), name=name, phone=phone, secret=ticket.is_secret)
        setattr(ticket, column, told)
    change.facts["changed"] = [one for one in ("name", "phone") if one in given]
    _tell_cases(change)


def contact_of(ticket: Ticket) -> tuple[str, str]:
    """Return the caller's name and number, for taking them out of texts; never for showing."""
    found = TicketContact.objects.filter(ticket_id=ticket.pk).values_list("name", "phone").first()
    return found or ("", "")
