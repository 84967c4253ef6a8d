"""城管部件、生态环境、应急、物联: what stands in the city, the air and water, warnings, devices and their readings."""

import json

import numpy as np

from citybrain.sample.city import DISTRICT
from citybrain.sample.sets.basis import DISTRICT_REGION, Basis
from citybrain.sample.sets.draw import Draw
from citybrain.sample.sets.tell import Columns, full, gone, tells
from citybrain.sample.sets.text import joined, numbered, points, zeros

HOURS, DEVICES_PER_HOME = 24, 0.05
HOUR, DAY = np.timedelta64(1, "h"), np.timedelta64(1, "D")
PARTS = (
    ("0101", "上水井盖"),
    ("0102", "污水井盖"),
    ("0201", "路灯"),
    ("0301", "公共厕所"),
    ("0401", "行道树"),
    ("0501", "交通标志牌"),
)
METRICS = (
    ("water_level", "m", 0.6),
    ("door_open", "次", 3.0),
    ("smoke", "ppm", 0.02),
    ("temperature", "℃", 21.0),
)


@tells("cg_component")
def components(basis: Basis, draw: Draw) -> Columns:
    count = len(basis.homes) // 2 + 12
    kind = draw.any_of(len(PARTS), count)
    code, name = (np.array(column) for column in zip(*PARTS, strict=True))
    home = draw.any_of(len(basis.homes), count)
    return {
        "component_code": joined(DISTRICT_REGION, code[kind], zeros(np.arange(count) + 1, 6)),
        "class_code": code[kind],
        "name": name[kind],
        "owner_unit": full(count, basis.body("city_mgmt")),
        "duty_unit": draw.pick(["市政养护一所", "市政养护二所", "路灯管理所"], count),
        "grid_code": basis.homes.grid_code[home],
        "point": points(basis.homes.spot[home]),
        "state": draw.code("state", count, 0.97),
        "installed": draw.days_back(count, 8_000, 30),
    }


@tells("sh_air")
def air(basis: Basis, draw: Draw) -> Columns:
    stations = max(2, len(basis.city.at_level(DISTRICT)))
    count = stations * HOURS * 3
    fine = np.clip(draw.rng.gamma(4, 11, count), 4, 320)
    coarse = fine * draw.rng.uniform(1.3, 2.0, count)
    return {
        "station": np.repeat(numbered("AQ", stations, 4), HOURS * 3),
        "ts": draw.today.astype("datetime64[s]") - np.tile(np.arange(HOURS * 3, 0, -1), stations) * HOUR,
        "aqi": np.clip(fine * 1.35, 10, 480).astype(np.int64),
        "pm25": np.round(fine, 1),
        "pm10": np.round(coarse, 1),
        "o3": draw.number(count, 12, 190, 1),
        "no2": draw.number(count, 8, 80, 1),
        "so2": draw.number(count, 2, 20, 1),
        "co": draw.number(count, 0.2, 1.8),
        "primary": np.where(fine > 35, "PM2.5", "O3"),
    }


@tells("sh_water")
def water(basis: Basis, draw: Draw) -> Columns:
    sections, days = 12, 14
    count = sections * days
    return {
        "section": np.repeat(numbered("DM", sections, 4), days),
        "ts": draw.today.astype("datetime64[s]") - np.tile(np.arange(days, 0, -1), sections) * DAY,
        "grade": draw.code("grade", count, 0.1, 0.4, 0.3),
        "ph": draw.number(count, 6.8, 8.6),
        "do": draw.number(count, 4.2, 10.5),
        "cod": draw.number(count, 2.1, 7.5),
        "nh3n": draw.number(count, 0.05, 1.4),
        "tp": draw.number(count, 0.02, 0.3),
    }


@tells("yj_warning")
def warnings(basis: Basis, draw: Draw) -> Columns:
    count = 24
    sent = np.sort(draw.moments_back(count, 120))
    kinds = draw.pick(["11B03", "11B05", "11B06", "11B09", "11B17", "11B21"], count)
    names = {
        "11B03": "暴雨",
        "11B05": "寒潮",
        "11B06": "大风",
        "11B09": "高温",
        "11B17": "大雾",
        "11B21": "道路结冰",
    }
    name = np.array([names[kind] for kind in kinds.tolist()])
    level = draw.code("severity", count, 0.0, 0.1, 0.3, 0.6)
    stamps = np.strings.replace(
        np.strings.replace(np.strings.replace(np.datetime_as_string(sent), "-", ""), "T", ""), ":", ""
    )
    return {
        "identifier": joined("12019841600001_", stamps, "_1"),
        "sender": full(count, "12019841600001"),
        "send_time": sent,
        "status": full(count, "Actual"),
        "msg_type": full(count, "Alert"),
        "event_type": kinds,
        "severity": level,
        "effective": sent,
        "expires": draw.later(sent, 300, 1_400),
        "headline": joined("安澜市气象台发布", name, "预警"),
        "description": joined("预计未来 12 小时内本市大部有", name, "天气。"),
        "instruction": full(count, "请减少外出，注意防范。"),
        "area_desc": full(count, basis.city.areas[0].name),
        "geocode": full(count, json.dumps([basis.city.areas[0].code])),
        "references": gone(full(count, ""), full(count, True)),
    }


@tells("yj_hazard")
def hazards(basis: Basis, draw: Draw) -> Columns:
    firm = draw.of(len(basis.firms), 0.06)
    count = len(firm)
    return {
        "hazard_id": numbered("YH120198", count, 6),
        "name": joined(basis.firms.name[firm], "储存区"),
        "kind": draw.code("kind", count),
        "level": draw.code("level", count, 0.05, 0.15),
        "unit": basis.firms.name[firm],
        "uscc": basis.firms.uscc[firm],
        "point": points(basis.homes.spot[basis.firms.home[firm]]),
        "substance": draw.pick(["液氨", "液化石油气", "汽油", "甲醇"], count),
        "quantity": draw.number(count, 0.5, 400),
        "rectify_by": draw.today + draw.rng.integers(-10, 60, count) * DAY,
        "status": draw.code("status", count, 0.5),
    }


def devices(basis: Basis) -> int:
    return max(12, int(len(basis.homes) * DEVICES_PER_HOME))


@tells("iot_device")
def device_list(basis: Basis, draw: Draw) -> Columns:
    count = devices(basis)
    home = draw.any_of(len(basis.homes), count)
    return {
        "device_id": numbered("SB", count, 8),
        "type": draw.code("type", count),
        "vendor": draw.pick(["澜感科技", "听潮物联", "砚田电子"], count),
        "model": joined("M", (draw.any_of(9, count) + 1).astype(np.str_), "00"),
        "owner_dept": full(count, basis.body("city_mgmt")),
        "point": points(basis.homes.spot[home]),
        "grid_code": basis.homes.grid_code[home],
        "protocol": draw.pick(["MQTT", "LoRaWAN", "NB-IoT"], count, 0.6),
        "online": draw.some(count, 0.94),
        "last_seen": draw.moments_back(count, 1),
    }


@tells("iot_reading")
def readings(basis: Basis, draw: Draw) -> Columns:
    count = devices(basis)
    kind = np.arange(count) % len(METRICS)
    name, unit, middle = (np.array(column) for column in zip(*METRICS, strict=True))
    total = count * HOURS
    value = np.repeat(middle[kind].astype(float), HOURS) * draw.rng.lognormal(0, 0.3, total)
    return {
        "device_id": np.repeat(numbered("SB", count, 8), HOURS),
        "metric": np.repeat(name[kind], HOURS),
        "ts": draw.today.astype("datetime64[s]") - np.tile(np.arange(HOURS, 0, -1), count) * HOUR,
        "value": np.round(value, 3),
        "unit": np.repeat(unit[kind], HOURS),
        "alarm": (draw.rng.random(total) < 0.002).astype(np.int64),
        "quality": draw.code("quality", total, 0.99),
    }
