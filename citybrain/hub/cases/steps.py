"""The next steps that this person may take on this case, in the order people use them, and why not others."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden, why_not
from citybrain.base.identity.actor import Actor
from citybrain.hub.cases import guards
from citybrain.hub.cases.access import owns, require_step
from citybrain.hub.cases.lifecycle import ORDER, TRANSITIONS, Transition
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.states import State

STYLE_ORDER = {"expected": 0, "plain": 1, "danger": 2}
ALWAYS_LAST = frozenset({"comment", "attach", "urge"})


@dataclass(frozen=True, slots=True)
class NextStep:
    """One button. `expected` is the filled one; `why_not` is empty unless the step is blocked for now."""

    transition: Transition
    expected: bool
    why_not: str = ""

    @property
    def key(self) -> str:
        return self.transition.key

    @property
    def label(self) -> str:
        return str(self.transition.label)


def next_steps(
    actor: Actor, case: Case, *, owner_proof: bool = False, now: datetime | None = None
) -> list[NextStep]:
    """Return exactly the steps the actor may take now; at most the first is `expected`."""
    moment = now or timezone.now()
    allowed = [
        transition
        for transition in TRANSITIONS.values()
        if case.state in transition.sources
        and _may(actor, transition, case, owner_proof)
        and not guards.why_not_now(transition.key, case, moment)
    ]
    allowed.sort(key=_place)
    return [NextStep(one, place == 0 and one.style == "expected") for place, one in enumerate(allowed)]


def blocked_steps(actor: Actor, case: Case, *, now: datetime | None = None) -> list[tuple[str, str]]:
    """Return (label, reason) of the steps this state has but this person can't take: "为什么不能操作"."""
    moment = now or timezone.now()
    told: list[tuple[str, str]] = []
    for transition in TRANSITIONS.values():
        if case.state not in transition.sources or not transition.by_officer:
            continue
        reason = guards.why_not_now(transition.key, case, moment)
        if not reason and not _may(actor, transition, case, owner_proof=False):
            reason = why_not(actor, transition.permission, case)
        if reason:
            told.append((str(transition.label), reason))
    if not told and State(case.state) in {State.CANCELLED}:
        told.append((_("全部"), _("该案件已作废。")))
    return told


def _may(actor: Actor, transition: Transition, case: Case, owner_proof: bool) -> bool:
    if transition.by_owner and (owner_proof or owns(actor, case)):
        return True
    if not transition.by_officer:
        return False
    try:
        require_step(actor, transition, case)
    except Forbidden:
        return False
    return True


def _place(transition: Transition) -> tuple[bool, int, int]:
    return (transition.key in ALWAYS_LAST, STYLE_ORDER[transition.style], ORDER[transition.key])
