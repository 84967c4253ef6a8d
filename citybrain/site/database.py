"""Which database the city runs on, and that it runs while somebody needs it.

With `DATABASE_URL` it is somebody else's server, which is only checked. Otherwise it is the embedded one in the
home folder: `citybrain up` owns it as long as the city runs; any other command that finds it stopped starts it
and stops it again when no command uses it any more. `owner.lock` is held by the one who started the server,
`users.lock` shared by everybody who uses it.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from citybrain.site import env, home
from citybrain.site.home import Lock
from citybrain.site.postgres import Say, Server, silent
from citybrain.site.program import DatabaseError

LEAST_VERSION = 150_000


def external_url() -> str:
    """Return the address of somebody else's server, or "" when ours is to be used."""
    return env.text("DATABASE_URL")


def without_password(url: str) -> str:
    """Return an address that can be shown."""
    head, at, tail = url.rpartition("@")
    return f"{head.rpartition(':')[0]}:…{at}{tail}" if at and head.count(":") > 1 else url


def check_external(url: str) -> None:
    """Return when the server answers, is new enough and keeps UTF-8. Raises DatabaseError otherwise."""
    shown = without_password(url)
    try:
        with psycopg.connect(url, connect_timeout=10) as link:
            version = link.info.server_version
            row = link.execute("SELECT getdatabaseencoding()").fetchone()
    except psycopg.ProgrammingError as error:
        raise DatabaseError(
            f"DATABASE_URL: {shown} is no address of a PostgreSQL; use postgresql://…"
        ) from error
    except psycopg.OperationalError as error:
        raise DatabaseError(f"DATABASE_URL: {shown} doesn't answer: {str(error).strip()}") from error
    if version < LEAST_VERSION:
        raise DatabaseError(f"DATABASE_URL: {shown} is PostgreSQL {version // 10_000}; 15 or newer is needed")
    if row is None or row[0] != "UTF8":
        raise DatabaseError(
            f"DATABASE_URL: {shown} keeps text as {row and row[0]}; create the database with ENCODING 'UTF8'"
        )


def connection_info() -> dict[str, Any]:
    """Return how the city's database is reached, for connections outside Django's pool."""
    from django.conf import settings

    found = settings.DATABASES["default"]
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    return {name: found[key] for key, name in names.items() if found[key]}


def answers(url: str) -> bool:
    """Tell whether a connection succeeds."""
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=5).close()
        return True
    return False


def _kept_url(folder: Path) -> str:
    """Return the address the running server's owner wrote, or "" before it did."""
    kept = folder / "url"
    return kept.read_text().strip() if kept.is_file() else ""


def own(folder: Path, say: Say = silent) -> tuple[Server, Lock]:
    """Start the embedded server for the city itself and return it with its lock, which the caller releases.

    Waits for a command that has started it for its own use.
    """
    lock = Lock(folder / "owner.lock")
    if not lock.take():
        holder = lock.holder()
        say(
            f"waiting for `{holder.get('command', 'another command')}` (pid {holder.get('pid', '?')}) to finish"
        )
        lock.take(wait=True)
    lock.note()
    server = Server(folder, say=say)
    try:
        server.start()
    except BaseException:
        lock.release()
        raise
    return server, lock


@contextlib.contextmanager
def running(say: Say = silent, home_folder: Path | None = None) -> Iterator[str]:
    """Keep the database running for a command; yield its address."""
    url = external_url()
    if url:
        check_external(url)
        yield url
        return
    folder = home.prepare(home_folder) / "postgres"
    users, owner = Lock(folder / "users.lock"), Lock(folder / "owner.lock")
    users.take(shared=True, wait=True)
    server = _start_or_join(folder, owner, say)
    try:
        yield server.url if server else _kept_url(folder)
    finally:
        if server is None:
            users.release()
        else:
            users.take(wait=True)  # until nobody else uses it
            server.stop()
            owner.release()
            users.release()


def _start_or_join(folder: Path, owner: Lock, say: Say) -> Server | None:
    """Return the server when we are the one who starts it, None once somebody else's answers."""
    while True:
        if owner.take():
            owner.note()
            server = Server(folder, say=say)
            try:
                server.start()
            except BaseException:
                owner.release()
                raise
            return server
        url = _kept_url(folder)
        if url and answers(url):
            return None
        time.sleep(0.1)
