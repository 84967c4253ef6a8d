"""Names: unique where they must be, no real place's, and the cast's people, phones and numbers made up."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from citybrain.sample.agencies import make_agencies
from citybrain.sample.cast import CAST, CITIZEN_PHONE, PASSWORD, cast_accounts
from citybrain.sample.city import COMMUNITY, DISTRICT, STREET, City, make_city
from citybrain.sample.names import Names, pinyin_key
from citybrain.sample.people import cast_places, identity_number, make_people
from citybrain.sample.plan import TINY, stream

REAL = Path(__file__).parents[4] / "shared" / "data" / "geography"
ENDING = re.compile(r"(社区居委会|村民委员会|居民委员会|居委会|村委会|社区|街道|镇|乡|新区|区|县|市|村)$")


def bare(name: str) -> str:
    """Return a name without its kind."""
    return ENDING.sub("", name)


def test_no_area_bears_a_name_of_a_real_place_in_tianjin(full_city: City) -> None:
    if not REAL.is_dir():
        pytest.skip("../shared/data/geography with Tianjin's real names is not here")
    real = set()
    for name in ("streets_tianjin.csv", "villages_tianjin.csv", "areas.csv"):
        with (REAL / name).open(encoding="utf-8") as file:
            real |= {bare(row["name"]) for row in csv.DictReader(file)}
    made = {area.short for level in (DISTRICT, STREET, COMMUNITY) for area in full_city.at_level(level)}
    assert len(real) > 5_000
    assert made & real == set()


def test_districts_streets_and_communities_of_a_full_city_have_names_of_their_own() -> None:
    names = Names(stream(3, "names"))
    for count, draw in (
        (99, names.district),
        (600, names.street),
        (9_000, lambda: names.community(rural=False)),
        (5_000, lambda: names.community(rural=True)),
    ):
        found = [draw() for _ in range(count)]
        assert len(set(found)) == count


def test_pinyin_is_whole_syllables_then_initials() -> None:
    assert pinyin_key("听潮街道") == "tingchaojiedao tcjd"


def test_every_kind_of_agency_stands_where_the_table_says() -> None:
    city = make_city(TINY)
    agencies = make_agencies(city)
    of = {area.index: area.level for area in city.areas}
    levels: dict[str, set[int]] = {}
    for agency in agencies:
        levels.setdefault(agency.kind, set()).add(of[agency.area])
    shared = {"区/市": {1, 2}, "市": {1}, "区": {2}, "街镇": {3}, "社区": {4}, "市/区/街镇": {1, 2, 3}}
    file = Path(__file__).parents[2] / "base" / "identity" / "data" / "agencies.csv"
    with file.open(encoding="utf-8") as rows:
        table = {row["agency_key"]: shared[row["level"]] for row in csv.DictReader(rows)}
    assert {kind: levels[kind] for kind in table} == table
    assert len({agency.key for agency in agencies}) == len(agencies)


def test_the_cast_is_complete_and_each_can_be_found() -> None:
    keys = [member.key for member in CAST]
    assert keys == [
        "citizen", "worker", "worker2", "leader", "acceptor", "dispatcher", "handler", "handler2",
        "street_handler", "supervisor", "duty_chief", "commander", "people_manager", "system_admin",
        "security_admin", "audit_admin", "auditor", "data_police", "data_civil", "data_chief",
        "form_office", "form_reviewer", "hotline_operator", "hotline_manager", "knowledge_manager",
    ]  # fmt: skip
    assert len({member.name for member in CAST}) == len(CAST)
    accounts = cast_accounts()
    assert (accounts[0].login, accounts[1].login, accounts[1].password) == (CITIZEN_PHONE, "worker", PASSWORD)


def test_the_cast_works_where_it_says() -> None:
    city = make_city(TINY)
    people = make_people(city, make_agencies(city))
    places = cast_places(city)
    assert places["far_grid"] != places["grid"]
    assert city.lineage(places["far_grid"])[1] != places["district"]
    by_key = {person.cast: person for person in people if person.cast}
    assert [post.area for post in by_key["worker"].posts] == [places["grid"]]
    assert [post.area for post in by_key["worker2"].posts] == [places["far_grid"]]
    assert [post.role for post in by_key["leader"].posts] == ["grid_leader", "handler"]
    assert [post.area for post in by_key["acceptor"].posts] == [places["street"]]


def test_every_grid_has_one_worker_and_every_community_one_leader() -> None:
    city = make_city(TINY)
    posts = [post for person in make_people(city, make_agencies(city)) for post in person.posts]
    workers = sorted(post.area for post in posts if post.role == "grid_worker")
    assert workers == [area.index for area in city.at_level(5)]
    leaders = sorted(post.area for post in posts if post.role == "grid_leader")
    assert leaders == [area.index for area in city.at_level(4)]


def test_phones_logins_and_numbers_are_unique_and_made_up() -> None:
    city = make_city(TINY)
    people = make_people(city, make_agencies(city))
    phones = [person.phone for person in people]
    assert len(set(phones)) == len(phones)
    assert all(re.fullmatch(r"160\d{8}", phone) for phone in phones)
    logins = [person.login for person in people if person.login]
    assert len(set(logins)) == len(logins)
    assert all(re.fullmatch(r"[a-z][a-z0-9._-]{2,39}", login) for login in logins)


def test_an_identity_number_has_a_right_check_digit_and_an_unassigned_region() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        number = identity_number(rng)
        weights = [2 ** (17 - place) % 11 for place in range(17)]
        total = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))
        assert number[:6] == "120198"
        assert number[17] == "10X98765432"[total % 11]
