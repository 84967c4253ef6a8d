"""The worker's loops: apart from each other, and honest about how they go."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection

from citybrain.site import children, worker
from citybrain.site.database import connection_info
from citybrain.site.models import State
from citybrain.site.tests.conftest import ROOT
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


def asks_for_long(now):
    """A round in the middle of a statement, with a lock, and with a thread of a pool of its own."""
    with ThreadPoolExecutor(1) as pool, connection.cursor() as cursor:
        pool.submit(time.sleep, 3600)
        cursor.execute("SELECT pg_advisory_lock(4711), pg_sleep(3600)")
    return 1


def computes_for_long(now):
    while True:
        sum(range(1000))


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


class Worker:
    """The worker as a process of its own on the test's database, with loops of ours and what `changes` says."""

    def __init__(self, *names, changes=""):
        known = connection.settings_dict
        url = f"postgresql://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
        loops = ", ".join(f"worker.Loop({name!r}, 1.0, {f'{__name__}:{name}'!r})" for name in names)
        script = f"from citybrain.site import worker\nworker.LOOPS = ({loops},)\n{changes}\n"
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"{script}worker.leave(worker.main())"],
            env=os.environ | {"DATABASE_URL": url, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, seconds):
        """Ask it to end; return its exit code and what it said."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=seconds)
        return self.process.returncode, said


@pytest.fixture
def started(transactional_db):
    made = []

    def start(*names, **more):
        made.append(Worker(*names, **more))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.wait()


def answered(query, *values):
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()[0]


def wait_until(condition, seconds=120.0):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    assert condition()


def test_a_worker_told_to_end_leaves_rounds_that_do_not_and_ends_what_they_asked_the_database(started):
    one = started("asks_for_long", "computes_for_long", "counts", changes="worker.LAST_SECONDS = 300")
    asking = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND query LIKE '%%pg_sleep%%'"
    name = f"citybrain worker {one.process.pid}"
    wait_until(lambda: answered(asking, name) == 1)
    wait_until(lambda: State.objects.filter(key="worker.computes_for_long").exists())
    code, said = one.end(120)
    assert code == 0
    assert "in the middle of a round: asks_for_long, computes_for_long\n" in said
    wait_until(
        lambda: answered("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", name) == 0
    )
    assert answered("SELECT pg_try_advisory_xact_lock(4711)")


def test_a_worker_that_cannot_even_leave_is_ended_by_the_kernel(started):
    changes = "import time\nworker.LAST_SECONDS = 1\nworker.hold = lambda *_: time.sleep(3600)"
    one = started("counts", changes=changes)
    wait_until(lambda: State.objects.filter(key="worker.counts").exists())
    code, _ = one.end(120)
    assert code == -signal.SIGALRM


def test_a_worker_ends_by_itself_before_the_city_ends_it_hard():
    assert worker.GRACE_SECONDS < worker.LAST_SECONDS < children.STOP_SECONDS


def test_a_worker_told_to_end_while_it_loads_loads_no_more(monkeypatch):
    loaded = []
    stop = threading.Event()
    monkeypatch.setattr(worker, "resolve", lambda target: (loaded.append(target), stop.set()))
    worker.load_all(stop)
    assert loaded == [worker.LOOPS[0].target]
