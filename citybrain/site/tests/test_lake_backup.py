"""The lake in a backup: restored in another folder and database it has the same rows in each version, and goes on."""

import json
import subprocess
import sys

import psycopg
import pytest

from citybrain.site import schema
from citybrain.site.tests.conftest import citybrain, environment, open_folder

FILL = """
import duckdb, sys, django; django.setup()
from pathlib import Path
from citybrain.site.up import migrate; migrate()
from citybrain.base.catalogue.shape import Field, Shape
from citybrain.base.catalogue.types import Type
from citybrain.base.lake import names, serving, upkeep
from citybrain.base.lake.merge import merge
from citybrain.base.lake.tables import Table
shape = Shape((Field("id", "id", Type.parse("varchar"), key=True), Field("rooms", "rooms", Type.parse("integer"))))
table = Table("homes"); table.create(shape)
names.home().joinpath("landed").mkdir(); names.home().joinpath("landed/came.csv").write_text("id,rooms")
def put(query, mode, ingest):
    duckdb.execute(f"COPY ({query}) TO '{sys.argv[1]}' (FORMAT parquet)")
    merge(table, Path(sys.argv[1]), mode, ingest)
put("SELECT 'h' || i AS id, i AS rooms FROM range(100) r(i)", "full", "one")
put("SELECT 'h' || i AS id, 7 AS rooms FROM range(90, 110) r(i)", "upsert", "two")
upkeep.compact("homes", everything=True)
put("SELECT 'h' || i AS id, 7 AS rooms FROM range(50) r(i)", "full", "three")
table.pin(1, "first")
serving.publish("homes", shape)
if "older" in sys.argv:
    from django.core.management import call_command
    call_command("migrate", "hotline", "0001_initial", verbosity=0)
"""
TELL = """
import json, duckdb, sys, django; django.setup()
from django.utils import timezone
from pathlib import Path
from citybrain.base.lake import engine, names, serving, upkeep
from citybrain.base.lake.merge import merge
from citybrain.base.lake.tables import Table
table = Table("homes")
def told(version):
    query = "SELECT count(*), sum(rooms)::BIGINT FROM " + engine.relation_sql("homes", version)
    with engine.session() as link:
        return link.execute(query).fetchone()
before = [told(version) for version in (1, 2, 3)]
served = serving.current("homes")
serving.tick(timezone.now())
rows = Path(sys.argv[1])
duckdb.execute(f"COPY (SELECT 'new' AS id) TO '{rows}' (FORMAT parquet)")
merge(table, rows, "upsert", "four")
print(json.dumps({"versions": before, "pins": table.pins(), "served": served, "now": serving.current("homes")[1],
    "again": merge(table, rows, "full", "two").version, "after": told(4), "check": upkeep.check("homes"),
    "landed": (names.home() / "landed/came.csv").read_text(),
    "inside": all(path.startswith(str(names.home())) for path in table.files())}))
"""


def run(home, script, *arguments, **changes):
    command = [sys.executable, "-c", script, *map(str, arguments)]
    changes["DJANGO_SETTINGS_MODULE"] = "citybrain.site.settings"
    done = subprocess.run(
        command, env=environment(home, **changes), capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.django_db
@pytest.mark.parametrize(("elsewhere", "made_by"), [(False, "us"), (True, "older")])
def test_a_restored_lake_has_the_same_rows_in_every_version(other_database, elsewhere, made_by):
    url = {"DATABASE_URL": other_database}
    with psycopg.connect(other_database, autocommit=True) as link:
        link.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        link.execute("DROP SCHEMA IF EXISTS iceberg CASCADE; DROP SCHEMA IF EXISTS serving CASCADE")
    with open_folder() as first, open_folder() as second:
        run(first, FILL, first / "rows.parquet", made_by, **url)
        made = citybrain(first, "backup", second / "city.zip", **url)
        assert made.returncode == 0, made.stderr
        home = second / "新 家" if elsewhere else first
        restored = citybrain(home, "restore", second / "city.zip", "--replace", **url)
        assert restored.returncode == 0, restored.stderr
        checked = citybrain(home, "lake", "check", **url)
        assert checked.returncode == 0, checked.stdout
        found = json.loads(run(home, TELL, second / "rows.parquet", **url))
        with psycopg.connect(other_database) as link:
            laid = link.execute("SELECT app, name FROM django_migrations").fetchall()
    assert found["versions"] == [[100, 4950], [110, 4145], [50, 350]]
    assert found["pins"] == {"first": 1}
    assert (found["served"], found["now"], found["again"]) == (None, 3, 2)
    assert found["after"] == [51, 350]
    assert set(laid) == schema.recorded()
    assert (found["check"], found["landed"], found["inside"]) == ([], "id,rooms", True)
