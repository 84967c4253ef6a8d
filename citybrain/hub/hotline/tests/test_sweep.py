"""The loops: reminders and escalations at their times, calendars that come later, the sample of answers."""

from datetime import timedelta

import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.base.ledger.models import Entry
from citybrain.base.worktime.calendar import MissingYear
from citybrain.hub.hotline import limits, quality_checks, sweep
from citybrain.hub.hotline.errors import BadInput, NotFound, NotNow
from citybrain.hub.hotline.models.ticket import QualityCheck, Ticket, TicketClock, TicketEvent
from citybrain.hub.hotline.states import State, Step
from citybrain.hub.hotline.tests.conftest import ANSWER, Line


def told(ticket: Ticket) -> list[tuple[str, int]]:
    rows = TicketEvent.objects.filter(ticket=ticket, action__in=("remind", "escalate"))
    return [(action, data["level"]) for action, data in rows.values_list("action", "data")]


def test_a_danger_nobody_signs_for_is_reminded_of_escalated_and_escalated_again(line: Line) -> None:
    ticket = line.do(line.hear(urgency="danger"), "operator", "dispatch", agency=line.agency("east_cm"))
    start = line.now
    for minutes, seen in (
        (11, []),
        (12, [("remind", 1)]),
        (15, [("remind", 1), ("escalate", 2)]),
        (29, [("remind", 1), ("escalate", 2)]),
        (30, [("remind", 1), ("escalate", 2), ("escalate", 3)]),
        (600, [("remind", 1), ("escalate", 2), ("escalate", 3)]),
    ):
        sweep.follow_up(start + timedelta(minutes=minutes))
        assert told(ticket) == seen, minutes


def test_who_signs_in_time_is_not_reminded_of_signing(line: Line) -> None:
    ticket = line.do(line.hear(urgency="danger"), "operator", "dispatch", agency=line.agency("east_cm"))
    line.later(minutes=5)
    ticket = line.do(ticket, "handler", "accept")
    assert sweep.follow_up(line.later(minutes=30)) == 0
    assert (ticket.step, ticket.escalation) == (Step.HANDLING, limits.CALM)


def test_nobody_is_reminded_while_the_hotline_has_the_request(line: Line) -> None:
    ticket = line.do(line.sent(), "handler", "accept")
    due = ticket.due_at
    assert due is not None
    until = (due + timedelta(days=2)).isoformat()
    ticket = line.do(ticket, "handler", "request_extension", until=until, reason="等备件")
    assert (ticket.step, ticket.remind_at is not None) == (Step.REVIEWING, True)
    handling = TicketClock.objects.get(ticket=ticket, step=Step.HANDLING)
    assert handling.due_at is None


def test_a_ticket_without_a_calendar_gets_its_limit_once_the_year_is_there(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = limits.due_at
    monkeypatch.setattr(limits, "due_at", lambda clock: None)
    ticket = line.sent()
    assert (ticket.due_at, ticket.return_until) == (None, None)
    assert line.ticket(ticket.pk).state == State.DISPATCHED
    monkeypatch.setattr(limits, "due_at", real)
    assert sweep.mend(line.now) == 1
    ticket = line.ticket(ticket.pk)
    assert ticket.due_at == ticket.return_until == line.now + timedelta(days=1)
    assert sweep.mend(line.now) == 0


def test_a_missing_year_is_told_instead_of_a_due_time(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = line.sent()
    clock = TicketClock.objects.get(ticket=ticket, step=Step.SIGNING)

    def none() -> object:
        raise MissingYear(2031)

    monkeypatch.setattr(limits.calendars, "current", none)
    assert limits.due_at(clock) is None
    assert "2031.toml" in limits.explain(clock, "zh-hans")[1]


# The sample


def answered(line: Line, many: int, reply: str = ANSWER) -> list[Ticket]:
    made = [line.replied() for _one in range(many)]
    for place, ticket in enumerate(made):
        Ticket.objects.filter(pk=ticket.pk).update(reply=f"{reply}（第{place}处）", replied_at=line.now)
    return made


def test_a_poor_answer_is_drawn_within_the_hour_and_once(line: Line) -> None:
    made = answered(line, 2)
    Ticket.objects.filter(pk=made[1].pk).update(reply="已收到，谢谢来电。")
    drawn = quality_checks.draw(line.later(minutes=1))
    assert (drawn.looked_at, drawn.by_chance, drawn.by_score) == (2, 0, 1)
    poor = QualityCheck.objects.get()
    assert (poor.ticket_id, poor.why, poor.faults, poor.score, poor.agency_id) == (
        made[1].pk, "low", ["received_only"], 10, line.agency("east_cm"),
    )  # fmt: skip
    assert quality_checks.tick(line.later(minutes=1)) == 0


def test_of_yesterdays_answers_each_unit_has_one_drawn_however_often_the_loop_runs(line: Line) -> None:
    answered(line, 4)
    assert quality_checks.tick(line.later(hours=2)) == 0, "the day is not over"
    line.later(days=1)
    assert [quality_checks.tick(line.later(minutes=10)) for _round in range(3)] == [1, 0, 0]
    assert QualityCheck.objects.get().why == "random"


def test_an_answer_given_word_for_word_four_times_is_a_template(line: Line) -> None:
    made = answered(line, 4)
    Ticket.objects.filter(pk__in=[one.pk for one in made]).update(reply=ANSWER)
    line.later(days=1)
    quality_checks.draw(line.now, share=1.0)
    assert [one.faults for one in QualityCheck.objects.all()] == [["template"]] * 4


def test_a_person_judges_a_drawn_answer_once_with_a_reason_where_it_is_poor(line: Line) -> None:
    ticket = answered(line, 1)[0]
    check = quality_checks.ask(line.actor("manager"), ticket.pk, line.now)
    assert quality_checks.ask(line.actor("manager"), ticket.pk, line.now).pk == check.pk
    assert [one.pk for one in quality_checks.to_check(line.actor("manager"))] == [check.pk]
    assert quality_checks.to_check(line.actor("operator")) == []
    with pytest.raises(Forbidden):
        quality_checks.decide(line.actor("operator"), check.pk, "good")
    with pytest.raises(NotFound):
        quality_checks.decide(line.actor("handler_west"), check.pk, "good")
    with pytest.raises(BadInput, match="写明问题"):
        quality_checks.decide(line.actor("manager"), check.pk, "poor")
    done = quality_checks.decide(
        line.actor("manager"), check.pk, "poor", "没有说明是否联系来电人", now=line.now
    )
    assert (done.verdict, done.checked_by_id) == ("poor", line.actor("manager").person_id)
    with pytest.raises(NotNow):
        quality_checks.decide(line.actor("manager"), check.pk, "good")
    assert Entry.objects.filter(action="hotline.quality", subject=f"ticket:{ticket.pk}").count() == 1
    found = quality_checks.by_unit(line.actor("manager"), line.now, line.now + timedelta(minutes=1))
    assert [(one.agency_id, one.checked, one.good) for one in found] == [(line.agency("east_cm"), 1, 0)]
