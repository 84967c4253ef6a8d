"""What a leader looks at, read from the address: the area, the measure, the days; never outside their hats."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from django.http import Http404, QueryDict
from django.urls import reverse

from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.actor import Actor
from citybrain.faces.cockpit import measures
from citybrain.faces.cockpit.doors import LOOK
from citybrain.faces.look.words import is_english
from citybrain.hub.cases.access import VIEW
from citybrain.hub.cases.filters import Filters

SPANS: Final = (7, 14, 30)
LIST_FROM: Final = Level.COMMUNITY  # below it there is no smaller area to look into: its cases are listed


@dataclass(frozen=True, slots=True)
class Chosen:
    """One view of the cockpit. `roots`: the widest areas of the reader; `root`: the one that holds `area`."""

    area: Node
    root: Node
    roots: tuple[Node, ...]
    measure: str
    days: int
    points: bool
    wall: bool
    is_whole_city: bool
    sees_cases: bool

    @property
    def filters(self) -> Filters:
        """What the figures count: for the whole city also what lies nowhere yet."""
        return Filters() if self.is_whole_city else Filters(area_id=self.area.id)

    def url(self, name: str = "cockpit:home", **changes: Any) -> str:
        """Return the address of this view, or of one with changes (area, measure, days, points, wall)."""
        kept: dict[str, Any] = {
            "area": self.area.id if self.area.id != self.roots[0].id else None,
            "measure": self.measure if self.measure != measures.FIRST else None,
            "days": self.days if self.days != SPANS[0] else None,
            "points": int(self.points) if self.points != shows_points(self.area) else None,
            "wall": 1 if self.wall else None,
        }
        asked = {**kept, **changes}
        if "area" in changes:
            asked["points"] = None
            asked["area"] = None if changes["area"] == self.roots[0].id else changes["area"]
        return address(name, asked)

    def desk_below(self, line: Node, key: str, **params: Any) -> str:
        """Return the address of the cases behind a figure of an area below; empty for who sees none."""
        return desk_list(key, area=line.id, **params) if self.sees_cases else ""

    def desk(self, key: str, **params: Any) -> str:
        """Return the address of the desk's list of the cases behind a figure; empty for who sees none."""
        if not self.sees_cases:
            return ""
        area = None if self.is_whole_city else self.area.id
        return desk_list(key, area=area, **params)


def address(name: str, params: Mapping[str, Any]) -> str:
    """Return the address of a page with parameters; None leaves one out."""
    asked = urlencode({key: _said(value) for key, value in params.items() if value is not None}, safe=",")
    return reverse(name) + (f"?{asked}" if asked else "")


def _said(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def desk_list(key: str, **params: Any) -> str:
    """Return the address of a work list of the desk with the same filters."""
    asked = urlencode({name: _said(value) for name, value in params.items() if value is not None}, safe=",")
    return reverse("desk:work", args=[key]) + (f"?{asked}" if asked else "")


def name_of(node: Node) -> str:
    """Return an area's name in the reader's language."""
    return (node.name_en if is_english() else "") or node.name


def shows_points(area: Node) -> bool:
    """Whether single cases are drawn where nobody said: the city and its districts stay calm."""
    return area.level >= Level.STREET


def roots_of(actor: Actor) -> tuple[Node, ...]:
    """Return the areas an actor may look at as a whole, widest first, none inside another."""
    known = tree()
    if actor.is_system:
        return tuple(known.roots())
    nodes = {hat.area_id: known.find(hat.area_id) for hat in actor.hats_with(LOOK) if hat.reach == "area"}
    found: list[Node] = []
    for node in sorted((one for one in nodes.values() if one is not None), key=lambda one: one.level):
        if not any(known.contains(wider.id, node.id) for wider in found):
            found.append(node)
    return tuple(found)


def read(actor: Actor, query: QueryDict) -> Chosen:
    """Return the view that an address asks for. Raises Http404 for an area outside the reader's hats."""
    roots = roots_of(actor)
    if not roots:
        raise Http404
    area = _area(query.get("area", ""), roots[0])
    root = next((one for one in roots if tree().contains(one.id, area.id)), None)
    if root is None:
        raise Http404
    days = query.get("days", "")
    points = query.get("points", "")
    return Chosen(
        area=area,
        root=root,
        roots=roots,
        measure=measures.known(query.get("measure", "")),
        days=int(days) if days in {str(span) for span in SPANS} else SPANS[0],
        points=points == "1" if points in {"0", "1"} else shows_points(area),
        wall=query.get("wall") == "1",
        is_whole_city=area.level == Level.CITY and len(tree().roots()) == 1,
        sees_cases=actor.covers_area(VIEW, area.id),
    )


def _area(value: str, default: Node) -> Node:
    if not value:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        raise Http404
    node = tree().find(int(value))
    if node is None or node.level > LIST_FROM:
        raise Http404
    return node


def crumbs(chosen: Chosen) -> list[tuple[str, str]]:
    """Return the way from the reader's root down to the area: (name, address), the last without one."""
    way = [node for node in tree().ancestors(chosen.area.id) if node.level >= chosen.root.level]
    return [(name_of(node), chosen.url(area=node.id) if node.id != chosen.area.id else "") for node in way]
