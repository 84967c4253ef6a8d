"""The whole life of a ticket, by the table: from the call to the archive."""

from datetime import date, timedelta

import pytest
from django.utils import translation

from citybrain.base.identity.access import Forbidden
from citybrain.base.ledger.models import Entry
from citybrain.hub.hotline import limits, sweep
from citybrain.hub.hotline.errors import BadInput, Conflict, NotFound, NotNow
from citybrain.hub.hotline.lifecycle import TRANSITIONS
from citybrain.hub.hotline.models.ticket import CallBack, Ticket, TicketClock, TicketEvent
from citybrain.hub.hotline.states import State, Step, Urgency
from citybrain.hub.hotline.steps import blocked_steps, next_steps
from citybrain.hub.hotline.tests.conftest import ANSWER, PHONE, Line


def keys(line: Line, login: str, ticket: Ticket) -> list[str]:
    return [one.key for one in next_steps(line.actor(login), ticket, now=line.now)]


# The way through


def test_a_matter_goes_from_the_call_to_the_archive(line: Line) -> None:
    ticket = line.hear()
    assert ticket.number[:8] == "RX261119"
    assert len(ticket.number) == 14
    assert (ticket.state, ticket.version, ticket.is_open) == (State.RECEIVED, 1, True)
    ticket = line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    assert (ticket.state, ticket.dispatches, ticket.case_id) == (State.DISPATCHED, 1, None)
    line.later(minutes=20)
    ticket = line.do(ticket, "handler", "accept")
    assert (ticket.state, ticket.sign_on_time) == (State.ACCEPTED, True)
    ticket = line.do(ticket, "handler", "handle", reason="已联系维修班组")
    assert ticket.state == State.HANDLING
    line.later(days=1)
    ticket = line.do(ticket, "handler", "reply", reply=ANSWER)
    assert (ticket.state, ticket.on_time, ticket.replied_by_id) == (
        State.REPLIED,
        True,
        line.agency("east_cm"),
    )
    ticket = line.do(
        ticket,
        "operator",
        "call_back",
        reached="reached",
        contacted="是",
        solved="是",
        rating=5,
        reason="谢谢",
    )
    assert (ticket.state, ticket.solved, ticket.rating, ticket.is_open) == (State.CONCLUDED, True, 5, False)
    ticket = line.do(ticket, "operator", "archive")
    assert ticket.state == State.ARCHIVED
    seqs = list(TicketEvent.objects.filter(ticket=ticket).values_list("seq", flat=True))
    assert seqs == list(range(1, ticket.version + 1))
    assert Entry.objects.filter(subject=f"ticket:{ticket.pk}").count() == ticket.version
    assert not TicketClock.objects.filter(ticket=ticket, stopped_at=None).exists()


def test_a_question_is_answered_at_once_and_concluded(line: Line) -> None:
    ticket = line.hear("请问办理老年优待证要带什么材料？", kind="1")
    given = "根据本市优待办法，年满六十周岁可持身份证到社区服务站办理，当场领取。"
    ticket = line.do(ticket, "operator", "answer", reply=given)
    assert (ticket.state, ticket.reply, ticket.on_time) == (State.ANSWERED_DIRECTLY, given, True)
    assert line.do(ticket, "operator", "conclude").state == State.CONCLUDED


def test_what_was_answered_at_once_concludes_itself_when_nobody_comes_back(line: Line) -> None:
    ticket = line.do(line.hear(kind="1"), "operator", "answer", reply=ANSWER)
    assert sweep.settle(line.later(days=1)) == 0
    assert sweep.settle(line.later(days=7)) == 1
    assert line.ticket(ticket.pk).state == State.CONCLUDED
    assert sweep.settle(line.later(days=16)) == 1
    assert line.ticket(ticket.pk).state == State.ARCHIVED


@pytest.mark.parametrize(
    "said", ["已收到", "您好，您反映的问题我单位已收悉，感谢您的来电。", "收到，将尽快处理！", "。。。", "👍"]
)
def test_received_is_not_an_answer(line: Line, said: str) -> None:
    ticket = line.do(line.sent(), "handler", "accept")
    with pytest.raises(BadInput, match="这不是答复"):
        line.do(ticket, "handler", "reply", reply=said)
    assert line.ticket(ticket.pk).state == State.ACCEPTED


def test_a_caller_who_is_not_content_leaves_the_decision_to_the_manager(line: Line) -> None:
    ticket = line.do(
        line.replied(), "operator", "call_back", reached="reached", solved="否", rating=1, reason="没修"
    )
    assert (ticket.state, ticket.solved, ticket.is_open) == (State.CALLING_BACK, False, True)
    with pytest.raises(Forbidden):
        line.do(ticket, "operator", "redo", reason="重办")
    with pytest.raises(BadInput, match="须写明理由"):
        line.do(ticket, "operator", "conclude")
    ticket = line.do(ticket, "manager", "redo", reason="请到现场重修")
    assert (ticket.state, ticket.solved, ticket.rating, ticket.redo_count) == (State.REDO, None, None, 1)
    assert not CallBack.objects.filter(ticket=ticket, counts=True).exists()
    ticket = line.do(ticket, "handler", "accept")
    with pytest.raises(NotNow, match="重办工单不能退单"):
        line.do(ticket, "handler", "return", cause="other", reason="退")
    line.do(ticket, "handler", "reply", reply=ANSWER)


def test_a_matter_is_done_over_twice_at_most(line: Line) -> None:
    ticket = line.replied()
    for _turn in range(2):
        ticket = line.do(ticket, "manager", "redo", reason="重办")
        ticket = line.do(ticket, "handler", "accept")
        ticket = line.do(ticket, "handler", "reply", reply=ANSWER)
    with pytest.raises(NotNow, match="已重办 2 次"):
        line.do(ticket, "manager", "redo", reason="再办")


def test_a_caller_who_is_not_reached_is_tried_three_times_before_it_is_concluded(line: Line) -> None:
    ticket = line.replied()
    for tries in range(3):
        with pytest.raises(NotNow, match=f"已拨打 {tries} 次"):
            line.do(ticket, "operator", "conclude", reason="联系不上")
        ticket = line.do(ticket, "operator", "call_back", reached="no_answer")
        assert (ticket.state, ticket.visited_at) == (State.CALLING_BACK, None)
        assert ticket.call_after == line.now + timedelta(minutes=240)
    assert line.do(ticket, "operator", "conclude", reason="三次未接通").state == State.CONCLUDED


def test_a_call_that_reached_somebody_says_whether_it_is_solved(line: Line) -> None:
    with pytest.raises(BadInput, match="是否解决"):
        line.do(line.replied(), "operator", "call_back", reached="reached", rating=5)


def test_nobody_is_called_who_left_no_number(line: Line) -> None:
    ticket = line.do(line.hear(phone="", name=""), "operator", "dispatch", agency=line.agency("east_cm"))
    ticket = line.do(line.do(ticket, "handler", "accept"), "handler", "reply", reply=ANSWER)
    assert "call_back" not in keys(line, "operator", ticket)
    assert line.do(ticket, "operator", "conclude").state == State.CONCLUDED


def test_the_caller_rates_and_that_counts_as_a_call(line: Line) -> None:
    ticket = line.hear(channel="portal", login="citizen")
    ticket = line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    ticket = line.do(line.do(ticket, "handler", "accept"), "handler", "reply", reply=ANSWER)
    with pytest.raises(NotFound):
        line.do(ticket, "neighbour", "rate", rating=5)
    ticket = line.do(ticket, "citizen", "rate", rating=4)
    assert (ticket.state, ticket.rating, ticket.solved) == (State.CONCLUDED, 4, True)
    call = CallBack.objects.get(ticket=ticket)
    assert (call.reached, call.counts) == ("message", True)


def test_a_caller_without_an_account_goes_by_the_query_code(line: Line) -> None:
    from citybrain.hub.hotline.actions import take

    ticket = line.hear()
    outsider = line.actor("neighbour")
    with pytest.raises(NotFound):
        take(outsider, ticket.pk, "supplement", {"reason": "还有一盏"}, owner_code="WRONG1", now=line.now)
    done = take(
        outsider, ticket.pk, "supplement", {"reason": "还有一盏"}, owner_code=ticket.query_code, now=line.now
    )
    assert done.version == 2
    assert (
        take(outsider, ticket.pk, "withdraw", {}, owner_code=ticket.query_code, now=line.now).state
        == State.VOIDED
    )


def test_the_same_matter_is_merged_and_kept_in_the_main_tickets_history(line: Line) -> None:
    main, other = line.hear(), line.hear(f"还是那盏灯，不亮。我的电话{PHONE}")
    other = line.do(other, "operator", "merge", main=main.number)
    assert (other.state, other.duplicate_of_id, other.is_valid) == (State.VOIDED, main.pk, False)
    event = TicketEvent.objects.get(ticket=main, seq=2)
    assert (event.action, event.data) == ("merged_in", {"from": other.number})
    assert PHONE not in event.reason
    with pytest.raises(BadInput, match="没有可并入的工单"):
        line.do(main, "operator", "merge", main=main.number)


# Who was faster, what is on the screen


def test_who_comes_second_learns_who_was_first_and_when(line: Line) -> None:
    ticket = line.hear()
    line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    with pytest.raises(Conflict, match="话务员甲于 11-19 09:00 变为“已派单”"):
        line.do(ticket, "manager", "dispatch", agency=line.agency("east_housing"))
    assert line.ticket(ticket.pk).agency_id == line.agency("east_cm")


def test_an_older_version_on_the_screen_is_refused_but_for_tolerant_steps(line: Line) -> None:
    from citybrain.hub.hotline.actions import take

    ticket = line.hear()
    line.do(ticket, "operator", "correct", kind="3")
    with pytest.raises(Conflict):
        take(line.actor("manager"), ticket.pk, "file", {}, seen_version=1, now=line.now)
    assert (
        take(
            line.actor("manager"), ticket.pk, "comment", {"reason": "记"}, seen_version=1, now=line.now
        ).version
        == 3
    )


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        (
            "operator",
            ["dispatch", "file", "answer", "merge", "hand_over", "correct", "set_contact", "comment"],
        ),
        (
            "manager",
            ["dispatch", "file", "answer", "merge", "hand_over", "void", "correct", "set_contact", "comment"],
        ),
        ("handler", []),
        ("chief", []),
    ],
)
def test_a_new_ticket_offers_each_role_exactly_its_steps(line: Line, login: str, expected: list[str]) -> None:
    assert keys(line, login, line.hear()) == expected


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        ("handler", ["accept", "ask_contact", "return", "comment"]),
        ("handler2", ["co_accept", "co_reply", "co_return", "comment"]),
        ("handler_west", []),
        ("operator", ["correct", "set_contact", "change_units", "urge", "comment"]),
    ],
)
def test_a_dispatched_ticket_offers_lead_and_co_handlers_their_own_steps(
    line: Line, login: str, expected: list[str]
) -> None:
    ticket = line.sent(co=[line.agency("east_housing")])
    assert keys(line, login, ticket) == expected


def test_every_step_offered_can_be_asked_for_and_no_other(line: Line) -> None:
    ticket = line.sent()
    for login in ("operator", "manager", "handler", "handler2"):
        offered = set(keys(line, login, ticket))
        for key in TRANSITIONS:
            refusal = BadInput if key in offered else (Forbidden, NotFound, NotNow, Conflict)
            with pytest.raises(refusal):
                line.do(ticket, login, key, nonsense="1")


def test_why_a_step_is_blocked_is_told(line: Line) -> None:
    ticket = line.sent()
    line.later(days=9)
    told = dict(blocked_steps(line.actor("handler"), ticket, now=line.now))
    assert told["申请退单"].startswith("退单期限已于")


# Limits


@pytest.mark.parametrize(
    ("urgency", "signed", "answered"),
    [
        ("danger", timedelta(minutes=15), timedelta(hours=2)),
        ("utilities", timedelta(minutes=30), timedelta(days=1)),
        ("general", timedelta(days=1), timedelta(days=7)),
    ],
)
def test_the_urgency_sets_the_limits_for_signing_and_answering(
    line: Line, urgency: str, signed: timedelta, answered: timedelta
) -> None:
    ticket = line.do(line.hear(urgency=urgency), "operator", "dispatch", agency=line.agency("east_cm"))
    clocks = {clock.step: clock for clock in TicketClock.objects.filter(ticket=ticket, stopped_at=None)}
    assert clocks[Step.SIGNING].due_at == line.now + signed  # Thursday 09:00: one working day is Friday 09:00
    assert clocks[Step.HANDLING].due_at == line.now + answered
    assert (ticket.step, ticket.due_at) == (Step.SIGNING, line.now + signed)


@pytest.mark.parametrize(
    ("is_complex", "days"), [("否", 1), ("是", 4)], ids=["one day", "two days over a weekend"]
)
def test_a_return_is_asked_for_within_one_working_day_or_two_for_a_complex_matter(
    line: Line, is_complex: str, days: int
) -> None:
    ticket = line.sent(complex=is_complex)
    assert ticket.return_until == line.now + timedelta(days=days)
    late = line.now + timedelta(days=days, seconds=1)
    line.now += timedelta(days=days)
    assert "return" in keys(line, "handler", ticket)
    line.now = late
    assert "return" not in keys(line, "handler", ticket)
    with pytest.raises(NotNow, match="退单期限已于"):
        line.do(ticket, "handler", "return", cause="other", reason="退")


def test_a_correction_of_the_urgency_changes_the_limits_that_run(line: Line) -> None:
    ticket = line.sent()
    line.later(minutes=5)
    ticket = line.do(ticket, "operator", "correct", urgency="danger", reason="电线垂落")
    assert (ticket.urgency, ticket.rank) == ("danger", 0)
    assert ticket.due_at == line.now + timedelta(minutes=10), "fifteen minutes from the dispatch"
    event = TicketEvent.objects.get(ticket=ticket, action="correct")
    assert event.data["limits"] == [Step.SIGNING, Step.HANDLING]
    assert event.data["before"] == {"urgency": "general"}


def test_a_limit_explains_itself_with_rule_and_days(line: Line) -> None:
    ticket = line.do(line.sent(), "handler", "accept")
    signing = TicketClock.objects.get(ticket=ticket, step=Step.SIGNING)
    lines = limits.explain(signing, "zh-hans")
    assert any("工作日" in one or "工作时" in one or "小时" in one for one in lines[1:]), lines
    assert lines[0] == "一般签收时限：1个工作日（天津市12345热线实施细则（2024-12-30））"
    told = limits.explain(signing, "en")[0]
    assert told == "Signing limit, General: 1 working day (Tianjin's rules for the 12345 hotline, 2024-12-30)"
    signing.rule = "本市旧规定"
    assert limits.explain(signing, "en")[0] == "本市旧规定"


def test_a_clock_keeps_its_rule_in_one_language_whoever_starts_it() -> None:
    with translation.override("en"):
        one = limits.limit_for(Step.SIGNING, Urgency.DANGER, False, date(2026, 11, 19))
    assert one.rule == "危及生命财产安全签收时限：15分钟（天津市12345热线实施细则（2024-12-30））"
    assert limits.rule_in(one.rule, "en").endswith(
        ": 15 minutes (Tianjin's rules for the 12345 hotline, 2024-12-30)"
    )


def test_a_late_signature_is_kept_as_late(line: Line) -> None:
    ticket = line.sent()
    line.later(days=5)
    assert line.do(ticket, "handler", "accept").sign_on_time is False
