"""Our own supervisor of the embedded PostgreSQL: one server in one folder, for as long as somebody uses it.

It listens on loopback only and asks for a password (SCRAM); as root it runs under a user of its own. It is tied
to the process that started it, so that a killed owner takes it along. Liveness is a real connection: a pid in a
file proves nothing. Who may start it and who waits is `database.py`'s matter.
"""

import contextlib
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from citybrain.site import tether
from citybrain.site.program import DatabaseError, Program, find_program

ROLE = "citybrain"  # owns the city's database; no superuser
ADMIN = "postgres"
DATABASE = "citybrain"
PORTS = range(20_000, 32_000)  # below the ports that outgoing connections are given
STOP_SECONDS = 120  # after this a server that won't stop is stopped hard; the next start recovers
Say = Callable[[str], None]

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "random_page_cost": "1.1",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "log_min_duration_statement": "2s",
    "logging_collector": "on",  # a week of logs, then the oldest is written over
    "log_filename": "postgres-%a.log",
    "log_rotation_age": "1d",
    "log_truncate_on_rotation": "on",
}
FAST_BUT_FORGETFUL = {  # for tests only
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "logging_collector": "off",
    "shared_buffers": "128MB",
}


def silent(_: str) -> None:
    """Say nothing."""


def free_port(preferred: int | None = None) -> int:
    """Return `preferred` if nothing listens there on loopback, else a random free port."""
    tries = ([preferred] if preferred else []) + random.sample(PORTS, 200)
    for port in tries:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise DatabaseError("no free port between 20000 and 31999 on 127.0.0.1")


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(text + "\n")
    fresh.rename(path)


def kept_secret(path: Path) -> str:
    """Return the random password kept in `path`, made on first need."""
    if not path.is_file():
        write_secret(path, secrets.token_urlsafe(24))
    return path.read_text().strip()


def address(user: str, password: str, port: int, database: str) -> str:
    """Return a connection address on loopback."""
    return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}"


def server_processes(data: Path) -> list[psutil.Process]:
    """Return the living server processes that work in `data`; the dead not yet reaped don't count."""
    found = []
    for process in psutil.process_iter(["name", "status"]):
        if process.info["name"] != "postgres" or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(data):
                found.append(process)
    return found


class Server:
    """The embedded server of one folder. Its owner starts and stops it; there must be one owner at a time."""

    def __init__(self, folder: Path, *, durable: bool = True, say: Say = silent) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.durable = durable
        self.say = say
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Return the address for the city's own role."""
        return address(ROLE, kept_secret(self.folder / "password"), self.port, DATABASE)

    @property
    def admin_url(self) -> str:
        """Return the address for the superuser, which only this module uses."""
        return address(ADMIN, kept_secret(self.folder / "admin_password"), self.port, "postgres")

    def start(self) -> str:
        """Start the server, recovering from a crash if there was one; return the address.

        Waits as long as recovery takes, saying so. Raises DatabaseError with the server's own last words.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        program = find_program(self.folder)
        self._make_data(program)
        self._clear_leftovers()
        kept = self.folder / "port"
        self.port = free_port(int(kept.read_text()) if kept.is_file() else None)
        kept.write_text(f"{self.port}\n")
        self.process = self._spawn(program)
        try:
            self._wait_until_ready(self.process)
            self._ensure_database()
        except BaseException:
            self.stop()
            raise
        write_secret(self.folder / "url", self.url)
        return self.url

    def alive(self) -> bool:
        """Tell whether the server's process runs (a zombie doesn't)."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Stop the server: open transactions are rolled back, everything committed is kept."""
        if self.process is None:
            return
        for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 20), (signal.SIGKILL, 20)):
            if self.process.poll() is not None:
                break
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        self.process = None

    def _make_data(self, program: Program) -> None:
        """Make the data folder on first need, under another name until it is whole."""
        version = self.data / "PG_VERSION"
        if version.is_file():
            has, needs = version.read_text().strip(), program.run("postgres", "--version").stdout.split()[2]
            if has != needs.split(".")[0]:
                raise DatabaseError(
                    f"{self.data} was written by PostgreSQL {has}, and this is {needs}: make a backup with the "
                    "older citybrain (`citybrain backup FILE`), move the folder away, and restore it here"
                )
            return
        self.say("making the database")
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        secret = self.folder / "initdb_password"
        write_secret(secret, kept_secret(self.folder / "admin_password"))
        if program.user:
            shutil.chown(fresh, program.user, program.user)
            shutil.chown(secret, program.user, program.user)
        done = program.run(
            "initdb",
            f"--pgdata={fresh}",
            f"--username={ADMIN}",
            f"--pwfile={secret}",
            "--auth-local=reject",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            *([] if self.durable else ["--no-sync"]),
        )
        secret.unlink()
        if done.returncode:
            raise DatabaseError(f"initdb: {done.stderr.strip() or done.stdout.strip()}")
        fresh.rename(self.data)

    def _clear_leftovers(self) -> None:
        """End what an owner that died left running in our folder, and forget its pid."""
        waited, left = 0.0, server_processes(self.data)
        if left:
            self.say("ending the database server that an earlier run left behind")
        while left:
            number = signal.SIGINT if waited < STOP_SECONDS else signal.SIGQUIT
            if waited in {0.0, STOP_SECONDS}:
                for process in left:
                    with contextlib.suppress(psutil.Error):
                        process.send_signal(number)
            time.sleep(0.25)
            waited += 0.25
            left = server_processes(self.data)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        """Start the server's process, tied to ours."""
        settings = SETTINGS | {"shared_buffers": f"{self._buffers_mb()}MB", "port": str(self.port)}
        log = self.folder / "log"
        log.mkdir(exist_ok=True)
        if program.user:
            shutil.chown(log, program.user, program.user)
        settings["log_directory"] = str(log)
        if not self.durable:
            settings |= FAST_BUT_FORGETFUL
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(program.folder / "postgres"), "-D", str(self.data), *options]
        tie = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), str(int(signal.SIGINT))]
        with self._start_log.open("wb") as stream:
            return subprocess.Popen(  # noqa: S603  (our own program, no shell)
                [*tie, program.user, *command],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,  # Ctrl-C is for us: we stop it when nobody needs it any more
            )

    @staticmethod
    def _buffers_mb() -> int:
        """Return an eighth of the memory, within 128 MB … 2 GB."""
        return max(128, min(2048, psutil.virtual_memory().total // 8 // 2**20))

    @property
    def _start_log(self) -> Path:
        return self.folder / "log" / "start.log"

    def _last_words(self) -> str:
        """Return the last lines of the newest log."""
        logs = sorted((self.folder / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
        return "\n".join(logs[-1].read_text(errors="replace").splitlines()[-8:]) if logs else "(no log)"

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Return when a connection succeeds; recovery after a crash may take its time."""
        started = told = time.monotonic()
        while True:
            if process.poll() is not None:
                raise DatabaseError(
                    f"the database server ended at once; its last words in {self.folder / 'log'}:\n"
                    f"{self._last_words()}"
                )
            try:
                psycopg.connect(self.admin_url, connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if "password authentication failed" in str(error):
                    raise DatabaseError(
                        f"the password in {self.folder / 'admin_password'} is not the database's: put the right "
                        "file back (a backup of the folder has it)"
                    ) from error
            else:
                return
            now = time.monotonic()
            if now - told > 10:
                self.say(f"the database is recovering after a crash ({now - started:.0f} s so far)")
                told = now
            time.sleep(0.05)

    def _ensure_database(self) -> None:
        """Make the city's role and database on first need, and give the role the password that is kept."""
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(self.url, connect_timeout=5).close()
            return
        password = sql.Literal(kept_secret(self.folder / "password"))
        role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
        with psycopg.connect(self.admin_url, autocommit=True) as link:
            if link.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
                link.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
            link.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, password))
            if link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                link.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
