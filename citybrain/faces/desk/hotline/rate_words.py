"""The rates in words: what each counts above and below its line, read from its definition."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from citybrain.hub.hotline import rates
from citybrain.hub.hotline.rates import Definition

FACTS: Final[Mapping[str, Promise]] = {
    "valid": gettext_lazy("有效工单"),
    "dispatched": gettext_lazy("已派单"),
    "replied": gettext_lazy("已答复"),
    "replied_in_limit": gettext_lazy("按时答复"),
    "due": gettext_lazy("已答复或已到期"),
    "signed": gettext_lazy("已签收"),
    "signed_in_limit": gettext_lazy("按时签收"),
    "visited": gettext_lazy("已回访"),
    "contacted": gettext_lazy("承办单位联系过来电人"),
    "solved": gettext_lazy("已解决"),
    "very_satisfied": gettext_lazy("非常满意"),
    "satisfied": gettext_lazy("满意"),
    "fairly_satisfied": gettext_lazy("基本满意"),
    "dissatisfied": gettext_lazy("不满意"),
    "very_dissatisfied": gettext_lazy("非常不满意"),
    "question": gettext_lazy("咨询"),
    "help": gettext_lazy("求助"),
    "complaint": gettext_lazy("投诉"),
    "report": gettext_lazy("举报"),
    "suggestion": gettext_lazy("建议"),
    "praise": gettext_lazy("表扬"),
    "urgent": gettext_lazy("紧急"),
    "returned": gettext_lazy("退过单"),
    "redone": gettext_lazy("重办过"),
    "extended": gettext_lazy("延过期"),
    "answered_directly": gettext_lazy("热线直接答复"),
    "by_case": gettext_lazy("已转案件"),
}
MOMENTS: Final[Mapping[str, Promise]] = {
    "received_at": gettext_lazy("按收到时间"),
    "replied_at": gettext_lazy("按答复时间"),
    "visited_at": gettext_lazy("按回访时间"),
    "concluded_at": gettext_lazy("按办结时间"),
}
PARTS: Final[Mapping[str, Promise]] = {
    "above": gettext_lazy("%(rate)s：计入分子的"),
    "below": gettext_lazy("%(rate)s：计入分母的"),
    "missed": gettext_lazy("%(rate)s：没做到的"),
}


def fact_words(fact: str) -> str:
    """Return a fact of a definition in words; "a|b" is either, "!a" is not."""
    said = []
    for one in fact.split("|"):
        word = str(FACTS.get(one.removeprefix("!"), one.removeprefix("!")))
        said.append(_("不是“%(fact)s”") % {"fact": word} if one.startswith("!") else word)
    return _("或").join(said)


def side_words(facts: tuple[str, ...]) -> str:
    """Return all the facts of one side of the line."""
    return _("、").join(fact_words(one) for one in facts) or _("全部工单")


def definition_words(one: Definition) -> dict[str, str]:
    """Return what a rate divides by what, and which moment puts a ticket into a span."""
    return {"above": side_words(one.above), "below": side_words(one.below), "by": str(MOMENTS[one.by])}


def counted_word(counted: str) -> str:
    """Return what a list of a rate's tickets is called, empty for none."""
    key, _dot, part = counted.partition(".")
    found = next((one for one in rates.definitions() if one.key == key), None) if counted else None
    return str(PARTS[part]) % {"rate": found.name} if found is not None else ""
