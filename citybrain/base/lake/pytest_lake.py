"""The fixtures `lake_home`, a lake of the test's own, and `sail`; read by the root conftest before Django is set up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def lake_home(db: None, settings: Any, tmp_path: Path) -> Iterator[Path]:
    """The folder of an empty lake. What is committed to it is gone before the next one."""
    from citybrain.base.lake import iceberg

    settings.LAKE_HOME = tmp_path / "lake"
    settings.LAKE_POOL = False
    settings.LAKE_MEMORY = "1GB"
    settings.SOURCE_FOLDERS = [str(tmp_path)]
    clear_lake()
    yield settings.LAKE_HOME
    iceberg.forget()


@pytest.fixture
def sail() -> Iterator[Any]:
    """A Spark session on a Sail server of this process; a new one each time, as a kept one asks a server that ended."""
    pytest.importorskip("pysail")
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    try:
        session = SparkSession.builder.remote(f"sc://127.0.0.1:{server.listening_address[1]}").create()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        yield session
        session.stop()
    finally:
        server.stop()


def clear_lake() -> None:
    """Remove every table and serving copy from the database, on a connection of our own (Iceberg commits on such).

    Before a test, not after it: its transaction is still open then and may hold a serving copy.
    """
    from citybrain.base.lake import database

    with database.connect() as link:
        link.execute("DELETE FROM iceberg.iceberg_tables")
        link.execute("DROP SCHEMA IF EXISTS serving CASCADE")
        link.execute("CREATE SCHEMA serving")
