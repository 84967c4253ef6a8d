"""Everything the page of one ticket shows, read through the reader's rights in a fixed number of queries.

For anyone but the hotline's own people and the caller themselves it holds no whole message, no caller, and a
history without numbers and names.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import SYSTEM, Actor
from citybrain.hub.cases import items, routing
from citybrain.hub.cases.detail import role_label
from citybrain.hub.cases.models import Item
from citybrain.hub.hotline import cases_of, classing, contact, limits, oddities, privacy, rows
from citybrain.hub.hotline.access import is_inside, owns
from citybrain.hub.hotline.errors import NotFound
from citybrain.hub.hotline.lifecycle import TRANSITIONS
from citybrain.hub.hotline.models.ticket import CallBack, Ticket, TicketClock, TicketEvent, TicketUnit
from citybrain.hub.hotline.readers.deciding import retold
from citybrain.hub.hotline.states import State, Step
from citybrain.hub.hotline.steps import NextStep, blocked_steps, next_steps
from citybrain.hub.steps.clocks import ClockView, clock_view, clock_words


@dataclass(frozen=True, slots=True)
class EventView:
    """One history row in words. `clocks` says what the clocks did, a sentence each."""

    seq: int
    action: str
    label: str
    state: State
    who: str
    role: str
    agency: str
    on_behalf: str
    at: datetime
    reason: str
    clocks: tuple[str, ...]
    reply: str


@dataclass(frozen=True, slots=True)
class UnitView:
    """One unit's part; `ended` is why it has none any more, empty while it has."""

    agency: str
    is_lead: bool
    row: TicketUnit
    ended: str


@dataclass(frozen=True, slots=True)
class TicketPage:
    """What one reader sees of one ticket. `text` is the whole message only for who may read it."""

    ticket: Ticket
    row: rows.TicketRow
    inside: bool
    text: str
    item: Item | None
    notes: tuple[str, ...]
    steps: list[NextStep]
    blocked: list[tuple[str, str]]
    events: tuple[EventView, ...]
    clocks: tuple[ClockView, ...]
    units: tuple[UnitView, ...]
    calls: tuple[CallBack, ...]
    contact: contact.Contact | None
    contact_why_not: str
    candidates: tuple[routing.Candidate, ...]
    case_number: str
    main_number: str
    merged: tuple[str, ...]

    @property
    def running(self) -> tuple[ClockView, ...]:
        return tuple(clock for clock in self.clocks if clock.running)


def ticket_page(actor: Actor, number: str, *, owner_code: str = "") -> TicketPage:
    """Return the page of a ticket by its number. Raises NotFound for one that the actor may not see."""
    found = Ticket.objects.select_related("agency", "duplicate_of", "case")
    seen = found.filter(query_code=owner_code) if owner_code else found.visible_to(actor)
    ticket = seen.filter(number=number).first()
    if ticket is None:
        raise NotFound
    inside = is_inside(actor, ticket)
    own = bool(owner_code) or owns(actor, ticket)
    hide = ("", "") if inside else classing.contact_of(ticket)
    history = list(TicketEvent.objects.filter(ticket=ticket).select_related("actor_agency", "on_behalf_of"))
    steps = next_steps(actor, ticket, owner_proof=own)
    text = ticket.text if inside or own else ticket.plain
    page = TicketPage(
        ticket=ticket,
        row=_row(ticket),
        inside=inside,
        text=text,
        item=items.index().by_code.get(ticket.item_code),
        notes=oddities.notes(tuple(ticket.flags)),
        steps=steps,
        blocked=[] if own and not inside else blocked_steps(actor, ticket),
        events=tuple(_event(event, None if inside else hide) for event in history),
        clocks=tuple(_clock(clock) for clock in TicketClock.objects.filter(ticket=ticket).order_by("id")),
        units=_units(ticket),
        calls=_calls(ticket, None if inside else hide),
        contact=contact.shown(actor, ticket),
        contact_why_not=contact.why_not(actor, ticket),
        candidates=candidates(ticket, history) if inside else (),
        case_number=ticket.case.number if ticket.case else "",
        main_number=ticket.duplicate_of.number if ticket.duplicate_of else "",
        merged=_merged(ticket) if inside else (),
    )
    if not inside and not own:
        _close(ticket)
    return page


def _close(ticket: Ticket) -> None:
    """Take from a ticket in memory what only the hotline reads: a template can't show what isn't there."""
    ticket.text, ticket.extra, ticket.query_code = ticket.plain, {}, ""
    ticket.caller_id = ticket.reporter_id = None


def ticket_id(actor: Actor, number: str) -> int:
    """Return the id of a ticket by its number. Raises NotFound for one that the actor may not see."""
    found = Ticket.objects.visible_to(actor).filter(number=number).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound
    return found


def candidates(ticket: Ticket, history: list[TicketEvent] | None = None) -> tuple[routing.Candidate, ...]:
    """Return the units to send a ticket to, best first, with reasons; who returned it comes last."""
    if not ticket.is_open:
        return ()
    events = history if history is not None else list(TicketEvent.objects.filter(ticket=ticket))
    barred = frozenset(
        event.data["agency_before"]
        for event in events
        if event.action in {"review_return", "case_returned"} and event.data.get("agency_before")
    )
    item = items.index().by_code.get(ticket.item_code)
    ranked = routing.choices(item, ticket.guard_lineage(), barred)
    suggested = ticket.suggested_agency_id
    first = [one for one in ranked if one.agency_id == suggested]
    return tuple(first + [one for one in ranked if one.agency_id != suggested])


def _row(ticket: Ticket) -> rows.TicketRow:
    values = [getattr(ticket, name) for name in rows.NAMES]
    values[rows.NAMES.index("plain")] = ticket.plain[: rows.PREVIEW]
    return rows.rows_from([values])[0]


def _units(ticket: Ticket) -> tuple[UnitView, ...]:
    return tuple(
        UnitView(rows.agency_name(one.agency_id), one.role == "lead", one, one.end_cause)
        for one in TicketUnit.objects.filter(ticket=ticket)
    )


def _calls(ticket: Ticket, hide: tuple[str, str] | None) -> tuple[CallBack, ...]:
    found = tuple(CallBack.objects.filter(ticket=ticket))
    for call in found:
        if hide is not None:
            call.said = privacy.redact(call.said, name=hide[0], phone=hide[1])
    return found


def _merged(ticket: Ticket) -> tuple[str, ...]:
    return tuple(
        Ticket.objects.filter(duplicate_of=ticket).order_by("id").values_list("number", flat=True)[:100]
    )


def _event(event: TicketEvent, hide: tuple[str, str] | None) -> EventView:
    reason, reply = event.reason, str(event.data.get("reply", ""))
    if hide is not None:
        reason = privacy.redact(reason, name=hide[0], phone=hide[1])
        reply = privacy.redact(reply, name=hide[0], phone=hide[1])
    return EventView(
        seq=event.seq,
        action=event.action,
        label=action_label(event.action),
        state=State(event.to_state),
        who=_who(event, hide),
        role=role_label(event.actor_role),
        agency=str(event.actor_agency) if event.actor_agency else "",
        on_behalf=event.on_behalf_of.name if event.on_behalf_of else "",
        at=event.at,
        reason=retold(reason),
        clocks=tuple(filter(None, (clock_words(told, Step) for told in event.data.get("clocks", [])))),
        reply=reply,
    )


def _who(event: TicketEvent, hide: tuple[str, str] | None) -> str:
    """Return who took a step; to a unit, the caller's own steps are nobody's but "the caller's"."""
    own = event.actor_agency_id is None and event.actor_id is not None and not event.actor_role
    if hide is not None and (own or event.actor_role == "citizen"):
        return _("来电人")
    return _("系统") if event.actor_name in {"", SYSTEM.name} else event.actor_name


def action_label(action: str) -> str:
    """Return an action's name in the reader's language."""
    transition = TRANSITIONS.get(action)
    if transition is not None:
        return str(transition.label)
    return {
        "receive": _("来件"),
        "remind": _("提醒"),
        "escalate": _("超时升级"),
        "merged_in": _("并入来件"),
    }.get(action, action)


def _clock(clock: TicketClock) -> ClockView:
    return clock_view(clock, Step(clock.step), limits.explain(clock, get_language() or "zh-hans"))


def case_possible(ticket: Ticket) -> bool:
    """Return whether dispatching would open a case by itself."""
    return cases_of.is_possible(ticket)
