"""Compaction, expiry and the sweep: rows stay as they are, and what a reader needs stays on disk."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from citybrain.base.lake import locks, upkeep
from citybrain.base.lake.merge import merge
from citybrain.base.lake.tables import NoVersion
from citybrain.base.lake.tests.conftest import home_rows, read

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=400)


@pytest.fixture
def many(homes, put):
    """Twelve versions of ten homes each, one file a version."""
    for number in range(12):
        merge(homes, put(home_rows(number * 10, number * 10 + 10)), "append", f"run-{number}", run_id=number)
    return homes


def everything(version=None):
    return read("homes", "SELECT * FROM {} ORDER BY id", version, columns=["id", "rooms", "_version", "_run"])


def test_compaction_puts_files_together_and_leaves_rows_and_versions(many):
    before = everything()
    assert upkeep.compact("homes") == 12
    assert (len(many.files()), many.version(), len(many.versions())) == (1, 12, 12)
    assert everything() == before
    assert len(everything(5)) == 50
    assert upkeep.compact("homes") == 0
    assert upkeep.compact("homes", everything=True) == 1


def test_a_compacted_table_is_merged_into_as_before(many, put):
    upkeep.compact("homes")
    result = merge(many, put(home_rows(115, 130, rooms="9")), "upsert", "later")
    assert (result.version, result.inserted, result.updated) == (13, 10, 5)
    assert merge(many, put(home_rows(0, 1)), "append", "run-3").version == 4


def test_old_versions_go_but_not_pinned_ones(many):
    many.pin(3, "report")
    assert upkeep.expire("homes", LATER) == 10
    assert many.kept() == {3, 12}
    assert many.pins() == {"report": 3}
    assert len(many.versions()) == 12
    assert many.of_ingest("run-6").number == 7
    with pytest.raises(NoVersion):
        many.files(7)
    assert len(everything(3)) == 30


def test_the_sweep_waits_for_readers_and_never_takes_what_a_pin_needs(many):
    many.pin(3, "report")
    pinned = many.files(3)
    upkeep.compact("homes")
    upkeep.expire("homes", LATER)
    let_go = set(map(str, upkeep.stored("homes"))) - set(pinned)
    assert upkeep.sweep("homes", NOW) == 0
    assert upkeep.sweep("homes", NOW + upkeep.GRACE - timedelta(seconds=1)) == 0
    assert set(map(str, upkeep.stored("homes"))) >= let_go
    with locks.keeping_files():
        assert upkeep.sweep("homes", NOW + upkeep.GRACE) == 0
    assert upkeep.sweep("homes", NOW + upkeep.GRACE) > 9
    assert all(Path(path).exists() for path in pinned)
    assert (len(everything(3)), len(everything())) == (30, 120)
    assert upkeep.check("homes") == []
    many.unpin("report")
    upkeep.expire("homes", LATER)
    upkeep.sweep("homes", NOW)
    upkeep.sweep("homes", NOW + upkeep.GRACE)
    assert not any(Path(path).exists() for path in pinned)
    assert len(everything()) == 120


def test_the_worker_does_all_of_it_and_then_rests(many):
    first = upkeep.tick(NOW)
    assert first >= 12
    assert len(many.files()) == 1
    assert upkeep.tick(NOW) == 0
    assert upkeep.tick(NOW + upkeep.GRACE + timedelta(days=40)) > 0
    assert upkeep.check("homes") == []


def test_the_check_names_files_missing_cut_short_and_unknown(many):
    first, second, *_ = many.files()
    Path(first).unlink()
    with Path(second).open("ab") as stream:
        stream.write(b"x")
    stray = many.folder / "data" / "stray.parquet"
    stray.write_bytes(b"")
    found = upkeep.check("homes")
    assert [line.split()[2:4] for line in found] == [
        ["is", "missing"],
        ["has", str(Path(second).stat().st_size)],
        ["is", "needed"],
    ]
    assert [line.split()[1] for line in found] == [first, second, str(stray)]


def test_what_a_killed_process_spilled_is_removed(lake_home):
    left = lake_home / "tmp" / "999999999-abc"
    left.mkdir(parents=True)
    assert upkeep.sweep_spill(datetime.now(UTC)) == 1
    assert not left.exists()
