"""Types, conditions, rules, shapes, masks, check digits and code tables: no database but for SQL itself."""

import re
from datetime import date

import duckdb
import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.base.catalogue import codes, digits, masks
from citybrain.base.catalogue.conditions import Condition, Rule
from citybrain.base.catalogue.shape import BadShape, Field, Shape
from citybrain.base.catalogue.shipped import shipped
from citybrain.base.catalogue.types import BadType, Type


@pytest.mark.parametrize(
    ("written", "text", "duck"),
    [
        ("varchar(50)", "varchar(50)", "VARCHAR"),
        ("CHAR(18)", "char(18)", "VARCHAR"),
        ("字符型C", "varchar", "VARCHAR"),
        ("字符型（50）", "varchar(50)", "VARCHAR"),
        ("VARCHAR2(20)", "varchar(20)", "VARCHAR"),
        ("bigint", "integer", "BIGINT"),
        ("数值型", "decimal(18,2)", "DECIMAL(18,2)"),
        ("NUMBER(10, 3)", "decimal(10,3)", "DECIMAL(10,3)"),
        ("double precision", "double", "DOUBLE"),
        ("日期型D", "date", "DATE"),
        ("datetime", "timestamp", "TIMESTAMPTZ"),
        ("布尔", "boolean", "BOOLEAN"),
        ("geometry(MultiPolygon,4490)", "geometry(MultiPolygon,4490)", "VARCHAR"),
    ],
)
def test_a_type_is_read_as_offices_write_it_and_named_for_each_engine(written, text, duck):
    found = Type.parse(written)
    assert (found.text, found.duckdb, Type.parse(found.text)) == (text, duck, found)


@pytest.mark.parametrize(
    "written",
    ["", "blob", "varchar(0)", "varchar(-1)", "decimal(40,2)", "decimal(2,5)", "geometry(Point,4326)"],
)
def test_what_names_no_type_is_refused(written):
    with pytest.raises(BadType):
        Type.parse(written)


def test_a_type_holds_what_is_the_same_or_narrower():
    def holds(wide: str, narrow: str) -> bool:
        return Type.parse(wide).holds(Type.parse(narrow))

    assert holds("varchar(50)", "char(18)")
    assert holds("varchar", "varchar(50)")
    assert holds("decimal(18,3)", "decimal(10,2)")
    assert holds("double", "integer")
    assert not holds("char(18)", "varchar(18)")
    assert not holds("varchar(10)", "varchar(20)")
    assert not holds("decimal(10,2)", "decimal(10,3)")
    assert not holds("integer", "double")
    assert not holds("date", "timestamp")


def test_types_name_themselves_for_arrow_and_postgresql():
    assert str(Type.parse("decimal(12,3)").arrow()) == "decimal128(12, 3)"
    assert str(Type.parse("timestamp").arrow()) == "timestamp[us, tz=UTC]"
    assert [Type.parse(one).postgres for one in ("char(3)", "integer", "decimal(12,3)", "timestamp", "json")] == [
        "text", "bigint", "numeric(12,3)", "timestamptz", "text",
    ]  # fmt: skip


def test_a_condition_means_what_it_says_and_an_empty_field_fulfils_only_is_null():
    row = {"age": 40, "area": "120198001", "day": date(2026, 3, 1), "gone": None}

    def holds(field, op, value=None):
        return Condition(field, op, value).holds(row)

    assert holds("age", "ge", 40)
    assert not holds("age", "lt", 40)
    assert holds("area", "prefix", "120198")
    assert not holds("area", "prefix", "198")
    assert holds("age", "between", (40, 50))
    assert holds("age", "in", (1, 40))
    assert holds("day", "le", "2026-03-01")
    assert holds("gone", "is_null")
    assert not holds("gone", "ne", 5)
    assert not holds("age", "is_null")


@pytest.mark.parametrize(
    "data", [{"field": "a", "op": "like", "value": "x"}, {"op": "eq", "value": 1},
             {"field": "a", "op": "in", "value": 3},
             {"field": "a", "op": "between", "value": [1]}, {"field": "a", "op": "eq"}]
)  # fmt: skip
def test_a_condition_that_cannot_be_is_refused(data):
    with pytest.raises(ValueError, match="condition"):
        Condition.from_json(data)


def test_a_rule_holds_where_a_side_is_empty_and_is_asked_only_when_its_condition_holds():
    order = Rule("o", "", "", "since", "le", "until")
    assert order.holds({"since": date(2026, 1, 1), "until": date(2026, 1, 1)})
    assert not order.holds({"since": date(2026, 1, 2), "until": date(2026, 1, 1)})
    assert order.holds({"since": date(2026, 1, 2), "until": None})
    closed = Rule.from_json(
        {"left": "at", "op": "not_null", "when": {"field": "state", "op": "in", "value": ["70", "71"]}}
    )
    assert closed.holds({"state": "40", "at": None})
    assert not closed.holds({"state": "71", "at": None})
    assert closed.fields == ("at", "state")
    assert Rule.from_json(closed.to_json()) == closed


def test_birth_and_sex_are_held_against_the_identity_number():
    birth = Rule("b", "", "", "born", "birth_of", "id_no")
    sex = Rule("s", "", "", "sex", "sex_of", "id_no")
    row = {"id_no": "11010519491231002X", "born": date(1949, 12, 31), "sex": "2"}
    assert birth.holds(row)
    assert sex.holds(row)
    assert not birth.holds({**row, "born": "1949-12-30"})
    assert not sex.holds({**row, "sex": "1"})
    assert sex.holds({**row, "sex": "9"})
    assert birth.holds({**row, "id_no": "E12345678"})


def test_a_shape_knows_its_keys_and_whose_row_it_is_and_survives_json():
    shape = next(one.shape for one in shipped() if one.meta.code == "ga_population")
    assert (shape.keys, shape.subject) == (("id_no",), "id_no")
    assert Shape.from_json(shape.to_json()) == shape
    part = shape.pick(["sex", "id_no"])
    assert part.names == ("id_no", "sex")
    assert [rule.left for rule in part.rules] == ["sex"]
    assert shape.pick(["sex"]).subject is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "A b"}, "A b"),
        ({"type": "blob"}, "one"),
        ({"grade": 5}, "one"),
        ({"personal": "maybe"}, "one"),
        ({"check": "luhn"}, "one"),
        ({"minimum": 1}, "one"),
        ({"type": "integer", "minimum": 5, "maximum": 1}, "one"),
        ({"pattern": "["}, "one"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(change, field):
    with pytest.raises(BadShape) as refused:
        Field.from_json({"name": "one", "zh": "甲", "type": "varchar(5)", **change})
    assert refused.value.field == field


def test_a_name_twice_and_a_rule_about_no_field_are_refused():
    one = {"name": "one", "type": "date"}
    with pytest.raises(BadShape, match="twice"):
        Shape.from_json({"fields": [one, one]})
    with pytest.raises(BadShape, match="reads two"):
        Shape.from_json({"fields": [one], "rules": [{"left": "one", "op": "le", "right": "two"}]})


def test_check_digits_are_those_of_the_standards():
    assert digits.valid("gb11643", "11010519491231002X")
    assert digits.valid("gb11643", "34052419800101001X")
    assert not digits.valid("gb11643", "110105194912310021")
    assert not digits.valid("gb11643", "11010519490230002X")
    for code in ("11430000006122244L", "11330105002500287C", "11100000000013338W", "91350100M000100Y43"):
        assert digits.valid("gb32100", code)
    assert not digits.valid("gb32100", "91350100M000100Y44")
    assert digits.valid("gb11714", "006122244")
    assert not digits.valid("gb11714", "006122245")


def test_masks_show_what_their_table_says():
    shown = {key: masks.masked(mask.example, key) for key, mask in masks.MASKS.items()}
    assert shown == {
        "idcard": "120198**********16",
        "name": "张**",
        "phone": "138****8000",
        "addr": "津海市和平区******",
        "plate": "津A***45",
        "bank": "***************4567",
        "remove": None,
    }
    assert masks.masked("12", "idcard") == "**"
    assert masks.masked(None, "name") is None


@pytest.mark.django_db
@settings(max_examples=60, deadline=None)
@given(value=st.one_of(st.none(), st.text("张三津A0123456789X 路", max_size=24)))
def test_a_mask_is_the_same_in_python_postgresql_and_duckdb(value):
    for kind in masks.MASKS:
        expected = masks.masked(value, kind)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {masks.sql('v', kind)} FROM (SELECT %s::text AS v) t", [value])
            assert cursor.fetchone()[0] == expected
        with duckdb.connect() as duck:
            sql = f"SELECT {masks.sql('v', kind)} FROM (SELECT ?::varchar AS v) t"
            assert duck.execute(sql, [value]).fetchone()[0] == expected


def test_the_shipped_codes_fit_the_fields_that_use_them():
    used = 0
    for one in shipped():
        for field in one.shape.fields:
            if field.code_table is None or field.code_table in codes.AREA_TABLES:
                continue
            used += 1
            for code in codes.code_table(field.code_table):
                exact = len(code) == field.type.length
                fits = exact if field.type.kind == "char" else len(code) <= (field.type.length or 0)
                assert fits, (one.meta.code, field.name, code)
    assert used == 146
    assert codes.code_table("sex")["2"] == "女性"
    assert len(codes.code_table("ethnic")) == 58
    with pytest.raises(codes.NoSuchTable):
        codes.code_table("nothing")


def test_an_excerpt_says_so_and_its_fields_are_held_to_the_form_of_the_codes() -> None:
    excerpts = {key for key in codes.shipped() if not codes.whole(key)}
    assert excerpts == {
        "relation", "plate_type", "vehicle_use", "licence_class", "violation_code", "id_type", "dept_code", "firm_type",
        "industry",
    }  # fmt: skip
    fields = [field for one in shipped() for field in one.shape.fields if field.code_table in excerpts]
    assert len(fields) > 9
    for field in fields:
        assert field.pattern, field.name
        for code in codes.code_table(field.code_table or ""):
            assert re.fullmatch(field.pattern, code), (field.name, code)


def test_all_sections_and_divisions_of_industries_are_there() -> None:
    known = codes.code_table("industry")
    assert "".join(sorted(code for code in known if len(code) == 1)) == "ABCDEFGHIJKLMNOPQRST"
    assert sorted(int(code[1:]) for code in known if len(code) == 3) == list(range(1, 98))
    assert (known["C27"], known["S92"], known["T97"]) == ("医药制造业", "国家机构", "国际组织")


@pytest.mark.parametrize(
    "pattern", [r"[\u4e00-\u9fff]{2}", r"(?=a)b", r"(?<!a)b", r"(a)\1", "a++", "(?P<n>a)(?P=n)"]
)
def test_a_pattern_that_not_every_engine_knows_is_refused(pattern: str) -> None:
    with pytest.raises(BadShape, match="isn't known to every engine"):
        Field("plate_no", "号牌号码", Type.parse("varchar(10)"), pattern=pattern).verify()


def test_every_shipped_pattern_is_known_to_the_engine_that_checks() -> None:
    patterns = {field.pattern for one in shipped() for field in one.shape.fields if field.pattern}
    with duckdb.connect() as link:
        for pattern in patterns:
            assert link.execute("SELECT regexp_matches('', ?)", [pattern]).fetchone() is not None
    assert len(patterns) > 10
