"""Workbooks with what a library doesn't write or loses: macros, links, shared formulas, rich texts, drawings."""

import re
from io import BytesIO
from pathlib import Path

from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.table import Table as ListObject
from PIL import Image as Picture

from citybrain.hub.forms.tests.shaping import FOOT, NAMES, Shape, footed, raw_sheet, remade, saved, started


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


def linked(folder: Path) -> Shape:
    book, sheet = started()
    sheet["A7"], sheet["B7"] = "备注：", "=[1]上年!$F$6"
    path = saved(book, folder)
    remade(
        path,
        {
            "xl/workbook.xml": lambda xml: xml.replace(
                b"</sheets>",
                b'</sheets><externalReferences><externalReference xmlns:r="http://schemas.openxmlformats.org/'
                b'officeDocument/2006/relationships" r:id="rIdOut"/></externalReferences>',
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


def commented(folder: Path) -> Shape:
    book, sheet = started()
    footed(sheet)
    sheet["C2"].comment, sheet["F6"].comment = Comment("18 位", "民政局"), Comment("自动计算", "民政局")
    return Shape(saved(book, folder), FOOT)
