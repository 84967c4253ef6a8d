"""What is compiled from a grant and a question: every statement is parsed and its columns looked at."""

from datetime import UTC, datetime

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from citybrain.base.catalogue import masks
from citybrain.base.catalogue.conditions import Condition
from citybrain.base.catalogue.grants import Policy
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.delivery.compile import Asked, Compiler
from citybrain.base.exchange.delivery.refusals import Refused

SHAPE = Shape.from_json(
    {
        "fields": [
            {"name": "id_no", "type": "char(18)", "key": True, "mask": "idcard", "check": "gb11643"},
            {"name": "name", "type": "varchar(50)", "mask": "name"},
            {"name": "sex", "type": "char(1)"},
            {"name": "birth_date", "type": "date"},
            {"name": "income", "type": "decimal(12,2)"},
            {"name": "children", "type": "integer"},
            {"name": "alive", "type": "boolean"},
            {"name": "updated_at", "type": "timestamp"},
        ]
    }
)
VALUES = {
    "id_no": "980101199001011234", "name": "张小明", "sex": "1", "birth_date": "1990-01-01", "income": "12.50",
    "children": 2, "alive": True, "updated_at": "2026-01-01T00:00:00+00:00",
}  # fmt: skip
OWN = {"_key", "_version"}


def policy(fields=("name", "sex"), hidden=None, conditions=()):
    return Policy(
        grant_id=1, number="G1", dataset_code="ga_population", agency_id=2, fields=tuple(fields),
        masks=hidden or {}, conditions=tuple(conditions), modes=frozenset({"key", "filter", "batch"}),
        daily_rows=1000, rate_per_second=10, valid_until=datetime(2027, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def columns(statement, dialect):
    tree = sqlglot.parse_one(statement.sql, read=dialect)
    assert len(list(tree.find_all(exp.Select))) == 1
    assert not list(tree.find_all(exp.Star))
    return {column.name for column in tree.find_all(exp.Column)}


names = st.sampled_from([*SHAPE.names, "nothing", "id_no --", "_run", "ctid"])
conditions = names.map(lambda name: Condition(name, "eq", VALUES.get(name, "x")))


@settings(deadline=None, max_examples=150)
@given(
    granted=st.lists(st.sampled_from(SHAPE.names), min_size=1, unique=True),
    hidden=st.dictionaries(st.sampled_from(SHAPE.names), st.sampled_from(sorted(masks.MASKS))),
    asked=st.lists(names, max_size=4, unique=True),
    where=st.lists(conditions, max_size=3),
    sort=st.none() | st.tuples(names, st.booleans()),
    after=st.booleans(),
    limit=st.none() | st.sampled_from(SHAPE.names),
    dialect=st.sampled_from(["postgres", "duckdb"]),
)
def test_a_field_that_is_not_granted_never_enters_a_statement(
    granted, hidden, asked, where, sort, after, limit, dialect
):
    own = [Condition(limit, "eq", VALUES[limit])] if limit in granted else []
    compiler = Compiler(
        policy(granted, {k: v for k, v in hidden.items() if k in granted}, own), SHAPE, dialect
    )
    where = [
        Condition(one.field, "eq", "*" if one.field in hidden else one.value) for one in where
    ]  # masks are texts
    question = Asked(tuple(asked), tuple(where), sort, 10)
    named = [*asked, *(one.field for one in where), *([sort[0]] if sort else [])]
    strange = [name for name in named if name not in granted]
    makers = [
        lambda: compiler.by_filter("serving.t", question, (None, "k") if after else None),
        lambda: compiler.rows(question, 3 if after else None),
        lambda: compiler.by_key("serving.t", asked),
    ]
    for make in makers[: 2 if strange else 3]:
        if strange:
            with pytest.raises(Refused) as refused:
                make()
            assert refused.value.status == 403
            told = str(refused.value).split("可用字段：")[1]
            assert set(told.rstrip("。").split("、")) == set(granted)
        else:
            assert columns(make(), dialect) <= {*granted, *OWN}


def test_what_is_not_granted_and_what_does_not_exist_are_told_in_the_same_words():
    told = []
    for name in ("income", "nothing"):
        for question in (Asked((name,)), Asked(where=(Condition(name, "eq", 1),)), Asked(sort=(name, False))):
            with pytest.raises(Refused) as refused:
                Compiler(policy(), SHAPE, "postgres").by_filter("serving.t", question)
            told.append((refused.value.code, refused.value.status, str(refused.value).replace(name, "?")))
    assert len(set(told)) == 1


def test_the_subject_is_read_for_the_receipt_alone_and_once():
    statement = Compiler(policy(), SHAPE, "postgres").by_filter("serving.t", Asked(), subject=True)
    tree = sqlglot.parse_one(statement.sql, read="postgres")
    found = [column for column in tree.find_all(exp.Column) if column.name == "id_no"]
    assert [column.parent.alias for column in found] == ["_subject"]
    assert "id_no" not in statement.fields


def test_the_order_of_rows_tells_nothing_of_a_key_that_is_not_shown():
    hidden = Compiler(policy(("id_no", "name"), {"id_no": "idcard"}), SHAPE, "postgres")
    shown = Compiler(policy(("id_no", "name")), SHAPE, "postgres")
    assert "ORDER BY MD5(s._key)" in hidden.by_filter("serving.t", Asked()).sql
    assert "ORDER BY s._key" in shown.by_filter("serving.t", Asked()).sql


ROWS = [
    ("980101199001011234", "张小明", "1", "1990-01-01", "12.50", 2, True, "2026-01-01"),
    ("980101199101011234", "李四", "2", "1991-01-01", None, 0, True, "2026-01-02"),
    ("980101199201011234", None, "1", "1992-01-01", "3.00", None, False, None),
]


@pytest.fixture(scope="module")
def lake():
    link = duckdb.connect()
    link.execute("SET TimeZone = 'UTC'")
    made = ", ".join(f'"{field.name}" {field.type.duckdb}' for field in SHAPE.fields)
    link.execute(f"CREATE TABLE lake_rows ({made}, _version bigint)")
    link.executemany(
        f"INSERT INTO lake_rows VALUES ({', '.join('?' * 9)})", [(*row, n) for n, row in enumerate(ROWS, 1)]
    )
    yield link
    link.close()


def answer(lake, compiler, asked, since=None):
    statement = compiler.rows(asked, since)
    return lake.execute(statement.sql, statement.params).fetchall()


def test_masks_are_part_of_the_statement(lake):
    compiler = Compiler(policy(("id_no", "name"), {"id_no": "idcard", "name": "name"}), SHAPE, "duckdb")
    assert answer(lake, compiler, Asked(sort=("name", False))) == [
        ("980101**********34", "张**"),
        ("980101**********34", "李*"),
        ("980101**********34", None),
    ]


def test_a_filter_on_a_masked_field_sees_what_is_shown_only(lake):
    compiler = Compiler(policy(("id_no",), {"id_no": "idcard"}), SHAPE, "duckdb")
    whole = Asked(where=(Condition("id_no", "eq", "980101199001011234"),))
    assert answer(lake, compiler, whole) == []
    assert len(answer(lake, compiler, Asked(where=(Condition("id_no", "prefix", "980101*"),)))) == 3


def test_the_grants_row_limits_are_part_of_the_statement(lake):
    compiler = Compiler(policy(("name", "sex"), conditions=[Condition("sex", "eq", "1")]), SHAPE, "duckdb")
    assert answer(lake, compiler, Asked()) == [("张小明", "1"), (None, "1")]
    assert answer(lake, compiler, Asked(where=(Condition("sex", "eq", "2"),))) == []


OPERATIONS = [
    ("eq", "children", 2), ("ne", "children", 2), ("in", "children", (0, 2)), ("lt", "children", 1),
    ("le", "children", 0), ("gt", "income", "3"), ("ge", "income", "3"), ("prefix", "name", "张"),
    ("between", "birth_date", ("1990-06-01", "1992-01-01")), ("is_null", "name", None), ("not_null", "name", None),
    ("eq", "alive", False), ("lt", "updated_at", "2026-01-02T00:00:00"), ("ge", "name", "李"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "name", "value"), OPERATIONS)
def test_a_condition_means_in_sql_what_it_means_in_the_catalogue(lake, op, name, value):
    condition = Condition(name, op, value)
    compiler = Compiler(policy(("id_no", name)), SHAPE, "duckdb")
    found = {row[0] for row in answer(lake, compiler, Asked(where=(condition,)))}
    rows = lake.execute("SELECT * FROM lake_rows").fetchall()
    plain = [
        {
            k: float(v) if k == "income" and v is not None else v
            for k, v in zip(SHAPE.names, row, strict=False)
        }
        for row in rows
    ]
    typed = Condition(name, op, float(value)) if name == "income" else condition
    if name != "updated_at":
        assert found == {row["id_no"] for row in plain if typed.holds(row)}
    else:
        assert found == {ROWS[0][0]}


def test_changes_are_the_rows_written_since(lake):
    assert answer(lake, Compiler(policy(("sex",)), SHAPE, "duckdb"), Asked(), since=1) == [("2",), ("1",)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("children", "x"), ("children", 1.5), ("children", True), ("birth_date", "1990-13-01"), ("alive", "maybe"),
     ("income", "NaN"), ("name", "a\0b"), ("children", 2**70), ("name", ["x"]), ("updated_at", "soon")],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_by_name(name, value):
    compiler = Compiler(policy((name,)), SHAPE, "postgres")
    with pytest.raises(Refused, match=name) as refused:
        compiler.by_filter("serving.t", Asked(where=(Condition(name, "eq", value),)))
    assert refused.value.code == "bad_value"


@pytest.mark.parametrize(
    "data",
    [[], "x", {"fields": "name"}, {"fields": [1]}, {"limit": 0}, {"limit": 10**9}, {"where": "x"}, {"where": [1]},
     {"where": [{"field": "sex", "op": "like", "value": "x"}]}, {"sort": 3}, {"sort": {}, "limit": "x"}],
)  # fmt: skip
def test_a_question_of_another_form_is_refused(data):
    with pytest.raises(Refused):
        Asked.from_json(data)


def test_a_question_comes_back_as_it_was():
    asked = Asked(("name",), (Condition("sex", "in", ("1", "2")),), ("name", True), 7)
    assert Asked.from_json(asked.to_json()) == asked


def test_rows_among_people_name_what_is_granted_and_whose_they_are_only():
    made = Compiler(policy(("name", "sex"), {"name": "name"}), SHAPE, "postgres").among(
        "serving.t", ("sex",), "id_no", (Condition("sex", "eq", "1"),)
    )
    assert columns(made, "postgres") == {"sex", "id_no", "_key"}
    assert "s._key = ANY" in made.sql, "a key that is one field is searched by its index"
    assert made.fields == ("sex",)
    assert made.sql.count("%(among)s") == 1
    with pytest.raises(Refused):
        Compiler(policy(("name",)), SHAPE, "postgres").among("serving.t", ("income",), "id_no")
    with pytest.raises(Refused):
        Compiler(policy(("name",)), SHAPE, "postgres").among(
            "serving.t", ("name",), "id_no", (Condition("income", "gt", 1),)
        )


@pytest.mark.parametrize(("near", "strays"), [("places", 0), ("places or strays", 1)])
def test_rows_near_places_are_those_of_the_people_asked_about_and_nobody_elses(near, strays):
    made = Compiler(policy(("name", "sex")), SHAPE, "postgres").among(
        "serving.t", ("sex",), "id_no", (Condition("sex", "eq", "1"),), near=near, written=True
    )
    assert columns(made, "postgres") == {"sex", "id_no", "_key", "_place", "_also", "_written"}
    assert made.fields == ("sex",)
    where = made.sql.partition(" WHERE ")[2]
    here = (
        "s._key || '' = ANY(CAST(%(among)s AS TEXT[])) AND "
        "(s._place = ANY(CAST(%(places)s AS BIGINT[])) OR s._also = ANY(CAST(%(places)s AS BIGINT[])))"
    )
    more = f"(({here}) OR s._key = ANY(CAST(%(strays)s AS TEXT[])))" if strays else f"({here})"
    assert where.startswith(f'{more} AND s."sex" = ')


@pytest.mark.parametrize(
    ("fields", "hidden", "ordered"),
    [(("plate", "seen"), {}, True), (("plate", "seen"), {"seen": "remove"}, False), (("plate",), {}, False)],
)
def test_of_several_rows_of_a_person_the_last_by_what_is_shown_is_taken(fields, hidden, ordered):
    shape = Shape.from_json(
        {
            "fields": [
                {"name": "plate", "type": "varchar(9)", "key": True},
                {"name": "owner", "type": "char(18)", "check": "gb11643"},
                {"name": "seen", "type": "date"},
            ]
        }
    )
    made = Compiler(policy(fields, hidden), shape, "postgres").among("s.t", ("plate",), "owner", last="seen")
    assert 'DISTINCT ON (s."owner")' in made.sql
    assert ('s."seen" DESC' in made.sql) == ordered
