"""The checks: every rule with its reason, check digits against the reference, the same rows on another engine."""

import random
import runpy
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest

from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.checks import compile_checks, digits
from citybrain.base.exchange.checks.compile import PROBLEMS, staged_selects
from citybrain.base.exchange.checks.split import split
from citybrain.base.exchange.reading import read
from citybrain.base.exchange.tests import zoo
from citybrain.base.lake import engine
from citybrain.base.lake.rowfile import NUMBER, Rows

REFERENCE = Path(__file__).parents[5] / "shared" / "reference" / "checksums.py"
SHAPE = Shape.from_json(
    {
        "fields": [
            {"name": "id_no", "zh": "身份号", "type": "char(18)", "key": True, "check": "gb11643"},
            {"name": "name", "zh": "姓名", "type": "varchar(10)", "required": True},
            {"name": "sex", "zh": "性别", "type": "char(1)", "code_table": "sex"},
            {"name": "born", "zh": "出生", "type": "date", "minimum": "1900-01-01"},
            {"name": "income", "zh": "收入", "type": "decimal(8,2)", "minimum": 0},
            {"name": "rooms", "zh": "间", "type": "integer", "maximum": 99},
            {"name": "lon", "zh": "经", "type": "double"},
            {"name": "alive", "zh": "在册", "type": "boolean"},
            {"name": "code", "zh": "单位", "type": "char(18)", "check": "gb32100"},
            {"name": "org", "zh": "机构", "type": "char(9)", "check": "gb11714"},
            {"name": "at", "zh": "更新", "type": "timestamp"},
            {"name": "phone", "zh": "电话", "type": "varchar(20)", "pattern": "1[0-9]{10}"},
        ],
        "rules": [
            {
                "key": "birth",
                "zh": "出生日期与号码一致",
                "en": "birth",
                "left": "born",
                "op": "birth_of",
                "right": "id_no",
            }
        ],
    }
)
GOOD = {
    "id_no": " 11010519491231002x", "name": "张三\u3000", "sex": "1", "born": "1949/12/31", "income": "1,234.50",
    "rooms": "3.0", "lon": "116.3", "alive": "是", "code": "91350100M000100Y43", "org": "00612224-4",
    "at": "2024年1月2日 3:04", "phone": "13800138000",
}  # fmt: skip
TYPED = {
    "id_no": "11010519491231002X", "name": "张三", "sex": "1", "born": date(1949, 12, 31), "income": Decimal("1234.50"),
    "rooms": 3, "lon": 116.3, "alive": True, "code": "91350100M000100Y43", "org": "006122244",
    "at": datetime(2024, 1, 1, 19, 4, tzinfo=UTC), "phone": "13800138000",
}  # fmt: skip
CHECKS = compile_checks(SHAPE, {name: name for name in SHAPE.names}, codes={"sex": {"1", "2"}})


def checked(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    schema = pa.schema([(name, pa.string()) for name in SHAPE.names])
    with engine.session(read_only_files=False) as link:
        link.execute("SET preserve_insertion_order = true")
        link.register("t", pa.Table.from_pylist(rows, schema=schema))
        sql = CHECKS.sql(ibis.table(dict.fromkeys(SHAPE.names, "string"), name="t"))
        return link.execute(sql).to_arrow_table().to_pylist()


@pytest.mark.django_db
def test_a_good_row_is_typed_and_tidied(lake_home: Path) -> None:
    (row,) = checked([GOOD])
    assert row[PROBLEMS] is None
    assert {name: row[name] for name in SHAPE.names} == TYPED


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({"id_no": "110105194912310021"}, "id_no:gb11643"),
        ({"id_no": "11010519490229002X", "born": "1949-02-28"}, "id_no:gb11643 born:rule:birth"),
        ({"id_no": "1.10105E+17"}, "id_no:length id_no:lost_digits id_no:gb11643"),
        ({"id_no": None}, "id_no:required"),
        ({"name": " NULL "}, "name:required"),
        ({"name": "很" * 11}, "name:length"),
        ({"sex": "3"}, "sex:code"),
        ({"born": "1949-12-30"}, "born:rule:birth"),
        ({"born": "1949-13-31"}, "born:date"),
        ({"born": "2024"}, "born:date"),
        ({"born": "epoch"}, "born:date"),
        ({"born": "1899-12-31"}, "born:minimum born:rule:birth"),
        ({"income": "1.234"}, "income:decimal"),
        ({"income": "1234567.00"}, "income:decimal"),
        ({"income": "-1"}, "income:minimum"),
        ({"income": "1,23"}, "income:decimal"),
        ({"rooms": "3.5"}, "rooms:integer"),
        ({"rooms": "1_000"}, "rooms:integer"),
        ({"rooms": "100"}, "rooms:maximum"),
        ({"lon": "inf"}, "lon:double"),
        ({"alive": "maybe"}, "alive:boolean"),
        ({"code": "91350100M000100Y44"}, "code:gb32100"),
        ({"org": "006122245"}, "org:gb11714"),
        ({"at": "2024-01-02 25:00:00"}, "at:timestamp"),
        ({"phone": "138001380001"}, "phone:pattern"),
        ({"phone": "=1+1"}, "phone:pattern"),
    ],
)
def test_each_wrong_value_is_named_by_field_and_reason(
    lake_home: Path, change: dict[str, Any], problems: str
) -> None:
    (row,) = checked([GOOD | change])
    assert (row[PROBLEMS] or "").split() == problems.split()
    assert row["_raw_0"] == (GOOD | change)["id_no"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-01-02 03:04:05", datetime(2024, 1, 1, 19, 4, 5, tzinfo=UTC)),
        ("2024-01-02T03:04:05.25Z", datetime(2024, 1, 2, 3, 4, 5, 250000, tzinfo=UTC)),
        ("2024-01-02 03:04:05+0900", datetime(2024, 1, 1, 18, 4, 5, tzinfo=UTC)),
        ("20240102030405", datetime(2024, 1, 1, 19, 4, 5, tzinfo=UTC)),
        ("2024.1.2", datetime(2024, 1, 1, 16, tzinfo=UTC)),
        ("2024/12/02 13:04", datetime(2024, 12, 2, 5, 4, tzinfo=UTC)),
    ],
)
def test_times_are_understood_as_they_are_written(lake_home: Path, written: str, meant: datetime) -> None:
    (row,) = checked([GOOD | {"at": written}])
    assert (row["at"], row[PROBLEMS]) == (meant, None)


@pytest.mark.skipif(not REFERENCE.is_file(), reason="../shared/reference is missing")
@pytest.mark.django_db
def test_check_digits_agree_with_the_reference_on_thousands_of_numbers(lake_home: Path) -> None:
    known = runpy.run_path(str(REFERENCE))
    rnd = random.Random(7)
    people = [
        f"{rnd.randint(110000, 659000)}19{rnd.randint(10, 99)}{rnd.randint(1, 12):02}{rnd.randint(1, 28):02}"
        for _ in range(4000)
    ]
    people = [body + f"{rnd.randint(0, 999):03}" + rnd.choice("0123456789X") for body in people]
    bodies = ["".join(rnd.choice(known["USCC"]) for _ in range(18)) for _ in range(4000)]
    offices = [
        "".join(rnd.choice(known["A36"]) for _ in range(8)) + rnd.choice("0123456789X") for _ in range(4000)
    ]
    table = pa.table({"p": people, "b": bodies, "o": offices})
    t = ibis.table({"p": "string", "b": "string", "o": "string"}, name="t")
    staged = t.mutate(n=digits.number_of(t.p))
    asked = staged.select(
        p=digits.gb11643(staged.p, staged.n), b=digits.gb32100(staged.b), o=digits.gb11714(staged.o)
    )
    with engine.session(read_only_files=False) as link, staged_selects():
        link.execute("SET preserve_insertion_order = true")
        link.register("t", table)
        found = link.execute(str(ibis.to_sql(asked, dialect="duckdb"))).to_arrow_table().to_pydict()
    assert found["p"] == [known["id18"](one[:17]) == one[17] for one in people]
    assert found["b"] == [known["uscc"](one[:17]) == one[17] for one in bodies]
    assert found["o"] == [known["orgcode"](one[:8]) == one[8] for one in offices]
    assert 200 < sum(found["p"]) < 600


def test_a_day_that_never_was_is_no_birthday() -> None:
    ends = [
        ("19490229", False),
        ("20000229", True),
        ("19000229", False),
        ("20240431", False),
        ("17000101", False),
    ]
    with engine.duckdb.connect() as link:
        for day, exists in ends:
            body = f"110105{day}002"
            weights = zip(map(int, body), digits.ID_WEIGHTS, strict=True)
            number = body + "10X98765432"[sum(digit * weight for digit, weight in weights) % 11]
            text = ibis.literal(number)
            sql = str(ibis.to_sql(digits.gb11643(text, digits.number_of(text)), dialect="duckdb"))
            assert link.execute(sql).fetchall()[0][0] is exists, day


@pytest.mark.django_db
def test_a_file_is_parted_into_good_and_bad_rows_with_their_numbers(lake_home: Path, tmp_path: Path) -> None:
    shape = SHAPE.pick(["id_no", "name"])
    text = (
        "身份号,姓名\n11010519491231002X,甲\n34052419800101001X,乙\n34052419800101001X,乙\n坏,丙\n"
        "110105194912310038,丁\n110105194912310038,戊\n多,余,的\n"
    )
    plan = read(zoo.put(tmp_path, "a.csv", text), tmp_path / "w").plan
    checks = compile_checks(shape, {"id_no": "身份号", "name": "姓名"})
    done = split(checks, plan, tmp_path / "good.parquet", tmp_path / "bad.parquet")
    rows = pa.Table.from_batches(Rows(done.good).batches())
    counted = ~np.isin(np.asarray(rows[NUMBER]), done.left_out)
    good = rows.filter(pa.array(counted)).drop_columns([NUMBER]).to_pylist()
    bad = pa.parquet.read_table(done.bad).to_pylist()
    assert sorted(row["name"] for row in good) == ["乙", "甲"]
    assert [(row["row"], row["problems"].split(), row["raw"]["name"]) for row in bad] == [
        (4, ["id_no:length", "id_no:gb11643"], "丙"),
        (5, ["id_no:duplicate_key"], "丁"),
        (6, ["id_no:duplicate_key"], "戊"),
    ]
    assert (done.rows_good, done.rows_bad, done.repeated, done.broken_count, done.rows) == (2, 3, 1, 1, 7)
    assert done.reasons == {"id_no:length": 1, "id_no:gb11643": 1, "id_no:duplicate_key": 2}


@pytest.mark.django_db
def test_the_same_rules_give_the_same_rows_on_sail(lake_home: Path, sail: Any) -> None:
    changes: list[dict[str, Any]] = [
        {}, {"id_no": "110105194912310021"}, {"born": "1949-12-30"}, {"income": "1.234"}, {"income": None},
        {"rooms": "3.5"}, {"at": "2024-01-02T03:04:05.25Z"}, {"at": "20240102030405"}, {"sex": "3"},
        {"name": "NULL"}, {"code": "x"}, {"org": "006122245"}, {"alive": "0"}, {"lon": "1e3"}, {"phone": "1"},
        {"born": "2024"}, {"id_no": "1.10105E+17"}, {"at": "2024.1.2"},
    ]  # fmt: skip
    rows = [GOOD | change for change in changes]
    columns = ", ".join(f"{name} string" for name in SHAPE.names)
    sail.createDataFrame(rows, columns).createOrReplaceTempView("t")
    there = ibis.table(dict.fromkeys(SHAPE.names, "string"), name="t")
    ibis.pyspark.connect(sail)
    found = sail.sql(CHECKS.sql(there, dialect="pyspark")).collect()
    names = [*SHAPE.names, PROBLEMS]
    mine = sorted(str([_plain(row[name]) for name in names]) for row in checked(rows))
    theirs = sorted(str([_plain(row[name]) for name in names]) for row in found)
    assert theirs == mine


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return float(value) if isinstance(value, Decimal) else value
