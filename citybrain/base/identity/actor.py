"""Who acts: a person with the hats they wear now, the system, or nobody in particular.

An Actor is a value: made once per request, passed to both doors, never stored.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from django.db import connection
from django.utils import timezone

from citybrain.base.areas.tree import tree
from citybrain.base.identity.roles import Reach, Role, role_named, roles

if TYPE_CHECKING:
    from citybrain.base.identity.models import Person

ActorKind = Literal["officer", "citizen", "system", "anonymous"]


@dataclass(frozen=True, slots=True)
class Hat:
    """One role as it applies now. `area_ids` are the area and all that were merged or split into it.

    `on_behalf_of` is the person stood in for (代办), None for a role of one's own. `reach` "own" holds for
    what the person brought in, wherever it lies.
    """

    role: str
    area_id: int | None
    area_level: int | None
    area_ids: tuple[int, ...]
    agency_id: int | None
    reach: Reach
    permissions: frozenset[str]
    on_behalf_of: int | None = None
    on_behalf_name: str = ""

    @property
    def on_behalf_key(self) -> str:
        """The ledger key of the person stood in for, or an empty text."""
        return "" if self.on_behalf_of is None else f"person:{self.on_behalf_of}"


@dataclass(frozen=True)
class Actor:
    """Who acts, and with which hats; own hats come before those worn for others."""

    person_id: int | None
    name: str
    kind: ActorKind
    agency_id: int | None = None
    hats: tuple[Hat, ...] = ()

    @property
    def key(self) -> str:
        """An opaque key for ledger and history: person:12, system, anonymous."""
        return self.kind if self.person_id is None else f"person:{self.person_id}"

    @property
    def is_system(self) -> bool:
        return self.kind == "system"

    @cached_property
    def permissions(self) -> frozenset[str]:
        """Everything that some hat allows somewhere."""
        return frozenset().union(*(hat.permissions for hat in self.hats))

    def may(self, permission: str) -> bool:
        """Return whether the permission is held anywhere at all; `access.require` asks about one subject."""
        return self.is_system or permission in self.permissions

    def hats_with(self, permission: str) -> tuple[Hat, ...]:
        """Return the hats that hold the permission, own ones first."""
        return tuple(hat for hat in self.hats if permission in hat.permissions)

    def covers_area(self, permission: str, area_id: int | None) -> bool:
        """Return whether a hat with the permission reaches over a whole area; None is the whole tree."""
        if self.is_system:
            return True
        reaching = [hat for hat in self.hats_with(permission) if hat.reach == "area"]
        if area_id is None:
            return any(hat.area_level == 1 for hat in reaching)
        node = tree().find(area_id)
        lineage = node.lineage if node is not None else ()
        return any(above in hat.area_ids for hat in reaching for above in lineage if above is not None)

    def wears(self, role: str) -> bool:
        """Return whether one of the hats is this role."""
        return any(hat.role == role for hat in self.hats)


def _public_hats(role: Role) -> tuple[Hat, ...]:
    anywhere = Hat(role.key, None, None, (), None, "none", role.permissions)
    own = Hat(role.key, None, None, (), None, "own", role.own)
    return (anywhere, own) if role.own else (anywhere,)


SYSTEM: Final = Actor(None, "系统", "system")
ANONYMOUS: Final = Actor(None, "匿名", "anonymous", hats=_public_hats(roles()["anonymous"]))

_IN_FORCE = """g.revoked_at IS NULL AND g.valid_from <= %(day)s
    AND (g.valid_until IS NULL OR g.valid_until >= %(day)s)"""
_STANDING = f"""
SELECT g.role, g.area_id, g.agency_id, NULL::bigint, ''
  FROM identity_rolegrant g WHERE g.person_id = %(person)s AND {_IN_FORCE}
UNION ALL
SELECT g.role, g.area_id, g.agency_id, p.id, p.name
  FROM identity_cover c JOIN identity_person p ON p.id = c.absentee_id AND p.is_active
  JOIN identity_rolegrant g ON g.person_id = c.absentee_id AND {_IN_FORCE}
 WHERE c.deputy_id = %(person)s AND c.ended_at IS NULL AND c.starts_at <= %(at)s AND c.ends_at > %(at)s
 ORDER BY 4 NULLS FIRST, 1, 2, 3"""  # noqa: S608  constants only

Standing = tuple[str, int, int | None, int | None, str]


def _hats(rows: Iterable[Standing]) -> Iterable[Hat]:
    """Turn grants into hats, own ones first. Standing in gives none to an admin, and none of an admin's."""
    areas = tree()
    known = roles()
    is_admin = False
    for role_key, area_id, agency_id, absentee_id, absentee_name in rows:
        role = known.get(role_key)
        if role is None or (absentee_id is not None and (is_admin or role.is_admin)):
            continue
        is_admin = is_admin or role.is_admin
        area = areas.find(area_id)
        if area is None:
            continue
        yield Hat(
            role=role_key,
            area_id=area_id,
            area_level=area.level,
            area_ids=tuple(areas.scope_ids(area_id)),
            agency_id=agency_id,
            reach=role.reach,
            permissions=role.permissions_at(area.level),
            on_behalf_of=absentee_id,
            on_behalf_name=absentee_name,
        )


def _own_hats(hats: tuple[Hat, ...]) -> Iterable[Hat]:
    for key in dict.fromkeys(hat.role for hat in hats if hat.on_behalf_of is None):
        role = role_named(key)
        if role.own:
            yield Hat(key, None, None, (), None, "own", role.own)


def actor_for(person: "Person", at: datetime | None = None) -> Actor:
    """Return the actor that a person is at `at` (now): own roles and those of people they stand in for.

    One query for an officer, none for a citizen. Whoever is not active wears no hat.
    """
    if person.kind == "citizen":
        hats = _public_hats(roles()["citizen"]) if person.is_active else ()
        return Actor(person.pk, person.name, "citizen", None, hats)
    if not person.is_active:
        return Actor(person.pk, person.name, "officer", person.agency_id)
    moment = at or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, {"person": person.pk, "day": timezone.localdate(moment), "at": moment})
        found = tuple(_hats(cursor.fetchall()))
    return Actor(person.pk, person.name, "officer", person.agency_id, (*found, *_own_hats(found)))
