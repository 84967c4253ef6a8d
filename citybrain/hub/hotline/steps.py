"""The next steps that this person may take on this ticket, in the order people use them, and why not others."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from citybrain.base.identity.access import Forbidden, why_not
from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline import guards
from citybrain.hub.hotline.access import require_step
from citybrain.hub.hotline.lifecycle import ORDER, TRANSITIONS, By, Transition
from citybrain.hub.hotline.models.ticket import Ticket

STYLE_ORDER = {"expected": 0, "plain": 1, "danger": 2}
ALWAYS_LAST = frozenset({"comment", "urge", "correct", "change_units", "set_contact"})


@dataclass(frozen=True, slots=True)
class NextStep:
    """One button. `expected` is the filled one."""

    transition: Transition
    expected: bool

    @property
    def key(self) -> str:
        return self.transition.key

    @property
    def label(self) -> str:
        return str(self.transition.label)


def next_steps(
    actor: Actor, ticket: Ticket, *, owner_proof: bool = False, now: datetime | None = None
) -> list[NextStep]:
    """Return exactly the steps the actor may take now; at most the first is `expected`."""
    moment = now or timezone.now()
    allowed = [
        transition
        for transition in TRANSITIONS.values()
        if ticket.state in transition.sources
        and transition.by is not By.SYSTEM
        and _may(actor, transition, ticket, owner_proof)
        and not guards.why_not_now(transition.key, ticket, moment)
    ]
    allowed.sort(key=_place)
    return [NextStep(one, place == 0 and one.style == "expected") for place, one in enumerate(allowed)]


def blocked_steps(actor: Actor, ticket: Ticket, *, now: datetime | None = None) -> list[tuple[str, str]]:
    """Return (label, reason) of the steps this state has but this person can't take: "为什么不能操作"."""
    moment = now or timezone.now()
    told: list[tuple[str, str]] = []
    for transition in TRANSITIONS.values():
        if ticket.state not in transition.sources or transition.by in {By.SYSTEM, By.OWNER}:
            continue
        may = _may(actor, transition, ticket, owner_proof=False)
        reason = guards.why_not_now(transition.key, ticket, moment) if may else ""
        if not may and actor.may(transition.permission):
            reason = why_not(actor, transition.permission, ticket)
        if reason:
            told.append((str(transition.label), reason))
    return told


def _may(actor: Actor, transition: Transition, ticket: Ticket, owner_proof: bool) -> bool:
    try:
        require_step(actor, transition, ticket, owner_proof)
    except Forbidden:
        return False
    return True


def _place(transition: Transition) -> tuple[bool, int, int]:
    return (transition.key in ALWAYS_LAST, STYLE_ORDER[transition.style], ORDER[transition.key])
