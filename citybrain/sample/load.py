"""The first start: the whole made-up city into an empty database, in one transaction.

Killed in the middle, it leaves an empty database, and the next start begins again; photos on disk are named by
what they show, so a second start finds them there.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from citybrain.base.areas import tree
from citybrain.base.areas.models import Area
from citybrain.base.identity import agencies as directory
from citybrain.base.identity.actions.agencies import install_agency_kinds
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.ledger import record
from citybrain.base.worktime.calendar import current
from citybrain.hub.cases import items, registry
from citybrain.sample.agencies import make_agencies
from citybrain.sample.album import Album
from citybrain.sample.city import City, make_city
from citybrain.sample.hotline.make import make_hotline
from citybrain.sample.lives import Life, lives
from citybrain.sample.models import ReportTruth, SampleCity
from citybrain.sample.people import make_people
from citybrain.sample.plan import Plan, stream
from citybrain.sample.play import write_lives
from citybrain.sample.reports import ReportMaker, Told, arrivals
from citybrain.sample.rows import write_agencies, write_areas, write_people
from citybrain.sample.staff import Staff
from citybrain.sample.stage import staged
from citybrain.sample.world import World

LOCK = 0x53_41_4D_50  # "SAMP": two first starts at once wait for each other
DAYS = 14
Say = Callable[[str, int, int], None]


class CityExists(RuntimeError):
    """The database holds a city already; a sample city is made in an empty one only."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was made, and how long it took."""

    name: str
    seed: int
    districts: int
    streets: int
    communities: int
    grids: int
    agencies: int
    people: int
    cases: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Say nothing."""


def first_start(
    plan: Plan,
    *,
    now: datetime | None = None,
    cases: int | None = None,
    hotline: int = 0,
    city: City | None = None,
    say: Say = quiet,
) -> Summary:
    """Make the city of a plan with its first day and return what was made.

    `cases`: about how many reports of the last fortnight (None: as many as suit the plan; 0: none at all).
    `hotline`: about how many tickets of the hotline (0: none, and no knowledge).
    `city`: what `make_city` made of the plan in another process.
    `say(stage, done, total)` hears how far it is. Raises CityExists when the database isn't empty.
    """
    began = time.monotonic()
    moment = now or timezone.now()
    say("geography", 0, 1)
    city = city or make_city(plan)
    say("geography", 1, 1)
    with transaction.atomic():
        _claim()
        world = _write_city(city, moment, say)
        count = _write_cases(world, plan.cases if cases is None else cases, moment, say)
        if hotline:
            say("hotline", 0, 1)
            make_hotline(world, moment, hotline)
            say("hotline", 1, 1)
        _mark(city, moment, count)
    forget()
    return Summary(
        city.areas[0].name,
        plan.seed,
        plan.districts,
        plan.streets,
        plan.communities,
        plan.grids,
        len(world.agencies),
        len(world.persons),
        count,
        round(time.monotonic() - began, 1),
    )


def _claim() -> None:
    """Let one first start through at a time, and only into an empty database. Raises CityExists."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    there = Area.objects.values_list("name", flat=True).first()
    if there is not None:
        raise CityExists(f"the database holds {there} already; a sample city needs an empty one")


def _write_city(city: City, now: datetime, say: Say) -> World:
    say("city", 0, 4)
    _tables()
    agencies = make_agencies(city)
    people = make_people(city, agencies)
    say("city", 1, 4)
    areas = write_areas(city, now)
    tree.bump()
    say("city", 2, 4)
    bodies = write_agencies(city, agencies, areas)
    directory.bump()
    say("city", 3, 4)
    persons = write_people(people, areas, bodies, timezone.localdate(now))
    forget()
    say("city", 4, 4)
    return World(city, people, Staff(city, agencies, people), areas, bodies, persons)


def _tables() -> None:
    """Write the kinds of bodies and the items, where nobody has yet."""
    install_agency_kinds(SYSTEM)
    registry.load(SYSTEM, items.shipped_rows())


def _write_cases(world: World, count: int, now: datetime, say: Say) -> int:
    if not count:
        return 0
    found: list[Life] = []
    for life in first_lives(world, count, now):
        found.append(life)
        if not len(found) % 50:
            say("reports", min(len(found), count), count)
    say("reports", count, count)
    return write_lives(world, found, Album(), now, lambda done, total: say("cases", done + 1, total))


def first_lives(world: World, count: int, now: datetime) -> Iterator[Life]:
    """Yield the lives of the last fortnight's reports, and of those that wait for the cast."""
    seed = world.city.plan.seed
    maker = ReportMaker(world.city, world.people, stream(seed, "reports"))
    moments = arrivals(stream(seed, "arrivals"), count, now - timedelta(days=DAYS), now)
    yield from lives(_tellings(maker, moments), world.staff, current(), stream(seed, "lives"), now)
    yield from staged(maker, world.staff, stream(seed, "stage"), now)


def _tellings(maker: ReportMaker, moments: list[datetime]) -> Iterator[Told]:
    for at in moments:
        yield from maker.tellings(maker.matter(at))


def _mark(city: City, now: datetime, cases: int) -> None:
    """Say in the database, and in the ledger, that this city was made up."""
    plan, name = city.plan, city.areas[0].name
    counts = {
        "districts": plan.districts,
        "streets": plan.streets,
        "communities": plan.communities,
        "grids": plan.grids,
    }
    told = ReportTruth.objects.aggregate(last=Max("matter"))["last"]
    SampleCity.objects.create(id=1, name=name, seed=plan.seed, made_at=now, matters=told or 0, **counts)
    record(SYSTEM.key, "sample.load", "sample", {"name": name, "seed": plan.seed, "cases": cases, **counts})


def forget() -> None:
    """Drop what this process keeps in memory of areas, bodies and items."""
    tree.forget()
    directory.forget()
    items.forget()


def world_of(plan: Plan) -> World:
    """Return the city that `first_start` made of a plan, with its ids, from the database.

    Raises LookupError where areas, bodies or people of the plan are gone.
    """
    city = make_city(plan)
    agencies = make_agencies(city)
    people = make_people(city, agencies)
    areas = _ids(
        "SELECT code, id FROM areas_area WHERE valid_until IS NULL", [area.code for area in city.areas]
    )
    bodies = _ids("SELECT key, id FROM identity_agency", [agency.key for agency in agencies])
    persons = _ids(
        "SELECT coalesce(login, phone), id FROM identity_person",
        [person.login or person.phone for person in people],
    )
    return World(city, people, Staff(city, agencies, people), areas, bodies, persons)


def _ids(query: str, keys: list[str]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        known = dict(cursor.fetchall())
    missing = [key for key in keys if key not in known]
    if missing:
        raise LookupError(f"{len(missing)} of the sample city are gone, {missing[0]} the first of them")
    return [known[key] for key in keys]
