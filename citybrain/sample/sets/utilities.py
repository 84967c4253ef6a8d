"""供水、供电、供气: one account and meter per home, daily readings that fit the people who live there."""

import numpy as np

from citybrain.sample.sets.basis import Basis
from citybrain.sample.sets.draw import Draw
from citybrain.sample.sets.land import squares
from citybrain.sample.sets.tell import Columns, tells
from citybrain.sample.sets.text import Array, joined, numbered, zeros

DAYS = 7
DAY = np.timedelta64(1, "D")


def meters(basis: Basis, letter: str) -> Array:
    """Return the meter of each home: same number, a letter per utility."""
    return joined(letter, zeros(np.arange(len(basis.homes)) + 1, 10))


def holders(basis: Basis) -> tuple[Array, Array]:
    """Return for each home with people its place and its account's holder, the head of the household."""
    heads = np.unique(basis.people.head)
    return basis.home(heads), heads


def account(basis: Basis, draw: Draw, letter: str) -> Columns:
    home, holder = holders(basis)
    count = len(home)
    return {
        "account_no": joined(letter, "H", zeros(home + 1, 9)),
        "customer_name": basis.people.name[holder],
        "id_no": basis.people.id_no[holder],
        "address_code": basis.homes.code[home],
        "meter_no": meters(basis, letter)[home],
        "status": draw.code("status", count, 0.98),
    }


def arrears(draw: Draw, count: int) -> Array:
    return np.where(draw.some(count, 0.03), draw.money(count, 120), 0.0)


@tells("gy_water_account")
def water_accounts(basis: Basis, draw: Draw) -> Columns:
    told = account(basis, draw, "W")
    _home, holder = holders(basis)
    return {**told, "phone": basis.people.phone[holder], "arrears": arrears(draw, len(holder))}


@tells("gy_power_account")
def power_accounts(basis: Basis, draw: Draw) -> Columns:
    told = account(basis, draw, "E")
    count = len(told["meter_no"])
    return {**told, "class": draw.code("class", count, 0.95), "arrears": arrears(draw, count)}


@tells("gy_gas_account")
def gas_accounts(basis: Basis, draw: Draw) -> Columns:
    told = account(basis, draw, "G")
    return {**told, "safety_check": draw.days_back(len(told["meter_no"]), 700, 3)}


def daily(basis: Basis, draw: Draw, letter: str, each: float) -> tuple[Columns, Array]:
    """Return meter and day of every reading, and the use: by head count, with quiet homes of people away."""
    home, _holder = holders(basis)
    members = np.bincount(basis.people.household)
    lives = np.zeros(len(basis.homes))
    lives[basis.home_of] = members
    away = np.repeat(draw.some(len(home), 0.03), DAYS)
    use = np.repeat(lives[home], DAYS) * each * draw.rng.lognormal(0, 0.35, len(home) * DAYS)
    day = draw.today.astype("datetime64[s]") - np.tile(np.arange(DAYS, 0, -1), len(home)) * DAY
    return {
        "meter_no": np.repeat(meters(basis, letter)[home], DAYS),
        "ts": day - np.timedelta64(8, "h"),
    }, np.round(np.where(away, 0.0, use), 3)


@tells("gy_water_usage")
def water_use(basis: Basis, draw: Draw) -> Columns:
    told, use = daily(basis, draw, "W", 0.11)
    by_meter = use.reshape(-1, DAYS)
    start = draw.rng.integers(50, 3_000, len(by_meter))[:, None]
    reading = np.round(start + np.cumsum(by_meter, axis=1), 3).ravel()
    return {**told, "reading": reading, "usage": use, "quality": draw.code("quality", len(use), 0.99)}


@tells("gy_power_usage")
def power_use(basis: Basis, draw: Draw) -> Columns:
    told, use = daily(basis, draw, "E", 2.6)
    peak = np.round(use * draw.rng.uniform(0.4, 0.7, len(use)), 3)
    return {**told, "usage": use, "peak": peak, "quality": draw.code("quality", len(use), 0.99)}


@tells("gy_gas_usage")
def gas_use(basis: Basis, draw: Draw) -> Columns:
    told, use = daily(basis, draw, "G", 0.18)
    return {
        **told,
        "usage": use,
        "alarm": draw.code("alarm", len(use), 0.9998),
        "quality": draw.code("quality", len(use), 0.99),
    }


@tells("gy_outage")
def outages(basis: Basis, draw: Draw) -> Columns:
    count = max(6, len(basis.homes) // 400)
    start = draw.moments_back(count, 20)
    home = draw.any_of(len(basis.homes), count)
    return {
        "outage_id": numbered("TG", count, 8),
        "type": draw.code("type", count),
        "planned": draw.some(count, 0.7),
        "start_at": start,
        "end_at": draw.later(start, 40, 600),
        "households": draw.rng.integers(20, 900, count),
        "area": squares(basis.homes.spot[home], 400),
        "reason": draw.pick(["管网检修", "线路改造", "阀门更换", "外力破坏抢修"], count, 0.4, 0.3),
    }
