"""The reporter's name and number: shown one at a time, with a reason, and every look is in the ledger."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.cases.errors import BadInput, NotFound
from citybrain.hub.cases.models import Case, CaseContact

INSIDE_ROLES = frozenset({"acceptor", "duty_chief", "supervisor", "dispatcher"})


@dataclass(frozen=True, slots=True)
class Contact:
    name: str
    phone: str


def masked(contact: CaseContact) -> Contact:
    """Return what anyone who sees the case may see: a surname and the last digits."""
    name = contact.name[:1] + "*" * (len(contact.name) - 1) if contact.name else ""
    phone = contact.phone[:3] + "****" + contact.phone[-4:] if len(contact.phone) >= 8 else "****"
    return Contact(name, phone if contact.phone else "")


def reveal(actor: Actor, case_id: int, why: str, now: datetime | None = None) -> Contact:
    """Return name and number of a case's reporter, and write down who looked and why.

    A handler sees them only where the reporter agreed. Raises NotFound, Forbidden, BadInput.
    """
    case = Case.objects.visible_to(actor).select_related("contact").filter(pk=case_id).first()
    if case is None:
        raise NotFound
    hat = require(actor, "cases.view_contact", case)
    if not why.strip():
        raise BadInput(_("请写明查看联系方式的原因。"), "why")
    try:
        contact = case.contact
    except CaseContact.DoesNotExist:
        raise BadInput(_("上报人没有留下联系方式。")) from None
    if hat.role not in INSIDE_ROLES and not contact.shared:
        raise Forbidden(_("上报人未同意向处置单位提供联系方式。"), _("请联系受理员代为回访。"))
    with transaction.atomic():
        record(
            actor.key,
            "cases.view_contact",
            f"case:{case.pk}",
            {"why": why.strip()[:200], "role": hat.role},
            at=now or timezone.now(),
            on_behalf_of=hat.on_behalf_key,
        )
    return Contact(contact.name, contact.phone)
