"""What else follows from a step: routes that learn, extensions, duplicates, cases without a body to go back to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from citybrain.hub.cases import deadlines, routing
from citybrain.hub.cases.effects import Change
from citybrain.hub.cases.errors import BadInput
from citybrain.hub.cases.lifecycle import Clock, Transition
from citybrain.hub.cases.models import Case, CaseEvent
from citybrain.hub.cases.states import State
from citybrain.hub.cases.store import Held

DISPATCHES = frozenset({"dispatch", "redispatch", "designate", "reassign"})
TAKEN_BACK = frozenset({"return", "reassign"})
REOPENINGS = frozenset({"reopen", "challenge"})


@dataclass(frozen=True, slots=True)
class Before:
    """What a step needs to remember of the case as it was."""

    agency_id: int | None
    due_at: datetime | None


def snapshot(held: Held) -> Before:
    return Before(held.case.agency_id, held.case.due_at)


def settle(change: Change, transition: Transition, before: Before) -> Clock:
    """Finish a step whose outcome the table can't say alone; return what the clock has to do."""
    key = transition.key
    if key == "decide_extension":
        return _decide(change)
    if key == "merge":
        _merge(change)
    if key in REOPENINGS and change.case.agency_id is None:
        change.case.state = State.PENDING_DISPATCH if change.case.item_id else State.PENDING_FILING
        return Clock.DISPATCH if change.case.item_id else Clock.FILING
    if key == "file":
        change.case.suggested_agency_id = routing.best(change.case.item, change.case.guard_lineage())
    if key == "return":
        change.case.suggested_agency_id = None
    _check(key, change, before)
    return transition.clock


def _check(key: str, change: Change, before: Before) -> None:
    """Raise BadInput for inputs that this case can't take."""
    if key == "reassign" and change.case.agency_id == before.agency_id:
        raise BadInput(_("案件已在这个单位，请改派给其他单位。"), "agency")
    if key == "request_extension" and change.inputs["ask"] == "extension":
        _must_be_later(change)
    if key == "close" and change.case.solved is None:
        raise BadInput(_("请填写“问题是否解决”。"), "solved")


def _must_be_later(change: Change) -> None:
    due = change.case.due_at
    if due is not None and change.inputs["until"] <= due:
        raise BadInput(_("希望延至的时间须晚于现在的到期时间。"), "until")


def _decide(change: Change) -> Clock:
    """Grant or refuse what the handler asked for: more time, or a pause until a day."""
    asked = (
        CaseEvent.objects.filter(case=change.case, action="request_extension")
        .order_by("-seq")
        .values_list("data", flat=True)
        .first()
    )
    if not change.inputs["approve"] or asked is None:
        return Clock.KEEP
    until = datetime.fromisoformat(asked["until"])
    if asked["ask"] == "suspension":
        change.case.state = State.SUSPENDED
        change.case.suspended_until = until
        return Clock.PAUSE
    if change.clock is not None:
        deadlines.extend_until(change.clock, until, change.now, str(asked.get("ask", "")))
    return Clock.KEEP


def _merge(change: Change) -> None:
    """Tie a report to the case that already stands for the same matter."""
    number = change.inputs["main"]
    visible = Case.objects.visible_to(change.actor).open()
    main = visible.select_for_update(of=("self",)).filter(number=number).first()
    if main is None or main.pk == change.case.pk:
        raise BadInput(_("没有可并入的案件：%(number)s") % {"number": number}, "main")
    if main.district_id != change.case.district_id:
        raise BadInput(_("主案件不在同一区，不能合并。"), "main")
    change.case.duplicate_of_id = main.pk
    Case.objects.filter(pk=main.pk).update(report_count=main.report_count + change.case.report_count)


def facts(change: Change, transition: Transition, before: Before) -> dict[str, Any]:
    """Return what the history row keeps of the case as it was."""
    kept: dict[str, Any] = {}
    if before.agency_id != change.case.agency_id:
        kept["agency_before"] = before.agency_id
    if before.due_at is not None and before.due_at != change.case.due_at:
        kept["due_before"] = before.due_at.isoformat()
    return kept


def remember(change: Change, transition: Transition, before: Before) -> None:
    """Count dispatches and what was returned or reassigned, so that such a route sinks next time."""
    case = change.case
    if case.item is None or case.district_id is None:
        return
    if transition.key in DISPATCHES and case.agency_id is not None:
        routing.count(case.item.code, case.district_id, case.agency_id, returned=False, now=change.now)
    if transition.key in TAKEN_BACK and before.agency_id is not None:
        routing.count(case.item.code, case.district_id, before.agency_id, returned=True, now=change.now)
