"""Databases of other bodies for tests: a schema beside ours in PostgreSQL, a MariaDB of our own, a file of SQLite."""

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pymysql
from django.db import connection


@dataclass
class Theirs:
    """A database that isn't ours: `run` writes in it, `told` are a source's settings for it."""

    system: str
    told: dict[str, Any]
    secret: str
    link: Any
    quote: str = '"'
    written: list[str] = field(default_factory=list)

    def run(self, *statements: str) -> None:
        """Execute and commit."""
        cursor = self.link.cursor()
        for one in statements:
            cursor.execute(one)
        self.link.commit()

    def one(self, statement: str) -> Any:
        """Return the first value of an answer."""
        cursor = self.link.cursor()
        cursor.execute(statement)
        row = cursor.fetchone()
        self.link.commit()
        return row[0] if row else None


@contextlib.contextmanager
def postgresql() -> Iterator[Theirs]:
    """A schema of the test database, committed to on a connection of its own."""
    ours = connection.settings_dict
    schema = f"theirs_{uuid.uuid4().hex[:8]}"
    info = {
        "host": ours["HOST"],
        "port": int(ours["PORT"]),
        "user": ours["USER"],
        "password": ours["PASSWORD"],
        "dbname": ours["NAME"],
    }
    with psycopg.connect(**info) as link:
        link.execute(f"CREATE SCHEMA {schema}")
        link.execute(f"SET search_path = {schema}")
        link.commit()
        told = {"system": "postgresql", "database": info["dbname"], "schema": schema}
        try:
            yield Theirs(
                "postgresql",
                {**told, **{name: info[name] for name in ("host", "port", "user")}},
                info["password"],
                link,
            )
        finally:
            link.rollback()
            link.execute(f"DROP SCHEMA {schema} CASCADE")
            link.commit()


@contextlib.contextmanager
def sqlite(folder: Path) -> Iterator[Theirs]:
    """A file."""
    path = folder / "their data%20?.db"
    with contextlib.closing(sqlite3.connect(path)) as link:
        yield Theirs("sqlite", {"system": "sqlite", "database": str(path)}, "", link)


def mariadb_missing() -> str:
    """Return what lacks to run a MariaDB, empty where nothing does."""
    lacking = [name for name in ("mariadbd", "mariadb-install-db") if not _program(name)]
    return f"{lacking[0]} isn't installed (Debian: mariadb-server)" if lacking else ""


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def mariadb_server(folder: Path) -> Iterator[dict[str, Any]]:
    """Run a server on loopback for as long as needed; it ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    data, log = folder / "data", folder / "log"
    user = f"--user={'root' if os.geteuid() == 0 else ''}" if os.geteuid() == 0 else "--skip-name-resolve"
    install = [
        str(_program("mariadb-install-db")),
        "--no-defaults",
        f"--datadir={data}",
        "--auth-root-authentication-method=normal",
    ]
    subprocess.run([*install, user, "--skip-test-db"], check=True, capture_output=True, timeout=120)
    serve = [
        str(_program("mariadbd")), "--no-defaults", f"--datadir={data}", user, "--bind-address=127.0.0.1",
        f"--port={port}", f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}",
        "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--sql-mode=",
    ]  # fmt: skip
    with log.open("wb") as out, subprocess.Popen(serve, stdout=out, stderr=out) as process:
        try:
            told = {"host": "127.0.0.1", "port": port, "user": "root"}
            _wait(told, process, log)
            yield told
        finally:
            process.terminate()
            process.wait(30)


def _wait(told: dict[str, Any], process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(pymysql.err.OperationalError), pymysql.connect(**told):
            return
        time.sleep(0.1)
    raise RuntimeError(f"MariaDB didn't start: {log.read_text()[-600:]}")


@contextlib.contextmanager
def mariadb(server: dict[str, Any]) -> Iterator[Theirs]:
    """A database of the server, with an account that has a password."""
    name = f"theirs_{uuid.uuid4().hex[:8]}"
    with pymysql.connect(**server, autocommit=False, charset="utf8mb4") as link:
        cursor = link.cursor()
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        cursor.execute(f"GRANT ALL ON {name}.* TO '{name}'@'127.0.0.1' IDENTIFIED BY 'p@ss:/%密'")
        cursor.execute(f"GRANT ALL ON {name}.* TO '{name}'@'localhost' IDENTIFIED BY 'p@ss:/%密'")
        cursor.execute(f"USE {name}")
        link.commit()
        told = {**server, "user": name, "system": "mariadb", "database": name}
        yield Theirs("mariadb", told, "p@ss:/%密", link, quote="`")
        link.rollback()
        cursor.execute(f"DROP DATABASE {name}")
