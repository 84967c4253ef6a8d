"""One item changed by a person: a new version from a day on, and its withdrawal before that day has come.

What was in force stays as it was: cases keep the version they were filed under.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import transaction
from django.forms.models import model_to_dict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import AgencyKind
from citybrain.base.ledger.append import record
from citybrain.hub.cases import items
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.models import Item
from citybrain.hub.cases.registry import MINUTES_MOST, longest

MANAGE: Final = "items.manage"
LEVELS: Final = ("社区", "街镇", "区", "市")
LABELS: Final[dict[str, Promise]] = {
    "name_zh": gettext_lazy("名称"),
    "name_en": gettext_lazy("英文名称"),
    "lead_kind": gettext_lazy("牵头单位类别"),
    "assist_kind": gettext_lazy("协办单位类别"),
    "urgent": gettext_lazy("紧急"),
    "accept_limit": gettext_lazy("受理时限"),
    "disposal_limit": gettext_lazy("处置时限"),
    "first_level": gettext_lazy("先行处置层级"),
    "grid_self_handle": gettext_lazy("网格员自行处置"),
    "whistle_allowed": gettext_lazy("可以吹哨"),
    "filing_condition": gettext_lazy("立案条件"),
    "close_condition": gettext_lazy("结案条件"),
    "keywords": gettext_lazy("市民用语"),
}
EDITABLE: Final = frozenset({*LABELS, "accept_minutes", "disposal_minutes", "working"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which a version differs from the one before."""

    field: str
    label: str
    before: Any
    after: Any


def differences(before: Item, after: Item) -> list[Difference]:
    """Return what changed from one version to the next, in the order of LABELS."""
    return [
        Difference(name, str(label), getattr(before, name), getattr(after, name))
        for name, label in LABELS.items()
        if getattr(before, name) != getattr(after, name)
    ]


def limit_text(minutes: int, *, working: bool) -> str:
    """Return a limit as it is published: 240 minutes of working time are 4工作时."""
    return f"{minutes / 60:g}{'工作时' if working else '小时'}"


def revise_item(
    actor: Actor,
    code: str,
    values: Mapping[str, Any],
    valid_from: date,
    *,
    known: int,
    today: date | None = None,
) -> Item:
    """Return the new version of an item, in force from `valid_from` on.

    `known` is the id of the version the person looked at. A version that has not come into force yet is
    replaced when the new one starts no later. Raises BadInput naming the field.
    """
    require(actor, MANAGE)
    day = today or timezone.localdate()
    with transaction.atomic():
        old = _open_version(code, known)
        if valid_from < day:
            raise BadInput(_("生效日期不能早于今天：已发生的案件按当时的版本办理。"), "valid_from")
        fresh = _changed(old, _checked(old, values), valid_from)
        told = {one.field: [one.before, one.after] for one in differences(old, fresh)}
        if not told:
            raise BadInput(_("没有改动。"))
        _make_room(old, valid_from, day)
        fresh.save()
        body = {"valid_from": valid_from.isoformat(), "changes": told}
        record(actor.key, "items.revise", f"item:{code}", body)
        transaction.on_commit(items.forget)
    return fresh


def withdraw_revision(actor: Actor, code: str, *, known: int, today: date | None = None) -> None:
    """Take back a version that has not come into force; the one before goes on. Raises BadInput."""
    require(actor, MANAGE)
    with transaction.atomic():
        open_one = _open_version(code, known)
        if open_one.valid_from <= (today or timezone.localdate()):
            raise BadInput(_("该版本已生效，不能撤回；请另立新版本。"))
        _reopen_before(open_one)
        record(actor.key, "items.withdraw", f"item:{code}", {"valid_from": open_one.valid_from.isoformat()})
        transaction.on_commit(items.forget)


def _open_version(code: str, known: int) -> Item:
    found = Item.objects.select_for_update().filter(code=code, valid_until=None).first()
    if found is None:
        raise BadInput(_("事项 %(code)s 已停用。") % {"code": code})
    if found.pk != known:
        raise BadInput(_("该事项刚被他人修改，请刷新后再操作。"))
    return found


def _checked(old: Item, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with limits as texts. Raises BadInput for what the table can't hold."""
    unknown = sorted(set(values) - EDITABLE)
    if unknown:
        raise BadInput(_("不能修改：%(names)s") % {"names": "、".join(unknown)})
    found = dict(values)
    for name in ("name_zh", "lead_kind"):
        if not found.get(name, getattr(old, name)):
            raise BadInput(_("必填。"), name)
    kinds = set(AgencyKind.objects.values_list("key", flat=True))
    for name in ("lead_kind", "assist_kind"):
        if found.get(name) and found[name] not in kinds:
            raise BadInput(_("没有“%(name)s”这类单位。") % {"name": found[name]}, name)
    if found.get("first_level", "市") not in LEVELS:
        raise BadInput(_("没有这个层级。"), "first_level")
    found["keywords"] = " ".join(found.get("keywords", old.keywords).split())
    _check_lengths(found)
    return {**found, **_limits(old, found)}


def _check_lengths(found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        most = longest(name)
        if isinstance(value, str) and len(value) > most:
            raise BadInput(_("最多 %(most)d 字。") % {"most": most}, name)


def _limits(old: Item, found: Mapping[str, Any]) -> dict[str, str]:
    """Return the published texts of limits that changed; the others keep the words they were published in."""
    working = found.get("working", old.working)
    texts: dict[str, str] = {}
    for name in ("accept", "disposal"):
        minutes = found.get(f"{name}_minutes", getattr(old, f"{name}_minutes"))
        if not 0 < minutes < MINUTES_MOST:
            raise BadInput(_("时限应大于 0。"), f"{name}_minutes")
        if (minutes, working) != (getattr(old, f"{name}_minutes"), old.working):
            texts[f"{name}_limit"] = limit_text(minutes, working=working)
    return texts


def _changed(old: Item, values: Mapping[str, Any], valid_from: date) -> Item:
    kept = model_to_dict(old, exclude=["id", "valid_from", "valid_until"])
    return Item(**{**kept, **values}, valid_from=valid_from)


def _make_room(old: Item, valid_from: date, today: date) -> None:
    """End the version before; one that has not begun and would start no earlier goes altogether."""
    if old.valid_from < valid_from:
        old.valid_until = valid_from
        old.save(update_fields=["valid_until"])
        return
    if old.valid_from <= today:
        text = _("事项 %(code)s 已有自 %(day)s 起的版本，新版本须晚于这一天。")
        raise BadInput(text % {"code": old.code, "day": old.valid_from.isoformat()}, "valid_from")
    before = _reopen_before(old)
    if before is not None:
        _make_room(before, valid_from, today)


def _reopen_before(upcoming: Item) -> Item | None:
    """Delete a version that never held and return the one before it, open again."""
    before = (
        Item.objects.select_for_update().filter(code=upcoming.code, valid_until=upcoming.valid_from).first()
    )
    upcoming.delete()
    if before is not None:
        before.valid_until = None
        before.save(update_fields=["valid_until"])
    return before
