"""An entry written on screen: new, changed, its fields moved; what stands against it is told at once."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from citybrain.base.catalogue import actions
from citybrain.base.catalogue.models import DataSet, Revision
from citybrain.base.identity.actor import SYSTEM
from citybrain.faces.desk.data.tests.conftest import Exchange

ADD = "/desk/data/entries/add/"
PEOPLE = "/desk/data/entries/ga_population/"
INPUT = re.compile(r"<(?:input|textarea|select)[^>]*>", re.S)


def field(number: int, **values: str) -> dict[str, str]:
    told = {"zh": "", "name": "", "type": "varchar(50)", "grade": "1", "personal": "none", **values}
    return {f"f-{number}-{name}": value for name, value in told.items()}


def entry(exchange: Exchange, *lines: dict[str, str], **more: Any) -> dict[str, Any]:
    """Return a new entry as the page sends it."""
    rows = [next(iter(line)).split("-")[1] for line in lines]
    return {
        "code": "own_streets", "provider": str(exchange.people.provider_id), "name_zh": "道路名录", "update_cycle": "4",
        "share_type": "1", "share_condition": "", "open_type": "3", "row": rows,
        **{name: value for line in lines for name, value in line.items()}, **more,
    }  # fmt: skip


def typed(text: str) -> dict[str, Any]:
    """Return what the page's form would send back unchanged."""
    data: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="(row)" value="(\d+)"', text):
        data.setdefault(name, []).append(value)
    for tag in re.findall(r"<input[^>]*>", text):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name is None or name[1] in {"row", "csrfmiddlewaretoken", "q"}:
            continue
        if 'type="checkbox"' in tag or 'type="radio"' in tag:
            if "checked" in tag:
                data.setdefault(name[1], []).append(value[1] if value else "on")
        else:
            data[name[1]] = value[1] if value else ""
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', text, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        data[name] = chosen[1] if chosen else re.findall(r'<option value="([^"]*)"', body)[0]
    for name, body in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\s*(.*?)</textarea>', text, re.S):
        data[name] = body.strip()
    return data


def test_a_new_entry_is_drafted_with_its_fields_in_order(exchange: Exchange) -> None:
    form = entry(
        exchange,
        field(1, zh="道路编号", name="road_no", type="char(8)", key="1", share="1"),
        field(0, zh="养护人电话", type="varchar(20)", grade="2", personal="personal", mask="phone"),
        field(7, zh="", type=""),
        formats=["2"], scenes="elder、lamp",
    )  # fmt: skip
    answer = exchange.client("supplier").post(ADD, form)
    assert answer.status_code == 302, answer.content.decode()
    made = DataSet.objects.get(code="own_streets")
    revision = made.revisions.get()
    assert [one.name for one in revision.shaped.fields] == ["road_no", "f_yhrdh"]
    assert (revision.shaped.keys, revision.shaped.fields[1].mask) == (("road_no",), "phone")
    assert revision.meta["share_fields"] == ["road_no"], "not all are ticked"
    assert (revision.meta["formats"], revision.meta["scenes"]) == (["2"], ["elder", "lamp"])
    assert (made.state, made.provider) == ("draft", exchange.people.provider)


def test_what_is_shown_saves_back_to_the_very_same_version(exchange: Exchange) -> None:
    client = exchange.client("supplier")
    for code in ("ga_population",):
        page = f"/desk/data/entries/{code}/"
        before = Revision.objects.get(dataset__code=code)
        form = typed(client.get(page).content.decode().split("<main")[1])
        answer = client.post(page, form)
        assert answer.status_code == 302, answer.content.decode()
        after = Revision.objects.get(dataset__code=code, number=2)
        assert after.shaped == before.shaped
        assert after.meta == before.meta


def test_why_it_cannot_be_shared_so_is_told_while_it_is_written(exchange: Exchange) -> None:
    client = exchange.client("supplier")
    form = typed(client.get(PEOPLE).content.decode().split("<main")[1])
    told = client.post(f"{PEOPLE}?do=look", form, headers={"HX-Request": "true"}).content.decode()
    assert "可以提交" in told
    assert "<html" not in told
    told = client.post(f"{PEOPLE}?do=look", form | {"share_type": "1"}).content.decode()
    assert "是敏感个人信息，不能无条件共享" in told
    assert "不能提交" in told
    told = client.post(f"{PEOPLE}?do=look", form | {"share_condition": ""}).content.decode()
    assert "须写明共享条件" in told
    assert Revision.objects.filter(dataset__code="ga_population").count() == 1, "looking keeps nothing"


def test_what_would_be_taken_away_and_whom_it_breaks_is_told_and_not_saved(exchange: Exchange) -> None:
    item = actions.add_item(SYSTEM, exchange.asking, key="elder2", name_zh="津贴")
    actions.add_demand(
        SYSTEM, item, title="津贴对象性别", purpose="核验", dataset=exchange.people, fields=[{"name": "sex"}]
    )
    client = exchange.client("supplier")
    form = typed(client.get(PEOPLE).content.decode().split("<main")[1])
    sex = next(name.split("-")[1] for name, value in form.items() if value == "sex")
    without = form | {"row": [one for one in form["row"] if one != sex]}
    told = client.post(f"{PEOPLE}?do=look", without).content.decode()
    for said in ("已发布，不能删除", "会落空的需求", "津贴对象性别"):
        assert said in told, said
    answer = client.post(PEOPLE, without)
    assert answer.status_code == 422
    assert "已发布，不能删除" in answer.content.decode()
    narrow = client.post(PEOPLE, form | {f"f-{sex}-type": "date"})
    assert narrow.status_code == 422
    assert "类型不能由" in narrow.content.decode()


def test_mistakes_are_told_beside_their_field(exchange: Exchange) -> None:
    client = exchange.client("supplier")
    for line, said in (
        ({"name": "Straße"}, "标识由小写字母"), ({"type": "varchr"}, "不是数据类型"),
        ({"type": "boolean", "minimum": "1"}, "没有大小之分"), ({"type": "integer", "minimum": "x"}, "不是数"),
        ({"type": "integer", "minimum": "3", "maximum": "1"}, "最小值大于最大值"),
        ({"pattern": "("}, "不是有效的正则表达式"),
        ({"type": "integer", "mask": "name"}, "不是文本，不能脱敏"),
    ):  # fmt: skip
        form = entry(exchange, field(0, zh="甲", **{"name": "a", **line}))
        answer = client.post(ADD, form)
        assert answer.status_code == 422, line
        assert said in answer.content.decode(), line
    twice = entry(exchange, field(0, zh="甲", name="a"), field(1, zh="乙", name="a"))
    assert "标识重复" in client.post(ADD, twice).content.decode()
    none = entry(exchange, field(0, zh="", type=""))
    assert "请至少写一个信息项" in client.post(ADD, none).content.decode()
    used = entry(exchange, field(0, zh="甲", name="a"), code="ga_population")
    assert "已被使用" in client.post(ADD, used).content.decode()
    assert DataSet.objects.count() == 5


def test_fields_are_added_moved_and_dropped_without_saving(exchange: Exchange) -> None:
    client = exchange.client("supplier")
    form = entry(
        exchange, field(0, zh="甲", name="a"), field(1, zh="乙", name="b"), field(2, zh="丙", name="c")
    )

    def order(do: str) -> list[str]:
        text = client.post(f"{ADD}?do={do}", form, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in text
        return re.findall(r'name="f-\d+-name" value="([^"]*)"', text)

    assert order("up-1") == ["b", "a", "c"]
    assert order("down-1") == ["a", "c", "b"]
    assert order("up-0") == ["a", "b", "c"]
    assert order("drop-1") == ["a", "c"]
    assert order("add") == ["a", "b", "c", ""]
    whole = client.post(ADD, form | {"do": "up-2"}).content.decode()
    assert re.findall(r'name="f-\d+-name" value="([^"]*)"', whole) == ["a", "c", "b"], "without scripts, too"
    assert not DataSet.objects.filter(code="own_streets").exists()


def test_only_who_keeps_an_entry_writes_it(exchange: Exchange) -> None:
    form = entry(exchange, field(0, zh="甲", name="a"))
    for key, status in (
        ("asker", 403),
        ("stranger", 403),
        ("worker", 403),
        ("auditor", 403),
        ("supplier", 200),
    ):
        assert exchange.client(key).get(PEOPLE).status_code == status, key
        if status == 403:
            assert exchange.client(key).post(PEOPLE, form).status_code == 403, key
    assert exchange.client("worker").get(ADD).status_code == 403
    assert exchange.client("asker").post(ADD, form).status_code == 422, "not in another agency's name"
    assert PEOPLE not in exchange.client("asker").get("/desk/data/sets/ga_population/").content.decode()
    assert PEOPLE in exchange.client("supplier").get("/desk/data/sets/ga_population/").content.decode()
    assert DataSet.objects.count() == 5


def test_a_version_that_waits_for_approval_is_not_written(exchange: Exchange) -> None:
    client = exchange.client("supplier")
    client.post(ADD, entry(exchange, field(0, zh="甲", name="a"), share_type="2", share_condition="依申请"))
    client.post("/desk/data/sets/own_streets/steps/submit/")
    page = "/desk/data/entries/own_streets/"
    text = client.get(page).content.decode()
    assert "正在审批" in text
    answer = client.post(page, typed(text.split("<main")[1]))
    assert answer.status_code == 422


def test_pages_take_their_number_of_queries(
    exchange: Exchange, quiet: Callable[[], None], django_assert_num_queries: Any
) -> None:
    for address, queries in ((PEOPLE, 5), (ADD, 4)):
        client = exchange.client("supplier")
        client.get(address)
        with django_assert_num_queries(queries, info=address):
            answer = client.get(address, headers={"Accept-Language": "en"})
        assert answer.status_code == 200
        for forbidden in (" style=", " onclick=", "<script>", "javascript:"):
            assert forbidden not in answer.content.decode(), (address, forbidden)


@pytest.mark.parametrize("do", ["up-99", "drop-x", "nothing", "up-"])
def test_nonsense_changes_nothing(exchange: Exchange, do: str) -> None:
    form = entry(exchange, field(0, zh="甲", name="a"), row=["0", "x", "0", "99999999"])
    text = exchange.client("supplier").post(f"{ADD}?do={do}", form).content.decode()
    assert re.findall(r'name="f-\d+-name" value="([^"]*)"', text) == ["a"]
    assert INPUT.search(text)
