"""One row of a work list, with its names filled in from tables kept in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import get_language

from citybrain.base.areas.tree import tree
from citybrain.base.identity.agencies import agency_by_id
from citybrain.hub.cases import items
from citybrain.hub.cases.states import STAGE_OF, Source, State

NAMES = (
    "id", "number", "version", "state", "is_open", "source", "item_id", "urgent", "description", "address", "lon",
    "lat", "district_id", "street_id", "community_id", "grid_id", "agency_id", "handler_id", "reported_at",
    "changed_at", "closed_at", "step", "due_at", "on_time", "solved", "rating", "return_count", "rework_count",
    "urge_count", "report_count", "supervised", "escalation",
)  # fmt: skip
COLUMNS = ", ".join(f"c.{name}" for name in NAMES)
EXCERPT = 80


@dataclass(frozen=True, slots=True)
class CaseRow:
    """What a list shows of a case. Times are aware; names are in the reader's language."""

    id: int
    number: str
    version: int
    state: State
    is_open: bool
    source: Source
    item_id: int | None
    urgent: bool
    description: str
    address: str
    lon: float | None
    lat: float | None
    district_id: int | None
    street_id: int | None
    community_id: int | None
    grid_id: int | None
    agency_id: int | None
    handler_id: int | None
    reported_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    step: int | None
    due_at: datetime | None
    on_time: bool | None
    solved: bool | None
    rating: int | None
    return_count: int
    rework_count: int
    urge_count: int
    report_count: int
    supervised: bool
    escalation: int

    @property
    def excerpt(self) -> str:
        """The first words of the description, on one line."""
        line = " ".join(self.description.split())
        return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"

    @property
    def item_name(self) -> str:
        item = items.index().by_id.get(self.item_id or 0)
        return item.name if item else ""

    @property
    def item_code(self) -> str:
        item = items.index().by_id.get(self.item_id or 0)
        return item.code if item else ""

    @property
    def agency_name(self) -> str:
        return _agency_name(self.agency_id)

    @property
    def area_names(self) -> list[str]:
        """District, street, community, grid: those that are known."""
        return area_names((self.district_id, self.street_id, self.community_id, self.grid_id))

    @property
    def state_label(self) -> str:
        return str(self.state.label)

    @property
    def source_label(self) -> str:
        return str(self.source.label)

    @property
    def stage_label(self) -> str:
        return str(STAGE_OF[self.state].label)


def _agency_name(agency_id: int | None) -> str:
    agency = agency_by_id(agency_id) if agency_id is not None else None
    if agency is None:
        return ""
    return (agency.name_en if (get_language() or "").startswith("en") else "") or agency.name


def area_names(ids: Iterable[int | None]) -> list[str]:
    """Return the names of areas in the reader's language, unknown ones left out."""
    english = (get_language() or "").startswith("en")
    known = tree()
    nodes = [known.get(one) for one in ids if one is not None]
    return [(node.name_en if english else "") or node.name for node in nodes]


def rows_from(values: Iterable[Sequence[Any]]) -> list[CaseRow]:
    """Return rows for tuples of COLUMNS."""
    return [
        CaseRow(**{**dict(zip(NAMES, one, strict=True)), "state": State(one[3]), "source": Source(one[5])})
        for one in values
    ]
