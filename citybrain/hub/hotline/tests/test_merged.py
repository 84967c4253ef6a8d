"""Tickets that stand for others: they can't vanish, their duplicates follow them, and nobody reads another's words."""

from datetime import timedelta

import pytest

from citybrain.hub.hotline import merged
from citybrain.hub.hotline.actions import take
from citybrain.hub.hotline.callers import floods
from citybrain.hub.hotline.channels import progress
from citybrain.hub.hotline.channels.door import take_in
from citybrain.hub.hotline.errors import NotNow
from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.models import FoldedMessage
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.states import Channel, State
from citybrain.hub.hotline.tests.conftest import NAME, PHONE, Line

pytestmark = pytest.mark.django_db
OTHER = {"phone": "13877776666", "name": "赵六六"}


def pair(line: Line) -> tuple[Ticket, Ticket]:
    """Return A's ticket and B's, which was merged into it."""
    first, second = line.hear(), line.hear("还是那盏路灯不亮", **OTHER)
    line.later(minutes=1)
    return first, line.do(second, "operator", "merge", main=first.number)


def seen(line: Line, ticket: Ticket, code: str = "") -> progress.Progress:
    return progress.progress(
        ticket.number, actor=line.actor("neighbour"), query_code=code or ticket.query_code
    )


def own_step(line: Line, ticket: Ticket, step: str, **given: object) -> None:
    take(line.actor("neighbour"), ticket.pk, step, given, owner_code=ticket.query_code, now=line.now)


def folded_text(line: Line, ticket: Ticket, phone: str = OTHER["phone"]) -> FoldedMessage:
    """Return a message of another number that was folded into a ticket for saying the same."""
    message = Message(channel=Channel.PORTAL, text=ticket.text, phone=phone)
    return floods.fold(message, ticket.pk, "text", None, line.now)


def test_who_was_merged_into_anothers_ticket_reads_what_was_done_and_none_of_the_others_words(
    line: Line,
) -> None:
    main, other = pair(line)
    line.later(minutes=1)
    own_step(line, main, "supplement", reason="我家在三单元五楼")
    line.do(main, "operator", "dispatch", agency=line.agency("east_cm"))
    line.do(main, "handler", "accept")
    line.do(
        main,
        "handler",
        "reply",
        reply=f"已更换灯泡并恢复照明，已致电{NAME}（{PHONE}），咨询可拨0319-8123456。",
    )
    own_step(line, main, "rate", rating=2, reason="他们态度恶劣")
    shown = seen(line, other)
    said = " ".join(f"{one.words} {one.answer}" for one in shown.moments) + shown.answer
    for hidden in ("三单元", "态度恶劣", "您补充了说明", "您已评价", NAME, PHONE):
        assert hidden not in said, hidden
    assert "0319-8123456" in shown.answer
    words = [str(one.words) for one in shown.moments]
    assert words == [
        "您的反映已收到",
        "已与同一问题合并办理",
        "已交负责单位办理",
        "负责单位已接收",
        "负责单位已答复",
    ]
    assert (shown.main.pk, shown.said) == (main.pk, other.text)
    own = " ".join(one.answer for one in seen(line, main).moments)
    assert "三单元" in own
    assert PHONE in own


def test_a_note_on_the_merged_ticket_hides_nothing_of_what_was_done_before_it(line: Line) -> None:
    main, other = pair(line)
    line.later(minutes=1)
    line.do(main, "operator", "dispatch", agency=line.agency("east_cm"))
    line.later(minutes=1)
    line.do(other, "operator", "comment", reason="已告知来电人")
    assert "已交负责单位办理" in [str(one.words) for one in seen(line, other).moments]


def test_a_folded_messages_sender_reads_the_answer_without_the_callers_name_and_number(line: Line) -> None:
    main = line.hear()
    told = folded_text(line, main)
    line.do(main, "operator", "answer", reply=f"已更换灯泡并恢复照明，已致电{NAME}（{PHONE}）说明。")
    shown = seen(line, main, told.query_code)
    said = shown.answer + " ".join(one.answer for one in shown.moments)
    assert "恢复照明" in shown.answer
    assert NAME not in said
    assert PHONE not in said


def test_what_was_merged_into_a_ticket_goes_on_with_the_one_it_is_merged_into_itself(line: Line) -> None:
    main, other = pair(line)
    last = line.hear("建国道全线路灯不亮", phone="13700001111", name="钱七七")
    line.do(main, "operator", "merge", main=last.number)
    assert line.ticket(other.pk).duplicate_of_id == last.pk
    line.do(last, "operator", "dispatch", agency=line.agency("east_cm"))
    for one in (main, other):
        shown = seen(line, one)
        assert (shown.phase, shown.main.pk) == (progress.IN_HAND, last.pk)


def test_progress_goes_to_the_end_of_an_older_chain_and_out_of_a_ring(line: Line) -> None:
    main, other = pair(line)
    last = line.hear("建国道全线路灯不亮")
    line.do(main, "operator", "merge", main=last.number)
    Ticket.objects.filter(pk=other.pk).update(duplicate_of_id=main.pk)
    line.do(last, "operator", "answer", reply="已核实，该路段线路故障，今晚八点前恢复照明。")
    assert seen(line, other).answer == "已核实，该路段线路故障，今晚八点前恢复照明。"
    Ticket.objects.filter(pk=last.pk).update(duplicate_of_id=other.pk)
    assert merged.main_of(line.ticket(other.pk)).pk == last.pk


def test_a_ticket_that_others_were_merged_into_is_neither_voided_nor_withdrawn(line: Line) -> None:
    main, _other = pair(line)
    with pytest.raises(NotNow, match="其他工单并入"):
        line.do(main, "manager", "void", cause="other", reason="不办了")
    with pytest.raises(NotNow, match=r"其他人反映了同一问题.*办理将继续"):
        own_step(line, main, "withdraw", reason="不用了")
    assert line.ticket(main.pk).state == State.RECEIVED


def test_a_ticket_that_others_messages_were_folded_into_is_voided_only_where_it_says_nothing(
    line: Line,
) -> None:
    main = line.hear()
    folded_text(line, main)
    with pytest.raises(NotNow, match="其他人反映了同一问题"):
        line.do(main, "manager", "void", cause="withdrawn", reason="来电人撤回")
    with pytest.raises(NotNow, match="办理将继续"):
        own_step(line, main, "withdraw")
    assert line.ticket(main.pk).state == State.RECEIVED
    assert line.do(main, "manager", "void", cause="nuisance", reason="刷屏广告").state == State.VOIDED


def test_the_callers_own_repeats_stand_in_nobodys_way(line: Line) -> None:
    message = Message(
        channel=Channel.PORTAL, text="路灯不亮三天了，请派人来修", phone=PHONE, area_id=line.area()
    )
    taken = [
        take_in(line.actor("neighbour"), message, now=line.now + timedelta(seconds=at)) for at in range(9)
    ]
    main = line.ticket(taken[0].ticket_id)
    assert any(one.folded for one in taken)
    FoldedMessage.objects.create(
        ticket=main, caller_id=main.caller_id, why="text", channel=Channel.PORTAL, text=main.text,
        query_code="AAAA2222", received_at=line.now,
    )  # fmt: skip
    own_step(line, main, "withdraw")
    assert line.ticket(main.pk).state == State.VOIDED
