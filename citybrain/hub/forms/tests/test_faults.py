"""Killed while a sheet is filled and saved: what was told to be saved is there once, and nothing is half there."""

import os
import random
import subprocess
import sys
import time

import orjson
import pytest
from django.db import connection

from citybrain.base.ledger.models import Entry
from citybrain.hub.forms.collecting import filling
from citybrain.hub.forms.models import Edit, Row
from citybrain.hub.forms.tests.rounds import Gathering

pytestmark = pytest.mark.faults
BATCHES, LIVES, CELLS = 60, 8, 4


def environment() -> dict[str, str]:
    """Return an environment in which another process works on this very test database."""
    parts = connection.settings_dict
    url = f"postgresql://{parts['USER']}:{parts['PASSWORD']}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "citybrain.site.settings"}


def live(sheet: int, seed: int, *, patience: float | None, by_backend: bool = False) -> list[str]:
    """Run the typist and kill it, or its database session, after a while (never, without one); return what it said."""
    command = [sys.executable, "-m", "citybrain.hub.forms.tests.typist", str(sheet), str(seed), str(BATCHES)]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    said = [process.stdout.readline()]  # it is at work
    if patience is not None:
        time.sleep(patience)
        if by_backend:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        else:
            process.kill()
    rest, _none = process.communicate(timeout=120)
    return [line for line in [*said, *rest.splitlines(keepends=True)] if line.endswith("\n")]


@pytest.mark.django_db(transaction=True)
def test_what_was_saved_is_there_once_whoever_is_killed(transactional_db: None, gathering: Gathering) -> None:
    rng = random.Random()  # another moment at each run, on purpose
    seed, sheet = rng.randrange(10**9), gathering.sheet()
    told: set[int] = set()
    cut_short = 0
    for turn in range(LIVES):
        said = live(sheet.pk, seed, patience=rng.uniform(0.0, 0.4), by_backend=turn % 3 == 2)
        told |= {int(line.split()[1]) for line in said if line.startswith("saved")}
        kept = Edit.objects.filter(sheet=sheet).count()
        cut_short += kept < BATCHES * CELLS
        assert kept % CELLS == 0, f"seed {seed}: a batch is half there"
        assert kept >= len(told) * CELLS, f"seed {seed}: what was told to be saved is gone"
    assert cut_short, "no life was cut short"
    said = live(sheet.pk, seed, patience=None)
    assert said[-1].startswith(f"saved {BATCHES - 1} "), f"seed {seed}: the last life said {said[-1]!r}"
    sheet = gathering.sheet()
    edits = Edit.objects.filter(sheet=sheet)
    assert edits.count() == edits.values("client").distinct().count() == BATCHES * CELLS
    assert not edits.filter(applied=False).exists()
    typed = Row.objects.filter(sheet=sheet, key__startswith="n")
    assert sorted(row.values["F"] for row in typed) == sorted(str(one) for one in range(BATCHES))
    assert sheet.rows_count == BATCHES + 4, "those who live here stand in it once"
    assert sheet.stamp == BATCHES * CELLS + 1, f"seed {seed}: filled once, each edit once"
    counts = (sheet.cells, sheet.cells_known, sheet.cells_missing)
    filling.recount(sheet, filling.lines_of(sheet), sheet.round.version.shape)
    assert counts == (sheet.cells, sheet.cells_known, sheet.cells_missing)
    written = Entry.objects.filter(subject=f"sheet:{sheet.pk}", action="forms.edit_sheet")
    assert sum(orjson.loads(one.body)["edits"] for one in written) == BATCHES * CELLS
