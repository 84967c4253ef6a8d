"""A message as it reaches the hotline, whatever the channel, and the receipt it is answered with."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from citybrain.hub.hotline.states import Channel

TEXT_MOST = 1_000_000  # characters kept of one message; a longer one is refused with both figures
TITLE_MOST = 200
NAME_MOST = 60
PHONE_MOST = 30
PLACE_MOST = 300


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody told the city. `shared`: the unit may call them; `secret`: they want to stay unknown.

    `external_ref` is the sender's own number, unique within its channel; `submission_key` names one sending of a
    form. Either one again gives the first receipt. `received_at` None: now. `kind`, `item_code`, `urgency`
    and `area_id` are what a person already decided; empty, they are read from the text.
    """

    channel: Channel | str
    text: str
    title: str = ""
    kind: str = ""
    phone: str = ""
    name: str = ""
    shared: bool = False
    secret: bool = False
    place_text: str = ""
    lon: float | None = None
    lat: float | None = None
    area_id: int | None = None
    item_code: str = ""
    urgency: str = ""
    external_ref: str | None = None
    submission_key: uuid.UUID | None = None
    received_at: datetime | None = None
    caller_id: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a message. `created` False: it had arrived before. `notes` say what is odd about it."""

    ticket_id: int
    number: str
    query_code: str
    created: bool
    notes: tuple[str, ...] = ()
