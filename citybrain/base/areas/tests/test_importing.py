import json

import pytest
from django.utils import translation

from citybrain.base.areas import tree
from citybrain.base.areas.actions import AreaRow, import_rows, merge_areas, rename_area, split_area
from citybrain.base.areas.decisions import Part
from citybrain.base.areas.doer import OPERATOR, NotAllowedError
from citybrain.base.areas.models import Area, AreaChange, AreaVersion
from citybrain.base.areas.tests.conftest import ROWS, Manager, area
from citybrain.base.ledger.models import Entry

pytestmark = pytest.mark.django_db


def outcomes(receipt):
    return [(result.code, result.outcome) for result in receipt.results]


def refusals(*rows):
    return [result.reason for result in import_rows(OPERATOR, rows).results if result.outcome == "refused"]


def test_rows_in_any_order_become_a_tree_with_paths_and_names(city):
    grid = area("990102001001002")
    assert tree.tree().full_name(grid.id) == "津海市西山区石桥街道石桥社区第2网格"
    assert [node.code for node in tree.tree().ancestors(grid.id)] == [
        "99", "990102", "990102001", "990102001001", "990102001001002",
    ]  # fmt: skip
    kept = Area.objects.get(pk=grid.id)
    assert kept.path == "".join(f"{above}." for above in grid.lineage)
    town = area("990101002")
    assert (town.name_en, town.kind, town.pinyin) == ("Baita Town", "town", "baitazhen btz")


def test_the_same_rows_again_change_nothing(city):
    before = Area.objects.count(), AreaVersion.objects.get().version, Entry.objects.count()
    receipt = import_rows(OPERATOR, reversed(ROWS))
    assert receipt.counts == {"added": 0, "renamed": 0, "unchanged": 19, "refused": 0}
    assert (Area.objects.count(), AreaVersion.objects.get().version, Entry.objects.count()) == before


def test_the_ledger_keeps_one_entry_per_import(city):
    entry = Entry.objects.get(action="areas.import")
    assert (entry.actor, entry.subject) == ("system", "areas")
    assert json.loads(entry.body) == {
        "added": 19,
        "cities": ["99"],
        "refused": 0,
        "renamed": [],
        "source": "",
    }


def test_a_name_that_differs_is_a_rename_with_history(city):
    receipt = import_rows(OPERATOR, [AreaRow(1, "990101", "东湖新区"), AreaRow(2, "99", "津海市")])
    assert outcomes(receipt) == [("990101", "renamed"), ("99", "unchanged")]
    assert (area("990101").name, area("990101").name_en) == ("东湖新区", "Donghu New Area")
    change = AreaChange.objects.get()
    assert (change.kind, change.from_name, change.to_name) == ("rename", "东湖区", "东湖新区")


def test_an_older_file_does_not_undo_a_rename(city):
    rename_area(OPERATOR, area("990101").id, "东湖新区")
    assert import_rows(OPERATOR, ROWS).count("unchanged") == 19
    assert area("990101").name == "东湖新区"


def test_an_older_file_does_not_bring_back_what_was_merged_or_split(city):
    merge_areas(
        OPERATOR, [area("990101001001001").id, area("990101001001002").id], "990101001001001", "第1网格"
    )
    split_area(
        OPERATOR, area("990101002001001").id, [Part("990101002001011", "甲"), Part("990101002001012", "乙")]
    )
    receipt = import_rows(OPERATOR, ROWS)
    assert receipt.counts == {"added": 0, "renamed": 0, "unchanged": 17, "refused": 2}
    assert [result.reason for result in receipt.refused] == [
        "代码 990101001001002 已停用，该区域现为 990101001001001 第1网格。",
        "区域 990101002001001 已拆分为 990101002001011 甲、990101002001012 乙，请改填其中之一。",
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (AreaRow(1, "99010", "甲"), "代码“99010”有 5 位，应为 2、4、6、9、12 或 15 位。"),
        (AreaRow(1, "990109", ""), "名称为空。"),
        (AreaRow(1, "990109", "甲" * 101), "名称有 101 个字，最多 100 个字。"),
        (AreaRow(1, "990109", "甲\x00区"), r"名称“甲\x00区”含有控制字符。"),
        (AreaRow(1, "980101", "甲区"), "找不到上级：文件和系统中都没有 9801 或 98。"),
        (AreaRow(1, "990109001", "甲街道"), "找不到上级：文件和系统中都没有 990109。"),
        (AreaRow(1, "990109", "甲区", "98"), "文件和系统中都没有所填的上级 98。"),
        (AreaRow(1, "990109", "甲区", "990101001"), "上级 990101001 的级别是“街镇”，不高于本行。"),
        (AreaRow(1, "990109", "甲区", "", "街道"), "级别“街道”与 6 位代码 990109 不符。"),
        (AreaRow(1, "990109", "甲区", "", "星球"),
         "没有“星球”这一级别，请填 1 至 5，或市、区县、街镇、社区村、网格。"),
        (AreaRow(1, "98", "甲市", "99"), "城市没有上级，却填了 99。"),
        (AreaRow(1, "990109", "甲区", "", "", "", "2026-02-30"),
         "日期“2026-02-30”无法识别，请写成 2026-01-31。"),
        (AreaRow(1, "990109", "甲区", "", "", "", "2999-01-01"),
         "生效日期 2999-01-01 未到，请在生效后再导入。"),
        (AreaRow(1, "990101001", "柳林街道", "990102"),
         "系统中它的上级是 990101；导入不改变隶属关系，请按“代码变更”办理。"),
    ],
)  # fmt: skip
def test_a_row_that_can_not_be_taken_says_why(city, row, reason):
    assert refusals(row) == [reason]


def test_an_english_reader_is_told_in_english(city):
    with translation.override("en"):
        assert refusals(AreaRow(1, "990109", "甲区", "990101001"), AreaRow(2, "980101", "乙区")) == [
            "its parent 990101001 is of level “Street or town”, which is not above it",
            "no parent: 9801 or 98 is neither in the file nor on record",
        ]


def test_a_code_that_stands_twice_is_taken_once(city):
    receipt = import_rows(OPERATOR, [AreaRow(2, "990109", "甲区"), AreaRow(3, "990109000000", "乙区")])
    assert outcomes(receipt) == [("990109", "added"), ("990109000000", "refused")]
    assert receipt.results[1].reason == "代码 990109 与第 2 行重复。"


def test_parents_that_run_in_a_circle_are_refused_with_the_circle(city):
    reasons = refusals(AreaRow(1, "990108", "甲区", "990109"), AreaRow(2, "990109", "乙区", "990108"))
    assert reasons[0] == "上级关系成环：990108 → 990109 → 990108。"
    assert reasons[1].startswith("上级 990108 未能导入：上级关系成环")
    assert refusals(AreaRow(1, "990107", "丙区", "990107")) == ["上级关系成环：990107 → 990107。"]


def test_what_hangs_below_a_refused_row_is_refused_and_the_rest_is_taken(city):
    receipt = import_rows(
        OPERATOR,
        [AreaRow(2, "990109001", "丙街道"), AreaRow(3, "990109", ""), AreaRow(4, "990110", "丁区")],
    )
    assert outcomes(receipt) == [("990109001", "refused"), ("990109", "refused"), ("990110", "added")]


def test_streets_of_a_city_without_districts_hang_from_the_city(city):
    import_rows(OPERATOR, [AreaRow(1, "990000003", "东城街道"), AreaRow(2, "990000003001", "岗上社区")])
    community = area("990000003001")
    assert community.lineage == (city.id, None, area("990000003").id, community.id, None)


def test_a_county_level_city_under_its_province_is_a_city():
    import_rows(OPERATOR, [AreaRow(1, "989004", "仙桃市", "", "市"), AreaRow(2, "989004001", "沙嘴街道")])
    street = area("989004001")
    assert street.lineage == (area("989004").id, None, street.id, None, None)
    assert area("989004").kind == "county_city"


def test_a_manager_changes_only_what_lies_in_their_area(city):
    east = Manager(areas=(area("990101").id,))
    receipt = import_rows(
        east,
        [AreaRow(1, "990101003", "新街道"), AreaRow(2, "990102003", "外街道"), AreaRow(3, "990102", "改名区"),
         AreaRow(4, "98", "新市"), AreaRow(5, "990101003001", "新社区"), AreaRow(6, "98010", "坏")],
    )  # fmt: skip
    assert outcomes(receipt) == [
        ("990101003", "added"), ("990102003", "refused"), ("990102", "refused"), ("98", "refused"),
        ("990101003001", "added"), ("98010", "refused"),
    ]  # fmt: skip
    assert [result.reason for result in receipt.refused[:3]] == [
        "您无权变更：990102 西山区。", "您无权变更：990102 西山区。", "您无权变更：新的城市。",
    ]  # fmt: skip


def test_whoever_manages_no_area_imports_nothing(city):
    with pytest.raises(NotAllowedError, match=r"person:7 does not hold areas.manage"):
        import_rows(Manager(), ROWS)


def test_progress_adds_up_to_the_rows(db):
    seen = []
    rows = [AreaRow(1, "99", "市"), *(AreaRow(n, f"99{n:04}", f"{n}区") for n in range(1, 2500))]
    import_rows(OPERATOR, rows, progress=seen.append)
    assert sum(seen) == 2500
