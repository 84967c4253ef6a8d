"""One engine's part, in a process of its own: `python -m bench.cluster.engines ENGINE DATA ANSWERS [--remote sc://…]`.

Opens the files, asks everything twice (an engine's first run pays for what it compiles), keeps the answers as
Parquet and prints the times as JSON. ENGINE is duckdb, sail (started here, in this process) or spark (at --remote).
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

THREADS, MEMORY = 2, "2GB"


def duckdb_link() -> Any:
    """Return Ibis on a DuckDB of two threads, in UTC."""
    import ibis

    link = ibis.duckdb.connect(threads=THREADS, memory_limit=MEMORY, autoinstall_known_extensions=False)
    link.raw_sql("SET TimeZone = 'UTC'")
    return link


@contextmanager
def sail() -> Iterator[str]:
    """Start Sail in this process, on loopback; yield its address."""
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    try:
        yield f"sc://127.0.0.1:{server.listening_address[1]}"
    finally:
        server.stop()


@contextmanager
def remote_link(address: str) -> Iterator[Any]:
    """Return Ibis on a Spark Connect session, in UTC."""
    import ibis
    from pyspark.sql import SparkSession

    session = SparkSession.builder.remote(address).create()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    try:
        yield ibis.pyspark.connect(session)
    finally:
        session.stop()


def opened(link: Any, folder: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the Parquet files of `folder` as tables of an engine, by name."""
    tables = {}
    for name in names:
        path = str(folder / f"{name}.parquet")
        if link.name == "duckdb":
            tables[name] = link.read_parquet(path, table_name=name)
        else:
            link._session.read.parquet(path).createOrReplaceTempView(name)
            tables[name] = link.table(name)
    return tables


def answered(link: Any, expression: Any) -> pa.Table:
    """Run an expression, each stage a subquery, and fetch its rows."""
    from citybrain.base.exchange.checks.compile import staged_selects

    with staged_selects():
        return link.to_pyarrow(expression)


def run(link: Any, data: Path, answers: Path) -> dict[str, dict[str, float]]:
    """Ask everything; return seconds of the first and the second run by question."""
    from bench.cluster.data import NAMES, told
    from bench.cluster.questions import questions

    shapes, codes = told(data)
    asked = questions(shapes, codes, opened(link, data, NAMES))
    times = {}
    for number, (name, expression) in enumerate(asked.items()):
        took = []
        for _ in range(2):
            began = time.perf_counter()
            found = answered(link, expression)
            took.append(round(time.perf_counter() - began, 3))
        pq.write_table(found, answers / f"{number}.parquet")
        times[name] = {"first": took[0], "second": took[1], "rows": found.num_rows}
        print(f"cluster: {name}: {took[1]} s", file=sys.stderr, flush=True)
    return times


def main() -> None:
    """Run one engine and print its times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("engine", choices=("duckdb", "sail", "spark"))
    parser.add_argument("data", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--remote", default="")
    ask = parser.parse_args()
    began = time.perf_counter()
    if ask.engine == "duckdb":
        link, start = duckdb_link(), time.perf_counter() - began
        print(json.dumps({"start": round(start, 2), "questions": run(link, ask.data, ask.answers)}))
        return
    with sail() if ask.engine == "sail" else _given(ask.remote) as address, remote_link(address) as link:
        version, start = link._session.version, time.perf_counter() - began
        asked = run(link, ask.data, ask.answers)
        print(json.dumps({"start": round(start, 2), "version": version, "questions": asked}))


@contextmanager
def _given(address: str) -> Iterator[str]:
    yield address


if __name__ == "__main__":
    main()
