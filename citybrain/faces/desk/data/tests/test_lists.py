"""The three lists at the desk: who sees and changes which rows, what a supply breaks, Excel, what a page costs."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook, load_workbook

from citybrain.base.catalogue import actions
from citybrain.base.catalogue.models import Demand, Supply, System, TaskItem
from citybrain.base.identity.actor import SYSTEM
from citybrain.faces.desk.data.tests.conftest import Exchange

LISTS = "/desk/data/lists/"
ROW = re.compile(r"<tr data-row>.*?</tr>", re.S)


@dataclass
class Kept:
    """The asker needs two fields of the supplier's set for an item of its own."""

    item: TaskItem
    demand: Demand
    supply: Supply


@pytest.fixture
def kept(exchange: Exchange) -> Kept:
    Demand.objects.all().delete()
    TaskItem.objects.all().delete()
    item = actions.add_item(SYSTEM, exchange.asking, key="elder", name_zh="高龄津贴发放")
    demand = actions.add_demand(
        SYSTEM, item, title="津贴对象户籍", purpose="核验", dataset=exchange.people, update_cycle=2, mode="",
        fields=[{"name": "id_no", "zh": "", "type": ""}, {"name": "name", "zh": "", "type": ""}],
    )  # fmt: skip
    return Kept(item, demand, Supply.objects.get(dataset=exchange.people))


def rows(exchange: Exchange, key: str, address: str) -> list[str]:
    answer = exchange.client(key).get(address)
    assert answer.status_code == 200, (key, address)
    return ROW.findall(answer.content.decode())


def test_each_list_holds_what_is_mine_and_nothing_of_others(exchange: Exchange, kept: Kept) -> None:
    name = exchange.people.name
    for part, sees in (
        ("items", {"asker", "chief", "auditor"}),
        ("demands", {"asker", "supplier", "supplier2", "chief", "auditor"}),
        ("unmet", {"asker", "supplier", "supplier2", "chief", "auditor"}),
    ):
        for key in ("asker", "supplier", "supplier2", "chief", "auditor", "stranger"):
            found = rows(exchange, key, f"{LISTS}{part}/")
            assert len(found) == (key in sees), (part, key, found)
    for key, sees in (("supplier", True), ("asker", False), ("stranger", False), ("chief", True)):
        assert any(name in row for row in rows(exchange, key, f"{LISTS}supplies/")) == sees, key
    for part in ("items", "demands", "supplies", "unmet"):
        assert exchange.client("worker").get(f"{LISTS}{part}/").status_code == 403, part
    assert "高龄津贴" not in exchange.client("stranger").get(f"{LISTS}items/?q=高龄").content.decode().split(
        "<main"
    )[1].replace('value="高龄"', "")


def test_what_is_not_mine_is_not_changed(exchange: Exchange, kept: Kept) -> None:
    item, demand = f"{LISTS}items/{kept.item.pk}/", f"{LISTS}demands/{kept.demand.pk}/"
    supply = f"{LISTS}supplies/{kept.supply.pk}/"
    for key, statuses in (
        ("stranger", (404, 404, 404, 404, 404)), ("supplier", (404, 403, 403, 200, 200)),
        ("asker", (200, 200, 302, 404, 404)), ("worker", (403, 403, 403, 403, 403)),
    ):  # fmt: skip
        client = exchange.client(key)
        got = (
            client.get(item).status_code, client.get(demand).status_code, client.post(f"{demand}end/").status_code,
            client.get(supply).status_code, client.post(f"{supply}breaks/", {}).status_code,
        )  # fmt: skip
        assert got == statuses, key
    address = f'href="{demand}"'
    Demand.objects.update(is_active=True)
    assert address in rows(exchange, "asker", f"{LISTS}demands/")[0]
    assert address not in rows(exchange, "supplier", f"{LISTS}demands/")[0], "seen, but kept by the asker"


def test_an_item_and_a_demand_are_added_changed_and_ended(exchange: Exchange, kept: Kept) -> None:
    client, agency = exchange.client("asker"), str(exchange.asking.pk)
    form = {"agency": agency, "key": "lamp", "name_zh": "路灯维护", "basis": "条例第 3 条"}
    assert client.post(f"{LISTS}items/add/", form).status_code == 302
    assert "已被使用" in client.post(f"{LISTS}items/add/", form).content.decode()
    item = TaskItem.objects.get(key="lamp")
    demand = {
        "item": str(item.pk), "title": "灯杆位置", "purpose": "派修", "update_cycle": "4", "mode": "", "asked_of": "",
        "fields_wanted": "位置\nlamp_no char(20)\n面积 decimal(8,1)",
    }  # fmt: skip
    assert client.post(f"{LISTS}demands/add/", demand).status_code == 302
    made = Demand.objects.get(title="灯杆位置")
    assert made.fields == [
        {"name": "", "zh": "位置", "type": ""}, {"name": "lamp_no", "zh": "", "type": "char(20)"},
        {"name": "", "zh": "面积", "type": "decimal(8,1)"},
    ]  # fmt: skip
    page = f"{LISTS}demands/{made.pk}/"
    assert "lamp_no char(20)" in client.get(page).content.decode()
    change = demand | {"dataset": "ga_population", "asked_of": str(exchange.people.provider_id)}
    assert client.post(page, change).status_code == 302
    made.refresh_from_db()
    assert (made.dataset, made.asked_of) == (exchange.people, exchange.people.provider)
    assert "没有数据资源" in client.post(page, demand | {"dataset": "nothing"}).content.decode()
    assert client.post(f"{LISTS}items/{item.pk}/", {"name_zh": "路灯维护", "basis": ""}).status_code == 302
    made.refresh_from_db()
    assert not made.is_active, "an item that isn't done needs nothing"


def test_what_is_unmet_says_whom_to_ask(exchange: Exchange, kept: Kept) -> None:
    (row,) = rows(exchange, "asker", f"{LISTS}unmet/")
    for said in ("尚未取得授权：公民身份号码、姓名", str(exchange.people.provider), "supplier、supplier2"):
        assert said in row, said
    assert 'href="/desk/data/sets/ga_population/ask/"' in row
    (row,) = rows(exchange, "supplier", f"{LISTS}unmet/")
    assert "ask/" not in row


def test_a_supply_says_what_it_breaks_before_it_is_kept(exchange: Exchange, kept: Kept) -> None:
    client, page = exchange.client("supplier"), f"{LISTS}supplies/{kept.supply.pk}/"
    form = {"fields_given": ["id_no", "sex"], "mode": "table", "update_cycle": "2", "rank": "1", "note": ""}
    shown = client.post(f"{page}breaks/", form, headers={"HX-Request": "true"}).content.decode()
    assert "津贴对象户籍" in shown
    assert "<html" not in shown
    kept.supply.refresh_from_db()
    assert kept.supply.fields == []
    answer = client.post(page, form)
    assert answer.status_code == 422
    assert "这样改会让下面的需求落空" in answer.content.decode()
    assert client.post(page, form | {"word": "end"}).status_code == 422
    fine = client.post(f"{page}breaks/", form | {"fields_given": ["id_no", "name"]}).content.decode()
    assert "不影响现有的需求" in fine
    assert client.post(page, form | {"accept_breaks": "1"}).status_code == 302
    kept.supply.refresh_from_db()
    assert kept.supply.fields == ["id_no", "sex"]


def test_a_supply_is_added_with_a_new_system(exchange: Exchange, kept: Kept) -> None:
    page = "/desk/data/sets/ga_population/supplies/add/"
    form = {"system": "new", "system_name": "居住证系统", "mode": "api", "update_cycle": "2", "rank": "2"}
    assert exchange.client("asker").post(page, form).status_code == 403
    assert exchange.client("supplier").post(page, form | {"system_name": ""}).status_code == 422
    assert exchange.client("supplier").post(page, form).status_code == 302
    system = System.objects.get(name="居住证系统")
    assert (system.agency, system.supplies.get().rank) == (exchange.people.provider, 2)


def test_the_lists_go_out_as_excel_and_come_back(exchange: Exchange, kept: Kept) -> None:
    client = exchange.client("asker")
    content = client.get(f"{LISTS}export.xlsx").content
    book = load_workbook(io.BytesIO(content))
    told = [[cell.value for cell in row] for row in book["需求清单"].iter_rows(min_row=2)]
    told = [[value or "" for value in row] for row in told]
    assert told == [["elder", "津贴对象户籍", "核验", "ga_population", "id_no；name", "每日", "", ""]]
    assert (
        load_workbook(io.BytesIO(exchange.client("stranger").get(f"{LISTS}export.xlsx").content))[
            "需求清单"
        ].max_row
        == 1
    )
    assert exchange.client("worker").get(f"{LISTS}export.xlsx").status_code == 403

    def bring(key: str, data: bytes, **more: str) -> str:
        file = SimpleUploadedFile("清单.xlsx", data)
        answer = exchange.client(key).post(f"{LISTS}import/", {"file": file, **more})
        return str(answer.content.decode())

    assert "无变化" in bring("asker", content)
    sheet = Workbook()
    page = sheet.active
    page.title = "需求"
    page.append(["2026 年数据需求"])
    page.append(["事项标识", "需求名称", "用途", "数据资源标识", "需要的信息项", "更新周期"])
    page.append(["elder", "桥梁", "巡查", "jt_bridge", "桥梁编号、名称 varchar(50)", "每月"])
    page.append(["none", "x", "y", "", "z", ""])
    page.append(["elder", "坏的", "y", "", "z", "每世纪"])
    out = io.BytesIO()
    sheet.save(out)
    text = bring("asker", out.getvalue(), trial="on")
    for said in ("新增", "没有事项“none”", "“每世纪”不是可选值"):
        assert said in text, said
    assert Demand.objects.count() == 1
    bring("asker", out.getvalue())
    made = Demand.objects.get(title="桥梁")
    assert [(one["zh"], one["type"]) for one in made.fields] == [("桥梁编号", ""), ("名称", "varchar(50)")]
    assert (made.dataset, made.update_cycle) == (exchange.bridges, 4)
    assert "未导入" in bring("stranger", out.getvalue())
    assert Demand.objects.count() == 2


def test_choices_are_offered_within_right(exchange: Exchange, kept: Kept) -> None:
    answer = exchange.client("asker").get("/desk/data/choose/sets/?q=hjrk").json()
    assert [one["value"] for one in answer["choices"]] == ["ga_population"]
    assert exchange.client("worker").get("/desk/data/choose/agencies/?q=a").status_code == 403
    found = exchange.client("asker").get(f"/desk/data/choose/agencies/?q={exchange.asking.name}").json()
    assert str(exchange.asking.pk) in {one["value"] for one in found["choices"]}


def test_pages_take_their_number_of_queries(
    exchange: Exchange, kept: Kept, quiet: Callable[[], None], django_assert_num_queries: Any
) -> None:
    for key, address, queries in (
        ("asker", f"{LISTS}items/", 8),
        ("asker", f"{LISTS}demands/", 8),
        ("supplier", f"{LISTS}supplies/", 8),
        ("asker", f"{LISTS}unmet/", 15),
        ("asker", f"{LISTS}demands/add/", 5),
        ("asker", f"{LISTS}demands/{kept.demand.pk}/", 5),
        ("supplier", f"{LISTS}supplies/{kept.supply.pk}/", 4),
    ):
        client = exchange.client(key)
        client.get(address)
        with django_assert_num_queries(queries, info=f"{key} {address}"):
            answer = client.get(address, headers={"Accept-Language": "en"})
        assert answer.status_code == 200
        for forbidden in (" style=", " onclick=", "<script>", "javascript:"):
            assert forbidden not in answer.content.decode(), (address, forbidden)
