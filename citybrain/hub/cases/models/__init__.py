"""Shape and invariants of items, cases, their history, clocks, photos and routes."""

from citybrain.hub.cases.models.case import Case, CaseContact, Outbox
from citybrain.hub.cases.models.history import CaseClock, CaseEvent
from citybrain.hub.cases.models.item import Item
from citybrain.hub.cases.models.photo import CasePhoto, CasePhotoPlace
from citybrain.hub.cases.models.route import RouteRecord

__all__ = [
    "Case",
    "CaseClock",
    "CaseContact",
    "CaseEvent",
    "CasePhoto",
    "CasePhotoPlace",
    "Item",
    "Outbox",
    "RouteRecord",
]
