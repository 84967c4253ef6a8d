"""Advisory locks of the lake: one writer a table, and nobody removes files while a backup reads them.

Each is held by a connection of its own, so that it ends with the process that holds it, however that ends.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from citybrain.base.lake import database
from citybrain.base.lake.names import LakeError

PATIENCE_SECONDS = 1800  # a full load of a large set may go on that long
FILES = 0x6C616B6566  # "lakef" in ASCII
_mine = threading.local()


class Busy(LakeError):
    """Another process writes the table and didn't end in time."""


def number(name: str) -> int:
    """Return the lock's number for a name: 63 bits of its hash."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") >> 1


@contextmanager
def writing(code: str, *, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Be the table's only writer. A thread may take it again while it has it. Raises Busy."""
    held: set[str] = _mine.__dict__.setdefault("codes", set())
    if code in held:
        yield
        return
    with database.connect() as link:
        link.execute("SELECT set_config('lock_timeout', %s, false)", [f"{int(patience * 1000)}ms"])
        try:
            link.execute("SELECT pg_advisory_lock(%s)", [number(f"lake:{code}")])
        except psycopg.errors.LockNotAvailable as error:
            raise Busy(f"lake: {code} is being written by another process for {patience:.0f} s") from error
        held.add(code)
        try:
            yield
        finally:
            held.discard(code)


@contextmanager
def keeping_files() -> Iterator[None]:
    """Let no file be removed meanwhile; several may hold this at once. For backups."""
    with database.connect() as link:
        link.execute("SELECT pg_advisory_lock_shared(%s)", [FILES])
        yield


@contextmanager
def removing_files() -> Iterator[bool]:
    """Give True when files may be removed now, False while a backup reads them or another removes."""
    with database.connect() as link:
        row = link.execute("SELECT pg_try_advisory_lock(%s)", [FILES]).fetchone()
        yield bool(row and row[0])


@contextmanager
def trying(name: str) -> Iterator[bool]:
    """Give True when nobody else holds the lock of this name, and hold it meanwhile."""
    with database.connect() as link:
        row = link.execute("SELECT pg_try_advisory_lock(%s)", [number(f"lake:{name}")]).fetchone()
        yield bool(row and row[0])
