"""What is wrong with a row, in words: reasons as keys where they are kept, as sentences where they are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import get_language, gettext, gettext_lazy

from citybrain.base.catalogue.shape import Field, Shape

REASONS: Final = {
    "required": gettext_lazy("“%(field)s”不能为空"),
    "damaged": gettext_lazy("“%(field)s”有无法解码的字符"),
    "length": gettext_lazy("“%(field)s”应为%(length)s字，实为 %(found)s 字"),
    "integer": gettext_lazy("“%(field)s”不是整数"),
    "double": gettext_lazy("“%(field)s”不是数字"),
    "decimal": gettext_lazy("“%(field)s”不是 %(type)s 范围内的数字"),
    "boolean": gettext_lazy("“%(field)s”不是“是”或“否”"),
    "date": gettext_lazy("“%(field)s”不是有效日期"),
    "timestamp": gettext_lazy("“%(field)s”不是有效时间"),
    "json": gettext_lazy("“%(field)s”不是 JSON"),
    "geometry": gettext_lazy("“%(field)s”不是 %(type)s 的 WKT"),
    "lost_digits": gettext_lazy("“%(field)s”被 Excel 变成了科学计数法，末位已丢失，请从源系统重新导出"),
    "gb11643": gettext_lazy("“%(field)s”不是有效的公民身份号码（GB 11643 校验不通过）"),
    "gb32100": gettext_lazy("“%(field)s”不是有效的统一社会信用代码（GB 32100 校验不通过）"),
    "gb11714": gettext_lazy("“%(field)s”不是有效的组织机构代码（GB 11714 校验不通过）"),
    "code": gettext_lazy("“%(field)s”不在代码表 %(table)s 中"),
    "pattern": gettext_lazy("“%(field)s”不符合格式 %(pattern)s"),
    "minimum": gettext_lazy("“%(field)s”小于下限 %(minimum)s"),
    "maximum": gettext_lazy("“%(field)s”大于上限 %(maximum)s"),
    "rule": gettext_lazy("不符合规则：%(rule)s"),
    "duplicate_key": gettext_lazy("主键“%(field)s”在文件中出现多次，内容不同"),
    "broken": gettext_lazy("该行无法读取：%(why)s"),
}


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a row: the field (empty: the row), its value as it came, and a key of REASONS.

    For a rule `detail` is the rule's key, for a broken row the reader's reason.
    """

    field: str
    reason: str
    value: str | None = None
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the problem as a quarantined row keeps it."""
        told: dict[str, Any] = {"field": self.field, "reason": self.reason, "value": self.value}
        return told | ({"detail": self.detail} if self.detail else {})

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> "Problem":
        """Return the problem that `to_json` gave."""
        return Problem(kept["field"], kept["reason"], kept.get("value"), kept.get("detail", ""))


def parse(text: str, values: Mapping[str, str | None]) -> list[Problem]:
    """Return the problems written by the expressions as lines of field:reason; `values` are the cells as they came."""
    found = []
    for line in text.split("\n"):
        if not line:
            continue
        field, _, reason = line.partition(":")
        if reason.startswith("rule:"):
            found.append(Problem(field, "rule", values.get(field), reason[5:]))
        else:
            found.append(Problem(field, reason, values.get(field)))
    return found


def _named(field: Field) -> str:
    english = (get_language() or "").startswith("en")
    return field.en if english and field.en else field.zh


def explain(problem: Problem, shape: Shape) -> str:
    """Return a problem as a sentence in the reader's language."""
    names = [_named(shape.field(name)) for name in problem.field.split(",") if shape.has(name)]
    params: dict[str, Any] = {"field": "、".join(names) or problem.field, "why": _why(problem)}
    if shape.has(problem.field):
        field = shape.field(problem.field)
        exactly = gettext("%(length)s个") if field.type.kind == "char" else gettext("不超过 %(length)s 个")
        params |= {
            "length": exactly % {"length": field.type.length},
            "found": len(problem.value or ""),
            "type": field.type.text,
            "table": field.code_table,
            "pattern": field.pattern,
            "minimum": field.minimum,
            "maximum": field.maximum,
        }
    if problem.reason == "rule":
        rule = next((one for one in shape.rules if one.key == problem.detail), None)
        english = (get_language() or "").startswith("en")
        params["rule"] = problem.detail if rule is None else (english and rule.en) or rule.zh or rule.key
    return str(REASONS[problem.reason]) % params


def _why(problem: Problem) -> str:
    from citybrain.base.exchange.reading.broken import BROKEN_REASONS

    return BROKEN_REASONS[problem.detail]() if problem.detail in BROKEN_REASONS else problem.detail
