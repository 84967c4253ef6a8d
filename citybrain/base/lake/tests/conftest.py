"""Shapes and rows of the lake's tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from citybrain.base.catalogue.shape import Field, Shape
from citybrain.base.catalogue.types import Type
from citybrain.base.lake import engine
from citybrain.base.lake.tables import Table


def shape(*fields: str, keys: tuple[str, ...] = ("id",)) -> Shape:
    """A shape from words such as "id varchar(20)"."""
    pairs = [field.split(" ", 1) for field in fields]
    return Shape(tuple(Field(name, name, Type.parse(kind), key=name in keys) for name, kind in pairs))


HOMES = shape("id varchar(20)", "street varchar(50)", "rooms integer", "seen timestamp")


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str], Path]:
    """Writes what a query gives as a Parquet file of checked rows."""
    count = iter(range(10_000))

    def write(query: str) -> Path:
        target = tmp_path / f"rows-{next(count)}.parquet"
        link = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        link.execute("SET TimeZone = 'UTC'")
        link.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, ROW_GROUP_SIZE 10_000)")
        return target

    return write


@pytest.fixture
def homes(lake_home: Path) -> Table:
    """An empty table with a key."""
    table = Table("homes")
    table.create(HOMES)
    return table


def home_rows(start: int, end: int, street: str = "建国街", rooms: str = "i % 5") -> str:
    """A query of homes; the last of them first, so that their order isn't the key's."""
    return (
        f"SELECT 'h' || lpad(i::VARCHAR, 8, '0') AS id, '{street}' AS street, ({rooms})::BIGINT AS rooms, "
        f"TIMESTAMPTZ '2026-01-01 00:00:00+08' AS seen FROM range({start}, {end}) r(i) ORDER BY i DESC"
    )


def read(
    code: str, query: str = "SELECT * FROM {} ORDER BY 1", version: int | None = None, **kw: Any
) -> list[tuple]:
    """What a query gives over a version; {} stands for it."""
    with engine.session() as link:
        return link.execute(query.format(engine.relation_sql(code, version, **kw))).fetchall()
