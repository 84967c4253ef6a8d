"""Merging: keys once, nothing new no version, untouched files left alone, memory bounded."""

import threading

import pytest

from citybrain.base.lake import pruning
from citybrain.base.lake.merge import BadRows, MergeResult, merge
from citybrain.base.lake.tables import Table
from citybrain.base.lake.tests.conftest import home_rows, read, shape

COUNTS = "SELECT count(*), count(DISTINCT id), sum(rooms)::BIGINT FROM {}"


def test_a_first_load_holds_every_row_with_its_values(homes, put):
    result = merge(homes, put(home_rows(0, 3)), "full", "run-1", run_id=7, supply_id=3)
    assert result == MergeResult(version=1, inserted=3, updated=0, unchanged=0, removed=0)
    wanted = ["id", "street", "rooms", "_version", "_run", "_supply"]
    assert read("homes", columns=wanted) == [
        ("h00000000", "建国街", 0, 1, 7, 3),
        ("h00000001", "建国街", 1, 1, 7, 3),
        ("h00000002", "建国街", 2, 1, 7, 3),
    ]


def test_the_same_file_twice_changes_nothing(homes, put):
    rows = put(home_rows(0, 1000))
    for mode in ("full", "upsert", "append"):
        merge(homes, rows, "full", "run-1")
        again = merge(homes, rows, mode, f"again-{mode}")
        assert again == MergeResult(version=1, inserted=0, updated=0, unchanged=1000, removed=0)
    assert len(homes.versions()) == 1


def test_the_same_ingest_twice_answers_what_it_did(homes, put):
    first = merge(homes, put(home_rows(0, 10)), "append", "run-1")
    assert merge(homes, put(home_rows(50, 99)), "append", "run-1") == first
    assert read("homes", COUNTS) == [(10, 10, 20)]


def test_an_upsert_replaces_adds_and_leaves_the_rest(homes, put):
    merge(homes, put(home_rows(0, 100)), "full", "run-1")
    result = merge(
        homes, put(home_rows(90, 120, rooms="CASE WHEN i < 95 THEN 9 ELSE i % 5 END")), "upsert", "run-2"
    )
    assert result == MergeResult(version=2, inserted=20, updated=5, unchanged=5, removed=0)
    assert read("homes", "SELECT _version, count(*), sum(rooms)::BIGINT FROM {} GROUP BY 1 ORDER BY 1",
                columns=["id", "rooms", "_version"]) == [(1, 95, 190), (2, 25, 85)]  # fmt: skip
    assert read("homes", COUNTS, version=1) == [(100, 100, 200)]


def test_an_upsert_of_some_columns_keeps_the_others(homes, put):
    merge(homes, put(home_rows(0, 3)), "full", "run-1")
    merge(
        homes,
        put("SELECT 'h00000001' AS id, 42::BIGINT AS rooms UNION ALL SELECT 'new', 7"),
        "upsert",
        "run-2",
    )
    assert read("homes", columns=["id", "street", "rooms"]) == [
        ("h00000000", "建国街", 0), ("h00000001", "建国街", 42), ("h00000002", "建国街", 2), ("new", None, 7)
    ]  # fmt: skip


def test_a_full_load_takes_out_what_did_not_come(homes, put):
    merge(homes, put(home_rows(0, 100)), "full", "run-1")
    result = merge(
        homes, put(home_rows(40, 110, rooms="CASE WHEN i = 50 THEN 9 ELSE i % 5 END")), "full", "run-2"
    )
    assert result == MergeResult(version=2, inserted=10, updated=1, unchanged=59, removed=40)
    assert read("homes", COUNTS) == [(70, 70, 149)]


def test_an_append_leaves_out_keys_that_are_there(homes, put):
    merge(homes, put(home_rows(0, 10)), "append", "run-1")
    result = merge(homes, put(home_rows(5, 15, rooms="100")), "append", "run-2")
    assert result == MergeResult(version=2, inserted=5, updated=0, unchanged=5, removed=0)
    assert read("homes", COUNTS) == [(15, 15, 520)]


def test_of_rows_with_one_key_the_last_counts(homes, put):
    rows = put("SELECT * FROM (VALUES ('a', 1), ('b', 2), ('a', 3), ('a', NULL), ('b', 5)) v(id, rooms)")
    result = merge(homes, rows, "upsert", "run-1")
    assert (result.inserted, result.duplicates) == (2, 3)
    assert read("homes", columns=["id", "rooms"]) == [("a", None), ("b", 5)]


def test_a_value_that_becomes_empty_is_a_change(homes, put):
    merge(homes, put("SELECT 'a' AS id, '' AS street"), "upsert", "run-1")
    assert merge(homes, put("SELECT 'a' AS id, NULL::VARCHAR AS street"), "upsert", "run-2").updated == 1
    assert read("homes", columns=["street"]) == [(None,)]


def test_files_that_hold_none_of_the_keys_are_left_alone(homes, put):
    for number in range(4):
        merge(homes, put(home_rows(number * 100, number * 100 + 100)), "append", f"run-{number}")
    before = set(homes.files())
    merge(homes, put(home_rows(250, 260, rooms="77")), "upsert", "change")
    after = set(homes.files())
    assert len(before & after) == 3
    assert read("homes", COUNTS)[0][:2] == (400, 400)


def test_a_key_of_several_fields_is_one_only_when_all_agree(lake_home, put):
    table = Table("meters")
    table.create(shape("home varchar(9)", "day date", "litres decimal(10,2)", keys=("home", "day")))
    day = "DATE '2026-01-01' + (i // 3)::INTEGER"
    days = f"SELECT 'h' || (i % 3) AS home, {day} AS day, i::DECIMAL(10,2) AS litres FROM range(9) r(i)"
    merge(table, put(days), "upsert", "run-1")
    again = merge(
        table, put("SELECT 'h1' AS home, DATE '2026-01-02' AS day, 5.55 AS litres"), "upsert", "run-2"
    )
    assert (again.inserted, again.updated) == (0, 1)
    assert read("meters", "SELECT count(*), sum(litres)::VARCHAR FROM {}") == [(9, "37.55")]


def test_a_set_without_a_key_is_appended_to_and_replaced(lake_home, put):
    table = Table("log")
    table.create(shape("what varchar", "many integer", keys=()))
    rows = put("SELECT 'x' || (i % 2) AS what, i // 4 AS many FROM range(8) r(i)")
    assert merge(table, rows, "append", "run-1").inserted == 8
    assert merge(table, rows, "full", "run-2") == MergeResult(1, 0, 0, 8, 0)
    less = put("SELECT 'x' || (i % 2) AS what, i // 4 AS many FROM range(6) r(i) UNION ALL SELECT 'y', 9")
    assert merge(table, less, "full", "run-3") == MergeResult(
        2, inserted=1, updated=0, unchanged=6, removed=2
    )
    with pytest.raises(BadRows, match="has no key"):
        merge(table, rows, "upsert", "run-4")


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("SELECT 'a' AS id, 1 AS garden", "have a column garden it doesn't know"),
        ("SELECT 1 AS rooms", "lack the key field id"),
        (
            "SELECT * FROM (VALUES ('a', 1), (NULL, 2)) v(id, rooms)",
            "1 rows for homes have no value in a key field",
        ),
    ],
)
def test_rows_that_do_not_fit_are_refused_by_name(homes, put, rows, why):
    with pytest.raises(BadRows, match=why):
        merge(homes, put(rows), "upsert", "run-1")
    assert homes.version() == 0


def test_a_merge_larger_than_its_memory_spills(homes, put, lake_home, monkeypatch):
    monkeypatch.setattr(pruning, "EXACT_ROWS", 1000)
    wide = "SELECT repeat(id, 130) AS id, street, rooms FROM ({})"
    merge(homes, put(wide.format(home_rows(0, 200_000))), "full", "run-1")
    spilled = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            spilled.extend(
                path.stat().st_size for path in (lake_home / "tmp").rglob("*.tmp") if path.exists()
            )

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        changed = put(wide.format(home_rows(100_000, 300_000, rooms="6")))
        result = merge(homes, changed, "upsert", "run-2", memory="200MB", threads=1)
    finally:
        done.set()
        watcher.join()
    assert (result.inserted, result.updated, result.unchanged) == (100_000, 100_000, 0)
    assert read("homes", "SELECT count(*), count(DISTINCT id) FROM {}") == [(300_000, 300_000)]
    assert max(spilled, default=0) > 0
    assert list((lake_home / "tmp").iterdir()) == []
