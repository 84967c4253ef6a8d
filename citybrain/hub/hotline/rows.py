"""One row of a list of tickets, with its names filled in from tables kept in memory. It holds no caller."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citybrain.base.identity.agencies import agency_by_id
from citybrain.hub.cases import items
from citybrain.hub.cases.rows import area_names
from citybrain.hub.hotline.states import Channel, Kind, State, Step, Urgency

NAMES = (
    "id", "number", "version", "state", "is_open", "channel", "kind", "urgency", "item_code", "class_label",
    "title", "plain", "place_text", "lon", "lat", "district_id", "street_id", "community_id", "grid_id",
    "agency_id", "co_agencies", "suggested_agency_id", "outside", "case_id", "topic_id", "dispatches",
    "return_count", "redo_count", "urge_count", "call_count", "received_at", "changed_at", "replied_at",
    "concluded_at", "call_after", "step", "due_at", "on_time", "solved", "rating", "needs_person",
    "person_reason", "flags", "sentiment", "escalation", "duplicate_of_id",
)  # fmt: skip
PREVIEW = 400  # characters of a message that a list carries
COLUMNS = ", ".join(f"left(t.plain, {PREVIEW})" if name == "plain" else f"t.{name}" for name in NAMES)
EXCERPT = 80


@dataclass(frozen=True, slots=True)
class TicketRow:
    """What a list shows of a ticket. Times are aware; names are in the reader's language; no caller, no number."""

    id: int
    number: str
    version: int
    state: State
    is_open: bool
    channel: Channel
    kind: str
    urgency: Urgency
    item_code: str
    class_label: str
    title: str
    plain: str
    place_text: str
    lon: float | None
    lat: float | None
    district_id: int | None
    street_id: int | None
    community_id: int | None
    grid_id: int | None
    agency_id: int | None
    co_agencies: list[int]
    suggested_agency_id: int | None
    outside: str
    case_id: int | None
    topic_id: int | None
    dispatches: int
    return_count: int
    redo_count: int
    urge_count: int
    call_count: int
    received_at: datetime
    changed_at: datetime
    replied_at: datetime | None
    concluded_at: datetime | None
    call_after: datetime | None
    step: int | None
    due_at: datetime | None
    on_time: bool | None
    solved: bool | None
    rating: int | None
    needs_person: bool
    person_reason: str
    flags: list[str]
    sentiment: str
    escalation: int
    duplicate_of_id: int | None

    @property
    def excerpt(self) -> str:
        """The title, or the first words of the message, on one line."""
        line = " ".join((self.title or self.plain).split())
        return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"

    @property
    def item_name(self) -> str:
        item = items.index().by_code.get(self.item_code)
        return item.name if item else ""

    @property
    def agency_name(self) -> str:
        return agency_name(self.agency_id) or self.outside

    @property
    def co_names(self) -> list[str]:
        return [agency_name(one) for one in self.co_agencies]

    @property
    def area_names(self) -> list[str]:
        """District, street, community, grid: those that are known."""
        return area_names((self.district_id, self.street_id, self.community_id, self.grid_id))

    @property
    def state_label(self) -> str:
        return str(self.state.label)

    @property
    def channel_label(self) -> str:
        return str(self.channel.label)

    @property
    def kind_label(self) -> str:
        return str(Kind(self.kind).label) if self.kind else ""

    @property
    def urgency_label(self) -> str:
        return str(self.urgency.label)

    @property
    def step_label(self) -> str:
        return str(Step(self.step).label) if self.step else ""


def agency_name(agency_id: int | None) -> str:
    """Return a unit's name in the reader's language, empty for none in force."""
    agency = agency_by_id(agency_id) if agency_id is not None else None
    return str(agency) if agency is not None else ""


def rows_from(values: Iterable[Sequence[Any]]) -> list[TicketRow]:
    """Return rows for tuples of COLUMNS."""
    rows = []
    for one in values:
        named = dict(zip(NAMES, one, strict=True))
        named["state"], named["channel"] = State(named["state"]), Channel(named["channel"])
        named["urgency"] = Urgency(named["urgency"])
        rows.append(TicketRow(**named))
    return rows
