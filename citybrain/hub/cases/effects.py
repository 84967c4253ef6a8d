"""What a step changes on a case, besides its state and its clock. Pure: no database, the case in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citybrain.base.identity.actor import Actor
from citybrain.hub.cases import items
from citybrain.hub.cases.models import Case, CaseClock
from citybrain.hub.cases.states import TERMINAL, State


@dataclass(slots=True)
class Change:
    """A step being taken: the case in memory, who acts, when, with what, and the clock that ran."""

    case: Case
    actor: Actor
    now: datetime
    inputs: dict[str, Any]
    clock: CaseClock | None


Effect = Callable[[Change], None]


def _file(change: Change) -> None:
    item = items.index().by_code[change.inputs["item"]]
    change.case.item = item
    change.case.urgent = change.case.urgent or item.urgent
    change.case.filed_at = change.now


def _dispatch(change: Change) -> None:
    change.case.agency_id = change.inputs["agency"]
    change.case.handler_id = None
    change.case.dispatched_at = change.now
    change.case.accepted_at = change.case.handled_at = None


def _accept(change: Change) -> None:
    change.case.handler_id = change.actor.person_id
    change.case.accepted_at = change.now


def _return(change: Change) -> None:
    change.case.return_count += 1
    change.case.agency_id = change.case.handler_id = None


def _feedback(change: Change) -> None:
    change.case.handled_at = change.now
    change.case.checked_at = None


def _pass_check(change: Change) -> None:
    change.case.checked_at = change.now
    change.case.solved = change.inputs["solved"]


def _rework(change: Change) -> None:
    change.case.rework_count += 1
    change.case.solved = False
    change.case.handled_at = change.case.checked_at = change.case.closed_at = None
    change.case.rating = change.case.rated_at = None


def _close(change: Change) -> None:
    change.case.closed_at = change.now
    if "solved" in change.inputs:
        change.case.solved = change.inputs["solved"]


def _end(change: Change) -> None:
    change.case.closed_at = change.now


def _self_handle(change: Change) -> None:
    change.case.closed_at = change.case.handled_at = change.now
    change.case.solved = True
    change.case.handler_id = change.actor.person_id


def _refile(change: Change) -> None:
    change.case.closed_at = change.case.solved = change.case.rating = change.case.rated_at = None


def _suspend(change: Change) -> None:
    change.case.suspended_until = change.inputs["until"]


def _resume(change: Change) -> None:
    change.case.suspended_until = None


def _supervise(change: Change) -> None:
    change.case.supervised = True


def _urge(change: Change) -> None:
    change.case.urge_count += 1


def _rate(change: Change) -> None:
    change.case.rating = change.inputs["rating"]
    change.case.rated_at = change.now


EFFECTS: dict[str, Effect] = {
    "self_handle": _self_handle,
    "file": _file,
    "reject": _end,
    "merge": _end,
    "cancel": _end,
    "withdraw": _end,
    "dispatch": _dispatch,
    "redispatch": _dispatch,
    "reassign": _dispatch,
    "designate": _dispatch,
    "accept": _accept,
    "return": _return,
    "suspend": _suspend,
    "resume": _resume,
    "feedback": _feedback,
    "pass_check": _pass_check,
    "rework": _rework,
    "close": _close,
    "force_close": _close,
    "reopen": _rework,
    "challenge": _rework,
    "refile": _refile,
    "appeal": _refile,
    "supervise": _supervise,
    "urge": _urge,
    "rate": _rate,
}


def apply(key: str, change: Change) -> None:
    """Change the case as the step says, and keep `is_open` true to its state."""
    effect = EFFECTS.get(key)
    if effect is not None:
        effect(change)
    change.case.is_open = State(change.case.state) not in TERMINAL
