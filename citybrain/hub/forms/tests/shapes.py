"""Thirty workbooks as offices send them, and more, each with what its formulas must say once it has grown."""

from pathlib import Path

from openpyxl import Workbook
from openpyxl.formatting.rule import CellIsRule, DataBarRule, FormulaRule
from openpyxl.styles import Font, NamedStyle, PatternFill, Protection
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.pagebreak import Break

from citybrain.hub.forms.tests.shapes_crafted import (
    chained,
    commented,
    drawn,
    linked,
    listed,
    macro,
    prefixed,
    rich,
    shared,
)  # fmt: skip
from citybrain.hub.forms.tests.shapes_old import (
    old,
    old_dated,
    old_dated_1904,
    old_hidden,
    old_macro,
    old_many_texts,
    old_merged,
    old_plain,
    old_saved,
    old_totals,
    old_two_headers,
    with_storage,
)  # fmt: skip
from citybrain.hub.forms.tests.shaping import FOOT, NAMES, Shape, footed, raw_sheet, saved, started


def plain(folder: Path) -> Shape:
    book = Workbook()
    book.active.append(list(NAMES))
    return Shape(saved(book, folder), prepared=0)


def titled(folder: Path) -> Shape:
    return Shape(saved(started()[0], folder))


def two_headers(folder: Path) -> Shape:
    book, sheet = started(names=("序号", "姓名", "家庭住址", None, "电话", "金额（元）"))  # type: ignore[arg-type]
    sheet.insert_rows(3)
    sheet["C3"], sheet["D3"] = "小区", "门牌号"
    sheet.merge_cells("C2:D2")
    for letter in "ABEF":
        sheet.merge_cells(f"{letter}2:{letter}3")
    return Shape(saved(book, folder))


def three_headers(folder: Path) -> Shape:
    book, sheet = started(names=("序号", "姓名", "收入（万元）", None, None, "人数（人）"))  # type: ignore[arg-type]
    sheet.insert_rows(3, 2)
    sheet.merge_cells("C2:E2")
    sheet["C3"], sheet["D3"], sheet["D4"], sheet["E4"] = "工资", "补贴", "高龄", "残疾"
    for area in ("A2:A4", "B2:B4", "F2:F4", "C3:C4", "D3:E3"):
        sheet.merge_cells(area)
    return Shape(saved(book, folder), numbers="CDEF")


def numbered(folder: Path) -> Shape:
    book, sheet = started()
    sheet.insert_rows(3)
    for column, name in enumerate(("甲", "乙", "1", "2", "3", "4"), start=1):
        sheet.cell(3, column, name)
    return Shape(saved(book, folder))


def totals(folder: Path) -> Shape:
    book, sheet = started(names=(*NAMES, "累计", "占比"))
    for row in (3, 4, 5):
        sheet.cell(row, 7, f"=SUM(F$3:F{row})")
        sheet.cell(row, 8, f"=IF(F$6=0,0,F{row}/SUM(F$3:F$5))")
    footed(sheet)
    sheet["A7"] = "填表人：          审核人："
    moved = {
        **FOOT,
        **{("登记表", f"G{row}"): f"=SUM(F$3:F{row})" for row in (6, 7, 8)},
        **{("登记表", f"H{row}"): f"=IF(F$9=0,0,F{row}/SUM(F$3:F$8))" for row in range(3, 9)},
    }
    return Shape(saved(book, folder), moved, computed="GH")


def region(folder: Path) -> Shape:
    book, sheet = started()
    sheet["E3"] = "一号楼"
    sheet.merge_cells("E3:E5")
    footed(sheet)
    return Shape(saved(book, folder), FOOT, letters="BCDF")


def merged_rows(folder: Path) -> Shape:
    book, sheet = started()
    for row in (3, 4, 5):
        sheet.merge_cells(f"D{row}:E{row}")
    sheet.merge_cells("D2:E2")
    footed(sheet)
    return Shape(saved(book, folder), FOOT, letters="BCDF")


def printed(folder: Path) -> Shape:
    book, sheet = started()
    footed(sheet)
    sheet.print_area, sheet.print_title_rows, sheet.freeze_panes = "A1:F6", "1:2", "C3"
    sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.page_setup.fitToHeight = "landscape", 9, 0
    sheet.oddFooter.center.text = "第 &P 页 共 &N 页"
    sheet.row_breaks.append(Break(id=6))
    sheet.page_margins.left = 0.3
    return Shape(saved(book, folder), FOOT)


def lists(folder: Path) -> Shape:
    book, sheet = started()
    words = book.create_sheet("字典")
    for row, word in enumerate(("男", "女"), start=1):
        words.cell(row, 1, word)
    words.sheet_state = "hidden"
    rule = DataValidation("list", formula1="字典!$A$1:$A$2", showErrorMessage=True, errorTitle="请选择")
    rule.add("E3:E5")
    sheet.add_data_validation(rule)
    return Shape(saved(book, folder))


def rules(folder: Path) -> Shape:
    book, sheet = started()
    for kind, formula, area in (
        ("list", '"是,否"', "E3:E5"), ("textLength", "18", "C3:C5"), ("custom", "COUNTIF($C$3:$C$5,C3)=1", "B3:B5"),
    ):  # fmt: skip
        rule = DataValidation(kind, formula1=formula, operator="equal" if kind == "textLength" else None)
        rule.add(area)
        sheet.add_data_validation(rule)
    footed(sheet)
    return Shape(saved(book, folder), FOOT)


def coloured(folder: Path) -> Shape:
    book, sheet = started()
    red = PatternFill(bgColor="FFC7CE")
    sheet.conditional_formatting.add("F3:F5", CellIsRule("greaterThan", ["$F$6/3"], fill=red))
    sheet.conditional_formatting.add("F3:F5", DataBarRule("min", None, "max", None, "638EC6"))
    sheet.conditional_formatting.add("A3:F5", FormulaRule(["COUNTIF($C$3:$C$5,$C3)>1"], fill=red))
    footed(sheet)
    return Shape(saved(book, folder), FOOT)


def hidden(folder: Path) -> Shape:
    book, _ = started()
    book.create_sheet("旧表")["B2"] = "=1+1"
    book.create_sheet("底稿")["A1"] = "勿删"
    book["旧表"].sheet_state, book["底稿"].sheet_state = "hidden", "veryHidden"
    return Shape(saved(book, folder))


def protected(folder: Path) -> Shape:
    book, sheet = started()
    for row in (3, 4, 5):
        for column in range(2, 7):
            sheet.cell(row, column).protection = Protection(locked=False)
    footed(sheet)
    sheet.protection.sheet, sheet.protection.password = True, "mz2026"
    return Shape(saved(book, folder), FOOT)


def locked(folder: Path) -> Shape:
    book, _ = started()
    book.security.lockStructure, book.security.workbookPassword = True, "1234"
    return Shape(saved(book, folder))


def folded(folder: Path) -> Shape:
    book, sheet = started()
    footed(sheet)
    sheet.auto_filter.ref = "A2:F5"
    sheet.column_dimensions["D"].hidden = True
    sheet.column_dimensions.group("E", "F", outline_level=1)
    sheet.row_dimensions[6].outlineLevel = 1
    sheet.column_dimensions["B"].width = 33.3
    return Shape(saved(book, folder), FOOT)


def named(folder: Path) -> Shape:
    book, sheet = started()
    footed(sheet)
    sums = book.create_sheet("汇总")
    sums["A1"] = '=SUMIF(登记表!$D$3:$D$5,"幸福里",登记表!$F$3:$F$5)'
    sums["A2"] = '=登记表!F6+COUNTA(登记表!B:B)&"登记表!F6"'
    sums["A3"] = "=A1+A6"
    book.defined_names["金额"] = DefinedName("金额", attr_text="登记表!$F$3:$F$5")
    sheet["F7"] = "=SUM(金额)"
    moved = {
        **FOOT,
        ("汇总", "A1"): '=SUMIF(登记表!$D$3:$D$8,"幸福里",登记表!$F$3:$F$8)',
        ("汇总", "A2"): '=登记表!F9+COUNTA(登记表!B:B)&"登记表!F6"',
    }
    return Shape(saved(book, folder), moved)


def from_1904(folder: Path) -> Shape:
    book, sheet = started()
    book.epoch = CALENDAR_MAC_1904
    for row in (3, 4, 5):
        sheet.cell(row, 5).number_format = "yyyy-mm-dd"
    return Shape(saved(book, folder))


def twice(folder: Path) -> Shape:
    book, _ = started(names=("序号", "姓名", "联系电话", "监护人", "联系电话", "金额"))
    return Shape(saved(book, folder))


def explained(folder: Path) -> Shape:
    book, sheet = started()
    sheet["A7"] = "填表说明："
    sheet["A8"] = "1. 身份证号须为 18 位，出生日期按 2024-03-05 填写；2. 每月 5 日前报送。"
    sheet.merge_cells("A8:F8")
    sheet["A9"], sheet["C9"], sheet["E9"] = "单位负责人：", "填表人：", "联系电话："
    return Shape(saved(book, folder))


def clicked(folder: Path) -> Shape:
    book, sheet = started()
    footed(sheet)
    sheet["H2"] = "帮助"
    sheet["H2"].hyperlink = "https://example.org/help"
    sheet["B6"] = "说明"
    sheet["B6"].hyperlink = "#登记表!A1"
    sheet["J40"] = "远处"
    return Shape(saved(book, folder), FOOT)


def styled_named(folder: Path) -> Shape:
    book, sheet = started()
    book.add_named_style(NamedStyle("要点", font=Font(italic=True, color="0000FF")))
    for row in (3, 4, 5):
        sheet.cell(row, 2).style = "要点"
    sheet.sheet_properties.tabColor = "1072BA"
    return Shape(saved(book, folder))


def one_row(folder: Path) -> Shape:
    book, sheet = started(rows=1)
    footed(sheet, 4)
    return Shape(saved(book, folder), {("登记表", "F7"): "=SUM(F3:F6)"}, prepared=1)


def spaced(folder: Path) -> Shape:
    book, sheet = started()
    sheet["A8"], sheet["F8"] = "合计", "=SUM(F3:F5)"
    return Shape(saved(book, folder), {("登记表", "F11"): "=SUM(F3:F8)"})


def bare(folder: Path) -> Shape:
    book, sheet = started(rows=0)
    sheet["A3"], sheet["F4"] = "填表人：", "=F3&A1"
    return Shape(saved(book, folder), {("登记表", "F7"): "=F6&A1"}, prepared=0)


def second_sheet(folder: Path) -> Shape:
    book, sheet = started()
    sheet.title = "附件 2（居民's）"
    footed(sheet)
    first = book.create_sheet("封面", 0)
    first["A1"] = "='附件 2（居民''s）'!F6"
    return Shape(
        saved(book, folder),
        {("附件 2（居民's）", "F9"): "=SUM(F3:F8)", ("封面", "A1"): "='附件 2（居民''s）'!F9"},
        sheet="附件 2（居民's）",
    )


XLSX = (
    plain, titled, two_headers, three_headers, numbered, totals, region, merged_rows, printed, lists, rules, coloured,
    hidden, protected, locked, commented, drawn, listed, folded, named, linked, macro, rich, shared, from_1904, twice,
    explained, clicked, prefixed, chained, styled_named, one_row, spaced, bare, second_sheet,
)  # fmt: skip
XLS = (
    old_plain,
    old_dated,
    old_dated_1904,
    old_two_headers,
    old_totals,
    old_hidden,
    old_merged,
    old_many_texts,
    old_macro,
)

__all__ = ["XLS", "XLSX", "Shape", "old", "old_saved", "raw_sheet", "saved", "started", "with_storage"]
