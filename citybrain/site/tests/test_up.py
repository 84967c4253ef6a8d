"""The whole city as processes: started, refused twice, killed, started again, ended."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import psutil
import pytest

from citybrain.site.postgres import free_port
from citybrain.site.tests.conftest import citybrain, environment, open_folder

pytestmark = pytest.mark.faults
SCALE = "0.003"


def health(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)
    except (OSError, ValueError):
        return {"ok": False, "parts": {}}


def wait_for(condition, seconds=600.0):
    """What the condition gives once it holds. A machine may be loaded many times over; only what never comes fails."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.1)
    return condition()


def parent(process):
    """The process's parent; None when it has ended meanwhile."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.ppid()
    return None


def well(port):
    """What `/health` says once all is well, otherwise nothing."""
    found = health(port)
    return found if found["ok"] else None


class City:
    def __init__(self, home):
        self.home = home
        self.port = free_port()
        self.changes = {"CITYBRAIN_PORT": str(self.port), "CITYBRAIN_SAMPLE_SCALE": SCALE}
        self.process = None
        self.log = home / "up.log"

    def start(self):
        with self.log.open("w") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from citybrain.site.cli import main; main()", "up"],
                env=environment(self.home, **self.changes), stdout=stream, stderr=stream,
            )  # fmt: skip
        greeted = wait_for(lambda: "Ctrl-C ends everything" in self.said() or self.process.poll() is not None)
        assert greeted, self.said()
        assert self.process.poll() is None, self.said()

    def said(self):
        return self.log.read_text()

    def processes(self):
        """Everything that runs with this home, whoever its parent is."""
        found = []
        for process in psutil.process_iter(["status"]):
            with contextlib.suppress(psutil.Error):
                if process.info["status"] == psutil.STATUS_ZOMBIE or process.pid == self.process.pid:
                    continue
                of_us = process.environ().get("CITYBRAIN_HOME") == str(self.home)
                if of_us or process.cwd() == str(self.home / "postgres" / "data"):
                    found.append(process)
        return found

    def orphans(self):
        """Those whose parent has gone before them."""
        return [one for one in self.processes() if parent(one) == 1]

    def children(self, word):
        """Those that the city itself started, by a word of their command."""
        return [one for one in self.named(word) if parent(one) == self.process.pid]

    def named(self, word):
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if word in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)
        return self.process.returncode if self.process else None


@pytest.fixture(scope="module")
def founded():
    """A home with a city in it, its processes as the first start left them, and what that start said."""
    with open_folder() as folder:
        made = City(folder)
        made.start()
        yield made, made.said()
        made.end()


@pytest.fixture
def city(founded):
    """The city, running; started again where a test before ended it."""
    made = founded[0]
    if made.process.poll() is not None:
        made.start()
    return made


def test_the_first_start_makes_the_sample_city_and_prints_its_accounts(founded):
    said = founded[1]
    assert "making the sample city (once)" in said
    assert said.index("making the sample city") < said.index("citybrain is running: http://127.0.0.1:")
    assert "anlan-sample" in said


def test_a_city_says_what_it_is_and_refuses_a_second(city):
    assert f"citybrain is running: http://127.0.0.1:{city.port}" in city.said()
    found = wait_for(lambda: well(city.port))
    assert found, health(city.port)
    assert {
        "web",
        "database",
        "migrations",
        "push",
        "data",
        "disk",
        "ledger",
        "calendars",
        "worker.ledger",
    } <= set(found["parts"])
    second = citybrain(city.home, "up", **city.changes)
    assert second.returncode == 1
    assert f"already running at http://127.0.0.1:{city.port} (pid {city.process.pid}" in second.stderr


def test_each_killed_process_is_started_again_and_said_so(city):
    words = {"site.wsgi": "web", "uvicorn": "push", "site.data": "data", "citybrain.site.worker": "worker"}
    for word, name in words.items():
        victim = city.children(word)[0]
        victim.kill()
        assert wait_for(lambda name=name: f"{name} ended (SIGKILL); starting it again" in city.said())
        assert wait_for(
            lambda word=word, old=victim.pid: [one for one in city.children(word) if one.pid != old]
        )
    postmaster = city.children("postgres")[0]
    postmaster.kill()
    assert wait_for(lambda: "the database server ended; starting it again" in city.said())
    assert wait_for(lambda: well(city.port)), health(city.port)


def test_a_killed_city_leaves_nothing_behind_starts_again_and_ends_as_one(city):
    city.process.kill()
    city.process.wait()
    city.start()
    assert "making the sample city" not in city.said()
    assert wait_for(lambda: well(city.port)), health(city.port)
    assert len(city.children("granian")) == 2  # web and data
    assert city.orphans() == []
    assert city.end() == 0
    assert city.processes() == []
    assert health(city.port)["parts"] == {}


def test_a_taken_port_is_named_with_its_holder_and_the_way_out(founded):
    city = founded[0]
    city.end()
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", city.port))
        taker.listen()
        refused = citybrain(city.home, "up", **city.changes)
    assert refused.returncode == 1
    assert f"port {city.port} is taken by " in refused.stderr
    assert f"pid {os.getpid()}" in refused.stderr
    assert f"CITYBRAIN_PORT={city.port + 10} make run" in refused.stderr
