"""What the map can be shaded by. A measure turns the figures of an area into one number; None: nothing to say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import AreaTree, Node, tree
from citybrain.base.identity.actor import Actor
from citybrain.faces.cockpit.doors import LOOK
from citybrain.hub.cases import figures
from citybrain.hub.cases.figures import AreaFigure, Quality

PER: Final = 10_000
FIRST: Final = "open"


@dataclass(frozen=True, slots=True)
class AreaLine:
    """All that is known of one area: counts of now, how cases were closed, how many grids it has."""

    node: Node
    now: AreaFigure
    quality: Quality
    grids: int

    @property
    def late_share(self) -> float | None:
        return 100 * self.now.late / self.now.open if self.now.open else None

    @property
    def density(self) -> float | None:
        return PER * self.now.reported_today / self.grids if self.grids else None

    @property
    def missed(self) -> float | None:
        rate = self.quality.late_rate
        return None if rate is None else 100 * rate


@dataclass(frozen=True, slots=True)
class Measure:
    """`short` is what its button says; `digits` behind the point. Darker always means: more to do."""

    key: str
    short: Promise
    name: Promise
    unit: Promise
    value: Callable[[AreaLine], float | None]
    digits: int = 0
    hotkey: str = ""

    @property
    def is_count(self) -> bool:
        """Whether it counts cases as they are: then its name says the unit, too."""
        return self.key in {"open", "late", "today"}


MEASURES: Final = (
    Measure("open", _("在办"), _("在办案件"), _("件"), lambda line: line.now.open, 0, "1"),
    Measure("late", _("超时"), _("超时在办"), _("件"), lambda line: line.now.late, 0, "2"),
    Measure("late_share", _("超时占比"), _("在办中超时占比"), _("%"), lambda line: line.late_share, 1, "3"),
    Measure("today", _("今日"), _("今日上报"), _("件"), lambda line: line.now.reported_today, 0, "4"),
    Measure("density", _("上报密度"), _("今日上报密度"), _("件/万网格"), lambda line: line.density, 0, "5"),
    Measure("missed", _("超时办结"), _("超时办结率"), _("%"), lambda line: line.missed, 1, "6"),
)
BY_KEY: Final = {one.key: one for one in MEASURES}


def known(key: str) -> str:
    """Return the key if there is such a measure, else the first one's."""
    return key if key in BY_KEY else FIRST


def lines(actor: Actor, area: Node, days: int, now: datetime) -> list[AreaLine]:
    """Return what is known of each area right below one, in the order of codes. Two queries."""
    nodes = tree()
    counted = figures.by_area(actor, area.id, now=now, permission=LOOK)
    closed = figures.quality_by_area(actor, area.id, days, now=now, permission=LOOK)
    grids = grids_below(nodes)
    return [
        AreaLine(nodes.get(one.area_id), one, closed.get(one.area_id, Quality()), grids.get(one.area_id, 0))
        for one in counted
    ]


def total(of: Iterable[AreaLine]) -> tuple[int, int, int]:
    """Return open, late and today's reports of all lines together."""
    counts = [(line.now.open, line.now.late, line.now.reported_today) for line in of]
    return (sum(c[0] for c in counts), sum(c[1] for c in counts), sum(c[2] for c in counts))


@lru_cache(maxsize=2)
def grids_below(known_areas: AreaTree) -> dict[int, int]:
    """Return area id → grids in force in it (a grid counts itself)."""
    counted: dict[int, int] = {}
    for node in known_areas.in_force(Level.GRID):
        for area_id in node.lineage:
            if area_id is not None:
                counted[area_id] = counted.get(area_id, 0) + 1
    return counted
