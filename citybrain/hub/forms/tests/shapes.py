"""Thirty workbooks as offices send them, and more, each with what its formulas must say once it has grown."""

import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import xlwt
from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image
from openpyxl.formatting.rule import CellIsRule, DataBarRule, FormulaRule
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Protection, Side
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.table import Table as ListObject
from PIL import Image as Picture

from citybrain.hub.forms.book.xls import container

NAMES = ("序号", "姓名", "身份证号", "住址", "电话", "金额")
Sheet = Any


@dataclass
class Shape:
    """A workbook. `formulas` are those that read differently once three rows more were put in: (sheet, cell as it
    stands then) → formula. `numbers` are the letters of number columns, `computed` those of formulas."""

    path: Path
    formulas: Mapping[tuple[str, str], str] = field(default_factory=dict)
    numbers: str = "F"
    computed: str = ""
    letters: str = "BCDEF"
    prepared: int = 3
    sheet: str = ""


def started(
    title: str = "社区居民登记表", names: tuple[str, ...] = NAMES, rows: int = 3
) -> tuple[Workbook, Sheet]:
    """Return a book with a title in row 1, a header in row 2 and prepared rows from row 3 on."""
    book = Workbook()
    sheet = book.active
    sheet.title = "登记表"
    sheet["A1"] = title
    sheet["A1"].font = Font(name="方正小标宋简体", size=20)
    sheet["A1"].alignment = Alignment(horizontal="center")
    sheet.merge_cells(start_row=1, end_row=1, start_column=1, end_column=len(names))
    thin = Border(*[Side("thin")] * 4)
    for column, name in enumerate(names, start=1):
        cell = sheet.cell(2, column, name)
        cell.font, cell.border = Font(bold=True), thin
        cell.fill = PatternFill("solid", fgColor="DDEBF7")
    for row in range(3, 3 + rows):
        sheet.row_dimensions[row].height = 21.5
        for column in range(1, len(names) + 1):
            cell = sheet.cell(row, column)
            cell.border = thin
            cell.number_format = {3: "@", 6: "#,##0.00"}.get(column, "General")
    return book, sheet


def saved(book: Workbook, folder: Path, name: str = "form.xlsx") -> Path:
    path = folder / name
    book.save(path)
    return path


def remade(
    path: Path, change: Mapping[str, Callable[[bytes], bytes]], more: Mapping[str, bytes] | None = None
) -> None:
    """Write a package anew with some parts changed and others added."""
    out = BytesIO()
    with zipfile.ZipFile(path) as was, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as now:
        for name in was.namelist():
            now.writestr(name, change.get(name, bytes)(was.read(name)))
        for name, content in (more or {}).items():
            now.writestr(name, content)
    path.write_bytes(out.getvalue())


def footed(sheet: Sheet, row: int = 6) -> None:
    sheet.cell(row, 1, "合计").font = Font(bold=True)
    sheet.cell(row, 6, f"=SUM(F3:F{row - 1})").number_format = "#,##0.00"


FOOT = {("登记表", "F9"): "=SUM(F3:F8)"}


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


def commented(folder: Path) -> Shape:
    book, sheet = started()
    footed(sheet)
    sheet["C2"].comment, sheet["F6"].comment = Comment("18 位", "民政局"), Comment("自动计算", "民政局")
    return Shape(saved(book, folder), FOOT)


def drawn(folder: Path) -> Shape:
    book, sheet = started()
    footed(sheet)
    raw = BytesIO()
    Picture.new("RGB", (8, 8), "red").save(raw, "PNG")
    sheet.add_image(Image(raw), "B9")
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=6, min_row=2, max_row=5), titles_from_data=True)
    sheet.add_chart(chart, "D9")
    return Shape(saved(book, folder), FOOT)


def listed(folder: Path) -> Shape:
    book, sheet = started()
    sheet.unmerge_cells("A1:F1")
    table = ListObject(displayName="居民", ref="A2:F5")
    sheet.add_table(table)
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


def linked(folder: Path) -> Shape:
    book, sheet = started()
    sheet["A7"], sheet["B7"] = "备注：", "=[1]上年!$F$6"
    path = saved(book, folder)
    remade(
        path,
        {
            "xl/workbook.xml": lambda xml: xml.replace(
                b"</sheets>",
                b'</sheets><externalReferences><externalReference r:id="rIdOut"/></externalReferences>',
            ),
            "xl/_rels/workbook.xml.rels": lambda xml: xml.replace(
                b"</Relationships>",
                b'<Relationship Id="rIdOut" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
                b'externalLink" Target="externalLinks/externalLink1.xml"/></Relationships>',
            ),
            "[Content_Types].xml": lambda xml: xml.replace(
                b"</Types>",
                b'<Override PartName="/xl/externalLinks/externalLink1.xml" ContentType="application/vnd.openxmlformats-'
                b'officedocument.spreadsheetml.externalLink+xml"/></Types>',
            ),
        },
        {
            "xl/externalLinks/externalLink1.xml": b'<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/'
            b'2006/main"><externalBook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
            b'r:id="rId1"><sheetNames><sheetName val="x"/></sheetNames></externalBook></externalLink>',
            "xl/externalLinks/_rels/externalLink1.xml.rels": (
                b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id='
                b'"rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLinkPath" '
                b'Target="file:///D:/\xe5\xb9\xb4\xe6\x8a\xa5/2025.xlsx" TargetMode="External"/></Relationships>'
            ),
        },
    )
    return Shape(path, {})


def macro(folder: Path) -> Shape:
    path = saved(started()[0], folder, "form.xlsm")
    remade(
        path,
        {
            "[Content_Types].xml": lambda xml: xml.replace(
                b"vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
                b"vnd.ms-excel.sheet.macroEnabled.main+xml",
            ).replace(
                b"</Types>",
                b'<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>',
            ),
        },
        {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0 Sub Auto_Open()"},
    )
    return Shape(path)


def raw_sheet(path: Path, change: Callable[[bytes], bytes]) -> None:
    remade(path, {"xl/worksheets/sheet1.xml": change})


def rich(folder: Path) -> Shape:
    book, sheet = started()
    sheet["B2"] = "@@rich@@"
    path = saved(book, folder)
    text = (
        "<sst xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' count='1' uniqueCount='1'>"
        "<si><r><rPr><b/><color rgb='FFFF0000'/></rPr><t>姓</t></r><r><t xml:space='preserve'>名</t></r>"
        "<rPh sb='0' eb='1'><t>xing</t></rPh></si></sst>"
    )
    old = rb't="inlineStr"><is><t>@@rich@@</t></is>'
    remade(
        path,
        {
            "xl/worksheets/sheet1.xml": lambda xml: xml.replace(old, b't="s"><v>0</v>'),
            "[Content_Types].xml": lambda xml: xml.replace(
                b"</Types>",
                b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/'
                b'vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>',
            ),
        },
        {"xl/sharedStrings.xml": text.encode()},
    )
    return Shape(path)


def shared(folder: Path) -> Shape:
    book, sheet = started(names=(*NAMES, "应发", "实发"))
    for row in (3, 4, 5):
        sheet.cell(row, 7, "@"), sheet.cell(row, 8, f"=G{row}-F{row}")
    sheet["A6"], sheet["F6"], sheet["G6"] = "合计", "@", "@"
    sheet["H6"] = ArrayFormula("H6", "=SUM(F3:F5*2)")
    path = saved(book, folder)
    made = {
        "G3": '<f t="shared" ref="G3:G5" si="0">F3*1.1</f>', "G4": '<f t="shared" si="0"/>',
        "G5": '<f t="shared" si="0"/>', "F6": '<f t="shared" ref="F6:G6" si="1">SUM(F3:F5)</f>',
        "G6": '<f t="shared" si="1"/>',
    }  # fmt: skip

    def change(xml: bytes) -> bytes:
        for reference, formula in made.items():
            xml = re.sub(
                rf'<c r="{reference}"([^>]*?) t="inlineStr"><is><t>@</t></is></c>'.encode(),
                rf'<c r="{reference}"\g<1>>{formula}<v>0</v></c>'.encode(),
                xml,
            )
        return xml

    raw_sheet(path, change)
    moved = {
        **{("登记表", f"G{row}"): f"=F{row}*1.1" for row in range(3, 9)},
        **{("登记表", f"H{row}"): f"=G{row}-F{row}" for row in (6, 7, 8)},
        ("登记表", "F9"): "=SUM(F3:F8)", ("登记表", "G9"): "=SUM(G3:G8)", ("登记表", "H9"): "H9 =SUM(F3:F8*2)",
    }  # fmt: skip
    return Shape(path, moved, computed="GH")


def from_1904(folder: Path) -> Shape:
    book, sheet = started()
    book.epoch = __import__("datetime").datetime(1904, 1, 1)
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


def prefixed(folder: Path) -> Shape:
    path = saved(started()[0], folder)

    def change(xml: bytes) -> bytes:
        xml = re.sub(rb"<(/?)(\w)", rb"<\1x:\2", xml)
        return xml.replace(b"xmlns=", b"xmlns:x=")

    raw_sheet(path, change)
    return Shape(path)


def chained(folder: Path) -> Shape:
    book, sheet = started()
    footed(sheet)
    path = saved(book, folder)
    remade(
        path,
        {
            "[Content_Types].xml": lambda xml: xml.replace(
                b"</Types>",
                b'<Override PartName="/xl/calcChain.xml" ContentType="application/vnd.openxmlformats-officedocument.'
                b'spreadsheetml.calcChain+xml"/></Types>',
            ),
            "xl/_rels/workbook.xml.rels": lambda xml: xml.replace(
                b"</Relationships>",
                b'<Relationship Id="rIdC" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
                b'calcChain" Target="calcChain.xml"/></Relationships>',
            ),
        },
        {"xl/calcChain.xml": b'<calcChain xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
         b'<c r="F6" i="1"/></calcChain>'},
    )  # fmt: skip
    return Shape(path, FOOT)


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


# --- .xls


def old(names: tuple[str, ...] = NAMES, rows: int = 3) -> tuple[Any, Any]:
    """Return an old book with title, header and prepared rows as `started`."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("登记表", cell_overwrite_ok=True)
    head = xlwt.easyxf(
        "font: bold on, name 宋体; borders: left thin; pattern: pattern solid, fore_colour ice_blue"
    )
    sheet.write_merge(
        0, 0, 0, len(names) - 1, "社区居民登记表", xlwt.easyxf("font: height 400; align: horiz center")
    )
    for column, name in enumerate(names):
        sheet.write(1, column, name, head)
    for row in range(2, 2 + rows):
        sheet.row(row).height = 430
        for column in range(len(names)):
            code = {2: "@", 5: "#,##0.00"}.get(column, "General")
            sheet.write(row, column, None, xlwt.easyxf("borders: left thin", num_format_str=code))
    return book, sheet


def old_saved(book: Any, folder: Path) -> Path:
    path = folder / "form.xls"
    book.save(str(path))
    return path


def old_plain(folder: Path) -> Shape:
    return Shape(old_saved(old()[0], folder))


def old_two_headers(folder: Path) -> Shape:
    book, sheet = old(("序号", "姓名", "身份证号", "住址", "电话", "金额"), rows=0)
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("登记表", cell_overwrite_ok=True)
    sheet.write_merge(0, 0, 0, 5, "登记表")
    for column, name in ((0, "序号"), (1, "姓名"), (4, "电话"), (5, "金额")):
        sheet.write_merge(1, 2, column, column, name)
    sheet.write_merge(1, 1, 2, 3, "住址")
    sheet.write(2, 2, "小区")
    sheet.write(2, 3, "门牌")
    for row in (3, 4, 5):
        for column in range(6):
            sheet.write(row, column, None, xlwt.easyxf("borders: left thin"))
    return Shape(old_saved(book, folder))


def old_totals(folder: Path) -> Shape:
    book, sheet = old((*NAMES, "累计"))
    for row in (3, 4, 5):
        sheet.write(row - 1, 6, xlwt.Formula(f"SUM(F$3:F{row})"), xlwt.easyxf("font: italic on"))
    sheet.write(5, 0, "合计")
    sheet.write(5, 5, xlwt.Formula("SUM(F3:F5)"))
    sheet.write_merge(6, 6, 0, 6, "填表人：")
    moved = {
        ("登记表", "F9"): "SUM(F3:F8)",
        **{("登记表", f"G{row}"): f"SUM(F$3:F{row})" for row in (6, 7, 8)},
    }
    return Shape(old_saved(book, folder), moved, computed="G")


def old_hidden(folder: Path) -> Shape:
    book, sheet = old()
    other = book.add_sheet("字典")
    other.visibility = 1
    other.write(0, 0, xlwt.Formula("SUM(登记表!F3:F5)+登记表!F6"))
    other.write(1, 0, "男")
    sheet.write(5, 0, "合计")
    sheet.write(5, 5, xlwt.Formula("SUM(F3:F5)"))
    sheet.protect, sheet.password = True, "1"
    sheet.panes_frozen, sheet.horz_split_pos = True, 2
    moved = {("登记表", "F9"): "SUM(F3:F8)", ("字典", "A1"): "SUM(登记表!F3:F8)+登记表!F9"}
    return Shape(old_saved(book, folder), moved)


def old_merged(folder: Path) -> Shape:
    book, sheet = old(rows=0)
    sheet.write(2, 0, "")
    for row in (2, 3, 4):
        sheet.write_merge(row, row, 3, 4, None, xlwt.easyxf("borders: left thin"))
        for column in (1, 2, 5):
            sheet.write(row, column, None)
    return Shape(old_saved(book, folder), letters="BCDF")


def old_many_texts(folder: Path) -> Shape:
    book, _ = old()
    other = book.add_sheet("长文")
    for row in range(400):
        other.write(row, 0, f"第{row}条 " + "一二三四五六七八九十" * (row % 60))
    other.write_rich_text(400, 0, [("红", xlwt.easyfont("colour red")), ("黑", xlwt.easyfont("bold on"))])
    return Shape(old_saved(book, folder))


def old_macro(folder: Path) -> Shape:
    path = old_saved(old()[0], folder)
    path.write_bytes(
        with_storage(path.read_bytes(), "_VBA_PROJECT_CUR", {"dir": b"x" * 100, "VBA": b"y" * 9000})
    )
    return Shape(path)


def with_storage(content: bytes, name: str, streams: Mapping[str, bytes]) -> bytes:
    """Return a compound file with a storage of streams beside its others, as a workbook with macros has it."""
    file = container.read(content)

    def entry(name: str, kind: int, left: int, right: int, child: int) -> bytes:
        raw = name.encode("utf-16-le") + b"\0\0"
        return (
            raw.ljust(64, b"\0")
            + struct.pack("<HBB3I", len(raw), kind, 1, left, right, child)
            + (bytes(range(16)) + b"\0" * 20 + struct.pack("<IQ", 0, 0))
        )

    none = container.NONE
    at = len(file.entries)
    file.entries.append(entry(name, 1, none, none, at + 1))
    for i, (stream, content_) in enumerate(streams.items(), start=1):
        last = i == len(streams)
        file.entries.append(entry(stream, 2, none, none if last else at + i + 1, none))
        file.streams[at + i] = content_
    while len(file.entries) % 4:
        file.entries.append(b"\0" * 68 + b"\xff" * 12 + b"\0" * 48)
    root = struct.unpack_from("<I", file.entries[0], 76)[0]
    first = bytearray(file.entries[root])
    struct.pack_into("<I", first, 68, at)
    file.entries[root] = bytes(first)
    return container.written(file, {})


XLSX = (
    plain, titled, two_headers, three_headers, numbered, totals, region, merged_rows, printed, lists, rules, coloured,
    hidden, protected, locked, commented, drawn, listed, folded, named, linked, macro, rich, shared, from_1904, twice,
    explained, clicked, prefixed, chained, styled_named, one_row, spaced, bare, second_sheet,
)  # fmt: skip
XLS = (old_plain, old_two_headers, old_totals, old_hidden, old_merged, old_many_texts, old_macro)
