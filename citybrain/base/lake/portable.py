"""What engines answer differently, in one place: refused, or said in a way that every engine takes alike.

Held against DuckDB, Sail and Spark by `make cluster` and tests/test_engines.py; told to people in docs/scale.md.
"""

from collections.abc import Mapping
from typing import Any, Final

import ibis.expr.operations as ops

ADVICE: Final[Mapping[type[Any], str]] = {
    ops.ApproxCountDistinct: "each engine has a sketch of its own; count with nunique()",
    ops.ApproxMedian: "each engine has a sketch of its own; use median()",
    ops.ApproxQuantile: "each engine has a sketch of its own; use quantile()",
    ops.ExtractEpochSeconds: "parts of a second break it on one engine; use portable.epoch_seconds()",
}
COLLECTED: Final = (
    "rows come in an order of the engine's own, and Spark takes no other; fetch them sorted, join them here"
)
ROUNDED: Final = "DuckDB rounds, Spark and Sail cut off; use portable.whole()"


class NotPortable(ValueError):
    """An expression that engines answer differently."""


def portable(expression: Any) -> Any:
    """Return the expression itself. Raises NotPortable naming its first part that engines differ in."""
    for node in expression.op().find(ops.Node):
        advice = _advice(node)
        if advice:
            raise NotPortable(f"lake: {type(node).__name__} isn't the same on every engine: {advice}")
    return expression


def _advice(node: Any) -> str | None:
    for kind, advice in ADVICE.items():
        if isinstance(node, kind) and not _whole_seconds(node):
            return advice
    if isinstance(node, ops.GroupConcat | ops.ArrayCollect | ops.First | ops.Last):
        return COLLECTED
    if isinstance(node, ops.Cast | ops.TryCast) and node.to.is_integer() and _broken(node.arg):
        return ROUNDED
    return None


def _whole_seconds(node: Any) -> bool:
    """Return whether a node is what `epoch_seconds` makes: seconds of a time cut to seconds or coarser."""
    if not isinstance(node, ops.ExtractEpochSeconds) or not isinstance(node.arg, ops.TimestampTruncate):
        return False
    return node.arg.unit.short not in {"ms", "us", "ns"}


def _broken(value: Any) -> bool:
    """Return whether a value may have a fraction: a float or decimal that wasn't just made whole."""
    kind = value.dtype
    whole = isinstance(value, ops.Round | ops.Floor | ops.Ceil)
    return not whole and bool(kind.is_floating() or (kind.is_decimal() and kind.scale != 0))


def whole(column: Any) -> Any:
    """Return numbers rounded to int64, halves away from nought, on every engine."""
    return column.round().cast("int64")


def epoch_seconds(stamp: Any) -> Any:
    """Return whole seconds since 1970 of a time, its parts of a second cut off."""
    return stamp.truncate("s").epoch_seconds()
