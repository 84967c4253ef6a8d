"""How far a round is: counts of sheets by area, on a map, and who is late. Counts within rights, by one statement."""

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, replace
from datetime import datetime
from typing import Any, Final

import orjson
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from citybrain.base.areas.models import Area
from citybrain.base.areas.shapes import outlines
from citybrain.base.areas.tree import Node, tree
from citybrain.base.catalogue.access import Side
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.hub.forms.access import FILL, ISSUE, LEVELS, NOTHING, REVIEW, VIEW, in_reach
from citybrain.hub.forms.collecting.rounds import OWED
from citybrain.hub.forms.collecting.sight import may_issue
from citybrain.hub.forms.models import Round, Shaped, Sheet

MAP_ZOOM: Final = 10


@dataclass(frozen=True, slots=True)
class Counts:
    """Sheets of an area by state. `late`: not handed in though due; `cells_known` of `cells` were filled by data."""

    sheets: int = 0
    waiting: int = 0
    filling: int = 0
    submitted: int = 0
    returned: int = 0
    reviewed: int = 0
    accepted: int = 0
    late: int = 0
    reminded: int = 0
    cells: int = 0
    cells_known: int = 0
    cells_missing: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(one + two for one, two in zip(astuple(self), astuple(other), strict=True)))

    @property
    def handed_in(self) -> int:
        return self.submitted + self.reviewed + self.accepted

    @property
    def share(self) -> float:
        """Handed in of all, 0..1."""
        return round(self.handed_in / self.sheets, 4) if self.sheets else 0.0


@dataclass(frozen=True, slots=True)
class AreaCounts:
    area_id: int
    code: str
    name: str
    level: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class Progress:
    """A round's counts: all the actor may see of it, and those of the areas right below `area_id`."""

    area_id: int
    total: Counts
    areas: tuple[AreaCounts, ...]
    as_of: datetime


_COUNTS: Final = """count(*), count(*) FILTER (WHERE s.state = 'waiting'), count(*) FILTER (WHERE s.state = 'filling'),
 count(*) FILTER (WHERE s.state = 'submitted'), count(*) FILTER (WHERE s.state = 'returned'),
 count(*) FILTER (WHERE s.state = 'reviewed'), count(*) FILTER (WHERE s.state = 'accepted'),
 count(*) FILTER (WHERE %s AND s.state IN ('waiting', 'filling', 'returned')),
 count(*) FILTER (WHERE s.reminders > 0), coalesce(sum(s.cells), 0), coalesce(sum(s.cells_known), 0),
 coalesce(sum(s.cells_missing), 0)"""


def may_see_all(actor: Actor, round_: Round) -> bool:
    """Return whether the actor may see the whole round: for the office that asks, or over its area."""
    for permission in (ISSUE, VIEW):
        try:
            require(actor, permission, Side(round_.office))
        except Forbidden:
            continue
        return True
    return False


def in_sight(actor: Actor, round_: Round) -> Q:
    """Return the condition for the sheets of a round that the actor may count."""
    if may_see_all(actor, round_):
        return ~NOTHING
    return in_reach(actor, (FILL, REVIEW, VIEW))


def progress(
    actor: Actor, round_: Round, *, below: Area | None = None, now: datetime | None = None
) -> Progress:
    """Return how far a round is: in all, and for each area right below `below` (the round's root). One query.

    Sheets the actor may not look at aren't counted. A sheet of the area `below` itself counts in the total only.
    """
    moment = now or timezone.now()
    areas = tree()
    outer = areas.get(below.pk if below is not None else round_.root_id)
    children = areas.children(outer.id) if outer.level < round_.level else []
    level = children[0].level if children else outer.level
    counted = _counted(actor, round_, level, outer, moment)
    total = sum(counted.values(), Counts())
    shown = _without_cells if _only_looks(actor, round_) else _as_is
    found = tuple(
        AreaCounts(node.id, node.code, node.name, node.level, shown(counts))
        for node in children
        if (counts := _within(counted, node)).sheets
    )
    return Progress(outer.id, total, found, moment)


def _only_looks(actor: Actor, round_: Round) -> bool:
    """Return whether rows are people whom the actor may not see: then cells by area would tell how many there are."""
    if round_.form.shaped != Shaped.ROSTER or any(actor.may(one) for one in (FILL, REVIEW)):
        return False
    return not may_issue(actor, round_)


def _as_is(counts: Counts) -> Counts:
    return counts


def _without_cells(counts: Counts) -> Counts:
    return replace(counts, cells=0, cells_known=0, cells_missing=0)


def _within(counted: Mapping[int | None, Counts], node: Node) -> Counts:
    """Add up what lies in an area and in those merged or split into it."""
    return sum((counted[one] for one in tree().scope_ids(node.id) if one in counted), Counts())


def _counted(actor: Actor, round_: Round, level: int, outer: Node, now: datetime) -> dict[int | None, Counts]:
    """Return counts by area of one level, within another; the level's column is NULL for what stands above it."""
    late = "TRUE" if round_.due_at < now else "FALSE"
    chosen = Sheet.objects.filter(in_sight(actor, round_), round=round_).values("pk")
    within, params = "", []
    if outer.id != round_.root_id:
        within = f" AND s.{LEVELS[outer.level - 1]} = ANY(%s)"
        params = [list(tree().scope_ids(outer.id))]
    try:
        scope, scope_params = chosen.query.sql_with_params()
    except EmptyResultSet:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.{LEVELS[level - 1]}, {_COUNTS.replace('%s', late)} FROM forms_sheet s"  # noqa: S608 columns only
            f" WHERE s.round_id = %s{within} AND s.id IN ({scope}) GROUP BY 1",
            [round_.pk, *params, *scope_params],
        )
        return {row[0]: Counts(*(int(one) for one in row[1:])) for row in cursor.fetchall()}


def map_feed(
    actor: Actor,
    round_: Round,
    level: int = 3,
    *,
    zoom: int = MAP_ZOOM,
    within: Area | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Return areas of a level with their counts as GeoJSON: outlines where areas have shapes, else no geometry.

    Each feature's properties are id, code, name, level, label, share, and the counts. Areas without a sheet that the
    actor may see are left out.
    """
    moment = now or timezone.now()
    outer = tree().get(within.pk if within is not None else round_.root_id)
    level = max(outer.level, min(level, round_.level))
    counted = _counted(actor, round_, level, outer, moment)
    drawn = {one["id"]: one for one in orjson.loads(outlines(level, outer.id, zoom))["features"]}
    features, shown = [], _without_cells if _only_looks(actor, round_) else _as_is
    for node in _nodes(counted):
        counts = shown(_within(counted, node))
        shape = drawn.get(node.id, {"geometry": None, "properties": {}})
        properties = {
            **shape["properties"], "id": node.id, "code": node.code, "name": node.name, "level": node.level,
            "share": counts.share, "handed_in": counts.handed_in, **asdict(counts),
        }  # fmt: skip
        features.append(
            {"type": "Feature", "id": node.id, "geometry": shape["geometry"], "properties": properties}
        )
    return {"type": "FeatureCollection", "features": features}


def _nodes(counted: Mapping[int | None, Counts]) -> list[Node]:
    """Return today's areas of counted ones, in the order of codes."""
    areas = tree()
    found = {
        node.id: node for one in counted if one is not None and areas.find(one) for node in areas.becomes(one)
    }
    return sorted(found.values(), key=lambda node: node.code)


def late(actor: Actor, round_: Round, *, now: datetime | None = None) -> QuerySet[Sheet]:
    """Return the sheets of a round that should have been handed in and weren't, in the order of areas' codes."""
    if round_.due_at >= (now or timezone.now()):
        return Sheet.objects.none()
    return owing(actor, round_)


def owing(actor: Actor, round_: Round) -> QuerySet[Sheet]:
    """Return the sheets of a round that aren't handed in, in the order of areas' codes."""
    found = Sheet.objects.filter(in_sight(actor, round_), round=round_, state__in=OWED)
    return found.select_related("area", "street", "district").order_by("area__code")


def handed_in_late(actor: Actor, round_: Round) -> QuerySet[Sheet]:
    """Return the sheets that were handed in after they were due."""
    found = Sheet.objects.filter(in_sight(actor, round_), round=round_, submitted_at__gt=round_.due_at)
    return found.select_related("area", "street", "district").order_by("area__code")
