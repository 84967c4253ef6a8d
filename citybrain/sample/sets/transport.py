"""交通运输、住建桥梁、公交、单车、港口: who may carry people, where bikes stand, how bridges and the port are."""

import numpy as np
import shapely

from citybrain.sample.sets.basis import Basis
from citybrain.sample.sets.draw import Draw
from citybrain.sample.sets.land import METRE, outlines, squares
from citybrain.sample.sets.tell import Columns, gone, tells
from citybrain.sample.sets.text import Array, joined, numbered, zeros

PLATFORMS = 6
POINTS_PER_BRIDGE = 6
HOURS = 24
DAY, HOUR = np.timedelta64(1, "D"), np.timedelta64(1, "h")
BIKE_FIRMS = ("青燕单车", "浪花单车", "麦田出行")


def platforms() -> Array:
    return numbered("PT", PLATFORMS, 4)


def fleet(basis: Basis) -> Array:
    """Return the cars (places) whose owners drive for a platform, with a permit or without."""
    rng, count = basis.stream("fleet"), len(basis.cars)
    return np.sort(rng.permutation(count)[: max(4, count // 12)])


def permitted(basis: Basis) -> Array:
    """Return which cars of the fleet hold a permit: about four of five."""
    cars = fleet(basis)
    return cars[basis.stream("permitted").random(len(cars)) < 0.8]


@tells("jt_platform")
def platform_permits(basis: Basis, draw: Draw) -> Columns:
    firm = draw.rng.permutation(len(basis.firms))[:PLATFORMS]
    since = draw.days_back(PLATFORMS, 1_400, 300)
    return {
        "company_id": platforms(),
        "name": basis.firms.name[firm],
        "uscc": basis.firms.uscc[firm],
        "permit_no": numbered("WY120198", PLATFORMS, 4),
        "area": basis.firm_district(firm),
        "valid_from": since,
        "valid_to": since + 1_461 * DAY,
        "status": np.full(PLATFORMS, draw.codes("status")[0]),
    }


@tells("jt_vehicle_permit")
def vehicle_permits(basis: Basis, draw: Draw) -> Columns:
    car = permitted(basis)
    count, since = len(car), draw.days_back(len(car), 1_300, 10)
    return {
        "permit_no": numbered("YS120198", count, 8),
        "plate_no": basis.cars.plate[car],
        "vin": basis.cars.vin[car],
        "owner": basis.people.name[basis.cars.owner[car]],
        "area": np.full(count, basis.city.areas[1].code),
        "valid_from": since,
        "valid_to": since + 1_461 * DAY,
        "agency": np.full(count, basis.body("transport")),
        "status": draw.code("status", count, 0.95),
    }


@tells("jt_driver_permit")
def driver_permits(basis: Basis, draw: Draw) -> Columns:
    owner = np.unique(basis.cars.owner[permitted(basis)])
    count, since = len(owner), draw.days_back(len(owner), 1_300, 10)
    return {
        "cert_no": numbered("JS120198", count, 8),
        "licence_no": basis.people.id_no[owner],
        "name": basis.people.name[owner],
        "phone": basis.people.phone[owner],
        "valid_from": since,
        "valid_to": since + 1_096 * DAY,
        "agency": np.full(count, basis.body("transport")),
        "status": draw.code("status", count, 0.95),
    }


@tells("jt_order")
def orders(basis: Basis, draw: Draw) -> Columns:
    cars = fleet(basis)
    count = len(cars) * 12
    car = cars[draw.any_of(len(cars), count)]
    ordered = draw.moments_back(count, 3)
    picked = draw.later(ordered, 2, 12)
    from_home, to_home = draw.any_of(len(basis.homes), count), draw.any_of(len(basis.homes), count)
    here, there = basis.homes.spot[from_home], basis.homes.spot[to_home]
    miles = np.round(np.clip(np.hypot(*((here - there) / METRE / 1_000).T) * 1.3, 0.6, 80), 1)
    return {
        "order_id": numbered("DD", count, 16),
        "company_id": platforms()[car % PLATFORMS],
        "address": basis.homes.district[from_home],
        "order_time": ordered,
        "plate_no": basis.cars.plate[car],
        "licence_no": basis.people.id_no[basis.cars.owner[car]],
        "dep_lon": here[:, 0],
        "dep_lat": here[:, 1],
        "dep_time": picked,
        "dest_lon": there[:, 0],
        "dest_lat": there[:, 1],
        "dest_time": picked + (miles * 130 + 120).astype(np.int64).astype("timedelta64[s]"),
        "drive_mile": miles,
        "fact_price": np.round(8 + miles * 2.3, 2),
        "encrypt": np.full(count, "2"),
        "status": draw.code("status", count, 0.9),
    }


@tells("jt_position")
def positions(basis: Basis, draw: Draw) -> Columns:
    cars = fleet(basis)
    count = len(cars) * HOURS
    car = np.repeat(cars, HOURS)
    hour = np.tile(np.arange(HOURS), len(cars))
    spot = basis.homes.spot[draw.any_of(len(basis.homes), count)]
    return {
        "company_id": platforms()[car % PLATFORMS],
        "plate_no": basis.cars.plate[car],
        "ts": draw.today.astype("datetime64[s]") - (HOURS - hour) * HOUR,
        "lon": spot[:, 0],
        "lat": spot[:, 1],
        "speed": draw.number(count, 0, 72, 1),
        "biz_status": draw.code("biz_status", count, 0.5),
        "order_id": gone(
            joined("DD", zeros(draw.any_of(len(cars) * 12, count) + 1, 16)), draw.some(count, 0.5)
        ),
        "encrypt": np.full(count, "2"),
    }


def bridge_numbers(basis: Basis) -> Array:
    return numbered("QL120198", max(3, len(basis.people) // 1_500), 4)


@tells("jt_bridge")
def bridges(basis: Basis, draw: Draw) -> Columns:
    numbers = bridge_numbers(basis)
    count = len(numbers)
    index = np.round(np.clip(draw.rng.normal(86, 7, count), 52, 99), 1)
    grades = np.array(["A", "B", "C", "D", "E"])
    home = draw.any_of(len(basis.homes), count)
    lon, lat = basis.homes.spot[home].T

    return {
        "bridge_id": numbers,
        "name": joined(basis.homes.road[home], "桥"),
        "type": draw.code("type", count, 0.6, 0.2),
        "span": draw.number(count, 18, 420, 1),
        "built_year": draw.rng.integers(1972, draw.until.year, count),
        "bci": index,
        "grade": grades[np.digitize(-index, [-90, -80, -66, -50])],
        "limit_t": draw.pick([20.0, 30.0, 49.0, 55.0], count),
        "maintainer": np.full(count, "安澜市桥梁养护所"),
        "line": outlines(shapely.box(lon - 8e-4, lat - 4e-5, lon + 8e-4, lat + 4e-5)),
    }


ITEMS = (("应变", "με", 10.0, 220.0), ("挠度", "mm", 1.0, 45.0), ("索力", "kN", 1.0, 1_800.0),
         ("加速度", "m/s2", 50.0, 0.4), ("位移", "mm", 1.0, 30.0), ("温度", "℃", 0.1, 60.0))  # fmt: skip


def bridge_points(basis: Basis) -> Array:
    return numbered("CD", len(bridge_numbers(basis)) * POINTS_PER_BRIDGE, 6)


@tells("jt_bridge_sensor")
def bridge_sensors(basis: Basis, draw: Draw) -> Columns:
    numbers, bridge = bridge_points(basis), bridge_numbers(basis)
    count = len(numbers)
    kind = np.tile(np.arange(POINTS_PER_BRIDGE), len(bridge))
    item, unit, hertz, design = (np.array(column) for column in zip(*ITEMS, strict=True))
    value = design[kind]
    return {
        "point_id": numbers,
        "bridge_id": np.repeat(bridge, POINTS_PER_BRIDGE),
        "item": item[kind],
        "position": draw.pick(["主跨跨中", "1/4 跨", "桥塔顶", "拱脚", "支座"], count),
        "unit": unit[kind],
        "sample_hz": hertz[kind],
        "design_value": value,
        "lv1": np.round(value * 0.8, 3),
        "lv2": value,
        "lv3": np.round(value * 1.2, 3),
    }


@tells("jt_bridge_reading")
def bridge_readings(basis: Basis, draw: Draw) -> Columns:
    numbers = bridge_points(basis)
    sensors = len(numbers)
    count = sensors * HOURS * 6
    design = np.tile(np.array([row[3] for row in ITEMS]), sensors // POINTS_PER_BRIDGE).repeat(HOURS * 6)
    middle = design * draw.rng.uniform(0.25, 0.5, count)
    swing = design * draw.rng.uniform(0.02, 0.2, count)
    return {
        "point_id": np.repeat(numbers, HOURS * 6),
        "ts": draw.today.astype("datetime64[s]")
        - np.tile(np.arange(HOURS * 6, 0, -1), sensors) * np.timedelta64(600, "s"),
        "max": np.round(middle + swing, 4),
        "min": np.round(middle - swing, 4),
        "mean": np.round(middle, 4),
        "rms10": np.round(swing / 1.8, 4),
        "level": np.searchsorted(np.array([0.8, 1.0, 1.2]), (middle + swing) / design, side="right"),
        "quality": draw.code("quality", count, 0.995),
    }


@tells("jt_bus")
def buses(basis: Basis, draw: Draw) -> Columns:
    vehicles = max(8, len(basis.people) // 400)
    count = vehicles * HOURS
    spot = basis.homes.spot[draw.any_of(len(basis.homes), count)]
    return {
        "vehicle_no": np.repeat(numbered("GJ", vehicles, 6), HOURS),
        "ts": draw.today.astype("datetime64[s]") - np.tile(np.arange(HOURS, 0, -1), vehicles) * HOUR,
        "line_no": np.repeat((np.arange(vehicles) % 180 + 1).astype(np.str_), HOURS),
        "lon": spot[:, 0],
        "lat": spot[:, 1],
        "load": draw.number(count, 0.02, 1.1, 2),
        "punctual": draw.rng.normal(40, 110, count).astype(np.int64),
    }


def bike_sites(basis: Basis) -> int:
    return max(6, len(basis.people) // 800)


@tells("jt_bike")
def bikes(basis: Basis, draw: Draw) -> Columns:
    count = len(basis.people) // 8 + 20
    spot = basis.homes.spot[draw.any_of(len(basis.homes), count)] + draw.rng.normal(0, 20 * METRE, (count, 2))
    site = joined("DW", zeros(draw.any_of(bike_sites(basis), count) + 1, 6))
    return {
        "bike_no": numbered("B", count, 9),
        "company": draw.pick(BIKE_FIRMS, count, 0.5, 0.3),
        "ts": draw.moments_back(count, 2),
        "lon": np.round(spot[:, 0], 6),
        "lat": np.round(spot[:, 1], 6),
        "lock": draw.code("lock", count, 0.9),
        "registered": draw.some(count, 0.94),
        "site_id": gone(site, draw.some(count, 0.3)),
    }


@tells("jt_bike_site")
def sites(basis: Basis, draw: Draw) -> Columns:
    count = bike_sites(basis)
    home = draw.any_of(len(basis.homes), count)
    return {
        "site_id": numbered("DW", count, 6),
        "name": joined(basis.homes.road[home], basis.homes.number[home], "停放点"),
        "fence": squares(basis.homes.spot[home], 14),
        "capacity": draw.rng.integers(12, 120, count),
        "overload_ratio": np.full(count, 1.5),
        "camera_id": joined("SX", zeros(np.arange(count) + 1, 8)),
        "duty_company": draw.pick(BIKE_FIRMS, count),
    }


def containers(draw: Draw, count: int) -> Array:
    """Return container numbers with right check digits. Source: ISO 6346."""
    weights = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", LETTER_VALUES, strict=True))
    body = joined("ALNU", zeros(draw.rng.integers(0, 10**6, count), 6))
    total = np.zeros(count, dtype=np.int64)
    for place in range(10):
        signs = np.array([text[place] for text in body.tolist()])
        total += np.array([weights[s] if s in weights else int(s) for s in signs.tolist()]) * 2**place
    return joined(body, (total % 11 % 10).astype(np.str_))


LETTER_VALUES = [value for value in range(10, 39) if value % 11]


@tells("gk_truck_arrival")
def trucks(basis: Basis, draw: Draw) -> Columns:
    count = max(12, len(basis.people) // 60)
    slot = draw.moments_back(count, 5).astype("datetime64[h]").astype("datetime64[s]")
    gate = slot + draw.rng.normal(1_500, 1_500, count).astype(np.int64).astype("timedelta64[s]")
    missing = draw.some(count, 0.05)
    return {
        "appt_no": numbered("YY", count, 10),
        "plate_no": basis.cars.plate[draw.any_of(len(basis.cars), count)],
        "container_no": containers(draw, count),
        "task": draw.code("task", count),
        "slot_start": slot,
        "slot_end": slot + HOUR,
        "gate_in_at": gone(gate, missing),
        "gate_out_at": gone(draw.later(gate, 18, 120), missing),
        "gate": joined("G", (draw.any_of(8, count) + 1).astype(np.str_)),
    }


@tells("gk_operation")
def operations(basis: Basis, draw: Draw) -> Columns:
    count = max(12, len(basis.people) // 60)
    plan = draw.moments_back(count, 5)
    start = draw.later(plan, -5, 50)
    return {
        "job_no": numbered("ZY", count, 10),
        "yard_block": joined(
            np.array(list("ABCDEF"))[draw.any_of(6, count)], zeros(draw.any_of(20, count) + 1, 2)
        ),
        "crane": joined("QC", zeros(draw.any_of(16, count) + 1, 2)),
        "vessel": joined("安澜", (draw.any_of(40, count) + 1).astype(np.str_), " / 2612"),
        "container_no": containers(draw, count),
        "plan_at": plan,
        "start_at": start,
        "end_at": draw.later(start, 1.5, 9),
        "status": draw.code("status", count, 0.9),
    }
