"""Scripts played into past cases: the lives of the first day, through the lifecycle's own table and clocks."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.cases import bulk
from citybrain.hub.cases.bulk import PastCase
from citybrain.hub.cases.models import Case, CasePhoto, RouteRecord
from citybrain.hub.cases.replay import Replay
from citybrain.sample.album import Album
from citybrain.sample.lives import Life
from citybrain.sample.models import ReportTruth
from citybrain.sample.reports import CITIZEN, LEADER, WORKER, Told
from citybrain.sample.rows import Ids, copy
from citybrain.sample.world import World

Step = Callable[[int, int], None]
ALREADY = "该问题此前已由其他市民反映并办结，感谢您的关注。"


class Playback:
    """Turns lives into past cases, first reports before those that were merged into them."""

    def __init__(self, world: World, album: Album, now: datetime) -> None:
        self._world = world
        self._album = album
        self._now = now
        self._routes: Counter[tuple[str, int, int, bool]] = Counter()

    def play(self, life: Life, *, merge_into: str = "", main_open_until: datetime | None = None) -> Replay:
        """Return the case of a life. A merge needs its main case's number; without one it is turned down."""
        world = self._world
        replay = Replay(world.teller(life.told), world.report(life.told), life.told.at, _role_of(life.told))
        for act in life.acts:
            inputs = world.inputs(act)
            if act.step == "merge":
                inputs["main"] = merge_into
                if main_open_until is not None and act.at >= main_open_until:
                    replay.play(
                        "reject", world.player(act), act.at, {"cause": "not_found", "reason": ALREADY}
                    )
                    continue
            before = replay.case.agency_id
            replay.play(act.step, world.player(act), act.at, inputs)
            self._count(replay, act.step, before)
        replay.late_marks(self._now)
        return replay

    def _count(self, replay: Replay, step: str, agency_before: int | None) -> None:
        case = replay.case
        if case.item is None or case.district_id is None:
            return
        if step in {"dispatch", "redispatch", "designate"} and case.agency_id is not None:
            self._routes[case.item.code, case.district_id, case.agency_id, False] += 1
        if step == "return" and agency_before is not None:
            self._routes[case.item.code, case.district_id, agency_before, True] += 1

    def write_routes(self) -> None:
        """Write what routes have learnt from the dispatches and returns played so far."""
        keys = sorted({key[:3] for key in self._routes})
        rows = ((*key, self._routes[*key, False], self._routes[*key, True], self._now) for key in keys)
        columns = ("item_code", "district_id", "agency_id", "dispatched", "returned", "changed_at")
        copy(RouteRecord, columns, rows)

    def photo_rows(self, life: Life, case_id: int) -> Iterable[tuple[Any, ...]]:
        """Yield the rows of a life's photos: with the report, and with the steps that need them."""
        world, item = self._world, life.told.matter.item
        reporter = self._world.teller(life.told).person_id
        for kind in life.told.photos:
            yield self._album.row(item, kind, case_id, reporter, life.told.at, 1)
        for seq, act in enumerate(life.acts, start=2):
            person = None if act.who is None else world.persons[act.who]
            for kind in act.inputs.get("photos", ()):
                yield self._album.row(item, kind, case_id, person, act.at, seq)


def _role_of(told: Told) -> str:
    return {
        WORKER: "grid_worker",
        CITIZEN: "citizen" if told.reporter is not None else "",
        LEADER: "commander",
    }.get(told.source, "")


def write_lives(world: World, lives: list[Life], album: Album, now: datetime, done: Step) -> int:
    """Write all lives as past cases with history, clocks, photos, routes and their truth; return how many.

    `done(finished, total)` is called as it goes on.
    """
    players = Playback(world, album, now)
    firsts = [life for life in lives if not life.told.again]
    others = [life for life in lives if life.told.again]
    pasts: list[PastCase] = []
    open_until: dict[int, datetime | None] = {}
    for number, life in enumerate(firsts):
        replay = players.play(life)
        open_until[life.told.matter.number] = replay.case.closed_at if not replay.case.is_open else None
        pasts.append(replay.past())
        done(number, len(lives))
    merged = _merged(others, open_until)
    for life, past in zip(firsts, pasts, strict=True):
        past.values["report_count"] += merged[life.told.matter.number]
    ids = bulk.store(SYSTEM, pasts, "sample:first", now)
    main = {life.told.matter.number: case_id for life, case_id in zip(firsts, ids, strict=True)}
    numbers = _numbers(ids)
    rest: list[PastCase] = []
    for number, life in enumerate(others, start=len(firsts)):
        matter = life.told.matter.number
        replay = players.play(life, merge_into=numbers[main[matter]], main_open_until=open_until[matter])
        past = replay.past()
        if any(event["action"] == "merge" for event in past.events):
            past.values["duplicate_of_id"] = main[matter]
        rest.append(past)
        done(number, len(lives))
    ids += bulk.store(SYSTEM, rest, "sample:again", now)
    players.write_routes()
    ordered = [*firsts, *others]
    # Printing a picture writes to the database, which a running COPY does not allow: all of them first.
    photos = [
        row for life, case_id in zip(ordered, ids, strict=True) for row in players.photo_rows(life, case_id)
    ]
    copy(CasePhoto, Album.COLUMNS, photos)
    copy(
        ReportTruth, TRUTH_COLUMNS, (truth_row(world, life, i) for life, i in zip(ordered, ids, strict=True))
    )
    return len(ids)


def _merged(others: list[Life], open_until: dict[int, datetime | None]) -> Counter[int]:
    """Return how many reports were merged into the first of each matter."""
    found: Counter[int] = Counter()
    for life in others:
        matter = life.told.matter.number
        until = open_until[matter]
        found[matter] += sum(act.step == "merge" and (until is None or act.at < until) for act in life.acts)
    return found


def _numbers(ids: Ids) -> dict[int, str]:
    """Return the numbers of cases by id."""
    return dict(Case.objects.filter(pk__in=ids).values_list("pk", "number"))


TRUTH_COLUMNS = ("case_id", "matter", "again", "item_code", "grid_code", "agency_key", "lon", "lat")


def truth_row(world: World, life: Life, case_id: int) -> tuple[Any, ...]:
    """Return the truth behind a case as a row."""
    matter = life.told.matter
    return (
        case_id,
        matter.number,
        life.told.again,
        matter.item,
        world.city.areas[matter.grid].code,
        world.staff.agencies[life.owner].key,
        matter.lon,
        matter.lat,
    )
