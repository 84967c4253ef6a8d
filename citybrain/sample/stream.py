"""The city kept alive: reports come in and the sample's people act on them, through the real actions.

The cast never acts here: what reaches their desks stays for whoever plays them.
"""

import heapq
import itertools
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS, SYSTEM, Actor, actor_for
from citybrain.base.identity.models import Person
from citybrain.base.worktime.calendar import current
from citybrain.hub.cases import actions, photos
from citybrain.hub.cases.errors import CaseError
from citybrain.hub.cases.models import Case
from citybrain.sample.drawings import draw, drawing_for
from citybrain.sample.lives import Act, Life, live
from citybrain.sample.models import ReportTruth, SampleCity
from citybrain.sample.plan import Plan, stream
from citybrain.sample.play import TRUTH_COLUMNS, truth_row
from citybrain.sample.reports import CITIZEN, LEADER, WORKER, ReportMaker, Told
from citybrain.sample.world import World

log = logging.getLogger(__name__)
MOST_PER_SECOND = 25.0
"""Actions a second at most, so that the stream leaves the machine to the city."""
SHORTEST, LONGEST = 1.0, 240.0
"""Seconds between two steps of a case: nights and weekends are not waited through."""
LONGEST_NAP = 0.5
WAITING_MOST = 5_000


@dataclass(order=True, slots=True)
class _Due:
    """The next act of a case, at a moment of the monotonic clock."""

    at: float
    order: int
    case_id: int = field(compare=False)
    life: Life = field(compare=False)
    place: int = field(compare=False)


class Stream:
    """Reports and acts in real time. `rate`: matters a minute; `speed`: how many minutes of a case's life pass
    in one minute."""

    def __init__(self, world: World, plan: Plan, *, rate: float, speed: float, began: int) -> None:
        self._world = world
        self._rng = stream(plan.seed, f"stream {began}")
        self._maker = ReportMaker(world.city, world.people, self._rng, told_before=began)
        self._rate, self._speed = rate, speed
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._main: dict[int, int] = {}
        self._coming: list[tuple[float, int, Told]] = []
        self._next_matter = 0.0
        self.done: Counter[str] = Counter()
        world.staff.rest_the_cast()

    def run(
        self,
        stop: Callable[[], bool],
        said: Callable[[Counter[str]], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Keep going until `stop()`; `said` hears the counts after each act. Sleeps when nothing is due."""
        while not stop():
            began = clock()
            if self.tick(began, timezone.now()):
                said(self.done)
                sleep(max(0.0, 1 / MOST_PER_SECOND - (clock() - began)))
            else:
                sleep(min(LONGEST_NAP, max(0.02, self._wait(began))))

    def tick(self, at: float, now: datetime) -> bool:
        """Do the one thing that is due at `at` of the monotonic clock; return whether there was one."""
        if at >= self._next_matter and len(self._due) < WAITING_MOST:
            self._next_matter = at + float(self._rng.exponential(60 / self._rate))
            for told in self._maker.tellings(self._maker.matter(now)):
                gap = (told.at - told.matter.at).total_seconds() / self._speed
                heapq.heappush(self._coming, (at + gap, next(self._order), told))
        if self._coming and self._coming[0][0] <= at:
            self._guarded(lambda: self._report(heapq.heappop(self._coming)[2], at, now))
            return True
        if self._due and self._due[0].at <= at:
            self._guarded(lambda: self._act(heapq.heappop(self._due), at, now))
            return True
        return False

    def _wait(self, at: float) -> float:
        moments = [
            self._next_matter,
            *(one.at for one in self._due[:1]),
            *(one[0] for one in self._coming[:1]),
        ]
        return min(moments) - at

    def _guarded(self, do: Callable[[], None]) -> None:
        """Do one thing; what the city refuses, or somebody was faster at, ends that case's script only."""
        try:
            do()
        except (CaseError, Forbidden, LookupError) as refusal:
            self.done["refused"] += 1
            log.debug("sample stream: %s", refusal)
        except DatabaseError:
            log.warning("sample stream: the database did not answer; going on", exc_info=True)
            close_old_connections()
            time.sleep(LONGEST_NAP)

    def _report(self, told: Told, at: float, now: datetime) -> None:
        actor = self._actor(self._reporter(told))
        kinds = [self._photo(told.matter.item, kind, actor) for kind in told.photos]
        report = self._world.report(told, tuple(kinds))
        receipt = actions.report(actor, report, now=now)
        script = live(told, self._world.staff, current(), self._rng)
        self._main.setdefault(told.matter.number, receipt.case_id)
        values = truth_row(self._world, script, receipt.case_id)
        ReportTruth.objects.create(**dict(zip(TRUTH_COLUMNS, values, strict=True)))
        SampleCity.objects.filter(id=1).update(matters=told.matter.number)
        self.done["report"] += 1
        self._push(receipt.case_id, script, 0, at)

    def _reporter(self, told: Told) -> int | None:
        if told.source in {WORKER, CITIZEN}:
            return told.reporter
        return self._world.staff.chief if told.source == LEADER else -1

    def _push(self, case_id: int, life: Life, place: int, at: float) -> None:
        """Put the next act of a case into the queue, as far off as its script says, at the stream's speed."""
        if place >= len(life.acts):
            return
        before = life.acts[place - 1].at if place else life.told.at
        planned = (life.acts[place].at - before) / timedelta(seconds=1) / self._speed
        gap = min(max(SHORTEST, planned), LONGEST * (0.5 + float(self._rng.uniform())))
        heapq.heappush(self._due, _Due(at + gap, next(self._order), case_id, life, place))

    def _act(self, due: _Due, at: float, now: datetime) -> None:
        act = due.life.acts[due.place]
        if act.who is not None and self._world.people[act.who].cast:
            self.done["left to the cast"] += 1
            return
        actor = self._actor(act.who)
        inputs = self._inputs(due, act, actor, now)
        actions.take(actor, due.case_id, act.step, inputs, now=now)
        self.done[act.step] += 1
        self._push(due.case_id, due.life, due.place + 1, at)

    def _inputs(self, due: _Due, act: Act, actor: Actor, now: datetime) -> dict[str, Any]:
        given = self._world.inputs(act)
        if act.step == "merge":
            main = self._main[due.life.told.matter.number]
            given["main"] = Case.objects.values_list("number", flat=True).get(pk=main)
        if "until" in given:
            given["until"] = now + (given["until"] - act.at)
        kinds = act.inputs.get("photos", ())
        if kinds:
            given["photos"] = [self._photo(due.life.told.matter.item, kind, actor) for kind in kinds]
        return given

    @staticmethod
    def _photo(item: str, kind: str, actor: Actor) -> Any:
        return photos.upload(draw(drawing_for(item, kind)), kind, actor.person_id).token

    def _actor(self, person: int | None) -> Actor:
        """Return the real actor of a person, None for nobody's name, -1 for another system."""
        if person is None:
            return ANONYMOUS
        if person < 0:
            return SYSTEM
        row = Person.objects.select_related("agency").get(pk=self._world.persons[person])
        return actor_for(row)


def plan_of(marker: SampleCity) -> Plan:
    """Return the plan that the city in the database was made from."""
    return Plan(marker.districts, marker.streets, marker.communities, marker.grids, marker.seed)
