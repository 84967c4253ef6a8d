"""When the clocks that lists show began: how much of the time is used up."""

from collections.abc import Iterable
from datetime import datetime

from citybrain.hub.hotline.models import TicketClock
from citybrain.hub.hotline.rows import TicketRow


def clock_starts(rows: Iterable[TicketRow]) -> dict[int, datetime]:
    """Return ticket id → start of the clock that lists show, for tickets that the reader was shown already."""
    shown = {(one.id, one.step) for one in rows if one.is_open and one.step and one.due_at is not None}
    if not shown:
        return {}
    running = TicketClock.objects.filter(ticket_id__in=[one for one, _step in shown], stopped_at=None)
    found = running.values_list("ticket_id", "step", "started_at")
    return {ticket: at for ticket, step, at in found if (ticket, step) in shown}
