"""What a build packs, and where a city lives that was installed without a checkout."""

import os
import subprocess
import sys
from pathlib import Path

from citybrain.site import env
from citybrain.site.tests.conftest import ROOT, citybrain


def test_a_build_packs_everything_but_tests():
    command = [sys.executable, "-W", "ignore", "tools/package.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_no_build_would_pack_is_named_with_what_to_do():
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import package
    finally:
        sys.path.pop(0)
    found = package.differences({"a/x.py", "a/tests/t.py"}, {"a/x.py", "a/y.toml", "b/z.py"})
    assert found == [
        "a/y.toml would not be packed: name its kind in pyproject.toml",
        "b/z.py would not be packed: no __init__.py beside it",
        "a/tests/t.py would be packed, but is none of the package",
    ]


def test_without_a_checkout_the_home_is_the_users_own(monkeypatch, tmp_path):
    monkeypatch.delenv("CITYBRAIN_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert env.home() == ROOT / "var"
    monkeypatch.setattr(env, "__file__", str(tmp_path / "citybrain" / "site" / "env.py"))
    assert env.home() == Path("/home/somebody/.local/share/citybrain")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert env.home() == Path("/var/lib/citybrain")


def test_a_database_without_tables_is_told_in_one_line(home, other_database):
    done = citybrain(home, "items", "list", DATABASE_URL=other_database)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "Error: the database has no city yet, or one of an older version"
    )
    assert "Traceback" not in done.stderr
