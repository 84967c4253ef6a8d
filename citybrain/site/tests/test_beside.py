"""The second process of a first start: it makes what we would make, and what fails there is told here."""

import os
import subprocess
import sys
from pathlib import Path

import shapely

from citybrain.sample.city import City, make_city
from citybrain.sample.plan import TINY

MAKE = """
from citybrain.sample.plan import TINY
from citybrain.site.beside import Beside
beside = Beside(TINY)
city, files = beside.city(), beside.files()
beside.end()
print(city.home.code, len(city.areas), shapely.to_wkb(city.shapes[-1], hex=True))
print(sum(one.second for one in files), all(one.path.is_file() for one in files))
"""
FAIL = """
from citybrain.sample.plan import TINY
from citybrain.site.beside import Beside
beside = Beside(TINY)
try:
    beside.files()
except NotADirectoryError as error:
    print("told", error.filename)
beside.end()
"""


def run(script: str, home: Path) -> list[str]:
    """Run a script in a process of its own, which may be forked: return its lines."""
    done = subprocess.run(
        [sys.executable, "-c", f"import shapely\n{script}"], capture_output=True, text=True, timeout=120,
        env={**os.environ, "CITYBRAIN_HOME": str(home), "DJANGO_SETTINGS_MODULE": "citybrain.site.settings"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def told(city: City) -> str:
    return f"{city.home.code} {len(city.areas)} {shapely.to_wkb(city.shapes[-1], hex=True)}"


def test_a_city_made_in_another_process_is_the_same_and_its_files_lie_in_the_home(tmp_path: Path) -> None:
    city, files = run(MAKE, tmp_path)
    assert city == told(make_city(TINY))
    assert files == "3 True"
    assert (tmp_path / "sample" / "handed_over" / "truth.jsonl").is_file()


def test_what_fails_there_is_raised_where_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "sample").write_text("a file where a folder has to be")
    assert run(FAIL, tmp_path) == [f"told {tmp_path / 'sample' / 'handed_over'}"]
