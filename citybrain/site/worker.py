"""The worker: what the city does by itself, each loop on a thread of its own.

A loop is a function `tick(now) -> int` (how much it did). A failing loop is logged with its trace, told to
`/health`, and tried again later and later; the others go on. One worker works at a time, by an advisory lock
held on a connection of its own; another stands by. Run as `python -m citybrain.site.worker`.

It ends within seconds of SIGTERM, whatever its loops do: a round under way gets `GRACE_SECONDS`, then it is left
where it is. Every round stands being broken off, as a power cut would: what it hadn't committed is rolled back.
"""

import contextlib
import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import psycopg

from citybrain.site import tether, warming
from citybrain.site.database import connection_info

log = logging.getLogger("citybrain.worker")
LOCK = 0x776F726B6572  # "worker" in ASCII
TELL_SECONDS = 5.0  # how often a loop that goes well says so
LONGEST_PAUSE = 30.0  # seconds a failing loop waits at most before it tries again
GRACE_SECONDS = 5.0  # for the rounds under way, all together, once told to stop
LAST_SECONDS = 12  # then the kernel ends us; less than `children.STOP_SECONDS`

_SQL_BREAK_OFF = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = %s AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Loop:
    """A function that runs every `seconds`."""

    name: str
    seconds: float
    target: str  # module:function


LOOPS = (
    Loop("ledger", 0.5, "citybrain.base.ledger.sealer:tick"),
    Loop("push", 0.3, "citybrain.site.outbox:tick"),
    Loop("deadlines", 10.0, "citybrain.hub.cases.sweep:tick"),
    Loop("hotline", 1.0, "citybrain.hub.hotline.sweep:tick"),
    Loop("hotline_upkeep", 10.0, "citybrain.hub.hotline.sweep:upkeep"),
    Loop("hotline_readers", 60.0, "citybrain.hub.hotline.readers.watching:tick"),
    Loop("hotline_quality", 600.0, "citybrain.hub.hotline.quality_checks:tick"),
    Loop("hotline_topics", 5.0, "citybrain.hub.hotline.topics.loop:tick"),
    Loop("forms", 60.0, "citybrain.hub.forms.collecting.sweep:tick"),
    Loop("areas", 60.0, "citybrain.base.areas.decisions:tick"),
    Loop("roles", 30.0, "citybrain.base.identity.actions.following:tick"),
    Loop("sessions", 600.0, "citybrain.base.identity.sweep:tick"),
    Loop("limits", 600.0, "citybrain.faces.portal.throttle:sweep"),
    Loop("receipts", 30.0, "citybrain.base.exchange.delivery.folding:tick"),
    Loop("deliveries", 1.0, "citybrain.base.exchange.delivery.batch:tick"),
    Loop("intake", 2.0, "citybrain.base.exchange.runs:tick"),
    Loop("kept", 3600.0, "citybrain.base.exchange.aside:tick"),
    Loop("staging", 3.0, "citybrain.base.lake.staging:tick"),
    Loop("copies", 5.0, "citybrain.base.exchange.delivery.copies:tick"),
    Loop("serving", 15.0, "citybrain.base.lake.serving:tick"),
    Loop("lake", 60.0, "citybrain.base.lake.upkeep:tick"),
    Loop("links", 2.0, "citybrain.hub.hotline.linking.delivering:tick"),
    Loop("mail", 30.0, "citybrain.hub.hotline.channels.mailbox:tick"),
    Loop("callers", 600.0, "citybrain.hub.hotline.linking.delivering:sweep"),
    Loop("knowledge", 600.0, "citybrain.hub.hotline.answers.keeping:tick"),
    Loop("hotline_reports", 300.0, "citybrain.hub.hotline.reports.making:tick"),
    Loop("photos", 3600.0, "citybrain.hub.cases.photos:sweep"),
    Loop("pushed_files", 5.0, "citybrain.hub.hotline.channels.pushed_files:tick"),
    Loop("hotline_files", 3600.0, "citybrain.hub.hotline.files:sweep"),
)


def resolve(target: str) -> Callable[[datetime], int]:
    """Return the function behind module:function."""
    module, name = target.split(":")
    function: Callable[[datetime], int] = getattr(importlib.import_module(module), name)
    return function


def load_all(stop: threading.Event) -> None:
    """Import every loop's module, one after another: numpy can't be imported by several threads at once."""
    for loop in LOOPS:
        if stop.is_set():
            return
        with contextlib.suppress(Exception):  # what can't be imported says so when its loop runs
            resolve(loop.target)


class Runner:
    """Runs one loop until it is told to stop, and reports how it goes."""

    def __init__(self, loop: Loop, stop: threading.Event) -> None:
        self.loop = loop
        self.stop = stop
        self.failures = 0
        self.done = 0
        self.told_at = float("-inf")

    def pause(self) -> float:
        """Return the seconds until the next try: the loop's own, doubled with each failure in a row."""
        if not self.failures:
            return self.loop.seconds
        return max(self.loop.seconds, min(LONGEST_PAUSE, 0.5 * 2.0**self.failures))

    def once(self, clock: float) -> None:
        """Run the loop's function once; `clock` is a monotonic time in seconds."""
        from django.db import close_old_connections
        from django.utils import timezone

        try:
            self.done += resolve(self.loop.target)(timezone.now())
            self.failures = 0
            if clock - self.told_at >= TELL_SECONDS:
                self.tell(error="")
                self.told_at = clock
        except Exception as error:
            self.failures += 1
            self.told_at = float("-inf")
            log.exception("loop %s failed %d times in a row", self.loop.name, self.failures)
            self.tell_failure(f"{type(error).__name__}: {error}")
        finally:
            close_old_connections()

    def tell(self, error: str) -> None:
        """Write the heartbeat: how much was done since the last one, and what is wrong."""
        from citybrain.site.models import tell

        tell(f"worker.{self.loop.name}", done=self.done, error=error, failures=self.failures)
        self.done = 0

    def tell_failure(self, error: str) -> None:
        """Write what is wrong, if the database can be reached at all."""
        from django.db import DatabaseError

        try:
            self.tell(error)
        except DatabaseError:
            log.warning("loop %s: the failure can't be told, the database doesn't answer", self.loop.name)

    def begin(self) -> None:
        """Give the first sign of life: a loop's first round may take minutes, as when a new city's files come in."""
        from django.db import DatabaseError, close_old_connections

        try:
            self.tell(error="")
        except DatabaseError:
            log.warning("loop %s: its beginning can't be told, the database doesn't answer", self.loop.name)
        finally:
            close_old_connections()

    def run(self) -> None:
        """Run until stopped."""
        self.begin()
        while not self.stop.is_set():
            self.once(time.monotonic())
            self.stop.wait(self.pause())


def take_lock(link: psycopg.Connection[Any], stop: threading.Event) -> bool:
    """Return True once we are the one worker; False when we are stopped before."""
    told = False
    while not stop.is_set():
        row = link.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
        if row is not None and row[0]:
            return True
        if not told:
            log.warning("another worker works on this database; standing by")
            told = True
        stop.wait(2.0)
    return False


def hold(link: psycopg.Connection[Any], stop: threading.Event) -> int:
    """Return 0 when stopped, 1 when the lock's connection is lost (then somebody else may be the worker)."""
    while not stop.wait(1.0):
        try:
            link.execute("SELECT 1")
        except psycopg.OperationalError:
            log.error("the database went away; ending, to be started again")
            return 1
    return 0


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set; from then on the kernel counts `LAST_SECONDS`."""
    stop = threading.Event()

    def asked(*_: object) -> None:
        if not stop.is_set():
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(LAST_SECONDS)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)
    return stop


def late_ones(threads: list[threading.Thread], seconds: float) -> list[str]:
    """Wait `seconds` at most for all of them together; return the names of those that still run."""
    until = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return [thread.name for thread in threads if thread.is_alive()]


def break_off(link: psycopg.Connection[Any], name: str) -> None:
    """End our other connections to the database: a statement whose caller has gone would go on, and keep its locks."""
    with contextlib.suppress(psycopg.Error):
        link.execute(_SQL_BREAK_OFF, [name])


def work(link: psycopg.Connection[Any], stop: threading.Event, name: str) -> int:
    """Run all loops until told to stop; return the exit code."""
    load_all(stop)
    runners = [Runner(loop, stop) for loop in LOOPS]
    threads = [threading.Thread(target=runner.run, name=runner.loop.name, daemon=True) for runner in runners]
    for thread in threads:
        thread.start()
    warming.begin()
    code = hold(link, stop)
    stop.set()
    late = late_ones(threads, GRACE_SECONDS)
    if late:
        log.warning("ending while these loops are in the middle of a round: %s", ", ".join(late))
        break_off(link, name)
    return code


def main() -> int:
    """Run all loops until SIGTERM; return the exit code."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
    name = os.environ["PGAPPNAME"] = f"citybrain worker {os.getpid()}"
    tether.watch_parent(os.getppid())
    django.setup()
    stop = stop_on_signals()
    try:
        link = psycopg.connect(**connection_info(), autocommit=True, connect_timeout=10)
        if not take_lock(link, stop):
            return 0
    except psycopg.OperationalError as error:
        log.error("no database: %s", error)
        return 1
    return work(link, stop, name)


def leave(code: int) -> NoReturn:
    """End now: an interpreter that shuts down waits for threads of pools, which may be in a long round of a loop."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
