"""Both doors to guarded rows: `require` before a change, `scope_q` / `scope_sql` before a read.

Authority is a condition of the query, never a filter after the fetch. A hat for the whole city adds no
condition at all; any other compares the column of its level with the ids of its area.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from django.core.exceptions import PermissionDenied
from django.db.models import Field, ForeignKey, Lookup, Q
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import tree
from citybrain.base.identity.actor import Actor, Hat
from citybrain.base.identity.roles import roles_with

AREA_FIELDS = ("city_id", "district_id", "street_id", "community_id", "grid_id")
CITY = 1
SYSTEM_HAT = Hat("system", None, None, (), None, "none", frozenset())


@runtime_checkable
class Guarded(Protocol):
    """Something that lies in areas, with agencies, and may have an owner."""

    def guard_lineage(self) -> tuple[int | None, ...]: ...

    def guard_agency_ids(self) -> frozenset[int]: ...

    def guard_owner_id(self) -> int | None: ...


class Forbidden(PermissionDenied):
    """The actor may not. `reason_zh` says why in the reader's language, `whom_to_ask` what to do about it."""

    def __init__(self, reason_zh: str, whom_to_ask: str = "") -> None:
        super().__init__(reason_zh)
        self.reason_zh = reason_zh
        self.whom_to_ask = whom_to_ask


if TYPE_CHECKING:
    AnyLookup = Lookup[Any]
else:
    AnyLookup = Lookup


class EqualsAny(AnyLookup):
    """`field__any=[…]` as `column = ANY(array)`: one parameter and one plan for any number of ids."""

    lookup_name = "any"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} = ANY(%s::bigint[])", (*params, [int(one) for one in self.rhs])


Field.register_lookup(EqualsAny)
ForeignKey.register_lookup(EqualsAny)


def _is_citywide(hat: Hat) -> bool:
    return hat.reach == "area" and hat.area_level == CITY


def _covers_place(hat: Hat, subject: Guarded) -> bool:
    """Whether the subject lies in the hat's area; the whole city holds what lies nowhere, too."""
    if hat.area_level is None:
        return False
    return hat.area_level == CITY or subject.guard_lineage()[hat.area_level - 1] in hat.area_ids


def hat_covers(actor: Actor, hat: Hat, subject: Guarded) -> bool:
    """Return whether the subject is within the reach of one hat of the actor."""
    if hat.reach == "own":
        return actor.person_id is not None and subject.guard_owner_id() == actor.person_id
    if hat.reach == "agency":
        return hat.agency_id in subject.guard_agency_ids() and _covers_place(hat, subject)
    return hat.reach == "area" and _covers_place(hat, subject)


def require(actor: Actor, permission: str, subject: Guarded | None = None) -> Hat:
    """Return the hat under which the actor may; own hats come before those worn for others.

    Without a subject it is enough to hold the permission anywhere. Raises Forbidden.
    """
    if actor.is_system:
        return SYSTEM_HAT
    for hat in actor.hats_with(permission):
        if subject is None or hat_covers(actor, hat, subject):
            return hat
    raise refusal(actor, permission, subject)


def refusal(actor: Actor, permission: str, subject: Guarded | None = None) -> Forbidden:
    """Return the refusal to raise, with the reason and whom to ask."""
    return Forbidden(_reason(actor, permission, subject), _whom_to_ask(actor, permission))


def why_not(actor: Actor, permission: str, subject: Guarded | None = None) -> str:
    """Return why the actor may not, and whom to ask, in the reader's language; empty where they may."""
    try:
        require(actor, permission, subject)
    except Forbidden as refused:
        return f"{refused.reason_zh}{refused.whom_to_ask}"
    return ""


def _role_names(permission: str) -> str:
    return _("、").join(role.name for role in roles_with(permission))


def _reason(actor: Actor, permission: str, subject: Guarded | None) -> str:
    hats = actor.hats_with(permission)
    if actor.kind == "anonymous":
        return _("您还没有登录。")
    if not hats:
        names = _role_names(permission)
        if not names:
            return _("此操作未开放。")
        return _("此操作需要以下角色之一：%(roles)s。您目前没有。") % {"roles": names}
    if subject is not None and any(hat.reach == "agency" and _covers_place(hat, subject) for hat in hats):
        return _("目前不由您的单位办理。")
    places = _("、").join(dict.fromkeys(_place(hat) for hat in hats if hat.area_id is not None))
    if not places:
        return _("这不是您本人提交的。")
    return _("您的权限范围是%(places)s，此项不在其中。") % {"places": places}


def _place(hat: Hat) -> str:
    return tree().get(hat.area_id).name if hat.area_id is not None else ""


def _whom_to_ask(actor: Actor, permission: str) -> str:
    if actor.kind == "anonymous":
        return _("请先登录。")
    if actor.kind == "citizen":
        return _("如有疑问，请拨打 12345。")
    return _("如工作需要，请向本单位人员管理员申请。") if _role_names(permission) else ""


def _by_level(hats: Iterable[Hat]) -> dict[int, list[int]]:
    """Return the ids per level of area that area hats reach, each once, sorted."""
    found: dict[int, set[int]] = {}
    for hat in hats:
        if hat.reach == "area" and hat.area_level is not None:
            found.setdefault(hat.area_level, set()).update(hat.area_ids)
    return {level: sorted(found[level]) for level in sorted(found)}


def _agencies(hats: Iterable[Hat]) -> dict[tuple[int, tuple[int, ...]], list[int]]:
    """Return the agencies per (level, ids) of area within which the hats reach them."""
    found: dict[tuple[int, tuple[int, ...]], set[int]] = {}
    for hat in hats:
        if hat.reach == "agency" and hat.agency_id is not None and hat.area_level is not None:
            ids = () if hat.area_level == CITY else hat.area_ids
            found.setdefault((hat.area_level, ids), set()).add(hat.agency_id)
    return {key: sorted(found[key]) for key in sorted(found)}


Clause = tuple[tuple[str, list[int]], ...]  # all (field, ids) of one clause must hold


def _clauses(
    actor: Actor,
    permissions: Sequence[str],
    area_fields: Sequence[str],
    agency_fields: Sequence[str],
    owner_field: str | None,
) -> list[Clause] | None:
    """Return the clauses of which one must hold; None: no condition at all; empty: nothing may be seen."""
    hats = [hat for permission in permissions for hat in actor.hats_with(permission)]
    if actor.is_system or any(_is_citywide(hat) for hat in hats):
        return None
    found: list[Clause] = [((area_fields[level - 1], ids),) for level, ids in _by_level(hats).items()]
    for (level, area_ids), agencies in _agencies(hats).items():
        for name in agency_fields:
            with_agency: Clause = ((name, agencies),)
            found.append(
                ((area_fields[level - 1], list(area_ids)), *with_agency) if area_ids else with_agency
            )
    if owner_field and actor.person_id is not None and any(hat.reach == "own" for hat in hats):
        found.append(((owner_field, [actor.person_id]),))
    return found


def scope_any(
    actor: Actor,
    permissions: Sequence[str],
    *,
    area_fields: Sequence[str] = AREA_FIELDS,
    agency_fields: Sequence[str] = ("agency_id",),
    owner_field: str | None = "reporter_id",
) -> Q:
    """Return the condition for rows within reach of any of the permissions."""
    clauses = _clauses(actor, permissions, area_fields, agency_fields, owner_field)
    if clauses is None:
        return Q()
    if not clauses:
        return Q(pk__in=[])
    either = Q()
    for clause in clauses:
        both = Q()
        for name, ids in clause:
            both &= Q(**{f"{name}__any": ids})
        either |= both
    return either


def scope_q(
    actor: Actor,
    permission: str,
    *,
    area_fields: Sequence[str] = AREA_FIELDS,
    agency_fields: Sequence[str] = ("agency_id",),
    owner_field: str | None = "reporter_id",
) -> Q:
    """Return the condition for rows within reach: empty for a city-wide actor, impossible for one without it.

    `area_fields` are the columns of city, district, street, community, grid; `agency_fields` those that name
    an agency a row lies with; `owner_field` who brought it in (None: nobody owns such rows).
    """
    return scope_any(
        actor, (permission,), area_fields=area_fields, agency_fields=agency_fields, owner_field=owner_field
    )


def scope_sql(
    actor: Actor,
    permission: str,
    alias: str = "c",
    *,
    area_fields: Sequence[str] = AREA_FIELDS,
    agency_fields: Sequence[str] = ("agency_id",),
    owner_field: str | None = "reporter_id",
) -> tuple[str, list[Any]]:
    """Return the condition of `scope_q` as SQL over `alias`, to be joined with AND, and its parameters.

    TRUE for a city-wide actor, FALSE for one without the permission (the planner drops both).
    """
    clauses = _clauses(actor, (permission,), area_fields, agency_fields, owner_field)
    if clauses is None:
        return "TRUE", []
    if not clauses:
        return "FALSE", []
    params: list[Any] = []
    words = []
    for clause in clauses:
        words.append(" AND ".join(f"{alias}.{name} = ANY(%s::bigint[])" for name, _ids in clause))
        params += [ids for _name, ids in clause]
    return f"({' OR '.join(f'({one})' if ' AND ' in one else one for one in words)})", params
