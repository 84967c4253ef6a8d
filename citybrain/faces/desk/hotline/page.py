"""The page of one ticket in the desk's words: the hotline's own page of it, its reading and what may be the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.hotline import readings
from citybrain.faces.desk.hotline.readings import Guess, Read
from citybrain.faces.desk.hotline.same import Same, same_of
from citybrain.faces.desk.hotline.shown import title_of
from citybrain.faces.look import words
from citybrain.hub.cases import routing
from citybrain.hub.cases.states import Rating
from citybrain.hub.hotline import contact, detail
from citybrain.hub.hotline.callers.looking import folded_into
from citybrain.hub.hotline.detail import EventView, UnitView
from citybrain.hub.hotline.errors import NotFound
from citybrain.hub.hotline.models import CallBack, Ticket
from citybrain.hub.hotline.states import Reached
from citybrain.hub.hotline.steps import NextStep
from citybrain.hub.steps.clocks import ClockView

ICONS: Final[Mapping[str, str]] = {
    "receive": "headset", "read": "wand", "file": "check", "answer": "message-2", "dispatch": "send",
    "designate": "send", "correct": "edit", "accept": "user-check", "handle": "message", "return": "arrow-back-up",
    "review_return": "gavel", "request_extension": "calendar", "review_extension": "gavel",
    "reply": "clipboard-check", "co_accept": "user-check", "co_reply": "clipboard-check", "co_return": "arrow-back-up",
    "change_units": "switch-horizontal", "ask_contact": "phone", "allow_contact": "gavel", "start_call": "phone-call",
    "call_back": "phone-call", "redo": "refresh", "conclude": "circle-check", "archive": "archive",
    "merge": "git-merge", "void": "circle-x", "hand_over": "send-2", "take_back": "arrow-back-up", "urge": "bell",
    "comment": "message", "supplement": "message", "withdraw": "arrow-back-up", "rate": "star",
    "add_message": "inbox", "merged_in": "git-merge", "case_replied": "clipboard-check",
    "set_contact": "user", "case_returned": "arrow-back-up", "remind": "bell", "escalate": "alarm",
}  # fmt: skip
FOLDED_SHOWN: Final = 20
EVENT_TONES: Final[Mapping[str, str]] = {
    "dispatch": "info", "designate": "info", "accept": "info", "answer": "normal", "reply": "normal",
    "conclude": "normal", "return": "late", "redo": "late", "review_return": "due_soon", "escalate": "late",
    "request_extension": "due_soon", "remind": "due_soon", "urge": "due_soon", "case_returned": "late",
    "case_replied": "normal", "call_back": "info", "void": "late",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClockLine:
    """One limit with its words and the reasons for it, a sentence a line."""

    step: str
    left: words.Left
    running: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One unit's part. `over`: it gave the ticket back, or the ticket was taken from it."""

    name: str
    role: str
    state: str
    tone: str
    sent_at: datetime
    reply: str
    over: bool
    is_lead: bool


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call back: whether the caller was reached, and the three answers in words."""

    at: datetime
    reached: str
    answers: tuple[tuple[str, str], ...]
    said: str


@dataclass(frozen=True, slots=True)
class Folded:
    """What came again and was folded into the ticket: how many, and the newest as (received at, words)."""

    count: int
    lines: tuple[tuple[datetime, str], ...]


@dataclass(frozen=True, slots=True)
class TicketPage:
    """What one reader sees of one ticket."""

    known: detail.TicketPage
    title: str
    events: tuple[dict[str, Any], ...]
    clocks: tuple[ClockLine, ...]
    started: datetime | None
    units: tuple[UnitLine, ...]
    calls: tuple[CallLine, ...]
    read: Read | None
    guesses: tuple[Guess, ...]
    same: tuple[Same, ...]
    folded: Folded | None

    @property
    def ticket(self) -> Ticket:
        return self.known.ticket

    @property
    def inside(self) -> bool:
        return self.known.inside

    @property
    def told(self) -> str:
        return self.known.text

    @property
    def steps(self) -> list[NextStep]:
        return self.known.steps

    @property
    def blocked(self) -> list[tuple[str, str]]:
        return self.known.blocked

    @property
    def contact(self) -> contact.Contact | None:
        return self.known.contact

    @property
    def candidates(self) -> tuple[routing.Candidate, ...]:
        return self.known.candidates

    @property
    def notes(self) -> tuple[str, ...]:
        return self.known.notes


def visible_ticket(actor: Actor, number: str) -> Ticket:
    """Return a ticket by its number. Raises NotFound for one that the actor may not see."""
    found = Ticket.objects.visible_to(actor).filter(number=number[:20]).first()
    if found is None:
        raise NotFound
    return found


def ticket_page(actor: Actor, number: str, now: datetime | None = None) -> TicketPage:
    """Return the page of a ticket by its number. Raises NotFound for one that the actor may not see."""
    moment = now or timezone.now()
    known = detail.ticket_page(actor, number[:20])
    ticket = known.ticket
    read = readings.reading_of(ticket) if known.inside else None
    return TicketPage(
        known=known,
        title=title_of(ticket),
        events=tuple(_event(one) for one in reversed(known.events) if known.inside or one.action != "read"),
        clocks=tuple(_clock(one, moment) for one in reversed(known.clocks)),
        started=next((one.started_at for one in known.running if one.step == ticket.step), None),
        units=tuple(_unit(one) for one in known.units),
        calls=tuple(_call(one) for one in known.calls),
        read=read,
        guesses=read.guesses if read else (),
        same=same_of(actor, ticket) if known.inside and ticket.is_open else (),
        folded=_folded(actor, ticket) if known.inside else None,
    )


def _folded(actor: Actor, ticket: Ticket) -> Folded | None:
    count, newest = folded_into(actor, ticket.pk, FOLDED_SHOWN)
    lines = tuple((one.received_at, one.text or one.title) for one in newest)
    return Folded(count, lines) if count else None


def _event(event: EventView) -> dict[str, Any]:
    """Return a history row as look's timeline draws it."""
    who = [event.who, event.role, event.agency]
    if event.on_behalf:
        who.append(_("代%(name)s") % {"name": event.on_behalf})
    return {
        "what": event.label,
        "who": " · ".join(filter(None, who)),
        "at": event.at,
        "tone": EVENT_TONES.get(event.action, "quiet"),
        "icon": ICONS.get(event.action, "point"),
        "why": event.reason or event.reply,
        "clock": _("；").join(event.clocks),
    }


def _clock(clock: ClockView, now: datetime) -> ClockLine:
    left = words.left(
        clock.due_at,
        now,
        started=clock.started_at,
        paused=clock.paused,
        done=not clock.running,
        on_time=clock.on_time,
    )
    return ClockLine(str(clock.step.label), left, clock.running, clock.lines)


def _unit(unit: UnitView) -> UnitLine:
    row = unit.row
    if row.ended_at is not None:
        state, tone = _("已退出"), "quiet"
    elif row.replied_at is not None:
        state, tone = _("已答复"), "normal"
    elif row.accepted_at is not None:
        state, tone = _("已接收"), "info"
    else:
        state, tone = _("待接收"), "due_soon"
    return UnitLine(
        unit.agency,
        _("主办") if unit.is_lead else _("协办"),
        state,
        tone,
        row.sent_at,
        row.reply,
        row.ended_at is not None,
        unit.is_lead,
    )


def _call(call: CallBack) -> CallLine:
    answers = []
    for label, value, yes, no in (
        (_("单位联系"), call.contacted, _("联系过"), _("没有联系")),
        (_("问题解决"), call.solved, _("已解决"), _("未解决")),
    ):
        if value is not None:
            answers.append((label, yes if value else no))
    if call.rating:
        answers.append((_("满意程度"), str(Rating(call.rating).label)))
    return CallLine(call.at, str(Reached(call.reached).label), tuple(answers), call.said)
