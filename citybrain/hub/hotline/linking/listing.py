"""What goes between us and others, as the hotline's manager sees it: partners, hand-overs, what did not get there."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.hotline.errors import NotFound
from citybrain.hub.hotline.linking.partners import PERMISSION
from citybrain.hub.hotline.models.link import HandOver, LinkMessage, Partner
from citybrain.hub.hotline.models.ticket import Ticket


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """A partner with how many hand-overs are open, and how many messages wait for another try."""

    partner: Partner
    open: int
    waiting: int


def partner_rows(actor: Actor) -> list[PartnerRow]:
    """Return all partners, those in trouble first; the counts hold the reader's tickets only. Raises Forbidden."""
    require(actor, PERMISSION)
    opened = dict(
        hand_overs(actor).filter(ended_at=None).order_by().values_list("partner_id").annotate(n=Count("id"))
    )
    waits = dict(_stuck(actor).order_by().values_list("partner_id").annotate(n=Count("id")))
    rows = [PartnerRow(one, opened.get(one.pk, 0), waits.get(one.pk, 0)) for one in Partner.objects.all()]
    return sorted(
        rows, key=lambda r: (not r.partner.is_active, r.partner.failing_since is None, r.partner.name)
    )


def partner_of(actor: Actor, partner_id: int) -> Partner:
    """Return a partner. Raises Forbidden, NotFound."""
    require(actor, PERMISSION)
    found = Partner.objects.filter(pk=partner_id).first()
    if found is None:
        raise NotFound
    return found


def hand_overs(actor: Actor) -> "QuerySet[HandOver]":
    """Return the hand-overs of tickets that the actor may see, the newest first. Raises Forbidden."""
    require(actor, PERMISSION)
    seen = Ticket.objects.visible_to(actor)
    return HandOver.objects.filter(ticket__in=seen).select_related("partner", "ticket").order_by("-id")


def hand_over_of(actor: Actor, hand_over_id: int) -> HandOver:
    """Return one hand-over. Raises Forbidden, NotFound."""
    found = hand_overs(actor).filter(pk=hand_over_id).first()
    if found is None:
        raise NotFound
    return found


def _stuck(actor: Actor) -> "QuerySet[LinkMessage]":
    return LinkMessage.objects.filter(
        hand_over__in=hand_overs(actor).order_by(), next_try_at__isnull=False, attempts__gt=0
    )


def troubles(actor: Actor, limit: int = 50) -> list[LinkMessage]:
    """Return the messages that did not get there or were refused, those that wait for another try first."""
    found = LinkMessage.objects.filter(hand_over__in=hand_overs(actor).order_by()).filter(
        Q(next_try_at__isnull=False, attempts__gt=0) | Q(status__gte=400, next_try_at=None)
    )
    rows = found.select_related("partner", "hand_over__ticket").defer("body")
    return list(rows.order_by("sent_at", "-id")[:limit])


def try_again(actor: Actor, partner_id: int, now: datetime | None = None) -> int:
    """Let the worker send now what waits for another try; return how many messages. Raises Forbidden, NotFound.

    Only messages of tickets that the actor may see.
    """
    moment = now or timezone.now()
    partner = partner_of(actor, partner_id)
    with transaction.atomic():
        ids = list(_stuck(actor).filter(partner=partner).values_list("pk", flat=True))
        done = LinkMessage.objects.filter(pk__in=ids, next_try_at__isnull=False).update(next_try_at=moment)
        record(actor.key, "hotline.link_retry", f"partner:{partner.pk}", {"messages": done}, at=moment)
    return done
