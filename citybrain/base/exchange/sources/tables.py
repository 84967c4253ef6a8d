"""A table or view of a database (PostgreSQL, SQLite, MariaDB): whole, or from where a growing column stood.

Nothing is ever written there: the session is read-only, each statement has a time limit, and all rows are of one
moment. Values come as the database writes them, so that one odd date spoils its row and not the whole table.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from citybrain.base.exchange.models import Source
from citybrain.base.exchange.reading import Limits
from citybrain.base.exchange.reading.rows import RowWriter
from citybrain.base.exchange.sources.databases import DRIVERS, connected
from citybrain.base.exchange.sources.fetched import Fetched, SourceError
from citybrain.base.exchange.sources.written import written

__all__ = ["DRIVERS", "columns", "fetch"]
BATCH: Final = 10_000
ENDLESS: Final = (None, "infinity", "-infinity")


def fetch(source: Source, folder: Path) -> Fetched | None:
    """Return the rows as Parquet of texts. Settings: see `telling`.

    With `since_column` only rows at or beyond the last value come, `overlap_seconds` earlier for transactions that
    end late; the merge by key makes those that come twice one. Into a set without a key come those beyond it only:
    the column must then grow with every row. Rows without a value in the column come each time.
    """
    with _reading(source) as link:
        return _Reader(link, source).read(folder)


def columns(source: Source, seconds: int) -> list[str]:
    """Return the columns of the source's table, which can be read. Raises SourceError."""
    with _reading(source, seconds) as link:
        reader = _Reader(link, source, since=False)
        link.execute(reader.query(None).limit(1)).first()
        return reader.names


@contextmanager
def _reading(source: Source, seconds: int | None = None) -> Iterator[sa.Connection]:
    """Give a connection to read by; what the database says against it becomes a SourceError."""
    try:
        with connected(source, seconds) as link:
            yield link
    except sa.exc.NoSuchTableError as bad:
        raise SourceError(f"source {source.name}: there is no table or view {bad}") from bad
    except sa.exc.SQLAlchemyError as bad:
        raise SourceError(f"source {source.name}: {str(bad).splitlines()[0][:300]}") from bad


class _Reader:
    """One reading of one table on its connection."""

    def __init__(self, link: sa.Connection, source: Source, *, since: bool = True) -> None:
        self.link, self.source = link, source
        told = source.settings
        self.table = sa.Table(
            str(told["table"]), sa.MetaData(), schema=told.get("schema") or None, autoload_with=link
        )
        self.names = [column.name for column in self.table.columns]
        self.keyed = source.mode != "append" or bool(source.dataset_id and source.dataset.shape.keys)
        self.since = self._since(str(told.get("since_column") or "") if since else "")

    def _since(self, name: str) -> sa.Column[Any] | None:
        if not name:
            return None
        if name not in self.names:
            raise SourceError(
                f"source {self.source.name}: table {self.table.name} has no column {name} any more to go on by; "
                f"it has {', '.join(self.names)[:200]}"
            )
        return self.table.c[name]

    def query(self, last: sa.BindParameter[Any] | None) -> sa.Select[Any]:
        """Return the statement: columns without their types, so that values come as they are."""
        query = sa.select(*[_plain(one).label(one.name) for one in self.table.c])
        if self.since is None:
            return query
        if last is not None:
            column = _plain(self.since)
            beyond = sa.or_(column >= last, column.is_(None)) if self.keyed else column > last
            query = query.where(beyond)
        return query.order_by(self.since)

    def read(self, folder: Path) -> Fetched | None:
        """Write the rows; None when there is none that wasn't there before."""
        last = self.source.cursor.get("since") if self.since is not None else None
        if self.since is not None and not self.keyed:
            self._refuse_empty()
        path = folder / "rows.parquet"
        writer = RowWriter(path, self.names, Limits())
        at = self.names.index(self.since.name) if self.since is not None else -1
        newest: Any = None
        rows = self.link.execution_options(stream_results=True, max_row_buffer=BATCH).execute(
            self.query(self._from(last))
        )
        for number, row in enumerate(rows, start=1):
            writer.put(number, [written(value) for value in row])
            newest = row[at] if at >= 0 and row[at] not in ENDLESS else newest
        writer.close()
        if not writer.count:
            return None
        name = f"{self.table.name}.parquet"
        if self.since is None:
            return Fetched(path, name)
        cursor = {"since": written(newest) if newest is not None else last, "at_last": self._at_last(newest)}
        if cursor["since"] == last and writer.count <= int(self.source.cursor.get("at_last", 0)):
            return None
        return Fetched(path, name, cursor)

    def _refuse_empty(self) -> None:
        """Rows that the column says nothing of would be left out of a set without a key, or come again and again."""
        column = self.since
        if column is None:
            return
        if self.link.execute(
            sa.select(sa.literal(1)).select_from(self.table).where(column.is_(None)).limit(1)
        ).first():
            raise SourceError(
                f"source {self.source.name}: rows without a value in {column.name} can't be gone on by; "
                "choose a column that is never empty"
            )

    def _from(self, last: str | None) -> sa.BindParameter[Any] | None:
        """Return the kept value as a parameter that the database compares in the column's own kind, without loss."""
        if last is None or self.since is None:
            return None
        kind = self.since.type
        value: Any = last
        try:
            if isinstance(kind, sa.Integer | sa.Numeric):
                value = int(last) if last.lstrip("-").isdigit() else Decimal(last)
            elif isinstance(kind, sa.DateTime):
                early = timedelta(seconds=int(self.source.settings.get("overlap_seconds") or 0))
                at = datetime.fromisoformat(last) - early
                value = at.isoformat(sep="T" if "T" in last else " ") if early else last
        except (ValueError, ArithmeticError) as bad:
            raise SourceError(
                f"source {self.source.name}: {self.since.name} was {last!r} when it was read last, which is no {kind}: "
                "its type changed; make a new source to start anew"
            ) from bad
        return _as_it_is(value)

    def _at_last(self, newest: Any) -> int:
        """Return how many rows carry the last value or none: no more of them next time means nothing new."""
        if self.since is None:
            return 0
        same: sa.ColumnElement[bool] = self.since.is_(None)
        if newest is not None:
            same = sa.or_(_plain(self.since) == _as_it_is(newest), same)
        counted = sa.select(sa.func.count()).select_from(self.table).where(same)
        return int(self.link.execute(counted).scalar_one())


def _plain(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return a column without its type: nothing is converted on the way."""
    return sa.type_coerce(column, sa.types.NullType())


def _as_it_is(value: Any) -> sa.BindParameter[Any]:
    return sa.bindparam(None, value, type_=sa.types.NullType())
