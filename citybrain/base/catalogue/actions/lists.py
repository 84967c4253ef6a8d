"""Changes of the three lists. A change of a supply that breaks demands is saved only when that was accepted."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.catalogue import matching
from citybrain.base.catalogue.access import EDIT, LISTS, Side
from citybrain.base.catalogue.history import note
from citybrain.base.catalogue.matching import Gap
from citybrain.base.catalogue.models import DataSet, Demand, Supply, SupplyMode, System, TaskItem, UpdateCycle
from citybrain.base.catalogue.types import BadType, Type
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Problem, Refused, refuse
from citybrain.base.identity.models import Agency
from citybrain.base.ledger import record


class Breaks(Refused):
    """The change would leave demands unmet: `gaps` says which. Nothing was changed."""

    def __init__(self, gaps: Sequence[Gap]) -> None:
        super().__init__(*(Problem("breaks", f"{gap.title}：{gap.reason}") for gap in gaps))
        self.gaps = tuple(gaps)


def add_system(
    actor: Actor, agency: Agency, *, key: str, name: str, name_en: str = "", contact: str = ""
) -> System:
    """Write down an information system. Raises Forbidden, Refused."""
    require(actor, EDIT, Side(agency))
    if not name.strip() or not key.strip():
        raise refuse("name", _("请填写系统名称和标识。"))
    with transaction.atomic():
        if System.objects.filter(key=key).exists():
            raise refuse("key", _("标识“%(code)s”已被使用。") % {"code": key})
        system = System.objects.create(
            agency=agency,
            key=key.strip()[:60],
            name=name.strip()[:120],
            name_en=name_en[:200],
            contact=contact[:120],
        )
        record(
            actor.key,
            "catalogue.add_system",
            f"system:{system.key}",
            {"name": system.name, "agency": agency.key},
        )
    return system


def add_item(
    actor: Actor, agency: Agency, *, key: str, name_zh: str, name_en: str = "", basis: str = ""
) -> TaskItem:
    """Write down what needs doing. Raises Forbidden, Refused."""
    require(actor, EDIT, Side(agency))
    if not name_zh.strip() or not key.strip():
        raise refuse("name_zh", _("请填写事项名称和标识。"))
    with transaction.atomic():
        if TaskItem.objects.filter(key=key).exists():
            raise refuse("key", _("标识“%(code)s”已被使用。") % {"code": key})
        item = TaskItem.objects.create(
            agency=agency,
            key=key.strip()[:60],
            name_zh=name_zh.strip()[:120],
            name_en=name_en[:200],
            basis=basis[:500],
        )
        record(
            actor.key, "catalogue.add_item", f"item:{item.key}", {"name": item.name_zh, "agency": agency.key}
        )
    return item


def change_item(actor: Actor, item: TaskItem, **changes: Any) -> TaskItem:
    """Change name_zh, name_en, basis or is_active of an item. Raises Forbidden, Refused.

    An item that is no longer done needs nothing any more: its demands are closed with it.
    """
    require(actor, EDIT, Side(item.agency))
    unknown = set(changes) - {"name_zh", "name_en", "basis", "is_active"}
    if unknown:
        raise TypeError(f"change_item: can't change {', '.join(sorted(unknown))}")
    if not str(changes.get("name_zh", item.name_zh)).strip():
        raise refuse("name_zh", _("请填写事项名称和标识。"))
    with transaction.atomic():
        item = TaskItem.objects.select_for_update(of=("self",)).select_related("agency").get(pk=item.pk)
        for name, value in changes.items():
            setattr(item, name, value if name == "is_active" else str(value).strip()[: _LONGEST[name]])
        item.save()
        if not item.is_active:
            Demand.objects.filter(item=item).update(is_active=False)
        record(actor.key, "catalogue.change_item", f"item:{item.key}", dict(changes))
    return item


def _asked_for(
    title: str, purpose: str, fields: Sequence[Mapping[str, str]], update_cycle: int, mode: str
) -> list[dict[str, str]]:
    """Return the fields a demand names. Raises Refused for one without title, purpose or fields."""
    wanted = [_wanted(one) for one in fields]
    if not title.strip() or not purpose.strip() or not wanted:
        raise refuse("title", _("请填写名称、用途和至少一个信息项。"))
    _verify(update_cycle, mode or SupplyMode.TABLE)
    return wanted


_LONGEST = {"name_zh": 120, "name_en": 200, "basis": 500}


def change_demand(
    actor: Actor,
    demand: Demand,
    *,
    title: str,
    purpose: str,
    fields: Sequence[Mapping[str, str]],
    dataset: DataSet | None = None,
    update_cycle: int = UpdateCycle.IRREGULAR,
    mode: str = "",
    asked_of: Agency | None = None,
) -> Demand:
    """Write a demand anew. Raises Forbidden, Refused for no fields or types that don't exist."""
    require(actor, LISTS, Side(demand.agency))
    wanted = _asked_for(title, purpose, fields, update_cycle, mode)
    with transaction.atomic():
        demand = Demand.objects.select_for_update(of=("self",)).get(pk=demand.pk)
        demand.title, demand.purpose, demand.fields = title.strip()[:120], purpose.strip()[:500], wanted
        demand.dataset, demand.asked_of = dataset, asked_of
        demand.update_cycle, demand.mode, demand.is_active = update_cycle, mode, True
        demand.save()
        record(actor.key, "catalogue.change_demand", f"demand:{demand.pk}", {"fields": wanted})
    return demand


def add_demand(
    actor: Actor,
    item: TaskItem,
    *,
    title: str,
    purpose: str,
    fields: Sequence[Mapping[str, str]],
    dataset: DataSet | None = None,
    update_cycle: int = UpdateCycle.IRREGULAR,
    mode: str = "",
    asked_of: Agency | None = None,
) -> Demand:
    """Write down what an item needs. Raises Forbidden, Refused for no fields or types that don't exist."""
    require(actor, LISTS, Side(item.agency))
    wanted = _asked_for(title, purpose, fields, update_cycle, mode)
    with transaction.atomic():
        demand = Demand.objects.create(
            agency=item.agency, item=item, dataset=dataset, title=title.strip()[:120], purpose=purpose.strip()[:500],
            fields=wanted, update_cycle=update_cycle, mode=mode, asked_of=asked_of,
        )  # fmt: skip
        record(actor.key, "catalogue.add_demand", f"demand:{demand.pk}", {"item": item.key, "fields": wanted})
    return demand


def close_demand(actor: Actor, demand: Demand) -> None:
    """Ask for it no longer. Raises Forbidden."""
    require(actor, LISTS, Side(demand.agency))
    with transaction.atomic():
        Demand.objects.filter(pk=demand.pk).update(is_active=False)
        record(actor.key, "catalogue.close_demand", f"demand:{demand.pk}", {})


def add_supply(
    actor: Actor,
    dataset: DataSet,
    system: System,
    *,
    fields: Sequence[str] = (),
    mode: str = SupplyMode.TABLE,
    update_cycle: int = UpdateCycle.IRREGULAR,
    rank: int = 1,
    note_text: str = "",
) -> Supply:
    """Write down which system gives which fields of a set. Raises Forbidden, Refused."""
    hat = require(actor, EDIT, dataset)
    _verify(update_cycle, mode)
    _verify_fields(dataset, fields)
    now = timezone.now()
    with transaction.atomic():
        if Supply.objects.filter(dataset=dataset, system=system).exists():
            raise refuse("system", _("该系统已在这个数据资源的供给清单中。"))
        supply = Supply.objects.create(
            dataset=dataset, system=system, fields=list(fields), mode=mode, update_cycle=update_cycle, rank=rank,
            note=note_text[:500],
        )  # fmt: skip
        body = {"system": system.key, "fields": list(fields), "mode": mode, "update_cycle": int(update_cycle)}
        note(actor, "add_supply", dataset, now, body, hat=hat)
    return supply


def breaks_of(supply: Supply, changes: Mapping[str, Any] | None) -> list[Gap]:
    """Return the demands that a change of a supply (None: ending it) would leave unmet; nothing is saved."""
    changed = None
    if changes is not None:
        row = Supply(pk=supply.pk, dataset=supply.dataset, system=supply.system, **_values(supply, changes))
        changed = matching.offer_of(row)
    return matching.breaks(matching.read(), changed, instead_of=supply.pk)


def change_supply(
    actor: Actor, supply: Supply, changes: Mapping[str, Any], *, accept_breaks: bool = False
) -> Supply:
    """Change fields, mode, update_cycle, rank or note. Raises Forbidden, Refused, and Breaks unless accepted."""
    hat = require(actor, EDIT, supply.dataset)
    values = _values(supply, changes)
    _verify(values["update_cycle"], values["mode"])
    _verify_fields(supply.dataset, values["fields"])
    now = timezone.now()
    with transaction.atomic():
        supply = _locked(supply)
        gaps = breaks_of(supply, changes)
        if gaps and not accept_breaks:
            raise Breaks(gaps)
        for name, value in values.items():
            setattr(supply, name, value)
        supply.save()
        body = {"supply": supply.pk, "changes": dict(changes), "breaks": len(gaps)}
        note(actor, "change_supply", supply.dataset, now, body, hat=hat)
    return supply


def end_supply(actor: Actor, supply: Supply, *, accept_breaks: bool = False) -> None:
    """Let a system no longer give a set. Raises Forbidden, and Breaks unless accepted."""
    hat = require(actor, EDIT, supply.dataset)
    now = timezone.now()
    with transaction.atomic():
        supply = _locked(supply)
        gaps = breaks_of(supply, None)
        if gaps and not accept_breaks:
            raise Breaks(gaps)
        supply.is_active = False
        supply.save(update_fields=["is_active"])
        note(actor, "end_supply", supply.dataset, now, {"supply": supply.pk, "breaks": len(gaps)}, hat=hat)


def _locked(supply: Supply) -> Supply:
    rows = Supply.objects.select_for_update(of=("self",))
    found: Supply = rows.select_related("dataset__current", "dataset__provider", "system").get(pk=supply.pk)
    return found


_CHANGEABLE = ("fields", "mode", "update_cycle", "rank", "note")


def _values(supply: Supply, changes: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(changes) - set(_CHANGEABLE)
    if unknown:
        raise TypeError(f"change_supply: can't change {', '.join(sorted(unknown))}")
    return {name: changes.get(name, getattr(supply, name)) for name in _CHANGEABLE}


def _verify(update_cycle: int, mode: str) -> None:
    if update_cycle not in UpdateCycle.values:
        raise refuse("update_cycle", _("请选择更新周期。"))
    if mode not in SupplyMode.values:
        raise refuse("mode", _("请选择供给方式。"))


def _verify_fields(dataset: DataSet, fields: Sequence[str]) -> None:
    shape = dataset.shape if dataset.current else dataset.revisions.latest("number").shaped
    unknown = [name for name in fields if not shape.has(name)]
    if unknown:
        raise refuse("fields", _("没有信息项“%(names)s”。") % {"names": _("、").join(unknown)})


def _wanted(one: Mapping[str, str]) -> dict[str, str]:
    name, zh, kind = (str(one.get(key) or "").strip() for key in ("name", "zh", "type"))
    if not name and not zh:
        raise refuse("fields", _("请填写信息项的名称。"))
    try:
        return {"name": name, "zh": zh, "type": Type.parse(kind).text if kind else ""}
    except BadType as bad:
        raise refuse("fields", _("“%(value)s”不是数据类型。") % {"value": kind}) from bad
