"""`citybrain lake`: versions, compact, check."""

import json
from pathlib import Path

from click.testing import CliRunner

from citybrain.base.lake.merge import merge
from citybrain.base.lake.tests.conftest import home_rows
from citybrain.site.cli.lake import lake


def run(*words):
    done = CliRunner().invoke(lake, words)
    return done.exit_code, done.output


def test_versions_are_listed_of_all_tables_and_of_one(homes, put):
    merge(homes, put(home_rows(0, 1000)), "full", "run-1")
    merge(homes, put(home_rows(990, 1010, rooms="9")), "upsert", "run-2")
    homes.pin(1, "report")
    code, text = run("versions")
    assert (code, text.count("\n")) == (0, 1)
    assert "upsert  1,010 rows  +10 ~10 -0" in text
    first = json.loads(run("versions", "homes", "--json")[1].splitlines()[0])
    assert (first["version"], first["rows"], first["kept"], first["pins"]) == (1, 1000, True, ["report"])
    assert run("versions", "gardens") == (
        1,
        "Error: there is no table gardens; `citybrain lake versions` lists all\n",
    )


def test_compact_and_check_say_what_they_found(homes, put):
    for number in range(3):
        merge(homes, put(home_rows(number * 10, number * 10 + 10)), "append", f"run-{number}")
    assert run("compact", "homes") == (0, "homes: 0 files put together, 3 now, 0 old ones removed\n")
    assert run("compact", "--all") == (0, "homes: 3 files put together, 1 now, 0 old ones removed\n")
    assert run("check")[0] == 0
    Path(homes.files()[0]).unlink()
    code, text = run("check", "homes")
    assert (code, "is missing" in text) == (1, True)
