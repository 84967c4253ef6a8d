"""Every change of a ticket. `receive` opens one; `take` takes any step of the lifecycle table.

Each action: who may → change → history row, clocks, ledger row and notice, in one transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.message import Message, Receipt
from citybrain.hub.hotline.states import State


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step taken: the ticket after it, with its version and state."""

    ticket_id: int
    number: str
    version: int
    state: State
    step: str


def receive(actor: Actor, message: Message, *, now: datetime | None = None) -> Receipt:
    """Return the receipt of a new ticket, or of the one that the same message opened before.

    Raises BadInput, Forbidden.
    """
    raise NotImplementedError


def take(
    actor: Actor,
    ticket_id: int,
    step: str,
    given: Mapping[str, Any] | None = None,
    *,
    seen_version: int | None = None,
    owner_code: str = "",
    now: datetime | None = None,
) -> Outcome:
    """Return the outcome of a step. `seen_version`: the version the person had on the screen.

    Raises NotFound, Forbidden, Conflict (somebody was faster: who and when), NotNow (why), BadInput.
    """
    raise NotImplementedError
