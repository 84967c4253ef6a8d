"""What a decision does to areas: whether it can be carried out, and carrying it out.

Plans name areas by id, so that a plan made today still means the same areas after a recoding. Every function
here runs inside the transaction of `decisions`, which holds all other changes off.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import shapely
from django.db import connection

from citybrain.base.areas import codes, shaping, tree
from citybrain.base.areas.errors import AreaError
from citybrain.base.areas.models import (
    CODE_LENGTHS,
    Area,
    AreaChange,
    AreaDecision,
    AreaShape,
    DecisionKind,
    Level,
)
from citybrain.base.areas.names import english_name, pinyin_key

Plan = Mapping[str, Any]
LONGEST_NAME = 100
MOST_OVERLAP = 0.001  # of the smaller part's surface


def standing(areas: tree.AreaTree, area_id: int) -> tree.Node:
    """Return the area, which must be in force; raises AreaError."""
    node = areas.find(area_id)
    if node is None:
        raise AreaError(f"there is no area with id {area_id}")
    if not node.in_force:
        raise AreaError(f"the area {node.code} {node.name} has ended")
    return node


def good_name(name: str) -> str:
    """Return the name, trimmed; raises AreaError."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise AreaError(f"name {name[:40]!r}: 1 to {LONGEST_NAME} printable characters are needed")
    return name


def clean_code(code: str) -> str:
    """Return the code without padding; raises AreaError."""
    try:
        return codes.normalise(code)
    except codes.BadCode as error:
        raise AreaError(str(error)) from None


def good_code(code: str, level: int) -> str:
    """Return the code for an area of a level; raises AreaError."""
    clean = clean_code(code)
    if codes.level_of(clean) != level and not (level == Level.CITY and len(clean) == 6):
        raise AreaError(f"code {clean} has {len(clean)} digits, which no {Level(level).name.lower()} has")
    return clean


def check_free(areas: tree.AreaTree, code: str, unless: Iterable[int] = ()) -> None:
    """Raise AreaError if another area in force has the code."""
    held = next((node for node in areas.in_force() if node.code == code and node.id not in unless), None)
    if held:
        raise AreaError(f"the code {code} is held by {held.name}")


def _title(name: str, name_en: str, code: str, level: int) -> dict[str, str]:
    """Return the columns that follow from a name."""
    return {
        "name": name,
        "name_en": name_en or english_name(name, level),
        "pinyin": pinyin_key(name),
        "kind": codes.kind_from_name(code, name, Level(level)).value,
    }


class _Change(NamedTuple):
    node: tree.Node
    code: str
    name: str
    successor_id: int | None = None


def _write_changes(decision: AreaDecision, kind: str, changes: Iterable[_Change]) -> None:
    rows = [
        AreaChange(
            decision=decision,
            kind=kind,
            area_id=change.node.id,
            successor_id=change.successor_id,
            at=decision.at,
            from_code=change.node.code,
            to_code=change.code,
            from_name=change.node.name,
            to_name=change.name,
        )
        for change in changes
    ]
    AreaChange.objects.bulk_create(rows, batch_size=2000)


def _hang(child_id: int, parent_id: int) -> None:
    """Hang an area, with all that is below it, under another parent."""
    old = Area.objects.get(pk=child_id)
    new_path = f"{Area.objects.values_list('path', flat=True).get(pk=parent_id)}{child_id}."
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE areas_area SET path = %s || substr(path, %s) WHERE path LIKE %s",
            [new_path, len(old.path) + 1, f"{old.path}%"],
        )
    Area.objects.filter(pk=child_id).update(parent_id=parent_id)


def _create(decision: AreaDecision, level: int, parent_id: int | None, part: Plan) -> int:
    """Write a new area and return its id."""
    title = _title(part["name"], part.get("name_en", ""), part["code"], level)
    area = Area.objects.create(
        code=part["code"], level=level, parent_id=parent_id, valid_from=decision.at, path="", **title
    )
    above = Area.objects.values_list("path", flat=True).get(pk=parent_id) if parent_id else ""
    Area.objects.filter(pk=area.pk).update(path=f"{above}{area.pk}.")
    return area.pk


def _shape_of(area_ids: Sequence[int]) -> list[Any]:
    wkbs = AreaShape.objects.filter(area_id__in=area_ids).values_list("wkb", flat=True)
    return [shapely.from_wkb(bytes(wkb)) for wkb in wkbs]


# A plan to rename has: area, name, name_en.


def check_rename(areas: tree.AreaTree, plan: Plan) -> None:
    node = standing(areas, plan["area"])
    if good_name(plan["name"]) == node.name:
        raise AreaError(f"{node.code} is called {node.name} already")


def apply_rename(areas: tree.AreaTree, plan: Plan, decision: AreaDecision) -> None:
    node = areas.get(plan["area"])
    title = _title(plan["name"], plan.get("name_en", ""), node.code, node.level)
    Area.objects.filter(pk=node.id).update(**title)
    _write_changes(decision, DecisionKind.RENAME, [_Change(node, node.code, plan["name"])])


# A plan to recode has: area, code, parent (an id, or null to leave it).


def _recoded(areas: tree.AreaTree, plan: Plan) -> list[_Change]:
    """Return the area and those below whose code begins with its code, with their new codes."""
    node = areas.get(plan["area"])
    below = [one for one in areas.descendants(node.id) if one.code.startswith(node.code)]
    return [_Change(one, plan["code"] + one.code[len(node.code) :], one.name) for one in (node, *below)]


def check_recode(areas: tree.AreaTree, plan: Plan) -> None:
    node = standing(areas, plan["area"])
    code = good_code(plan["code"], node.level)
    if code == node.code and not plan.get("parent"):
        raise AreaError(f"{node.name} has the code {code} already")
    changes = _recoded(areas, plan)
    if any(len(change.code) not in CODE_LENGTHS for change in changes):
        raise AreaError(f"{code} is not as long as {node.code}: the codes below could not follow")
    moved = {change.node.id for change in changes}
    taken = {one.code: one for one in areas.in_force() if one.id not in moved}
    held = next((taken[change.code] for change in changes if change.code in taken), None)
    if held:
        raise AreaError(f"the code {held.code} is held by {held.name}")
    if plan.get("parent"):
        above = standing(areas, plan["parent"])
        if above.level >= node.level:
            raise AreaError(f"{above.code} {above.name} is not above {node.name}")


def apply_recode(areas: tree.AreaTree, plan: Plan, decision: AreaDecision) -> None:
    node = areas.get(plan["area"])
    changes = _recoded(areas, plan)
    Area.objects.bulk_update(
        [Area(id=change.node.id, code=change.code) for change in changes], ["code"], batch_size=1000
    )
    _write_changes(decision, DecisionKind.RECODE, changes)
    if plan.get("parent") and plan["parent"] != node.parent_id:
        siblings = [one.id for one in areas.children(node.parent_id) if one.id != node.id]
        _hang(node.id, plan["parent"])
        shaping.derive_above(tree.read_tree(), [node.id, *siblings[:1]])


# A plan to split has: area, parts; a part: code, name, name_en, shape (hexadecimal WKB or empty), children (ids).


def check_split(areas: tree.AreaTree, plan: Plan) -> None:
    node = standing(areas, plan["area"])
    parts = plan["parts"]
    if node.level == Level.CITY:
        raise AreaError("a city can't be split here")
    if len(parts) < 2:
        raise AreaError("a split needs two parts at least")
    new_codes = [good_code(part["code"], node.level) for part in parts]
    if len(set(new_codes)) < len(parts):
        raise AreaError(f"two parts share a code: {', '.join(new_codes)}")
    for part in parts:
        good_name(part["name"])
        check_free(areas, part["code"], [node.id])
    _check_parts_apart(parts)
    _assign(areas, node, parts)


def _part_shapes(parts: Sequence[Plan]) -> list[Any]:
    """Return the parts' shapes, or none at all; raises AreaError where only some have one."""
    given = [shapely.from_wkb(part["shape"]) for part in parts if part.get("shape")]
    if given and len(given) < len(parts):
        raise AreaError(f"{len(given)} of {len(parts)} parts have a shape: give all of them one, or none")
    return given


def _check_parts_apart(parts: Sequence[Plan]) -> None:
    shapes = _part_shapes(parts)
    for place, shape in enumerate(shapes):
        for other, part in zip(shapes[:place], parts, strict=False):
            common = shapely.intersection(shape, other).area
            if common > MOST_OVERLAP * min(shape.area, other.area):
                raise AreaError(f"the shapes of {parts[place]['code']} and {part['code']} overlap")


def _assign(areas: tree.AreaTree, node: tree.Node, parts: Sequence[Plan]) -> list[list[int]]:
    """Return the children of each part: those it names, the rest by where they lie; raises AreaError."""
    children = {child.id: child for child in areas.children(node.id)}
    lists: list[list[int]] = [list(part.get("children", ())) for part in parts]
    named = [child for given in lists for child in given]
    stranger = next((child for child in named if child not in children), None)
    if stranger is not None or len(set(named)) < len(named):
        raise AreaError(
            f"the parts name an area twice, or one that is not right below {node.code} {node.name}"
        )
    rest = [child for child in children if child not in named]
    shapes = _part_shapes(parts)
    labels = AreaShape.objects.filter(area_id__in=rest).values_list("area_id", "label_lon", "label_lat")
    lost = set(rest)
    for child, lon, lat in labels:
        home = next(
            (place for place, shape in enumerate(shapes) if shapely.intersects_xy(shape, lon, lat)), None
        )
        if home is not None:
            lists[home].append(child)
            lost.discard(child)
    if lost:
        some = ", ".join(f"{children[child].code} {children[child].name}" for child in sorted(lost)[:5])
        raise AreaError(f"say which part gets {some}{' …' if len(lost) > 5 else ''} ({len(lost)} in all)")
    return lists


def apply_split(areas: tree.AreaTree, plan: Plan, decision: AreaDecision) -> None:
    node = areas.get(plan["area"])
    parts = plan["parts"]
    lists = _assign(areas, node, parts)
    Area.objects.filter(pk=node.id).update(valid_until=decision.at)
    ids = [_create(decision, node.level, node.parent_id, part) for part in parts]
    for new_id, children in zip(ids, lists, strict=True):
        for child in children:
            _hang(child, new_id)
    changes = [
        _Change(node, part["code"], part["name"], new_id) for part, new_id in zip(parts, ids, strict=True)
    ]
    _write_changes(decision, DecisionKind.SPLIT, changes)
    shapes = dict(zip(ids, _part_shapes(parts), strict=False))
    shaping.store_shapes(shapes)
    shaping.derive_above(tree.read_tree(), [*shapes, *(child for children in lists for child in children)])


# A plan to merge has: areas (ids), code, name, name_en, parent (an id, or null).


def _survivor(areas: tree.AreaTree, plan: Plan) -> tree.Node | None:
    """Return the one of the merged areas that goes on, because it has the code of the whole."""
    return next((node for node in map(areas.get, plan["areas"]) if node.code == plan["code"]), None)


def check_merge(areas: tree.AreaTree, plan: Plan) -> None:
    nodes = [standing(areas, area_id) for area_id in plan["areas"]]
    if len({node.id for node in nodes}) < 2:
        raise AreaError("a merge needs two different areas at least")
    levels = {node.level for node in nodes}
    if len(levels) > 1:
        raise AreaError(
            "the areas to merge are not of one level: " + ", ".join(f"{n.code} {n.name}" for n in nodes)
        )
    check_free(areas, good_code(plan["code"], levels.pop()), plan["areas"])
    good_name(plan["name"])
    if plan.get("parent"):
        above = standing(areas, plan["parent"])
        if above.level >= nodes[0].level or above.id in plan["areas"]:
            raise AreaError(f"{above.code} {above.name} is not above {nodes[0].name}")


def apply_merge(areas: tree.AreaTree, plan: Plan, decision: AreaDecision) -> None:
    nodes = [areas.get(area_id) for area_id in plan["areas"]]
    survivor = _survivor(areas, plan)
    ending = [node for node in nodes if node is not survivor]
    shapes = _shape_of([node.id for node in nodes])
    Area.objects.filter(pk__in=[node.id for node in ending]).update(valid_until=decision.at)
    if survivor is None:
        whole = _create(decision, nodes[0].level, plan.get("parent") or nodes[0].parent_id, plan)
    else:
        whole = survivor.id
        if survivor.name != plan["name"]:
            apply_rename(areas, {**plan, "area": whole}, decision)
    for node in ending:
        for child in areas.children(node.id):
            _hang(child.id, whole)
    _write_changes(
        decision, DecisionKind.MERGE, [_Change(node, plan["code"], plan["name"], whole) for node in ending]
    )
    if len(shapes) == len(nodes):
        shaping.store_shapes({whole: shaping.union(shapes)})
        shaping.derive_above(tree.read_tree(), [whole])


class _Verb(NamedTuple):
    check: Callable[[tree.AreaTree, Plan], None]
    apply: Callable[[tree.AreaTree, Plan, AreaDecision], None]


VERBS: dict[str, _Verb] = {
    DecisionKind.RENAME: _Verb(check_rename, apply_rename),
    DecisionKind.RECODE: _Verb(check_recode, apply_recode),
    DecisionKind.SPLIT: _Verb(check_split, apply_split),
    DecisionKind.MERGE: _Verb(check_merge, apply_merge),
}


def touched(areas: tree.AreaTree, plan: Plan) -> list[int]:
    """Return the areas a plan changes or takes from: whoever decides must hold them all."""
    ids = [*plan.get("areas", ()), *([plan["area"]] if "area" in plan else [])]
    if plan.get("parent"):
        ids.append(plan["parent"])
    return [area_id for area_id in dict.fromkeys(ids) if areas.find(area_id)]
