"""The three lists held against each other; quality, freshness, rate, lineage; the shipped catalogue; the form."""

import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from click.testing import CliRunner
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import Workbook, load_workbook

from citybrain.base.catalogue import actions, grading, lineage, matching, quality, rate, upward
from citybrain.base.catalogue.actions import Asked, Breaks
from citybrain.base.catalogue.excel import export_excel, import_excel
from citybrain.base.catalogue.load import load
from citybrain.base.catalogue.models import (
    CatalogueImport,
    DataSet,
    Demand,
    Measure,
    Supply,
    System,
    TaskItem,
)
from citybrain.base.catalogue.shape import Shape
from citybrain.base.catalogue.shipped import shipped
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS, SYSTEM
from citybrain.base.identity.errors import Refused

from .conftest import PEOPLE, Office

NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)


@pytest.fixture
def lists_(office: Office):
    """One demand of health for two fields of the police, supplied daily by table."""
    people, _firms = office.sets()
    system = actions.add_system(office.police, office.body("police-98"), key="rk", name="人口系统")
    supply = actions.add_supply(office.police, people, system, mode="table", update_cycle=2)
    item = actions.add_item(office.health, office.body("health-98"), key="elder", name_zh="老年人健康管理")
    demand = actions.add_demand(
        office.health, item, title="老人名单", purpose="上门体检", dataset=people, update_cycle=4, mode="table",
        fields=[{"name": "id_no", "type": "char(18)"}, {"zh": "姓名", "type": "varchar(50)"}],
    )  # fmt: skip
    return people, system, supply, item, demand


def gaps(actor=None) -> list[tuple[str, tuple[str, ...]]]:
    return [(gap.kind, gap.fields) for gap in matching.check(matching.read(actor))]


def test_a_demand_lacks_only_its_grant_and_is_met_once_it_has_one(office: Office, lists_):
    people = lists_[0]
    (gap,) = matching.check(matching.read())
    assert (gap.kind, gap.fields, gap.ask) == ("no_grant", ("id_no", "name"), office.body("police-98").pk)
    assert matching.contacts([gap.ask]) == {gap.ask: ["jing"]}
    request = actions.ask(office.health, people, office.body("health-98"), Asked("体检", ["id_no", "name"]))
    actions.decide(office.police, request, grant=True)
    assert gaps() == []


def test_each_way_a_demand_is_unmet_is_named(office: Office, lists_):
    people, _system, _supply, item, demand = lists_
    Demand.objects.filter(pk=demand.pk).delete()

    def add(**changes):
        Demand.objects.all().delete()
        values = {"title": "t", "purpose": "p", "dataset": people, "fields": [{"name": "name"}], **changes}
        actions.add_demand(office.health, item, **values)
        return [one for one in gaps() if one[0] != "no_grant"]

    assert add() == []
    assert add(fields=[{"name": "salary"}]) == [("no_field", ("salary",))]
    assert add(fields=[{"name": "name", "type": "varchar(20)"}]) == [("type", ("name",))]
    assert add(fields=[{"name": "name", "type": "varchar(80)"}]) == []
    assert add(mode="api") == [("mode", ("name",))]
    assert add(update_cycle=1) == [("stale", ("name",))]
    assert add(update_cycle=7) == []
    assert add(dataset=None, fields=[{"zh": "性别"}]) == [("no_dataset", ("性别",))]
    assert "人口基本信息" in matching.check(matching.read())[0].reason
    assert add(dataset=None, fields=[{"zh": "车位"}]) == [("no_dataset", ("车位",))]
    (gap,) = matching.check(matching.read())
    assert gap.ask == office.body("data_bureau-98").pk
    Supply.objects.update(is_active=False)
    assert add() == [("no_supply", ("name",))]


def test_a_change_of_a_supply_shows_what_it_breaks_before_it_is_saved(office: Office, lists_):
    supply = lists_[2]
    broken = actions.breaks_of(supply, {"update_cycle": 5})
    assert [(gap.kind, gap.fields) for gap in broken] == [("stale", ("id_no", "name"))]
    with pytest.raises(Breaks) as refused:
        actions.change_supply(office.police, supply, {"fields": ["id_no"]})
    assert [(gap.kind, gap.fields) for gap in refused.value.gaps] == [("no_supply", ("name",))]
    assert Supply.objects.get().fields == []
    assert actions.breaks_of(supply, {"update_cycle": 1}) == []
    actions.change_supply(office.police, supply, {"fields": ["id_no"]}, accept_breaks=True)
    assert Supply.objects.get().fields == ["id_no"]
    with pytest.raises(Breaks):
        actions.end_supply(office.police, Supply.objects.get())


def test_another_shape_or_a_withdrawal_shows_the_demands_it_breaks(office: Office, lists_):
    shape = Shape.from_json({"fields": PEOPLE["fields"][:1]})
    read = matching.read()
    assert [gap.kind for gap in matching.reshaped(read, "people", shape)] == ["no_field", "no_grant"]
    assert [gap.kind for gap in matching.reshaped(read, "people", None)] == ["withdrawn"]


def test_lists_are_kept_by_their_agencies_and_seen_by_who_is_asked(office: Office, lists_):
    people, system, supply, item, _demand = lists_
    with pytest.raises(Forbidden):
        actions.add_supply(office.market, people, system)
    with pytest.raises(Forbidden):
        actions.change_supply(office.market, supply, {"rank": 2})
    with pytest.raises(Forbidden):
        actions.add_demand(office.street, item, title="t", purpose="p", fields=[{"name": "name"}])

    def seen(actor):
        return tuple(model.objects.visible_to(actor).count() for model in (System, Supply, TaskItem, Demand))

    assert seen(office.police) == (1, 1, 0, 1)
    assert seen(office.health) == (0, 0, 1, 1)
    assert seen(office.chief) == seen(office.auditor) == (1, 1, 1, 1)
    for actor in (office.market, office.street, office.worker, ANONYMOUS):
        assert seen(actor) == (0, 0, 0, 0)
        assert gaps(actor) == []
    assert len(gaps(office.health)) == 1


def test_reading_the_lists_takes_five_queries(office: Office, lists_):
    with CaptureQueriesContext(connection) as queries:
        matching.check(matching.read())
    assert len(queries) == 5


def test_a_score_counts_each_dimension_and_a_run_once(office: Office):
    office.sets()
    problems = {"required": 10, "type": 5, "code": 5, "check": 20, "rule": 4, "key": 1}
    first = quality.measured("people", 3, 100, 40, NOW, total=60, problems=problems, run="run:1")
    assert first.scores == {
        "completeness": 0.9, "conformity": 0.9, "accuracy": 0.8, "consistency": 0.96, "uniqueness": 0.99,
        "timeliness": 1.0,
    }  # fmt: skip
    assert first.score == Decimal("91.30")
    assert quality.measured("people", 3, 100, 40, NOW, run="run:1").pk == first.pk
    dataset = DataSet.objects.get(code="people")
    assert (dataset.data_version, dataset.data_rows, dataset.data_at, dataset.score) == (
        3,
        60,
        NOW,
        Decimal("91.30"),
    )
    assert Measure.objects.count() == 1
    with pytest.raises(KeyError):
        quality.measured("nothing", 1, 1, 0, NOW)
    with pytest.raises(ValueError, match="unknown kinds"):
        quality.measured("people", 1, 1, 0, NOW, problems={"ugly": 1})
    with pytest.raises(ValueError, match="bad 2"):
        quality.measured("people", 1, 1, 2, NOW)


def test_freshness_is_what_was_promised_against_what_came(office: Office):
    office.sets()
    for hours in (0, 24, 96):
        quality.measured("people", hours + 1, 10, 0, NOW + timedelta(hours=hours))
    dataset = DataSet.objects.get(code="people")
    fresh = quality.freshness(dataset, NOW + timedelta(hours=100))
    assert (fresh.late, fresh.due_at) == (False, NOW + timedelta(hours=132))
    assert fresh.kept == pytest.approx(0.64)  # stale from hour 60 to 96 of 100
    late = quality.freshness(dataset, NOW + timedelta(hours=142))
    assert (late.late, late.late_by) == (True, timedelta(hours=10))
    assert [(row.code, by) for row, by in quality.late_sets(NOW + timedelta(hours=142))] == [
        ("people", timedelta(hours=10))
    ]
    assert quality.freshness(DataSet.objects.get(code="firms"), NOW).due_at is None
    score, scores = quality.score_now(dataset, NOW + timedelta(hours=100))
    assert (score, scores["timeliness"]) == (Decimal("94.60"), 0.64)


def test_the_rate_counts_entries_with_data_behind_them(office: Office):
    office.sets()
    quality.measured("people", 1, 10, 0, NOW)
    found = [(one.name, one.published, one.linked, one.rate) for one in rate.rates(office.worker)]
    assert found == [("", 2, 1, 0.5), ("津海市公安局", 1, 1, 1.0), ("津海市市场监管委", 1, 0, 0.0)]
    assert rate.rates(ANONYMOUS)[0].rate is None


def test_lineage_shows_only_what_the_actor_may_see(office: Office, lists_):
    people = lists_[0]
    request = actions.ask(office.health, people, office.body("health-98"), Asked("体检", ["id_no"]))
    actions.decide(office.police, request, grant=True)

    def told(actor):
        return [(edge.source.key, edge.kind, edge.target.key) for edge in lineage.edges(actor, people)]

    whole = [
        ("police-98", "owns", "rk"), ("rk", "supplies", "people"), ("people", "grants", "health-98"),
        ("people", "serves", "elder"),
    ]  # fmt: skip
    assert told(office.police) == whole
    assert told(office.auditor) == whole
    assert told(office.health) == whole[2:]
    assert told(office.street) == []
    with CaptureQueriesContext(connection) as queries:
        told(office.chief)
    assert len(queries) == 3


def test_the_shipped_catalogue_can_be_published_as_it_is():
    found = shipped()
    assert len(found) == 84
    assert sum(len(one.shape.fields) for one in found) == 754
    for one in found:
        assert grading.refusals(one.meta.entry(one.shape)) == [], one.meta.code
        assert grading.grade(one.shape) in {1, 2, 3, 4}


def test_the_shipped_sets_are_published_for_the_right_bodies_and_a_second_time_changes_nothing(
    office: Office,
):
    done = load(SYSTEM)
    assert done.counts == {"added": 84}
    providers = dict(DataSet.objects.values_list("code", "provider__key"))
    assert providers["ga_population"] == "police-98"
    assert providers["wj_birth"] == "health-98"
    assert providers["cg_component"] == "city_mgmt-98"
    assert providers["sj_enterprise"] == "market-98"
    assert ("tj_region", "津海市大数据管理局") in done.stood_in
    assert (Supply.objects.count(), TaskItem.objects.count()) == (84, 39)
    again = load(SYSTEM)
    assert (dict(again.counts), again.supplies, again.demands, again.systems) == ({"unchanged": 84}, 0, 0, 0)
    kinds = {gap.kind for gap in matching.check(matching.read())}
    assert kinds == {"no_grant"}
    with pytest.raises(Forbidden):
        load(office.chief)


def form(*sheets: tuple[str, list[list[object]]]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def outcomes(done: CatalogueImport) -> list[tuple[int, str, str]]:
    return [(one["row"], one["code"], one["outcome"]) for one in done.receipt]


def test_what_is_exported_comes_back_unchanged(office: Office):
    office.sets()
    sets = DataSet.objects.select_related("provider", "current").order_by("code")
    content = export_excel(office.chief, sets)
    book = load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["信息资源", "信息项"]
    assert [book["信息资源"].cell(2, 1).value, book["信息项"].max_row] == ["firms", 8]
    done = import_excel(office.chief, content, "目录.xlsx")
    assert done.counts == {"unchanged": 2, "taken": 7}


def test_a_form_with_titles_stars_and_other_words_is_read_with_a_receipt_for_each_row(office: Office):
    content = form(
        ("目录", [
            ["津海市政务信息资源目录"],
            ["* 信息资源名称", "资源提供方（全称）", "共享类型", "共享条件", "是否向社会开放", "更新周期", "资源代码"],
            ["养犬登记", "津海市公安局", "有条件共享", "按需", "否", "每天", "300000/9"],
            ["没有单位", "某某局", "有条件共享", "按需", "否", "每天", ""],
            ["他人目录", "津海市市场监管委", "有条件共享", "按需", "否", "每天", ""],
        ]),
        ("字段", [
            ["信息资源名称", "信息项名称*", "字段名", "数据类型", "数据长度", "是否主键", "个人信息"],
            ["养犬登记", "犬证号", "cert_no", "字符型C", 20, "是", ""],
            [None, "犬主姓名", "owner", "字符型C", 50, "否", "是"],
            [None, "登记日期", "", "日期型D", "", "", ""],
            ["没有单位", "甲", "a", "整数", "", "", ""],
            ["他人目录", "乙", "b", "整数", "", "", ""],
            ["不存在", "丙", "c", "整数", "", "", ""],
        ]),
    )  # fmt: skip
    done = import_excel(office.police, content, "x.xlsx")
    assert outcomes(done) == [
        (3, "ds_yqdj", "added"), (2, "ds_yqdj", "taken"), (3, "ds_yqdj", "taken"), (4, "ds_yqdj", "taken"),
        (4, "没有单位", "refused"), (5, "没有单位", "refused"),
        (5, "他人目录", "refused"), (6, "他人目录", "refused"),
        (7, "不存在", "refused"),
    ]  # fmt: skip
    assert done.receipt[4]["reason"] == "没有单位“某某局”。"
    dataset = DataSet.objects.get(code="ds_yqdj")
    assert (dataset.state, dataset.share_type, dataset.open_type, dataset.update_cycle) == ("draft", 2, 3, 2)
    shape = dataset.revisions.get().shaped
    assert [(f.name, f.type.text, f.key, f.personal, f.grade) for f in shape.fields] == [
        ("cert_no", "varchar(20)", True, "none", 1),
        ("owner", "varchar(50)", False, "personal", 2),
        ("f_djrq", "date", False, "none", 1),
    ]


def test_one_sheet_with_both_kinds_of_columns_is_read(office: Office):
    content = form(("一张表", [
        ["信息资源名称", "信息资源提供方", "共享类型", "共享条件", "更新周期", "信息项名称", "数据类型"],
        ["路灯台账", "津海市公安局", "有条件", "按需", "每月", "灯号", "varchar(20)"],
        [None, None, None, None, None, "亮度", "double"],
    ]))  # fmt: skip
    done = import_excel(office.police, content, "x.xlsx")
    assert done.counts == {"added": 1, "taken": 2}


def test_a_bad_field_refuses_its_entry_and_names_the_row_and_a_trial_keeps_nothing(office: Office):
    rows = [["信息资源名称", "信息项名称", "数据类型"], ["甲表", "一", "整数"], ["甲表", "二", "未知型"]]
    content = form(("资源", [["信息资源名称", "信息资源提供方"], ["甲表", "津海市公安局"]]), ("信息项", rows))
    done = import_excel(office.police, content, "x.xlsx", trial=True)
    assert [(one["row"], one["reason"]) for one in done.receipt] == [
        (2, "有信息项不能读入。"), (2, "所属数据资源未导入。"), (3, "“未知型”不是数据类型。"),
    ]  # fmt: skip
    good = form(
        ("资源", [["信息资源名称", "信息资源提供方"], ["甲表", "津海市公安局"]]), ("信息项", rows[:2])
    )
    assert import_excel(office.police, good, "x.xlsx", trial=True).counts == {"added": 1, "taken": 1}
    assert (DataSet.objects.count(), CatalogueImport.objects.count()) == (0, 0)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"hello", form(("x", [["a", "b"], [1, 2]]))])
def test_a_file_that_is_no_form_is_refused(office: Office, content):
    with pytest.raises(Refused):
        import_excel(office.police, content, "x.xlsx")


def test_the_export_upwards_holds_published_entries_and_no_draft(office: Office):
    office.sets()
    told = upward.package(office.chief, now=NOW)
    assert [entry["code"] for entry in told["entries"]] == ["firms", "people"]
    assert told["entries"][1]["provider"] == {"key": "police-98", "name": "津海市公安局", "area": "98"}
    json.dumps(told)
    actions.withdraw(office.chief, DataSet.objects.get(code="firms"), "停")
    told = upward.package(office.chief)
    assert ([entry["code"] for entry in told["entries"]], told["withdrawn"]) == (["people"], ["firms"])
    with pytest.raises(Forbidden):
        upward.package(office.police)


def test_the_command_line_loads_checks_rates_and_finds(office: Office, tmp_path):
    from citybrain.site.cli.catalogue import catalogue

    run = CliRunner().invoke
    loaded = json.loads(run(catalogue, ["load", "ga_population", "sj_enterprise", "--json"]).output)
    assert (loaded["added"], loaded["supplies"], loaded["stood_in"]) == (2, 2, [])
    checked = run(catalogue, ["check", "--json"])
    assert checked.exit_code == 1
    first = json.loads(checked.output)["gaps"][0]
    assert (first["kind"], first["ask"], first["people"]) == ("no_grant", "津海市公安局", ["jing"])
    assert json.loads(run(catalogue, ["rate", "--json"]).output)[0]["published"] == 2
    assert "ga_population" in run(catalogue, ["find", "hjrk"]).output
    assert run(catalogue, ["find", "zzzz"]).exit_code == 1
    assert run(catalogue, ["load", "nothing"]).exit_code == 2
    assert "gb32100" in run(catalogue, ["show", "sj_enterprise"]).output
    file = tmp_path / "a.xlsx"
    assert run(catalogue, ["export", str(file)]).exit_code == 0
    assert (
        json.loads(run(catalogue, ["import", str(file), "--trial", "--json"]).output)["counts"]["unchanged"]
        == 2
    )
