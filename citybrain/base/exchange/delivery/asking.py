"""What a call asks for, looked at before the database is. Everything raises Refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.utils.translation import gettext_lazy as _

from citybrain.base.exchange.delivery.compile import Asked
from citybrain.base.exchange.delivery.plans import Plan
from citybrain.base.exchange.delivery.refusals import Refused
from citybrain.base.lake.serving import SEPARATOR

LONGEST_KEY: Final = 200  # letters of one key field


@dataclass(slots=True)
class Request:
    """One call."""

    key_hash: str
    body: bytes

    def json(self, *members: str) -> dict[str, Any]:
        """Return the body: a JSON object with no other members than these."""
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError as bad:
            text = _("请求内容不是有效的 JSON（第 %(line)d 行第 %(column)d 列）。")
            raise Refused("bad_json", text, 400, {"line": bad.lineno, "column": bad.colno}) from None
        if not isinstance(found, dict):
            raise Refused("bad_request", _("请求内容应为 JSON 对象。"), 400)
        strange = [name for name in found if name not in members]
        if strange:
            told = {"names": "、".join(name[:60] for name in strange[:10]), "known": "、".join(members)}
            raise Refused("unknown_member", _("不认识的参数：%(names)s。可用参数：%(known)s。"), 422, told)
        return found


def fields_of(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields asked for; none: all that are granted."""
    fields = body.get("fields")
    return Asked.from_json({"fields": fields}).fields if fields else ()


def fitting(plan: Plan, code: str, *, without_copy: bool = False) -> None:
    """Refuse unless the plan is of this set and has a copy to look in."""
    if plan.policy.dataset_code != code:
        raise Refused("not_here", _("该密钥不能访问此数据集。"), 404)
    if not plan.relation and not without_copy:
        raise Refused("no_copy", _("该数据集的查询副本正在准备，请稍后重试。"), 503, after=10)


def allowed(plan: Plan, mode: str) -> None:
    """Refuse a mode that isn't granted."""
    if mode not in plan.policy.modes:
        raise Refused("mode_not_granted", _("授权不包含这种获取方式。"), 403)


def key_text(plan: Plan, given: Any) -> str:
    """Return a key as the copy writes it; a text, or an object with every key field."""
    names = plan.shape.keys
    if isinstance(given, dict) and len(names) == len(given) and set(names) == set(given):
        values = [given[name] for name in names]
    elif len(names) == 1:
        values = [given]
    else:
        raise _bad_key(plan)
    texts = [value if isinstance(value, str) else str(value) for value in values if _plain(value)]
    if len(texts) < len(names) or any("\0" in text or len(text) > LONGEST_KEY for text in texts):
        raise _bad_key(plan)
    return texts[0] if len(texts) == 1 else SEPARATOR.join(texts)


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _bad_key(plan: Plan) -> Refused:
    count = len(plan.shape.keys)
    return Refused("bad_key", _("key 应给出全部 %(count)d 个主键字段的值。"), told={"count": count})
