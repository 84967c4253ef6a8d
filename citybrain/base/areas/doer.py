"""Who may change areas, as far as this room knows people: something that identity's Actor satisfies."""

from typing import Final, Protocol

from citybrain.base.areas.tree import tree

MANAGE: Final = "areas.manage"


class Doer(Protocol):
    """Whoever acts. `key` names them in the ledger ("person:12", "system")."""

    @property
    def key(self) -> str: ...

    def may(self, permission: str) -> bool:
        """Say whether the permission is held anywhere."""

    def covers_area(self, permission: str, area_id: int | None) -> bool:
        """Say whether the permission is held for this area; None stands for the whole tree (a new city)."""


class NotAllowedError(PermissionError):
    """The doer may not change this area; the message names it."""


class _Operator:
    """Whoever sits at the machine's own command line."""

    key = "system"

    def may(self, permission: str) -> bool:
        return permission == MANAGE

    def covers_area(self, permission: str, area_id: int | None) -> bool:
        return self.may(permission)


OPERATOR: Final[Doer] = _Operator()


def require_manage(actor: Doer, area_id: int | None = None) -> None:
    """Raise NotAllowedError unless the actor may change this area (None: the whole tree)."""
    if not actor.may(MANAGE):
        raise NotAllowedError(f"{actor.key} does not hold {MANAGE}")
    if not actor.covers_area(MANAGE, area_id):
        node = tree().find(area_id)
        where = f"{node.code} {node.name}" if node else "the whole tree"
        raise NotAllowedError(f"{actor.key} holds {MANAGE}, but not for {where}")
