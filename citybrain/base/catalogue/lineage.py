"""Where a data set comes from and where it goes: system → supply → data set → grant → agency, and the items served."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from citybrain.base.catalogue.grants import why_not_live
from citybrain.base.catalogue.models import DataSet, Demand, Grant, Supply
from citybrain.base.identity.actor import Actor


@dataclass(frozen=True, slots=True)
class Node:
    """One end of an edge. `kind`: system, agency, dataset, item; `key` is unique within it."""

    kind: str
    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Edge:
    """`kind`: owns (agency → system), supplies, grants (data set → agency), serves (data set → item), related.

    `note` says how: the mode and fields of a supply, the number of a grant; `live` whether it holds now.
    """

    source: Node
    target: Node
    kind: str
    note: str = ""
    live: bool = True


def edges(actor: Actor, dataset: DataSet, now: datetime | None = None) -> list[Edge]:
    """Return the edges around a data set that the actor may see, in a settled order. At most four queries."""
    moment = now or timezone.now()
    here = Node("dataset", dataset.code, dataset.name_zh)
    supplies = Supply.objects.visible_to(actor).filter(dataset=dataset, is_active=True)
    found: list[Edge] = []
    for supply in supplies.select_related("system__agency").order_by("rank", "id"):
        found += _supplied(supply, here)
    grants = Grant.objects.visible_to(actor).filter(dataset=dataset).select_related("agency", "dataset")
    for grant in grants.order_by("id"):
        holder = Node("agency", grant.agency.key, grant.agency.name)
        found.append(Edge(here, holder, "grants", grant.number or "", not why_not_live(grant, moment)))
    demands = Demand.objects.visible_to(actor).filter(dataset=dataset, is_active=True)
    for demand in demands.select_related("item").order_by("item__name_zh", "id"):
        found.append(Edge(here, Node("item", demand.item.key, demand.item.name_zh), "serves", demand.title))
    return found + _related(actor, dataset, here)


def _supplied(supply: Supply, here: Node) -> list[Edge]:
    system = Node("system", supply.system.key, supply.system.name)
    owner = Node("agency", supply.system.agency.key, supply.system.agency.name)
    fields = "、".join(supply.fields)
    note = supply.get_mode_display() + (f"：{fields}" if fields else "")
    return [Edge(owner, system, "owns"), Edge(system, here, "supplies", note)]


def _related(actor: Actor, dataset: DataSet, here: Node) -> list[Edge]:
    codes = dataset.current.meta.get("related", []) if dataset.current else []
    if not codes:
        return []
    rows = DataSet.objects.visible_to(actor).filter(code__in=codes).order_by("code")
    return [Edge(Node("dataset", row.code, row.name_zh), here, "related") for row in rows]
