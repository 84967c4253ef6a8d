"""The roles, read once from data/roles.toml. What a role may do; never who holds it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from django.utils.translation import get_language

Reach = Literal["area", "agency", "own", "none"]

ADMIN_GROUPS = frozenset({"system", "security", "audit"})
FILE = Path(__file__).parent / "data" / "roles.toml"


@dataclass(frozen=True, slots=True)
class Role:
    """One role. `levels` are the levels of area that it can be given for."""

    key: str
    zh: str
    en: str
    group: str
    levels: tuple[int, ...]
    reach: Reach
    permissions: frozenset[str]
    own: frozenset[str] = frozenset()
    only_at: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    may_grant: frozenset[str] = frozenset()

    @property
    def is_admin(self) -> bool:
        """Whether it is a role of the three administrators, kept apart from all others."""
        return self.group in ADMIN_GROUPS

    @property
    def name(self) -> str:
        """Its name in the language of the reader."""
        return self.en if (get_language() or "").startswith("en") else self.zh

    def permissions_at(self, level: int) -> frozenset[str]:
        """Return what the role may do when it is given for an area of `level`."""
        kept_back = {name for name, levels in self.only_at.items() if level not in levels}
        return self.permissions - kept_back


@cache
def roles() -> Mapping[str, Role]:
    """Return all roles by key, in the order of the file; `citizen` and `anonymous` come last."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        key: Role(
            key=key,
            zh=row["zh"],
            en=row["en"],
            group=row["group"],
            levels=tuple(row["levels"]),
            reach=row["reach"],
            permissions=frozenset(row["permissions"]),
            own=frozenset(row.get("own", ())),
            only_at={name: tuple(levels) for name, levels in row.get("only_at", {}).items()},
            may_grant=frozenset(row.get("may_grant", ())),
        )
        for key, row in found.items()
    }


def grantable_roles() -> list[Role]:
    """Return the roles that can be given to a person."""
    return [role for role in roles().values() if role.group != "public"]


def role_named(key: str) -> Role:
    """Return the role. Raises KeyError when there is none of that key."""
    return roles()[key]


def roles_with(permission: str) -> list[Role]:
    """Return the roles that hold the permission, in the order of the file; the public ones left out."""
    return [role for role in grantable_roles() if permission in role.permissions]


def all_permissions() -> frozenset[str]:
    """Return every permission that some role holds."""
    return frozenset().union(*(role.permissions | role.own for role in roles().values()))
