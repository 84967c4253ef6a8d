"""Under which right a data set is read for an area: grants of the scene `forms`, and who may use them.

A grant is held by an office. Whoever works in an area (forms.fill, forms.review, forms.rosters) reads through the
grants of offices at or above that area, and only rows of people who live in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, Protocol

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import Node, tree
from citybrain.base.catalogue import grants, masks
from citybrain.base.catalogue.grants import Policy
from citybrain.base.catalogue.models import DataSet, Grant
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.delivery import usage
from citybrain.base.identity.access import Forbidden, refusal, require
from citybrain.base.identity.actor import Actor
from citybrain.hub.forms.access import FILL, REVIEW, ROSTERS
from citybrain.hub.forms.columns import Asks, Column

SCENE: Final = "forms"
MODE: Final = "filter"
WORKING: Final = (FILL, REVIEW, ROSTERS)


class HasId(Protocol):
    """An area as a model or a node of the tree."""

    @property
    def id(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Place:
    """An area as a subject of `require`."""

    node: Node

    def guard_lineage(self) -> tuple[int | None, ...]:
        return self.node.lineage

    def guard_agency_ids(self) -> frozenset[int]:
        return frozenset()

    def guard_owner_id(self) -> int | None:
        return None


def node_of(area: HasId | int) -> Node:
    """Return the area's node in the tree. Raises KeyError for one that never was."""
    return tree().get(area if isinstance(area, int) else area.id)


def require_work(actor: Actor, area: HasId | int, permissions: Sequence[str] = WORKING) -> Node:
    """Return the area where the actor works in it under one of the permissions. Raises Forbidden."""
    node = node_of(area)
    for permission in permissions:
        try:
            require(actor, permission, Place(node))
        except Forbidden:
            continue
        return node
    raise refusal(actor, permissions[0], Place(node))


@dataclass(frozen=True)
class Right:
    """One grant that lets an area read a data set. `held` is the level of area its office stands at.

    `left` are the rows that may still be read under it on this day.
    """

    grant: Grant
    policy: Policy
    held: int
    left: int

    @property
    def dataset(self) -> DataSet:
        found: DataSet = self.grant.dataset
        return found

    @cached_property
    def shape(self) -> Shape:
        return self.dataset.shape

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields that are granted and still there."""
        return frozenset(name for name in self.policy.fields if self.shape.has(name))

    def mask(self, field: str) -> str:
        """Return the key of a field's mask, "" for none."""
        return self.policy.masks.get(field, "")

    def plain(self, field: str) -> bool:
        """Tell whether the field is granted without a mask."""
        return field in self.fields and not self.mask(field)

    @cached_property
    def last(self) -> str:
        """The field by which the latest of several rows of a person is told: a moment or day shown unmasked, or ""."""
        days = [
            one
            for one in self.shape.fields
            if one.type.kind in {"timestamp", "date"} and self.plain(one.name)
        ]
        moment = next((one.name for one in days if one.type.kind == "timestamp"), "")
        return moment or (days[0].name if days else "")


@dataclass(frozen=True, slots=True)
class Shown:
    """Whether a column may be shown to an area now; `mask` is laid over it, `why` says why it may not."""

    allowed: bool
    mask: str = ""
    why: str = ""


def rights_of(area: HasId | int, codes: Iterable[str], now: datetime | None = None) -> dict[str, list[Right]]:
    """Return the rights to data sets by their code, the nearest office's first. One query.

    Sets nobody at or above the area was granted are not in it.
    """
    node, moment = node_of(area), now or timezone.now()
    areas = tree()
    live = grants.live_grants(moment).filter(
        request__scene=SCENE, dataset__code__in=sorted(set(codes)), agency__is_active=True
    )
    found: dict[str, list[Right]] = {}
    for grant in usage.with_left(live, moment).select_related("dataset__current", "agency").order_by("-pk"):
        if MODE not in grant.modes or not areas.contains(grant.agency.area_id, node.id):
            continue
        right = Right(grant, grants.policy(grant), areas.get(grant.agency.area_id).level, grant.left)
        if grant.dataset.current is not None and _holds(right):
            found.setdefault(grant.dataset.code, []).append(right)
    for listed in found.values():
        listed.sort(key=lambda one: -one.held)
    return found


def _holds(right: Right) -> bool:
    """Tell whether the set still has every field the grant's conditions read."""
    return all(right.shape.has(one.field) for one in right.policy.conditions)


def best(rights: Sequence[Right], fields: Iterable[str]) -> Right | None:
    """Return the right that shows most of the fields, with fewest masks among equals; None where there is none."""
    wanted = set(fields)
    return max(
        rights,
        key=lambda one: (len(wanted & one.fields), sum(one.plain(name) for name in wanted)),
        default=None,
    )


def by_set(columns: Iterable[Column]) -> dict[str, list[str]]:
    """Return the fields that columns ask for by data set, each once."""
    found: dict[str, dict[str, None]] = {}
    for column in columns:
        if column.asks == Asks.DATA and column.field:
            found.setdefault(column.dataset, {})[column.field_name] = None
    return {code: list(fields) for code, fields in found.items()}


def shown(
    actor: Actor, area: HasId | int, columns: Sequence[Column], now: datetime | None = None
) -> dict[str, Shown]:
    """Return by letter whether a column's stored cells may be shown to the actor now, and under which mask.

    A column no data set is asked for may be shown to whoever works in the area; whether a counted one may be is for
    rosters.counting to say. Raises Forbidden.
    """
    node = require_work(actor, area)
    wanted = by_set(columns)
    rights = rights_of(node, wanted, now)
    chosen = {code: best(rights.get(code, ()), fields) for code, fields in wanted.items()}
    found = {}
    for column in columns:
        if column.asks != Asks.DATA or not column.field:
            found[column.letter] = Shown(column.asks != Asks.COUNT)
            continue
        right = chosen[column.dataset]
        if right is None or column.field_name not in right.fields:
            found[column.letter] = Shown(False, why=why_not(column.dataset, right))
        else:
            found[column.letter] = Shown(True, right.mask(column.field_name))
    return found


def hidden(value: str, how: Shown) -> str:
    """Return a stored value as it may be shown: whole, under its mask, or nothing at all."""
    if not how.allowed:
        return ""
    return masks.masked(value, how.mask) or "" if how.mask and masks.STAR not in value else value


def why_not(code: str, right: Right | None) -> str:
    """Return why a field isn't shown, and whom to ask, in the reader's language."""
    if right is not None:
        return _("授权未包含此项，请本单位报表管理员向提供部门申请。")
    return _("本地区没有此数据的填表授权（%(code)s），请报表管理员申请。") % {"code": code}
