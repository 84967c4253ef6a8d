"""The reporter's name and number: shown one at a time, with a reason, and every look is in the ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.cases.errors import BadInput, NotFound
from citybrain.hub.cases.intake import DESCRIPTION_MOST
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


def put_right(
    actor: Actor,
    case_id: int,
    known: Contact | None,
    plain: Callable[[str], str],
    now: datetime | None = None,
) -> None:
    """Let a case know of its reporter what the hotline knows now: `known`, or nobody where consent was taken back.

    `plain` takes the reporter out of the case's texts. An ended case gets no contact it hadn't. The ledger row says
    what changed, never to what. For the hotline only, which acts as the system. Raises NotFound, Forbidden.
    """
    if not actor.is_system:
        raise Forbidden(_("联系方式随热线工单更正，不能在案件中更改。"), _("请联系热线。"))
    moment = now or timezone.now()
    with transaction.atomic():
        case = Case.objects.select_for_update().defer("words").filter(pk=case_id).first()
        if case is None:
            raise NotFound
        changed = [*_keep(case, known), *_clean(case, plain, moment)]
        if changed:
            record(actor.key, "cases.put_contact_right", f"case:{case.pk}", {"changed": changed}, at=moment)
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO cases_outbox (topic) VALUES (%s)", [f"case:{case.pk}"])


def _keep(case: Case, known: Contact | None) -> list[str]:
    """Keep what may be known of a case's reporter; return the names of what changed."""
    had = CaseContact.objects.filter(case=case).first()
    if known is None or not (known.name or known.phone):
        deleted, _each = CaseContact.objects.filter(case=case).delete()
        return ["contact"] if deleted else []
    wanted = (known.name, known.phone, bool(known.phone))
    if (had is None and not case.is_open) or (had and (had.name, had.phone, had.shared) == wanted):
        return []
    CaseContact.objects.update_or_create(
        case=case, defaults={"name": known.name, "phone": known.phone, "shared": bool(known.phone)}
    )
    return ["contact"]


def _clean(case: Case, plain: Callable[[str], str], now: datetime) -> list[str]:
    """Take the reporter out of a case's texts; return the names of those that changed."""
    texts = {
        "description": plain(case.description)[:DESCRIPTION_MOST],
        "address": plain(case.address)[: Case._meta.get_field("address").max_length],
    }
    changed = {name: text for name, text in texts.items() if text != getattr(case, name)}
    if changed:
        Case.objects.filter(pk=case.pk).update(**changed, changed_at=now)
    return list(changed)
