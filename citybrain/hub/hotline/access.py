"""Who sees which ticket, and who may take which step.

Three ways to a ticket: the hotline's own people by area; a unit, while it is the ticket's lead or one of its
co-handlers; the person who spoke, for what they told. A unit sees no caller (contact.py).
"""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import (
    AREA_FIELDS,
    SYSTEM_HAT,
    Forbidden,
    refusal,
    require,
    scope_q,
    scope_sql,
)
from citybrain.base.identity.actor import Actor, Hat
from citybrain.base.identity.agencies import agency_by_id

if TYPE_CHECKING:
    from citybrain.hub.hotline.lifecycle import Transition
    from citybrain.hub.hotline.models.ticket import Ticket

VIEW, UNIT_VIEW, OWN_VIEW = "hotline.view", "hotline.unit_view", "hotline.own_view"
Lineage = tuple[int | None, ...]


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, actor: Actor) -> "TicketQuerySet":
        """Return the tickets an actor may see: by area, as a unit that has a part in them, or as their own."""
        by_area = inside_q(actor)
        if by_area == Q():
            return self
        seen = by_area | _unit_q(actor, UNIT_VIEW)
        if owns_some(actor):
            seen |= Q(reporter_id=actor.person_id)
        return self.filter(seen)

    def inside(self, actor: Actor) -> "TicketQuerySet":
        """Return the tickets an actor sees as one of the hotline's people: who spoke is theirs to know."""
        return self.filter(inside_q(actor))

    def open(self) -> "TicketQuerySet":
        return self.filter(is_open=True)


def inside_q(actor: Actor) -> Q:
    """Return the condition for the tickets in an actor's areas; empty for who sees the whole city."""
    return scope_q(actor, VIEW, agency_fields=(), owner_field=None)


def owns_some(actor: Actor) -> bool:
    """Return whether the actor may see what they told the city themselves."""
    return actor.person_id is not None and any(hat.reach == "own" for hat in actor.hats_with(OWN_VIEW))


def visible_sql(actor: Actor, permission: str = VIEW) -> tuple[str, list[Any]]:
    """Return the same condition as SQL over the alias `t`, for the hot lists.

    VIEW means any way of seeing; every other permission means its own reach only.
    """
    if permission != VIEW:
        return reach_sql(actor, permission)
    by_area, params = scope_sql(actor, VIEW, alias="t", agency_fields=(), owner_field=None)
    if by_area == "TRUE":
        return by_area, params
    parts, values = [by_area], list(params)
    unit, unit_values = _unit_sql(actor, UNIT_VIEW)
    if unit:
        parts.append(unit)
        values += unit_values
    if owns_some(actor):
        parts.append("t.reporter_id = %s")
        values.append(actor.person_id)
    return f"({' OR '.join(parts)})", values


def reach_sql(actor: Actor, permission: str, *, lead_only: bool = False) -> tuple[str, list[Any]]:
    """Return the condition for the tickets on which an actor holds a permission, as SQL over `t`."""
    by_area, params = scope_sql(actor, permission, alias="t", agency_fields=(), owner_field=None)
    if by_area == "TRUE":
        return by_area, params
    unit, values = _unit_sql(actor, permission, lead_only=lead_only)
    return (f"({by_area} OR {unit})", [*params, *values]) if unit else (by_area, params)


def _unit_hats(actor: Actor, permission: str) -> list[tuple[list[int], int, tuple[int, ...]]]:
    """Return (agencies, level, areas) of the hats that reach a unit's tickets; level 0: wherever they lie.

    A hat for the unit's whole area reaches all that the unit was sent; one for a part of it only that part.
    """
    found: dict[tuple[int, tuple[int, ...]], set[int]] = {}
    for hat in actor.hats_with(permission):
        if hat.reach != "agency" or hat.agency_id is None or hat.area_level is None:
            continue
        key = (0, ()) if _is_whole(hat) else (hat.area_level, hat.area_ids)
        found.setdefault(key, set()).add(hat.agency_id)
    return [(sorted(agencies), level, areas) for (level, areas), agencies in sorted(found.items())]


def _is_whole(hat: Hat) -> bool:
    """Return whether a hat's area holds the whole area of its unit."""
    agency = agency_by_id(hat.agency_id) if hat.agency_id is not None else None
    if agency is None or hat.area_level is None:
        return False
    home = tree().find(agency.area_id)
    return home is not None and home.lineage[hat.area_level - 1] in hat.area_ids


def _unit_q(actor: Actor, permission: str) -> Q:
    seen = Q(pk__in=[])
    for agencies, level, areas in _unit_hats(actor, permission):
        one = Q(agency_id__any=agencies) | Q(co_agencies__overlap=agencies)
        if level:
            field = AREA_FIELDS[level - 1]
            one &= Q(**{f"{field}__any": list(areas)}) | Q(**{f"{field}__isnull": True})
        seen |= one
    return seen


def _unit_sql(actor: Actor, permission: str, *, lead_only: bool = False) -> tuple[str, list[Any]]:
    parts: list[str] = []
    params: list[Any] = []
    for agencies, level, areas in _unit_hats(actor, permission):
        one = "t.agency_id = ANY(%s::bigint[])"
        params.append(agencies)
        if not lead_only:
            one = f"({one} OR t.co_agencies && %s::bigint[])"
            params.append(agencies)
        if level:
            field = AREA_FIELDS[level - 1]
            one += f" AND (t.{field} = ANY(%s::bigint[]) OR t.{field} IS NULL)"
            params.append(list(areas))
        parts.append(f"({one})")
    return (f"({' OR '.join(parts)})", params) if parts else ("", [])


def hat_for(actor: Actor, permission: str, ticket: "Ticket", agencies: frozenset[int]) -> Hat | None:
    """Return the hat under which an actor holds a permission on a ticket, own hats first.

    `agencies`: the units whose people may: the lead, the co-handlers, or both.
    """
    if actor.is_system:
        return SYSTEM_HAT
    lineage = ticket.guard_lineage()
    for hat in actor.hats_with(permission):
        if hat.area_level is None:
            continue
        if hat.reach == "area" and (hat.area_level == 1 or lineage[hat.area_level - 1] in hat.area_ids):
            return hat
        if hat.reach == "agency" and hat.agency_id in agencies and _lies_in(hat, lineage):
            return hat
    return None


def _lies_in(hat: Hat, lineage: Lineage) -> bool:
    place = lineage[(hat.area_level or 1) - 1]
    return place is None or place in hat.area_ids or _is_whole(hat)


def require_step(
    actor: Actor, transition: "Transition", ticket: "Ticket", owner_proof: bool = False
) -> Hat | None:
    """Return the hat under which an actor takes a step, None for the person who spoke.

    `owner_proof`: the caller showed the ticket's query code. Raises Forbidden.
    """
    if transition.by_system and not actor.is_system:
        raise Forbidden(_("此操作由系统自动进行。"))
    if transition.by_owner:
        if owner_proof or owns(actor, ticket):
            return None
        raise Forbidden(
            _("只有来电人本人可以进行此操作。"), _("请用来电时的手机号登录，或用工单编号和查询码查询。")
        )
    hat = hat_for(actor, transition.permission, ticket, transition.agencies_of(ticket))
    if hat is None:
        raise refusal(actor, transition.permission, ticket)
    return hat


def owns(actor: Actor, ticket: "Ticket") -> bool:
    """Return whether this person told it."""
    return actor.person_id is not None and ticket.reporter_id == actor.person_id


def is_inside(actor: Actor, ticket: "Ticket") -> bool:
    """Return whether an actor sees a ticket as one of the hotline's people (not only as a unit or caller)."""
    try:
        return actor.is_system or require(actor, VIEW, ticket) is not None
    except Forbidden:
        return False
