"""What was made of a file: the report, in words an officer reads and JSON a program reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext_lazy

from citybrain.base.exchange.reading.broken import Broken
from citybrain.base.exchange.reading.plan import Plan

REASONS = {
    "empty": gettext_lazy("文件是空的。"),
    "no_rows": gettext_lazy("文件里没有找到表格数据。"),
    "encrypted": gettext_lazy("文件设有密码，无法读取；请去掉密码后重新报送。"),
    "kind": gettext_lazy("这是%(kind)s文件，不是数据表；请报送 CSV、Excel、JSON 或 Parquet。"),
    "archive_many": gettext_lazy("压缩包里有 %(count)s 个文件（%(names)s），请每次只报送一个。"),
    "archive_none": gettext_lazy("压缩包里没有数据文件。"),
    "archive_deep": gettext_lazy("压缩包层层嵌套，请只压缩一次。"),
    "bomb": gettext_lazy(
        "文件解压后过大（已超过 %(unpacked)s 字节，原文件 %(packed)s 字节），疑似压缩炸弹，已停止读取。"
    ),
    "too_large": gettext_lazy(
        "文件有 %(bytes)s 字节，这种格式最多 %(limit)s 字节；请改用 CSV 或 JSON Lines。"
    ),
    "damaged": gettext_lazy("文件已损坏或不完整，请用原来的程序打开、另存后再上传（%(detail)s）。"),
    "rows": gettext_lazy("工作表超过 %(limit)s 行，Excel 放不下这么多；请改用 CSV 或 Parquet。"),
    "columns": gettext_lazy("文件有 %(count)s 列，最多 %(limit)s 列。"),
    "sheet": gettext_lazy("工作簿里没有名为“%(sheet)s”的工作表；有：%(sheets)s。"),
    "external": gettext_lazy("文件引用了外部实体，已拒绝读取。"),
    "json": gettext_lazy("JSON 里没有找到由对象组成的列表。"),
    "encoding": gettext_lazy("文件不是 %(encoding)s 编码：第 %(at)s 字节起无法解码。"),
}
NOTES = {
    "misnamed": gettext_lazy("文件名以 %(suffix)s 结尾，内容其实是 %(format)s，已按内容读取。"),
    "title_rows": gettext_lazy("表头以上有 %(count)s 行标题，未当作数据：%(text)s"),
    "header_rows": gettext_lazy("表头占 %(count)s 行，列名用“/”连接。"),
    "no_header": gettext_lazy("没有找到表头，列名按序号给出。"),
    "numbered": gettext_lazy("表头下的列序号行（1、2、3……）未当作数据。"),
    "unnamed": gettext_lazy("第 %(columns)s 列没有列名。"),
    "repeated": gettext_lazy("列名重复，已加序号：%(names)s"),
    "footer": gettext_lazy("表尾有 %(count)s 行合计或说明，未当作数据：%(text)s"),
    "merged": gettext_lazy("有 %(count)s 处合并单元格；纵向合并的已逐行补齐。"),
    "sparse": gettext_lazy("“%(names)s”列多为空白，可能是合并单元格留下的；可在来源设置里选择向下补齐。"),
    "filled": gettext_lazy("“%(names)s”列的空白已按上一行补齐。"),
    "formulas": gettext_lazy(
        "有 %(count)s 个公式，取表中保存的结果，未作计算；其中 %(bare)s 个没有结果，保留公式原文。"
    ),
    "formula_texts": gettext_lazy("有以 =、+、-、@ 开头的文本，仅作文本保存，不会执行。"),
    "sheets": gettext_lazy("工作簿有 %(count)s 个工作表，读取“%(sheet)s”；其余：%(others)s"),
    "bom_inside": gettext_lazy("文件中间有 %(count)s 个字节顺序标记，已去掉。"),
    "nul": gettext_lazy("文件里有 %(count)s 个空字节（NUL），已去掉。"),
    "undecodable": gettext_lazy("有 %(count)s 处字节无法解码，已标记；首处在第 %(line)s 行。"),
    "lost_digits": gettext_lazy(
        "“%(names)s”列的长数字已被 Excel 变成科学计数法，末位丢失，无法恢复；请从源系统重新导出。"
    ),
    "leading_zeros": gettext_lazy("“%(names)s”列有以 0 开头的数字，按文本保存。"),
    "nested": gettext_lazy("嵌套的对象已展开为“上级.下级”列，列表保留为 JSON 文本。"),
    "envelope": gettext_lazy("数据在“%(path)s”里。"),
    "old_newlines": gettext_lazy("换行符是旧式的，已转换。"),
    "column_limit": gettext_lazy("有超出表头列数的行，见未读入的行。"),
}


class Unreadable(ValueError):
    """A file that is refused, by name. `key` is one of REASONS; `str()` is in the reader's language."""

    def __init__(self, key: str, **params: Any) -> None:
        super().__init__(key)
        self.key = key
        self.params = params

    def __str__(self) -> str:
        return str(REASONS[self.key]) % self.params


@dataclass(frozen=True)
class Note:
    """Something a reader of the report should know. `key` is one of NOTES."""

    key: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(NOTES[self.key]) % self.params


@dataclass(frozen=True)
class Column:
    """A column as found. `kind` is guessed from the first rows: integer, decimal, date, timestamp, boolean, text."""

    name: str
    kind: str = "text"
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """The report on a file. `rows_good` and `rows_bad` are None until counted (`count`)."""

    name: str
    format: str
    columns: tuple[Column, ...]
    plan: Plan
    encoding: str = ""
    delimiter: str = ""
    container: str = ""
    sheet: str = ""
    header_rows: tuple[int, ...] = ()
    notes: tuple[Note, ...] = ()
    broken: tuple[Broken, ...] = ()
    rows_good: int | None = None
    rows_bad: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns in the file's order."""
        return tuple(column.name for column in self.columns)

    def count(self) -> "Reading":
        """Return the report with its rows counted and the broken ones kept, by one scan."""
        good, bad, broken = self.plan.count()
        return replace(self, rows_good=good, rows_bad=bad, broken=broken)

    def to_json(self) -> dict[str, Any]:
        """Return what `citybrain data read --json` prints and a run keeps; `from_json` takes it back."""
        return {
            "name": self.name,
            "format": self.format,
            "container": self.container,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "sheet": self.sheet,
            "header_rows": list(self.header_rows),
            "columns": [
                {"name": one.name, "kind": one.kind, "examples": list(one.examples)} for one in self.columns
            ],
            "rows_good": self.rows_good,
            "rows_bad": self.rows_bad,
            "broken": [{"line": one.line, "reason": one.reason, "text": one.text} for one in self.broken],
            "notes": [{"key": one.key, "params": dict(one.params), "text": str(one)} for one in self.notes],
            "plan": self.plan.to_json(),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Reading":
        """Return the report that `to_json` gave."""
        return cls(
            name=kept["name"],
            format=kept["format"],
            container=kept["container"],
            encoding=kept["encoding"],
            delimiter=kept["delimiter"],
            sheet=kept["sheet"],
            header_rows=tuple(kept["header_rows"]),
            columns=tuple(
                Column(one["name"], one["kind"], tuple(one["examples"])) for one in kept["columns"]
            ),
            rows_good=kept["rows_good"],
            rows_bad=kept["rows_bad"],
            broken=tuple(Broken(one["line"], one["reason"], one["text"]) for one in kept["broken"]),
            notes=tuple(Note(one["key"], one["params"]) for one in kept["notes"]),
            plan=Plan.from_json(kept["plan"]),
        )
