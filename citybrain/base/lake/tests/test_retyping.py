"""Types that grow: in place where the format can, written anew where it can't, and never with a value lost."""

from decimal import Decimal

import pytest

from citybrain.base.lake import engine, upkeep
from citybrain.base.lake.merge import merge
from citybrain.base.lake.schema import BadEvolution
from citybrain.base.lake.tables import Table
from citybrain.base.lake.tests.conftest import read, shape

OLD = ("id varchar(5)", "name varchar(5)", "count integer", "sum decimal(7,2)", "code integer")


@pytest.fixture
def table(lake_home, put):
    made = Table("growing")
    made.create(shape(*OLD))
    merge(made, put("SELECT 'a' AS id, '甲' AS name, 7 AS count, 12345.67 AS sum, 42 AS code"), "full", "one")
    merge(
        made, put("SELECT 'b' AS id, NULL AS name, NULL AS count, NULL AS sum, NULL AS code"), "upsert", "two"
    )
    return made


def grown(**types):
    return shape(*(f"{name} {types.get(name, kind)}" for name, kind in (one.split(" ", 1) for one in OLD)))


def test_whole_numbers_become_decimals_and_texts_and_decimals_get_places(table, put):
    wider = grown(count="decimal(12,2)", sum="decimal(12,4)", code="varchar(10)", name="varchar(500)")
    assert table.evolve(wider) is True
    assert table.evolve(wider) is False
    rows = "SELECT id, name, count, sum, code FROM {} ORDER BY id"
    assert read("growing", rows) == [
        ("a", "甲", Decimal("7.00"), Decimal("12345.6700"), "42"),
        ("b", None, None, None, None),
    ]
    assert table.version() == 2, "the rows are the same"
    assert read("growing", "SELECT id, _version FROM {} ORDER BY id", columns=["id", "_version"]) == [
        ("a", 1),
        ("b", 2),
    ]
    merge(table, put("SELECT 'c' AS id, 1.25 AS count, 0.0001 AS sum, '007' AS code"), "upsert", "three")
    assert read("growing", rows)[2] == ("c", None, Decimal("1.25"), Decimal("0.0001"), "007")
    assert read("growing", "SELECT count, sum FROM {}", version=1) == [(7, Decimal("12345.67"))], (
        "under its own types"
    )
    assert [one.number for one in table.versions()] == [1, 2, 3]


def test_what_follows_works_on_the_new_types(table, put):
    table.evolve(grown(count="decimal(12,2)"))
    again = put("SELECT 'a' AS id, '甲' AS name, 7 AS count, 12345.67 AS sum, 42 AS code")
    assert merge(table, again, "upsert", "three").unchanged == 1
    assert upkeep.compact("growing", everything=True) == 1
    changes = engine.changes_sql("growing", 1)
    with engine.session() as link:
        assert link.execute(f"SELECT id, count FROM {changes.rows}").fetchall() == [("b", None)]
    assert read("growing", "SELECT count(*) FROM {}") == [(2,)]


def test_an_empty_table_just_changes(lake_home):
    made = Table("empty")
    made.create(shape(*OLD))
    assert made.evolve(grown(count="decimal(12,2)")) is True
    assert read("empty") == []


@pytest.mark.parametrize(
    ("types", "why"),
    [
        ({"sum": "decimal(8,4)"}, "field sum is kept as decimal"),
        ({"sum": "integer"}, "field sum is kept as decimal"),
        ({"count": "decimal(3,3)"}, "field count can't become decimal.* 1 values don't fit, such as 7"),
        ({"count": "double"}, "field count is kept as long"),
        ({"count": "date"}, "field count is kept as long"),
        ({"name": "integer"}, "field name is kept as string"),
        ({"count": "decimal(9,2)", "name": "date"}, "field name is kept as string"),
    ],
)
def test_where_a_value_would_be_lost_nothing_changes(table, types, why):
    before = table.metadata().current_schema_id
    with pytest.raises(BadEvolution, match=why):
        table.evolve(grown(**types))
    assert (table.metadata().current_schema_id, read("growing", "SELECT sum(count) FROM {}")) == (
        before,
        [(7,)],
    )


def test_a_key_keeps_its_type(lake_home, put):
    made = Table("numbered")
    made.create(shape("id integer", "name varchar(5)"))
    merge(made, put("SELECT 1 AS id, 'a' AS name"), "full", "one")
    with pytest.raises(BadEvolution, match="part of the key"):
        made.evolve(shape("id varchar(10)", "name varchar(5)"))
