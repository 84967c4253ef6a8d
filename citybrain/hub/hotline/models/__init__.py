"""What the hotline keeps: tickets and what happened to them; lines and callers; readings; topics; knowledge."""

from citybrain.hub.hotline.models.caller import Caller, CallerMark, FoldedMessage, Storm
from citybrain.hub.hotline.models.ticket import (
    CallBack,
    QualityCheck,
    Ticket,
    TicketClock,
    TicketContact,
    TicketEvent,
    TicketUnit,
)

__all__ = [
    "CallBack",
    "Caller",
    "CallerMark",
    "FoldedMessage",
    "QualityCheck",
    "Storm",
    "Ticket",
    "TicketClock",
    "TicketContact",
    "TicketEvent",
    "TicketUnit",
]
