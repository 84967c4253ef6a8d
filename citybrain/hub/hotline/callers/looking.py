"""What an operator sees of a caller while the phone rings: before, now, and what to mind."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Max, Min, OuterRef, Q, Subquery
from django.utils import timezone

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.access import is_inside
from citybrain.hub.hotline.callers.known import find_caller
from citybrain.hub.hotline.callers.marks import mark_of
from citybrain.hub.hotline.callers.seeing import seen_callers, seen_calls
from citybrain.hub.hotline.errors import NotFound
from citybrain.hub.hotline.models.caller import Caller, CallerMark, FoldedMessage
from citybrain.hub.hotline.models.ticket import Ticket

LOOK: Final = "hotline.take"
REPEAT_DAYS: Final = 30
REPEAT_LEAST: Final = 3  # source: our choice: three messages in thirty days are a repeat caller
SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class CallerView:
    """A caller for the operator: tickets, counts and times are of what the operator may see, newest first.

    `recent` counts messages of the last thirty days, `is_repeat` where they are three or more.
    """

    caller_id: int
    shown: str
    care: str
    first_at: datetime
    last_at: datetime
    messages: int
    calls: int
    recent: int
    is_repeat: bool
    open_tickets: int
    tickets: tuple[Ticket, ...]
    mark: CallerMark | None

    def to_json(self) -> dict[str, Any]:
        """Return what the API tells; never the number."""
        return {
            "caller": self.caller_id,
            "number": self.shown,
            "care": self.care,
            "messages": self.messages,
            "calls": self.calls,
            "recent": self.recent,
            "repeat": self.is_repeat,
            "open": self.open_tickets,
            "tickets": [one.number for one in self.tickets],
            "marked_until": self.mark.ends_at if self.mark else None,
        }


def look_up(actor: Actor, phone: str, now: datetime | None = None) -> CallerView | None:
    """Return what is known of a number; None for one that never called, or only about other areas. Raises Forbidden."""
    require(actor, LOOK)
    caller = find_caller(phone)
    return look_at(actor, caller.pk, now) if caller is not None else None


def look_at(actor: Actor, caller_id: int, now: datetime | None = None) -> CallerView | None:
    """Return what is known of a caller; None for one that the actor may not know of. Raises Forbidden."""
    require(actor, LOOK)
    caller = seen_callers(actor).filter(pk=caller_id).first()
    return view_of(actor, caller, now) if caller is not None else None


def view_of(actor: Actor, caller: Caller, now: datetime | None = None) -> CallerView:
    """Return a caller, one of those seen, as the operator sees them; five queries."""
    moment = now or timezone.now()
    seen = Ticket.objects.inside(actor).filter(caller_id=caller.pk)
    of_span = Q(received_at__gt=moment - timedelta(days=REPEAT_DAYS))
    span = {"first": Min("received_at"), "last": Max("received_at")}
    told = seen.aggregate(
        all=Count("id"), recent=Count("id", filter=of_span), open=Count("id", filter=Q(is_open=True)), **span
    )
    folded = caller.folded.filter(ticket__in=Ticket.objects.inside(actor)).aggregate(
        all=Count("id"), recent=Count("id", filter=of_span), **span
    )
    rang = seen_calls(actor, caller.pk).aggregate(
        all=Count("id"), first=Min("rang_at"), last=Max("changed_at")
    )
    parts = (told, folded, rang)
    recent = told["recent"] + folded["recent"]
    return CallerView(
        caller_id=caller.pk, shown=caller.shown, care=caller.care,
        first_at=min((one["first"] for one in parts if one["first"]), default=caller.first_at),
        last_at=max((one["last"] for one in parts if one["last"]), default=caller.last_at),
        messages=told["all"] + folded["all"], calls=rang["all"], recent=recent, is_repeat=recent >= REPEAT_LEAST,
        open_tickets=told["open"], tickets=tuple(seen.order_by("-received_at", "-id")[:SHOWN]),
        mark=mark_of(caller.pk, moment),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Repeat:
    """A caller who came often: how many tickets of the span, and how many of them are open."""

    caller: Caller
    tickets: int
    open_tickets: int
    last_at: datetime


def repeat_callers(
    actor: Actor, now: datetime | None = None, *, days: int = REPEAT_DAYS, least: int = REPEAT_LEAST,
    limit: int = 50,
) -> list[Repeat]:  # fmt: skip
    """Return who came `least` times or more within `days`, most first: whose matter may not be solved.

    Raises Forbidden. Two queries, whatever the number.
    """
    require(actor, "hotline.callers")
    since = (now or timezone.now()) - timedelta(days=days)
    seen = Ticket.objects.inside(actor).filter(received_at__gt=since, caller_id__isnull=False)
    rows = list(
        seen.values("caller_id")
        .annotate(tickets=Count("*"), last=Max("received_at"))
        .filter(tickets__gte=least)
        .order_by("-tickets", "-last")[:limit]
    )
    open_ = seen.filter(caller_id=OuterRef("pk"), is_open=True).order_by().values("caller_id")
    callers = Caller.objects.annotate(open=Subquery(open_.annotate(n=Count("*")).values("n"))).in_bulk(
        [row["caller_id"] for row in rows]
    )
    return [
        Repeat(callers[row["caller_id"]], row["tickets"], callers[row["caller_id"]].open or 0, row["last"])
        for row in rows
        if row["caller_id"] in callers
    ]


def marks(actor: Actor, limit: int = 200) -> list[CallerMark]:
    """Return the marks of the callers seen, those to be decided first, with their callers. Raises Forbidden."""
    require(actor, "hotline.callers")
    order = ("-state", "ends_at", "-proposed_at")  # proposed, in force, ended, declined
    found = CallerMark.objects.filter(caller__in=seen_callers(actor)).select_related("caller")
    return list(found.order_by(*order)[:limit])


def folded_into(actor: Actor, ticket_id: int, limit: int = 200) -> tuple[int, list[FoldedMessage]]:
    """Return how many messages were folded into a ticket, and the newest: for the hotline's people only.

    Raises NotFound for a ticket that the actor can't see, and for a unit: the words may tell who spoke.
    """
    ticket = Ticket.objects.visible_to(actor).filter(pk=ticket_id).first()
    if ticket is None or not is_inside(actor, ticket):
        raise NotFound
    found = FoldedMessage.objects.filter(ticket=ticket)
    return found.count(), list(found.select_related("caller").order_by("-id")[:limit])
