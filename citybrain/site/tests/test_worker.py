"""The worker's loops: apart from each other, and honest about how they go."""

import threading

import psycopg
import pytest

from citybrain.site import worker
from citybrain.site.database import connection_info
from citybrain.site.models import State
from citybrain.site.worker import Loop, Runner

FAIL = {"now": False}


@pytest.fixture(autouse=True)
def _connection_of_the_test(monkeypatch):
    """A loop gives its connection back after each run; the test's transaction lives on one."""
    monkeypatch.setattr("django.db.close_old_connections", lambda: None)


def counts(now):
    return 3


def fails(now):
    raise ValueError("no such case")


def fails_if_told(now):
    if FAIL["now"]:
        raise ValueError("told to")
    return 1


def loop(name, seconds=1.0):
    return Loop(name, seconds, f"{__name__}:{name}")


@pytest.mark.django_db
def test_a_loop_that_goes_well_tells_what_it_did_since_it_last_told():
    runner = Runner(loop("counts"), threading.Event())
    for clock in (0.0, 1.0, 2.0, worker.TELL_SECONDS):
        runner.once(clock)
    told = State.objects.get(key="worker.counts").value
    assert told == {"done": 9, "error": "", "failures": 0}


@pytest.mark.django_db
def test_a_failing_loop_tells_its_error_and_waits_longer_each_time(caplog):
    runner = Runner(loop("fails"), threading.Event())
    pauses = []
    for clock in range(8):
        runner.once(float(clock))
        pauses.append(runner.pause())
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert State.objects.get(key="worker.fails").value == {
        "done": 0, "error": "ValueError: no such case", "failures": 8,
    }  # fmt: skip
    assert "loop fails failed 8 times in a row" in caplog.text


@pytest.mark.django_db
def test_a_loop_gives_a_sign_of_life_before_its_first_round_ends():
    stop = threading.Event()
    stop.set()
    Runner(loop("counts"), stop).run()
    assert State.objects.get(key="worker.counts").value == {"done": 0, "error": "", "failures": 0}


@pytest.mark.django_db
def test_a_loop_that_recovers_says_so_at_once():
    runner = Runner(loop("fails_if_told", 0.5), threading.Event())
    FAIL["now"] = True
    runner.once(0.0)
    FAIL["now"] = False
    runner.once(0.1)
    assert runner.pause() == 0.5
    assert State.objects.get(key="worker.fails_if_told").value == {"done": 1, "error": "", "failures": 0}


def test_every_loop_of_the_city_can_be_found():
    assert {loop.name for loop in worker.LOOPS} >= {"ledger", "push", "deadlines", "sessions"}
    assert all(callable(worker.resolve(loop.target)) for loop in worker.LOOPS)


@pytest.mark.django_db
def test_a_second_worker_stands_by_until_the_first_is_gone():
    stop = threading.Event()
    first = psycopg.connect(**connection_info(), autocommit=True)
    assert worker.take_lock(first, stop)
    second = psycopg.connect(**connection_info(), autocommit=True)
    got = []
    waiting = threading.Thread(target=lambda: got.append(worker.take_lock(second, stop)))
    waiting.start()
    waiting.join(0.5)
    assert got == []
    first.close()
    waiting.join(10)
    assert got == [True]
    second.close()


@pytest.mark.django_db
def test_a_worker_that_loses_its_database_ends_to_be_started_again():
    link = psycopg.connect(**connection_info(), autocommit=True)
    with psycopg.connect(**connection_info(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [link.info.backend_pid])
    assert worker.hold(link, threading.Event()) == 1
