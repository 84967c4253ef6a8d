"""民政、残联、人社、医保、教育、退役军人: who needs care, who is insured, who is married."""

import json

import numpy as np

from citybrain.sample.sets.basis import Basis
from citybrain.sample.sets.draw import Draw
from citybrain.sample.sets.tell import Columns, gone, tells
from citybrain.sample.sets.text import Array, joined, numbered, zeros

SUBSIDIES = (
    ("BT001", "高龄老年人津贴", "民政", "每人每月 100 元至 500 元", "每月"),
    ("BT002", "困难残疾人生活补贴", "残联", "每人每月 200 元", "每月"),
    ("BT003", "重度残疾人护理补贴", "残联", "每人每月 200 元", "每月"),
    ("BT004", "最低生活保障金", "民政", "补差发放", "每月"),
    ("BT005", "稳岗返还补贴", "人社", "按上年度失业保险费 60% 返还", "每年"),
    ("BT006", "公益性岗位补贴", "人社", "按最低工资标准", "每月"),
    ("BT007", "退役军人优待金", "退役军人", "按年度标准", "每年"),
    ("BT008", "老旧电梯更新补贴", "住建", "每台最高 15 万元", "一次性"),
)
DAY = np.timedelta64(1, "D")


def elders(basis: Basis) -> Array:
    """Return the places of the old people on the care list: those who live alone, and some others."""
    people = basis.people
    rng = basis.stream("elders")
    listed = (people.age >= 70) & (people.alone() | (rng.random(len(people)) < 0.15))
    return np.flatnonzero(listed)


def elder_numbers(basis: Basis) -> Array:
    return numbered("LN", len(elders(basis)), 8)


@tells("mz_key_elder")
def key_elders(basis: Basis, draw: Draw) -> Columns:
    people, homes, who = basis.people, basis.homes, elders(basis)
    home, count = basis.home(who), len(who)
    contact = draw.rng.choice(people.adults, count)
    devices = [
        json.dumps([f"SB{place:08d}"] if wired else [])
        for place, wired in zip(who.tolist(), draw.some(count, 0.4).tolist(), strict=True)
    ]
    return {
        "elder_id": elder_numbers(basis),
        "id_no": people.id_no[who],
        "name": people.name[who],
        "birth_date": people.birth[who],
        "live_alone": people.alone()[who],
        "care_level": draw.code("care_level", count),
        "disability_level": draw.code("disability_level", count),
        "address": homes.address[home],
        "grid_code": homes.grid_code[home],
        "contact1_name": people.name[contact],
        "contact1_phone": people.phone[contact],
        "consent": draw.some(count, 0.9),
        "device_ids": np.array(devices, dtype=np.str_),
    }


@tells("mz_subsistence")
def subsistence(basis: Basis, draw: Draw) -> Columns:
    people = basis.people
    heads = np.unique(people.head)
    who = heads[draw.of(len(heads), 0.02)]
    count = len(who)
    return {
        "case_no": numbered("DB120198", count, 8),
        "id_no": people.id_no[who],
        "name": people.name[who],
        "type": draw.code("type", count, 0.7),
        "household_size": np.bincount(people.household)[people.household[who]],
        "amount": draw.money(count, 980, 0.3),
        "start_date": draw.days_back(count, 2_000, 40),
        "status": draw.code("status", count, 0.92),
        "region": basis.homes.region[basis.home(who)],
    }


@tells("mz_subsidy_item")
def subsidy_items(basis: Basis, draw: Draw) -> Columns:
    code, name, dept, standard, cycle = (np.array(column) for column in zip(*SUBSIDIES, strict=True))
    return {
        "item_code": code,
        "name": name,
        "dept": dept,
        "basis": joined("安澜市", name, "发放管理办法"),
        "standard": standard,
        "cycle": cycle,
        "object_rule": np.array([json.dumps({"residence": "120198", "item": one}) for one in code.tolist()]),
    }


@tells("mz_subsidy_pay")
def subsidy_payments(basis: Basis, draw: Draw) -> Columns:
    people = basis.people
    who = people.old[draw.of(len(people.old), 0.5)]
    months = 3
    count = len(who) * months
    person = np.tile(who, months)
    month = np.repeat(np.arange(months), len(who))
    failed = draw.some(count, 0.015)
    paid = draw.today.astype("datetime64[s]") - (month * 30 + 6).astype("timedelta64[D]")
    codes = draw.codes("status")
    return {
        "batch_no": joined("FF", zeros(month + 1, 4)),
        "seq": np.tile(np.arange(1, len(who) + 1), months),
        "item_code": np.where(people.age[person] >= 80, "BT001", "BT004"),
        "id_no": people.id_no[person],
        "name": people.name[person],
        "card_no": bank_accounts(person),
        "amount": np.where(people.age[person] >= 80, 300.0, 150.0),
        "status": np.where(failed, codes[1], codes[0]),
        "fail_reason": gone(np.full(count, "户名与账号不符"), ~failed),
        "paid_at": gone(paid, failed),
    }


def bank_accounts(people: Array) -> Array:
    """Return account numbers of a bank that doesn't exist (prefix 6999)."""
    return joined("6999", zeros(people * 7 + 11, 15))


@tells("mz_marriage")
def marriages(basis: Basis, draw: Draw) -> Columns:
    husbands, wives = basis.people.spouses()
    count = len(husbands)
    young = np.minimum(basis.people.age[husbands], basis.people.age[wives])
    years = np.maximum(0, young - 21) * draw.rng.random(count)
    return {
        "cert_no": numbered("J120198", count, 10),
        "male_id": basis.people.id_no[husbands],
        "female_id": basis.people.id_no[wives],
        "reg_date": draw.today - (years * 365 + 3).astype("timedelta64[D]"),
        "type": np.full(count, draw.codes("type")[0]),
        "status": np.full(count, draw.codes("status")[0]),
    }


@tells("mz_care_record")
def care_records(basis: Basis, draw: Draw) -> Columns:
    numbers = elder_numbers(basis)
    count = len(numbers) * 4
    return {
        "record_id": numbered("GH", count, 12),
        "elder_id": numbers[draw.any_of(len(numbers), count)],
        "type": draw.code("type", count, 0.7),
        "ts": draw.moments_back(count, 30),
        "connected": draw.some(count, 0.86),
        "result": draw.code("result", count, 0.9),
        "need": gone(
            draw.pick(["想要人陪着去医院", "家里灯坏了", "想理发", "买菜不方便"], count),
            draw.some(count, 0.92),
        ),
        "operator": joined("关怀", zeros(draw.any_of(40, count) + 1, 3)),
    }


@tells("cl_disabled")
def disabled(basis: Basis, draw: Draw) -> Columns:
    people = basis.people
    who = draw.of(len(people), 0.025)
    category, level = draw.code("category", len(who)), draw.code("level", len(who))
    return {
        "cert_no": joined(people.id_no[who], category, level),
        "id_no": people.id_no[who],
        "name": people.name[who],
        "category": category,
        "level": level,
        "valid_until": draw.today + draw.rng.integers(30, 3_000, len(who)) * DAY,
        "address": basis.homes.address[basis.home(who)],
    }


def workers(basis: Basis) -> tuple[Array, Array]:
    """Return who works (places among the people) and for which firm."""
    people, rng = basis.people, basis.stream("workers")
    works = (people.age >= 20) & (people.age < 60) & (rng.random(len(people)) < 0.72)
    who = np.flatnonzero(works)
    return who, rng.integers(0, len(basis.firms), len(who))


@tells("rs_insurance")
def insurance(basis: Basis, draw: Draw) -> Columns:
    who, firm = workers(basis)
    count = len(who)
    return {
        "id_no": basis.people.id_no[who],
        "name": basis.people.name[who],
        "insurance_type": np.full(count, draw.codes("insurance_type")[0]),
        "employer_uscc": basis.firms.uscc[firm],
        "month": np.full(count, f"{draw.until:%Y%m}"),
        "base": np.clip(draw.money(count, 7_800, 0.35), 4_500, 40_000),
        "status": draw.code("status", count, 0.96),
    }


@tells("rs_card")
def cards(basis: Basis, draw: Draw) -> Columns:
    who = np.flatnonzero(~basis.people.floating)
    return {
        "card_no": joined("S", zeros(who, 9)),
        "id_no": basis.people.id_no[who],
        "bank_account": bank_accounts(who),
        "bank_code": np.full(len(who), "699900000001"),
        "status": draw.code("status", len(who), 0.97),
        "issued_at": draw.days_back(len(who), 3_000, 60),
    }


@tells("rs_employment")
def employment(basis: Basis, draw: Draw) -> Columns:
    who, firm = workers(basis)
    codes = draw.codes("status")
    out = draw.some(len(who), 0.05)
    return {
        "id_no": basis.people.id_no[who],
        "status": np.where(out, codes[1], codes[0]),
        "reg_date": draw.days_back(len(who), 1_500, 5),
        "employer_uscc": gone(basis.firms.uscc[firm], out),
        "difficulty": gone(draw.code("difficulty", len(who)), draw.some(len(who), 0.96)),
        "region": basis.homes.region[basis.home(who)],
    }


@tells("yb_settlement")
def settlements(basis: Basis, draw: Draw) -> Columns:
    count = len(basis.people) // 3
    total = draw.money(count, 210, 1.0)
    return {
        "settle_id": numbered("JS", count, 14),
        "id_no": basis.people.id_no[draw.any_of(len(basis.people), count)],
        "org_code": basis.hospitals[draw.any_of(len(basis.hospitals), count)],
        "visit_type": draw.code("visit_type", count, 0.85),
        "settle_time": draw.moments_back(count, 30),
        "total": total,
        "fund_pay": np.round(total * draw.rng.uniform(0.3, 0.85, count), 2),
        "verify_mode": draw.code("verify_mode", count, 0.5),
    }


@tells("jy_enrol")
def enrolments(basis: Basis, draw: Draw) -> Columns:
    people = basis.people
    who = np.flatnonzero((people.age == 6) & (people.head != np.arange(len(people))))
    count = len(who)
    return {
        "enrol_no": numbered("RX", count, 8),
        "child_id": people.id_no[who],
        "child_name": people.name[who],
        "guardian_id": people.id_no[people.head[who]],
        "hukou_ok": ~people.floating[who],
        "property_ok": draw.some(count, 0.8),
        "residence_ok": draw.some(count, 0.97),
        "insurance_ok": draw.some(count, 0.9),
        "school": joined(basis.homes.estate[basis.home(who)], "小学"),
        "status": draw.code("status", count, 0.8),
    }


@tells("tj_veteran")
def veterans(basis: Basis, draw: Draw) -> Columns:
    people = basis.people
    able = np.flatnonzero((people.age >= 22) & people.male & ~people.floating)
    who = able[draw.of(len(able), 0.05)]
    left = people.birth[who] + draw.rng.integers(20 * 365, 22 * 365, len(who)) * DAY
    return {
        "id_no": people.id_no[who],
        "name": people.name[who],
        "discharge_date": np.minimum(left, draw.today),
        "resettle_type": draw.code("resettle_type", len(who), 0.6),
        "pref_card_no": numbered("YD120198", len(who), 8),
        "region": basis.homes.region[basis.home(who)],
        "status": draw.code("status", len(who), 0.98),
    }
