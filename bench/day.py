"""A day of a large city's exchange: 36,000,000 rows of mixed data sets taken in, and lent out again.

`python bench/day.py [--rows N]`. A worker process of the city as it is takes the files in, each kept as it came,
read, checked, stored under its version; as soon as a set is stored its rows are asked for by another agency and made
as a file under a grant: some of the fields, some of them masked, under a condition on rows, with the receipt that
holds the compressed, sorted set of those whose rows left. The clock runs from the first file handed over to the last
file ready. What is stored and what has left is counted. Serving copies are timed apart, afterwards. Memory is the
resident memory of this process and the worker and all their children, and the private memory of PostgreSQL's
processes beside its shared buffers, every half second. Prints one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARES = {
    "gy_power_usage": 9, "gy_water_usage": 9, "ga_traffic_flow": 6, "wj_venue_scan": 5, "rs_insurance": 4,
    "ga_population": 2, "sj_enterprise": 1,
}  # fmt: skip
LENT: dict[str, dict[str, Any]] = {
    "gy_power_usage": {
        "fields": ["meter_no", "ts", "usage"], "conditions": [{"field": "usage", "op": "ge", "value": 0}],
    },
    "gy_water_usage": {
        "fields": ["meter_no", "ts", "usage"], "conditions": [{"field": "quality", "op": "in", "value": ["1", "2"]}],
        "mode": "changes",
    },
    "ga_traffic_flow": {
        "fields": ["link_id", "ts", "flow", "speed"], "conditions": [{"field": "flow", "op": "le", "value": 20000}],
        "form": "csv",
    },
    "wj_venue_scan": {
        "fields": ["scan_id", "venue_code", "id_no", "scan_at", "color"], "masks": {"id_no": "idcard"},
        "conditions": [{"field": "color", "op": "in", "value": ["1", "2"]}],
    },
    "rs_insurance": {
        "fields": ["name", "insurance_type", "month", "status"], "masks": {"name": "name"},
        "conditions": [{"field": "insurance_type", "op": "in", "value": ["310", "390", "410", "510"]}],
    },
    "ga_population": {
        "fields": ["name", "sex", "birth_date", "hukou_region", "hukou_address"],
        "masks": {"name": "name", "hukou_address": "addr"},
        "conditions": [{"field": "hukou_region", "op": "prefix", "value": "98"}], "form": "csv",
    },
    "sj_enterprise": {
        "fields": ["uscc", "name", "type", "capital", "address", "status"],
        "conditions": [{"field": "status", "op": "eq", "value": "01"}],
    },
}  # fmt: skip


class Memory(threading.Thread):
    """Samples memory until stopped."""

    def __init__(self, database: int) -> None:
        super().__init__(daemon=True)
        self.database = database
        self.over = threading.Event()
        self.most: dict[str, float] = {"ours": 0.0, "postgresql": 0.0, "together": 0.0}

    def run(self) -> None:
        """Keep the highest sums."""
        while not self.over.wait(0.5):
            ours, theirs = self._now()
            for name, value in (("ours", ours), ("postgresql", theirs), ("together", ours + theirs)):
                self.most[name] = max(self.most[name], value)

    def _now(self) -> tuple[float, float]:
        import psutil

        own = psutil.Process()
        database = {self.database, *(one.pid for one in _children(self.database))}
        ours = theirs = 0
        for one in (own, *own.children(recursive=True)):
            try:
                if one.pid in database:
                    theirs += one.memory_full_info().uss
                else:
                    ours += one.memory_info().rss
            except psutil.Error:
                continue
        return ours / 2**30, theirs / 2**30


def _children(pid: int) -> list[Any]:
    import psutil

    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def lent(code: str, dataset: Any) -> Any:
    """Grant some fields of a set to another agency."""
    from citybrain.base.exchange.tests import lending

    told = LENT[code]
    more = {
        "masks": told.get("masks", {}), "conditions": told["conditions"], "daily_rows": 10**12,
        "modes": [told.get("mode", "batch")],
    }  # fmt: skip
    return lending.lend(dataset, told["fields"], **more)[0]


def asked_for(code: str, grant: Any) -> Any:
    """Ask for a set's file as the receiving agency does."""
    from django.utils import timezone

    from citybrain.base.exchange.delivery import batch
    from citybrain.base.exchange.delivery.compile import Asked

    since = 0 if LENT[code].get("mode") == "changes" else None
    form = LENT[code].get("form", "parquet")
    return batch.ask(grant, form, Asked(), since, asked_by="system", now=timezone.now())


def a_day(sources: dict[str, Any], files: dict[str, Path], grants: dict[str, Any]) -> dict[str, Any]:
    """Hand all files over and wait until the last file of the day is ready; return when what was done."""
    from citybrain.base.exchange import actions
    from citybrain.base.exchange.models import Delivery, Run
    from citybrain.base.identity.actor import SYSTEM

    begun = time.perf_counter()
    runs = {
        code: actions.receive_file(SYSTEM, sources[code], files[code], files[code].name).pk for code in files
    }
    received = time.perf_counter() - begun
    stored: dict[str, float] = {}
    ready: dict[str, float] = {}
    waiting: dict[str, int] = {}
    while len(ready) < len(files):
        time.sleep(0.1)
        for code in set(runs) - set(stored):
            run = Run.objects.get(pk=runs[code])
            if run.state in {"waiting", "refused", "failed"} or run.attempt > 1:
                sys.exit(f"bench: {code}: {run.state} {run.error}")
            if run.state == "done":
                stored[code] = time.perf_counter() - begun
                waiting[code] = asked_for(code, grants[code]).pk
        for code in set(waiting) - set(ready):
            made = Delivery.objects.get(pk=waiting[code])
            if made.state in {"failed", "refused"}:
                sys.exit(f"bench: {code}: {made.state} {made.why}")
            if made.state == "ready":
                ready[code] = time.perf_counter() - begun
    return {
        "seconds": round(time.perf_counter() - begun, 1), "all_received_after": round(received, 1),
        "stored_after": {code: round(at, 1) for code, at in stored.items()},
        "ready_after": {code: round(at, 1) for code, at in ready.items()}, "runs": runs, "deliveries": waiting,
    }  # fmt: skip


def counted(day: dict[str, Any], files: dict[str, Path]) -> dict[str, Any]:
    """Return what went in and out, by set, and check that nothing was lost on the way."""
    from citybrain.base.exchange.models import Delivery, KeySet, Run
    from citybrain.base.lake.tables import Table

    found = {}
    for code, path in files.items():
        figures = Run.objects.get(pk=day["runs"][code]).figures
        manifest = Delivery.objects.get(pk=day["deliveries"][code]).manifest
        if figures["inserted"] != figures["rows_good"] or Table(code).rows() != figures["rows_good"]:
            sys.exit(f"bench: {code}: {figures}, stored {Table(code).rows()}")
        key_set = KeySet.objects.select_related("receipt").get(receipt=manifest["receipt"])
        found[code] = {
            "rows": figures["rows"], "bytes_a_row": round(path.stat().st_size / figures["rows"], 1),
            "stored": figures["rows_good"], "put_aside": figures["rows_bad"], "repeated": figures["repeated"],
            "form_in": path.suffix[1:], "rows_out": manifest["rows"], "form_out": manifest["form"],
            "bytes_out": manifest["bytes"], "receipt_keys": key_set.receipt.keys,
            "receipt_bytes": len(key_set.members),
        }  # fmt: skip
    return found


def served(sources: dict[str, Any]) -> dict[str, Any]:
    """Make the serving copies of the sets that are asked by key; return what each took."""
    from citybrain.base.lake import serving
    from citybrain.base.lake.tables import Table

    told = {}
    for code in ("ga_population", "sj_enterprise"):
        begun = time.perf_counter()
        serving.publish(code, sources[code].dataset.shape, Table(code).version())
        seconds = time.perf_counter() - begun
        told[code] = {"rows": Table(code).rows(), "seconds": round(seconds, 1)}
    return told


def measured(
    environment: dict[str, str], folder: Path, database: int, ask: argparse.Namespace
) -> dict[str, Any]:
    """Make the files, start the worker, run the day."""
    import _exchange
    import _volume

    _exchange.areas(_volume.REGIONS)
    begun = time.perf_counter()
    sources = {code: _exchange.data_set(code) for code in SHARES}
    files = {}
    for code, share in SHARES.items():
        named = {one.name: one.zh for one in sources[code].dataset.shape.fields}
        files[code] = _volume.write(code, ask.rows * share // sum(SHARES.values()), folder, named)
    made = time.perf_counter() - begun
    known = _known_people(_volume.PEOPLE)
    grants = {code: lent(code, source.dataset) for code, source in sources.items()}
    log = (folder / "worker.log").open("wb")
    worker = subprocess.Popen(
        [sys.executable, "-m", "citybrain.site.worker"], env=environment, cwd=ROOT, stderr=log
    )
    memory = Memory(database)
    try:
        time.sleep(ask.settle)
        memory.start()
        cpu = _cpu(worker.pid)
        day = a_day(sources, files, grants)
        cpu = _cpu(worker.pid) - cpu
    finally:
        memory.over.set()
        worker.terminate()
        worker.wait(60)
        log.close()
    sets = counted(day, files)
    rows = sum(one["rows"] for one in sets.values())
    out = sum(one["rows_out"] for one in sets.values())
    gib = {name: round(value, 2) for name, value in memory.most.items()}
    return {
        "rows_in": rows, "rows_out": out, "people_known_before": known, "seconds": day["seconds"],
        "bytes_a_row": round(sum(path.stat().st_size for path in files.values()) / rows, 1),
        "rows_a_second": round((rows + out) / day["seconds"]), "memory_gib": gib, "worker_cpu_seconds": round(cpu, 1),
        "wanted": {"seconds": 120, "memory_gib": 6},
        "enough": rows >= 36_000_000 and day["seconds"] <= 120 and gib["together"] <= 6,
        "day": {name: day[name] for name in ("all_received_after", "stored_after", "ready_after")},
        "sets": sets, "serving_copies": served(sources), "files_made_in_seconds": round(made, 1),
    }  # fmt: skip


def _known_people(count: int) -> int:
    """Let the city's people have been receipted before, as they are after its first weeks."""
    import _volume
    import duckdb

    from citybrain.base.exchange.delivery import whose
    from citybrain.base.exchange.models import SetKind

    with duckdb.connect() as link:
        for macro in _volume.MACROS:
            link.execute(macro)
        numbers = link.execute(_volume.people_sql(count)).to_arrow_reader(200_000)
        return len(whose.members(numbers, SetKind.SUBJECT.value, ""))


def _cpu(pid: int) -> float:
    import psutil

    return sum(psutil.Process(pid).cpu_times()[:4])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=36_000_000)
    parser.add_argument("--settle", type=float, default=8.0, help="seconds for the worker to start")
    parser.add_argument("--files", type=Path, help="a folder where the made files are kept for the next time")
    ask = parser.parse_args()
    sys.path[:0] = [str(ROOT), str(ROOT / "bench")]
    import _exchange

    with (
        _exchange.house() as (environment, _, pid),
        tempfile.TemporaryDirectory(prefix="citybrain-bench-") as files,
    ):
        folder = ask.files or Path(files)
        folder.mkdir(parents=True, exist_ok=True)
        told = {"bench": "day", **measured(environment, folder, pid, ask)}
        told["load_average"] = [round(one, 2) for one in os.getloadavg()]
        print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main()
