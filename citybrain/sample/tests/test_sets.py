"""The made-up city's data: whole, right by the catalogue's own rules, one world in all sets, its faults known."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from citybrain.base.catalogue.codes import shipped as shipped_tables
from citybrain.base.catalogue.shape import Field, Shape
from citybrain.base.catalogue.shipped import shipped
from citybrain.sample.city import COMMUNITY, DISTRICT, GRID, make_city
from citybrain.sample.plan import TINY
from citybrain.sample.sets import files, make
from citybrain.sample.sets.basis import Basis
from citybrain.sample.sets.dirt import as_text, disagree, spoil
from citybrain.sample.sets.handing import hand_over

DAY = date(2026, 11, 20)
SHAPES: dict[str, Shape] = {one.meta.code: one.shape for one in shipped()}


@pytest.fixture(scope="module")
def basis() -> Basis:
    return make.basis_of(make_city(TINY), DAY)


@pytest.fixture(scope="module")
def sets(basis: Basis) -> dict[str, pa.Table]:
    return {code: make.make_set(code, basis, shape) for code, shape in SHAPES.items()}


@pytest.fixture(scope="module")
def tables(basis: Basis) -> dict[str, set[str]]:
    areas = basis.city.areas
    known = {key: set(table.codes) for key, table in shipped_tables().items()}
    known["region6"] = {area.code.ljust(6, "0") for area in areas if area.level <= DISTRICT}
    known["region12"] = {area.code.ljust(12, "0") for area in areas if area.level <= COMMUNITY}
    known["grid15"] = {area.code for area in areas if area.level == GRID}
    return known


def test_every_set_of_the_catalogue_is_told() -> None:
    assert make.codes() == sorted(SHAPES)
    assert len(SHAPES) == 84


def test_the_same_city_tells_the_same_and_another_seed_something_else(sets: dict[str, pa.Table]) -> None:
    again = make.basis_of(make_city(TINY), DAY)
    for code in ("ga_population", "gy_water_usage", "jt_order"):
        assert make.make_set(code, again, SHAPES[code]).equals(sets[code])
    other = make.basis_of(make_city(TINY), date(2026, 11, 21))
    assert not make.make_set("ga_population", other, SHAPES["ga_population"]).equals(sets["ga_population"])


def wrong(field: Field, value: Any, tables: dict[str, set[str]]) -> str:
    """Return what is wrong with a value of a field, or an empty text."""
    if value is None:
        return "missing" if field.required or field.key else ""
    if field.code_table and str(value) not in tables[field.code_table]:
        return "no such code"
    if field.pattern and not re.fullmatch(field.pattern, str(value)):
        return "pattern"
    if field.type.length and len(value) > field.type.length:
        return "too long"
    if field.type.is_number:
        low = field.minimum is not None and value < type(value)(field.minimum)
        high = field.maximum is not None and value > type(value)(field.maximum)
        return "range" if low or high else ""
    return "range" if field.minimum is not None and str(value) < str(field.minimum) else ""


def problems(code: str, table: pa.Table, tables: dict[str, set[str]]) -> Iterator[tuple[str, str, str]]:
    shape = SHAPES[code]
    for field in shape.fields:
        for value in table.column(field.name).to_pylist():
            if found := wrong(field, value, tables):
                yield field.name, found, str(value)
    rows = table.to_pylist() if shape.rules else []
    yield from (("", rule.key, str(row)) for rule in shape.rules for row in rows if not rule.holds(row))


@pytest.mark.parametrize("code", sorted(SHAPES))
def test_a_set_keeps_every_rule_of_its_catalogue_entry(
    code: str, sets: dict[str, pa.Table], tables: dict[str, set[str]]
) -> None:
    assert next(problems(code, sets[code], tables), None) is None
    keys = list(SHAPES[code].keys)
    assert sets[code].num_rows > 0
    assert not keys or sets[code].group_by(keys).aggregate([]).num_rows == sets[code].num_rows


@pytest.mark.parametrize(
    ("code", "field", "of", "where"),
    [
        ("mz_key_elder", "id_no", "rs_card", "id_no"),
        ("ga_household", "head_id_no", "ga_population", "id_no"),
        ("ga_vehicle", "owner_id", "wj_health_code", "id_no"),
        ("jt_vehicle_permit", "plate_no", "ga_vehicle", "plate_no"),
        ("jt_driver_permit", "licence_no", "ga_driver", "licence_no"),
        ("jt_order", "plate_no", "ga_vehicle", "plate_no"),
        ("gy_water_account", "address_code", "zr_address", "address_code"),
        ("gy_power_usage", "meter_no", "gy_power_account", "meter_no"),
        ("sj_enterprise_person", "uscc", "sj_enterprise", "uscc"),
        ("rs_insurance", "employer_uscc", "sj_enterprise", "uscc"),
        ("zw_rating", "case_no", "zw_case", "case_no"),
        ("iot_reading", "device_id", "iot_device", "device_id"),
        ("jt_bridge_reading", "point_id", "jt_bridge_sensor", "point_id"),
    ],
)
def test_the_same_people_homes_cars_and_firms_run_through_all_sets(
    code: str, field: str, of: str, where: str, sets: dict[str, pa.Table], basis: Basis
) -> None:
    told = {value for value in sets[code].column(field).to_pylist() if value}
    known = set(sets[of].column(where).to_pylist())
    guests = set(basis.people.id_no[basis.people.floating].tolist())  # these have no social card here
    assert told - guests <= known


def test_faults_are_where_the_truth_says_and_nowhere_else(basis: Basis, sets: dict[str, pa.Table]) -> None:
    clean = as_text(sets["wj_health_code"])
    spoilt, faults = spoil("wj_health_code", SHAPES["wj_health_code"], clean, basis.stream("dirt"))
    assert faults
    differing = {
        (row + 1, name)
        for name in clean.column_names
        for row, (right, found) in enumerate(
            zip(clean.column(name).to_pylist(), spoilt.column(name).to_pylist(), strict=False)
        )
        if right != found
    }
    assert differing == {(fault.row, fault.field) for fault in faults if fault.row <= clean.num_rows}
    assert spoilt.num_rows == clean.num_rows + sum(fault.row > clean.num_rows for fault in faults)


def test_two_agencies_disagree_only_where_the_truth_says(basis: Basis, sets: dict[str, pa.Table]) -> None:
    clean = as_text(sets["ga_population"])
    shape = SHAPES["ga_population"]
    second, faults = disagree(
        "ga_population", shape, clean, ("hukou_address", "name"), basis.stream("second")
    )
    by_key = {row["id_no"]: row for row in clean.to_pylist()}
    differing = [
        (place + 1, name)
        for place, row in enumerate(second.to_pylist())
        for name in ("hukou_address", "name")
        if by_key[row["id_no"]][name] != row[name]
    ]
    assert sorted(differing) == sorted((fault.row, fault.field) for fault in faults)
    assert faults


@pytest.mark.parametrize("code", ["mz_subsidy_item", "ga_population"])
def test_a_set_is_handed_over_as_a_file_named_after_it(
    code: str, tmp_path: Path, sets: dict[str, pa.Table]
) -> None:
    path = files.write(tmp_path, code, "标题", SHAPES[code], as_text(sets[code]))
    assert path.stem == code
    assert path.stat().st_size > 100
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_all_files_come_with_the_truth_about_their_faults(tmp_path: Path, basis: Basis) -> None:
    codes = ("mz_subsidy_item", "sj_enterprise", "jy_enrol")
    handed = hand_over(basis, tmp_path, codes)
    assert [(one.code, one.second) for one in handed] == [
        ("mz_subsidy_item", False),
        ("sj_enterprise", False),
        ("sj_enterprise", True),
        ("jy_enrol", False),
    ]
    truth = [orjson.loads(line) for line in (tmp_path / "truth.jsonl").read_bytes().splitlines()]
    assert Counter(fault["dataset"] for fault in truth) == {
        code: total for code in codes if (total := sum(one.faults for one in handed if one.code == code))
    }
    again = hand_over(basis, tmp_path / "again", codes)
    assert [one.path.name for one in again] == [one.path.name for one in handed]
    assert (tmp_path / "again" / "truth.jsonl").read_bytes() == (tmp_path / "truth.jsonl").read_bytes()
