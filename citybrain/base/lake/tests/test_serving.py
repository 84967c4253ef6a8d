"""Serving copies: exact values, replaced at once, built anew where asked."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from citybrain.base.catalogue.shape import Shape
from citybrain.base.lake import database, serving
from citybrain.base.lake.merge import merge
from citybrain.base.lake.models import Serving
from citybrain.base.lake.names import LakeError
from citybrain.base.lake.tables import Table
from citybrain.base.lake.tests.conftest import HOMES, home_rows, shape

ODD = shape(
    "id varchar", "day date", "t varchar", "n integer", "d decimal(10,2)", "x double", "b boolean", "seen timestamp",
    keys=("id", "day"),
)  # fmt: skip


def rows_of(relation: str, what: str = "*", order: str = "_key") -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {what} FROM {relation} ORDER BY {order}")
        return cursor.fetchall()


def test_a_copy_holds_every_value_exactly(lake_home, put):
    table = Table("odd")
    table.create(ODD)
    rows = """SELECT * FROM (VALUES
      ('甲', DATE '2026-02-01', '', 1, 1.5::DECIMAL(10,2), 0.1::DOUBLE, true, TIMESTAMPTZ '2026-01-01 08:00:00.25+08'),
      ('a,"b"\n', DATE '2026-01-31', '\\N', NULL, NULL, NULL, NULL, NULL),
      ('z', DATE '0988-01-31', NULL, -9223372036854775807 - 1, -99999999.99, 'inf'::DOUBLE, false, NULL)
    ) v(id, day, t, n, d, x, b, seen)"""
    merge(table, put(rows), "full", "run-1")
    made = serving.publish("odd", ODD)
    assert serving.current("odd") == (made.relation, 1)
    at = datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)
    assert rows_of(made.relation, "_key, t, n, d::text, x, b, seen") == [
        ('a,"b"\n\x1f2026-01-31', "\\N", None, None, None, None, None),
        ("z\x1f0988-01-31", None, -(2**63), "-99999999.99", float("inf"), False, None),
        ("甲\x1f2026-02-01", "", 1, "1.50", 0.1, True, at),
    ]
    assert serving.key_of(["甲", datetime(2026, 2, 1, tzinfo=UTC).date()]) == "甲\x1f2026-02-01"


@pytest.mark.parametrize("files", [1, 3])
def test_large_sets_are_copied_in_lanes(homes, put, monkeypatch, files):
    monkeypatch.setattr(serving, "LANE_ROWS", 100)
    for number in range(files):
        merge(homes, put(home_rows(number * 1000, number * 1000 + 1000)), "append", f"run-{number}")
    made = serving.publish("homes", HOMES)
    assert rows_of(made.relation, "count(*), count(DISTINCT _key), max(_key)", "1") == [
        (files * 1000, files * 1000, f"h{files * 1000 - 1:08}")
    ]


def test_a_new_version_takes_the_place_of_the_old_which_stays_for_the_grace(homes, put):
    merge(homes, put(home_rows(0, 10)), "full", "run-1")
    first = serving.publish("homes", HOMES)
    assert serving.publish("homes", HOMES).relation == first.relation
    merge(homes, put(home_rows(0, 20)), "full", "run-2")
    second = serving.publish("homes", HOMES)
    assert (second.version, second.rows) == (2, 20)
    with database.connect() as reader:  # a reader's lock would keep the old copy
        assert reader.execute(f"SELECT count(*) FROM {first.relation}").fetchone() == (10,)
    now = datetime.now(UTC)
    assert serving.sweep(now) == 0
    assert serving.sweep(now + timedelta(seconds=serving.GRACE_SECONDS + 5)) == 1
    assert serving.current("homes") == (second.relation, 2)


def test_a_copy_that_is_behind_or_was_asked_for_is_made_by_the_worker(homes, put):
    merge(homes, put(home_rows(0, 10)), "full", "run-1")
    serving.ask("homes", HOMES)
    assert serving.current("homes") is None
    now = datetime.now(UTC)
    assert serving.tick(now) == 1
    assert serving.tick(now) == 0
    merge(homes, put(home_rows(0, 11)), "full", "run-2")
    assert serving.tick(now) == 1
    assert (Serving.objects.get().version, Serving.objects.get().rows) == (2, 11)


def test_a_set_without_a_key_is_not_served(lake_home):
    keyless = Shape(HOMES.fields[1:])
    with pytest.raises(LakeError, match="has no key"):
        serving.publish("homes", keyless)


def test_a_copy_that_fails_leaves_the_old_one_serving(homes, put):
    merge(homes, put(home_rows(0, 10)), "full", "run-1")
    first = serving.publish("homes", HOMES)
    merge(homes, put("SELECT 'a' || chr(0) || 'b' AS id"), "upsert", "run-2")
    with pytest.raises(Exception, match="0x00"):
        serving.publish("homes", HOMES)
    assert serving.current("homes") == (first.relation, 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'serving'")
        assert cursor.fetchone()[0] == 1


def test_a_copy_about_people_is_indexed_by_person_and_by_where_they_live(lake_home, put):
    told = {
        "fields": [
            {"name": "permit", "type": "varchar(9)", "key": True},
            {"name": "id_no", "type": "char(18)"},
            {"name": "region", "type": "char(12)", "code_table": "region12"},
            {"name": "grid", "type": "char(15)", "code_table": "grid15"},
        ]
    }
    permits = Shape.from_json(told)
    assert serving.indexed(permits) == ["id_no", "region", "grid"]
    assert serving.indexed(Shape(tuple(one for one in permits.fields if one.name != "id_no"))) == []
    table = Table("permits")
    table.create(permits)
    merge(table, put("SELECT 'a' AS permit, '9' AS id_no, '98' AS region, '98' AS grid"), "full", "run-1")
    name = serving.publish("permits", permits).relation.partition(".")[2]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_indexes WHERE schemaname = 'serving' AND tablename = %s", [name]
        )
        assert cursor.fetchone() == (4,)
