"""The three lists held against each other like types: what is asked for, by whom it is given, and what is missing.

Pure over what `read` takes from the database once, so that a change can be tried before it is saved.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.catalogue.access import AUDIT, LISTS, reach
from citybrain.base.catalogue.grants import live_grants
from citybrain.base.catalogue.models import (
    DataSet,
    DataSetState,
    Demand,
    ShareType,
    Supply,
    SupplyMode,
    UpdateCycle,
)
from citybrain.base.catalogue.shape import Shape
from citybrain.base.catalogue.types import BadType, Type
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Agency, RoleGrant

GapKind = Literal[
    "no_dataset", "withdrawn", "no_field", "type", "no_supply", "mode", "stale", "not_shared", "no_grant"
]
REGULAR: Final = (UpdateCycle.REAL_TIME, UpdateCycle.DAILY, UpdateCycle.WEEKLY, UpdateCycle.MONTHLY,
                  UpdateCycle.QUARTERLY, UpdateCycle.HALF_YEARLY, UpdateCycle.YEARLY)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """One field of a demand; an empty name is looked for by its Chinese name, an empty type takes any."""

    name: str
    zh: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """A demand as matching sees it. `dataset` is a code, or empty where the asker doesn't know whose it is."""

    id: int
    title: str
    agency_id: int
    dataset: str
    fields: tuple[Wanted, ...]
    update_cycle: int
    mode: str
    asked_of: int | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A supply as matching sees it; without fields it gives all."""

    id: int
    dataset: str
    system: str
    agency_id: int
    fields: frozenset[str]
    update_cycle: int
    mode: str


@dataclass(frozen=True, slots=True)
class Holding:
    """A data set as matching sees it."""

    code: str
    name: str
    provider_id: int
    state: str
    share_type: int
    share_condition: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Lists:
    """Everything that is held against each other. `granted`: (data set, agency) → fields granted now."""

    needs: tuple[Need, ...]
    offers: tuple[Offer, ...]
    holdings: dict[str, Holding]
    granted: dict[tuple[str, int], frozenset[str]]
    coordinator: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """One unmet demand: what is missing of which fields, why, and the agency to ask (None: nobody is known)."""

    demand_id: int
    title: str
    dataset: str
    kind: GapKind
    fields: tuple[str, ...]
    reason: str
    ask: int | None

    @property
    def key(self) -> tuple[int, str, tuple[str, ...]]:
        return self.demand_id, self.kind, self.fields


def read(actor: Actor | None = None) -> Lists:
    """Return the lists: the demands that the actor sees (None: all), against all that is there. Five queries."""
    demands = Demand.objects.filter(is_active=True).select_related("dataset").order_by("id")
    if actor is not None:
        mine = reach(actor, (LISTS, AUDIT), "agency") | reach(actor, (LISTS, AUDIT), "dataset__provider")
        demands = demands.filter(mine)
    supplies = Supply.objects.filter(Q(is_active=True, system__is_active=True)).select_related(
        "system", "dataset"
    )
    sets = DataSet.objects.filter(current__isnull=False).select_related("current").order_by("code")
    granted: dict[tuple[str, int], frozenset[str]] = {}
    for code, agency_id, fields in live_grants(timezone.now()).values_list(
        "dataset__code", "agency_id", "fields"
    ):
        granted[code, agency_id] = granted.get((code, agency_id), frozenset()) | frozenset(fields)
    coordinator = (
        Agency.objects.in_force().filter(kind_id="data_bureau").order_by("area__level", "id").first()
    )
    return Lists(
        tuple(need_of(row) for row in demands),
        tuple(offer_of(row) for row in supplies.order_by("id")),
        {row.code: _holding(row) for row in sets},
        granted,
        coordinator.pk if coordinator else None,
    )


def need_of(row: Demand) -> Need:
    """Return a demand as matching sees it."""
    fields = tuple(Wanted(one.get("name", ""), one.get("zh", ""), one.get("type", "")) for one in row.fields)
    code = row.dataset.code if row.dataset else ""
    return Need(row.pk, row.title, row.agency_id, code, fields, row.update_cycle, row.mode, row.asked_of_id)


def offer_of(row: Supply) -> Offer:
    """Return a supply as matching sees it."""
    return Offer(
        id=row.pk,
        dataset=row.dataset.code,
        system=row.system.name,
        agency_id=row.system.agency_id,
        fields=frozenset(row.fields),
        update_cycle=row.update_cycle,
        mode=row.mode,
    )


def _holding(row: DataSet) -> Holding:
    return Holding(
        row.code, row.name_zh, row.provider_id, row.state, row.share_type, row.share_condition, row.shape
    )


def check(lists: Lists) -> list[Gap]:
    """Return every gap of every demand, in the order of demands."""
    by_set: dict[str, list[Offer]] = {}
    for offer in lists.offers:
        by_set.setdefault(offer.dataset, []).append(offer)
    return [gap for need in lists.needs for gap in _gaps(need, lists, by_set)]


def breaks(lists: Lists, changed: Offer | None, *, instead_of: int) -> list[Gap]:
    """Return the gaps that a changed supply (None: taken away) would open which aren't there now."""
    before = {gap.key for gap in check(lists)}
    offers = [offer for offer in lists.offers if offer.id != instead_of]
    after = replace(lists, offers=tuple([*offers, changed] if changed else offers))
    return [gap for gap in check(after) if gap.key not in before]


def reshaped(lists: Lists, code: str, shape: Shape | None) -> list[Gap]:
    """Return the gaps that another shape of a data set (None: withdrawing it) would open."""
    before = {gap.key for gap in check(lists)}
    holding = lists.holdings[code]
    other = replace(holding, shape=shape) if shape else replace(holding, state=DataSetState.WITHDRAWN)
    after = replace(lists, holdings={**lists.holdings, code: other})
    return [gap for gap in check(after) if gap.key not in before]


def _gaps(need: Need, lists: Lists, by_set: dict[str, list[Offer]]) -> list[Gap]:
    holding = lists.holdings.get(need.dataset)
    if holding is None:
        return [_homeless(need, lists)]
    if holding.state != DataSetState.PUBLISHED:
        text = _("“%(set)s”未在目录中发布。")
        return [_gap(need, "withdrawn", (), text % {"set": holding.name}, holding.provider_id)]
    found, names = _untyped(need, holding)
    found += _unsupplied(need, holding, names, by_set.get(need.dataset, []))
    return found + _unlent(need, holding, names, lists)


def _gap(need: Need, kind: GapKind, fields: Sequence[str], reason: str, whom: int | None) -> Gap:
    return Gap(need.id, need.title, need.dataset, kind, tuple(fields), reason, whom)


def _homeless(need: Need, lists: Lists) -> Gap:
    """A demand that names no data set: say which sets have such fields, and whom to ask."""
    wanted = {word for one in need.fields for word in (one.name, one.zh) if word}
    scored = sorted(
        ((_shared(holding.shape, wanted), code) for code, holding in lists.holdings.items()),
        key=lambda one: (-one[0], one[1]),
    )
    near = [code for score, code in scored if score][:3]
    fields = [one.zh or one.name for one in need.fields]
    if near:
        names = _("、").join(lists.holdings[code].name for code in near)
        reason = _("未指定数据资源，以下资源有类似信息项：%(sets)s。") % {"sets": names}
        return _gap(need, "no_dataset", fields, reason, need.asked_of or lists.holdings[near[0]].provider_id)
    return _gap(need, "no_dataset", fields, _("目录中没有这些信息项。"), need.asked_of or lists.coordinator)


def _shared(shape: Shape, wanted: set[str]) -> int:
    return sum(1 for field in shape.fields if field.name in wanted or field.zh in wanted)


def _untyped(need: Need, holding: Holding) -> tuple[list[Gap], list[str]]:
    """Return gaps of fields that aren't there or hold another type, and the names of those that are."""
    by_zh = {field.zh: field.name for field in holding.shape.fields}
    found: list[Gap] = []
    names: list[str] = []
    for one in need.fields:
        name = one.name if holding.shape.has(one.name) else by_zh.get(one.zh, "")
        if not name:
            text = _("“%(set)s”没有信息项“%(field)s”。")
            reason = text % {"set": holding.name, "field": one.zh or one.name}
            found.append(_gap(need, "no_field", [one.name or one.zh], reason, holding.provider_id))
            continue
        names.append(name)
        given = holding.shape.field(name).type
        if not _fits(one.type, given):
            text = _("“%(field)s”需要 %(wanted)s，目录为 %(given)s。")
            values = {"field": holding.shape.field(name).zh, "wanted": one.type, "given": given.text}
            found.append(_gap(need, "type", [name], text % values, holding.provider_id))
    return found, names


def _fits(wanted: str, given: Type) -> bool:
    """Return whether values of a type can be used where another is wanted: the same kind, or a wider one."""
    if not wanted:
        return True
    try:
        asked = Type.parse(wanted)
    except BadType:
        return False
    return asked.holds(given) or (asked.is_text and given.is_text and asked.length is None)


def _unsupplied(need: Need, holding: Holding, names: Sequence[str], offers: Iterable[Offer]) -> list[Gap]:
    """Return gaps of fields that no system gives, not in the way asked for, or not as fresh."""
    found: list[Gap] = []
    missing: list[str] = []
    wrong_way: list[str] = []
    stale: list[str] = []
    for name in names:
        giving = [offer for offer in offers if not offer.fields or name in offer.fields]
        in_way = [offer for offer in giving if not need.mode or offer.mode == need.mode]
        if not giving:
            missing.append(name)
        elif not in_way:
            wrong_way.append(name)
        elif not any(as_fresh(offer.update_cycle, need.update_cycle) for offer in in_way):
            stale.append(name)
    told: tuple[tuple[GapKind, list[str], str], ...] = (
        ("no_supply", missing, _("没有信息系统供给：%(fields)s。")),
        ("mode", wrong_way, _("不以%(mode)s方式供给：%(fields)s。")),
        ("stale", stale, _("需要%(cycle)s更新，供给达不到：%(fields)s。")),
    )
    for kind, fields, text in told:
        if fields:
            mode = SupplyMode(need.mode).label if need.mode else ""
            values = {
                "fields": _zh(holding, fields),
                "mode": mode,
                "cycle": UpdateCycle(need.update_cycle).label,
            }
            found.append(_gap(need, kind, fields, text % values, holding.provider_id))
    return found


def as_fresh(given: int, wanted: int) -> bool:
    """Return whether a cycle is at least as fresh as another; irregular is met by any, and meets only itself."""
    if wanted not in REGULAR:
        return True
    return given in REGULAR and given <= wanted


def _zh(holding: Holding, names: Sequence[str]) -> str:
    return _("、").join(holding.shape.field(name).zh for name in names)


def _unlent(need: Need, holding: Holding, names: Sequence[str], lists: Lists) -> list[Gap]:
    """Return the gap of fields that the asker may not use yet."""
    if need.agency_id == holding.provider_id or not names:
        return []
    if holding.share_type == ShareType.REFUSED:
        reason = _("该数据资源不予共享：%(why)s。") % {"why": holding.share_condition}
        return [_gap(need, "not_shared", names, reason, holding.provider_id)]
    granted = lists.granted.get((holding.code, need.agency_id), frozenset())
    missing = [name for name in names if name not in granted]
    if not missing:
        return []
    reason = _("尚未取得授权：%(fields)s。请提出申请。") % {"fields": _zh(holding, missing)}
    return [_gap(need, "no_grant", missing, reason, holding.provider_id)]


def contacts(agency_ids: Iterable[int]) -> dict[int, list[str]]:
    """Return the names of the data managers of agencies: whom to ask there. One query."""
    ids = set(agency_ids)
    today = timezone.localdate()
    rows = RoleGrant.objects.filter(
        Q(valid_until=None) | Q(valid_until__gte=today), role="data_manager", revoked_at=None, agency_id__in=ids,
        valid_from__lte=today, person__is_active=True,
    )  # fmt: skip
    found: dict[int, list[str]] = {}
    for agency_id, name in rows.order_by("person__pinyin", "id").values_list("agency_id", "person__name"):
        if agency_id is not None and name not in found.setdefault(agency_id, []):
            found[agency_id].append(name)
    return found
