"""政务服务、大数据、城管、司法调解: matters and certificates, cases, hotline tickets, disputes, exchange calls."""

import json

import numpy as np

from citybrain.sample.sets.basis import DISTRICT_REGION, Basis
from citybrain.sample.sets.draw import Draw
from citybrain.sample.sets.market import bodies
from citybrain.sample.sets.tell import Columns, full, gone, tells
from citybrain.sample.sets.text import Array, certificate_check, days_text, joined, numbered, points, zeros

MATTERS = 80
NAMES = (
    "户口迁移",
    "社会保险登记",
    "食品经营许可",
    "不动产转移登记",
    "居住证办理",
    "公积金提取",
    "新生儿入户",
    "老年人优待证",
)
COMPLAINTS = (
    "小区路灯不亮",
    "垃圾没有及时清运",
    "夜间施工噪声",
    "自来水水压低",
    "井盖松动",
    "占道经营",
    "供暖不热",
    "公交等车太久",
)
DAY = np.timedelta64(1, "D")


def tasks() -> Array:
    return joined(bodies(MATTERS), zeros(np.arange(MATTERS) + 1, 13))


@tells("zw_item")
def matters(basis: Basis, draw: Draw) -> Columns:
    place = np.arange(MATTERS)
    legal = draw.pick([5, 10, 20, 30], MATTERS)
    return {
        "task_code": tasks(),
        "catalog_code": zeros(place + 1, 13),
        "handle_item": joined(tasks(), "01"),
        "name": joined(
            np.array(NAMES)[place % len(NAMES)], "（", (place // len(NAMES) + 1).astype(np.str_), "）"
        ),
        "type": draw.code("type", MATTERS),
        "dept_uscc": bodies(MATTERS),
        "use_level": draw.code("use_level", MATTERS),
        "server_type": draw.pick(["自然人", "企业法人"], MATTERS),
        "project_type": draw.code("project_type", MATTERS),
        "legal_days": legal,
        "promise_days": np.maximum(1, legal // 4),
        "materials": full(MATTERS, json.dumps(["身份证", "申请表"], ensure_ascii=False)),
        "online_depth": draw.code("online_depth", MATTERS),
        "runs": draw.pick([0, 1, 2], MATTERS, 0.6, 0.35),
        "fee": draw.some(MATTERS, 0.1),
    }


def case_numbers(basis: Basis) -> Array:
    return numbered(f"BJ{DISTRICT_REGION}", max(20, len(basis.people) // 15), 12)


@tells("zw_case")
def matter_cases(basis: Basis, draw: Draw) -> Columns:
    numbers = case_numbers(basis)
    count = len(numbers)
    who, moment = draw.rng.choice(basis.people.adults, count), draw.moments_back(count, 30)
    codes, open_ = draw.codes("status"), draw.some(count, 0.2)
    finished = draw.later(moment, 30, 6_000)
    return {
        "case_no": numbers,
        "task_code": tasks()[draw.any_of(MATTERS, count)],
        "applicant_type": full(count, draw.codes("applicant_type")[0]),
        "applicant_name": basis.people.name[who],
        "applicant_id": basis.people.id_no[who],
        "channel": draw.code("channel", count, 0.5),
        "onething_no": gone(joined("YJS", zeros(np.arange(count), 8)), draw.some(count, 0.9)),
        "status": np.where(open_, codes[0], codes[-1]),
        "accepted_at": moment,
        "due_at": moment + 5 * DAY,
        "finished_at": gone(finished, open_),
        "result": gone(draw.code("result", count, 0.96), open_),
        "runs": draw.pick([0, 1, 2], count, 0.7, 0.28),
    }


@tells("zw_certificate")
def certificates(basis: Basis, draw: Draw) -> Columns:
    people = basis.people
    who = people.adults[draw.of(len(people.adults), 0.15)]
    count = len(who)
    kind, issuer = "11100000MB03271699001", bodies(1)[0]
    bodies_ = [f"{kind}{issuer}2026{place:07d}001" for place in range(count)]
    numbers = [
        f"1.2.156.3005.2.{kind}.{issuer}.2026{place:07d}.001.{certificate_check(body)}"
        for place, body in enumerate(bodies_)
    ]
    issued = draw.days_back(count, 2_000, 5)
    digits = draw.rng.integers(0, 16, (count, 64))
    return {
        "cert_id": np.array(numbers, dtype=np.str_),
        "type_code": full(count, kind),
        "name": full(count, "居住证"),
        "number": joined("JZZ", zeros(np.arange(count) + 1, 10)),
        "holder_name": people.name[who],
        "holder_code": people.id_no[who],
        "holder_code_type": full(count, "公民身份号码"),
        "issuer": full(count, "安澜市公安局"),
        "issuer_code": full(count, issuer),
        "issue_date": issued,
        "valid_from": issued,
        "valid_to": issued + 3_652 * DAY,
        "status": draw.code("status", count, 0.97),
        "file_hash": np.array(
            ["".join(row) for row in np.array(list("0123456789abcdef"))[digits].tolist()], dtype=np.str_
        ),
    }


@tells("zw_rating")
def ratings(basis: Basis, draw: Draw) -> Columns:
    cases = case_numbers(basis)
    rated = cases[draw.of(len(cases), 0.4)]
    count = len(rated)
    return {
        "rating_id": numbered("PJ", count, 12),
        "case_no": rated,
        "score": draw.pick(["5", "4", "3", "2", "1"], count, 0.8, 0.14, 0.03),
        "channel": draw.code("channel", count),
        "comment": gone(
            draw.pick(["很快", "态度好", "多跑了一趟", "材料说不清"], count, 0.5, 0.3), draw.some(count, 0.7)
        ),
        "created_at": draw.moments_back(count, 25),
        "rectified": full(count, draw.codes("rectified")[0]),
    }


@tells("cg_case")
def city_cases(basis: Basis, draw: Draw) -> Columns:
    count = max(40, len(basis.people) // 20)
    home, who = draw.any_of(len(basis.homes), count), draw.rng.choice(basis.people.adults, count)
    reported = draw.moments_back(count, 30)
    filed, sent = draw.later(reported, 3, 60), draw.later(reported, 61, 120)
    done = draw.later(sent, 60, 4_000)
    open_ = draw.some(count, 0.15)
    codes = draw.codes("state")
    return {
        "case_no": numbered("AJ", count, 14),
        "item_code": draw.pick(["010101", "010203", "020104", "030201", "040102", "050301"], count),
        "source": draw.code("source", count, 0.5, 0.3),
        "reporter": basis.people.name[who],
        "reporter_phone": basis.people.phone[who],
        "description": draw.pick(COMPLAINTS, count),
        "grid_code": basis.homes.grid_code[home],
        "point": points(basis.homes.spot[home]),
        "priority": draw.code("priority", count, 0.8),
        "state": np.where(open_, codes[min(8, len(codes) - 1)], "70"),
        "lead_dept": full(count, basis.body("city_mgmt")),
        "reported_at": reported,
        "filed_at": filed,
        "dispatched_at": sent,
        "handled_at": gone(done, open_),
        "closed_at": gone(draw.later(done, 60, 900), open_),
        "deadline": sent + 3 * DAY,
        "rework": draw.rng.poisson(0.05, count),
        "rating": gone(draw.pick(["5", "4", "3", "2", "1"], count, 0.6, 0.25), open_ | draw.some(count, 0.6)),
    }


@tells("rx_ticket")
def tickets(basis: Basis, draw: Draw) -> Columns:
    count = max(40, len(basis.people) // 20)
    who = draw.rng.choice(basis.people.adults, count)
    taken = draw.moments_back(count, 30)
    sent, signed = draw.later(taken, 2, 30), draw.later(taken, 31, 400)
    open_ = draw.some(count, 0.15)
    replied = draw.later(signed, 200, 6_000)
    return {
        "ticket_no": numbered("RX", count, 14),
        "channel": draw.code("channel", count, 0.8),
        "kind": draw.code("kind", count, 0.3, 0.35, 0.25),
        "caller": basis.people.name[who],
        "phone": basis.people.phone[who],
        "secret": draw.some(count, 0.06),
        "content": joined(
            basis.homes.estate[basis.home(who)], draw.pick(COMPLAINTS, count), "，请尽快处理。"
        ),
        "category": draw.pick(["010101", "010203", "020104", "030201"], count),
        "region": basis.homes.region[basis.home(who)],
        "urgency": draw.code("urgency", count, 0.9),
        "accepted_at": taken,
        "assigned_at": sent,
        "dept": full(count, basis.body("city_mgmt")),
        "signed_at": signed,
        "replied_at": gone(replied, open_),
        "deadline": taken + 5 * DAY,
        "returned": draw.rng.poisson(0.08, count),
        "responded": ~open_,
        "solved": gone(draw.some(count, 0.8), open_),
        "satisfied": gone(draw.code("satisfied", count, 0.6, 0.25), open_),
        "visit_at": gone(draw.later(replied, 60, 3_000), open_),
    }


@tells("sf_dispute")
def disputes(basis: Basis, draw: Draw) -> Columns:
    count = max(6, len(basis.people) // 500)
    who = draw.rng.choice(basis.people.adults, count)
    home = basis.home(who)
    closed, taken = draw.moments_back(count, 40), draw.days_back(count, 60, 41)
    kind = draw.pick(["邻里", "物业", "婚姻家庭", "合同", "劳动争议"], count)
    return {
        "case_no": numbered("TJ", count, 12),
        "name": joined(basis.people.name[who], kind, "纠纷"),
        "type": draw.code("type", count),
        "scale": draw.code("scale", count, 0.9),
        "people": draw.rng.integers(2, 9, count),
        "party_name": basis.people.name[who],
        "party_id": basis.people.id_no[who],
        "place": basis.homes.address[home],
        "region": basis.homes.region[home],
        "level": draw.code("level", count),
        "center": joined(basis.homes.estate[home], "调解室"),
        "mediator": basis.people.name[draw.rng.choice(basis.people.adults, count)],
        "method": draw.code("method", count, 0.8),
        "deadline": taken + 30 * DAY,
        "result": draw.code("result", count, 0.9),
        "agreement_no": numbered("XY", count, 10),
        "confirmed": draw.some(count, 0.2),
        "closed_at": closed,
    }


@tells("sj_catalog_log")
def exchange_log(basis: Basis, draw: Draw) -> Columns:
    count = 600
    moment = draw.moments_back(count, 7)
    return {
        "log_id": numbered("RZ", count, 14),
        "resource_code": joined("100000/", zeros(draw.any_of(40, count) + 1, 6)),
        "consumer": draw.pick(["民政", "卫健", "教育", "人社", "住建"], count),
        "scene": draw.pick(["新生儿一件事", "入学报名", "高龄津贴核验", "居住证核验"], count),
        "grant_no": joined("SQ", days_text(moment), zeros(draw.any_of(90, count), 4)),
        "rows": draw.rng.integers(1, 5_000, count),
        "fields": full(count, json.dumps(["name", "status"])),
        "ts": moment,
        "latency_ms": draw.rng.integers(4, 900, count),
        "status": draw.code("status", count, 0.98),
    }
