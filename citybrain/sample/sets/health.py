"""卫健: births, vaccinations, tests and codes of an epidemic drill, visits and beds."""

import numpy as np

from citybrain.sample.sets.basis import Basis
from citybrain.sample.sets.draw import Draw
from citybrain.sample.sets.tell import Columns, gone, tells
from citybrain.sample.sets.text import Array, joined, numbered, points, zeros

TUBE_HOLDS = 10
HOUR = np.timedelta64(1, "h")
VACCINES = ("0101", "0201", "0301", "0401", "0501", "0601", "2101")
VENUE_ENDS = ("便民菜市场", "社区超市", "面馆", "小学", "卫生站", "公园", "影城", "酒店")


@tells("wj_birth")
def births(basis: Basis, draw: Draw) -> Columns:
    people = basis.people
    child = np.isin(people.relation, ("20", "30")) & (people.age < 3)
    spouse = np.zeros(len(people), dtype=np.int64)
    husbands, wives = people.spouses()
    spouse[husbands], spouse[wives] = wives, husbands
    who = np.flatnonzero(child & (spouse[people.head] > 0))
    head = people.head[who]
    mother = np.where(people.male[head], spouse[head], head)
    father = np.where(people.male[head], head, spouse[head])
    moment = people.birth[who].astype("datetime64[s]") + draw.rng.integers(0, 86_000, len(who)).astype(
        "timedelta64[s]"
    )
    return {
        "cert_no": numbered("C120198", len(who), 9),
        "baby_name": people.name[who],
        "sex": np.where(people.male[who], "1", "2"),
        "birth_time": moment - 8 * HOUR,
        "org_code": basis.hospitals[draw.any_of(len(basis.hospitals), len(who))],
        "mother_id": people.id_no[mother],
        "father_id": people.id_no[father],
        "status": np.full(len(who), draw.codes("status")[0]),
    }


@tells("wj_vaccination")
def vaccinations(basis: Basis, draw: Draw) -> Columns:
    children = basis.people.children
    count = len(children) * 2
    return {
        "record_id": numbered("YZ", count, 12),
        "id_no": basis.people.id_no[np.repeat(children, 2)],
        "vaccine_code": draw.pick(VACCINES, count),
        "dose": np.tile([1, 2], len(children)),
        "batch": joined("P2026", zeros(draw.any_of(90, count) + 1, 4)),
        "org_code": basis.hospitals[draw.any_of(len(basis.hospitals), count)],
        "ts": draw.moments_back(count, 900),
    }


def tubes(basis: Basis) -> int:
    return max(2, len(basis.people) // (TUBE_HOLDS * 4))


def opened_at(basis: Basis, draw_day: np.datetime64) -> Array:
    rng = basis.stream("tubes")
    minutes = np.sort(rng.integers(0, 600, tubes(basis)))
    start = draw_day.astype("datetime64[s]") - np.timedelta64(25, "h")
    return np.asarray(start + minutes.astype("timedelta64[m]"))


@tells("wj_sample_tube")
def sample_tubes(basis: Basis, draw: Draw) -> Columns:
    opened = opened_at(basis, draw.today)
    count = len(opened)
    sealed = draw.later(opened, 6, 20)
    received = draw.later(sealed, 60, 180)
    return {
        "tube_code": numbered("T", count, 12),
        "pool_size": np.full(count, TUBE_HOLDS),
        "task_id": np.full(count, f"RW{draw.until:%Y%m%d}"),
        "site_id": joined("CY", zeros(draw.any_of(60, count) + 1, 4)),
        "opened_at": opened,
        "sealed_at": sealed,
        "bag_code": joined("X", zeros(np.arange(count) // 40 + 1, 6)),
        "received_at": received,
        "result": np.full(count, draw.codes("result")[0]),
        "result_at": draw.later(received, 180, 420),
        "status": np.full(count, draw.codes("status")[-1]),
    }


@tells("wj_sample_person")
def sampled_people(basis: Basis, draw: Draw) -> Columns:
    count = tubes(basis) * TUBE_HOLDS
    who = np.sort(draw.rng.permutation(len(basis.people))[:count])
    count = len(who)
    tube = np.arange(count) // TUBE_HOLDS
    opened = opened_at(basis, draw.today)[tube]
    home = basis.home(who)
    return {
        "tube_code": numbered("T", tubes(basis), 12)[tube],
        "seq": np.arange(count) % TUBE_HOLDS + 1,
        "id_type": np.full(count, "111"),
        "id_no": basis.people.id_no[who],
        "name": basis.people.name[who],
        "phone": basis.people.phone[who],
        "community": basis.homes.region[home],
        "address": basis.homes.address[home],
        "sampled_at": opened + (np.arange(count) % TUBE_HOLDS * 30).astype("timedelta64[s]"),
        "agent_id": gone(basis.people.id_no[basis.people.head[who]], basis.people.age[who] >= 14),
    }


@tells("wj_nat_result")
def test_results(basis: Basis, draw: Draw) -> Columns:
    count = min(len(basis.people), tubes(basis) * TUBE_HOLDS)
    who = np.sort(draw.rng.permutation(len(basis.people))[:count])
    return {
        "result_id": numbered("HS", count, 14),
        "id_no": basis.people.id_no[who],
        "sample_type": np.full(count, draw.codes("sample_type")[-1]),
        "result": np.full(count, draw.codes("result")[0]),
        "lab_code": basis.hospitals[draw.any_of(min(3, len(basis.hospitals)), count)],
        "reported_at": draw.moments_back(count, 2),
    }


@tells("wj_health_code")
def health_codes(basis: Basis, draw: Draw) -> Columns:
    count = len(basis.people)
    assigned = draw.moments_back(count, 6)
    return {
        "id_no": basis.people.id_no,
        "color": draw.code("color", count, 0.995),
        "reason": draw.code("reason", count, 0.99),
        "assigned_at": assigned,
        "expire_at": assigned + 168 * HOUR,
        "rule_version": np.full(count, "2026.2"),
        "appeal_status": np.full(count, draw.codes("appeal_status")[0]),
    }


@tells("wj_venue")
def venues(basis: Basis, draw: Draw) -> Columns:
    count = len(basis.venues)
    home, manager = draw.any_of(len(basis.homes), count), draw.rng.choice(basis.people.adults, count)
    return {
        "venue_code": basis.venues,
        "name": joined(basis.homes.estate[home], np.array(VENUE_ENDS)[np.arange(count) % len(VENUE_ENDS)]),
        "category": draw.code("category", count),
        "address": joined(basis.homes.road[home], basis.homes.number[home]),
        "region": basis.homes.region[home],
        "manager": basis.people.name[manager],
        "phone": basis.people.phone[manager],
        "point": points(basis.homes.spot[home]),
        "status": draw.code("status", count, 0.96),
    }


@tells("wj_venue_scan")
def venue_scans(basis: Basis, draw: Draw) -> Columns:
    count = len(basis.people)
    moment = draw.moments_back(count, 7)
    return {
        "scan_id": numbered("SM", count, 14),
        "venue_code": basis.venues[draw.any_of(len(basis.venues), count)],
        "id_no": basis.people.id_no[draw.any_of(len(basis.people), count)],
        "scan_at": moment,
        "color": draw.code("color", count, 0.997),
        "companion": draw.some(count, 0.05),
        "delete_after": moment.astype("datetime64[D]") + np.timedelta64(31, "D"),
    }


@tells("wj_visit")
def visits(basis: Basis, draw: Draw) -> Columns:
    count = len(basis.people) // 3
    return {
        "visit_id": numbered("JZ", count, 14),
        "id_no": basis.people.id_no[draw.any_of(len(basis.people), count)],
        "org_code": basis.hospitals[draw.any_of(len(basis.hospitals), count)],
        "dept_code": draw.pick(["03", "04", "05", "07", "10", "11", "12", "50"], count, 0.3, 0.2),
        "visit_at": draw.moments_back(count, 30),
        "visit_type": draw.code("visit_type", count, 0.8),
        "verify_mode": draw.code("verify_mode", count, 0.5),
        "device_id": gone(joined("SL", zeros(draw.any_of(300, count) + 1, 6)), draw.some(count, 0.5)),
    }


@tells("wj_bed")
def beds(basis: Basis, draw: Draw) -> Columns:
    days, hospitals = 14, len(basis.hospitals)
    org = np.repeat(basis.hospitals, days)
    total = np.repeat(draw.rng.integers(80, 1_800, hospitals), days)
    icu = np.maximum(4, total // 30)
    count = len(org)
    return {
        "org_code": org,
        "ts": draw.today.astype("datetime64[s]")
        - np.tile(np.arange(days, 0, -1), hospitals).astype("timedelta64[D]"),
        "beds_total": total,
        "beds_used": (total * draw.rng.uniform(0.55, 0.98, count)).astype(np.int64),
        "icu_total": icu,
        "icu_used": (icu * draw.rng.uniform(0.3, 0.95, count)).astype(np.int64),
        "fever_visits": draw.rng.poisson(total / 20),
    }
