"""A step being taken: the ticket in memory, who acts, when, with what, and the clocks that ran."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from citybrain.base.identity.actor import Actor
from citybrain.hub.cases.models import CaseEvent
from citybrain.hub.hotline.models.ticket import Ticket, TicketClock
from citybrain.hub.hotline.states import State


@dataclass(slots=True)
class Change:
    """`facts` go into the history row; `agency_id` is the unit for which the actor acts, None for the hotline.

    `case_event` is the case's step that the ticket follows, None for a step of the ticket's own.
    """

    ticket: Ticket
    actor: Actor
    now: datetime
    inputs: dict[str, Any]
    clocks: list[TicketClock]
    from_state: State
    agency_id: int | None = None
    case_event: CaseEvent | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        return str(self.inputs.get("reason", ""))


Effect = Callable[[Change], None]
