"""The queue of callers to ring back, the most urgent first."""

from datetime import datetime
from typing import Any, Final

from django.urls import reverse

from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.hotline.shown import ticket_row
from citybrain.hub.hotline import lists
from citybrain.hub.hotline.filters import Filters

TO_CALL: Final = "to_call"


def queue_rows(actor: Actor, now: datetime) -> tuple[list[dict[str, Any]], int]:
    """Return the first rows of the queue, each leading to its call, and how many there are. Two queries."""
    found = lists.page(actor, TO_CALL, Filters()).rows
    total = len(found) if len(found) < lists.PAGE else lists.total(actor, TO_CALL, Filters())
    rows = [ticket_row(one, now, url=reverse("desk:hotline_callback", args=[one.number])) for one in found]
    return rows, total


def first_numbers(actor: Actor, most: int = 2) -> list[str]:
    """Return the numbers of the first tickets of the queue."""
    return [one.number for one in lists.page(actor, TO_CALL, Filters(), limit=most).rows]
