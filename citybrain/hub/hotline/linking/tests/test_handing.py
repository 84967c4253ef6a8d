"""Handing over: sent signed and once, tried until it arrives, followed in our ticket; the police by phone first."""

import json
from datetime import timedelta
from typing import Any

import pytest

from citybrain.base.exchange.tests.stub import Call, Reply, serving
from citybrain.base.identity.access import Forbidden
from citybrain.base.ledger.models import Entry
from citybrain.hub.hotline.errors import BadInput, Conflict, NotFound, NotNow
from citybrain.hub.hotline.linking import delivering, handing, signing
from citybrain.hub.hotline.linking.handing import Plan
from citybrain.hub.hotline.linking.tests.far import THEIRS, answering, call, partner
from citybrain.hub.hotline.models import HandOver, LinkMessage, Partner, Ticket
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.tests.conftest import NAME, PHONE, SAID, Line

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _loopback(settings: Any) -> None:
    settings.SOURCE_HOSTS = ["127.0.0.1"]


def handed(line: Line, made: Partner, ticket: Ticket | None = None, **plan: Any) -> HandOver:
    one = ticket or line.hear()
    given = {"reason": "事发地在北河境内", **plan}
    return handing.hand_over(line.actor("operator"), one.pk, Plan(made.pk, **given), now=line.now)


def trail(made: HandOver) -> list[str]:
    return list(made.trail.values_list("what", flat=True))


def test_a_ticket_is_handed_over_signed_and_followed_to_its_answer(line: Line) -> None:
    with serving(answering()) as far:
        made = handed(line, partner(line, address=far.address))
        assert (made.state, line.ticket(made.ticket_id).state) == ("waiting", State.DISPATCHED)
        assert line.ticket(made.ticket_id).outside == "北河12345"
        assert delivering.tick(line.now) >= 1
        assert delivering.deliver(line.later(minutes=1)) == 0
    (sent,) = far.calls
    head = {name.title().replace("X-Citybrain", "X-Citybrain"): value for name, value in sent.headers.items()}
    told = signing.read({name: head[name] for name in head if name.startswith("X-Citybrain")})
    signing.check(told, (THEIRS,), "POST", "/api/v1/hotline/links", sent.body, told.at)
    assert told.key == "haining"
    body = json.loads(sent.body)
    assert (body["key"], body["reason"], body["contact"]) == (str(made.key), "事发地在北河境内", None)
    made.refresh_from_db()
    assert (made.state, made.their_number) == ("received", "BH261119000007")
    assert line.ticket(made.ticket_id).state == State.ACCEPTED
    path = f"/api/v1/hotline/links/{made.key}/told"
    assert (
        call(made.partner, path, {"seq": 1, "what": "in_hand", "agency": "北河市城管局"}).status_code == 200
    )
    assert line.ticket(made.ticket_id).state == State.HANDLING
    assert (
        call(made.partner, path, {"seq": 2, "what": "replied", "reply": "路灯已修复并回访。"}).status_code
        == 200
    )
    ticket = line.ticket(made.ticket_id)
    assert (ticket.state, ticket.reply) == (State.REPLIED, "路灯已修复并回访。")
    assert call(made.partner, path, {"seq": 3, "what": "concluded"}).json()["state"] == "concluded"
    assert trail(made) == ["handed_over", "delivered", "in_hand_in", "replied_in", "concluded_in"]


def test_the_callers_name_and_number_stay_here_unless_they_allowed_it(line: Line) -> None:
    with serving(answering()) as far:
        made = partner(line, address=far.address)
        handed(line, made, line.hear(text=f"我是{NAME}，电话{PHONE}，路灯不亮"))
        shared = line.hear(text=f"我是{NAME}，电话{PHONE}，井盖丢了", shared=True)
        handed(line, made, shared, shares_contact=True)
        delivering.deliver(line.now)
    quiet, told = (call.body.decode() for call in far.calls)
    assert PHONE not in quiet
    assert NAME not in quiet
    assert json.loads(told)["contact"] == {"name": NAME, "phone": PHONE}
    with pytest.raises(Forbidden):
        handed(line, made, line.hear(text="广告牌松动"), shares_contact=True)
    with pytest.raises(Forbidden):
        handed(line, made, line.hear(text="广告牌松了", shared=True, secret=True), shares_contact=True)


def test_what_waits_to_be_sent_is_sealed(line: Line) -> None:
    handed(line, partner(line), line.hear(shared=True), shares_contact=True)
    kept = bytes(LinkMessage.objects.get().body)
    assert PHONE.encode() not in kept
    assert SAID.encode() not in kept


def test_the_other_side_is_down_for_an_hour_and_then_has_it_once(line: Line) -> None:
    down = True

    def answer(call: Call) -> Reply:
        return Reply(b"<html>Bad Gateway</html>", 502) if down else answering()(call)

    with serving(answer) as far:
        made = handed(line, partner(line, address=far.address))
        for _ in range(60):
            delivering.deliver(line.now)
            line.later(minutes=1)
        tried = len(far.calls)
        one = Partner.objects.get()
        assert one.failing_since is not None
        assert "502" in one.last_error
        assert 8 <= tried <= 16
        down = False
        delivering.deliver(line.later(minutes=10))
    assert len({json.loads(one.body)["key"] for one in far.calls}) == 1
    assert len({one.body for one in far.calls}) == 1
    assert len({one.headers["x-citybrain-nonce"] for one in far.calls}) == len(far.calls)
    made.refresh_from_db()
    one.refresh_from_db()
    assert (made.state, one.failing_since, one.last_error) == ("received", None, "")
    assert trail(made) == ["handed_over", "not_reached", "delivered"]


def test_nobody_listens_there(line: Line) -> None:
    made = handed(line, partner(line))
    assert delivering.deliver(line.now) == 1
    one = LinkMessage.objects.get()
    assert (one.attempts, one.sent_at, one.next_try_at) == (1, None, line.now + delivering.FIRST_PAUSE)
    assert "ConnectError" in one.error
    made.refresh_from_db()
    assert made.state == "waiting"


def test_a_partner_that_is_down_is_tried_once_a_round_and_holds_up_no_other(line: Line) -> None:
    dead = partner(line, "dead")
    for at in range(5):
        handed(line, dead, line.hear(text=f"第{at}处路灯不亮"))
    with serving(answering()) as far:
        made = handed(line, partner(line, address=far.address), line.hear(text="井盖丢了"))
        delivering.deliver(line.now)
    made.refresh_from_db()
    assert made.state == "received"
    assert LinkMessage.objects.filter(partner=dead, attempts=1).count() == 1


def test_an_inner_host_that_the_operator_has_not_opened_is_not_called(line: Line, settings: Any) -> None:
    settings.SOURCE_HOSTS = []
    with serving(answering()) as far:
        handed(line, partner(line, address=far.address))
        delivering.deliver(line.now)
    assert far.calls == []
    assert "CITYBRAIN_SOURCE_HOSTS" in LinkMessage.objects.get().error


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_what_they_refuse_comes_back_to_us_with_their_words(line: Line, status: int) -> None:
    with serving(answering(status, message="不属于北河辖区")) as far:
        made = handed(line, partner(line, address=far.address))
        delivering.deliver(line.now)
    made.refresh_from_db()
    ticket = line.ticket(made.ticket_id)
    assert (made.state, ticket.state, ticket.outside) == ("refused", State.TO_DISPATCH, "")
    assert made.trail.get(what="refused").words == "不属于北河辖区"
    assert delivering.deliver(line.later(hours=1)) == 0


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_a_wrong_secret_or_a_busy_server_is_tried_again(line: Line, status: int) -> None:
    with serving(answering(status, message="x")) as far:
        made = handed(line, partner(line, address=far.address))
        delivering.deliver(line.now)
        delivering.deliver(line.later(minutes=1))
    assert len(far.calls) == 2
    made.refresh_from_db()
    assert made.state == "waiting"


@pytest.mark.parametrize(
    "reply",
    [Reply(b"[]", 201), Reply(b"not json", 200), Reply(b"{}", 201, broken=True), Reply(b"x" * 200_000, 200)],
    ids=["a list", "no json", "cut off", "endless"],
)
def test_an_answer_that_is_none_is_no_receipt(line: Line, reply: Reply) -> None:
    with serving(lambda _call: reply) as far:
        made = handed(line, partner(line, address=far.address))
        delivering.deliver(line.now)
    made.refresh_from_db()
    assert made.state == "waiting"
    assert LinkMessage.objects.get().next_try_at is not None


def test_a_worker_killed_after_sending_sends_the_same_again(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise SystemExit

    with serving(answering()) as far:
        made = handed(line, partner(line, address=far.address))
        with monkeypatch.context() as patch:
            patch.setattr(delivering, "settle", killed)
            with pytest.raises(SystemExit):
                delivering.deliver(line.now)
        assert delivering.deliver(line.now) == 0
        assert delivering.deliver(line.later(seconds=61)) == 1
    assert [one.body for one in far.calls] == [far.calls[0].body] * 2
    made.refresh_from_db()
    assert made.state == "received"


def test_urgent_matters_go_to_the_police_by_phone_first(line: Line) -> None:
    police = partner(line, "police", "police", phone="110")
    ticket = line.hear(text="有人持刀在广场，很危险", urgency="danger")
    with pytest.raises(BadInput) as told:
        handed(line, police, ticket, urgent=True, reason="涉嫌违法犯罪")
    assert told.value.field == "phoned_to"
    assert "110" in told.value.message
    assert line.ticket(ticket.pk).state == State.RECEIVED
    made = handed(
        line, police, ticket, urgent=True, reason="涉嫌违法犯罪", phoned_to="110接警员甲", shares_contact=True
    )
    assert (made.phoned_to, made.phoned_at) == ("110接警员甲", line.now)
    assert trail(made) == ["phoned", "handed_over"]
    entry = Entry.objects.get(action="hotline.send_out")
    assert json.loads(entry.body)["contact"] is True


def test_a_phone_call_of_yesterday_or_tomorrow_is_none(line: Line) -> None:
    police = partner(line, "police", "police")
    for span in (timedelta(hours=-13), timedelta(minutes=5)):
        with pytest.raises(BadInput):
            handed(line, police, phoned_to="110接警员甲", phoned_at=line.now + span)


def test_only_the_hotline_hands_over_and_only_what_is_not_sent_yet(line: Line) -> None:
    made = partner(line)
    ticket = line.hear()
    for login in ("handler", "worker", "audit", "citizen"):
        with pytest.raises((Forbidden, NotFound)):
            handing.hand_over(line.actor(login), ticket.pk, Plan(made.pk, "事发地在北河境内"), now=line.now)
    with pytest.raises(NotFound):
        handing.hand_over(
            line.actor("operator_west"), ticket.pk, Plan(made.pk, "事发地在北河境内"), now=line.now
        )
    with pytest.raises(Conflict):
        handed(line, made, line.sent())
    assert not HandOver.objects.exists()
    assert not LinkMessage.objects.exists()


def test_a_partner_switched_off_or_of_another_kind_takes_nothing(line: Line) -> None:
    hook = partner(line, "app", "hook")
    with pytest.raises(BadInput):
        handed(line, hook)
    made = partner(line)
    Partner.objects.filter(pk=made.pk).update(is_active=False)
    with pytest.raises(BadInput):
        handed(line, made)


def test_taken_back_before_it_left_is_never_sent(line: Line) -> None:
    with serving(answering()) as far:
        made = handed(line, partner(line, address=far.address))
        handing.take_back(line.actor("operator"), made.pk, "位置核实在本市", now=line.now)
        assert delivering.deliver(line.later(minutes=1)) == 0
    assert far.calls == []
    made.refresh_from_db()
    assert (made.state, line.ticket(made.ticket_id).state) == ("recalled", State.TO_DISPATCH)


def test_taken_back_later_is_told_and_the_ticket_may_go_elsewhere(line: Line) -> None:
    with serving(answering()) as far:
        one = partner(line, address=far.address)
        made = handed(line, one)
        delivering.deliver(line.now)
        handing.take_back(line.actor("operator"), made.pk, "位置核实在本市", now=line.now)
        delivering.deliver(line.later(minutes=1))
        again = handed(line, one, line.ticket(made.ticket_id))
    assert json.loads(far.calls[1].body)["what"] == "recalled"
    assert far.calls[1].path == f"/api/v1/hotline/links/{made.key}/told"
    assert again.key != made.key
    answer = call(
        one, f"/api/v1/hotline/links/{made.key}/told", {"seq": 9, "what": "replied", "reply": "已办"}
    )
    assert answer.status_code == 200
    assert line.ticket(made.ticket_id).reply == ""
    with pytest.raises(NotNow):
        handing.take_back(line.actor("operator"), made.pk, "位置核实在本市", now=line.now)


def test_tellings_of_one_hand_over_arrive_in_their_order(line: Line) -> None:
    fails = {"left": 3}

    def answer(call: Call) -> Reply:
        fails["left"] -= 1
        return Reply(b"", 503) if fails["left"] >= 0 else answering()(call)

    with serving(answer) as far:
        made = handed(line, partner(line, address=far.address))
        handing.send_note(line.actor("operator"), made.pk, "来电人补充:灯杆编号A12", now=line.now)
        handing.send_note(line.actor("operator"), made.pk, "来电人又补充:共三盏", now=line.now)
        for _ in range(12):
            delivering.deliver(line.later(minutes=2))
    good = [json.loads(one.body) for one in far.calls[3:]]
    assert [one.get("words", one.get("number")) for one in good] == [
        line.ticket(made.ticket_id).number, "来电人补充:灯杆编号A12", "来电人又补充:共三盏",
    ]  # fmt: skip
    assert good[1]["seq"] < good[2]["seq"]


def test_an_older_telling_changes_nothing(line: Line) -> None:
    with serving(answering()) as far:
        made = handed(line, partner(line, address=far.address))
        delivering.deliver(line.now)
    path = f"/api/v1/hotline/links/{made.key}/told"
    call(made.partner, path, {"seq": 5, "what": "replied", "reply": "已修复"})
    answer = call(made.partner, path, {"seq": 4, "what": "returned", "words": "不是我们的"})
    assert answer.json() == {"state": "replied", "heard": 5}
    assert line.ticket(made.ticket_id).state == State.REPLIED


def test_a_returned_ticket_is_ours_again(line: Line) -> None:
    with serving(answering()) as far:
        made = handed(line, partner(line, address=far.address))
        delivering.deliver(line.now)
    path = f"/api/v1/hotline/links/{made.key}/told"
    assert call(made.partner, path, {"seq": 1, "what": "returned"}).status_code == 422
    call(made.partner, path, {"seq": 1, "what": "returned", "words": "现场在贵市一侧"})
    ticket = line.ticket(made.ticket_id)
    assert (ticket.state, ticket.outside) == (State.TO_DISPATCH, "")
    made.refresh_from_db()
    assert made.ended_at is not None


def test_a_caller_who_is_not_satisfied_is_passed_on_as_redo(line: Line) -> None:
    with serving(answering()) as far:
        made = handed(line, partner(line, address=far.address))
        delivering.deliver(line.now)
        path = f"/api/v1/hotline/links/{made.key}/told"
        call(made.partner, path, {"seq": 1, "what": "replied", "reply": "已修复"})
        line.do(line.ticket(made.ticket_id), "manager", "redo", reason="来电人说仍不亮")
        delivering.tick(line.now)
        delivering.tick(line.now)
    told = [json.loads(one.body) for one in far.calls[1:]]
    assert [(one["what"], one["words"]) for one in told] == [("redo", "来电人说仍不亮")]
    call(made.partner, path, {"seq": 2, "what": "replied", "reply": "已更换灯泡"})
    assert line.ticket(made.ticket_id).reply == "已更换灯泡"
