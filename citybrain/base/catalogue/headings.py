"""Headings of the catalogue's form, and how a file's own headings are understood."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

HEADER_WITHIN: Final = 15
_NOISE: Final = re.compile(r"[\s*★:：()（）\[\]【】“”\"'、/\\_\-.]+")

# Column → its headings; the first is written, all are read.
ENTRY: Final[Mapping[str, tuple[str, ...]]] = {
    "code": ("数据资源标识", "资源标识", "目录标识", "英文标识", "表名", "code"),
    "resource_code": ("信息资源代码", "资源代码", "目录代码", "数据资源代码", "resource code"),
    "name_zh": ("信息资源名称", "数据资源名称", "资源名称", "目录名称", "name"),
    "name_en": ("英文名称", "name en"),
    "category": ("信息资源分类", "资源分类", "所属分类", "类目名称", "category"),
    "provider": ("信息资源提供方", "资源提供方", "提供方", "提供单位", "数源单位", "责任部门", "provider"),
    "department": ("提供方内部部门", "内部部门", "处室", "department"),
    "provider_code": ("资源提供方代码", "提供方代码"),
    "summary": ("信息资源摘要", "资源摘要", "摘要", "简介", "summary"),
    "formats": ("信息资源格式", "资源格式", "格式分类", "formats"),
    "share_type": ("共享类型", "share type"),
    "share_condition": ("共享条件", "不予共享依据", "共享条件依据", "share condition"),
    "share_modes": ("共享方式", "共享方式分类", "share modes"),
    "share_fields": ("无条件共享信息项", "share fields"),
    "open_type": ("开放类型", "是否向社会开放", "开放属性", "open type"),
    "open_condition": ("开放条件", "open condition"),
    "open_fields": ("开放信息项", "open fields"),
    "update_cycle": ("更新周期", "更新频率", "update cycle"),
    "grade": ("数据分级", "安全级别", "分级"),
    "published_at": ("发布日期",),
    "related": ("关联资源代码", "关联及类目名称", "关联数据资源", "related"),
    "scenes": ("应用场景", "使用场景", "scenes"),
}
FIELD: Final[Mapping[str, tuple[str, ...]]] = {
    "dataset": (
        "所属数据资源标识", "所属资源标识", "数据资源标识", "所属信息资源", "信息资源名称", "资源名称", "dataset",
    ),
    "name": ("信息项标识", "字段名", "字段英文名", "英文名", "信息项英文名称", "field", "name"),
    "zh": ("信息项名称", "字段中文名", "字段名称", "中文名", "信息项", "zh"),
    "en": ("信息项英文", "en"),
    "type": ("数据类型", "类型", "字段类型", "type"),
    "length": ("数据长度", "长度", "字段长度", "length"),
    "grade": ("信息项分级", "分级", "安全级别", "grade"),
    "personal": ("个人信息", "是否个人信息", "personal"),
    "key": ("是否主键", "主键", "key"),
    "required": ("是否必填", "必填", "是否非空", "required"),
    "mask": ("脱敏规则", "脱敏", "mask"),
    "code_table": ("代码表", "字典", "值域", "code table"),
    "check": ("校验规则", "校验码", "check"),
    "minimum": ("最小值", "minimum"),
    "maximum": ("最大值", "maximum"),
    "pattern": ("格式", "正则表达式", "pattern"),
    "note": ("说明", "备注", "描述", "note"),
}  # fmt: skip
NEEDED: Final = {"entry": ("name_zh",), "field": ("zh", "type")}


def plain(heading: str) -> str:
    """Return a heading without blanks, stars, brackets and case: “* 信息资源 名称（必填）” → 信息资源名称."""
    text = unicodedata.normalize("NFKC", heading).lower()
    text = re.sub(r"[(（].*?[)）]", "", text)
    return _NOISE.sub("", text)


def places(cells: Sequence[str], known: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Return the column of each heading that is there. The first heading of a list wins over later ones."""
    bare = [plain(cell) for cell in cells]
    found: dict[str, int] = {}
    taken: set[int] = set()
    ranked = sorted(
        ((rank, name, plain(title)) for name, titles in known.items() for rank, title in enumerate(titles)),
        key=lambda one: one[0],
    )
    for _rank, name, title in ranked:
        if name in found or title not in bare:
            continue
        at = next((place for place, cell in enumerate(bare) if cell == title and place not in taken), None)
        if at is not None:
            found[name] = at
            taken.add(at)
    return found


def header(
    lines: Sequence[Sequence[str]], known: Mapping[str, tuple[str, ...]], needed: Sequence[str]
) -> tuple[int, dict[str, int]] | None:
    """Return the number of the header line (from 0) and its columns: the line within the first that fits most."""
    best: tuple[int, dict[str, int]] | None = None
    for number, cells in enumerate(lines[:HEADER_WITHIN]):
        found = places(cells, known)
        if all(name in found for name in needed) and (best is None or len(found) > len(best[1])):
            best = number, found
    return best
