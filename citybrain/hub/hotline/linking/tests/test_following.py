"""What a partner is told: the reason of the step meant, without who spoke; and the main ticket's way after a merger."""

import json
from typing import Any

import pytest

from citybrain.base.exchange.tests.stub import serving
from citybrain.hub.hotline.linking import delivering, handing
from citybrain.hub.hotline.linking.tests.far import answering, call, partner
from citybrain.hub.hotline.linking.tests.test_handing import handed
from citybrain.hub.hotline.linking.tests.test_hearing import PATH, given
from citybrain.hub.hotline.models import HandOver, Ticket
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.tests.conftest import ANSWER, NAME, PHONE, Line

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _loopback(settings: Any) -> None:
    settings.SOURCE_HOSTS = ["127.0.0.1"]


def told(far: Any) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in far.calls]


def concluded(line: Line, far: Any) -> HandOver:
    """Return a hand-over that the partner concluded; its ticket stands answered with us."""
    made = handed(line, partner(line, address=far.address))
    delivering.deliver(line.now)
    path = f"{PATH}/{made.key}/told"
    call(made.partner, path, {"seq": 1, "what": "replied", "reply": "已修复"})
    call(made.partner, path, {"seq": 2, "what": "concluded"})
    made.refresh_from_db()
    assert made.ended_at is not None
    return made


def test_done_over_after_the_partner_concluded_it_is_ours_to_send_again(line: Line) -> None:
    with serving(answering()) as far:
        made = concluded(line, far)
        ticket = line.do(line.ticket(made.ticket_id), "manager", "redo", reason="仍不亮")
        assert (ticket.state, ticket.outside, ticket.redo_count) == (State.TO_DISPATCH, "", 1)
        assert ticket.events.get(action="redo").data["outside"] == "北河12345"
        ticket = line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
        line.do(ticket, "handler", "accept")
        assert line.do(ticket, "handler", "reply", reply=ANSWER).state == State.REPLIED


def test_done_over_while_the_partner_holds_it_goes_to_them_and_can_be_taken_back(line: Line) -> None:
    with serving(answering()) as far:
        made = handed(line, partner(line, address=far.address))
        delivering.deliver(line.now)
        call(made.partner, f"{PATH}/{made.key}/told", {"seq": 1, "what": "replied", "reply": "已修复"})
        ticket = line.do(line.ticket(made.ticket_id), "manager", "redo", reason="仍不亮")
        assert (ticket.state, ticket.outside) == (State.REDO, "北河12345")
        handing.take_back(line.actor("operator"), made.pk, "对方不再处理", now=line.now)
    ticket = line.ticket(made.ticket_id)
    assert (ticket.state, ticket.outside) == (State.TO_DISPATCH, "")


def test_done_over_is_told_with_its_own_reason_and_without_who_spoke(line: Line) -> None:
    with serving(answering()) as far:
        made = handed(line, partner(line, address=far.address))
        delivering.deliver(line.now)
        call(made.partner, f"{PATH}/{made.key}/told", {"seq": 1, "what": "replied", "reply": "已修复"})
        ticket = line.ticket(made.ticket_id)
        line.do(ticket, "manager", "redo", reason=f"{NAME}（{PHONE}）说仍不亮")
        line.do(ticket, "operator", "comment", reason="内部：对方敷衍，拟上报")
        delivering.tick(line.now)
    (one,) = [one for one in told(far) if one.get("what") == "redo"]
    assert one["words"].endswith("说仍不亮）") or one["words"].endswith("说仍不亮")
    assert NAME not in one["words"]
    assert PHONE not in one["words"]
    assert "内部" not in one["words"]


@pytest.mark.parametrize("shares", [False, True])
def test_reason_note_and_recall_name_the_caller_only_where_the_contact_went_along(
    line: Line, shares: bool
) -> None:
    words = f"请联系{NAME}，电话{PHONE}"
    with serving(answering()) as far:
        made = handed(
            line,
            partner(line, address=far.address),
            line.hear(shared=shares),
            reason=words,
            shares_contact=shares,
        )
        delivering.deliver(line.now)
        handing.send_note(line.actor("operator"), made.pk, words, now=line.now)
        delivering.deliver(line.later(minutes=1))
        handing.take_back(line.actor("operator"), made.pk, words, now=line.now)
        delivering.deliver(line.later(minutes=1))
    first, note, recall = told(far)
    for said in (first["reason"], note["words"], recall["words"]):
        assert (said == words) is shares
        assert (NAME in said, PHONE in said) == (shares, shares)
    assert made.reason == words


def test_one_that_goes_back_is_told_with_the_reason_of_voiding_it_and_no_other(line: Line) -> None:
    with serving(answering(200)) as far:
        raw = given(contact=None)
        call(partner(line, address=far.address), PATH, raw)
        made = HandOver.objects.get()
        line.do(made.ticket, "manager", "void", cause="other", reason="在贵市一侧，值班员电话13912345678")
        line.do(made.ticket, "operator", "comment", reason="内部：以后少收北河的单")
        delivering.tick(line.now)
    (one,) = told(far)
    assert one["what"] == "returned"
    assert one["words"].startswith("在贵市一侧，值班员电话")
    assert "13912345678" not in one["words"]


def test_one_merged_into_a_local_ticket_is_told_the_main_tickets_way_and_answer(line: Line) -> None:
    main = line.hear()
    with serving(answering(200)) as far:
        north = partner(line, address=far.address)
        raw = given()
        call(north, PATH, raw)
        ticket = Ticket.objects.get(channel="linked")
        for at in range(6):  # its version is far above the main one's
            line.do(ticket, "operator", "comment", reason=f"备注{at}")
        delivering.tick(line.now)
        line.do(ticket, "operator", "merge", main=main.number)
        delivering.tick(line.now)
        assert [one["what"] for one in told(far)] == ["received"]  # and never that it went back
        line.do(main, "operator", "dispatch", agency=line.agency("east_cm"))
        delivering.tick(line.now)
        line.do(main, "handler", "accept")
        line.do(main, "handler", "reply", reply=f"{ANSWER}已致电{NAME}（{PHONE}）。")
        delivering.tick(line.now)
        call(north, f"{PATH}/{raw['key']}/told", {"seq": 1, "what": "redo", "words": "来电人说仍不亮"})
        line.do(main, "operator", "call_back", reached="reached", solved="是", rating=5)
        delivering.tick(line.now)
    said = told(far)[1:]
    assert [one["what"] for one in said] == ["in_hand", "replied", "concluded"]
    assert said[0]["agency"] == "东区城市管理局"
    assert said[1]["reply"].startswith(ANSWER)
    for hidden in (NAME, PHONE):
        assert hidden not in json.dumps(said, ensure_ascii=False)
    assert main.events.get(action="comment").reason == "北河12345：来电人说仍不亮"
    assert HandOver.objects.get().ended_at is None


def test_one_merged_on_into_a_younger_ticket_is_followed_there(line: Line) -> None:
    main, last = line.hear(), line.hear("建国道全线路灯不亮")
    for at in range(6):
        line.do(main, "operator", "comment", reason=f"备注{at}")
    with serving(answering(200)) as far:
        call(partner(line, address=far.address), PATH, given())
        ticket = Ticket.objects.get(channel="linked")
        line.do(ticket, "operator", "merge", main=main.number)
        delivering.tick(line.now)
        line.do(main, "operator", "merge", main=last.number)
        line.do(last, "operator", "answer", reply="已核实，该路段线路故障，今晚八点前恢复照明。")
        delivering.tick(line.now)
    received, one = told(far)
    assert received["what"] == "received"
    assert (one["what"], one["reply"]) == ("replied", "已核实，该路段线路故障，今晚八点前恢复照明。")
