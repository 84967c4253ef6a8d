"""Who may give what to whom: no one gives more than they hold, to themselves, or across the three admins.

A street's manager manages that street's people and no others; a person who also holds a role above or beside
it is managed from there.
"""

from collections.abc import Iterable
from datetime import date

from django.db.models import Q
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.access import Forbidden, refusal, require
from citybrain.base.identity.actor import Actor, Hat
from citybrain.base.identity.agencies import serves_area
from citybrain.base.identity.errors import refuse
from citybrain.base.identity.models import Agency, Person, RoleGrant
from citybrain.base.identity.roles import Role, role_named, roles

MANAGE, GRANT, SESSIONS = "people.manage", "people.grant", "people.sessions"


def standing_grants(person: Person, day: date) -> list[RoleGrant]:
    """Return the grants that hold on the day or will later, in the order they were given."""
    found = person.grants.filter(Q(valid_until=None) | Q(valid_until__gte=day), revoked_at=None)
    return list(found.select_related("area", "agency").order_by("id"))


def holds_admin_role(grants: Iterable[RoleGrant]) -> bool:
    """Return whether one of the grants is a role of the three administrators."""
    return any(grant.role in roles() and role_named(grant.role).is_admin for grant in grants)


def check_not_oneself(actor: Actor, person: Person, what: str) -> None:
    """Refuse what no one may do to their own account. Raises Forbidden."""
    if actor.person_id == person.pk:
        raise Forbidden(what, _("请由其他管理员办理。"))


def require_over(actor: Actor, permission: str, person: Person, day: date) -> Hat:
    """Return the hat under which the actor rules an account with everything that it holds.

    Whoever could reset the password of an account could act with all its roles: so each must lie inside the
    actor's own area, and accounts of administrators are ruled by the security administrator alone.
    Raises Forbidden.
    """
    if actor.is_system:
        return require(actor, permission, person)
    grants = standing_grants(person, day)
    if holds_admin_role(grants):
        if not actor.wears("security_admin"):
            raise Forbidden(_("管理员账号只能由安全管理员办理。"), _("请联系安全管理员。"))
        return require(actor, GRANT, person)
    hats = [hat for hat in actor.hats_with(permission) if _rules_place(hat, person)]
    if not hats:
        raise refusal(actor, permission, person)
    for hat in hats:
        if all(_inside_any(actor, permission, hat, grant.area_id) for grant in grants):
            return hat
    outside = next(grant for grant in grants if not _inside_any(actor, permission, hats[0], grant.area_id))
    raise Forbidden(
        _("该人员还担任%(area)s的%(role)s，超出您的管理范围。")
        % {"area": outside.area.name, "role": role_named(outside.role).name},
        _("请由上级人员管理员办理。"),
    )


def _rules_place(hat: Hat, person: Person) -> bool:
    if hat.area_level is None:
        return False
    return hat.area_level == 1 or person.guard_lineage()[hat.area_level - 1] in hat.area_ids


def _inside(hat: Hat, area_id: int) -> bool:
    return hat.area_id is not None and tree().contains(hat.area_id, area_id)


def _inside_any(actor: Actor, permission: str, hat: Hat, area_id: int) -> bool:
    """Whether an area lies under a hat, or under another of the same wearer: a split leaves one hat per part."""
    return any(
        _inside(one, area_id) for one in actor.hats_with(permission) if one.on_behalf_of == hat.on_behalf_of
    )


def require_grant(actor: Actor, person: Person, role: Role, area_id: int) -> Hat:
    """Return the hat under which the actor may give (or take) a role in an area. Raises Forbidden."""
    if actor.is_system:
        return require(actor, GRANT, person)
    check_not_oneself(actor, person, _("不能给自己授予或收回角色。"))
    able = [hat for hat in actor.hats_with(GRANT) if _rules_place(hat, person)]
    if not able:
        raise refusal(actor, GRANT, person)
    able = [hat for hat in able if _inside(hat, area_id)]
    if not able:
        raise Forbidden(
            _("%(area)s不在您的管理范围内。") % {"area": tree().get(area_id).name},
            _("请由上级人员管理员办理。"),
        )
    for hat in able:
        if role.key in role_named(hat.role).may_grant:
            return hat
    raise Forbidden(_("您不能授予“%(role)s”角色。") % {"role": role.name}, _("请联系安全管理员。"))


def check_separation(role: Role, grants: Iterable[RoleGrant]) -> None:
    """Refuse a role that may not stand beside those held (三员分立). Raises Refused."""
    for grant in grants:
        held = roles().get(grant.role)
        if held is not None and held.group != role.group:
            raise refuse(
                "role",
                _(
                    "系统、安全、审计管理员与业务角色须分别由不同人员担任：该人员已是“%(held)s”，不能再任“%(role)s”。"
                )
                % {"held": held.name, "role": role.name},
            )


def check_place(role: Role, area: Node, agency: Agency | None) -> None:
    """Refuse a role at a level, or with an agency, or for an area, where it makes no sense. Raises Refused."""
    if not area.in_force:
        names = _("、").join(node.name for node in tree().becomes(area.id) if node.id != area.id)
        raise refuse(
            "area",
            _("%(area)s已撤销，请改选：%(names)s。") % {"area": area.name, "names": names}
            if names
            else _("%(area)s已撤销。") % {"area": area.name},
        )
    if area.level not in role.levels:
        raise refuse("area", _("“%(role)s”不能设在%(area)s这一级。") % {"role": role.name, "area": area.name})
    if role.reach == "agency" and agency is None:
        raise refuse("agency", _("“%(role)s”须指定单位。") % {"role": role.name})
    if agency is not None and not serves_area(agency, area.id):
        raise refuse(
            "area",
            _("%(area)s不在%(agency)s的辖区内。") % {"area": area.name, "agency": agency.name},
        )


def roles_grantable_by(actor: Actor) -> list[Role]:
    """Return the roles that the actor may give somewhere, in the order of the file."""
    if actor.is_system:
        return [role for role in roles().values() if role.group != "public"]
    able = frozenset().union(*(role_named(hat.role).may_grant for hat in actor.hats_with(GRANT)))
    return [role for role in roles().values() if role.key in able]
