"""Killed between any two statements: what was accepted is there once, and nothing is half there."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

from citybrain.base.identity.actor import SYSTEM
from citybrain.base.ledger.models import Entry
from citybrain.hub.cases.importing import importer, mapping
from citybrain.hub.cases.models import Case, CaseClock, CaseEvent
from citybrain.hub.cases.tests.conftest import Village

pytestmark = pytest.mark.faults
CASES, LIVES = 60, 12
ROWS, IMPORTS = 4000, 8
MAP = """
[key]
columns = ["id"]
[times]
reported = "opened"
due = "due"
closed = "closed"
[text]
description = ["text"]
[place]
outside = "area"
"""


def environment() -> dict[str, str]:
    """Return an environment in which another process works on this very test database."""
    parts = connection.settings_dict
    user, password = parts["USER"], parts["PASSWORD"]
    url = f"postgresql://{user}:{password}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "citybrain.site.settings"}


def live(program: str, *arguments: str, patience: float, by_backend: bool) -> list[str]:
    """Run a program from its start and kill it, or its database session, after a while; return what it said."""
    command = [sys.executable, "-m", f"citybrain.hub.cases.tests.{program}", *arguments]
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
        patience = rng.uniform(0.0, 0.5)
        for line in live("writer", str(seed), "0", str(CASES), patience=patience, by_backend=turn % 3 == 2):
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


def past_file(path: Path) -> int:
    """Write rows of the past, every fiftieth of them impossible and every fortieth told twice; return the good."""
    lines, good = ["id,opened,due,closed,text"], 0
    for number in range(ROWS):
        closed = "2024-01-01" if number % 50 == 0 else "2025-01-03"
        good += number % 50 != 0
        line = f"{number},2025-01-02T08:00:00,2025-01-03T08:00:00,{closed}T08:00:00,路灯不亮{number}"
        lines += [line] * (2 if number % 40 == 0 else 1)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return good


@pytest.mark.django_db(transaction=True)
def test_an_import_killed_anywhere_brings_each_row_in_once(
    village: Village, transactional_db: None, tmp_path: Path
) -> None:
    rng = random.Random()  # another moment at each run, on purpose
    file, map_file = tmp_path / "past.csv", tmp_path / "map.toml"
    good = past_file(file)
    map_file.write_text(MAP, encoding="utf-8")
    cut_short = 0
    for turn in range(IMPORTS):
        patience = rng.uniform(0.0, 0.6)
        said = live("bringer", str(file), str(map_file), "50", patience=patience, by_backend=turn % 2 == 1)
        assert said, "no import got as far as its first row"
        stored = Case.objects.count()
        assert stored == sum(body["cases"] for body in bodies())
        cut_short += stored < good
    assert cut_short, "every import was through before it was killed"
    told = importer.import_file(SYSTEM, file, mapping.read(map_file))
    assert told.cases + told.already == good + sum(1 for n in range(0, ROWS, 40) if n % 50)
    assert importer.import_file(SYSTEM, file, mapping.read(map_file)).cases == 0
    assert Case.objects.count() == good == Case.objects.values("external_ref").distinct().count()
    assert (
        CaseEvent.objects.count() == 2 * good == CaseEvent.objects.values("case_id", "seq").distinct().count()
    )
    assert CaseClock.objects.count() == good == CaseClock.objects.values("case_id").distinct().count()
    assert sum(body["cases"] for body in bodies()) == good


def bodies() -> list[dict[str, int]]:
    """Return what the ledger says of the batches that were brought in."""
    return [
        json.loads(text)
        for text in Entry.objects.filter(action="cases.import").values_list("body", flat=True)
    ]
