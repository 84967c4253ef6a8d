"""Iceberg's catalog: in our own PostgreSQL, schema `iceberg`, with files that are on disk before they are named.

It commits on a connection of its own, outside Django's transaction.
"""

import io
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from pyiceberg.catalog import MetastoreCatalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io import OutputFile
from pyiceberg.io.pyarrow import PyArrowFileIO
from sqlalchemy import URL, create_engine
from sqlalchemy.pool import NullPool

from citybrain.base.lake import database, names

CATALOG = "citybrain"
SCHEMA = "iceberg"


def sync_folder(folder: Path) -> None:
    """Return once the folder's list of files is on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Return once the file's content is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Synced(io.FileIO):
    """A file that is on disk, with its name, once it is closed."""

    def close(self) -> None:
        if not self.closed:
            os.fsync(self.fileno())
            super().close()
            sync_folder(Path(str(self.name)).parent)


class _Output(OutputFile):
    """A file of the local disk to be written once."""

    def __init__(self, location: str, io: "DurableIO") -> None:
        super().__init__(location)
        self._path = Path(names.path_of(location))
        self._io = io

    def __len__(self) -> int:
        return self._path.stat().st_size

    def exists(self) -> bool:
        return self._path.exists()

    def to_input_file(self) -> Any:
        return self._io.new_input(self.location)

    def create(self, overwrite: bool = False) -> Any:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return io.BufferedWriter(_Synced(self._path, "w" if overwrite else "x"))


class DurableIO(PyArrowFileIO):
    """Reads as pyarrow does; what it writes survives the loss of power once it is closed."""

    def new_output(self, location: str) -> Any:
        return _Output(location, self)


class CityCatalog(SqlCatalog):
    """pyiceberg's SQL catalog on Django's database. Its tables come from our migrations."""

    def __init__(self) -> None:
        known = database.address()
        properties = {
            "uri": "postgresql",
            "warehouse": names.uri(names.warehouse()),
            "py-io-impl": f"{DurableIO.__module__}.{DurableIO.__name__}",
        }
        MetastoreCatalog.__init__(self, CATALOG, **properties)
        url = URL.create(
            "postgresql+psycopg",
            username=known.get("user"),
            password=known.get("password"),
            host=known.get("host"),
            port=int(known["port"]) if known.get("port") else None,
            database=known.get("dbname"),
        )
        options: dict[str, Any] = {
            "connect_args": {"options": f"-c search_path={SCHEMA}", "connect_timeout": 10}
        }
        if settings.LAKE_POOL:
            options |= {"pool_size": 1, "max_overflow": 8, "pool_pre_ping": True}
        else:
            options["poolclass"] = NullPool
        self.engine = create_engine(url, **options)
        self._schema_version = "v1"


_made: dict[tuple[Any, ...], CityCatalog] = {}


def catalog() -> CityCatalog:
    """Return this process's catalog of the database and folder that the settings name now."""
    known = database.address()
    key = (os.getpid(), str(names.home()), known.get("dbname"), known.get("host"), known.get("port"))
    if key not in _made:
        forget()
        _made[key] = CityCatalog()
    return _made[key]


def forget() -> None:
    """Close the connections kept; for tests, and for a process that was forked."""
    for (pid, *_), made in _made.items():
        made.engine.dispose(close=pid == os.getpid())
    _made.clear()
