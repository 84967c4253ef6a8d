"""Every test run: a database of its own where none is given, quick settings, no way out of this machine.

The controlling process starts the server before the workers of `-n` exist and hands its address down by the
environment; the server is tied to it and ends with it, whatever happens. `DATABASE_URL` names another server,
`CITYBRAIN_TEST_DB` another database.
"""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from citybrain.site import messages
from citybrain.site.postgres import Server

pytest_plugins = ["tests.once", "citybrain.sample.pytest_city", "citybrain.base.lake.pytest_lake"]


class Ours:
    """What this process started and must end."""

    server: Server | None = None
    folder: Path | None = None


def is_controller(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput")


def runs_no_test(config: pytest.Config) -> bool:
    options = config.option
    return bool(options.collectonly or options.help or options.version or options.markers)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if runs_no_test(config):
        return
    Ours.folder = Path(tempfile.mkdtemp(prefix="citybrain-test-"))
    Ours.folder.chmod(0o755)  # the database's own user must pass, where we are root
    if is_controller(config):
        messages.compile_all()
        if not os.environ.get("DATABASE_URL"):
            Ours.server = Server(Ours.folder / "postgres", durable=False)
            os.environ["DATABASE_URL"] = Ours.server.start()
    apply_settings(Ours.folder)
    refuse_the_outside()


def pytest_unconfigure(config: pytest.Config) -> None:
    if Ours.server is not None:
        Ours.server.stop()
        del os.environ["DATABASE_URL"]
    if Ours.folder is not None:
        shutil.rmtree(Ours.folder, ignore_errors=True)


def apply_settings(folder: Path) -> None:
    """Change what tests need otherwise. The settings were loaded before us, so they are changed in place."""
    from django.conf import settings

    from citybrain.site.settings import database_settings

    found = database_settings(os.environ["DATABASE_URL"])
    settings.DATABASES["default"]["TEST"].update(found.pop("TEST"))
    settings.DATABASES["default"].update(found)
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    settings.HOME = folder
    settings.MEDIA_ROOT = folder / "photos"
    settings.LAKE_HOME = folder / "lake"
    settings.LAKE_POOL = False
    settings.STATIC_ROOT = folder / "static"
    settings.STATIC_ROOT.mkdir()
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


def refuse_the_outside() -> None:
    """Let sockets of Python reach this machine only (the database's own library isn't concerned)."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            host = str(address[0])
            if not (host.startswith("127.") or host in {"localhost", "::1"}):
                raise AssertionError(f"a test tried to reach {host}: tests stay on this machine")
        return connect(self, address)

    socket.socket.connect = guarded


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """Begin and end a test in the city's language, whatever a request or a command before it spoke."""
    from django.utils import translation

    translation.deactivate()
    yield
    translation.deactivate()


@pytest.fixture(autouse=True, scope="session")
def _server_side_binding() -> None:
    """The whole suite runs as a city runs: parameters are bound by the server."""
    from django.conf import settings

    assert settings.DATABASES["default"]["OPTIONS"]["server_side_binding"] is True
