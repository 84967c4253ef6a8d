"""Why a run waits, failed or was refused, in the reader's language."""

from typing import Any, Final

from django.utils.translation import gettext_lazy

from citybrain.base.exchange.models import Run
from citybrain.base.exchange.reading.report import REASONS

WHY: Final = {
    "nothing_new": gettext_lazy("来源没有新的数据。"),
    "same_file": gettext_lazy("与上次收到的文件完全相同，无需入库。"),
    "no_rows": gettext_lazy("文件里没有数据行。"),
    "no_fields": gettext_lazy(
        "文件的列与数据资源的信息项都对不上，请检查是否送错文件，或设置列与信息项的对应关系。"
    ),
    "fields_missing": gettext_lazy("文件缺少主键或必填的信息项：%(fields)s。请设置对应关系后继续。"),
    "columns_gone": gettext_lazy("与上次相比少了这些列：%(columns)s。请确认后继续，或设置新的对应关系。"),
    "too_many_bad": gettext_lazy(
        "%(rows)s 行中有 %(bad)s 行不合格，可能送错了文件；请确认后继续，或重新报送。"
    ),
    "ended_without_key": gettext_lazy("数据资源没有主键，不能按主键结束。"),
    "ended_column_gone": gettext_lazy("标记已结束的“%(column)s”列不见了，请改正来源的设置后重新报送。"),
    "failed": gettext_lazy("“%(step)s”一步没有成功：%(detail)s"),
}

STEPS: Final = {
    "land": gettext_lazy("接收"),
    "read": gettext_lazy("读取"),
    "part": gettext_lazy("分出已结束的行"),
    "check": gettext_lazy("检查"),
    "merge": gettext_lazy("入库"),
    "end": gettext_lazy("删除已结束的行"),
    "publish": gettext_lazy("更新查询副本"),
    "measure": gettext_lazy("统计"),
}


def why(run: Run) -> str:
    """Return the reason a run isn't done; empty for one that goes well."""
    key, params = str(run.error.get("key", "")), dict(run.error.get("params", {}))
    if not key:
        return ""
    if key.startswith("unreadable:"):
        return str(REASONS[key.partition(":")[2]]) % params
    if "step" in params:
        params["step"] = str(STEPS.get(params["step"], params["step"]))
    return str(WHY[key]) % params if key in WHY else key


def drift_lines(drift: dict[str, Any]) -> list[str]:
    """Return what changed in the columns, a line each."""
    renamed = dict(drift.get("renamed", ()))
    lines = [
        str(gettext_lazy("“%(old)s”可能改名为“%(new)s”")) % {"old": old, "new": new}
        for old, new in renamed.items()
    ]
    lines += [
        str(gettext_lazy("少了“%(name)s”列")) % {"name": name}
        for name in drift.get("missing", ())
        if name not in renamed
    ]
    lines += [
        str(gettext_lazy("多了“%(name)s”列")) % {"name": name}
        for name in drift.get("added", ())
        if name not in renamed.values()
    ]
    return lines
