"""Small writes: kept until worked on, in batches whose name outlives a crash."""

from datetime import UTC, datetime

import pytest

from citybrain.base.lake import staging

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def seen(lake_home, monkeypatch):
    monkeypatch.setattr(staging, "_handlers", {})
    found = []
    staging.register(found.append)
    return found


def test_writes_of_one_supply_are_one_batch_in_their_order(seen):
    staging.stage("homes", [{"id": "a", "rooms": 1}], supply=1)
    staging.stage("homes", [{"id": "b"}], supply=2)
    staging.stage("homes", [{"id": "a", "rooms": 2}, {"id": "c"}], supply=1)
    assert staging.waiting("homes") == 3
    assert staging.tick(NOW) == 3
    assert sorted((batch.supply, [row["id"] for row in batch.rows]) for batch in seen) == [
        (1, ["a", "a", "c"]),
        (2, ["b"]),
    ]
    assert (staging.waiting("homes"), staging.tick(NOW)) == (0, 0)


def test_a_batch_that_failed_comes_again_under_its_name_without_later_writes(seen):
    staging.stage("homes", [{"id": "a"}])
    tried = []

    def fails(batch):
        tried.append((batch.ingest, len(batch.writes)))
        raise RuntimeError("killed")

    staging.register(fails)
    with pytest.raises(RuntimeError):
        staging.tick(NOW)
    staging.stage("homes", [{"id": "b"}])
    staging.register(seen.append)
    assert staging.tick(NOW) == 2
    assert (seen[0].ingest, len(seen[0].writes)) == tried[0]
    assert [row["id"] for row in seen[1].rows] == ["b"]


def test_without_somebody_to_work_on_them_writes_wait(seen, monkeypatch):
    monkeypatch.setattr(staging, "_handlers", {})
    staging.stage("homes", [{"id": "a"}])
    assert (staging.tick(NOW), staging.waiting("homes")) == (0, 1)
