"""公安、公安交管: who lives here, who drives what, and what passes on the roads."""

import numpy as np

from citybrain.sample.city import STREET
from citybrain.sample.sets.basis import Basis
from citybrain.sample.sets.draw import Draw
from citybrain.sample.sets.families import ADULT
from citybrain.sample.sets.tell import Columns, full, tells
from citybrain.sample.sets.text import Array, joined, numbered, zeros


def household_numbers(basis: Basis, people: Array) -> Array:
    return zeros(basis.people.household[people] + 1, 9)


@tells("ga_population")
def population(basis: Basis, draw: Draw) -> Columns:
    people, homes = basis.people, basis.homes
    here = np.flatnonzero(~people.floating)
    home = basis.home(here)
    return {
        "id_no": people.id_no[here],
        "name": people.name[here],
        "sex": np.where(people.male[here], "1", "2"),
        "birth_date": people.birth[here],
        "ethnic": draw.code("ethnic", len(here), 0.93),
        "hukou_region": homes.region[home],
        "hukou_address": homes.address[home],
        "household_no": household_numbers(basis, here),
        "relation": people.relation[here],
        "alive": full(len(here), True),
        "updated_at": draw.moments_back(len(here), 400),
    }


@tells("ga_floating")
def floating(basis: Basis, draw: Draw) -> Columns:
    people, homes = basis.people, basis.homes
    guests = np.flatnonzero(people.floating)
    home = basis.home(guests)
    return {
        "id_no": people.id_no[guests],
        "name": people.name[guests],
        "residence_region": homes.region[home],
        "residence_address": homes.address[home],
        "permit_no": numbered("JZ", len(guests), 12),
        "from_date": draw.days_back(len(guests), 2_500, 20),
        "reason": draw.code("reason", len(guests), 0.6, 0.2),
        "grid_code": homes.grid_code[home],
    }


@tells("ga_household")
def household(basis: Basis, draw: Draw) -> Columns:
    """One row per household: the key is the household's number, the member is its head's closest relation."""
    people = basis.people
    here = np.flatnonzero(~people.floating & (np.arange(len(people)) == people.head))
    return {
        "household_no": household_numbers(basis, here),
        "id_no": people.id_no[here],
        "relation": people.relation[here],
        "head_id_no": people.id_no[people.head[here]],
    }


@tells("ga_vehicle")
def vehicles(basis: Basis, draw: Draw) -> Columns:
    cars, people = basis.cars, basis.people
    count = len(cars)
    return {
        "plate_no": cars.plate,
        "plate_type": np.where(cars.electric, "52", "02"),
        "vin": cars.vin,
        "owner_name": people.name[cars.owner],
        "owner_id": people.id_no[cars.owner],
        "use_nature": draw.code("use_nature", count, 0.9),
        "brand_model": cars.model,
        "fuel": np.where(cars.electric, "纯电动", "汽油"),
        "first_reg": cars.first_reg,
        "inspect_until": cars.first_reg + np.timedelta64(4_400, "D"),
        "status": draw.code("status", count, 0.95),
    }


def driver_places(basis: Basis) -> Array:
    """Return who drives: every owner of a car, and two of five other adults."""
    people = basis.people
    rng = basis.stream("drivers")
    drives = (rng.random(len(people)) < 0.4) & (people.age >= ADULT) & (people.age < 75)
    drives[basis.cars.owner] = True
    return np.flatnonzero(drives)


@tells("ga_driver")
def drivers(basis: Basis, draw: Draw) -> Columns:
    people, who = basis.people, driver_places(basis)
    first = draw.days_back(len(who), 2_100, 10)
    return {
        "licence_no": people.id_no[who],
        "name": people.name[who],
        "class": draw.pick(["C1", "C2", "B2", "A2"], len(who), 0.7, 0.22, 0.05),
        "first_issue": first,
        "valid_until": first + np.timedelta64(2_192, "D"),
        "points": np.minimum(12, draw.rng.poisson(0.8, len(who))),
        "status": draw.code("status", len(who), 0.97),
    }


@tells("ga_traffic_flow")
def traffic(basis: Basis, draw: Draw) -> Columns:
    links, hours = max(6, len(basis.city.at_level(STREET)) * 2), 48
    link = np.repeat(numbered("L", links, 6), hours)
    hour = np.tile(np.arange(hours), links)
    wave = 0.35 + 0.65 * np.exp(-(((hour % 24) - 8) ** 2) / 8) + 0.6 * np.exp(-(((hour % 24) - 18) ** 2) / 8)
    flow = (wave * draw.rng.uniform(500, 1_900, links).repeat(hours)).astype(np.int64)
    speed = np.round(np.clip(62 - flow / 45 + draw.rng.normal(0, 3, len(flow)), 6, 70), 1)
    return {
        "link_id": link,
        "ts": draw.today.astype("datetime64[s]") - (hours - hour).astype("timedelta64[h]"),
        "flow": flow,
        "speed": speed,
        "congestion_idx": np.round(np.clip(70 / speed, 1, 10), 2),
        "occupancy": np.round(np.clip(flow / 4_000, 0, 1), 3),
    }


@tells("ga_passage")
def passages(basis: Basis, draw: Draw) -> Columns:
    count = len(basis.cars) * 3
    car = draw.any_of(len(basis.cars), count)
    return {
        "passage_id": numbered("KK", count, 14),
        "plate_no": basis.cars.plate[car],
        "point_id": joined("P", zeros(draw.any_of(120, count) + 1, 5)),
        "lane": draw.rng.integers(1, 5, count),
        "ts": draw.moments_back(count, 7),
        "direction": draw.pick(["东向西", "西向东", "南向北", "北向南"], count),
        "image_ref": joined("kk/", zeros(np.arange(count), 9), ".jpg"),
    }


@tells("ga_violation")
def violations(basis: Basis, draw: Draw) -> Columns:
    count = max(5, len(basis.cars) // 4)
    car, home = draw.any_of(len(basis.cars), count), draw.any_of(len(basis.homes), count)
    return {
        "case_no": numbered("WF120198", count, 8),
        "plate_no": basis.cars.plate[car],
        "code": draw.code("code", count, 0.25, 0.25),
        "ts": draw.moments_back(count, 60),
        "place": joined(
            basis.homes.road[home], "与", basis.homes.road[draw.any_of(len(basis.homes), count)], "路口"
        ),
        "warned": draw.some(count, 0.2),
        "handled": draw.code("handled", count, 0.6),
    }
