"""Sources at the desk: set up, tried with a clear answer, run, changed; the secret is written and never shown."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from citybrain.base.catalogue.models import Supply, System
from citybrain.base.exchange import trial
from citybrain.base.exchange.models import Run, Source
from citybrain.base.exchange.sealing import opened, sealed
from citybrain.base.identity.actor import SYSTEM
from citybrain.faces.desk.data.tests.conftest import Exchange

ADD = "/desk/data/sets/ga_population/sources/add/"
SECRET = "s3cret-Pass"


def told(**more: Any) -> dict[str, Any]:
    """Return a form about an interface as the page sends it."""
    return {
        "name": "人口库接口", "url": "https://api.example.cn/people", "paging": "page", "size": "500",
        "params": "kind=all\n\nregion = 980101", "secret": SECRET, "mode": "upsert", "every_minutes": "1440",
        "on_drift": "stop", "bad_percent": "20", "column": ["证件号码", ""], "field": ["id_no", "*"], **more,
    }  # fmt: skip


@pytest.fixture
def giver(exchange: Exchange) -> str:
    """Return the choice of the provider's own system."""
    supply = Supply.objects.get(dataset=exchange.people)
    return f"{supply.system.agency_id}-{supply.pk}"


@pytest.fixture
def source(exchange: Exchange, giver: str) -> Source:
    answer = exchange.client("supplier").post(f"{ADD}?kind=http", told(giver=giver))
    assert answer.status_code == 302, answer.content.decode()
    return Source.objects.get()


def test_an_interface_is_set_up_with_its_schedule_and_mapping(exchange: Exchange, source: Source) -> None:
    assert (source.kind, source.mode, source.every_minutes, source.bad_percent) == (
        "http",
        "upsert",
        1440,
        20,
    )
    assert source.settings == {
        "url": "https://api.example.cn/people", "paging": "page", "size": 500,
        "params": {"kind": "all", "region": "980101"},
    }  # fmt: skip
    assert source.mapping == {"证件号码": "id_no"}
    assert source.supply is not None
    assert source.next_due is not None
    assert source.name in exchange.client("supplier").get("/desk/data/intake/").content.decode()


def test_a_secret_is_kept_sealed_and_shown_nowhere(exchange: Exchange, source: Source) -> None:
    assert opened(source.secret) == SECRET
    client, page = exchange.client("supplier"), f"/desk/data/sources/{source.pk}/"
    for address in (page, f"{page}edit/"):
        assert SECRET not in client.get(address).content.decode(), address
    assert "已保存，不显示" in client.get(page).content.decode()
    client.post(f"{page}edit/", told(secret="", name="改名", is_active="on"))
    source.refresh_from_db()
    assert (source.name, opened(source.secret)) == ("改名", SECRET)
    client.post(f"{page}edit/", told(secret="", forget="on", is_active="on"))
    source.refresh_from_db()
    assert bytes(source.secret) == b""


def test_a_kept_secret_does_not_go_to_another_place(
    exchange: Exchange, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Source] = []
    monkeypatch.setattr(
        "citybrain.base.exchange.trial.try_source", lambda _actor, one, _shape: tried.append(one)
    )
    client, page = exchange.client("supplier"), f"/desk/data/sources/{source.pk}/edit/"
    for address in (page, f"{page}try/"):
        answer = client.post(address, told(secret="", url="https://elsewhere.example/", is_active="on"))
        assert answer.status_code == 422, address
        assert "请重新填写密码或密钥" in answer.content.decode()
    assert tried == []
    client.post(page, told(secret="", secret_header="X-Api-Key", is_active="on"))
    source.refresh_from_db()
    assert source.settings["url"] == "https://api.example.cn/people"
    assert "secret_header" not in source.settings
    assert client.post(f"{page}try/", told(secret="", is_active="on")).status_code == 200
    assert opened(tried[0].secret) == SECRET


def test_what_is_wrong_is_told_beside_the_field(exchange: Exchange, giver: str, source: Source) -> None:
    client = exchange.client("supplier")
    for changes, said in (
        ({"name": "一", "url": "ftp://x"}, "请填写以 http:// 或 https:// 开头的完整地址"),
        ({"name": "二", "url": "https://me:pw@x.cn/"}, "地址里不能写用户名和密码"),
        ({"url": "https://x.cn/"}, "已有同名的来源"),
    ):
        answer = client.post(f"{ADD}?kind=http", told(giver=giver, **changes))
        assert answer.status_code == 422, changes
        assert said in answer.content.decode(), changes
    folder = told(giver=giver, name="夹", folder="in")
    assert "完整路径" in client.post(f"{ADD}?kind=folder", folder).content.decode()
    assert Source.objects.count() == 1


def test_a_trial_says_what_the_other_side_answers(
    exchange: Exchange, giver: str, tmp_path: Path, settings: Any
) -> None:
    settings.SOURCE_FOLDERS = [str(tmp_path)]
    path, client = tmp_path / "their.db", exchange.client("supplier")
    with sqlite3.connect(path) as their:
        their.execute("CREATE TABLE people (id_no TEXT, 姓名 TEXT, sex TEXT)")
    form = {"giver": giver, "name": "库", "system": "sqlite", "database": str(path), "table": "people",
            "mode": "upsert", "on_drift": "stop", "bad_percent": "50"}  # fmt: skip

    def tried(**changes: str) -> str:
        answer = client.post(f"{ADD}try/?kind=sql", form | changes, headers={"HX-Request": "true"})
        assert "<html" not in answer.content.decode()
        return answer.content.decode()

    text = tried()
    assert "连接成功：“people”有 3 列" in text
    assert "还缺主键或必填的信息项" in text
    assert 'name="column" value="姓名"' in text
    assert "没有表或视图“nothing”" in tried(table="nothing")
    assert "表里没有增量列“changed”" in tried(since_column="changed")
    assert "没有连上数据库" in tried(database=str(tmp_path / "none.db"))
    assert Source.objects.count() == 0


def test_a_trial_of_an_interface_names_what_was_refused(exchange: Exchange) -> None:
    source = Source(
        dataset=exchange.people, agency=exchange.people.provider, name="接口", kind="http",
        settings={"url": "https://x.test/rows", "rows": "data"}, secret=sealed(SECRET),
    )  # fmt: skip

    def tried(status: int, body: Any) -> trial.Trial:
        transport = httpx.MockTransport(lambda _request: httpx.Response(status, json=body))
        return trial.try_source(
            SYSTEM, source, exchange.people.shape, client=httpx.Client(transport=transport)
        )

    good = tried(200, {"data": [{"公民身份号码": "1", "name": "2"}]})
    assert (good.ok, good.columns) == (True, ("公民身份号码", "name"))
    assert good.fields[:2] == (("id_no", "公民身份号码"), ("name", "name"))
    for status, body, said in (
        (401, {}, "拒绝访问（401）"), (404, {}, "地址不存在"), (200, {"rows": []}, "行所在位置"),
    ):  # fmt: skip
        bad = tried(status, body)
        assert (bad.ok, said in bad.text) == (False, True), bad
        assert SECRET not in bad.detail


def test_only_who_supplies_sees_tries_runs_and_changes_a_source(exchange: Exchange, source: Source) -> None:
    page = f"/desk/data/sources/{source.pk}/"
    for key in ("asker", "stranger"):
        client = exchange.client(key)
        assert source.name not in client.get("/desk/data/intake/").content.decode(), key
        for address in (page, f"{page}edit/", ADD):
            assert client.get(address).status_code == 404, (key, address)
        for address in (f"{page}try/", f"{page}run/", f"{page}edit/", f"{page}edit/try/", f"{ADD}try/"):
            assert client.post(address, told()).status_code == 404, (key, address)
    for address in (page, f"{page}edit/", ADD):
        assert exchange.client("worker").get(address).status_code == 403, address
    assert exchange.client("chief").get(page).status_code == 200, "the chief runs, but doesn't set up"
    for address in (f"{page}edit/", f"{page}try/"):
        assert exchange.client("chief").post(address, told()).status_code == 403, address
    assert Run.objects.count() == 0


def test_a_system_of_another_agency_is_offered_to_the_provider_and_itself(exchange: Exchange) -> None:
    system = System.objects.create(agency=exchange.asking, key="other", name="另一系统")
    Supply.objects.create(dataset=exchange.people, system=system, mode="file", update_cycle=2, rank=2)
    for key, systems in (("supplier", 2), ("asker", 1)):
        text = exchange.client(key).get(ADD).content.decode()
        assert "另一系统" in text
        assert (
            text.count(
                "<option", text.index('name="giver"'), text.index("</select>", text.index('name="giver"'))
            )
            == systems
        )
    answer = exchange.client("asker").post(
        f"{ADD}?kind=push", {"giver": f"{exchange.people.provider_id}-0", "name": "x", "mode": "upsert",
                             "on_drift": "stop", "bad_percent": "50"}
    )  # fmt: skip
    assert answer.status_code == 422


def test_fetching_now_queues_a_run(exchange: Exchange, source: Source) -> None:
    answer = exchange.client("chief").post(f"/desk/data/sources/{source.pk}/run/")
    run = Run.objects.get()
    assert answer["Location"] == f"/desk/data/intake/runs/{run.pk}/"
    Run.objects.update(state="failed", error={"key": "failed", "params": {"step": "land", "detail": "x"}})
    text = exchange.client("supplier").get(f"/desk/data/sources/{source.pk}/").content.decode()
    assert f"/desk/data/intake/runs/{run.pk}/retry/" in text


def test_pages_take_their_number_of_queries(
    exchange: Exchange, source: Source, quiet: Callable[[], None], django_assert_num_queries: Any
) -> None:
    for address, queries in (
        (f"/desk/data/sources/{source.pk}/", 5),
        (f"/desk/data/sources/{source.pk}/edit/", 4),
        (ADD, 5),
        (f"{ADD}?kind=sql", 5),
    ):
        client = exchange.client("supplier")
        client.get(address)
        with django_assert_num_queries(queries, info=address):
            answer = client.get(address, headers={"Accept-Language": "en"})
        assert answer.status_code == 200
        for forbidden in (" style=", " onclick=", "<script>", "javascript:"):
            assert forbidden not in answer.content.decode(), (address, forbidden)
