"""Conditions of single steps that the table can't say in a column: each returns why not, or an empty text."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.hub.cases import deadlines
from citybrain.hub.cases.lifecycle import MAX_RETURNS
from citybrain.hub.cases.models import Case

Guard = Callable[[Case, datetime], str]


def _self_handle(case: Case, now: datetime) -> str:
    if case.item is not None and not case.item.grid_self_handle:
        return _("事项“%(item)s”不允许自行处置，请上报。") % {"item": case.item.name}
    return ""


def _redispatch(case: Case, now: datetime) -> str:
    if case.return_count >= MAX_RETURNS:
        return _("该案件已被退回 %(n)d 次，须由指挥中心指定处置单位。") % {"n": case.return_count}
    return ""


def _inside_window(case: Case, now: datetime) -> str:
    days = int(deadlines.parameters(timezone.localdate(now))["follow_up"]["challenge_days"])
    ended = case.closed_at or case.changed_at
    if now - ended > timedelta(days=days):
        return _("已超过办结后 %(n)d 天的期限，请重新上报。") % {"n": days}
    return ""


def _dispatch(case: Case, now: datetime) -> str:
    return _redispatch(case, now)


def _reassign(case: Case, now: datetime) -> str:
    if case.return_count >= MAX_RETURNS:
        return _("处置单位由指挥中心指定，不能改派。")
    return ""


def _request_verify(case: Case, now: datetime) -> str:
    return "" if case.grid_id or case.community_id else _("该案件没有网格位置，无法派人核实。")


def _refile(case: Case, now: datetime) -> str:
    return _("该案件已并入其他案件，请在主案件中处理。") if case.duplicate_of_id else ""


GUARDS: dict[str, Guard] = {
    "self_handle": _self_handle,
    "dispatch": _dispatch,
    "redispatch": _redispatch,
    "reassign": _reassign,
    "challenge": _inside_window,
    "appeal": _inside_window,
    "request_verify": _request_verify,
    "refile": _refile,
}


def why_not_now(key: str, case: Case, now: datetime) -> str:
    """Return why this case doesn't meet a step's condition, or an empty text."""
    guard = GUARDS.get(key)
    return guard(case, now) if guard else ""
