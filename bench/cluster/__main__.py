"""`make cluster`: the same expressions on DuckDB, Sail and Spark standalone; the same rows, and what each costs.

`python -m bench.cluster [--people N] [--seconds S]` makes data, lets each engine answer in a process of its own,
compares the rows, prints a table and writes bench/results/cluster.json. Returns 1 when rows differ. Whatever
happens, every process it started is gone afterwards; after `--seconds` it gives up.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

from bench.cluster import comparing
from bench.cluster.spark import WORKERS, Cluster, NoCluster, cluster
from tools.bench import RESULTS, ROOT, machine
from tools.spark import install, java

ENGINES = ("duckdb", "sail", "spark")


class Memory:
    """The most that some processes held together: the sum of their resident memory, looked at 5 times a second."""

    def __init__(self, processes: Callable[[], list[psutil.Process]]) -> None:
        self.processes, self.most, self.done = processes, 0, threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self) -> None:
        while not self.done.wait(0.2):
            total = 0
            for process in self.processes():
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.most = max(self.most, total)

    def stop(self) -> float:
        """Stop looking; return MiB."""
        self.done.set()
        self.thread.join()
        return round(self.most / 2**20)


def asked(engine: str, home: Path, spark: Cluster | None = None) -> dict[str, Any]:
    """Let an engine answer in a process of its own; return its times and memory."""
    answers = home / engine
    answers.mkdir()
    command = [sys.executable, "-m", "bench.cluster.engines", engine, str(home), str(answers)]
    command += ["--remote", spark.address] if spark else []
    child = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"RUST_LOG": "error"}
    )

    def alive() -> list[psutil.Process]:
        return [psutil.Process(child.pid)] if child.poll() is None else []

    memory = Memory(alive)
    engine_memory = Memory(spark.processes) if spark else None
    try:
        printed, _ = child.communicate()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        mine, cluster_s = memory.stop(), engine_memory.stop() if engine_memory else None
    if child.returncode:
        sys.exit(f"cluster: {engine} failed; see above")
    found: dict[str, Any] = json.loads(printed)
    return found | {"memory_mib": mine if cluster_s is None else cluster_s, "client_mib": cluster_s and mine}


def measured(home: Path, spark_home: Path) -> dict[str, Any]:
    """Ask every engine; return what each took."""
    found = {engine: asked(engine, home) for engine in ENGINES[:2]}
    began = time.perf_counter()
    with (
        tempfile.TemporaryDirectory(prefix="citybrain-spark-", ignore_cleanup_errors=True) as folder,
        cluster(spark_home, Path(folder)) as one,
    ):
        start = round(time.perf_counter() - began, 1)
        print(
            f"cluster: master, {WORKERS} workers and the Connect server are up after {start} s",
            file=sys.stderr,
        )
        found["spark"] = asked("spark", home, one) | {
            "cluster_start": start, "processes": len(one.processes()), "workers": WORKERS,
            "executors": one.said("master", "Launching executor"),
        }  # fmt: skip
    return found


def compared(home: Path, names: list[str]) -> dict[str, str]:
    """Return what differs from DuckDB's rows, by engine and question; empty when nothing does."""
    differs = {}
    for number, name in enumerate(names):
        mine = pq.read_table(home / "duckdb" / f"{number}.parquet")
        for engine in ENGINES[1:]:
            told = comparing.difference(mine, pq.read_table(home / engine / f"{number}.parquet"))
            if told:
                differs[f"{engine}: {name}"] = told
    return differs


def table(found: dict[str, Any]) -> str:
    """Return the figures as people read them: seconds of the second run (of the first)."""
    lines = [f"{'seconds, 2nd run (1st)':<32}{'rows':>9}" + "".join(f"{one:>18}" for one in ENGINES)]
    for name, own in found["duckdb"]["questions"].items():
        cells = (found[engine]["questions"][name] for engine in ENGINES)
        times = "".join(f"{one['second']:>9.2f} ({one['first']:6.2f})" for one in cells)
        lines.append(f"{name:<32}{own['rows']:>9,}{times}")
    memory = "".join(f"{found[engine]['memory_mib']:>18,}" for engine in ENGINES)
    lines.append(f"{'memory, MiB (sum of RSS)':<41}{memory}")
    return "\n".join(lines)


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise out of the block after so many seconds, and when told to end."""

    def late(number: int, _: object) -> None:
        sys.exit(f"cluster: given up after {seconds} s" if number == signal.SIGALRM else "cluster: stopped")

    signal.signal(signal.SIGALRM, late)
    signal.signal(signal.SIGTERM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def result(people: int) -> dict[str, Any]:
    """Make the data, ask, compare; return what is kept."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
    os.environ.setdefault("CITYBRAIN_SECRET_KEY", "bench " * 10)
    import django

    from bench.cluster import data

    django.setup()
    java()
    spark_home = install()
    with tempfile.TemporaryDirectory(prefix="citybrain-cluster-") as folder:
        home = Path(folder)
        rows = data.make(home, people)
        print(f"cluster: {sum(rows.values()):,} rows in {len(rows)} sets", file=sys.stderr, flush=True)
        found = measured(home, spark_home)
        differs = compared(home, list(found["duckdb"]["questions"]))
    versions = {name: version(name) for name in ("duckdb", "pysail", "ibis-framework", "pyspark-client")}
    versions["spark"] = found["spark"]["version"]
    return {"bench": "cluster", "people": people, "rows": rows, "versions": versions, "engines": found,
            "differences": differs, "load_average": [round(one, 2) for one in os.getloadavg()]}  # fmt: skip


def main() -> int:
    """Measure, print and keep; return the exit code."""
    parser = argparse.ArgumentParser(prog="make cluster")
    parser.add_argument("--people", type=int, default=30_000)
    parser.add_argument("--seconds", type=int, default=1200, help="give up after so long")
    ask = parser.parse_args()
    before = machine()
    try:
        with limited(ask.seconds):
            found = result(ask.people)
    except NoCluster as refusal:
        sys.exit(str(refusal))
    print(table(found["engines"]))
    for where, told in found["differences"].items():
        print(f"cluster: DIFFERENT on {where}: {told}")
    print("cluster: " + ("rows differ" if found["differences"] else "the same rows on all three engines"))
    at = datetime.now(UTC).isoformat(timespec="seconds")
    kept = {"command": "make cluster", "at": at, "machine": before, "result": found}
    text = json.dumps(kept, ensure_ascii=False, indent=1) + "\n"
    (RESULTS / "cluster.json").write_text(text, encoding="utf-8")
    return 1 if found["differences"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("cluster: stopped")
