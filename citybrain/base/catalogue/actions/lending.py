"""Asking for data, deciding, revoking. Unconditional fields are granted at once, the rest by the supplier in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.catalogue import grading
from citybrain.base.catalogue.access import DECIDE, REQUEST, REVOKE, Side
from citybrain.base.catalogue.conditions import NO_VALUE, Condition
from citybrain.base.catalogue.entry import Meta
from citybrain.base.catalogue.history import note
from citybrain.base.catalogue.models import (
    DataSet,
    DataSetState,
    DeliveryMode,
    Grant,
    Request,
    RequestState,
    ShareType,
    TaskItem,
)  # fmt: skip
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Problem, Refused, refuse
from citybrain.base.identity.models import Agency
from citybrain.base.worktime.calendar import MissingYear, current
from citybrain.base.worktime.clock import Clock

# 国发 (2016) 51, clause 11: the supplier answers within ten working days, of eight hours each.
ANSWER_MINUTES: Final = 10 * 8 * 60
LONGEST_DAYS: Final = 3 * 366  # our choice: a grant lasts three years at most
DAILY_ROWS: Final = 1_000_000
DAILY_ROWS_MOST: Final = 100_000_000
RATE: Final = 100
RATE_MOST: Final = 10_000
ZONE: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a data set. `conditions` limit the rows; `plain` are fields wanted without their mask."""

    purpose: str
    fields: Sequence[str]
    modes: Sequence[str] = (DeliveryMode.KEY,)
    basis: str = ""
    scene: str = ""
    conditions: Sequence[Condition] = ()
    plain: Sequence[str] = ()
    until: date | None = None
    daily_limit: int | None = None
    item: TaskItem | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the supplier grants where it differs from what was asked; None: as asked."""

    fields: Sequence[str] | None = None
    modes: Sequence[str] | None = None
    conditions: Sequence[Condition] | None = None
    plain: Sequence[str] | None = None
    masks: Mapping[str, str] = field(default_factory=dict)
    until: date | None = None
    daily_rows: int | None = None
    rate_per_second: int | None = None


def ask(actor: Actor, dataset: DataSet, agency: Agency, asked: Asked) -> Request:
    """Ask for data on behalf of an agency. What needs nobody's word is granted at once (`state` granted).

    Raises Forbidden; Refused for a set that isn't shared (with its ground) and for anything that can't be.
    """
    hat = require(actor, REQUEST, Side(agency))
    now = timezone.now()
    with transaction.atomic():
        dataset = (
            DataSet.objects.select_related("current", "provider")
            .select_for_update(of=("self",))
            .get(pk=dataset.pk)
        )
        _refuse_unshared(dataset)
        _verify(dataset, asked, now)
        request = Request(
            dataset=dataset, agency=agency, person_id=actor.person_id, item=asked.item,
            purpose=asked.purpose.strip(), basis=asked.basis.strip(), scene=asked.scene.strip(),
            fields=_ordered(dataset, asked.fields), conditions=[one.to_json() for one in asked.conditions],
            modes=sorted(set(asked.modes)), plain=_ordered(dataset, asked.plain), until=asked.until,
            daily_limit=asked.daily_limit, asked_at=now,
        )  # fmt: skip
        at_once = needs_nobody(dataset, agency, asked)
        if not at_once:
            clock = Clock(now, ANSWER_MINUTES)
            request.clock, request.due_at = clock.to_json(), due(clock)
        request.save(force_insert=True)
        request.number = f"SQ{timezone.localtime(now):%Y}{request.pk:07d}"
        request.save(update_fields=["number"])
        details = {"fields": request.fields, "purpose": request.purpose, "agency": agency.key}
        note(actor, "ask", dataset, now, details, hat=hat, request=request)
        if at_once:
            request.reason = _("无条件共享，自动授权。")
            _grant(actor, request, Terms(), now)
    return request


def due(clock: Clock) -> datetime | None:
    """Return when an answer is due; without a calendar of the year, fourteen days after."""
    try:
        return clock.due_at(current())
    except MissingYear:
        return clock.started_at + timedelta(days=14)


def needs_nobody(dataset: DataSet, agency: Agency, asked: Asked) -> bool:
    """Return whether it is granted at once: free fields under their masks, or an agency's own data."""
    if dataset.provider_id == agency.pk:
        return True
    meta = Meta.from_json(dataset.current.meta) if dataset.current else None
    if meta is None or asked.plain:
        return False
    return set(asked.fields) <= grading.free_fields(meta.entry(dataset.shape))


def decide(
    actor: Actor, request: Request, *, grant: bool, reason: str = "", terms: Terms | None = None
) -> Request:
    """Grant or refuse. Terms can narrow what was asked, never widen it.

    Raises Forbidden (also for who asked), Refused when it was decided before, or a refusal has no reason.
    """
    hat = require(actor, DECIDE, request.dataset)
    now = timezone.now()
    with transaction.atomic():
        request = _locked(request)
        if actor.person_id is not None and request.person_id == actor.person_id:
            raise Forbidden(_("申请人不能审核自己的申请。"), _("请由提供单位的其他人员审核。"))
        if not grant and not reason.strip():
            raise refuse("reason", _("请写明拒绝的理由。"))
        request.reason = reason.strip()[:500]
        if grant:
            _refuse_unshared(request.dataset)
            _grant(actor, request, terms or Terms(), now)
        else:
            _close(actor, request, RequestState.REFUSED, now)
        note(
            actor,
            "decide",
            request.dataset,
            now,
            {"granted": grant, "reason": request.reason},
            hat=hat,
            request=request,
        )
    return request


def withdraw_request(actor: Actor, request: Request) -> Request:
    """Take back what was asked and isn't decided. Raises Forbidden, Refused."""
    hat = require(actor, REQUEST, Side(request.agency))
    now = timezone.now()
    with transaction.atomic():
        request = _locked(request)
        _close(actor, request, RequestState.WITHDRAWN, now)
        note(actor, "withdraw_request", request.dataset, now, {}, hat=hat, request=request)
    return request


def revoke(actor: Actor, grant: Grant, why: str) -> Grant:
    """End a grant now: the supplier's right, and the holder's own. Raises Forbidden; Refused when it has ended."""
    if not why.strip():
        raise refuse("why", _("请写明撤销授权的原因。"))
    holder = Side(grant.agency)
    try:
        hat = require(actor, REVOKE, grant.dataset)
    except Forbidden:
        hat = require(actor, REQUEST, holder)
    now = timezone.now()
    with transaction.atomic():
        rows = Grant.objects.select_for_update(of=("self",)).select_related("dataset", "agency")
        grant = rows.get(pk=grant.pk)
        if grant.revoked_at is not None:
            raise refuse(
                "state",
                _("该授权已于 %(at)s 撤销。")
                % {"at": timezone.localtime(grant.revoked_at).strftime("%Y-%m-%d %H:%M")},
            )
        grant.revoked_at, grant.revoked_by, grant.revoked_why = now, actor.key, why.strip()[:500]
        grant.save(update_fields=["revoked_at", "revoked_by", "revoked_why"])
        note(actor, "revoke", grant.dataset, now, {"why": grant.revoked_why}, hat=hat, grant=grant)
    return grant


def _locked(request: Request) -> Request:
    rows = Request.objects.select_for_update(of=("self",))
    request = rows.select_related("dataset__current", "dataset__provider", "agency").get(pk=request.pk)
    if request.state != RequestState.ASKED:
        text = _("该申请已由%(who)s处理：%(state)s。")
        state = RequestState(request.state).label
        raise refuse("state", text % {"who": request.decider_name or _("系统"), "state": state})
    return request


def _close(actor: Actor, request: Request, state: RequestState, now: datetime) -> None:
    request.state, request.decided_at = state, now
    request.decided_by, request.decider_name = actor.key, actor.name
    if request.clock:
        request.clock = Clock.from_json(request.clock).stop(now).to_json()
    request.save()


def _refuse_unshared(dataset: DataSet) -> None:
    if dataset.state != DataSetState.PUBLISHED or dataset.current is None:
        raise refuse("dataset", _("该数据资源未发布，不能申请。"))
    if dataset.share_type == ShareType.REFUSED:
        text = _("该数据资源不予共享：%(why)s。")
        raise refuse("dataset", text % {"why": dataset.share_condition.rstrip("。") or _("未写明依据")})


def _ordered(dataset: DataSet, names: Sequence[str]) -> list[str]:
    wanted = set(names)
    return [name for name in dataset.shape.names if name in wanted]


def _verify(dataset: DataSet, asked: Asked, now: datetime) -> None:
    problems = [*_wrong_words(asked), *_wrong_fields(dataset, asked), *_wrong_limits(asked, now)]
    if problems:
        raise Refused(*problems)


def _wrong_words(asked: Asked) -> list[Problem]:
    found = []
    if not asked.purpose.strip():
        found.append(Problem("purpose", _("请写明用途。")))
    for name, most in (("purpose", 500), ("basis", 500), ("scene", 60)):
        if len(getattr(asked, name)) > most:
            found.append(Problem(name, _("内容过长，最多 %(most)d 字。") % {"most": most}))
    unknown = [mode for mode in asked.modes if mode not in DeliveryMode.values]
    if not asked.modes or unknown:
        found.append(Problem("modes", _("请选择使用方式。")))
    return found


def _wrong_fields(dataset: DataSet, asked: Asked) -> list[Problem]:
    shape, wanted = dataset.shape, set(asked.fields)
    if not wanted:
        return [Problem("fields", _("请选择至少一个信息项。"))]
    unknown = sorted(name for name in (*asked.fields, *asked.plain) if not shape.has(name))
    if unknown:
        return [Problem("fields", _("没有信息项“%(names)s”。") % {"names": _("、").join(unknown)})]
    found = []
    outside = [one.field for one in asked.conditions if one.field not in wanted]
    if outside:
        text = _("行条件只能使用所申请的信息项，“%(names)s”不在其中。")
        found.append(Problem("conditions", text % {"names": _("、").join(outside)}))
    if set(asked.plain) - wanted:
        found.append(Problem("plain", _("明文信息项须在所申请的信息项中。")))
    if {DeliveryMode.KEY, DeliveryMode.CHANGES} & set(asked.modes) and not wanted.issuperset(shape.keys):
        names = _("、").join(shape.field(name).zh for name in shape.keys if name not in wanted)
        text = _("按主键查询或增量变更须包含主键信息项：%(names)s。")
        found.append(Problem("fields", text % {"names": names}))
    if DeliveryMode.KEY in asked.modes and not shape.keys:
        found.append(Problem("modes", _("该数据资源没有主键，不能按主键查询。")))
    return found


def _wrong_limits(asked: Asked, now: datetime) -> list[Problem]:
    found = []
    today = timezone.localdate(now)
    if asked.until is not None and asked.until < today:
        found.append(Problem("until", _("使用期限已过。")))
    if asked.until is not None and asked.until > today + timedelta(days=LONGEST_DAYS):
        found.append(Problem("until", _("使用期限最长三年。")))
    if asked.daily_limit is not None and not 1 <= asked.daily_limit <= DAILY_ROWS_MOST:
        found.append(Problem("daily_limit", _("每日数据量应为 1 至 1 亿行。")))
    return found


def _grant(actor: Actor, request: Request, terms: Terms, now: datetime) -> Grant:
    """Make the grant of a request, and close the request as granted."""
    dataset = request.dataset
    fields = _narrowed("fields", request.fields, terms.fields)
    modes = _narrowed("modes", request.modes, terms.modes)
    plain = [name for name in _narrowed("plain", request.plain, terms.plain) if name in fields]
    conditions = [Condition.from_json(one) for one in request.conditions] + list(terms.conditions or ())
    until = _earlier(request.until, terms.until)
    asked = Asked(request.purpose, fields, modes, conditions=conditions, plain=plain, until=until)
    _verify(dataset, asked, now)
    daily, rate = _limits(request, terms)
    grant = Grant.objects.create(
        request=request, dataset=dataset, agency=request.agency, purpose=request.purpose,
        fields=_ordered(dataset, fields), masks=_masks(dataset, fields, plain, terms.masks),
        conditions=[one.to_json() for one in conditions], modes=sorted(modes), valid_from=now,
        valid_until=_end_of(until), rate_per_second=rate, daily_rows=daily, granted_by=actor.key,
    )  # fmt: skip
    grant.number = f"GR{timezone.localtime(now):%Y}{grant.pk:07d}"
    grant.save(update_fields=["number"])
    _close(actor, request, RequestState.GRANTED, now)
    body: dict[str, Any] = {
        "agency": request.agency.key, "fields": grant.fields, "masks": grant.masks, "modes": grant.modes,
        "conditions": grant.conditions, "until": grant.valid_until, "daily_rows": daily, "request": request.number,
    }  # fmt: skip
    body["until"] = grant.valid_until.isoformat() if grant.valid_until else None
    note(actor, "grant", dataset, now, body, request=request, grant=grant)
    return grant


def _narrowed(name: str, asked: Sequence[str], given: Sequence[str] | None) -> list[str]:
    if given is None:
        return list(asked)
    if set(given) - set(asked):
        raise refuse(name, _("授权不能超出申请的范围。"))
    return [one for one in asked if one in set(given)]


def _earlier(asked: date | None, given: date | None) -> date | None:
    if asked is not None and given is not None and given > asked:
        raise refuse("until", _("授权不能超出申请的范围。"))
    return given or asked


def _limits(request: Request, terms: Terms) -> tuple[int, int]:
    asked = request.daily_limit or DAILY_ROWS
    daily, rate = terms.daily_rows or asked, terms.rate_per_second or RATE
    if not 1 <= daily <= DAILY_ROWS_MOST or not 1 <= rate <= RATE_MOST:
        raise refuse("daily_rows", _("每日数据量或调用频率超出范围。"))
    return daily, rate


def _masks(
    dataset: DataSet, fields: Sequence[str], plain: Sequence[str], more: Mapping[str, str]
) -> dict[str, str]:
    """Return the mask of each field that has one and isn't plain; the supplier's own masks come on top."""
    from citybrain.base.catalogue.masks import MASKS

    shape = dataset.shape
    found = {
        name: shape.field(name).mask or "" for name in fields if shape.field(name).mask and name not in plain
    }
    for name, kind in more.items():
        if name not in fields or kind not in MASKS or not shape.field(name).type.is_text:
            raise refuse("masks", _("没有脱敏规则“%(key)s”。") % {"key": f"{name}: {kind}"})
        found[name] = kind
    return found


def _end_of(day: date | None) -> datetime | None:
    """Return the first moment after a day of the city."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=1), time(), ZONE).astimezone(UTC)


def condition_from(field_name: str, op: str, value: Any = None) -> Condition:
    """Return a condition as a form gives it. Raises Refused for what can't be."""
    try:
        return Condition.from_json(
            {"field": field_name, "op": op, **({} if op in NO_VALUE else {"value": value})}
        )
    except ValueError as bad:
        raise refuse("conditions", _("行条件不完整：%(what)s。") % {"what": field_name}) from bad
