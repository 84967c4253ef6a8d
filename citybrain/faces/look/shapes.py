"""Drawings without inline style: the shape of a state, and a spark line as SVG points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.safestring import SafeString

SHAPES: Final[dict[str, SafeString]] = {
    name: SafeString(drawing)
    for name, drawing in {
        # 10 × 10 boxes; each tone has its own outline, so that it is known without colour
        "normal": '<circle cx="5" cy="5" r="4.5"/>',
        "due_soon": '<path fill-rule="evenodd" d="M5 .5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9z'
        'm0 1.6v5.8a2.9 2.9 0 0 1 0-5.8z"/>',
        "late": '<path d="M5 .6l4.8 8.8h-9.6z"/>',
        "urgent": '<path d="M5 0l5 5l-5 5l-5-5z"/>',
        "paused": '<path d="M1.5 1h2.6v8H1.5zM5.9 1h2.6v8H5.9z"/>',
        "done": '<path d="M3.7 9L0 5.3l1.5-1.5l2.2 2.2l4.8-4.8L10 2.7z"/>',
        "info": '<rect x="1" y="1" width="8" height="8" rx="2"/>',
        "quiet": '<path fill-rule="evenodd" d="M5 .5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9z'
        'm0 1.6a2.9 2.9 0 1 1 0 5.8a2.9 2.9 0 1 1 0-5.8z"/>',
        "none": '<rect x="1" y="4" width="8" height="2" rx="1"/>',
    }.items()
}


@dataclass(frozen=True, slots=True)
class Spark:
    """A spark line in a box of 100 × 28: `points` of the line, `area` below it, `threshold` height or None."""

    points: str
    area: str
    threshold: float | None


def spark(values: Sequence[float], threshold: float | None = None) -> Spark | None:
    """Return the drawing of a series; None with fewer than two values.

    A flat series lies in the middle, one of zeros at the foot.
    """
    if len(values) < 2:
        return None
    known = [*values] if threshold is None else [*values, threshold]
    low, high = min(known), max(known)

    def height(value: float) -> float:
        if high == low:
            return 26.0 if high == 0 else 14.0
        return round(26 - 24 * (value - low) / (high - low), 2)

    width = 100 / (len(values) - 1)
    points = " ".join(f"{round(i * width, 2)},{height(value)}" for i, value in enumerate(values))
    return Spark(points, f"0,28 {points} 100,28", None if threshold is None else height(threshold))
