"""市场监管、政务服务监管、司法、信用、网信: firms and what is checked of them."""

import json

import numpy as np

from citybrain.sample.sets.basis import DISTRICT_REGION, Basis
from citybrain.sample.sets.draw import Draw
from citybrain.sample.sets.tell import Columns, full, gone, tells
from citybrain.sample.sets.text import Array, credit_codes, days_text, joined, numbered, zeros

DAY = np.timedelta64(1, "D")
CHECK_ITEMS = 60
APPS = 40


def bodies(count: int) -> Array:
    """Return credit codes of made-up public bodies (kind 11)."""
    return credit_codes("11", DISTRICT_REGION, 20_000_000 + np.arange(count))


@tells("sj_enterprise")
def enterprises(basis: Basis, draw: Draw) -> Columns:
    firms, count = basis.firms, len(basis.firms)
    return {
        "uscc": firms.uscc,
        "name": firms.name,
        "type": draw.code("type", count, 0.7),
        "legal_person": basis.people.name[firms.legal],
        "capital": np.round(draw.money(count, 200, 1.0), 2),
        "established": firms.founded,
        "scope": joined(firms.trade, "；", "法律、法规未禁止的其他经营活动"),
        "address": basis.homes.address[firms.home],
        "industry": firms.industry,
        "status": draw.code("status", count, 0.93),
    }


@tells("sj_enterprise_person")
def enterprise_people(basis: Basis, draw: Draw) -> Columns:
    firms, people = basis.firms, basis.people
    role = draw.codes("role")
    count = len(firms)
    partner = draw.rng.choice(people.adults, count)
    share = np.round(draw.rng.uniform(0.3, 0.9, count), 2)
    return {
        "uscc": np.concatenate([firms.uscc, firms.uscc]),
        "role": np.concatenate([full(count, role[0]), full(count, role[1])]),
        "name": np.concatenate([people.name[firms.legal], people.name[partner]]),
        "id_no": np.concatenate([people.id_no[firms.legal], people.id_no[partner]]),
        "share_ratio": np.concatenate([share, np.round(1 - share, 2)]),
    }


@tells("sj_licence")
def licences(basis: Basis, draw: Draw) -> Columns:
    firm = draw.of(len(basis.firms), 0.45)
    count, since = len(firm), draw.days_back(len(firm), 1_500, 10)
    return {
        "licence_no": numbered("XK120198", count, 10),
        "uscc": basis.firms.uscc[firm],
        "kind": draw.code("kind", count),
        "scope": basis.firms.trade[firm],
        "valid_from": since,
        "valid_to": since + 1_826 * DAY,
        "agency": full(count, basis.body("market")),
        "status": draw.code("status", count, 0.95),
    }


@tells("sj_abnormal")
def abnormal(basis: Basis, draw: Draw) -> Columns:
    firm = draw.of(len(basis.firms), 0.03)
    count, entered = len(firm), draw.days_back(len(firm), 900, 40)
    return {
        "uscc": basis.firms.uscc[firm],
        "list_type": draw.code("list_type", count, 0.9),
        "reason": draw.pick(
            ["未按期公示年度报告", "登记住所无法取得联系", "公示信息弄虚作假"], count, 0.6, 0.3
        ),
        "in_date": entered,
        "out_date": gone(entered + 30 * DAY, draw.some(count, 0.6)),
        "agency": full(count, basis.body("market")),
    }


def check_items() -> Array:
    return numbered("0120198", CHECK_ITEMS, 7)


@tells("jg_item")
def supervision_items(basis: Basis, draw: Draw) -> Columns:
    names = (
        "食品经营",
        "特种设备",
        "药品零售",
        "建筑施工",
        "危险化学品",
        "道路运输",
        "校外培训",
        "旅馆业",
        "排污",
        "消防",
    )
    place = np.arange(CHECK_ITEMS)
    name = np.array(names)[place % len(names)]
    return {
        "item_code": check_items(),
        "parent": joined("对", name, "的监管"),
        "name": joined("对", name, "第", (place // len(names) + 1).astype(np.str_), "项要求的检查"),
        "dept": draw.pick(
            ["市场监管", "住建", "应急", "交通运输", "教育", "公安", "生态环境", "消防"], CHECK_ITEMS
        ),
        "level": draw.code("level", CHECK_ITEMS),
        "object": joined(name, "单位"),
        "method": draw.pick(["现场检查", "书面检查", "非现场监管"], CHECK_ITEMS, 0.7),
        "basis": joined("《安澜市", name, "管理办法》"),
        "cycle": draw.code("cycle", CHECK_ITEMS),
    }


@tells("jg_check")
def checks(basis: Basis, draw: Draw) -> Columns:
    count = max(10, len(basis.firms) // 2)
    firm, moment = draw.any_of(len(basis.firms), count), draw.moments_back(count, 90)
    org = bodies(12)[draw.any_of(12, count)]
    item = check_items()[draw.any_of(CHECK_ITEMS, count)]
    first, second = (
        officer_numbers()[draw.any_of(OFFICERS, count)],
        officer_numbers()[draw.any_of(OFFICERS, count)],
    )
    names = officer_names(basis)
    places = draw.any_of(OFFICERS, count)
    return {
        "action_no": numbered("XZJC", count, 12),
        "item_code": item,
        "impl_code": joined(org, "3", item),
        "org_code": org,
        "party_name": basis.firms.name[firm],
        "party_code": basis.firms.uscc[firm],
        "region": basis.firm_district(firm),
        "form": draw.code("form", count),
        "category": draw.code("category", count),
        "mode": draw.code("mode", count),
        "result": draw.code("result", count, 0.85),
        "check_at": moment,
        "officers": np.array([json.dumps([names[one]], ensure_ascii=False) for one in places.tolist()]),
        "cert_nos": np.array(
            [json.dumps(pair) for pair in zip(first.tolist(), second.tolist(), strict=True)]
        ),
        "plan_id": joined("SSJ", days_text(moment), zeros(draw.any_of(20, count), 3)),
    }


@tells("jg_penalty")
def penalties(basis: Basis, draw: Draw) -> Columns:
    count = max(4, len(basis.firms) // 12)
    firm = draw.any_of(len(basis.firms), count)
    return {
        "doc_no": joined("安市监罚字2026第", zeros(np.arange(1, count + 1), 5), "号"),
        "party_name": basis.firms.name[firm],
        "party_code": basis.firms.uscc[firm],
        "fact": draw.pick(["未公示经营许可证", "食品标签不合格", "占道经营", "未按规定年检"], count),
        "basis": full(count, "《安澜市市场监督管理条例》"),
        "kind": draw.code("kind", count, 0.2, 0.6),
        "amount": draw.money(count, 3_000, 0.9),
        "decided_at": draw.days_back(count, 500, 1),
        "agency": full(count, basis.body("market")),
    }


OFFICERS = 80


def officer_numbers() -> Array:
    return numbered("ZF120198", OFFICERS, 6)


def officer_places(basis: Basis) -> Array:
    return np.sort(
        basis.stream("officers").choice(
            basis.people.adults, OFFICERS, replace=len(basis.people.adults) < OFFICERS
        )
    )


def officer_names(basis: Basis) -> list[str]:
    return [str(name) for name in basis.people.name[officer_places(basis)].tolist()]


@tells("jg_officer")
def officers(basis: Basis, draw: Draw) -> Columns:
    who = officer_places(basis)
    return {
        "cert_no": officer_numbers(),
        "name": basis.people.name[who],
        "id_no": basis.people.id_no[who],
        "org_code": bodies(12)[draw.any_of(12, OFFICERS)],
        "field": draw.pick(["城市管理", "市场监管", "交通运输", "生态环境", "应急管理"], OFFICERS, 0.4, 0.3),
        "valid_to": draw.today + draw.rng.integers(40, 1_400, OFFICERS) * DAY,
        "status": draw.code("status", OFFICERS, 0.97),
    }


@tells("xy_credit")
def credit(basis: Basis, draw: Draw) -> Columns:
    count = len(basis.firms)
    score = np.clip(draw.rng.normal(720, 80, count), 350, 1_000).astype(np.int64)
    grades = draw.codes("grade")
    return {
        "subject_code": basis.firms.uscc,
        "subject_type": full(count, draw.codes("subject_type")[0]),
        "score": score,
        "grade": np.array(grades)[np.clip((1_000 - score) * len(grades) // 650, 0, len(grades) - 1)],
        "red_black": draw.code("red_black", count, 0.9),
        "repair": full(count, draw.codes("repair")[0]),
        "updated_at": draw.moments_back(count, 60),
    }


@tells("wx_app")
def apps(basis: Basis, draw: Draw) -> Columns:
    firm = draw.any_of(len(basis.firms), APPS)
    findings = ["未公开收集使用规则", "未经同意收集使用", "违反必要原则收集无关信息"]
    return {
        "app_id": numbered("APP", APPS, 8),
        "name": joined(
            "安澜",
            np.array(["生活", "出行", "买菜", "课堂", "健康"])[np.arange(APPS) % 5],
            (np.arange(APPS) + 1).astype(np.str_),
        ),
        "kind": draw.code("kind", APPS),
        "operator": basis.firms.name[firm],
        "uscc": basis.firms.uscc[firm],
        "version": joined(
            (draw.any_of(6, APPS) + 1).astype(np.str_), ".", draw.any_of(20, APPS).astype(np.str_), ".0"
        ),
        "permissions": full(APPS, json.dumps(["location", "camera"])),
        "findings": np.array(
            [json.dumps(findings[: int(n)], ensure_ascii=False) for n in draw.any_of(3, APPS)]
        ),
        "score": draw.rng.integers(55, 100, APPS),
        "rectify_by": gone(draw.today + draw.rng.integers(5, 60, APPS) * DAY, draw.some(APPS, 0.6)),
        "status": draw.code("status", APPS),
    }


@tells("wx_data_filing")
def data_filings(basis: Basis, draw: Draw) -> Columns:
    firm = draw.of(len(basis.firms), 0.05)
    count = len(firm)
    return {
        "filing_no": numbered("BA120198", count, 6),
        "operator": basis.firms.name[firm],
        "uscc": basis.firms.uscc[firm],
        "data_kinds": full(count, json.dumps(["用户资料", "订单"], ensure_ascii=False)),
        "important": draw.some(count, 0.05),
        "personal_count": draw.rng.integers(200, 900_000, count),
        "mlps_level": draw.code("mlps_level", count, 0.2, 0.5),
        "officer": basis.people.name[draw.rng.choice(basis.people.adults, count)],
        "assessed_at": draw.days_back(count, 700, 5),
        "status": draw.code("status", count, 0.9),
    }
