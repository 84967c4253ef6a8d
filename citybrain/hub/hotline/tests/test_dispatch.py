"""Who handles it: a case by the same routing, or a unit; returns, designation, extension; lead and co-handlers."""

import uuid
from datetime import timedelta

import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.cases import actions as cases
from citybrain.hub.cases.models import Case, CaseContact, CasePhoto, RouteRecord
from citybrain.hub.cases.states import Source
from citybrain.hub.cases.states import State as CaseState
from citybrain.hub.hotline import following
from citybrain.hub.hotline.errors import BadInput, NotNow
from citybrain.hub.hotline.models.ticket import Ticket, TicketClock, TicketEvent, TicketUnit
from citybrain.hub.hotline.states import State, Step
from citybrain.hub.hotline.tests.conftest import ANSWER, LAMP, NAME, PHONE, Line


def after(line: Line) -> list[str]:
    photo = CasePhoto.objects.create(
        token=uuid.uuid4(), kind="after", digest="0" * 64, width=1, height=1, size=1, uploaded_at=line.now
    )
    return [str(photo.token)]


def by_case(line: Line, **more: object) -> Ticket:
    return line.do(line.hear(item_code=LAMP, **more), "operator", "dispatch")


def on_case(line: Line, ticket: Ticket, login: str, step: str, **given: object) -> Ticket:
    assert ticket.case_id is not None
    cases.take(line.actor(login), ticket.case_id, step, given, now=line.now)
    following.tick(line.now)
    return line.ticket(ticket.pk)


def running(ticket: Ticket) -> set[int]:
    return set(TicketClock.objects.filter(ticket=ticket, stopped_at=None).values_list("step", flat=True))


# By a case


def test_an_item_with_a_place_opens_a_case_and_goes_where_routing_sends_it(line: Line) -> None:
    ticket = by_case(line)
    case = Case.objects.get(pk=ticket.case_id)
    assert (case.source, case.external_ref, case.state) == (
        Source.HOTLINE,
        ticket.number,
        CaseState.PENDING_HANDLING,
    )
    assert case.agency_id == ticket.agency_id == line.agency("east_cm")
    assert (case.item.code, case.reporter_id) == (LAMP, None)  # type: ignore[union-attr]
    assert ticket.state == State.DISPATCHED


def test_the_unit_named_gets_the_case(line: Line) -> None:
    ticket = line.do(line.hear(item_code=LAMP), "operator", "dispatch", agency=line.agency("east_housing"))
    assert Case.objects.get(pk=ticket.case_id).agency_id == line.agency("east_housing")


def test_a_case_holds_neither_name_nor_number(line: Line) -> None:
    said = f"我叫{NAME}，电话{PHONE}，建国道12号路灯不亮，找李先生。"
    case = Case.objects.get(pk=by_case(line, text=said).case_id)
    assert "建国道12号路灯不亮" in case.description
    assert not any(
        told in f"{case.description}{case.address}{case.extra}" for told in (NAME, PHONE, "李先生")
    )
    assert not CaseContact.objects.exists()


def test_a_case_gets_the_contact_where_the_caller_agreed(line: Line) -> None:
    ticket = by_case(line, shared=True)
    contact = CaseContact.objects.get(case_id=ticket.case_id)
    assert (contact.name, contact.phone, contact.shared) == (NAME, PHONE, True)


@pytest.mark.parametrize(
    "more", [{"item_code": ""}, {"area_id": None}, {"kind": "1"}], ids=["no item", "no place", "a question"]
)
def test_without_item_place_or_something_to_put_right_it_goes_to_the_unit_itself(
    line: Line, more: dict[str, object]
) -> None:
    heard = line.hear(**{"item_code": LAMP, **more})
    with pytest.raises(BadInput):
        line.do(heard, "operator", "dispatch")
    ticket = line.do(heard, "operator", "dispatch", agency=line.agency("east_cm"))
    assert (ticket.case_id, ticket.agency_id) == (None, line.agency("east_cm"))


def test_the_case_drives_the_ticket_to_its_answer(line: Line) -> None:
    ticket = by_case(line)
    line.later(minutes=5)
    ticket = on_case(line, ticket, "handler", "accept")
    assert (ticket.state, ticket.sign_on_time) == (State.ACCEPTED, True)
    ticket = on_case(line, ticket, "handler", "handle", reason="正在更换灯具")
    assert ticket.state == State.HANDLING
    ticket = on_case(line, ticket, "handler", "feedback", reason=ANSWER, photos=after(line))
    assert ticket.state == State.HANDLING
    on_case(line, ticket, "chief", "start_check")
    ticket = on_case(line, ticket, "chief", "close", solved="是")
    assert (ticket.state, ticket.reply, ticket.on_time) == (State.REPLIED, ANSWER, True)
    assert ticket.solved is None, "whether it is solved is the caller's word"
    assert running(ticket) == {Step.CALLING}
    actions = list(TicketEvent.objects.filter(ticket=ticket).values_list("action", flat=True))
    assert actions == [
        "receive", "dispatch", "case_accepted", "case_handling", "case_handling", "case_replied",
    ]  # fmt: skip


def test_a_ticket_in_a_case_is_handled_there(line: Line) -> None:
    ticket = by_case(line)
    with pytest.raises(NotNow, match="请在案件中办理"):
        line.do(ticket, "handler", "accept")


def test_a_return_of_the_case_counts_and_after_three_dispatches_the_hotline_designates(line: Line) -> None:
    ticket = by_case(line)
    for turn in (1, 2, 3):
        assert ticket.dispatches == turn
        ticket = on_case(line, ticket, "handler", "return", cause="not_ours", reason="不归我们管")
        assert (ticket.state, ticket.return_count, ticket.agency_id) == (State.TO_DISPATCH, turn, None)
        if turn < 3:
            ticket = line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    with pytest.raises(NotNow, match="已派单 3 次"):
        line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    ticket = line.do(
        ticket, "manager", "designate", agency=line.agency("east_housing"), reason="职责清单第三条"
    )
    assert (ticket.state, ticket.agency_id, ticket.designated) == (
        State.DISPATCHED, line.agency("east_housing"), True,
    )  # fmt: skip
    assert Case.objects.get(pk=ticket.case_id).agency_id == line.agency("east_housing")


def test_a_dispatch_by_the_cases_own_dispatchers_is_followed(line: Line) -> None:
    ticket = on_case(line, by_case(line), "handler", "return", cause="not_ours", reason="不归我们管")
    ticket = on_case(line, ticket, "dispatcher", "redispatch", agency=line.agency("east_housing"))
    assert (ticket.state, ticket.dispatches, ticket.agency_id) == (
        State.DISPATCHED, 2, line.agency("east_housing"),
    )  # fmt: skip
    leads = TicketUnit.objects.filter(ticket=ticket).values_list("agency_id", "end_cause")
    assert list(leads) == [(line.agency("east_cm"), "returned"), (line.agency("east_housing"), "")]


def test_a_case_that_was_refused_brings_the_ticket_back_to_a_person(line: Line) -> None:
    ticket = on_case(line, by_case(line), "handler", "return", cause="not_ours", reason="不归我们管")
    ticket = on_case(line, ticket, "chief", "cancel", cause="mistake", reason="重复建案")
    assert (ticket.state, ticket.case_id, ticket.needs_person, ticket.person_reason) == (
        State.TO_DISPATCH, None, True, "重复建案",
    )  # fmt: skip
    again = line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    assert Case.objects.get(pk=again.case_id).external_ref == f"{ticket.number}-2"


def test_doing_over_takes_the_closed_case_up_again(line: Line) -> None:
    ticket = on_case(line, by_case(line), "handler", "accept")
    on_case(line, ticket, "handler", "feedback", reason=ANSWER, photos=after(line))
    ticket = on_case(line, ticket, "chief", "close", solved="是")
    ticket = line.do(
        ticket, "operator", "call_back", reached="reached", solved="否", rating=2, reason="又灭了"
    )
    ticket = line.do(ticket, "manager", "redo", reason="路灯又灭了")
    assert (ticket.state, Case.objects.get(pk=ticket.case_id).state) == (State.REDO, CaseState.REWORK)
    ticket = on_case(line, ticket, "handler", "accept")
    assert ticket.state == State.ACCEPTED


def test_the_tickets_limit_waits_while_its_case_is_suspended_and_grows_with_it(line: Line) -> None:
    ticket = on_case(line, by_case(line), "handler", "accept")
    due = ticket.due_at
    assert due is not None
    until = (line.now + timedelta(days=20)).isoformat()
    ticket = on_case(
        line, ticket, "handler", "request_extension", ask="extension", until=until, reason="等备件"
    )
    assert ticket.state == State.EXTENSION_REQUESTED
    line.later(minutes=30)
    ticket = on_case(line, ticket, "chief", "decide_extension", approve="是")
    assert ticket.state == State.HANDLING
    assert ticket.due_at == Case.objects.get(pk=ticket.case_id).due_at
    grown = ticket.due_at
    assert grown is not None
    ticket = on_case(line, ticket, "chief", "suspend", until=until, reason="停工令")
    assert (ticket.due_at, ticket.answer_due) == (None, grown)
    line.later(days=2)
    ticket = on_case(line, ticket, "chief", "resume")
    assert ticket.due_at == grown + timedelta(days=2)


def test_a_step_of_the_case_is_taken_over_once_only(line: Line) -> None:
    ticket = on_case(line, by_case(line), "handler", "accept")
    version = ticket.version
    assert following.tick(line.now) == 0
    assert following.tick(line.now, whole=True) == 0
    assert line.ticket(ticket.pk).version == version


def test_a_case_merged_into_another_takes_its_ticket_along(line: Line) -> None:
    first, second = by_case(line), by_case(line, text="建国道12号路灯又不亮了，请修")
    second = on_case(line, second, "handler", "return", cause="other", reason="重复")
    main = Case.objects.get(pk=first.case_id)
    Case.objects.filter(pk=second.case_id).update(state=CaseState.PENDING_FILING)
    second = on_case(line, second, "acceptor", "merge", main=main.number)
    assert (second.case_id, second.agency_id) == (main.pk, main.agency_id)
    second = on_case(line, second, "handler", "accept")
    assert (second.state, line.ticket(first.pk).state) == (State.ACCEPTED, State.ACCEPTED)


# To a unit


def test_a_return_is_reviewed_and_sinks_the_route(line: Line) -> None:
    ticket = line.do(
        line.hear(item_code=LAMP), "operator", "dispatch", agency=line.agency("east_cm"), by_case="否"
    )
    line.later(minutes=30)
    ticket = line.do(
        ticket,
        "handler",
        "return",
        cause="not_ours",
        reason="路灯由住建委养护",
        suggest=line.agency("east_housing"),
    )
    assert (ticket.state, ticket.agency_id) == (State.RETURN_REQUESTED, line.agency("east_cm"))
    with pytest.raises(Forbidden):
        line.do(ticket, "operator", "review_return", approve="是", reason="同意")
    ticket = line.do(ticket, "manager", "review_return", approve="是", reason="同意")
    assert (ticket.state, ticket.agency_id, ticket.return_count) == (State.TO_DISPATCH, None, 1)
    assert ticket.suggested_agency_id == line.agency("east_housing")
    record = RouteRecord.objects.get(item_code=LAMP, agency_id=line.agency("east_cm"))
    assert (record.dispatched, record.returned) == (1, 1)
    assert not Ticket.objects.visible_to(line.actor("handler")).filter(pk=ticket.pk).exists()


@pytest.mark.parametrize(
    ("signed", "back"), [(False, State.DISPATCHED), (True, State.ACCEPTED)], ids=["unsigned", "signed"]
)
def test_a_refused_return_goes_back_to_where_it_was_asked(line: Line, signed: bool, back: State) -> None:
    ticket = line.do(line.sent(), "handler", "accept") if signed else line.sent()
    due = ticket.answer_due
    ticket = line.do(ticket, "handler", "return", cause="other", reason="请交住建委")
    line.later(minutes=60)
    ticket = line.do(ticket, "manager", "review_return", approve="否", reason="属于你单位")
    assert (ticket.state, ticket.agency_id) == (back, line.agency("east_cm"))
    assert ticket.answer_due == due + timedelta(minutes=60), "the hour of the review is not the unit's"  # type: ignore[operator]


def test_after_three_dispatches_only_the_hotline_designates_and_nobody_returns_that(line: Line) -> None:
    ticket = line.hear()
    for _turn in range(3):
        ticket = line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
        ticket = line.do(ticket, "handler", "return", cause="not_ours", reason="不归我们管")
        ticket = line.do(ticket, "manager", "review_return", approve="是", reason="同意")
    with pytest.raises(NotNow, match="须由热线指定"):
        line.do(ticket, "operator", "dispatch", agency=line.agency("east_housing"))
    with pytest.raises(Forbidden):
        line.do(ticket, "operator", "designate", agency=line.agency("east_cm"), reason="指定")
    ticket = line.do(ticket, "manager", "designate", agency=line.agency("east_cm"), reason="职责清单第三条")
    assert ticket.designated
    with pytest.raises(NotNow, match="由热线指定，不能退单"):
        line.do(ticket, "handler", "return", cause="not_ours", reason="不归我们管")


def test_lead_and_co_handlers_each_have_their_part(line: Line) -> None:
    ticket = line.sent(co=[line.agency("east_housing"), line.agency("jianguo")])
    assert sorted(ticket.co_agencies) == sorted([line.agency("east_housing"), line.agency("jianguo")])
    ticket = line.do(ticket, "handler2", "co_accept")
    with pytest.raises(Forbidden):
        line.do(ticket, "handler2", "accept")
    with pytest.raises(Forbidden):
        line.do(ticket, "handler", "co_reply", reply=ANSWER)
    ticket = line.do(ticket, "handler", "accept")
    ticket = line.do(ticket, "handler2", "co_reply", reply="经查，该处电缆完好，与灯具供电无关。")
    ticket = line.do(ticket, "street_handler", "co_return", cause="not_ours", reason="街道无路灯")
    assert ticket.co_agencies == [line.agency("east_housing")]
    parts = {
        row.agency_id: (row.role, row.accepted_at is not None, bool(row.reply), row.end_cause)
        for row in TicketUnit.objects.filter(ticket=ticket)
    }
    assert parts == {
        line.agency("east_cm"): ("lead", True, False, ""),
        line.agency("east_housing"): ("co", True, True, ""),
        line.agency("jianguo"): ("co", False, False, "not_ours"),
    }
    assert (
        TicketUnit.objects.get(ticket=ticket, agency_id=line.agency("east_housing")).due_at
        == ticket.answer_due
    )


def test_a_lead_is_no_co_handler(line: Line) -> None:
    with pytest.raises(BadInput, match="不能同时"):
        line.sent(co=[line.agency("east_cm")])


def test_the_hotline_changes_the_co_handlers(line: Line) -> None:
    ticket = line.sent(co=[line.agency("east_housing")])
    ticket = line.do(ticket, "operator", "change_units", co=[line.agency("jianguo")], reason="换")
    assert ticket.co_agencies == [line.agency("jianguo")]
    ended = TicketUnit.objects.get(ticket=ticket, agency_id=line.agency("east_housing"))
    assert ended.end_cause == "taken_off"
    assert line.do(ticket, "operator", "change_units", co=[]).co_agencies == []


def test_an_extension_is_reviewed_once_and_moves_the_due_time(line: Line) -> None:
    ticket = line.do(line.sent(), "handler", "accept")
    due = ticket.due_at
    assert due == ticket.answer_due
    until = due + timedelta(days=3)  # type: ignore[operator]
    ticket = line.do(ticket, "handler", "request_extension", until=until.isoformat(), reason="等待备件")
    assert ticket.state == State.EXTENSION_REQUESTED
    line.later(minutes=10)
    ticket = line.do(ticket, "manager", "review_extension", approve="是", reason="同意延期")
    assert (ticket.state, ticket.due_at, ticket.extension_count) == (State.HANDLING, until, 1)
    clock = TicketClock.objects.get(ticket=ticket, step=Step.HANDLING)
    assert [row[2] for row in clock.extensions] == ["同意延期"]
    with pytest.raises(NotNow, match="已延期 1 次"):
        line.do(
            ticket,
            "handler",
            "request_extension",
            until=(until + timedelta(days=1)).isoformat(),
            reason="再延",
        )


def test_a_refused_extension_leaves_the_limit_but_the_time_of_the_review(line: Line) -> None:
    ticket = line.do(line.sent(), "handler", "accept")
    due = ticket.due_at
    ticket = line.do(
        ticket,
        "handler",
        "request_extension",
        until=(due + timedelta(days=3)).isoformat(),
        reason="等备件",  # type: ignore[operator]
    )
    line.later(minutes=25)
    ticket = line.do(ticket, "manager", "review_extension", approve="否", reason="不同意")
    assert (ticket.due_at, ticket.extension_count) == (due + timedelta(minutes=25), 0)  # type: ignore[operator]


def test_a_ticket_handed_over_waits_for_the_other_line(line: Line) -> None:
    ticket = line.do(line.hear(), "manager", "hand_over", to="邻市12345", reason="事发地在邻市")
    assert (ticket.state, ticket.outside, ticket.agency_id) == (State.DISPATCHED, "邻市12345", None)
    following_steps = [
        ("outside_accept", {}, State.ACCEPTED),
        ("outside_reply", {"reply": ANSWER}, State.REPLIED),
    ]
    from citybrain.hub.hotline.actions import take

    for step, given, state in following_steps:
        assert take(SYSTEM, ticket.pk, step, given, now=line.now).state == state
    with pytest.raises(Forbidden):
        line.do(ticket, "manager", "outside_accept")


def test_taking_back_what_was_handed_over_sends_it_on_here(line: Line) -> None:
    ticket = line.do(line.hear(), "manager", "hand_over", to="110", reason="警情")
    ticket = line.do(ticket, "manager", "take_back", reason="对方不受理")
    assert (ticket.state, ticket.outside) == (State.TO_DISPATCH, "")
    ticket = line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    assert ticket.agency_id == line.agency("east_cm")
    with pytest.raises(NotNow):
        line.do(ticket, "manager", "take_back", reason="没有转交")
