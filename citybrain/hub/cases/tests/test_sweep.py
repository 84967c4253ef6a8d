"""Reminders before a deadline, escalation after it, and what wakes by itself."""

from datetime import timedelta

import pytest

from citybrain.base.worktime import calendar as calendars
from citybrain.base.worktime.calendar import MissingYear
from citybrain.hub.cases import actions, deadlines, sweep
from citybrain.hub.cases.models import Case, CaseClock, CaseEvent
from citybrain.hub.cases.states import State
from citybrain.hub.cases.tests.conftest import MORNING, Village


def told(case_id: int) -> list[tuple[str, int]]:
    rows = CaseEvent.objects.filter(case_id=case_id, action__in=["remind", "escalate"]).order_by("seq")
    return [(row.action, row.data["level"]) for row in rows]


def test_a_case_is_reminded_then_late_then_supervised_each_once(village: Village) -> None:
    # A filing limit of two working hours from 09:00: reminded at 10:30, late at 11:00, long late at 12:00.
    report = village.report("路边暴露垃圾", item_code="010101")
    case_id = actions.report(village.actor("citizen"), report, now=MORNING).case_id
    assert Case.objects.get(pk=case_id).due_at == MORNING + timedelta(hours=2)
    assert sweep.tick(MORNING + timedelta(minutes=89)) == 0
    assert sweep.tick(MORNING + timedelta(minutes=90)) == 1
    assert told(case_id) == [("remind", 1)]
    assert sweep.tick(MORNING + timedelta(minutes=90)) == 0
    assert sweep.tick(MORNING + timedelta(minutes=121)) == 1
    assert sweep.tick(MORNING + timedelta(minutes=181)) == 1
    assert told(case_id) == [("remind", 1), ("escalate", 2), ("escalate", 3)]
    case = Case.objects.get(pk=case_id)
    assert (case.supervised, case.escalation, case.remind_at) == (True, 3, None)
    assert sweep.tick(MORNING + timedelta(days=30)) == 0


def test_a_sweep_that_slept_through_the_reminder_escalates_at_once(village: Village) -> None:
    report = village.report("路边暴露垃圾", item_code="010101")
    case_id = actions.report(village.actor("citizen"), report, now=MORNING).case_id
    assert sweep.tick(MORNING + timedelta(minutes=125)) == 1
    assert told(case_id) == [("escalate", 2)]


def test_the_next_step_starts_calm_again(village: Village) -> None:
    report = village.report("路边暴露垃圾", item_code="010101")
    case_id = actions.report(village.actor("citizen"), report, now=MORNING).case_id
    late = MORNING + timedelta(minutes=125)
    sweep.tick(late)
    actions.take(village.actor("acceptor"), case_id, "file", {"item": "010101"}, now=late)
    case = Case.objects.get(pk=case_id)
    assert (case.escalation, case.step) == (0, 2)
    assert CaseClock.objects.get(case=case, step=1).on_time is False


def test_a_suspended_case_wakes_on_its_day(village: Village) -> None:
    case_id = actions.report(village.actor("citizen"), village.report(), now=MORNING).case_id
    chief = village.actor("chief")
    actions.take(chief, case_id, "file", {"item": "010101"}, now=MORNING)
    actions.take(chief, case_id, "dispatch", {"agency": village.agencies["east_cm"].pk}, now=MORNING)
    until = MORNING + timedelta(days=5)
    actions.take(chief, case_id, "suspend", {"until": until.isoformat(), "reason": "封冻"}, now=MORNING)
    assert sweep.tick(until - timedelta(seconds=1)) == 0
    assert sweep.tick(until) == 1
    assert Case.objects.get(pk=case_id).state == State.HANDLING


def test_a_missing_calendar_year_takes_the_case_in_and_mends_it_later(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_args: object) -> None:
        raise MissingYear(2027)

    with monkeypatch.context() as patch:
        patch.setattr(deadlines.Worktime, "due_at", missing)
        case_id = actions.report(
            village.actor("citizen"), village.report("垃圾", item_code="010101"), now=MORNING
        ).case_id
        assert Case.objects.get(pk=case_id).due_at is None
        assert "2027" in str(MissingYear(2027))
    assert sweep.tick(MORNING) == 1
    assert Case.objects.get(pk=case_id).due_at == MORNING + timedelta(hours=2)
    assert calendars.current().covers(MORNING, MORNING)
