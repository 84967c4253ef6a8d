"""What kind of thing a name ends in: a time, a telephone, a place, a number … Names that end in two kinds differ."""

import re
from functools import cache
from typing import Final

KINDS: Final = (  # the first that fits counts
    ("phone", r"电话|手机号?码?|联系方式|联系号码|电话号码"),
    ("phone number", r"号码"),
    ("time", r"时间|日期|年月日?|月份|年份|年代|期限|时限|有效期[止至起]?|到期日|(?<!节)(?<!生)日"),
    ("place", r"地址|住址|坐落|地点|位置|住所|坐标|经纬度|所在地"),
    ("money", r"金额|费用?|金|款额?|收入|资金|资本"),
    ("count", r"人数|户数|次数|件数|数量|个数|人口数?|总数"),
    ("number", r"证号|编号|编码|代码|账号|卡号|户号|表号|单号|文号|号"),
    ("person", r"姓名|人员?|[^成会党团委动演]员|者"),
    ("kind", r"类别|类型|种类|分类|等级|级别|性质"),
)
ENDINGS: Final = tuple((frozenset(key.split()), re.compile(f"(?:{words})$")) for key, words in KINDS)


@cache
def heads(name: str) -> frozenset[str]:
    """Return the kinds that a bare name may end in; empty where its end says nothing."""
    return next((kinds for kinds, words in ENDINGS if words.search(name)), frozenset())


def differ(one: str, other: str) -> bool:
    """Return whether two bare names end in different kinds of things."""
    mine, theirs = heads(one), heads(other)
    return bool(mine and theirs) and not mine & theirs


def agree(one: str, other: str) -> bool:
    """Return whether two bare names end in the same kind of thing, one that isn't a mere class."""
    return bool(heads(one) & heads(other) - {"kind"})
