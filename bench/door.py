"""How quickly rows are found by key under a grant, with receipts committed before the answers, beside a bare look-up.

`python bench/door.py [--rows N] [--seconds S] [--connections C] [--workers W]` starts a durable database of its own
with a serving copy of N people, lends it, and calls both doors over HTTP, behind the same server (granian, RSGI):
ours, and a bare one that answers `SELECT … WHERE _key = …` with neither key, grant, mask, limit nor receipt. The load
comes from a process of its own on the same cores. Prints one JSON object.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHAPE = {
    "fields": [
        {"name": "id_no", "zh": "公民身份号码", "type": "char(18)", "key": True},
        {"name": "name", "zh": "姓名", "type": "varchar(50)", "mask": "name"},
        {"name": "sex", "zh": "性别", "type": "char(1)"},
        {"name": "birth_date", "zh": "出生日期", "type": "date"},
        {"name": "hukou_region", "zh": "户籍区划", "type": "char(12)"},
        {"name": "household_no", "zh": "户号", "type": "char(9)"},
    ]
}
NUMBER = "('980101' || to_char(date '1930-01-01' + (i % 33000)::int, 'YYYYMMDD') || lpad((i / 33000)::text, 4, '0'))"
BARE_SQL = b"SELECT name, sex, birth_date, hukou_region FROM serving.ga_population_v1 WHERE _key = %(key)s"


def key_of(i: int) -> str:
    """Return the identity number of person i, as the copy has it."""
    from datetime import date, timedelta

    return f"980101{date(1930, 1, 1) + timedelta(days=i % 33000):%Y%m%d}{i // 33000:04d}"


class Bare:
    """The bare door: a pool, one prepared statement, JSON."""

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        import gc

        from psycopg_pool import AsyncConnectionPool

        self.pool = AsyncConnectionPool(
            os.environ["DATABASE_URL"], min_size=2, max_size=8, open=False, check=None,
            kwargs={"autocommit": True, "prepare_threshold": 2},
        )  # fmt: skip
        loop.run_until_complete(self.pool.open())
        gc.freeze()

    async def __rsgi__(self, scope: object, proto: Callable) -> None:
        import orjson

        body = orjson.loads(await proto())
        async with self.pool.connection() as link:
            row = await (await link.execute(BARE_SQL, {"key": body["key"]})).fetchone()
        proto.response_bytes(200, [("content-type", "application/json")], orjson.dumps({"row": row}))


bare = Bare()


@contextlib.contextmanager
def served(environment: dict[str, str], application: str, port: int, workers: int) -> Iterator[int]:
    """Serve an application as the city does; yield the server's process."""
    command = [sys.executable, "-m", "granian", application, "--interface", "rsgi", "--port", str(port)]
    command += ["--workers", str(workers), "--no-ws", "--log-level", "error"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT / "bench")
    try:
        from _city import _wait

        _wait(port)
        time.sleep(1.0)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def cpu_of(pid: int) -> float:
    """Return the seconds of processor time a process and its children have used."""
    import psutil

    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(sum(one.cpu_times()[:2]) for one in family)


class Caller(asyncio.Protocol):
    """One connection: sends a request, counts the answer, sends the next, until it is time."""

    def __init__(self, requests: list[bytes], until: float, counted: list[float], wrong: list[bytes]) -> None:
        self.requests, self.until, self.counted, self.wrong = requests, until, counted, wrong
        self.done = asyncio.get_running_loop().create_future()
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        self.begun = time.perf_counter()
        self.transport.write(self.requests[int(random.random() * len(self.requests))])

    def data_received(self, data: bytes) -> None:
        self.data += data
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self.data.lower().find(b"content-length:", 0, end) + 15
        if len(self.data) < end + 4 + int(self.data[at : self.data.find(b"\r", at)]):
            return
        now = time.perf_counter()
        self.counted.append(now - self.begun)
        if self.data[9:12] != b"200":
            self.wrong.append(self.data[:200])
        self.data = b""
        if now < self.until:
            self.ask()
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _drive(
    port: int, requests: list[bytes], until: float, counted: list[float], wrong: list[bytes]
) -> None:
    loop = asyncio.get_running_loop()
    _transport, caller = await loop.create_connection(
        lambda: Caller(requests, until, counted, wrong), "127.0.0.1", port
    )
    await caller.done


def load(port: int, path: str, key: str, rows: int, seconds: float, connections: int) -> dict:
    """Call one door for some seconds over some connections, random people each time."""
    requests = []
    for _ in range(100_000):
        body = json.dumps({"key": key_of(random.randrange(rows))}).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        requests.append(head.encode() + body)
    counted, wrong = [], []

    async def everybody(span: float) -> None:
        until = time.perf_counter() + span
        await asyncio.gather(*(_drive(port, requests, until, counted, wrong) for _ in range(connections)))

    asyncio.run(everybody(2.0))  # until statements are prepared and pages are in memory
    warm = len(counted)
    counted.clear()
    begun = time.perf_counter()
    asyncio.run(everybody(seconds))
    spent = time.perf_counter() - begun
    counted.sort()
    return {
        "calls": len(counted),
        "calls_before": warm,
        "per_second": round(len(counted) / spent, 1),
        "p50_ms": round(counted[len(counted) // 2] * 1000, 2),
        "p99_ms": round(counted[int(len(counted) * 0.99)] * 1000, 2),
        "most_ms": round(counted[-1] * 1000, 1),
        "wrong": len(wrong),
    }


def fill(rows: int) -> str:
    """Make the serving copy, a data set, a grant and a key; return the key."""
    from django.db import connection

    from citybrain.base.exchange.tests import lending

    data = lending.dataset("ga_population", SHAPE)
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS serving")
        cursor.execute(
            "CREATE TABLE serving.ga_population_v1 (_key text, id_no text, name text, sex text, birth_date date, "
            "hukou_region text, household_no text)"
        )
        cursor.execute(f"""INSERT INTO serving.ga_population_v1
            SELECT {NUMBER}, {NUMBER}, '张小' || (i % 97), (i % 2 + 1)::text, date '1930-01-01' + (i % 33000)::int,
                   '980101001001', lpad((i / 3)::text, 9, '0') FROM generate_series(0, {rows - 1}) AS g (i)""")
        cursor.execute("ALTER TABLE serving.ga_population_v1 ADD PRIMARY KEY (_key)")
        cursor.execute("VACUUM ANALYZE serving.ga_population_v1")
        cursor.execute(
            "INSERT INTO lake_serving (code, relation, version, rows, shape, at) VALUES (%s, %s, 1, %s, %s, now())",
            ["ga_population", "serving.ga_population_v1", rows, json.dumps(SHAPE)],
        )
    fields = ["name", "sex", "birth_date", "hukou_region"]
    conditions = [{"field": "hukou_region", "op": "prefix", "value": "980101"}]
    more = {
        "masks": {"name": "name"},
        "conditions": conditions,
        "daily_rows": 10**12,
        "rate_per_second": 10**6,
    }
    return lending.lend(data, fields, **more)[1]


def kept() -> dict:
    """Return what the receipts say: calls and groups committed, and how long groups took in the last seconds."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(calls), 0), count(*), coalesce(sum(length(body)), 0) FROM exchange_callgroup"
        )
        calls, groups, size = map(int, cursor.fetchone())
        cursor.execute("SELECT value FROM site_state WHERE key = 'data'")
        told = json.loads(cursor.fetchone()[0])
    return {
        "calls": calls,
        "groups": groups,
        "bytes_a_call": round(size / max(calls, 1), 1),
        "group_ms": told["group_ms"],
        "longest_group_ms": told["longest_group_ms"],
    }


def measured(environment: dict[str, str], key: str, ask: argparse.Namespace) -> dict:
    """Measure both doors in turns; each round's ratio is of two runs that follow each other."""
    doors = {
        "bare": ("door:bare", "/"),
        "ours": ("citybrain.site.data:application", "/v1/ga_population/by-key"),
    }
    found: dict = {name: [] for name in doors}
    receipts: list[dict] = []
    for _round in range(ask.rounds):
        for at, (name, (application, path)) in enumerate(doors.items()):
            port = ask.port + at
            with served(environment, application, port, ask.workers) as pid:
                before = cpu_of(pid)
                one = load(port, path, key, ask.rows, ask.seconds, ask.connections)
                one["server_cpu_us_a_call"] = round(
                    (cpu_of(pid) - before) * 1e6 / max(one["calls"] + one["calls_before"], 1)
                )
                if name == "ours":
                    receipts.append(kept())
            found[name].append(one)
    ratios = sorted(
        round(ours["per_second"] / bare["per_second"], 3)
        for ours, bare in zip(found["ours"], found["bare"], strict=True)
    )
    best = {name: max(rounds, key=lambda one: one["per_second"]) for name, rounds in found.items()}
    return {
        **best,
        "ratio_to_bare": ratios[len(ratios) // 2],
        "ratios": ratios,
        "receipts": receipts,
        "rounds": found,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port", type=int, default=18640)
    ask = parser.parse_args()
    sys.path[:0] = [str(ROOT), str(ROOT / "bench")]
    from citybrain.site.postgres import Server

    with tempfile.TemporaryDirectory(prefix="citybrain-bench-") as folder:
        Path(folder).chmod(0o755)
        server = Server(Path(folder) / "postgres", durable=True)
        environment = {
            **os.environ, "DATABASE_URL": server.start(), "CITYBRAIN_HOME": folder,
            "CITYBRAIN_SECRET_KEY": "bench " * 10, "DJANGO_SETTINGS_MODULE": "citybrain.site.settings",
            "CITYBRAIN_LOG_LEVEL": "WARNING",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "bench")]),
        }  # fmt: skip
        os.environ.update(environment)
        try:
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0)
            begun = time.perf_counter()
            key = fill(ask.rows)
            os.sync()  # what was just written isn't to be written while calls are counted
            filled = time.perf_counter() - begun
            result = measured(environment, key, ask)
            told = {
                "bench": "door", "rows": ask.rows, "connections": ask.connections, "workers": ask.workers,
                "fill_seconds": round(filled, 1), "goal": {"per_second": 1000, "p99_ms": 30, "group_ms": 10}, **result,
                "load_average": [round(one, 2) for one in os.getloadavg()],
            }  # fmt: skip
            print(json.dumps(told, ensure_ascii=False))
        finally:
            from django.db import connections

            connections.close_all()
            for one in connections.all():
                one.close_pool()
            server.stop()


if __name__ == "__main__":
    main()
