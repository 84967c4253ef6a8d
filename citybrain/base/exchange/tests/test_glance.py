"""What passes at a glance has no problem by the expressions, and the same values; what is written plainly passes."""

import random
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.checks import compile_checks
from citybrain.base.exchange.checks.columns import CELL
from citybrain.base.exchange.checks.compile import PROBLEMS
from citybrain.base.exchange.checks.glance import glance
from citybrain.base.exchange.reading.plan import Plan
from citybrain.base.lake import engine

FIELDS: list[dict[str, Any]] = [
    {"name": "id_no", "zh": "身份号", "type": "char(18)", "check": "gb11643"},
    {"name": "firm", "zh": "代码", "type": "char(18)", "check": "gb32100"},
    {"name": "title", "zh": "名称", "type": "varchar(6)", "required": True},
    {"name": "sex", "zh": "性别", "type": "char(1)", "code_table": "sex"},
    {"name": "number", "zh": "户号", "type": "char(4)", "pattern": "[0-9]{4}"},
    {"name": "count", "zh": "数", "type": "integer", "minimum": 0, "maximum": 500},
    {"name": "money", "zh": "额", "type": "decimal(6,2)", "minimum": -5},
    {"name": "ratio", "zh": "比", "type": "double", "maximum": 1.5},
    {"name": "yes", "zh": "是否", "type": "boolean"},
    {"name": "born", "zh": "生日", "type": "date", "minimum": "1900-01-01"},
    {"name": "at", "zh": "时间", "type": "timestamp"},
    {"name": "spot", "zh": "位置", "type": "geometry(Point,4490)"},
]
RULES = [
    {"key": "b", "left": "born", "op": "birth_of", "right": "id_no", "zh": "", "en": ""},
    {"key": "s", "left": "sex", "op": "sex_of", "right": "id_no", "zh": "", "en": ""},
    {
        "key": "m",
        "left": "money",
        "op": "ge",
        "value": 1,
        "when": {"field": "sex", "op": "eq", "value": "1"},
        "zh": "",
        "en": "",
    },
]
SHAPE = Shape.from_json({"fields": FIELDS, "rules": RULES})
CELLS: dict[str, tuple[str | None, ...]] = {
    "id_no": (
        "11010519491231002X",
        "11010519491231002x",
        "34052419800101001X",
        "340524198001010011",
        "110105194902300021",
        " 11010519491231002X",
        "1101051949123100\uff12X",
        "",
        None,
        "11010519491231002",
        "A1010519491231002X",
    ),
    "firm": (
        "91350100M000100Y43",
        "91350100M000100Y44",
        "91350100m000100y43",
        "91350100M000100I43",
        None,
        "913501",
    ),
    "title": (
        "甲",
        "甲乙丙丁戊己",
        "甲乙丙丁戊己庚",
        "abcdef",
        "abcdefg",
        "NULL",
        "nan",
        " 甲",
        "甲\u3000",
        "\u00a0甲",
        "老",
        "退\u7800",
        "1.2E+17",
        "a+b",
        "",
        None,
        "\ufeff甲",
        "甲\t",
        "）",
    ),
    "sex": ("1", "2", "3", " 1", "", None, "\uff11"),
    "number": ("1234", "0000", "123", "12345", "12 4", "abcd", None),
    "count": (
        "0",
        "7",
        "-1",
        "500",
        "501",
        "1.0",
        "1.5",
        "007",
        "1,000",
        "+3",
        "1e2",
        "0x1F",
        "--1",
        "9" * 19,
        "",
        None,
        "1_0",
    ),
    "money": (
        "0",
        "12.5",
        "1234.56",
        "12345.67",
        "1.234",
        "-5",
        "-5.01",
        "1,234.5",
        ".5",
        "5.",
        "-",
        ".",
        "1.2.3",
        "1e2",
        "9999.999",
        None,
    ),
    "ratio": ("0.5", "1.5", "1.6", "-3", "1e-3", ".5", "nan", "inf", "1.2.3", "0.1234567890123456789", None),
    "yes": ("1", "0", "是", "否", "TRUE", "true", "真", "也许", None, ""),
    "born": (
        "1949-12-31",
        "1980-01-01",
        "1899-12-31",
        "1980-02-30",
        "1980/01/01",
        "19800101",
        "1980-1-1",
        "1980-01-01 00:00:00",
        "2000-02-29",
        "1900-02-29",
        "1980-13-01",
        "198a-01-01",
        "0001-01-01",
        "",
        None,
    ),
    "at": (
        "2026-11-21 08:00:00",
        "2026-11-21 24:00:00",
        "2026-11-21T08:00:00",
        "2026-11-21 08:00:60",
        "2026-11-21",
        "20261121080000",
        "2026-11-21 08:00:00Z",
        "2026-02-30 08:00:00",
        "2026-11-21 08:0a:00",
        None,
    ),
    "spot": ("POINT (117 39)", "point(117 39)", "LINESTRING (0 0, 1 1)", "POINT", None, ""),
}
USUAL = {
    "id_no": "11010519491231002X",
    "firm": "91350100M000100Y43",
    "title": "甲",
    "sex": "2",
    "number": "1234",
    "count": "7",
    "money": "12.5",
    "ratio": "0.5",
    "yes": "1",
    "born": "1949-12-31",
    "at": "2026-11-21 08:00:00",
    "spot": "POINT (117 39)",
}


def looked_at(rows: list[dict[str, str | None]]) -> list[tuple[bool, dict[str, Any]]]:
    """Return of each row whether it passes at a glance, and its values."""
    checks = compile_checks(SHAPE, {name: name for name in SHAPE.names}, codes={"sex": {"1", "2"}})
    quick = glance(checks, Plan("csv", "", SHAPE.names, skip=1))
    assert quick is not None
    columns = [pa.array([row[name] for row in rows], pa.string()) for name in SHAPE.names]
    batch = pa.record_batch(columns, [CELL.format(n) for n in range(len(columns))])
    right, typed = quick.look(batch)
    values = iter(pa.table(typed).filter(pa.array(right)).to_pylist())  # of other rows they mean nothing
    return [(passed, next(values) if passed else {}) for passed in right.tolist()]


def expressed(rows: list[dict[str, str | None]]) -> list[tuple[bool, dict[str, Any]]]:
    """Return of each row whether the expressions find nothing wrong, and its values."""
    checks = compile_checks(SHAPE, {name: name for name in SHAPE.names}, codes={"sex": {"1", "2"}})
    with engine.session(read_only_files=False) as link:
        link.execute("SET preserve_insertion_order = true")
        schema = pa.schema([(name, pa.string()) for name in SHAPE.names])
        link.register("t", pa.Table.from_pylist(rows, schema))
        sql = checks.sql(ibis.table(dict.fromkeys(SHAPE.names, "string"), name="t"))
        found = link.execute(sql).to_arrow_table().to_pylist()
    return [(row[PROBLEMS] is None, {name: row[name] for name in SHAPE.names}) for row in found]


@pytest.fixture
def rows(lake_home: Path) -> list[dict[str, str | None]]:
    """Rows with each odd cell alone, and many with several."""
    alone = [USUAL | {name: cell} for name, cells in CELLS.items() for cell in cells]
    rng = random.Random(7)
    mixed = [
        USUAL | {name: rng.choice(CELLS[name]) for name in rng.sample(list(CELLS), 3)} for _ in range(1500)
    ]
    return [*alone, *mixed]


@pytest.mark.django_db
def test_what_passes_at_a_glance_is_right_by_the_expressions_with_the_same_values(rows: Any) -> None:
    passed = 0
    for row, (quick, values), (right, wanted) in zip(rows, looked_at(rows), expressed(rows), strict=True):
        if quick:
            passed += 1
            assert right, row
            assert values == wanted, row
    assert passed > 100


@pytest.mark.django_db
def test_rows_written_as_usual_pass_at_a_glance(rows: Any) -> None:
    plain = [
        USUAL,
        USUAL | {"count": "500", "money": "1234.56", "yes": "否"},
        USUAL | dict.fromkeys(("firm", "at", "spot", "born")),
    ]
    assert [right for right, _ in looked_at(plain)] == [True, True, True]
