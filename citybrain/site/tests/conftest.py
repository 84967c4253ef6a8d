"""Folders that the database's own user can reach, and the command line as a process of its own."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[3]


@contextlib.contextmanager
def open_folder():
    """A folder that others may pass: pytest's own are closed, and as root the server has another user."""
    folder = Path(tempfile.mkdtemp(prefix="citybrain-home-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home():
    with open_folder() as folder:
        yield folder


def environment(home, **changes):
    """The environment of a city in `home`, without the test run's own settings."""
    kept = {
        name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "CITYBRAIN_TEST_DB"}
    }
    kept = {name: value for name, value in kept.items() if not name.startswith("PYTEST_")}
    return kept | {"CITYBRAIN_HOME": str(home), "PYTHONPATH": str(ROOT), **changes}


def citybrain(home, *arguments, **changes):
    """Run one command to its end."""
    command = [sys.executable, "-c", "from citybrain.site.cli import main; main()", *map(str, arguments)]
    return subprocess.run(
        command, env=environment(home, **changes), capture_output=True, text=True, timeout=240
    )


@pytest.fixture(scope="module")
def other_database():
    """An empty database of this worker's own, on the server of the test run; its address."""
    from citybrain.site.database import connection_info

    info = connection_info()
    name = f"{os.environ.get('CITYBRAIN_TEST_DB', 'test')}_{os.getpid()}_other"
    with psycopg.connect(**info | {"dbname": "postgres"}, autocommit=True) as link:
        link.execute(f'CREATE DATABASE "{name}"')
        yield f"postgresql://{info['user']}:{info['password']}@{info['host']}:{info['port']}/{name}"
        link.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
