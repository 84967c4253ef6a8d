"""Rules between fields as expressions that agree with `Rule.holds` and `Condition.holds`."""

from collections.abc import Mapping
from typing import Any

import ibis

from citybrain.base.catalogue.conditions import NO_VALUE, Condition, Rule
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.checks.texts import _limit


def broken(rule: Rule, shape: Shape, typed: Mapping[str, Any]) -> Any:
    """Return an expression that is true where a row breaks the rule, and never null."""
    violated = ~_holds(rule, shape, typed)
    if rule.when is not None:
        violated = violated & _met(rule.when, shape, typed)
    return violated.fill_null(False)


def _met(condition: Condition, shape: Shape, typed: Mapping[str, Any]) -> Any:
    return _compared(
        typed[condition.field], condition.op, _values(condition.field, condition.value, shape)
    ).fill_null(False)


def _holds(rule: Rule, shape: Shape, typed: Mapping[str, Any]) -> Any:
    left = typed[rule.left]
    if rule.op in NO_VALUE:
        return _compared(left, rule.op, None)
    right = typed[rule.right] if rule.right else _values(rule.left, rule.value, shape)
    if rule.op == "birth_of":
        return _birth(left, right, shape.field(rule.left).type.kind)
    if rule.op == "sex_of":
        return _sex(left, right)
    return _compared(left, rule.op, right)


def _values(field: str, value: Any, shape: Shape) -> Any:
    if isinstance(value, list | tuple):
        return [_one(field, one, shape) for one in value]
    return None if value is None else _one(field, value, shape)


def _one(field: str, value: Any, shape: Shape) -> Any:
    told = shape.field(field)
    return _limit(told, value) if told.type.kind in {"date", "timestamp"} else ibis.literal(value)


def _birth(left: Any, number: Any, kind: str) -> Any:
    """The date is that inside the number; holds where the number isn't 18 signs beginning with 17 digits."""
    day = left if kind == "date" else left.cast("date")
    told = day.cast("string").substr(0, 10).replace("-", "")
    return ~number.re_search(r"^[0-9]{17}.$") | (told == number.substr(6, 8))


def _sex(left: Any, number: Any) -> Any:
    odd = (number.substr(16, 1).ascii_str() % 2) == 1
    told = left.cast("string")
    agrees = ibis.ifelse(told == "1", odd, ~odd)
    return ~number.re_search(r"^[0-9]{17}.$") | ~told.isin(["1", "2"]) | agrees


def _compared(left: Any, op: str, right: Any) -> Any:
    """Return `left op right` as an expression."""
    plain = {
        "is_null": lambda: left.isnull(),
        "not_null": lambda: left.notnull(),
        "eq": lambda: left == right,
        "ne": lambda: left != right,
        "lt": lambda: left < right,
        "le": lambda: left <= right,
        "gt": lambda: left > right,
        "ge": lambda: left >= right,
        "in": lambda: left.isin(right),
        "between": lambda: left.between(right[0], right[1]),
        "prefix": lambda: left.startswith(right),
    }
    return plain[op]()
