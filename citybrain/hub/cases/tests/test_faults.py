"""Killed between any two statements: what was accepted is there once, and nothing is half there."""

import os
import random
import subprocess
import sys
import time

import pytest
from django.db import connection

from citybrain.base.ledger.models import Entry
from citybrain.hub.cases.models import Case, CaseClock, CaseEvent
from citybrain.hub.cases.tests.conftest import Village

pytestmark = pytest.mark.faults
CASES, LIVES = 60, 12


def environment() -> dict[str, str]:
    """Return an environment in which another process works on this very test database."""
    parts = connection.settings_dict
    user, password = parts["USER"], parts["PASSWORD"]
    url = f"postgresql://{user}:{password}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "citybrain.site.settings"}


def live(seed: int, patience: float, *, by_backend: bool) -> list[str]:
    """Run the writer from the start and kill it, or its database session, after a while; return what it said."""
    command = [sys.executable, "-m", "citybrain.hub.cases.tests.writer", str(seed), "0", str(CASES)]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    said = [process.stdout.readline()]  # it is at work
    time.sleep(patience)
    if by_backend:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    else:
        process.kill()
    rest, _none = process.communicate(timeout=60)
    return [line for line in [*said, *rest.splitlines(keepends=True)] if line.endswith("\n")]


@pytest.mark.django_db(transaction=True)
def test_what_was_accepted_is_there_once_whoever_is_killed(village: Village, transactional_db: None) -> None:
    rng = random.Random()  # another moment at each run, on purpose
    seed = rng.randrange(10**9)
    numbers: dict[str, str] = {}
    versions: dict[str, int] = {}
    for turn in range(LIVES):
        for line in live(seed, rng.uniform(0.0, 0.5), by_backend=turn % 3 == 2):
            what, number, told = line.split()
            if what == "reported":
                assert numbers.setdefault(number, told) == told, f"seed {seed}: {number} got a second case"
            else:
                versions[number] = max(versions.get(number, 0), int(told))
    assert numbers, "no life got as far as one report"
    found = {case.number: case for case in Case.objects.all()}
    for number, told in numbers.items():
        assert told in found, f"seed {seed}: report {number} was accepted as {told} and is gone"
        assert found[told].version >= versions.get(number, 1)
    assert len(found) == Case.objects.values("submission_key").distinct().count()
    for case in found.values():
        events = list(CaseEvent.objects.filter(case=case).order_by("seq").values_list("seq", flat=True))
        assert events == list(range(1, case.version + 1)), f"seed {seed}: {case.number}"
        clocks = CaseClock.objects.filter(case=case)
        assert clocks.filter(stopped_at=None).count() == 1
        assert clocks.count() == {10: 1, 30: 2, 40: 3, 41: 3}[case.state]
        assert Entry.objects.filter(subject=f"case:{case.pk}").count() == case.version
