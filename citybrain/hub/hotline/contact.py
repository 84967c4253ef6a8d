"""The caller's name and number: shown one at a time, with a reason, and every look is in the ledger."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden, refusal
from citybrain.base.identity.actor import Actor, Hat
from citybrain.base.ledger.append import record
from citybrain.hub.hotline.access import UNIT_VIEW, hat_for
from citybrain.hub.hotline.errors import BadInput, NotFound
from citybrain.hub.hotline.lifecycle import AT_UNIT
from citybrain.hub.hotline.models.ticket import Ticket, TicketContact

VIEW_CONTACT: Final = "hotline.view_contact"
NOBODY: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Contact:
    name: str
    phone: str


def masked(contact: TicketContact) -> Contact:
    """Return what the hotline's own people see before they ask for more: a surname and the last digits."""
    name = contact.name[:1] + "*" * (len(contact.name) - 1) if contact.name else ""
    phone = contact.phone[:3] + "****" + contact.phone[-4:] if len(contact.phone) >= 8 else "****"
    return Contact(name, phone if contact.phone else "")


def shown(actor: Actor, ticket: Ticket) -> Contact | None:
    """Return the masked contact for the hotline's own people; a unit sees not even that."""
    if hat_for(actor, VIEW_CONTACT, ticket, NOBODY) is None:
        return None
    contact = TicketContact.objects.filter(ticket_id=ticket.pk).first()
    return masked(contact) if contact is not None else None


def why_not(actor: Actor, ticket: Ticket) -> str:
    """Return why an actor can't see a ticket's caller, or an empty text."""
    try:
        _ground(actor, ticket)
    except Forbidden as refused:
        return f"{refused.reason_zh}{refused.whom_to_ask}"
    return ""


def reveal(actor: Actor, ticket_id: int, why: str, now: datetime | None = None) -> Contact:
    """Return name and number of a ticket's caller, and write down who looked, why and on what ground.

    A unit sees them while the ticket lies with it as lead, and only where the caller agreed or the hotline
    allowed it because the work needs it. Raises NotFound, Forbidden, BadInput.
    """
    ticket = Ticket.objects.visible_to(actor).filter(pk=ticket_id).first()
    if ticket is None:
        raise NotFound
    hat, ground = _ground(actor, ticket)
    if not why.strip():
        raise BadInput(_("请写明查看联系方式的原因。"), "why")
    contact = TicketContact.objects.filter(ticket_id=ticket.pk).first()
    if contact is None:
        raise BadInput(_("来电人没有留下联系方式。"))
    with transaction.atomic():
        record(
            actor.key,
            VIEW_CONTACT,
            f"ticket:{ticket.pk}",
            {"why": why.strip()[:200], "role": hat.role, "ground": ground},
            at=now or timezone.now(),
            on_behalf_of=hat.on_behalf_key,
        )
    return Contact(contact.name, contact.phone)


def _ground(actor: Actor, ticket: Ticket) -> tuple[Hat, str]:
    """Return the hat and the ground on which an actor may see the caller. Raises Forbidden."""
    inside = hat_for(actor, VIEW_CONTACT, ticket, NOBODY)
    if inside is not None:
        return inside, "hotline"
    lead = frozenset({ticket.agency_id} if ticket.agency_id is not None else ())
    unit = hat_for(actor, UNIT_VIEW, ticket, lead)
    if unit is None or unit.reach != "agency":
        raise refusal(actor, VIEW_CONTACT, ticket)
    if ticket.is_secret:
        raise Forbidden(_("来电人要求保密，不能向承办单位提供联系方式。"), _("请联系热线代为沟通。"))
    if ticket.state not in AT_UNIT:
        raise Forbidden(_("目前不由您的单位办理。"), _("请联系热线代为沟通。"))
    if ticket.caller_shared:
        return unit, "shared"
    if ticket.contact_needed:
        return unit, "needed"
    raise Forbidden(_("来电人未同意向承办单位提供联系方式。"), _("确须联系的，请申请联系来电人。"))
