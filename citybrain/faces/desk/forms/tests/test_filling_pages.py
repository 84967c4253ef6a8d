"""Sheets, disputes and rosters on the desk show each person their part, and take each edit once."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from citybrain.base.areas.models import Area
from citybrain.base.catalogue.models import Grant
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Person
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.knowing.disputes import dispute
from citybrain.hub.forms.models import Dispute, Edit, Form, Round, Sheet, Version, Visit
from citybrain.hub.forms.tests.town import (  # noqa: F401  (fixtures)
    AT,
    TUANJIE,
    WANG,
    YOUYI,
    Town,
    city,
    column,
    town,
)

COLUMNS = (
    column("A", "", "序号", asks=Asks.SERIAL),
    column("B", "ga_population.name", "姓名", required=True),
    column("C", "ga_population.hukou_address", "户籍地址"),
    column("D", "mz_subsistence.amount", "低保金额"),
    column("E", "", "助餐需求", asks=Asks.ANSWER, options=("需要", "不需要"), required=True),
)


@pytest.fixture
def enter() -> Callable[[Actor], Client]:
    """Return a browser in which somebody of the town is signed in."""

    def open_browser(actor: Actor) -> Client:
        client = Client()
        client.force_login(Person.objects.get(pk=actor.person_id))
        return client

    return open_browser


@pytest.fixture
def sheet(town: Town) -> Sheet:  # noqa: F811
    """The sheet of 友谊社区 in a round about the residents."""
    office = town.city.agencies["civil_affairs-98"]
    form = Form.objects.create(
        title="助餐需求表", office=office, state="admitted", shaped="roster", roster="residents"
    )
    table: list[dict[str, Any]] = [Column.to_json(one) for one in COLUMNS]
    version = Version.objects.create(form=form, number=1, columns=table, changed_by="system")
    round_ = Round.objects.create(
        number="TB1", form=form, version=version, office=office, root=Area.objects.get(code="98"), level=4,
        issued_at=AT, due_at=AT + timedelta(days=3), key_seed=bytes(32),
    )  # fmt: skip
    made = []
    for code in (YOUYI, TUANJIE):
        area = town.city.areas[code]
        above: list[Area] = [area]
        while above[-1].parent is not None:
            above.append(above[-1].parent)
        names = ("city", "district", "street", "community")
        made.append(
            Sheet.objects.create(round=round_, area=area, **dict(zip(names, reversed(above), strict=True)))
        )
    return made[0]


def cells(client: Client, sheet: Sheet) -> dict[str, Any]:
    client.get(f"/desk/forms/fill/{sheet.pk}/")
    told: dict[str, Any] = client.get(f"/desk/forms/fill/{sheet.pk}/cells/").json()
    return told


def send(client: Client, sheet: Sheet, *edits: dict[str, Any]) -> Any:
    body = json.dumps({"edits": list(edits)})
    return client.post(f"/desk/forms/fill/{sheet.pk}/edits/", body, content_type="application/json")


def edit(row: str, value: str, base: int, client: str = "") -> dict[str, Any]:
    return {"row": row, "letter": "E", "value": value, "base": base, "client": client or str(uuid.uuid4())}


def test_a_sheet_comes_filled_with_source_and_day_of_each_cell(town, enter, sheet) -> None:  # noqa: F811
    told = cells(enter(town.leader), sheet)
    rows = {row["v"][1]: row for row in told["rows"]}
    assert sorted(rows) == sorted(["王一", "李二", "赵三", "钱四"])
    wang = rows["王一"]
    assert wang["v"][1:] == ["王一", "津海市和平区友谊路0号", "910.5", ""]
    assert [told["marks"][number] for number in wang["m"][1:]] == [
        ["户籍人口基本信息", "2026-11-20", "known"],
        ["户籍人口基本信息", "2026-11-20", "known"],
        ["低保特困对象", "2026-11-20", "known"],
        ["", "", "missing"],
    ]
    assert [one["source"] for one in told["columns"]] == [
        "",
        "户籍人口基本信息",
        "户籍人口基本信息",
        "低保特困对象",
        "",
    ]
    assert [one["asked"] for one in told["columns"]] == [False, True, False, False, True]


def test_nobody_of_another_area_reaches_a_sheet_by_any_of_its_addresses(town, enter, sheet) -> None:  # noqa: F811
    own = cells(enter(town.leader), sheet)
    client = enter(town.neighbour)
    for part in ("", "cells/", f"history/?row={own['rows'][0]['k']}&letter=C"):
        assert client.get(f"/desk/forms/fill/{sheet.pk}/{part}").status_code == 404, part
    assert send(client, sheet, edit(own["rows"][0]["k"], "需要", 1)).status_code == 404
    body = json.dumps({"row": own["rows"][0]["k"], "letter": "C", "claimed": "别处", "note": ""})
    answer = client.post(f"/desk/forms/fill/{sheet.pk}/dispute/", body, content_type="application/json")
    assert answer.status_code == 404
    assert client.post(f"/desk/forms/fill/{sheet.pk}/submit/").status_code == 404
    listed = client.get("/desk/forms/fill/").content.decode()
    assert f"/fill/{sheet.pk}/" not in listed
    assert "助餐需求表" in listed
    for actor in (town.worker, town.keeper):
        assert enter(actor).get(f"/desk/forms/fill/{sheet.pk}/cells/").status_code == 403
    assert Edit.objects.count() == 0
    assert Dispute.objects.count() == 0


def test_when_a_grant_ends_its_cells_are_hidden_and_what_was_typed_stays(town, enter, sheet) -> None:  # noqa: F811
    client = enter(town.leader)
    key = cells(client, sheet)["rows"][0]["k"]
    send(client, sheet, edit(key, "需要", 99))
    Grant.objects.filter(pk=town.grants["mz_subsistence"].pk).update(revoked_at=AT)
    told = cells(client, sheet)
    assert "910.5" not in json.dumps(told)
    assert {told["marks"][row["m"][3]][2] for row in told["rows"]} <= {"no_right", "none", "missing"}
    assert "no_right" in {told["marks"][row["m"][3]][2] for row in told["rows"]}
    assert next(row for row in told["rows"] if row["k"] == key)["v"][4] == "需要"


def test_an_edit_sent_twice_counts_once_and_garbage_is_told_plainly(town, enter, sheet) -> None:  # noqa: F811
    client = enter(town.leader)
    told = cells(client, sheet)
    one = edit(told["rows"][0]["k"], "需要", told["stamp"])
    first, again = (send(client, sheet, one).json()["results"][0] for _ in range(2))
    assert (
        (first["outcome"], first["stamp"])
        == (again["outcome"], again["stamp"])
        == ("applied", told["stamp"] + 1)
    )
    assert Edit.objects.count() == 1
    wrong = send(client, sheet, edit(told["rows"][0]["k"], "也许", told["stamp"])).json()["results"][0]
    assert wrong["outcome"] == "refused"
    assert "也许" in wrong["message"]
    for body in ("", "[]", '{"edits": 7}', '{"edits": [{"row": "x"}]}', "\x00"):
        answer = client.post(f"/desk/forms/fill/{sheet.pk}/edits/", body, content_type="application/json")
        assert answer.status_code == 409, body
        assert answer.json()["detail"] == "发送的内容无效，请刷新页面。"


def test_two_people_in_one_cell_are_told_of_each_other(town, enter, sheet) -> None:  # noqa: F811
    first, second = enter(town.leader), enter(town.reviewer)
    told = cells(first, sheet)
    key, stamp = told["rows"][0]["k"], told["stamp"]
    send(first, sheet, edit(key, "需要", stamp))
    clash = send(second, sheet, edit(key, "不需要", stamp)).json()["results"][0]
    assert (clash["outcome"], clash["value"], clash["by"]) == ("conflict", "需要", town.leader.name)
    news = second.get(f"/desk/forms/fill/{sheet.pk}/cells/?since={stamp}").json()
    assert [row["v"][4] for row in news["rows"]] == ["需要"]


def test_the_cells_of_a_sheet_take_a_fixed_number_of_queries(town, enter, sheet) -> None:  # noqa: F811
    client = enter(town.leader)
    cells(client, sheet)
    with CaptureQueriesContext(connection) as few:
        client.get(f"/desk/forms/fill/{sheet.pk}/cells/")
    assert len(few) == 12, [one["sql"][:90] for one in few]


def test_a_dispute_is_seen_by_its_area_and_answered_by_the_provider_alone(town, enter, sheet) -> None:  # noqa: F811
    told = cells(enter(town.leader), sheet)
    key = next(row["k"] for row in told["rows"] if row["v"][1] == "王一")
    body = json.dumps({"row": key, "letter": "C", "claimed": "津海市和平区新路1号", "note": "已搬"})
    address = f"/desk/forms/fill/{sheet.pk}/dispute/"
    assert enter(town.leader).post(address, body, content_type="application/json").status_code == 200
    one = Dispute.objects.get()
    page = f"/desk/forms/disputes/{one.pk}/"
    keeper = enter(town.keeper)
    shown = keeper.get(page).content.decode()
    assert "津海市和平区友谊路0号" in shown
    assert "津海市和平区新路1号" in shown
    assert WANG not in shown
    assert WANG in keeper.post(f"{page}row/").content.decode()
    for actor in (town.neighbour, town.other_keeper):
        client = enter(actor)
        assert client.get(page).status_code == 404
        assert client.post(f"{page}row/").status_code == 404
        assert client.post(f"{page}settle/", {"outcome": "stands", "note": "对"}).status_code == 404
        assert page not in client.get("/desk/forms/disputes/?list=open").content.decode()
    leader = enter(town.leader)
    assert leader.get(page).status_code == 200
    assert leader.post(f"{page}row/").status_code == 403
    assert leader.post(f"{page}settle/", {"outcome": "stands", "note": "对"}).status_code == 403
    keeper.post(f"{page}settle/", {"outcome": "stands", "note": "户口簿核对无误"})
    one.refresh_from_db()
    assert (one.state, one.answer) == ("stands", "户口簿核对无误")


def test_a_dispute_needs_a_cell_that_data_filled(town, enter, sheet) -> None:  # noqa: F811
    client = enter(town.leader)
    key = cells(client, sheet)["rows"][0]["k"]
    body = json.dumps({"row": key, "letter": "E", "claimed": "需要", "note": ""})
    answer = client.post(f"/desk/forms/fill/{sheet.pk}/dispute/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["detail"]) == (409, "这一格不是由数据填充的，请直接填写。")


def test_rosters_show_the_people_of_ones_own_area_and_no_others(town, enter) -> None:  # noqa: F811
    youyi, tuanjie = town.area(), town.area(TUANJIE)
    client = enter(town.leader)
    mine = client.get(f"/desk/forms/rosters/elders/?area={youyi}").content.decode()
    assert "王一" in mine
    assert "孙五" not in mine
    assert client.get(f"/desk/forms/rosters/elders/?area={tuanjie}").status_code == 403
    assert client.get("/desk/forms/rosters/elders/?area=0").status_code == 403
    assert client.get(f"/desk/forms/rosters/elders/export.xlsx?area={tuanjie}").status_code == 403
    person = f"/desk/forms/rosters/elders/people/{town.tokens['sun']}/"
    assert client.get(f"{person}?area={youyi}").status_code == 404
    assert client.get(f"{person}?area={tuanjie}").status_code == 403
    client.post(f"{person}note/", {"area": youyi, "kind": "visit", "text": "看望"})
    assert Visit.objects.count() == 0
    street = enter(town.reviewer).get(f"/desk/forms/rosters/elders/?area={tuanjie}").content.decode()
    assert "孙五" in street
    assert enter(town.keeper).get("/desk/forms/rosters/").status_code == 403


def test_a_roster_filters_by_what_is_shown_and_keeps_views_and_visits(town, enter) -> None:  # noqa: F811
    client, area = enter(town.leader), town.area()
    base = f"/desk/forms/rosters/residents/?area={area}"
    found = client.get(f"{base}&where=ga_population.sex~eq~女性&q=李").content.decode()
    assert "李二" in found
    assert "王一" not in found
    hidden = client.get(f"{base}&where=ga_population.id_no~eq~{WANG}").content.decode()
    assert "王一" not in hidden  # the number is masked, so it can't be asked for
    wrong = client.get(f"{base}&where=ga_population.alive~eq~1")
    assert wrong.status_code == 422
    here = f"?area={area}&q=李"
    client.post("/desk/forms/rosters/residents/views/", {"name": "李姓", "here": here})
    assert "李姓" in client.get(base).content.decode()
    person = f"/desk/forms/rosters/residents/people/{town.tokens['wang']}/"
    client.post(f"{person}note/", {"area": area, "kind": "visit", "text": "身体好", "next_on": "2026-11-30"})
    assert "身体好" in client.get(f"{person}?area={area}").content.decode()
    answer = client.post(
        f"{person}note/", {"area": area, "kind": "visit", "text": "x", "next_on": "31"}, follow=True
    )
    assert "日期无效" in answer.content.decode()


def test_the_script_for_no_net_rules_over_the_sheets_alone(client) -> None:
    answer = client.get("/desk/forms/fill/worker.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert "Service-Worker-Allowed" not in answer
    assert b"addEventListener" in answer.content


def test_waiting_disputes_are_counted_for_who_settles_them(town, enter, sheet) -> None:  # noqa: F811
    dispute(town.leader, town.area(), "ga_population.hukou_address", town.tokens["li"], "别处")
    assert 'aria-current="page">等我单位答复<span class="cb-count">1</span>' in enter(town.keeper).get(
        "/desk/forms/disputes/"
    ).content.decode().replace("\n", "")
