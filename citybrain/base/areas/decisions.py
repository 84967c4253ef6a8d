"""Decisions about areas: renamed, recoded, split, merged, from today, from a day past, or from one ahead.

A decision for a day ahead is checked now, kept, and checked and carried out on that day by `apply_due`. One
that can't be carried out then is marked failed with the reason, which `areas check` shows.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import shapely
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from citybrain.base.areas import effects, tree
from citybrain.base.areas.doer import Doer, require_manage
from citybrain.base.areas.errors import AreaError
from citybrain.base.areas.models import Area, AreaChange, AreaDecision, DecisionKind, DecisionState
from citybrain.base.ledger.append import record

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """One of the areas a split makes. `children`: ids right below the split area that go here.

    Children that no part names go by where they lie, which needs the parts' shapes. `shape` is a shapely polygon
    in WGS-84. One part may go on with the old code.
    """

    code: str
    name: str
    name_en: str = ""
    shape: Any | None = None
    children: Sequence[int] = ()


def rename_area(
    actor: Doer, area_id: int, name: str, *, name_en: str = "", at: date | None = None, document: str = ""
) -> AreaDecision:
    """Give an area another name. Raises AreaError, NotAllowedError."""
    plan = {"area": area_id, "name": name.strip(), "name_en": name_en.strip()}
    return _decide(actor, DecisionKind.RENAME, plan, at, document)


def recode_area(
    actor: Doer,
    area_id: int,
    code: str,
    *,
    parent_id: int | None = None,
    at: date | None = None,
    document: str = "",
) -> AreaDecision:
    """Give an area another code, and those below it theirs; with `parent_id`, hang it there too.

    Raises AreaError, NotAllowedError.
    """
    plan = {"area": area_id, "code": effects.clean_code(code), "parent": parent_id}
    return _decide(actor, DecisionKind.RECODE, plan, at, document)


def split_area(
    actor: Doer, area_id: int, parts: Sequence[Part], *, at: date | None = None, document: str = ""
) -> AreaDecision:
    """End an area and put two or more in its place. Raises AreaError, NotAllowedError."""
    listed = [
        {
            "code": effects.clean_code(part.code),
            "name": part.name.strip(),
            "name_en": part.name_en.strip(),
            "shape": shapely.to_wkb(part.shape, hex=True) if part.shape is not None else "",
            "children": list(part.children),
        }
        for part in parts
    ]
    return _decide(actor, DecisionKind.SPLIT, {"area": area_id, "parts": listed}, at, document)


def merge_areas(
    actor: Doer,
    area_ids: Sequence[int],
    code: str,
    name: str,
    *,
    name_en: str = "",
    parent_id: int | None = None,
    at: date | None = None,
    document: str = "",
) -> AreaDecision:
    """Make several areas of one level into one; what was below them goes below it.

    If `code` is that of one of them, that one goes on and the others end; else a new area takes their place,
    under `parent_id` or the first one's parent. Raises AreaError, NotAllowedError.
    """
    plan = {
        "areas": list(area_ids),
        "code": effects.clean_code(code),
        "name": name.strip(),
        "name_en": name_en.strip(),
        "parent": parent_id,
    }
    return _decide(actor, DecisionKind.MERGE, plan, at, document)


def withdraw_decision(actor: Doer, decision_id: int) -> AreaDecision:
    """Take back a decision that isn't in force yet. Raises AreaError, NotAllowedError."""
    with transaction.atomic():
        tree.hold()
        decision = AreaDecision.objects.filter(pk=decision_id).first()
        if decision is None or decision.state != DecisionState.PENDING:
            raise AreaError(f"decision {decision_id} is not waiting for its day")
        for area_id in effects.touched(tree.read_tree(), decision.plan):
            require_manage(actor, area_id)
        decision.state = DecisionState.WITHDRAWN
        decision.save(update_fields=["state"])
        record(actor.key, "areas.withdraw", f"area_decision:{decision.pk}", {"kind": decision.kind})
    return decision


def apply_due(today: date | None = None) -> int:
    """Carry out the decisions whose day has come, oldest first; return how many were settled.

    May run in several processes at once.
    """
    day = today or timezone.localdate()
    due = list(
        AreaDecision.objects.filter(state=DecisionState.PENDING, at__lte=day)
        .order_by("at", "id")
        .values_list("id", flat=True)
    )
    return sum(_settle(decision_id) for decision_id in due)


def tick(now: datetime) -> int:
    """Carry out what is due: a loop of the worker."""
    return apply_due(timezone.localdate(now))


def _decide(
    actor: Doer, kind: DecisionKind, plan: Mapping[str, Any], at: date | None, document: str
) -> AreaDecision:
    require_manage(actor, next(iter(plan.get("areas", ())), plan.get("area")))
    today = timezone.localdate()
    day = at or today
    with transaction.atomic():
        tree.hold()
        areas = tree.read_tree()
        touched = effects.touched(areas, plan)
        for area_id in touched:
            require_manage(actor, area_id)
        effects.VERBS[kind].check(areas, plan)
        _check_day(touched, day, today)
        decision = AreaDecision.objects.create(
            kind=kind,
            at=day,
            plan=plan,
            actor=actor.key,
            document=document[:200],
            recorded_at=timezone.now(),
            state=DecisionState.PENDING if day > today else DecisionState.APPLIED,
        )
        named = [f"{areas.get(area_id).code} {areas.get(area_id).name}" for area_id in touched]
        body = {"decision": decision.pk, "at": day, "areas": named, "plan": _without_shapes(plan)}
        if decision.state == DecisionState.APPLIED:
            effects.VERBS[kind].apply(areas, plan, decision)
            tree.bump()
        planned = ".planned" if decision.state == DecisionState.PENDING else ""
        record(actor.key, f"areas.{kind}{planned}", f"area:{touched[0]}", body)
    return decision


def _without_shapes(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plan as the ledger keeps it: the digits of an outline stay out."""
    parts = [{key: value for key, value in part.items() if key != "shape"} for part in plan.get("parts", ())]
    return {**plan, **({"parts": parts} if parts else {})}


def _check_day(area_ids: Sequence[int], day: date, today: date) -> None:
    """Raise AreaError for a day before an area's beginning, before its last change, or absurdly far ahead."""
    if day.year > today.year + 10:
        raise AreaError(f"{day} lies more than ten years ahead")
    if day > today:
        return
    began = Area.objects.filter(pk__in=area_ids).aggregate(last=Max("valid_from"))["last"]
    changed = AreaChange.objects.filter(area_id__in=area_ids).aggregate(last=Max("at"))["last"]
    latest = max((known for known in (began, changed) if known), default=None)
    if latest and day < latest:
        raise AreaError(f"{day} lies before {latest}, when one of the areas began or was last changed")


def _settle(decision_id: int) -> bool:
    """Carry out one decision, or mark why not; False where another process was quicker."""
    with transaction.atomic():
        tree.hold()
        decision = AreaDecision.objects.select_for_update().get(pk=decision_id)
        if decision.state != DecisionState.PENDING:
            return False
        areas = tree.read_tree()
        verb = effects.VERBS[decision.kind]
        try:
            verb.check(areas, decision.plan)
            _check_day(effects.touched(areas, decision.plan), decision.at, timezone.localdate())
        except AreaError as error:
            decision.state, decision.failure = DecisionState.FAILED, str(error)
            logger.warning("decision %s about areas could not take effect: %s", decision.pk, error)
        else:
            decision.state = DecisionState.APPLIED
            verb.apply(areas, decision.plan, decision)
            tree.bump()
        decision.save(update_fields=["state", "failure"])
        record("system", f"areas.{decision.kind}.{decision.state}", f"area_decision:{decision.pk}",
               {"at": decision.at, "decided_by": decision.actor, "failure": decision.failure})  # fmt: skip
    return True
