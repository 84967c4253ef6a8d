"""A table or query of a database (PostgreSQL, SQLite, MariaDB): whole, or from where a growing column stood."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from citybrain.base.exchange.models import Source
from citybrain.base.exchange.reading import Limits
from citybrain.base.exchange.reading.rows import RowWriter
from citybrain.base.exchange.sealing import opened
from citybrain.base.exchange.sources.fetching import Fetched, SourceError

BATCH: Final = 10_000
DRIVERS: Final = {
    "postgresql": "postgresql+psycopg",
    "sqlite": "sqlite",
    "mariadb": "mariadb+pymysql",
    "mysql": "mysql+pymysql",
}


def fetch(source: Source, folder: Path) -> Fetched | None:
    """Return the rows as Parquet of texts. Settings: system, host, port, database, user, table, schema, since_column.

    With `since_column` only rows at or beyond the last value come (a row changed in the same instant isn't lost; the
    merge by key makes those that come twice one).
    """
    told = source.settings
    try:
        base = sa.create_engine(_address(source), pool_pre_ping=True, **_options(told))
        with base.connect().execution_options(stream_results=True, max_row_buffer=BATCH) as link:
            return _read(link, source, folder)
    except sa.exc.SQLAlchemyError as bad:
        raise SourceError(f"source {source.name}: {str(bad).splitlines()[0][:300]}") from bad


def _address(source: Source) -> sa.URL:
    told = source.settings
    driver = DRIVERS.get(str(told.get("system", "")))
    if driver is None:
        raise SourceError(f"source {source.name}: system {told.get('system')!r}; known: {', '.join(DRIVERS)}")
    if driver == "sqlite":
        path = Path(str(told.get("database", "")))
        if not path.is_file():
            raise SourceError(f"source {source.name}: SQLite file {path} isn't there")
        return sa.URL.create("sqlite", database=f"file:{path}?mode=ro", query={"uri": "true"})
    return sa.URL.create(
        driver,
        told.get("user"),
        opened(source.secret) or None,
        told.get("host"),
        told.get("port"),
        told.get("database"),
    )


def _options(told: dict[str, Any]) -> dict[str, Any]:
    return {} if told.get("system") == "sqlite" else {"connect_args": {"connect_timeout": 10}}


def _read(link: sa.Connection, source: Source, folder: Path) -> Fetched | None:
    told = source.settings
    table = sa.Table(str(told["table"]), sa.MetaData(), schema=told.get("schema") or None, autoload_with=link)
    query = sa.select(table)
    since = told.get("since_column")
    last = source.cursor.get("since")
    if since:
        column = table.c[since]
        query = query.order_by(column)
        if last is not None:
            query = query.where(column >= sa.cast(sa.literal(last), column.type))
    names = [column.name for column in table.columns]
    path = folder / "rows.parquet"
    writer = RowWriter(path, names, Limits())
    at = names.index(since) if since else -1
    newest: Any = None
    for number, row in enumerate(link.execute(query), start=1):
        writer.put(number, [shown(value) for value in row])
        newest = row[at] if since and row[at] is not None else newest
    plan = writer.close()
    if not writer.count:
        return None
    del plan
    cursor = {"since": shown(newest)} if newest is not None else {}
    if cursor and cursor["since"] == last and writer.count <= int(source.cursor.get("at_last", 0)):
        return None
    return Fetched(
        path,
        f"{told['table']}.parquet",
        cursor | ({"at_last": _at_last(link, table, since, newest)} if cursor else {}),
    )


def _at_last(link: sa.Connection, table: sa.Table, since: str, newest: Any) -> int:
    """Return how many rows carry the last value: no more of them next time means nothing new."""
    counted = sa.select(sa.func.count()).select_from(table).where(table.c[since] == newest)
    return int(link.execute(counted).scalar_one())


def shown(value: Any) -> str | None:
    """Return a database value as text."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return str(value)
