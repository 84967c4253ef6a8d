"""The smallest made-up city, for the tests of the whole house: two districts, three streets, 32 grids, the cast."""

from dataclasses import dataclass
from datetime import UTC, datetime

from citybrain.base.areas.models import Area
from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.actor import Actor, actor_for
from citybrain.base.identity.models import Agency, Person
from citybrain.sample import load, marker
from citybrain.sample.cast import CAST, PASSWORD
from citybrain.sample.load import first_start, world_of
from citybrain.sample.people import cast_places
from citybrain.sample.plan import TINY
from citybrain.sample.world import World

NOW = datetime(2026, 11, 19, 2, 0, tzinfo=UTC)
"""A Thursday, ten in the morning in the city: working time of a year whose holidays are known."""


@dataclass(frozen=True)
class TinyCity:
    """The tiny city in the test database. `now` is the moment its first day was made for."""

    world: World
    now: datetime
    cases: int

    def area(self, where: str) -> Area:
        """Return an area of the cast's: grid, community, street, district, city, far_grid, far_community."""
        return Area.objects.get(pk=self.world.areas[cast_places(self.world.city)[where]])

    def node(self, where: str) -> Node:
        """Return the same area as the tree has it."""
        return tree().get(self.area(where).pk)

    def agency(self, kind: str, where: str = "district") -> Agency:
        """Return the body of a kind for one of the cast's areas."""
        return Agency.objects.get(kind_id=kind, area_id=self.area(where).pk)

    def point(self, where: str = "grid") -> tuple[float, float]:
        """Return longitude and latitude of a point inside a grid: `grid` (the worker's) or `far_grid`."""
        city = self.world.city
        lon, lat = city.inner[cast_places(city)[where] - city.first[5]]
        return float(lon), float(lat)


@dataclass(frozen=True)
class Cast:
    """The standing cast by key: `cast["acceptor"]` is the person, `cast.actor("acceptor")` the actor."""

    people: dict[str, Person]
    password: str = PASSWORD

    def __getitem__(self, key: str) -> Person:
        return self.people[key]

    def actor(self, key: str) -> Actor:
        """Return the actor that one of the cast is now."""
        return actor_for(self.people[key])

    def keys(self) -> list[str]:
        """Return the cast's keys, the citizen first."""
        return list(self.people)


def forget() -> None:
    """Drop what this process keeps of the city before: each test has a database of its own."""
    load.forget()
    marker.forget()


def tiny_city(*, cases: int = 0, hotline: int = 0, now: datetime = NOW) -> TinyCity:
    """Make the tiny city in the current database and return it; `cases` reports of its last fortnight.

    `hotline`: about how many tickets of the hotline.
    With cases come those that wait for the cast, too: something in every work list. Without: no case at all.
    """
    summary = first_start(TINY, now=now, cases=cases, hotline=hotline)
    return TinyCity(world_of(TINY), now, summary.cases)


def the_cast() -> Cast:
    """Return the cast of the sample city in the current database."""
    found = {}
    for member in CAST:
        known = {"phone": member.phone, "kind": "citizen"} if member.phone else {"login": member.key}
        found[member.key] = Person.objects.select_related("agency").get(**known)
    return Cast(found)
