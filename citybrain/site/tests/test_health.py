"""What /health says."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from citybrain.base.ledger import record
from citybrain.site import health
from citybrain.site.models import State
from citybrain.site.worker import LOOPS


def beat_all(at):
    State.objects.bulk_create(
        State(key=key, at=at, value={"error": ""})
        for key in ("push", "data", *(f"worker.{loop.name}" for loop in LOOPS))
    )


@pytest.fixture(autouse=True)
def _home_is_there(settings, tmp_path):
    settings.HOME = tmp_path


@pytest.mark.django_db
def test_a_city_with_all_signs_of_life_is_well(client):
    client.get(
        "/health"
    )  # the first request loads every page's code: on a busy machine longer than a sign of life lasts
    beat_all(timezone.now())
    answer = client.get("/health")
    found = answer.json()
    assert {name: part for name, part in found["parts"].items() if not part["ok"]} == {}
    assert answer.status_code == 200
    assert found["ok"]
    assert found["parts"]["database"]["version"]
    assert found["parts"]["ledger"] == {"ok": True, "unsealed": 0, "oldest_seconds": 0.0}


@pytest.mark.django_db
def test_a_silent_worker_turns_the_answer_to_503_and_is_named(client):
    now = timezone.now()
    beat_all(now)
    State.objects.filter(key="worker.ledger").update(at=now - timedelta(minutes=2))
    answer = client.get("/health")
    assert answer.status_code == 503
    wrong = [name for name, part in answer.json()["parts"].items() if not part["ok"]]
    assert wrong == ["worker.ledger"]
    assert "no sign of life" in answer.json()["parts"]["worker.ledger"]["note"]


@pytest.mark.django_db
def test_a_slow_loop_may_be_silent_for_its_own_interval():
    now = timezone.now()
    beat_all(now - timedelta(seconds=300))
    parts = health.beats(now)
    assert {name for name, part in parts.items() if part["ok"]} == {
        "worker.sessions",
        "worker.limits",
        "worker.photos",
        "worker.callers",
        "worker.hotline_files",
        "worker.hotline_quality",
        "worker.hotline_reports",
        "worker.kept",
        "worker.knowledge",
    }


@pytest.mark.django_db
def test_the_error_of_a_failing_loop_is_told():
    now = timezone.now()
    beat_all(now)
    State.objects.filter(key="worker.deadlines").update(value={"error": "MissingYear: 2031"})
    assert health.beats(now)["worker.deadlines"]["note"] == "MissingYear: 2031"


@pytest.mark.django_db
def test_an_entry_that_waits_too_long_for_its_seal_is_a_fault():
    now = timezone.now()
    record("system", "test", "x:1", {}, at=now - timedelta(seconds=45))
    part = health.ledger(now)
    assert (part["ok"], part["unsealed"]) == (False, 1)
    assert part["oldest_seconds"] == pytest.approx(45, abs=1)


def test_a_year_to_come_without_a_table_is_a_note_and_a_year_begun_is_a_fault():
    soon = health.calendars(datetime(2026, 12, 1, tzinfo=UTC))
    assert (soon["ok"], soon["missing"]) == (True, [2027])
    begun = health.calendars(datetime(2031, 5, 1, tzinfo=UTC))
    assert (begun["ok"], begun["missing"]) == (False, [2031])
    assert "calendars" in begun["note"]


@pytest.mark.django_db
def test_a_full_disk_is_a_fault_with_the_folder_named(monkeypatch, settings):
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _: type("U", (), {"free": 2**30})())
    part = health.disk(timezone.now())
    assert (part["ok"], part["free_gib"]) == (False, 1.0)
    assert str(settings.HOME) in part["note"]


@pytest.mark.django_db
def test_a_hotline_loop_that_fails_is_named_with_its_error(client):
    beat_all(timezone.now())
    State.objects.filter(key="worker.hotline").update(value={"error": "RuntimeError: no", "failures": 3})
    answer = client.get("/health")
    assert answer.status_code == 503
    wrong = {name: part["note"] for name, part in answer.json()["parts"].items() if not part["ok"]}
    assert wrong == {"worker.hotline": "RuntimeError: no"}
