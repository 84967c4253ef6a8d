"""Lineage drawn from left to right: where rows come from, the data set, who uses them and what for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _

from citybrain.base.catalogue.lineage import Edge, Node

WIDE: Final = 220
HIGH: Final = 46
GAP: Final = 14
BETWEEN: Final = 90
LETTERS: Final = 15
MOST: Final = 10


@dataclass(frozen=True, slots=True)
class Box:
    """One box with its upper left corner; `title` is the whole text where `label` is cut."""

    x: int
    y: int
    label: str
    note: str
    title: str
    kind: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve between two boxes as SVG path data."""

    path: str
    live: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and lines in a field of so many units; `told` says the same in sentences; `more` isn't drawn."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    told: tuple[str, ...]
    more: int


Side = list[tuple[Node, str, bool]]  # what stands there, a note below it, whether it holds now


def draw(edges: Sequence[Edge], code: str, name: str) -> Drawing:
    """Return the drawing of the edges around one data set; without edges only the set itself."""
    left, right = _left(edges), _right(edges)
    shown = left[:MOST], right[:MOST]
    rows = max(len(shown[0]), len(shown[1]), 1)
    height = rows * (HIGH + GAP) + GAP
    middle = (height - HIGH) // 2
    places = (GAP, GAP + WIDE + BETWEEN, GAP + 2 * (WIDE + BETWEEN))
    here = Node("dataset", code, name)
    boxes = [_box(places[1], middle, here, code, linked=False)]
    lines: list[Line] = []
    for side, x in ((shown[0], places[0]), (shown[1], places[2])):
        top = (height - len(side) * (HIGH + GAP) + GAP) // 2
        for index, (node, note, live) in enumerate(side):
            y = top + index * (HIGH + GAP)
            boxes.append(_box(x, y, node, note, linked=True))
            start, end = (x + WIDE, y), (places[1], middle)
            if x > places[1]:
                start, end = (places[1] + WIDE, middle), (x, y)
            lines.append(Line(_curve(start, end), live))
    more = len(left) + len(right) - len(shown[0]) - len(shown[1])
    told = tuple([_came(node, note) for node, note, _live in left] + [_went(*one) for one in right])
    return Drawing(places[2] + WIDE + GAP, height, tuple(boxes), tuple(lines), told, more)


def _left(edges: Sequence[Edge]) -> Side:
    owners = {edge.target.key: edge.source.label for edge in edges if edge.kind == "owns"}
    found: Side = []
    for edge in edges:
        if edge.kind == "supplies":
            note = " · ".join(filter(None, [owners.get(edge.source.key, ""), edge.note.partition("：")[0]]))
            found.append((edge.source, note, edge.live))
        elif edge.kind == "related":
            found.append((edge.source, _("相关资源"), True))
    return found


def _right(edges: Sequence[Edge]) -> Side:
    used: Side = []
    served: Side = []
    for edge in edges:
        if edge.kind == "grants":
            used.append((edge.target, edge.note, edge.live))
        elif edge.kind == "serves":
            served.append((edge.target, _("服务事项"), True))
    return sorted(used, key=lambda one: not one[2]) + served


def _box(x: int, y: int, node: Node, note: str, *, linked: bool) -> Box:
    href = reverse("desk:data_set", args=[node.key]) if linked and node.kind == "dataset" else ""
    return Box(
        x, y, _cut(node.label), _cut(note, LETTERS * 2), f"{node.label} {note}".strip(), node.kind, href
    )


def _cut(text: str, most: int = LETTERS) -> str:
    """Cut a text to a width, where letters of Latin count half."""
    width = 0.0
    for index, letter in enumerate(text):
        width += 0.55 if ord(letter) < 0x2E80 else 1
        if width > most:
            return text[: index - 1] + "…"
    return text


def _curve(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x1, y1), (x2, y2) = start, end
    y1, y2, bend = y1 + HIGH // 2, y2 + HIGH // 2, (x1 + x2) // 2
    return f"M{x1} {y1}C{bend} {y1} {bend} {y2} {x2} {y2}"


def _came(node: Node, note: str) -> str:
    return _("来自 %(what)s（%(note)s）") % {"what": node.label, "note": note}


def _went(node: Node, note: str, live: bool) -> str:
    values = {"what": node.label, "note": note}
    return (_("用于 %(what)s（%(note)s）") if live else _("曾用于 %(what)s（%(note)s）")) % values
