"""Rules between fields at a glance: the same verdict as rules.py on rows whose cells are right."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citybrain.base.catalogue.conditions import Condition, Rule
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.checks.cells import Flags
from citybrain.base.exchange.checks.columns import Batch, Column, constant

COMPARES: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "eq": pc.equal, "ne": pc.not_equal, "lt": pc.less, "le": pc.less_equal, "gt": pc.greater, "ge": pc.greater_equal,
}  # fmt: skip
Test = Callable[[Batch], Any]


def at_a_glance(rule: Rule, shape: Shape, columns: Mapping[str, Column]) -> Callable[[Batch], Flags] | None:
    """Return what tells which rows keep a rule; None where only the expressions can."""
    if rule.op in {"birth_of", "sex_of"}:
        return _of_number(rule, columns)
    holds = _test(rule.left, rule.op, rule.right, rule.value, shape, columns)
    when = _when(rule.when, shape, columns)
    if holds is None or when is None:
        return None

    def kept(batch: Batch) -> Flags:
        fine = _filled(holds(batch), True)
        return np.asarray(fine | ~_filled(when(batch), False))

    return kept


def _filled(found: Any, otherwise: bool) -> Flags:
    if isinstance(found, np.ndarray):
        return found
    return np.asarray(pc.fill_null(found, otherwise).to_numpy(zero_copy_only=False))


def _when(condition: Condition | None, shape: Shape, columns: Mapping[str, Column]) -> Test | None:
    if condition is None:
        return lambda batch: np.ones(len(batch.rows), np.bool_)
    return _test(condition.field, condition.op, None, condition.value, shape, columns)


def _test(
    left: str, op: str, right: str | None, value: Any, shape: Shape, columns: Mapping[str, Column]
) -> Test | None:
    """Return `left op right-or-value` as Arrow's answer, null where a side is empty."""
    if left not in columns or (right and right not in columns):
        return None
    if op in {"is_null", "not_null"}:
        tell = pc.is_null if op == "is_null" else pc.is_valid
        return lambda batch: tell(batch.typed[left])
    if op not in COMPARES:
        return None
    compare = COMPARES[op]
    if right:
        if shape.field(left).type.arrow() != shape.field(right).type.arrow():
            return None
        return lambda batch: compare(batch.typed[left], batch.typed[right])
    return _with_value(compare, left, value, shape)


def _with_value(compare: Callable[[Any, Any], Any], left: str, value: Any, shape: Shape) -> Test | None:
    try:
        told = constant(shape.field(left), value)
    except (ValueError, TypeError, ArithmeticError, pa.ArrowException):
        return None
    return lambda batch: compare(batch.typed[left], told)


def _of_number(rule: Rule, columns: Mapping[str, Column]) -> Callable[[Batch], Flags] | None:
    """The date, or the sex, is the one inside an identity number whose digits were looked at."""
    left, right = columns.get(rule.left), columns.get(rule.right or "")
    if left is None or right is None or right.field.check != "gb11643" or rule.when is not None:
        return None
    if rule.op == "birth_of" and left.field.type.kind != "date":
        return None
    if rule.op == "sex_of" and not left.field.type.is_text:
        return None

    def born(batch: Batch) -> Flags:
        days = batch.typed[left.field.name]
        same = np.asarray(pc.fill_null(days.cast(pa.int32()), 0)) == batch.days[right.field.name]
        return np.asarray(same | ~_filled(pc.is_valid(days), False) | _empty(batch, right))

    def sexed(batch: Batch) -> Flags:
        told, odd = batch.typed[left.field.name], batch.odd[right.field.name]
        man, woman = (_filled(pc.equal(told, sign), False) for sign in ("1", "2"))
        return np.asarray(~((man & ~odd) | (woman & odd)) | _empty(batch, right))

    return born if rule.op == "birth_of" else sexed


def _empty(batch: Batch, column: Column) -> Flags:
    return _filled(pc.is_null(batch.typed[column.field.name]), False)
