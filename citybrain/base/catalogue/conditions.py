"""Conditions on rows and rules between fields, as data: kept as JSON, compiled elsewhere, defined here.

`holds` is the meaning; whoever compiles a condition or rule to SQL must agree with it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, get_args

Op = Literal["eq", "ne", "in", "lt", "le", "gt", "ge", "prefix", "between", "is_null", "not_null"]
OPS: Final[tuple[Op, ...]] = get_args(Op)
RuleOp = Literal[
    "eq", "ne", "in", "lt", "le", "gt", "ge", "prefix", "between", "is_null", "not_null", "birth_of", "sex_of"
]
RULE_OPS: Final[tuple[RuleOp, ...]] = get_args(RuleOp)
NO_VALUE: Final = frozenset({"is_null", "not_null"})


@dataclass(frozen=True, slots=True)
class Condition:
    """`field op value`. `in` takes a list, `between` a pair (both ends inside), `prefix` a text.

    An empty field fulfils is_null only. Values are JSON: text, numbers, booleans; dates as ISO text.
    """

    field: str
    op: Op
    value: Any = None

    def to_json(self) -> dict[str, Any]:
        return {"field": self.field, "op": self.op} | (
            {} if self.op in NO_VALUE else {"value": list(self.value) if self.op in _LISTS else self.value}
        )

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Condition":
        """Return the condition. Raises ValueError naming what is wrong with it."""
        field, op = str(data.get("field", "")), str(data.get("op", ""))
        known = next((one for one in OPS if one == op), None)
        if not field or known is None:
            raise ValueError(f"condition {dict(data)!r}: field and op ({', '.join(OPS)}) are needed")
        value = data.get("value")
        if known in _LISTS and not isinstance(value, list | tuple):
            raise ValueError(f"condition on {field}: {known} takes a list, {value!r} received")
        if known == "between" and len(value or ()) != 2:
            raise ValueError(f"condition on {field}: between takes two values, {value!r} received")
        if known not in NO_VALUE and value is None:
            raise ValueError(f"condition on {field}: {known} takes a value")
        return Condition(field, known, tuple(value) if known in _LISTS and value is not None else value)

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Return whether a row (typed or JSON values) fulfils it."""
        return compared(row.get(self.field), self.op, self.value)


_LISTS: Final = frozenset({"in", "between"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule between the fields of one row: `left op right`, where `right` is another field, or `left op value`.

    Holds where a side is empty (`required` is another matter), except for is_null and not_null. With `when`
    it is asked only of rows that fulfil that condition. `birth_of`: the date `left` is the birth date inside
    the 18-digit 公民身份号码 `right`; `sex_of`: the code `left` (1 man, 2 woman) is that of `right`'s 17th
    digit; both hold where `right` isn't 18 long. `prefix`: text `left` begins with `right` (or `value`).
    """

    key: str
    zh: str
    en: str
    left: str
    op: RuleOp
    right: str | None = None
    value: Any = None
    when: Condition | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields it reads, the left one first."""
        named = [self.left, self.right, self.when.field if self.when else None]
        return tuple(dict.fromkeys(name for name in named if name))

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "key": self.key,
            "zh": self.zh,
            "en": self.en,
            "left": self.left,
            "op": self.op,
        }
        if self.right is not None:
            told["right"] = self.right
        if self.value is not None:
            told["value"] = list(self.value) if isinstance(self.value, tuple) else self.value
        if self.when is not None:
            told["when"] = self.when.to_json()
        return told

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Rule":
        """Return the rule. Raises ValueError for an unknown op or a missing side."""
        op = next((one for one in RULE_OPS if one == data.get("op")), None)
        if op is None or not data.get("left"):
            raise ValueError(f"rule {dict(data)!r}: left and op ({', '.join(RULE_OPS)}) are needed")
        value = data.get("value")
        if op not in NO_VALUE and (data.get("right") is None) == (value is None):
            raise ValueError(f"rule {data.get('key')!r}: either right (a field) or value is needed")
        return Rule(
            key=str(data.get("key") or f"{data['left']}_{op}_{data.get('right') or ''}".rstrip("_")),
            zh=str(data.get("zh", "")),
            en=str(data.get("en", "")),
            left=str(data["left"]),
            op=op,
            right=data.get("right"),
            value=tuple(value) if isinstance(value, list) else value,
            when=Condition.from_json(data["when"]) if data.get("when") else None,
        )

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Return whether a row keeps the rule."""
        if self.when is not None and not self.when.holds(row):
            return True
        left = row.get(self.left)
        if self.op in NO_VALUE:
            return compared(left, self.op, None)
        right = row.get(self.right) if self.right else self.value
        if left is None or right is None:
            return True
        if self.op in {"birth_of", "sex_of"}:
            return _from_number(left, self.op, str(right))
        return compared(left, self.op, right)


def _from_number(left: Any, op: str, number: str) -> bool:
    if len(number) != 18 or not number[:17].isdigit():
        return True
    if op == "birth_of":
        told = left.strftime("%Y%m%d") if isinstance(left, date) else str(left)[:10].replace("-", "")
        return told == number[6:14]
    return str(left) not in {"1", "2"} or int(left) == 2 - int(number[16]) % 2


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def compared(left: Any, op: str, right: Any) -> bool:
    """Return whether `left op right` holds for JSON or typed values; an empty left fulfils is_null only."""
    if op in NO_VALUE:
        return (left is None) == (op == "is_null")
    if left is None or (isinstance(left, float) and math.isnan(left)):
        return False
    left = _plain(left)
    if op == "in":
        return left in {_plain(one) for one in right}
    if op == "between":
        return bool(_plain(right[0]) <= left <= _plain(right[1]))
    right = _plain(right)
    if op == "prefix":
        return str(left).startswith(str(right))
    outcomes = {
        "eq": left == right,
        "ne": left != right,
        "lt": op == "lt" and left < right,
        "le": op == "le" and left <= right,
        "gt": op == "gt" and left > right,
        "ge": op == "ge" and left >= right,
    }
    return bool(outcomes[op])
