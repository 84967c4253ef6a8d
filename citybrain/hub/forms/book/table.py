"""A form's table within its workbook, and what is said about a workbook or a cell that can't be taken as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from django.utils.translation import gettext_lazy

from citybrain.hub.forms.columns import Column

Value = str | int | float | Decimal | bool | date | None
Filling = Sequence[Mapping[str, Value]]
"""Rows to be written: letter of the column → value. Texts are written as the column's type asks for."""

REASONS: Final = {
    "kind": gettext_lazy("这是 %(kind)s 文件；请报送 Excel 表（.xlsx、.xlsm 或 .xls）。"),
    "old": gettext_lazy("这是 Excel 95 或更早的格式，无法填写；请用 Excel 或 WPS 打开后另存为 .xlsx。"),
    "sheet": gettext_lazy("工作簿里没有名为“%(sheet)s”的工作表；有：%(sheets)s。"),
    "header": gettext_lazy(
        "表头与下发的不一致，无法确定各列：%(columns)s。请用下发的原表填写，不要改动表头。"
    ),
    "many_rows": gettext_lazy(
        "表里有 %(count)s 行数据，一张表最多 %(limit)s 行；这是数据而不是报表，请作为数据源接入，"
        "或按社区分开下发。"
    ),
    "many_written": gettext_lazy("要写 %(count)s 行，一个工作簿最多 %(limit)s 行；请分区域导出。"),
    "many_cells": gettext_lazy(
        "工作表“%(sheet)s”有 %(count)s 个单元格（多为空白格式），最多 %(limit)s 个；请删除表格以下的空白行。"
    ),
    "sheet_full": gettext_lazy("要写 %(count)s 行，这种格式的工作表最多到第 %(limit)s 行；请改用 .xlsx。"),
    "grow_pivot": gettext_lazy("表格下方有数据透视表，无法在其上方插入行；请增加空白行后重新报送。"),
    "grow_merged": gettext_lazy(
        "合并单元格 %(reference)s 跨出了表格的数据行，无法插入行；请取消合并或预留足够的空白行。"
    ),
    "grow_data_table": gettext_lazy("单元格 %(reference)s 是模拟运算表，无法在其上方插入行。"),
    "grow_formula": gettext_lazy(
        "单元格 %(reference)s 的公式无法随插入的行调整；请预留足够的空白行，或另存为 .xlsx。"
    ),
}
NOTES: Final = {
    "misnamed": gettext_lazy("文件名以 %(suffix)s 结尾，内容其实是 %(kind)s，已按内容读取。"),
    "macros": gettext_lazy("工作簿里有宏：原样保留，从不运行。"),
    "links": gettext_lazy("公式引用了别的文件（%(names)s）：原样保留，从不打开；其中的值可能已过时。"),
    "hidden": gettext_lazy("有隐藏的工作表（%(sheets)s）：原样保留，不填写。"),
    "protected": gettext_lazy("工作表“%(sheet)s”受保护：照常填写，保护原样保留。"),
    "locked": gettext_lazy("工作簿的结构受保护：原样保留。"),
    "others": gettext_lazy("工作簿有 %(count)s 个工作表，填写“%(sheet)s”，其余原样保留。"),
    "signed": gettext_lazy("工作簿带有数字签名；填写后签名失效。"),
    "repeated": gettext_lazy("有同名的列（%(names)s），按列的位置区分。"),
    "legend": gettext_lazy("表下有说明或合计（第 %(row)s 行起），不当作数据，随表保留。"),
    "header_rows": gettext_lazy("表头占 %(count)s 行。"),
    "moved": gettext_lazy("表头不在原来的第 %(was)s 行，而在第 %(row)s 行，已按表头读取。"),
    "emptied": gettext_lazy("表里没有填写任何一行。"),
}
PROBLEMS: Final = {
    "formula": gettext_lazy("是公式，由表自行计算，未覆盖。"),
    "merged": gettext_lazy("在合并单元格之内，未写入。"),
    "date": gettext_lazy("“%(text)s”不是日期；请写成 2024-03-05 的样子。"),
    "number": gettext_lazy("“%(text)s”不是数字。"),
    "digits": gettext_lazy("“%(text)s”的末几位已被 Excel 丢失；请把单元格设为文本后重新填写。"),
    "error": gettext_lazy("单元格是错误值 %(text)s。"),
    "bare": gettext_lazy("公式没有保存结果；请用 Excel 打开并保存后再报送。"),
    "beyond": gettext_lazy("表格之外还有内容“%(text)s”，未读入。"),
}


class NotTaken(ValueError):
    """A workbook that can't be used, read back or grown. `key` is one of REASONS; `str()` is for the reader."""

    def __init__(self, key: str, **params: Any) -> None:
        super().__init__(key)
        self.key = key
        self.params = params

    def __str__(self) -> str:
        return str(REASONS[self.key]) % self.params


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know about a workbook. `key` is one of NOTES."""

    key: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(NOTES[self.key]) % self.params


@dataclass(frozen=True, slots=True)
class Problem:
    """A cell that was left out. `key` is one of PROBLEMS, `reference` as Excel names it ("C5")."""

    reference: str
    key: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.reference}: " + str(PROBLEMS[self.key]) % self.params


@dataclass(frozen=True, slots=True)
class Table:
    """Where a form's table is: rows are counted from 1, `begins` is the first one to be filled.

    `kind` is xlsx, xlsm or xls; empty: found out from the file's content.
    """

    path: Path
    sheet: str
    header_first: int
    header_last: int
    begins: int
    columns: tuple[Column, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A filled workbook. `added` are the rows put in beyond those the form had prepared; `problems` what was left."""

    content: bytes
    kind: str
    rows: int
    cells: int
    added: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenRow:
    """A row of a workbook that was filled elsewhere: its number there, letter → text."""

    number: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Taken:
    """What was read back. Days are ISO texts, numbers plain digits; a cell with a problem is as it was written."""

    rows: tuple[TakenRow, ...]
    notes: tuple[Note, ...] = ()
    problems: tuple[Problem, ...] = ()
