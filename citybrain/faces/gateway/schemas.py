"""The types of the API. Times are ISO 8601 with a zone, points WGS-84 degrees, codes as in the code tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Field, Schema
from pydantic import ConfigDict, field_validator

from citybrain.hub.cases.intake import DESCRIPTION_MOST


class Strict(Schema):
    """Unknown fields are refused, so that a misspelt one is not lost; texts lose the zero sign, which none can hold."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _without_zeros(cls, value: Any) -> Any:
        return value.replace("\x00", "") if isinstance(value, str) else value


class ReportIn(Strict):
    """One report. Either a point or the code of an area; `submission_key` makes a repeat harmless."""

    description: str = Field(min_length=1, max_length=DESCRIPTION_MOST)
    source: str = Field("02", description="事件来源: 01 网格员 … 10 模型预警")
    lon: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)
    area: str = Field("", max_length=15, description="code of an area, for reports without a point")
    address: str = Field("", max_length=200)
    item: str = Field("", pattern=r"^(\d{6})?$", description="事项编码; empty: the acceptor decides")
    urgent: bool = False
    contact_name: str = Field("", max_length=60)
    contact_phone: str = Field("", pattern=r"^[0-9+ -]{0,20}$")
    contact_shared: bool = Field(False, description="the handler may call back")
    submission_key: UUID | None = None
    external_ref: str | None = Field(None, max_length=80, description="your own number of it; unique")
    photos: list[UUID] = Field(default_factory=list, max_length=9)


class ReceiptOut(Schema):
    number: str
    query_code: str
    created: bool


class StepIn(Strict):
    """`inputs` as the step's needs say (see `steps` of the case); `version`: the one you saw."""

    inputs: dict[str, Any] = Field(default_factory=dict)
    version: int | None = None


class OutcomeOut(Schema):
    number: str
    version: int
    state: str


class NeedOut(Schema):
    name: str
    kind: str
    label: str
    required: bool
    choices: list[tuple[str, str]]
    photos: list[str]


class StepOut(Schema):
    key: str
    label: str
    expected: bool
    needs: list[NeedOut]


class CaseOut(Schema):
    """A row of a list. `state` is the code of the state, `due_at` null where no clock runs."""

    number: str
    version: int
    state: str
    state_label: str
    source: str
    item: str
    item_name: str
    urgent: bool
    description: str
    address: str
    lon: float | None
    lat: float | None
    areas: list[str]
    agency: str
    reported_at: datetime
    changed_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    on_time: bool | None
    solved: bool | None
    rating: int | None


class PageOut(Schema):
    rows: list[CaseOut]
    next_offset: int | None


class EventOut(Schema):
    seq: int
    action: str
    label: str
    state: str
    at: datetime
    who: str
    agency: str
    reason: str
    clock: str


class DetailOut(Schema):
    case: CaseOut
    due_because: list[str]
    steps: list[StepOut]
    blocked: list[tuple[str, str]]
    events: list[EventOut]
    photos: list[UUID]


class PhotoOut(Schema):
    token: UUID
    width: int
    height: int


class ProgressMoment(Schema):
    at: datetime
    words: str
    answer: str


class ProgressOut(Schema):
    number: str
    phase: str
    headline: str
    agency: str
    expected_at: datetime | None
    moments: list[ProgressMoment]


class WrongOut(Schema):
    field: str
    message: str


class ErrorOut(Schema):
    """`code` is for machines, `message` for the person, `field` names the input that is wrong.

    Where several inputs are wrong `problems` names each.
    """

    code: str
    message: str
    field: str = ""
    ask: str = ""
    problems: list[WrongOut] = Field(default_factory=list)


class ItemOut(Schema):
    code: str
    name_zh: str
    name_en: str
    class_code: str
    subclass_code: str
    urgent: bool
    accept_limit: str
    disposal_limit: str


class AreaOut(Schema):
    code: str
    name: str
    name_en: str
    level: int


class MeOut(Schema):
    name: str
    kind: str
    roles: list[str]
    permissions: list[str]
