"""The hotline's pages: what is looked up while typing, what is kept, who sees what, exactly the steps one may take."""

import json
import re
import uuid
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from citybrain.base.identity.actor import SYSTEM
from citybrain.base.ledger.models import Entry
from citybrain.faces.desk.hotline import looking
from citybrain.hub.hotline import actions, lists
from citybrain.hub.hotline.channels.door import take_in
from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.models import Ticket, UnsentNote
from citybrain.hub.hotline.readers import filing
from citybrain.hub.hotline.states import Channel, State
from citybrain.hub.hotline.steps import next_steps
from citybrain.sample.fixtures import Cast, TinyCity

CALLER = "16000009001"
NUMBER = re.compile(r"/desk/hotline/work/[a-z_]+/\?ticket=(RX\d+)")
Open = Callable[[str], Client]


@pytest.fixture
def client_for(cast: Cast) -> Open:
    def open_browser(key: str) -> Client:
        client = Client()
        client.force_login(cast[key])
        return client

    return open_browser


def tell(city: TinyCity, cast: Cast, text: str, where: str = "grid", **more: object) -> Ticket:
    """Let somebody tell the operator something; return the ticket."""
    lon, lat = city.point(where)
    told = {"channel": Channel.PHONE, "text": text, "kind": "3", "phone": CALLER, "name": "王女士", "lon": lon,
            "lat": lat, "item_code": "020301", **more}  # fmt: skip
    receipt = take_in(cast.actor("hotline_operator"), Message(**told))  # type: ignore[arg-type]
    return Ticket.objects.get(pk=receipt.ticket_id)


def send(city: TinyCity, cast: Cast, ticket: Ticket, kind: str = "city_mgmt", **more: object) -> Ticket:
    given = {"agency": city.agency(kind).pk, "by_case": False, **more}
    actions.take(cast.actor("hotline_operator"), ticket.pk, "dispatch", given)
    ticket.refresh_from_db()
    return ticket


def look(client: Client, **given: str) -> str:
    answer = client.post("/desk/hotline/call/look/", given, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_is_typed_is_looked_up(city: TinyCity, cast: Cast, client_for: Open) -> None:
    before = tell(city, cast, "西门的路灯不亮，请派人来修")
    community = city.node("community").name
    told = look(client_for("hotline_operator"), text=f"{community}西门的路灯又不亮了", phone=CALLER)
    assert "160****9001" in told
    assert CALLER not in told
    assert before.number in told  # the same matter nearby, and what they told before
    assert re.search(r'data-set="item" data-value="\d{6}"', told)
    assert f'data-set="area" data-value="{city.area("community").pk}"' in told


def test_nearly_the_same_words_are_found_wherever_they_are(
    city: TinyCity, cast: Cast, client_for: Open
) -> None:
    text = "滨河路早市的摊贩每天早上六点占着慢车道卖菜，公交车都进不了站"
    far = tell(city, cast, text, where="far_grid", item_code="")
    filing.file_ticket(far, timezone.now())
    place = city.node("community").name
    assert far.number in look(client_for("hotline_operator"), text=f"{place}，{text}了")
    assert far.number not in look(client_for("hotline_operator"), text=f"{place}的早市很热闹，摊贩热情")


def test_words_of_danger_stand_first(city: TinyCity, client_for: Open) -> None:
    told = look(client_for("hotline_operator"), text="楼道里有很浓的煤气味，快来人，有人晕倒了")
    assert 'data-level="danger"' in told
    assert "15 分钟内签收" in told


def test_one_broken_part_leaves_the_others_standing(
    city: TinyCity, cast: Cast, client_for: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("the index is gone")

    tell(city, cast, "西门的路灯不亮，请派人来修")
    monkeypatch.setattr(looking, "find_same", broken)
    told = look(client_for("hotline_operator"), text="路灯不亮", phone=CALLER)
    assert "“同类事”暂时不可用，不影响登记。" in told
    assert "160****9001" in told


def test_a_message_is_written_down_when_every_model_is_down(
    city: TinyCity, client_for: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from citybrain.hub.hotline.readers import using

    def broken() -> None:
        raise RuntimeError("no model")

    monkeypatch.setattr(using, "current", broken)
    client = client_for("hotline_operator")
    assert "识别模型暂时不可用" in look(client, text="路灯不亮，晚上看不清")
    sent = {"text": "路灯不亮，晚上看不清", "key": str(uuid.uuid4()), "then": "file", "phone": CALLER}
    assert client.post("/desk/hotline/call/", sent).status_code == 302
    assert Ticket.objects.get().text == "路灯不亮，晚上看不清"


def test_what_was_typed_is_found_again_by_its_writer_alone(city: TinyCity, client_for: Open) -> None:
    operator, manager = client_for("hotline_operator"), client_for("hotline_manager")
    key = str(uuid.uuid4())
    told = {"key": key, "text": "才写了一半", "phone": CALLER, "unknown": "x"}
    kept = operator.post("/desk/hotline/call/keep/", json.dumps(told), content_type="application/json")
    assert kept.json() == {"kept": True}
    assert CALLER.encode() not in bytes(UnsentNote.objects.get().body)
    assert "才写了一半" in operator.get(f"/desk/hotline/call/?key={key}").content.decode()
    assert "才写了一半" not in manager.get(f"/desk/hotline/call/?key={key}").content.decode()
    stolen = manager.post("/desk/hotline/call/keep/", json.dumps(told), content_type="application/json")
    assert stolen.status_code == 409
    operator.post("/desk/hotline/call/", {**told, "then": "file"})
    assert UnsentNote.objects.count() == 0
    operator.post("/desk/hotline/call/", {**told, "then": "file"})
    assert Ticket.objects.count() == 1  # the same note twice is one ticket


def test_a_wrong_form_keeps_what_was_typed(city: TinyCity, client_for: Open) -> None:
    client = client_for("hotline_operator")
    sent = {"text": "想问供暖时间", "key": str(uuid.uuid4()), "then": "answer", "answer": ""}
    answer = client.post("/desk/hotline/call/", sent)
    assert answer.status_code == 422
    assert "请写明答复内容。" in answer.content.decode()
    assert "想问供暖时间" in answer.content.decode()
    assert Ticket.objects.count() == 0


def test_answered_at_once_is_one_ticket_with_its_answer(city: TinyCity, client_for: Open) -> None:
    client = client_for("hotline_operator")
    reply = "供暖期为 11 月 15 日至次年 3 月 15 日，依据《安澜市供热用热条例》第二十一条。"
    sent = {"text": "想问供暖时间", "kind": "1", "key": str(uuid.uuid4()), "then": "answer", "answer": reply}
    done = client.post("/desk/hotline/call/", sent, follow=True).content.decode()
    ticket = Ticket.objects.get()
    assert (State(ticket.state), ticket.reply) == (State.ANSWERED_DIRECTLY, reply)
    assert ticket.number in done
    assert ticket.query_code in done


def test_a_unit_sees_neither_caller_nor_number(city: TinyCity, cast: Cast, client_for: Open) -> None:
    ticket = tell(city, cast, f"我是王小丽，电话 {CALLER}，门口路灯不亮", name="王小丽")
    send(city, cast, ticket)
    handler = client_for("handler")
    pages = [
        handler.get(f"/desk/hotline/tickets/{ticket.number}/").content.decode(),
        handler.get("/desk/hotline/work/to_accept/").content.decode(),
        handler.get(f"/desk/hotline/tickets/{ticket.number}/steps/return/").content.decode(),
    ]
    for page in pages:
        assert CALLER not in page
        assert "王小丽" not in page
        assert "160****" not in page
    assert "来电人信息不提供给承办单位" in pages[0]
    refused = handler.post(f"/desk/hotline/tickets/{ticket.number}/contact/", {"why": "想问问情况"})
    assert refused.status_code == 403
    assert CALLER not in refused.content.decode()


def test_a_look_at_the_number_needs_a_reason_and_is_in_the_ledger(
    city: TinyCity, cast: Cast, client_for: Open
) -> None:
    ticket = tell(city, cast, "门口路灯不亮")
    client = client_for("hotline_operator")
    address = f"/desk/hotline/tickets/{ticket.number}/contact/"
    assert CALLER not in client.get(f"/desk/hotline/tickets/{ticket.number}/").content.decode()
    assert client.post(address, {"why": ""}, headers={"HX-Request": "true"}).status_code == 422
    shown = client.post(address, {"why": "核实地点"}, headers={"HX-Request": "true"}).content.decode()
    assert CALLER in shown
    entry = Entry.objects.get(action="hotline.view_contact")
    assert json.loads(entry.body)["why"] == "核实地点"


def test_each_sees_their_part_and_counts_are_the_rows(city: TinyCity, cast: Cast, client_for: Open) -> None:
    ours = send(city, cast, tell(city, cast, "门口路灯不亮"))
    theirs = send(city, cast, tell(city, cast, "路口信号灯坏了"), "traffic_police")
    new = tell(city, cast, "河边护栏断了", "far_grid")
    parts = {
        "hotline_operator": {ours.number, theirs.number, new.number},
        "hotline_manager": {ours.number, theirs.number, new.number},
        "handler": {ours.number},
        "handler2": {theirs.number},
        "street_handler": set(),
    }
    for key, expected in parts.items():
        client = client_for(key)
        page = client.get("/desk/hotline/work/all/").content.decode()
        assert set(NUMBER.findall(page)) == expected, key
        counts = client.get("/desk/hotline/counts/").json()
        assert counts["open"] == len(expected), key
        for number in {ours.number, theirs.number, new.number} - expected:
            assert client.get(f"/desk/hotline/tickets/{number}/").status_code == 404
            assert client.get(f"/desk/hotline/search/?q={number}").url.startswith("/desk/hotline/work/all/")
    for key in ("acceptor", "worker", "auditor", "knowledge_manager"):
        client = client_for(key)
        assert client.get(f"/desk/hotline/tickets/{ours.number}/").status_code in {403, 404}, key
        assert client.get("/desk/hotline/work/all/").status_code == 403, key
        assert client.get("/desk/hotline/call/").status_code == 403, key


def test_the_buttons_are_exactly_the_steps_one_may_take(city: TinyCity, cast: Cast, client_for: Open) -> None:
    ticket = send(city, cast, tell(city, cast, "门口路灯不亮"))
    for key in ("hotline_operator", "hotline_manager", "handler"):
        page = client_for(key).get(f"/desk/hotline/tickets/{ticket.number}/").content.decode()
        found = set(re.findall(rf"/desk/hotline/tickets/{ticket.number}/steps/([a-z_]+)/", page))
        wanted = {one.key for one in next_steps(cast.actor(key), ticket)} - {"call_back"}
        assert found - {"merge"} == wanted - {"merge"}, key


def test_a_refused_step_shows_the_form_again_with_what_was_typed(
    city: TinyCity, cast: Cast, client_for: Open
) -> None:
    ticket = send(city, cast, tell(city, cast, "门口路灯不亮"))
    actions.take(cast.actor("handler"), ticket.pk, "accept", {})
    address = f"/desk/hotline/tickets/{ticket.number}/steps/reply/"
    answer = client_for("handler").post(address, {"reply": "您好，您反映的问题已收到。"})
    assert answer.status_code == 422
    assert "这不是答复" in answer.content.decode()
    assert "您反映的问题已收到" in answer.content.decode()


def test_who_was_faster_is_said(city: TinyCity, cast: Cast, client_for: Open) -> None:
    ticket = tell(city, cast, "门口路灯不亮")
    send(city, cast, ticket)
    address = f"/desk/hotline/tickets/{ticket.number}/steps/dispatch/"
    answer = client_for("hotline_manager").post(address, {"seen_version": "1"})
    assert answer.status_code == 409
    assert "白若岚" in answer.content.decode()


def test_an_export_is_for_who_may_and_is_in_the_ledger(city: TinyCity, cast: Cast, client_for: Open) -> None:
    tell(city, cast, "=1+1 门口路灯不亮")
    assert client_for("hotline_operator").get("/desk/hotline/work/all/export/").status_code == 403
    answer = client_for("hotline_manager").get("/desk/hotline/work/all/export/")
    assert answer.status_code == 200
    assert Entry.objects.filter(action="hotline.export", subject="list:all").count() == 1


def test_a_list_costs_the_same_however_many_rows_it_has(city: TinyCity, cast: Cast, client_for: Open) -> None:
    client = client_for("hotline_operator")
    tell(city, cast, "门口路灯不亮")
    client.get("/desk/hotline/work/to_receive/")
    with CaptureQueriesContext(connection) as few:
        client.get("/desk/hotline/work/to_receive/")
    for number in range(12):
        tell(city, cast, f"{number} 号楼门口路灯不亮", phone=f"160000080{number:02d}")
    with CaptureQueriesContext(connection) as many:
        client.get("/desk/hotline/work/to_receive/")
    assert len(many) == len(few)
    assert lists.counts(cast.actor("hotline_operator"))["to_receive"] == 13


def test_a_mark_is_decided_by_another_and_shuts_nobody_out(
    city: TinyCity, cast: Cast, client_for: Open
) -> None:
    from citybrain.hub.hotline.models import CallerMark

    told = Message(channel=Channel.PHONE, text="喂喂喂", phone=CALLER)
    take_in(cast.actor("hotline_operator"), told)
    caller = Ticket.objects.get().caller_id
    operator, manager = client_for("hotline_operator"), client_for("hotline_manager")
    reason = "一周内十二次无实质内容来电"
    operator.post(f"/desk/hotline/callers/{caller}/propose/", {"reason": reason})
    mark = CallerMark.objects.get()
    refused = operator.post(f"/desk/hotline/marks/{mark.pk}/", {"then": "agree", "reason": reason})
    assert refused.status_code == 403
    page = manager.get("/desk/hotline/callers/").content.decode()
    end = re.search(r'name="ends_at" value="([\d-]+)"', page)
    assert end is not None
    given = {"then": "agree", "reason": "核实通话记录属实", "ends_at": end.group(1)}
    assert manager.post(f"/desk/hotline/marks/{mark.pk}/", given).status_code == 302
    assert "曾被标记，照常受理" in look(operator, text="着火了", phone=CALLER)
    assert take_in(
        cast.actor("hotline_operator"), Message(channel=Channel.PHONE, text="着火了", phone=CALLER)
    ).created


def test_a_reading_meanwhile_takes_nobodys_typing_away(city: TinyCity, cast: Cast, client_for: Open) -> None:
    ticket = tell(city, cast, "门口路灯不亮")
    actions.take(SYSTEM, ticket.pk, "read", {"sentiment": "calm"})
    address = f"/desk/hotline/tickets/{ticket.number}/steps/dispatch/"
    given = {"seen_version": "1", "agency": str(city.agency("city_mgmt").pk), "by_case": "no"}
    assert client_for("hotline_manager").post(address, given).status_code == 302
    ticket.refresh_from_db()
    assert State(ticket.state) is State.DISPATCHED


def test_what_was_folded_is_shown_to_the_hotline_and_not_to_the_unit(
    city: TinyCity, cast: Cast, client_for: Open
) -> None:
    lon, lat = city.point("grid")
    told_of = {
        "channel": Channel.HOOK,
        "phone": CALLER,
        "kind": "3",
        "item_code": "020301",
        "lon": lon,
        "lat": lat,
    }
    for at in range(22):
        take_in(SYSTEM, Message(text="东门的垃圾没人清运" + "！" * at, **told_of))  # type: ignore[arg-type]
    ticket = send(city, cast, Ticket.objects.get())
    address = f"/desk/hotline/tickets/{ticket.number}/"
    told = client_for("hotline_operator").get(address).content.decode()
    newest = "东门的垃圾没人清运" + "！" * 21
    assert "同样的来件 21 件" in told
    assert "最近 20 件" in told
    assert newest in told
    unit = client_for("handler").get(address)
    assert unit.status_code == 200
    assert "同样的来件" not in unit.content.decode()
    assert newest not in unit.content.decode()
