"""An object at work in another process: it answers, raises, is missed when killed, and never outlives its parent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from citybrain.hub.cases.importing.apart import Lost, apart

PARENT = """
import sys, time
from citybrain.hub.cases.importing.apart import apart
from citybrain.hub.cases.tests.test_apart import Counter
with apart(Counter()) as beside:
    print(beside.ask("process"), flush=True)
    time.sleep(60)
"""


class Counter:
    """Counts where it works."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, number: int) -> int:
        self.count += number
        return self.count

    def divide(self, number: int) -> float:
        return self.count / number

    def process(self) -> int:
        return os.getpid()


def test_it_works_elsewhere_and_keeps_what_it_knows() -> None:
    counter = Counter()
    with apart(counter) as beside:
        assert beside.ask("process") != os.getpid()
        assert [beside.ask("add", 2), beside.ask("add", 3)] == [2, 5]
        with pytest.raises(ZeroDivisionError, match="division by zero"):
            beside.ask("divide", 0)
        assert beside.ask("add", 1) == 6
    assert counter.count == 0


def test_one_that_was_killed_is_missed_by_name() -> None:
    with apart(Counter()) as beside:
        os.kill(beside.ask("process"), signal.SIGKILL)
        with pytest.raises(Lost, match="run the import again"):
            beside.ask("add", 1)


def test_it_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert not ended(child)
    parent.kill()
    parent.wait()
    for _ in range(200):
        if ended(child):
            break
        time.sleep(0.05)
    assert ended(child)


def ended(process: int) -> bool:
    """Return whether a process works no more; one that nobody has asked after yet (a zombie) has ended, too."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True
