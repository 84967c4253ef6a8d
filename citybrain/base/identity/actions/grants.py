"""Roles given and taken back."""

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.delegation import (
    check_place,
    check_separation,
    require_grant,
    standing_grants,
)
from citybrain.base.identity.errors import refuse
from citybrain.base.identity.history import note
from citybrain.base.identity.models import Agency, Person, RoleGrant
from citybrain.base.identity.roles import Role, role_named, roles


def grant_role(
    actor: Actor,
    person: Person,
    role_key: str,
    area_id: int,
    *,
    agency: Agency | None = None,
    valid_from: date | None = None,
    valid_until: date | None = None,
    now: datetime | None = None,
) -> RoleGrant:
    """Give a role for an area (and an agency) between two days, both inside; from today unless told.

    Raises Forbidden where the actor can't give it, Refused where nobody can: a wrong level, the three
    administrators in one hand, the same role twice at a time, a closed account, a past end.
    """
    role = roles().get(role_key)
    if role is None or role.group == "public":
        raise refuse("role", _("没有“%(role)s”这个角色。") % {"role": role_key})
    hat = require_grant(actor, person, role, area_id)
    moment = now or timezone.now()
    today = timezone.localdate(moment)
    grant = RoleGrant(
        person=person,
        role=role_key,
        area_id=area_id,
        agency=agency,
        valid_from=valid_from or today,
        valid_until=valid_until,
        granted_by_id=actor.person_id,
        granted_at=moment,
    )
    _check_dates(grant, today)
    check_place(role, tree().get(area_id), agency)
    with transaction.atomic():
        held = _check_person(person, today)
        check_separation(role, held)
        _check_not_twice(grant, role, held)
        grant.save(force_insert=True)
        note(actor, "grant_role", person, moment, describe_grant(grant), hat)
    return grant


def _check_dates(grant: RoleGrant, today: date) -> None:
    if grant.valid_until is None:
        return
    if grant.valid_until < grant.valid_from:
        raise refuse("valid_until", _("失效日期早于生效日期。"))
    if grant.valid_until < today:
        raise refuse("valid_until", _("失效日期已过。"))


def _check_person(person: Person, today: date) -> list[RoleGrant]:
    """Lock the account, so that two grants at once can't get round the separation; return what it holds."""
    kept = Person.objects.select_for_update(of=("self",)).get(pk=person.pk)
    if kept.kind != "officer":
        raise refuse("person", _("市民账号不能担任角色。"))
    if not kept.is_active:
        raise refuse("person", _("该账号已停用。"))
    return standing_grants(kept, today)


def _check_not_twice(grant: RoleGrant, role: Role, held: list[RoleGrant]) -> None:
    for other in held:
        same = (other.role, other.area_id, other.agency_id) == (grant.role, grant.area_id, grant.agency_id)
        apart = (grant.valid_until is not None and grant.valid_until < other.valid_from) or (
            other.valid_until is not None and other.valid_until < grant.valid_from
        )
        if same and not apart:
            raise refuse(
                "role",
                _("该人员在此期间已是%(area)s的%(role)s。") % {"area": other.area.name, "role": role.name},
            )


def revoke_role(actor: Actor, grant: RoleGrant, reason: str, now: datetime | None = None) -> None:
    """Take a role back at once. Raises Forbidden; Refused when it is gone or the last of its kind."""
    person = grant.person
    hat = require_grant(actor, person, role_named(grant.role), grant.area_id)
    moment = now or timezone.now()
    if not reason.strip():
        raise refuse("reason", _("请写明原因。"))
    with transaction.atomic():
        Person.objects.select_for_update(of=("self",)).get(pk=person.pk)
        grant = (
            RoleGrant.objects.select_for_update(of=("self",))
            .select_related("area", "agency")
            .get(pk=grant.pk)
        )
        if grant.revoked_at is not None:
            raise refuse("grant", _("该角色已于 %(at)s 收回。") % {"at": _stamp(grant.revoked_at)})
        if grant.role == "security_admin":
            _check_not_last(grant, moment)
        grant.revoked_at = moment
        grant.revoked_by_id = actor.person_id
        grant.revoke_reason = reason.strip()[:200]
        grant.save(update_fields=["revoked_at", "revoked_by", "revoke_reason"])
        note(
            actor,
            "revoke_role",
            person,
            moment,
            {**describe_grant(grant), "reason": grant.revoke_reason},
            hat,
        )


def _check_not_last(grant: RoleGrant, moment: datetime) -> None:
    """Refuse to take the last security administrator: nobody could give roles any more."""
    today = timezone.localdate(moment)
    others = RoleGrant.objects.select_for_update(of=("self",)).filter(
        role=grant.role, revoked_at=None, valid_from__lte=today, person__is_active=True
    )
    if not any(
        other.pk != grant.pk and (other.valid_until is None or other.valid_until >= today) for other in others
    ):
        raise Forbidden(_("这是最后一名安全管理员，收回后将无人可以授权。"), _("请先任命另一名安全管理员。"))


def _stamp(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M")


def describe_grant(grant: RoleGrant) -> dict[str, Any]:
    """Return a grant as history and ledger keep it."""
    return {
        "grant": grant.pk,
        "role": grant.role,
        "area": tree().get(grant.area_id).code,
        "agency": grant.agency.key if grant.agency else None,
        "valid_from": grant.valid_from.isoformat(),
        "valid_until": grant.valid_until.isoformat() if grant.valid_until else None,
    }
