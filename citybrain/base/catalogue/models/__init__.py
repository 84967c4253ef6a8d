"""Shape and invariants of data sets, the three lists, requests and grants."""

from citybrain.base.catalogue.models.dataset import (
    DataSet,
    DataSetState,
    OpenType,
    Revision,
    RevisionState,
    ShareType,
    UpdateCycle,
)
from citybrain.base.catalogue.models.lending import DeliveryMode, Grant, Request, RequestState
from citybrain.base.catalogue.models.lists import Demand, Supply, SupplyMode, System, TaskItem
from citybrain.base.catalogue.models.traces import CatalogueImport, Event, Measure

__all__ = [
    "CatalogueImport",
    "DataSet",
    "DataSetState",
    "DeliveryMode",
    "Demand",
    "Event",
    "Grant",
    "Measure",
    "OpenType",
    "Request",
    "RequestState",
    "Revision",
    "RevisionState",
    "ShareType",
    "Supply",
    "SupplyMode",
    "System",
    "TaskItem",
    "UpdateCycle",
]
