"""Which callers a person may know of: who told of something in their areas, or was on their own line.

A caller is no ticket: without this, a number tried out would tell one district's operator of another's callers.
"""

from django.db.models import Exists, OuterRef, Q, QuerySet

from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.access import inside_q
from citybrain.hub.hotline.models.call import Call
from citybrain.hub.hotline.models.caller import Caller, FoldedMessage
from citybrain.hub.hotline.models.ticket import Ticket


def seen_callers(actor: Actor) -> QuerySet[Caller]:
    """Return the callers of the tickets that the actor sees as one of the hotline's people, or of their own calls.

    Who sees the whole city's tickets sees every caller.
    """
    scope = inside_q(actor)
    if scope == Q():
        return Caller.objects.all()
    tickets = Ticket.objects.filter(scope)
    folded = FoldedMessage.objects.filter(caller_id=OuterRef("pk"), ticket__in=tickets)
    return Caller.objects.filter(
        Exists(tickets.filter(caller_id=OuterRef("pk")))
        | Exists(folded)
        | Exists(Call.objects.filter(caller_id=OuterRef("pk"), operator_id=actor.person_id or 0))
    )


def seen_calls(actor: Actor, caller_id: int) -> QuerySet[Call]:
    """Return a caller's calls to us that the actor may count: their own, and those of tickets that they see."""
    scope = inside_q(actor)
    calls = Call.objects.filter(caller_id=caller_id, outgoing=False)
    if scope == Q():
        return calls
    tickets = Ticket.objects.filter(scope, caller_id=caller_id)
    return calls.filter(Q(operator_id=actor.person_id or 0) | Q(ticket__in=tickets))
