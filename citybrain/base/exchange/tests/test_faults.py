"""Intake in real processes, killed at any moment and side by side: every row is there once, every figure is right."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from citybrain.base.catalogue.models import Measure
from citybrain.base.exchange import actions
from citybrain.base.exchange.models import Quarantined, Run, Source
from citybrain.base.exchange.tests.lending import agency, dataset
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.lake import engine
from citybrain.base.lake.tables import Table
from citybrain.base.ledger.models import Entry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
ROWS, WRONG, FILES, LIVES = 20_000, 40, 2, 4
LONGEST = 1.5  # seconds a process lives after it began to work; a file takes about one
SHAPE: dict[str, Any] = {
    "fields": [
        {"name": "meter_no", "zh": "表号", "type": "varchar(20)", "key": True},
        {"name": "usage", "zh": "用量", "type": "decimal(12,2)", "minimum": 0},
    ]
}


@pytest.fixture
def source(lake_home: Path) -> Source:
    return actions.add_source(SYSTEM, dataset("meters", SHAPE), agency("police"), name="水表")


def file_of(first: int, usage: str) -> list[bytes]:
    """Return a file of meters from a number on, some of them with a usage that can't be."""
    lines = [f"M{n},{'-1' if n % (ROWS // WRONG) == 7 else usage}\n" for n in range(first, first + ROWS)]
    return [("表号,用量\n" + "".join(lines)).encode()]


def start(lake_home: Path, hours: float) -> "subprocess.Popen[str]":
    known = connection.settings_dict
    url = f"postgresql://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
    environment = os.environ | {
        "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "citybrain.site.settings", "CITYBRAIN_LAKE_HOME": str(lake_home),
        "CITYBRAIN_LOG_LEVEL": "ERROR", "CITYBRAIN_LAKE_MEMORY": "500MB",
    }  # fmt: skip
    command = [sys.executable, "-m", "citybrain.base.exchange.tests.taker", str(hours)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    return process


def counted() -> tuple[int, int]:
    """Return how many rows the table has, and how many different keys."""
    with engine.session() as link:
        sql = f"SELECT count(*), count(DISTINCT meter_no) FROM {engine.relation_sql('meters')}"
        return link.execute(sql).fetchall()[0]  # type: ignore[return-value]


def test_a_worker_killed_at_any_moment_stores_each_row_once(source: Source, lake_home: Path) -> None:
    for n in range(FILES):
        actions.receive_file(SYSTEM, source, file_of(n * ROWS, f"{n}.50"), f"{n}.csv")
    rng = random.Random()  # another moment at each run, on purpose
    told = []
    for turn in range(LIVES):
        process = start(lake_home, 2.0 * (turn + 1))
        told.append(round(rng.uniform(0.0, LONGEST), 3))
        time.sleep(told[-1])
        process.kill()
        process.wait(30)
    last = start(lake_home, 2.0 * (LIVES + 1))
    assert last.wait(120) == 0, f"killed after {told}"
    assert set(Run.objects.values_list("state", flat=True)) == {"done"}, f"killed after {told}"
    good = ROWS - WRONG
    assert counted() == (FILES * good, FILES * good), f"killed after {told}"
    for run in Run.objects.all():
        kept = {name: run.figures[name] for name in ("rows", "rows_good", "rows_bad", "inserted", "updated")}
        assert kept == {"rows": ROWS, "rows_good": good, "rows_bad": WRONG, "inserted": good, "updated": 0}
        assert Quarantined.objects.filter(run=run).count() == WRONG
    assert Table("meters").version() == FILES
    assert Measure.objects.count() == FILES
    assert Entry.objects.filter(action="exchange.take_in").count() == FILES


def test_two_workers_that_bring_one_key_leave_one_row(source: Source, lake_home: Path) -> None:
    for n in range(2):
        actions.receive_file(SYSTEM, source, file_of(0, f"{n}.25"), f"{n}.csv")
    both = [start(lake_home, 0.0) for _ in range(2)]
    assert [one.wait(120) for one in both] == [0, 0]
    good = ROWS - WRONG
    assert counted() == (good, good)
    figures = sorted((run.figures["inserted"], run.figures["updated"]) for run in Run.objects.all())
    assert figures == [(0, good), (good, 0)]
    assert Table("meters").version() == 2
