"""The made-up city's people: officers by post, and citizens who report. Only the cast can sign in.

Phone numbers begin with 160, which no operator has been given: none of them can ring. Identity numbers are
not kept at all; where a form needs one, `identity_number` makes it from a region that does not exist.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from citybrain.sample.agencies import CENTRE, AgencyRow
from citybrain.sample.cast import CAST, Member
from citybrain.sample.city import CITY, COMMUNITY, DISTRICT, GRID, STREET, AreaRow, City
from citybrain.sample.names import people_names, pinyin_key
from citybrain.sample.plan import stream

PHONE_PREFIX = "160"
ID_REGION = "120198"
FOR_AN_AGENCY = {"handler", "data_manager", "form_manager", "knowledge_manager"}
OFFICERS_FROM, CITIZENS_FROM = 10_000_000, 1_000


@dataclass(frozen=True, slots=True)
class Post:
    """A role in an area, for an agency where the role works for one; numbers are places in the lists."""

    role: str
    area: int
    agency: int | None = None


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person before they are in a database; `login` is empty for a citizen, `cast` for all but the cast."""

    index: int
    login: str
    phone: str
    name: str
    pinyin: str
    agency: int | None
    posts: tuple[Post, ...]
    cast: str = ""


@dataclass(frozen=True, slots=True)
class _Seat:
    """A post to be filled: the login's stem and number, the agency where the person sits, the posts."""

    stem: str
    agency: int
    posts: tuple[Post, ...]


CENTRE_POSTS = {
    CITY: (
        ("acceptor", 6), ("dispatcher", 4), ("supervisor", 3), ("duty_chief", 3), ("commander", 1),
        ("people_manager", 2), ("chief_data_officer", 1),
    ),
    DISTRICT: (
        ("acceptor", 3), ("dispatcher", 3), ("supervisor", 2), ("duty_chief", 2), ("commander", 1),
        ("people_manager", 1),
    ),
    STREET: (("acceptor", 2), ("dispatcher", 1), ("supervisor", 1), ("duty_chief", 1), ("people_manager", 1)),
}  # fmt: skip
HANDLERS = {CITY: 3, DISTRICT: 2, STREET: 2, COMMUNITY: 1}


def make_people(city: City, agencies: list[AgencyRow]) -> list[PersonRow]:
    """Return everybody: the cast first, then officers from the city down to the grids, then citizens."""
    found = list(_cast_people(city, agencies))
    seats = list(_seats(city, agencies, found))
    names = people_names(stream(city.plan.seed, "officers"), len(seats))
    counted: dict[str, int] = {}
    for seat, name in zip(seats, names, strict=True):
        number = counted[seat.stem] = counted.get(seat.stem, 0) + 1
        found.append(
            PersonRow(
                len(found),
                f"{seat.stem}-{number}",
                f"{PHONE_PREFIX}{OFFICERS_FROM + len(found):08d}",
                name,
                pinyin_key(name),
                seat.agency,
                seat.posts,
            )
        )
    found.extend(_citizens(city, len(found)))
    return found


def _citizens(city: City, start: int) -> Iterator[PersonRow]:
    count = max(20, city.plan.cases // 3)
    for number, name in enumerate(people_names(stream(city.plan.seed, "citizens"), count)):
        phone = f"{PHONE_PREFIX}{CITIZENS_FROM + number:08d}"
        yield PersonRow(start + number, "", phone, name, pinyin_key(name), None, ())


def _seats(city: City, agencies: list[AgencyRow], cast: list[PersonRow]) -> Iterator[_Seat]:
    """Yield every post of the city that nobody of the cast holds."""
    taken = {(post.role, post.area) for person in cast for post in person.posts}
    for agency in agencies:
        area = city.areas[agency.area]
        if agency.kind == CENTRE:
            yield from _centre_seats(agency, area)
        elif agency.kind != "community":
            handler = (Post("handler", area.index, agency.index),)
            for _ in range(HANDLERS[area.level]):
                yield _Seat(f"{agency.kind}-{area.code}", agency.index, handler)
    yield from _grid_seats(city, agencies, taken)


def _grid_seats(city: City, agencies: list[AgencyRow], taken: set[tuple[str, int]]) -> Iterator[_Seat]:
    committees = {agency.area: agency.index for agency in agencies if agency.kind == "community"}
    for area in city.at_level(COMMUNITY):
        body = committees[area.index]
        if ("grid_leader", area.index) not in taken:
            posts = (Post("grid_leader", area.index), Post("handler", area.index, body))
            yield _Seat(f"leader-{area.code}", body, posts)
    for area in city.at_level(GRID):
        if ("grid_worker", area.index) not in taken and area.parent is not None:
            yield _Seat(f"grid-{area.code}", committees[area.parent], (Post("grid_worker", area.index),))


def _centre_seats(agency: AgencyRow, area: AreaRow) -> Iterator[_Seat]:
    for role, count in CENTRE_POSTS[area.level]:
        for _ in range(count):
            yield _Seat(f"{role}-{area.code}", agency.index, (Post(role, area.index),))


def _cast_people(city: City, agencies: list[AgencyRow]) -> Iterator[PersonRow]:
    """Yield the cast in its home: the busiest grid and what lies above it, and a grid of another district."""
    places = cast_places(city)
    bodies = {(agency.kind, agency.area): agency.index for agency in agencies}
    for index, member in enumerate(CAST):
        phone = member.phone or f"{PHONE_PREFIX}{100 + index:08d}"
        agency = bodies[member.agency, places[member.at]] if member.agency else None
        login = "" if member.phone else member.key
        posts = () if member.phone else tuple(_posts(member, places, agency))
        yield PersonRow(index, login, phone, member.name, pinyin_key(member.name), agency, posts, member.key)


def _posts(member: Member, places: dict[str, int], agency: int | None) -> Iterator[Post]:
    area = places[member.area]
    yield Post(member.role, area, agency if member.role in FOR_AN_AGENCY else None)
    if member.role == "grid_leader":
        yield Post("handler", area, agency)


def cast_places(city: City) -> dict[str, int]:
    """Return where the cast's area words point: home, grid, community … city, far_grid, far_community."""
    lineage = city.lineage(city.home.index)
    places = dict(zip(("city", "district", "street", "community", "grid"), lineage, strict=True))
    far = next(
        (grid for grid in reversed(city.at_level(GRID)) if city.lineage(grid.index)[1] != lineage[1]),
        city.at_level(GRID)[-1],
    )
    places |= {"home": lineage[-1], "far_grid": far.index, "far_community": city.lineage(far.index)[3]}
    return places


def identity_number(rng: np.random.Generator) -> str:
    """Return an 18-digit identity number with a right check digit, of a region that was never assigned.

    Source: GB 11643 (ISO 7064 MOD 11-2); our code tables, synthetic_data_rule.
    """
    day = np.datetime64("1945-01-01") + int(rng.integers(0, 22_000))
    body = f"{ID_REGION}{str(day).replace('-', '')}{int(rng.integers(1, 1000)):03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]
