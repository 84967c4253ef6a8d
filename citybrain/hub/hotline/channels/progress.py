"""A ticket as the person who spoke sees it: plain words, dates, the answer; never an officer's name.

It opens to whoever told it (signed in), with its query code, or with that of a message that was folded into it. A
folded message's code shows how far the matter is, and nothing that others said of it; nor does a ticket that was
merged into another person's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.access import owns
from citybrain.hub.hotline.classing import contact_of
from citybrain.hub.hotline.errors import NotFound
from citybrain.hub.hotline.lifecycle import TRANSITIONS, Transition
from citybrain.hub.hotline.merged import main_of
from citybrain.hub.hotline.models.caller import FoldedMessage
from citybrain.hub.hotline.models.ticket import Ticket, TicketEvent
from citybrain.hub.hotline.privacy import without_contact
from citybrain.hub.hotline.states import DONE, State

RECEIVED, IN_HAND, ANSWERED, ENDED, REFUSED = "received", "in_hand", "answered", "done", "refused"
SHOWN_ANSWERS = frozenset({"answer", "reply", "outside_reply", "case_replied"})
OPENING = frozenset({"receive", "received"})
OWN_STEPS = ("rate", "supplement", "withdraw")
_PHASE = {
    State.RECEIVED: RECEIVED,
    State.TO_DISPATCH: RECEIVED,
    State.ANSWERED_DIRECTLY: ANSWERED,
    State.REPLIED: ANSWERED,
    State.CALLING_BACK: ANSWERED,
    State.CONCLUDED: ENDED,
    State.ARCHIVED: ENDED,
    State.VOIDED: REFUSED,
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One dated line; `answer` is what the city told the caller, or what they said themselves (`mine`)."""

    at: datetime
    words: str
    answer: str
    mine: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """What the caller sees. `said` is their own message; `full` False: shown by a folded message's code.

    `main` is the ticket that the matter goes on with: the caller's own, or the one it was merged into.
    """

    ticket: Ticket
    main: Ticket
    phase: str
    headline: str
    said: str
    answer: str
    agency: str
    expected_at: datetime | None
    moments: tuple[Moment, ...]
    steps: tuple[Transition, ...]
    full: bool


def find(number: str, *, actor: Actor, query_code: str = "") -> tuple[Ticket, FoldedMessage | None]:
    """Return the ticket of a number for its caller, and the folded message whose code opened it.

    Raises NotFound, the same for an unknown number and a wrong code.
    """
    wanted = "".join(number.split()).replace("-", "").upper()[:20]
    ticket = Ticket.objects.select_related("agency", "duplicate_of").filter(number=wanted).first()
    if ticket is None:
        raise NotFound
    code = query_code.strip().upper()
    if owns(actor, ticket) or (code and constant_time_compare(code, ticket.query_code)):
        return ticket, None
    if code:
        folded = FoldedMessage.objects.filter(ticket=ticket, query_code=code).first()
        if folded is not None:
            return ticket, folded
    raise NotFound


def progress(number: str, *, actor: Actor, query_code: str = "") -> Progress:
    """Return how far a ticket is, for its caller. Raises NotFound."""
    ticket, folded = find(number, actor=actor, query_code=query_code)
    main = main_of(ticket)
    full = folded is None
    history = list(TicketEvent.objects.filter(ticket=ticket).order_by("seq"))
    told = [_moment(event, main, full=full) for event in history]
    if main is not ticket:
        own = full and owns(actor, main)
        told += [_moment(event, main, full=own) for event in _since_merged(main, history)]
    state = State(main.state)
    moments = [moment for moment in told if moment is not None]
    answer = main.reply if _PHASE.get(state) in {ANSWERED, ENDED} else ""
    if folded is not None or (main is not ticket and not owns(actor, main)):
        hide = _hider(main)
        answer = hide(answer)
        moments = [
            moment if moment.mine else replace(moment, answer=hide(moment.answer)) for moment in moments
        ]
    return Progress(
        ticket=ticket,
        main=main,
        phase=_PHASE.get(state, IN_HAND),
        headline=headline(main),
        said=ticket.text if full else (folded.text if folded else ""),
        answer=answer,
        agency=main.outside or (str(main.agency) if main.agency_id is not None else ""),
        expected_at=main.due_at if state not in DONE and _PHASE.get(state, IN_HAND) == IN_HAND else None,
        moments=tuple(moments),
        steps=own_steps(ticket) if full else (),
        full=full,
    )


def _hider(main: Ticket) -> Callable[[str], str]:
    """Return what takes the caller of a ticket out of the answers that others read too."""
    name, phone = contact_of(main)
    return partial(without_contact, name=name, phone=phone)


def _since_merged(main: Ticket, history: list[TicketEvent]) -> list[TicketEvent]:
    """Return what happened to the main ticket since the caller's own was merged into it."""
    merged = [event.at for event in history if event.action == "merge"]
    found = TicketEvent.objects.filter(ticket=main).exclude(action__in=OPENING).order_by("seq")
    return list(found.filter(at__gte=merged[-1]) if merged else found)


def own_steps(ticket: Ticket) -> tuple[Transition, ...]:
    """Return what the caller may do with a ticket now."""
    state = State(ticket.state)
    may = (TRANSITIONS[key] for key in OWN_STEPS if key in TRANSITIONS)
    return tuple(one for one in may if state in one.sources and not (one.key == "rate" and ticket.rating))


def phase_of(ticket: Ticket) -> str:
    """Return received, in_hand, answered, done, or refused for what was withdrawn or voided."""
    return _PHASE.get(State(ticket.state), IN_HAND)


def headline(ticket: Ticket) -> str:
    """Return one plain sentence about where it stands."""
    phase = phase_of(ticket)
    if phase == REFUSED:
        return _("已撤销")
    if phase == ANSWERED:
        return _("已答复")
    if phase == ENDED:
        return _("已解决") if ticket.solved else _("已办结")
    return _("已收到") if phase == RECEIVED else _("正在办理")


def _moment(event: TicketEvent, main: Ticket, *, full: bool) -> Moment | None:
    """Return an event in the caller's words, None for what is the city's own business."""
    if event.action in OPENING:
        return Moment(event.at, _("您的反映已收到"), "", mine=True)
    transition = TRANSITIONS.get(event.action)
    if transition is None or transition.caller is None:
        return None
    mine = transition.by_owner
    if mine and not full:
        return None
    answer = ""
    if mine:
        answer = event.reason
    elif event.action in SHOWN_ANSWERS:
        answer = str(event.data.get("reply") or main.reply)
    return Moment(event.at, str(transition.caller), answer, mine=mine)


def mine(actor: Actor, limit: int = 50) -> list[Ticket]:
    """Return what a person told, newest first."""
    if actor.person_id is None:
        return []
    return list(Ticket.objects.filter(reporter_id=actor.person_id).order_by("-received_at", "-id")[:limit])
