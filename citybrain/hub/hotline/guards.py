"""Conditions of single steps that the table can't say in a column: each returns why not, or an empty text."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.hub.hotline import cases_of, limits, merged
from citybrain.hub.hotline.lifecycle import MAX_DISPATCHES
from citybrain.hub.hotline.models.ticket import Ticket, TicketContact
from citybrain.hub.hotline.states import State

Guard = Callable[[Ticket, datetime], str]


def _known(ticket: Ticket, now: datetime, what: str, ask: Callable[[Ticket], bool]) -> bool:
    """Return an answer that several steps need, asked of the database once for one ticket at one moment."""
    told: dict[tuple[str, datetime], bool] = ticket.__dict__.setdefault("_known", {})
    if (what, now) not in told:
        told[what, now] = ask(ticket)
    return told[what, now]


def _has_phone(ticket: Ticket) -> bool:
    return TicketContact.objects.filter(ticket_id=ticket.pk).exclude(phone="").exists()


def _dispatch(ticket: Ticket, now: datetime) -> str:
    if ticket.dispatches >= MAX_DISPATCHES:
        return _("该工单已派单 %(n)d 次，须由热线指定承办单位。") % {"n": ticket.dispatches}
    return ""


def _no_case(ticket: Ticket, now: datetime) -> str:
    return _case_open(ticket, now) or _outside_has_it(ticket, now)


def _case_open(ticket: Ticket, now: datetime) -> str:
    if ticket.case_id is not None and _known(ticket, now, "case", cases_of.is_open):
        return _("该工单已立案，请在案件中办理。")
    return ""


def _outside_has_it(ticket: Ticket, now: datetime) -> str:
    return _("该工单已转交%(who)s。") % {"who": ticket.outside} if ticket.outside else ""


def _return(ticket: Ticket, now: datetime) -> str:
    why_not = _no_case(ticket, now)
    if why_not:
        return why_not
    if ticket.designated:
        return _("承办单位由热线指定，不能退单。")
    if ticket.redo_count:
        return _("重办工单不能退单。")
    if ticket.return_until is not None and now > ticket.return_until:
        stamp = timezone.localtime(ticket.return_until).strftime("%m-%d %H:%M")
        return _("退单期限已于 %(when)s 截止。") % {"when": stamp}
    return ""


def _request_extension(ticket: Ticket, now: datetime) -> str:
    most = int(limits.follow_up(now)["extensions_most"])
    if ticket.extension_count >= most:
        return _("该工单已延期 %(n)d 次，不能再申请。") % {"n": ticket.extension_count}
    return _no_case(ticket, now)


def _void(ticket: Ticket, now: datetime) -> str:
    if why_not := _case_open(ticket, now):
        return why_not
    if _known(ticket, now, "merged", merged.has_merged):
        return _("已有其他工单并入本工单，不能作废。请办理，或并入主工单。")
    return ""


def _withdraw(ticket: Ticket, now: datetime) -> str:
    if why_not := _case_open(ticket, now):
        return why_not
    others = _known(ticket, now, "merged", merged.has_merged) or merged.has_others(ticket)
    return _("还有其他人反映了同一问题，并在这里一起办理，所以不能撤回，办理将继续。") if others else ""


def _take_back(ticket: Ticket, now: datetime) -> str:
    return "" if ticket.outside else _("该工单没有转交其他热线。")


def _ask_contact(ticket: Ticket, now: datetime) -> str:
    if ticket.is_secret:
        return _("来电人要求保密，不能向承办单位提供联系方式。")
    if ticket.caller_shared or ticket.contact_needed:
        return _("已允许联系来电人。")
    return _("已申请，等待热线审核。") if "contact_asked" in ticket.flags else ""


def _allow_contact(ticket: Ticket, now: datetime) -> str:
    return "" if "contact_asked" in ticket.flags else _("承办单位没有申请联系来电人。")


def _redo(ticket: Ticket, now: datetime) -> str:
    follow = limits.follow_up(now)
    if ticket.redo_count >= int(follow["redo_most"]):
        return _("该工单已重办 %(n)d 次，请办结或另行督办。") % {"n": ticket.redo_count}
    if ticket.concluded_at is not None and now - ticket.concluded_at > timedelta(
        days=int(follow["redo_days"])
    ):
        return _("已超过办结后 %(n)d 天的期限。") % {"n": follow["redo_days"]}
    return ""


def _conclude(ticket: Ticket, now: datetime) -> str:
    """A unit's answer is concluded by the caller's word, or when they can't be reached."""
    if (
        ticket.state == State.ANSWERED_DIRECTLY
        or ticket.visited_at is not None
        or "unreachable" in ticket.flags
    ):
        return ""
    tries = int(limits.follow_up(now)["call_tries"])
    if ticket.call_count >= tries:
        return ""
    if not _known(ticket, now, "phone", _has_phone):
        return ""
    return _("尚未回访到来电人（已拨打 %(n)d 次，满 %(most)d 次方可直接办结）。") % {
        "n": ticket.call_count,
        "most": tries,
    }


def _call_back(ticket: Ticket, now: datetime) -> str:
    if _known(ticket, now, "phone", _has_phone):
        return ""
    return _("来电人没有留下联系方式，不能回访。")


GUARDS: Final[dict[str, Guard]] = {
    "dispatch": _dispatch,
    "accept": _no_case,
    "handle": _no_case,
    "reply": _no_case,
    "return": _return,
    "request_extension": _request_extension,
    "review_extension": _case_open,
    "hand_over": _case_open,
    "answer": _case_open,
    "merge": _case_open,
    "void": _void,
    "withdraw": _withdraw,
    "take_back": _take_back,
    "ask_contact": _ask_contact,
    "allow_contact": _allow_contact,
    "redo": _redo,
    "conclude": _conclude,
    "call_back": _call_back,
    "start_call": _call_back,
}


def why_not_now(key: str, ticket: Ticket, now: datetime) -> str:
    """Return why this ticket doesn't meet a step's condition, or an empty text."""
    guard = GUARDS.get(key)
    return guard(ticket, now) if guard else ""
