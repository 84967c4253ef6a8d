"""What a workbook holds beside its columns' names: sheets, headers, formulas, lists, macros; and what is no form."""

import hashlib
import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.datavalidation import DataValidation

from citybrain.base.identity.errors import Refused
from citybrain.hub.forms.book import form_end
from citybrain.hub.forms.columns import Asks, Column, Sums
from citybrain.hub.forms.making import actions, lists, workbooks
from citybrain.hub.forms.making.actions import About, WhichSheet
from citybrain.hub.forms.making.reading import _listed
from citybrain.hub.forms.models import Form, Workbook

from .conftest import ABOUT, Hall, elders, workbook


def shape(form: Form) -> dict[str, Column]:
    form.refresh_from_db()
    return {one.letter: one for one in form.current.shape}


def told(refused: pytest.ExceptionInfo[Refused]) -> list[tuple[str, str]]:
    return [(one.field, one.reason) for one in refused.value.problems]


def test_the_workbook_is_kept_once_as_it_came(hall: Hall) -> None:
    hall.sets()
    one, other = hall.form(), hall.form(title="另一张")
    file = hall.files / "form.xlsx"
    again = actions.draft_form(hall.civil, hall.body("civil_affairs-98"), ABOUT, file=file, name="再来.xlsx")
    kept = again.current.workbook
    assert Workbook.objects.count() == 2
    assert again.current.workbook_id == other.current.workbook_id != one.current.workbook_id
    assert workbooks.path_of(kept).read_bytes() == file.read_bytes()
    assert (kept.digest, kept.name, kept.kind, kept.size) == (
        hashlib.sha256(file.read_bytes()).hexdigest(), "表.xlsx", "xlsx", file.stat().st_size,
    )  # fmt: skip


def test_a_workbook_with_several_tables_asks_which(hall: Hall) -> None:
    hall.sets()
    file = workbook(
        hall.files / "two.xlsx",
        {
            "填表说明": [["一、本表由社区填写"], ["项目", "要求"], ["姓名", "与身份证一致"]],
            "老人": elders(),
            "残疾人": elders(("姓名", "残疾人证号", "残疾等级"), "残疾人台账"),
            "空": [],
            "代码": elders(("代码", "名称"), "字典"),
            "旧表": elders(),
        },
        hidden=["旧表"],
    )
    office = hall.body("civil_affairs-98")
    with pytest.raises(WhichSheet) as which:
        actions.draft_form(hall.civil, office, ABOUT, file=file)
    assert which.value.sheets == ("老人", "残疾人")
    assert told(which) == [("sheet", "工作簿里有 2 个工作表，请选择要下发的一个：老人、残疾人。")]
    form = actions.draft_form(hall.civil, office, ABOUT, file=file, sheet="残疾人")
    assert (form.title, form.current.sheet, len(form.current.shape)) == ("残疾人台账", "残疾人", 3)
    with pytest.raises(Refused) as missing:
        actions.draft_form(hall.civil, office, ABOUT, file=file, sheet="没有")
    assert told(missing)[0][0] == "file"
    assert "没有名为“没有”的工作表" in told(missing)[0][1]


def test_two_columns_called_alike_must_be_confirmed(hall: Hall) -> None:
    hall.sets()
    form = hall.form(("姓名", "身份证号", "姓名", "失能等级"))
    columns = shape(form)
    assert [one.letter for one in actions.unsettled(form.current.shape)] == ["A", "C"]
    assert columns["A"].why[-1] == columns["C"].why[-1] == "twice"
    actions.correct_column(hall.civil, form, "C", field="mz_key_elder.contact1_name")
    assert [one.letter for one in actions.unsettled(shape(form).values())] == ["A"]


def test_a_header_of_two_rows_with_a_legend_below_is_read(hall: Hall) -> None:
    hall.sets()
    rows = [
        ["残疾人家庭台账"],
        ["序号", "残疾人", "", "监护人", "", "补贴金额（元）"],
        ["", "姓名", "残疾等级", "姓名", "电话", ""],
        ["1", "2", "3", "4", "5", "6"],
        [1],
        ["注：残疾等级按证件填写"],
    ]
    file = workbook(hall.files / "two_rows.xlsx", {"表": rows})
    form = actions.draft_form(hall.civil, hall.body("civil_affairs-98"), ABOUT, file=file)
    columns = shape(form)
    assert [one.path[-1] for one in columns.values()] == [
        "序号",
        "姓名",
        "残疾等级",
        "姓名",
        "电话",
        "补贴金额（元）",
    ]
    assert (form.current.header_first, form.current.header_last, form.current.begins) == (2, 3, 5)
    assert columns["C"].field == "cl_disabled.level"
    assert (columns["F"].unit, columns["F"].type, columns["F"].sums) == ("元", "decimal(18,2)", Sums.SUM)


def test_files_that_are_no_form_are_refused_by_name(hall: Hall, tmp_path: Path) -> None:
    office = hall.body("civil_affairs-98")
    text, empty, archive, broken = (tmp_path / name for name in ("a.txt", "b.xlsx", "c.zip", "d.xlsx"))
    text.write_text("姓名,电话\n")
    empty.touch()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("a.csv", "x")
    with zipfile.ZipFile(broken, "w") as made:
        made.writestr("xl/workbook.xml", "<workbook><sheets>")
    none = workbook(tmp_path / "e.xlsx", {"表": []})
    bare = workbook(tmp_path / "f.xlsx", {"表": [[1, 2], [3, 4]]})
    for file, reason in (
        (text, "这是 CSV 文件；请报送 Excel 表（.xlsx、.xlsm 或 .xls）。"),
        (archive, "这是 ZIP 文件"),
        (empty, "文件是空的。"),
        (broken, "文件已损坏"),
        (none, "没有找到表头：请在表格第一行写明每列的名称。"),
        (bare, "没有找到表头"),
    ):
        with pytest.raises(Refused) as refused:
            actions.draft_form(hall.civil, office, About(title="表"), file=file)
        assert told(refused)[0][0] == "file", file.name
        assert told(refused)[0][1].startswith(reason), file.name
    assert (Form.objects.count(), Workbook.objects.count()) == (0, 0)


def test_formulas_and_lists_that_the_workbook_prepares_are_taken_over(hall: Hall) -> None:
    hall.sets()
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["补贴汇总"],
        ["姓名", "单价（元）", "次数", "金额（元）", "服务种类", "评价", "失能等级"],
        ["", 1, 2],
    ):
        sheet.append(row)
    sheet["D3"] = "=B3*C3"
    values = book.create_sheet("选项")
    for name in ("助餐", "助浴", "助餐"):
        values.append([name])
    values.sheet_state = "hidden"
    for squares, formula in (
        ("E3:E200", "选项!$A$1:$A$3"),
        ("F3:F200", '"好,一般"'),
        ("G3:G200", '"轻度,重度"'),
        ("A9", '"甲"'),
    ):
        listed = DataValidation(type="list", formula1=formula)
        listed.add(squares)
        sheet.add_data_validation(listed)
    file = hall.files / "prepared.xlsx"
    book.save(file)
    form = actions.draft_form(hall.civil, hall.body("civil_affairs-98"), ABOUT, file=file)
    columns = shape(form)
    assert (columns["D"].asks, columns["D"].sums) == (Asks.FORMULA, Sums.SUM)
    assert columns["E"].options == ("助餐", "助浴")
    assert columns["F"].options == ("好", "一般")
    assert (columns["G"].asks, columns["G"].options) == (Asks.DATA, ())
    assert columns["A"].options == ()
    assert lists.notes(hall.civil, form) == [
        "有隐藏的工作表（选项）：原样保留，不填写。",
        "工作簿有 2 个工作表，填写“Sheet”，其余原样保留。",
    ]
    assert lists.notes(hall.leader, form) == []


def test_lists_are_found_however_a_workbook_writes_them() -> None:
    xml = (
        b'<!-- <dataValidation type="list" sqref="A1"><formula1>no</formula1></dataValidation> -->'
        b"<x:dataValidations><x:dataValidation\n sqref = 'E3:E9 F3'\n type='list'>"
        b'<x:formula1><![CDATA["a&b,]]>&#x7532;&quot;</x:formula1 ></x:dataValidation>'
        b"<x:dataValidation type='whole' sqref='G3'><x:formula1>1</x:formula1></x:dataValidation></x:dataValidations>"
        b'<x14:dataValidation type="list"><x14:formula1><xm:f>Other!$A$1:$A$3</xm:f></x14:formula1>'
        b"<xm:sqref>H3:H9</xm:sqref></x14:dataValidation>"
    )
    assert list(_listed(xml)) == [("E3:E9 F3", '"a&b,\u7532"'), ("H3:H9", "Other!$A$1:$A$3")]


def test_macros_and_links_are_said_and_never_followed(hall: Hall) -> None:
    hall.sets()
    file = workbook(hall.files / "plain.xlsx", {"表": elders()})
    loaded = hall.files / "macros.xlsm"
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(loaded, "w") as target:
        for one in source.namelist():
            target.writestr(one, source.read(one))
        target.writestr("xl/vbaProject.bin", b"x")
    form = actions.draft_form(hall.civil, hall.body("civil_affairs-98"), ABOUT, file=loaded, name="表.xlsx")
    assert form.current.workbook.kind == "xlsm"
    assert [one.split("：")[0] for one in lists.notes(hall.civil, form)][-1] == "工作簿里有宏"


def test_a_table_of_very_many_rows_is_data_and_no_form(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form_end, "MOST_ROWS", 500)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("表")
    sheet.append(["姓名", "电话"])
    for number in range(702):
        sheet.append(["张三", number])
    file = hall.files / "many.xlsx"
    book.save(file)
    with pytest.raises(Refused) as refused:
        actions.draft_form(hall.civil, hall.body("civil_affairs-98"), About(title="表"), file=file)
    assert told(refused)[0][1].startswith("表里有 702 行数据，一张表最多 500 行")


def test_a_column_of_the_area_shows_the_name_of_its_level(hall: Hall) -> None:
    hall.sets()
    names = ("区", "所属街道", "社区", "网格", "姓名", "户籍所在社区", "填报单位")
    columns = shape(hall.form(names))
    told_ = {one.name: (str(one.asks), one.derived) for one in columns.values() if one.asks == Asks.AREA}
    assert told_ == {
        "区": ("area", "district"), "所属街道": ("area", "street"), "社区": ("area", ""), "填报单位": ("area", ""),
    }  # fmt: skip
    assert columns["F"].field == "ga_population.hukou_region"
    form = hall.form(names)
    actions.correct_column(hall.civil, form, "C", field="ga_population.hukou_region")
    again = shape(hall.form(names))
    assert (again["C"].asks, again["C"].field) == (Asks.DATA, "ga_population.hukou_region")
