import io
from datetime import date

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actions import import_people
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.errors import Refused
from citybrain.base.identity.models import PeopleImport, Person
from citybrain.base.identity.roles import grantable_roles
from citybrain.base.identity.roster import cell_text, parse_day, read_roster
from citybrain.base.identity.roster_files import receipt_file, template_file
from citybrain.base.ledger.models import Entry

from .conftest import NOW, City

HEAD = ["姓名", "登录名", "手机号", "单位", "角色", "区域代码", "生效日期", "失效日期"]


def excel(*rows: list, head: list[str] = HEAD) -> bytes:
    book = openpyxl.Workbook()
    for row in (head, *rows):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


GOOD = [
    "孙杰",
    "sunjie",
    13800138000.0,
    "建国街道办事处",
    "受理员",
    "980101001",
    date(2026, 3, 1),
    "2026年12月31日",
]


@pytest.fixture
def manager(city: City):
    return city.officer("manager", "people_manager", "980101001", "subdistrict-980101001")


def test_good_rows_land_and_bad_ones_are_told_by_row_field_and_reason(city: City, manager) -> None:
    done = import_people(
        manager,
        excel(
            GOOD,
            ["周明", "zhouming", "", "南门街道办事处", "", "", "", ""],
            ["吴刚", "9wu", "", "建国街道办事处", "", "", "", ""],
            ["郑丽", "zhengli", "", "无名单位", "", "", "", ""],
            ["冯军", "fengjun", "", "建国街道办事处", "国王", "", "", ""],
            ["陈晨", "chenchen", "", "建国街道办事处", "受理员", "999999", "", ""],
            ["褚红", "chuhong", "", "建国街道办事处", "受理员", "", "2026-02-30", ""],
            ["卫东", "weidong", "", "建国街道办事处", "系统管理员", "98", "", ""],
            ["蒋涛", "jiangtao", "", "友谊社区居委会", "网格员", "980101001001001", "", ""],
        ),
        "名单.xlsx",
        now=NOW,
    )

    assert [(line["row"], line["outcome"], line["field"], line["reason"]) for line in done.receipt] == [
        (2, "created", "", ""),
        (3, "refused", "", "您的权限范围是建国街道，此项不在其中。如工作需要，请向本单位人员管理员申请。"),
        (
            4,
            "refused",
            "login",
            "登录名“9wu”不合要求：以字母开头，3 至 40 位小写字母、数字、点、横线或下划线。",
        ),
        (5, "refused", "agency", "系统中没有单位“无名单位”。"),
        (6, "refused", "role", "没有“国王”这个角色。"),
        (7, "refused", "area", "没有代码为“999999”的区域。"),
        (8, "refused", "valid_from", "“2026-02-30”不是日期，请写成 2026-01-31 的样子。"),
        (9, "refused", "", "津海市不在您的管理范围内。请由上级人员管理员办理。"),
        (10, "created", "", ""),
    ]
    assert done.counts == {"created": 2, "refused": 7}
    assert set(Person.objects.exclude(login="manager").values_list("login", flat=True)) == {
        "sunjie",
        "jiangtao",
    }
    grant = Person.objects.get(login="sunjie").grants.get()
    assert (grant.role, grant.area.code, grant.valid_from, grant.valid_until) == (
        "acceptor", "980101001", date(2026, 3, 1), date(2026, 12, 31),
    )  # fmt: skip
    assert Person.objects.get(login="sunjie").phone == "13800138000"


def test_the_same_file_again_changes_nothing(city: City, manager) -> None:
    file = excel(GOOD, [*GOOD[:4], "派遣员", *GOOD[5:]])
    first = import_people(manager, file, "名单.xlsx", give_passwords=True, now=NOW)
    assert first.counts == {"created": 1, "granted": 1}
    assert list(first.passwords) == ["sunjie"]
    person = Person.objects.get(login="sunjie")
    assert person.check_password(first.passwords["sunjie"])
    assert person.must_change_password
    events, entries = person.events.count(), Entry.objects.filter(subject=f"person:{person.pk}").count()

    again = import_people(manager, file, "名单.xlsx", give_passwords=True, now=NOW)

    assert (again.counts, again.passwords) == ({"unchanged": 2}, {})
    assert (person.grants.count(), person.events.count()) == (2, events)
    assert Entry.objects.filter(subject=f"person:{person.pk}").count() == entries
    assert PeopleImport.objects.count() == 2
    assert first.passwords["sunjie"] not in str(PeopleImport.objects.values_list("receipt"))


def test_a_row_brings_phone_and_agency_up_to_date_but_never_another_person(city: City, manager) -> None:
    import_people(manager, excel(GOOD), "a.xlsx", now=NOW)
    moved = [*GOOD[:2], "13900139000", "友谊社区居委会", "", "", "", ""]
    other = ["孙洁", "sunjie", "", "建国街道办事处", "", "", "", ""]

    done = import_people(manager, excel(moved, other), "b.xlsx", now=NOW)

    assert [(line["outcome"], line["reason"]) for line in done.receipt] == [
        ("updated", ""),
        ("refused", "登录名“sunjie”已属于另一人。"),
    ]
    person = Person.objects.get(login="sunjie")
    assert (person.name, person.phone, person.agency.name) == ("孙杰", "13900139000", "友谊社区居委会")


def test_whoever_manages_nobody_imports_nobody(city: City) -> None:
    acceptor = city.officer("acceptor", "acceptor", "980101001", "subdistrict-980101001")
    with pytest.raises(Forbidden):
        import_people(acceptor, excel(GOOD), "a.xlsx", now=NOW)
    assert PeopleImport.objects.count() == 0


def test_csv_of_windows_and_of_today_are_read_alike() -> None:
    text = "姓名,登录名,单位\r\n孙杰,sunjie,建国街道办事处\r\n\r\n"
    for content in (text.encode("gb18030"), text.encode("utf-8-sig"), text.encode()):
        [row] = read_roster(content, "名单.csv")
        assert (row.number, row.name, row.agency) == (2, "孙杰", "建国街道办事处")


def test_a_title_may_stand_above_the_header_and_stars_on_it() -> None:
    file = excel(["姓名*", "登录名*", "单位*"], ["孙杰", "sunjie", "某局"], head=["2026 年人员名单"])
    [row] = read_roster(file, "a.xlsx")
    assert (row.number, row.login) == (3, "sunjie")


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"PK\x03\x04 broken", "a.xlsx", "无法读取该文件"),
        (b"\xd0\xcf\x11\xe0 old excel", "a.xls", "无法读取该文件"),
        (b"\xff\xfe\x00\x01\x81", "a.csv", "无法识别文件的编码"),
        (b"a,b\r\n1,2\r\n", "a.csv", "没有表头"),
        ("姓名,登录名\r\n孙,sun\r\n".encode(), "a.csv", "缺少列：单位"),
        (b"x" * 10_000_001, "a.csv", "超过 10 MB"),
        (b"", "a.csv", "没有表头"),
    ],
)
def test_a_file_that_is_no_roster_is_refused_as_a_whole(content: bytes, name: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        read_roster(content, name)


def test_the_template_reads_back_and_offers_the_roles() -> None:
    file = template_file(grantable_roles())
    assert read_roster(file, "模板.xlsx") == []
    book = openpyxl.load_workbook(io.BytesIO(file))
    assert [cell.value for cell in book["人员"][1]] == ["姓名*", "登录名*", "手机号", "单位*", *HEAD[4:]]
    assert [row[0].value for row in book["角色"].iter_rows(min_row=2)] == [
        role.zh for role in grantable_roles()
    ]


def test_the_receipt_is_an_excel_in_which_nothing_is_a_formula(city: City) -> None:
    evil = "姓名,登录名,单位\r\n=HYPERLINK(1),=1+1,=cmd\r\n".encode()
    done = import_people(SYSTEM, evil, "a.csv", now=NOW)
    sheet = openpyxl.load_workbook(io.BytesIO(receipt_file(done.receipt, {"x": "y"}))).active
    assert [cell.value for cell in sheet[1]] == [
        "行号",
        "登录名",
        "姓名",
        "结果",
        "问题列",
        "原因",
        "一次性密码",
    ]
    assert {cell.data_type for cell in sheet[2] if isinstance(cell.value, str)} == {"s"}
    assert sheet["D2"].value == "未导入"


@given(st.dates(min_value=date(1900, 1, 1)))
def test_every_way_to_write_a_day_means_that_day(day: date) -> None:
    for text in (day.isoformat(), f"{day.year}/{day.month}/{day.day}", f"{day.year}年{day.month}月{day.day}日",
                 day.strftime("%Y%m%d"), cell_text(day)):  # fmt: skip
        assert parse_day(text, "valid_from") == day
