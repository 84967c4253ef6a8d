"""The city's processes beside a browser's live server: push for all tests of a run, a worker for each test.

A worker loads for seconds what all workers load alike. So one process loads it once (`python -m tests.nest`) and
hands out forks of itself: a line on its input starts a worker and is answered with its number, its end with another.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def beside(environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    """Start one of the city's processes."""
    return subprocess.Popen([sys.executable, *arguments], env=environment)


class Nest:
    """The process that workers are forked from."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.nest"], env=environment, cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.worker = 0

    def start(self) -> None:
        """Start a worker."""
        self.worker = int(self._told("start\n"))

    def stop(self) -> None:
        """End the worker, and return when it has gone."""
        with suppress(ProcessLookupError):
            os.kill(self.worker, signal.SIGTERM)
        self._told("wait\n")

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()

    def _told(self, order: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(order)
        self.process.stdin.flush()
        return self.process.stdout.readline()


def hatch() -> None:
    """Load what a worker needs, then fork one at each order, and say how it ended when asked."""
    import django

    from citybrain.site import tether, worker

    tether.watch_parent(os.getppid())
    django.setup()
    worker.load_all(threading.Event())
    child = 0
    for order in sys.stdin:
        if order == "start\n":
            child = os.fork()
            if not child:
                os.dup2(os.open(os.devnull, os.O_RDWR), 0)
                os.dup2(2, 1)
                worker.leave(worker.main())
            print(child, flush=True)  # noqa: T201  (the answer)
        else:
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201


if __name__ == "__main__":
    hatch()
