"""Tickets merged into one: which stands for a ticket, and whether others stand on it."""

from typing import Final

from citybrain.hub.hotline.models.caller import FoldedMessage
from citybrain.hub.hotline.models.link import HandOver
from citybrain.hub.hotline.models.ticket import Ticket

STEPS_MOST: Final = 20  # longer than any chain; a ring that a repair of the data left ends here


def main_of(ticket: Ticket) -> Ticket:
    """Return the ticket that stands for this one at the end of all mergers; itself where it was never merged."""
    main, seen = ticket, {ticket.pk}
    for _step in range(STEPS_MOST):
        after = main.duplicate_of
        if after is None or after.pk in seen:
            break
        main = after
        seen.add(main.pk)
    return main


def stand_for(main_id: int, merged_id: int) -> None:
    """Let what was merged into a ticket go on with the one that it is merged into itself."""
    merged = Ticket.objects.filter(duplicate_of_id=merged_id)
    # Whoever handed one of them over to us is told anew: the versions of two tickets don't compare.
    HandOver.objects.filter(ticket__in=merged, outgoing=False, ended_at=None).update(told=0)
    merged.update(duplicate_of_id=main_id)


def has_merged(ticket: Ticket) -> bool:
    """Return whether tickets were merged into this one."""
    return Ticket.objects.filter(duplicate_of_id=ticket.pk).exists()


def has_others(ticket: Ticket) -> bool:
    """Return whether messages of other people were folded into this one (not the caller's own repeats)."""
    told = FoldedMessage.objects.filter(ticket_id=ticket.pk, why="text")
    if ticket.caller_id is not None:
        told = told.exclude(caller_id__isnull=False, caller_id=ticket.caller_id)
    return told.exists()
