"""Connections to foreign databases: to a place that may be gone to, read-only, with limits, as of one moment."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from django.conf import settings

from citybrain.base.exchange.models import Source
from citybrain.base.exchange.sealing import opened
from citybrain.base.exchange.sources.fetched import SourceError
from citybrain.base.exchange.sources.outward import Shut, checked_path, resolved

DRIVERS: Final = {
    "postgresql": "postgresql+psycopg",
    "sqlite": "sqlite",
    "mariadb": "mariadb+pymysql",
    "mysql": "mysql+pymysql",
}
PORTS: Final = {"postgresql": 5432, "mariadb": 3306, "mysql": 3306}
STATEMENT_SECONDS: Final = 3600
CONNECT_SECONDS: Final = 10
SILENT_SECONDS: Final = 300
"""How long a server may say nothing in the middle of its answer."""
AS_TEXT: Final = (
    "json", "jsonb", "date", "timestamp", "timestamptz", "time", "timetz", "interval", "numeric", "float4", "float8",
)  # fmt: skip
"""PostgreSQL's types whose text says more than Python's value would: infinity, years BC, every digit."""


@contextmanager
def connected(source: Source, seconds: int | None = None) -> Iterator[sa.Connection]:
    """Give a read-only connection; `seconds` limits each statement. Raises SourceError, SQLAlchemyError."""
    told = source.settings
    system = str(told.get("system", ""))
    if system not in DRIVERS:
        raise SourceError(f"source {source.name}: system {system!r}; known: {', '.join(DRIVERS)}")
    limit = int(seconds or told.get("statement_seconds") or STATEMENT_SECONDS)
    try:
        base = _sqlite(source) if system == "sqlite" else _server(source, system, seconds or CONNECT_SECONDS)
    except (Shut, ValueError) as shut:
        raise SourceError(f"source {source.name}: {shut}") from shut
    except OSError as bad:
        raise SourceError(f"source {source.name}: host {told.get('host')!r}: {bad}") from bad
    try:
        with base.connect() as link:
            yield _limited(link, system, limit)
    finally:
        base.dispose()


def _sqlite(source: Source) -> sa.Engine:
    path = Path(str(source.settings.get("database", "")))
    real = checked_path(path)
    if not real.is_file():
        raise SourceError(f"source {source.name}: SQLite file {path} isn't there")
    address = sa.URL.create("sqlite", database=f"file:{quote(str(real))}?mode=ro", query={"uri": "true"})
    return sa.create_engine(address, poolclass=sa.NullPool)


def _server(source: Source, system: str, connect_seconds: int) -> sa.Engine:
    """Return an engine whose connections go to the address that was checked, whatever the name says later."""
    told = source.settings
    host, port = str(told.get("host") or ""), int(told.get("port") or PORTS[system])
    if not host or host.startswith(("/", "@")):
        raise SourceError(f"source {source.name}: the database's host is lacking")
    address = resolved(host, port)[0]
    more: dict[str, Any]
    if system == "postgresql":
        more = {
            "hostaddr": address, "connect_timeout": connect_seconds, "application_name": "citybrain",
            "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "client_encoding": "utf8",
        }  # fmt: skip
    else:
        more = {"connect_timeout": connect_seconds, "read_timeout": SILENT_SECONDS, "charset": "utf8mb4"}
    secret = opened(source.secret) or None
    if system != "postgresql" and secret:
        more["password"] = secret.encode()  # a text would have to be Latin-1
    at = host if system == "postgresql" else address
    url = sa.URL.create(DRIVERS[system], told.get("user"), secret, at, port, told.get("database"))
    return sa.create_engine(url, connect_args=more, poolclass=sa.NullPool)


def _limited(link: sa.Connection, system: str, seconds: int) -> sa.Connection:
    """Make the session read-only, of one moment, and impatient."""
    if system == "sqlite":
        _limit_sqlite(link, seconds)
        return link
    if system == "postgresql":
        ready = link.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        ready.exec_driver_sql(f"SET statement_timeout = {seconds * 1000}")
        ready.exec_driver_sql(f"SET idle_in_transaction_session_timeout = {max(seconds, 600) * 1000}")
        ready.exec_driver_sql("SET DateStyle = ISO")
        ready.exec_driver_sql("SET IntervalStyle = iso_8601")
        ready.exec_driver_sql("SET extra_float_digits = 1")
        ready.exec_driver_sql("SET TIME ZONE 'UTC'")
        _as_text(ready)
        return ready
    _limit_mariadb(link, seconds)
    return link


def _as_text(link: sa.Connection) -> None:
    from psycopg.types.string import TextLoader

    real: Any = link.connection.driver_connection
    for name in AS_TEXT:
        real.adapters.register_loader(name, TextLoader)


def _limit_mariadb(link: sa.Connection, seconds: int) -> None:
    """Times with a zone (TIMESTAMP) come in the city's own, like those without."""
    offset = datetime.now(ZoneInfo(settings.TIME_ZONE)).strftime("%z")
    is_mariadb = bool(getattr(link.dialect, "is_mariadb", False))
    limit = f"max_statement_time = {seconds}" if is_mariadb else f"max_execution_time = {seconds * 1000}"
    link.exec_driver_sql(
        f"SET SESSION {limit}, net_write_timeout = 600, time_zone = '{offset[:3]}:{offset[3:]}'"
    )
    link.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    link.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
    link.exec_driver_sql("ROLLBACK")
    link.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


def _limit_sqlite(link: sa.Connection, seconds: int) -> None:
    real = link.connection.driver_connection
    if not isinstance(real, sqlite3.Connection):
        raise TypeError("not an SQLite connection")
    until = time.monotonic() + seconds
    real.execute("PRAGMA query_only = ON")
    real.text_factory = _sqlite_text
    real.set_progress_handler(lambda: int(time.monotonic() > until), 100_000)


def _sqlite_text(raw: bytes) -> str:
    """Return a text of SQLite, which keeps whatever bytes were put in: those of GB18030 count as such."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")
