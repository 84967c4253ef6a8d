"""Whether the areas hold together: parents, codes, shapes that tile, decisions that could not be carried out."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import shapely
from django.utils import timezone

from citybrain.base.areas import tree
from citybrain.base.areas.models import Area, AreaDecision, AreaShape, DecisionState, Level
from citybrain.base.areas.shaping import surface_km2, union

DEFAULT_TOLERANCE = 0.001  # of an area's surface
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing found. `check`: parent, code, shape, overlap, gap or decision; `code`: the area's."""

    check: str
    severity: Severity
    code: str
    text: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def check_areas(tolerance: float = DEFAULT_TOLERANCE) -> list[Problem]:
    """Return all problems, errors first. `tolerance`: the share of a surface that may overlap or be missing."""
    areas = tree.read_tree()
    found = [*check_tree(areas), *check_decisions()]
    shapes = _shapes(areas)
    found.extend(check_coverage(areas, shapes))
    for level in Level:
        nodes = [node for node in areas.in_force(level) if node.id in shapes]
        found.extend(check_overlaps(nodes, [shapes[node.id] for node in nodes], tolerance))
    for node in areas.in_force():
        found.extend(check_gap(areas, node, shapes, tolerance))
    return sorted(found, key=lambda problem: (problem.severity, problem.check, problem.code))


def _shapes(areas: tree.AreaTree) -> dict[int, Any]:
    rows = list(AreaShape.objects.filter(area__valid_until=None).values_list("area_id", "wkb"))
    geometries = shapely.from_wkb([bytes(wkb) for _, wkb in rows])
    return {area_id: shape for (area_id, _), shape in zip(rows, geometries, strict=True)}


def check_tree(areas: tree.AreaTree) -> Iterator[Problem]:
    """Yield areas whose parent has ended or is not above, whose path is wrong, or whose code doesn't fit."""
    paths = dict(Area.objects.values_list("id", "path"))
    for node in areas.in_force():
        parent = areas.find(node.parent_id)
        if paths[node.id] != f"{paths[parent.id] if parent else ''}{node.id}.":
            yield Problem(
                "parent", "error", node.code, f"{node.name}: its path does not go through its parent"
            )
        if parent is None:
            if node.level != Level.CITY:
                yield Problem("parent", "error", node.code, f"{node.name} has no parent")
            continue
        if not parent.in_force:
            yield Problem("parent", "error", node.code, f"{node.name}: its parent {parent.code} has ended")
        if parent.level >= node.level:
            yield Problem(
                "parent", "error", node.code, f"{node.name}: its parent {parent.code} is not above it"
            )
        if not node.code.startswith(parent.code):
            text = f"{node.name}: its code does not begin with that of {parent.code} {parent.name}"
            yield Problem("code", "warning", node.code, text)


def check_decisions() -> Iterator[Problem]:
    """Yield decisions that failed, and those that are overdue (no worker runs)."""
    today = timezone.localdate()
    for decision in AreaDecision.objects.filter(state=DecisionState.FAILED):
        text = f"decision {decision.pk} ({decision.kind}, {decision.at}) failed: {decision.failure}"
        yield Problem("decision", "error", "", text)
    for decision in AreaDecision.objects.filter(state=DecisionState.PENDING, at__lt=today):
        text = f"decision {decision.pk} ({decision.kind}) has been due since {decision.at}; is the worker running?"
        yield Problem("decision", "error", "", text)


def check_coverage(areas: tree.AreaTree, shapes: dict[int, Any]) -> Iterator[Problem]:
    """Yield areas without a shape whose neighbours of the same parent have one."""
    missing: dict[int, list[tree.Node]] = defaultdict(list)
    shaped = {node.parent_id for node in areas.in_force() if node.id in shapes}
    for node in areas.in_force():
        if node.id not in shapes and node.parent_id is not None and node.parent_id in shaped:
            missing[node.parent_id].append(node)
    for nodes in missing.values():
        for node in nodes:
            yield Problem("shape", "warning", node.code, f"{node.name} has no shape, its neighbours have")


def check_overlaps(nodes: list[tree.Node], shapes: list[Any], tolerance: float) -> Iterator[Problem]:
    """Yield pairs of one level that share more than `tolerance` of the smaller one's surface."""
    if len(shapes) < 2:
        return
    listed = np.array(shapes, dtype=object)
    if shapely.coverage_is_valid(listed):
        return
    first, second = shapely.STRtree(listed).query(listed, predicate="intersects")
    once = first < second
    first, second = first[once], second[once]
    common = shapely.area(shapely.intersection(listed[first], listed[second]))
    surface = shapely.area(listed)
    share = common / np.minimum(surface[first], surface[second])
    for place in np.flatnonzero(share > tolerance):
        one, other = nodes[first[place]], nodes[second[place]]
        text = f"{one.name} and {other.code} {other.name} overlap on {share[place]:.1%} of the smaller one"
        yield Problem("overlap", "error", one.code, text)


def check_gap(
    areas: tree.AreaTree, node: tree.Node, shapes: dict[int, Any], tolerance: float
) -> Iterator[Problem]:
    """Yield an area whose children, all with shapes, leave more than `tolerance` of it empty, or reach out."""
    children = areas.children(node.id)
    if node.id not in shapes or not children or any(child.id not in shapes for child in children):
        return
    whole = shapes[node.id]
    covered = union([shapes[child.id] for child in children])
    if shapely.equals_exact(shapely.normalize(covered), shapely.normalize(whole), tolerance=1e-9):
        return
    for text, rest in (
        ("left empty by", shapely.difference(whole, covered)),
        ("exceeded by", covered - whole),
    ):
        if rest.area > tolerance * whole.area:
            km2 = float(surface_km2(np.array([rest], dtype=object))[0])
            share = rest.area / whole.area
            yield Problem(
                "gap",
                "error",
                node.code,
                f"{node.name} is {text} the areas below it: {km2:.3f} km² ({share:.1%})",
            )
