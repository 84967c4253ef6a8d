"""Processes killed between the steps of a commit, and writers side by side: every row is there once."""

import os
import signal
import subprocess
import sys

import pytest
from django.db import connection

from citybrain.base.lake import iceberg, upkeep
from citybrain.base.lake.merge import merge
from citybrain.base.lake.tables import Table
from citybrain.base.lake.tests.conftest import HOMES, home_rows, read

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]

BEGIN = """
import os, signal, sys, django
django.setup()
from pathlib import Path
from citybrain.base.lake import iceberg, merge as merging, parquet, tables
def die(*_args, **_kw): os.kill(os.getpid(), signal.SIGKILL)
def after(owner, name):
    real = getattr(owner, name)
    def wrapped(*args, **kw):
        found = real(*args, **kw)
        die()
        return found
    setattr(owner, name, wrapped)
write_metadata = iceberg.CityCatalog._write_metadata
after_write = staticmethod(lambda *args, **kw: (write_metadata(*args, **kw), die()))
"""
STEPS = {
    "nothing written": "parquet.write = die",
    "files written": "after(parquet, 'write')",
    "files on disk, nothing committed": "after(tables.Table, 'make_durable')",
    "metadata written, not named by the catalogue": "iceberg.CityCatalog._write_metadata = after_write",
    "named by the catalogue, not answered": "after(iceberg.CityCatalog, 'commit_table')",
    "committed, our own row not written": "tables.Table.record = die",
    "all done, the answer lost": "after(tables.Table, 'commit')",
}
MERGE = "merging.merge(tables.Table('homes'), Path(sys.argv[1]), sys.argv[2], sys.argv[3], threads=1, memory='300MB')"


def start(lake_home, script, *arguments):
    known = connection.settings_dict
    url = f"postgresql://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
    environment = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "citybrain.site.settings",
        "CITYBRAIN_LAKE_HOME": str(lake_home),
        "CITYBRAIN_LOG_LEVEL": "ERROR",
    }
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], env=environment)


@pytest.fixture
def homes(lake_home):
    table = Table("homes")
    table.create(HOMES)
    return table


@pytest.mark.parametrize("step", STEPS)
def test_a_merge_killed_anywhere_is_whole_after_the_retry(homes, lake_home, put, step):
    merge(homes, put(home_rows(0, 100)), "full", "before")
    rows = put(home_rows(50, 150, rooms="9"))
    killed = start(lake_home, f"{BEGIN}\n{STEPS[step]}\n{MERGE}", rows, "upsert", "the-run")
    assert killed.wait(120) == -signal.SIGKILL
    assert read("homes", "SELECT count(*), count(DISTINCT id) FROM {}")[0] in [(100, 100), (150, 150)]
    result = merge(homes, rows, "upsert", "the-run")
    assert (result.version, result.inserted, result.updated) == (2, 50, 50)
    assert read("homes", "SELECT count(*), count(DISTINCT id), sum(rooms)::BIGINT FROM {}") == [
        (150, 150, 1000)
    ]
    assert [one.number for one in homes.versions()] == [1, 2]
    assert [line for line in upkeep.check("homes") if "needed by nothing" not in line] == []


def test_an_append_without_a_key_killed_after_its_commit_is_there_once(lake_home, put):
    from citybrain.base.lake.tests.conftest import shape

    table = Table("homes")
    table.create(shape("what varchar", keys=()))
    rows = put("SELECT 'x' AS what FROM range(1000)")
    killed = start(
        lake_home, f"{BEGIN}\n{STEPS['named by the catalogue, not answered']}\n{MERGE}", rows, "append", "a"
    )
    assert killed.wait(120) == -signal.SIGKILL
    assert merge(table, rows, "append", "a").inserted == 1000
    assert read("homes", "SELECT count(*) FROM {}") == [(1000,)]


def test_two_writers_of_one_key_leave_one_row(homes, lake_home, put):
    writers = [
        start(
            lake_home, f"{BEGIN}\n{MERGE}", put(home_rows(0, 100, rooms=str(number))), "upsert", f"w-{number}"
        )
        for number in (1, 2)
    ]
    assert [writer.wait(180) for writer in writers] == [0, 0]
    count, different, total = read(
        "homes", "SELECT count(*), count(DISTINCT id), sum(rooms)::BIGINT FROM {}"
    )[0]
    assert (count, different) == (100, 100)
    assert total in {100, 200}
    assert [(one.number, one.added, one.changed) for one in homes.versions()] == [(1, 100, 0), (2, 0, 100)]


def test_four_writers_that_append_lose_nothing(homes, lake_home, put):
    many = "for n in range(5): merging.merge(tables.Table('homes'), Path(sys.argv[1 + n]), 'append', sys.argv[1 + n])"
    files = [put(home_rows(n * 100, n * 100 + 100)) for n in range(20)]
    writers = [start(lake_home, f"{BEGIN}\n{many}", *files[first : first + 5]) for first in range(0, 20, 5)]
    assert [writer.wait(300) for writer in writers] == [0, 0, 0, 0]
    assert read("homes", "SELECT count(*), count(DISTINCT id) FROM {}") == [(2000, 2000)]
    assert (homes.version(), len(homes.versions())) == (20, 20)
    iceberg.forget()
