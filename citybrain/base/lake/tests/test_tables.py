"""Versions, time travel, changes, pins, and which new shapes a table can follow."""

import pytest

from citybrain.base.catalogue.shape import Shape
from citybrain.base.lake import engine
from citybrain.base.lake.merge import merge
from citybrain.base.lake.models import Commit
from citybrain.base.lake.names import BadCode, LakeError
from citybrain.base.lake.schema import BadEvolution
from citybrain.base.lake.tables import NoTable, NoVersion, Table, tables
from citybrain.base.lake.tests.conftest import HOMES, home_rows, read, shape


@pytest.fixture
def three(homes, put):
    """Version 1: 0…9; 2: 5…14 with 5 and 6 changed; 3: 8…14 alone."""
    merge(homes, put(home_rows(0, 10)), "full", "one", run_id=11)
    merge(homes, put(home_rows(5, 15, rooms="CASE WHEN i < 7 THEN 50 ELSE i % 5 END")), "upsert", "two")
    merge(homes, put(home_rows(8, 15)), "full", "three")
    return homes


def test_each_version_can_be_read_and_told(three):
    told = [
        (one.number, one.ingest, one.mode, one.rows, one.added, one.changed, one.removed)
        for one in three.versions()
    ]
    assert told == [
        (1, "one", "full", 10, 10, 0, 0),
        (2, "two", "upsert", 15, 5, 2, 0),
        (3, "three", "full", 7, 0, 0, 8),
    ]
    assert [read("homes", "SELECT count(*), max(rooms) FROM {}", version)[0] for version in (0, 1, 2, 3)] == [
        (0, None), (10, 4), (15, 50), (7, 4)
    ]  # fmt: skip
    assert three.version() == 3
    with pytest.raises(NoVersion, match="no version 9 to read; kept: 1, 2, 3"):
        three.files(9)


def test_versions_are_known_without_their_rows(three):
    Commit.objects.all().delete()
    assert [one.ingest for one in three.versions()] == ["one", "two", "three"]
    assert three.of_ingest("two").number == 2
    assert three.catch_up() == 3
    assert Commit.objects.count() == 3


def test_changes_are_rows_written_since_and_keys_gone_since(three, put):
    merge(three, put(home_rows(2, 3)), "upsert", "four")  # comes back after it was removed
    with engine.session() as link:
        changes = engine.changes_sql("homes", 1, ["id"])
        rows = [row[0][-2:] for row in link.execute(f"SELECT id FROM {changes.rows} ORDER BY 1").fetchall()]
        gone = [
            row[0][-2:] for row in link.execute(f"SELECT id FROM {changes.removed} ORDER BY 1").fetchall()
        ]
    assert (changes.version, changes.whole) == (4, False)
    assert rows == ["02", "10", "11", "12", "13", "14"]
    assert gone == ["00", "01", "03", "04", "05", "06", "07"]


def test_changes_of_a_replaced_set_without_a_key_are_all_of_it(lake_home, put):
    table = Table("log")
    table.create(shape("what varchar", keys=()))
    merge(table, put("SELECT 'a' AS what"), "append", "one")
    merge(table, put("SELECT 'b' AS what"), "append", "two")
    assert engine.changes_sql("log", 1).whole is False
    merge(table, put("SELECT 'c' AS what"), "full", "three")
    assert engine.changes_sql("log", 1).whole is True


def test_a_table_follows_new_fields_and_more_digits(lake_home, put):
    table = Table("money")
    table.create(shape("id varchar(5)", "sum decimal(5,2)"))
    merge(table, put("SELECT 'a' AS id, 1.25 AS sum"), "full", "one")
    wider = shape("id varchar(50)", "note varchar", "sum decimal(12,2)")
    assert table.evolve(wider) is True
    assert table.evolve(wider) is False
    merge(table, put("SELECT 'b' AS id, 1234567.89 AS sum, 'new' AS note"), "upsert", "two")
    query = "SELECT id, note, sum::VARCHAR FROM {} ORDER BY id"
    assert read("money", query) == [("a", None, "1.25"), ("b", "new", "1234567.89")]
    assert read("money", "SELECT * FROM {}", version=1)[0][0] == "a"
    merge(table, put("SELECT 'a' AS id, 'told' AS note"), "upsert", "three")
    assert read("money", query) == [("a", "told", "1.25"), ("b", "new", "1234567.89")]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Shape(HOMES.fields[:2]), "field rooms would be dropped"),
        (shape("id varchar(20)", "street date", "rooms integer", "seen timestamp"), "field street is kept as string"),
        (shape("id varchar", "street varchar", "rooms integer", "seen timestamp", keys=("rooms",)), "has rows under"),
    ],
)  # fmt: skip
def test_a_change_that_would_lose_something_is_refused(homes, put, change, why):
    merge(homes, put(home_rows(0, 2)), "full", "one")
    with pytest.raises(BadEvolution, match=why):
        homes.evolve(change)
    assert read("homes", "SELECT count(*) FROM {}") == [(2,)]


def test_what_is_not_there_is_named(lake_home, homes):
    assert tables() == ["homes"]
    with pytest.raises(NoTable, match="no table gardens"):
        Table("gardens").version()
    for code in ("", "../x", "A", "x" * 101, "a b"):
        with pytest.raises(BadCode):
            Table(code)
    with pytest.raises(LakeError, match="has no column garden"):
        engine.relation_sql("homes", columns=["garden"])
    assert read("homes") == []


def test_files_from_outside_the_tables_folder_are_refused(homes, put):
    with pytest.raises(ValueError, match="outside the folder"):
        homes.commit("x", [put(home_rows(0, 1))], None, {})


def test_a_reading_connection_reaches_the_lake_alone(three, put):
    other = put(home_rows(0, 1))
    with engine.session() as link:
        with pytest.raises(Exception, match="disabled by configuration"):
            link.execute(f"SELECT * FROM read_parquet('{other}')")
        with pytest.raises(Exception, match="Cannot enable external access"):
            link.execute("SET enable_external_access = true")


def test_sail_reads_the_same_rows_by_the_same_expression(three, put, sail):
    three.evolve(shape("id varchar", "street varchar", "rooms integer", "seen timestamp", "garden boolean"))
    merge(three, put("SELECT 'h00000099' AS id, 3::BIGINT AS rooms, true AS garden"), "upsert", "four")
    answers = []
    for backend in (engine.backend("duckdb"), engine.backend("spark", session=sail)):
        homes = backend.table("homes")
        counted = homes.group_by("rooms").aggregate(many=homes.count(), gardens=homes.garden.sum())
        rows = backend.link.to_pyarrow(counted.order_by("rooms")).to_pylist()
        answers.append([(row["rooms"], row["many"], row["gardens"]) for row in rows])
    assert answers[0] == [(0, 1, None), (1, 1, None), (2, 1, None), (3, 3, 1), (4, 2, None)]
    assert answers[1] == answers[0]
