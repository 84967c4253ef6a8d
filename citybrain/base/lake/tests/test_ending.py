"""Rows that end are taken out by key, once, and who asks for the changes is told."""

from citybrain.base.lake import engine
from citybrain.base.lake.ending import EndResult, end
from citybrain.base.lake.merge import merge
from citybrain.base.lake.tables import Table
from citybrain.base.lake.tests.conftest import home_rows, read, shape

COUNTS = "SELECT count(*), count(DISTINCT id) FROM {}"


def test_the_rows_of_the_keys_go_and_nothing_else_changes(homes, put):
    merge(homes, put(home_rows(0, 100)), "full", "run-1")
    keys = put(
        "SELECT 'h' || lpad(i::VARCHAR, 8, '0') AS id FROM range(95, 105) r(i) UNION ALL SELECT 'h00000095'"
    )
    assert end(homes, keys, "run-2", 7) == EndResult(version=2, removed=5)
    assert read("homes", "SELECT count(*), max(id), min(_version), max(_version) FROM {}",
                columns=["id", "_version"]) == [(95, "h00000094", 1, 1)]  # fmt: skip
    assert read("homes", COUNTS, version=1) == [(100, 100)]
    last = homes.versions()[-1]
    assert (last.mode, last.removed, last.rows, last.run) == ("end", 5, 95, 7)


def test_the_same_twice_is_once_and_nothing_to_end_makes_no_version(homes, put):
    merge(homes, put(home_rows(0, 10)), "full", "run-1")
    keys = put("SELECT 'h00000003' AS id")
    first = end(homes, keys, "run-2")
    merge(homes, put(home_rows(3, 4)), "upsert", "run-3")
    assert end(homes, keys, "run-2") == first == EndResult(2, 1)
    assert read("homes", COUNTS) == [(10, 10)], "what came back since stays"
    assert end(homes, put("SELECT 'nobody' AS id"), "run-4") == EndResult(3, 0)
    assert len(homes.versions()) == 3


def test_an_empty_table_has_nothing_to_end(homes, put):
    assert end(homes, put("SELECT 'h00000003' AS id"), "run-1") == EndResult(0, 0)


def test_rows_of_other_supplies_stay_and_are_counted(homes, put):
    merge(homes, put(home_rows(0, 3)), "upsert", "run-1", supply_id=1)
    merge(homes, put(home_rows(3, 5)), "upsert", "run-2", supply_id=2)
    everything = put(home_rows(0, 9))
    assert end(homes, everything, "run-3", supply_id=2, only=[2]) == EndResult(3, 2, 3)
    assert end(homes, everything, "run-4", only=[]) == EndResult(3, 0, 3)
    assert read("homes", COUNTS) == [(3, 3)]


def test_keys_of_several_fields_end_over_many_files(lake_home, put):
    table = Table("readings")
    table.create(shape("meter varchar(9)", "day date", "litres integer", keys=("meter", "day")))
    for first in range(0, 60, 3):
        merge(table, put(
            f"SELECT 'm' || m AS meter, DATE '2026-01-01' + d::INT AS day, 1::BIGINT AS litres "
            f"FROM range({first}, {first + 3}) a(m), range(10) b(d)"), "upsert", f"run-{first}")  # fmt: skip
    keys = put("SELECT 'm' || m AS meter, DATE '2026-01-03' AS day FROM range(5, 50) a(m)")
    assert end(table, keys, "end").removed == 45
    assert read("readings", "SELECT count(*), count(*) FILTER (day = '2026-01-03') FROM {}") == [(555, 15)]


def test_who_asks_for_the_changes_hears_what_ended_unless_it_came_back(homes, put):
    merge(homes, put(home_rows(0, 10)), "full", "run-1")
    end(homes, put("SELECT 'h00000003' AS id UNION ALL SELECT 'h00000004'"), "run-2")
    merge(homes, put(home_rows(4, 5)), "upsert", "run-3")
    changes = engine.changes_sql("homes", 1)
    with engine.session() as link:
        assert link.execute(f"SELECT id FROM {changes.removed}").fetchall() == [("h00000003",)]
        assert link.execute(f"SELECT id FROM {changes.rows}").fetchall() == [("h00000004",)]
