"""Who read mine: one citizen over a year of 36 million deliveries a day.

`python bench/readings.py [--days N] [--people N] [--citizens N]` makes a scratch database beside that of DATABASE_URL
(or a server of its own), and prints one JSON object. A day is about 300 files of 1,000 to 1,000,000 people and
3,600 receipts of calls by key (150 grants, every hour), 36 million deliveries to 14 million people in all.

One day is folded whole, to say what it costs in time and bytes. Of the other days only the blocks of the buckets that
the asked citizens fall into are made: a look reads one block a day and no other, so it reads the very bytes it would
read of whole files. Every receipt of every day is in the database.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
FILES, HOURS, GRANTS = 300, 24, 150
BY_KEY = 3_000_000  # calls a day
LAST = date(2026, 11, 20)


def sizes(rng: np.random.Generator, deliveries: int) -> np.ndarray:
    """Return the people of each receipt of a day: files first, spread evenly over the powers of ten, then calls."""
    files = 10 ** rng.uniform(3, 6, FILES)
    files = np.minimum(files * (deliveries - BY_KEY) / files.sum(), 1_000_000)
    calls = rng.dirichlet(np.full(HOURS * GRANTS, 0.7)) * BY_KEY
    return np.concatenate([files, calls]).astype(np.int64)


def whole_day(rng: np.random.Generator, people: int, deliveries: int) -> list[np.ndarray]:
    """Return the people of every receipt of one day."""
    sets = []
    for place, size in enumerate(sizes(rng, deliveries).tolist()):
        repeat = place >= FILES
        found = rng.integers(1, people + 1, size) if repeat else _distinct(rng, people, size)
        found.sort()
        sets.append(found.astype(np.uint64))
    return sets


def _distinct(rng: np.random.Generator, people: int, size: int) -> np.ndarray:
    found = np.unique(rng.integers(1, people + 1, int(size * 1.1) + 10))
    return rng.permutation(found)[:size]


def some_buckets(rng: np.random.Generator, people: int, deliveries: int, buckets: list[int]) -> np.ndarray:
    """Return the sorted entries of a day that fall into some buckets, as `segments.sort_keys` gives them."""
    from citybrain.base.exchange.delivery import segments

    drawn = sizes(rng, deliveries)
    parts = []
    for bucket in buckets:
        counts = rng.binomial(drawn, 1 / segments.BUCKETS)
        places = np.repeat(np.arange(len(drawn), dtype=np.uint64), counts)
        inside = rng.integers(0, people // segments.BUCKETS, len(places)).astype(np.uint64)
        keys = np.uint64(bucket) << np.uint64(52) | places << np.uint64(32) | inside
        is_file = places < FILES  # a file holds a person once
        parts += [np.unique(keys[is_file]), keys[~is_file]]
    return np.sort(np.concatenate(parts))


INSERT = """
INSERT INTO exchange_receipt (id, grant_id, grant_number, agency_id, dataset, version, mode, fields, conditions,
  key_ids, first_at, last_at, calls, rows, kind, keys, digest, folded)
SELECT %(first)s + i, i %% 150 + 1, 'G' || i %% 150, i %% 40 + 1, 'ga_population', 7,
  CASE WHEN i < 300 THEN 'batch' ELSE 'key' END, '["name", "sex"]', '[]', '[]', %(at)s, %(at)s + interval '1 hour',
  1, 1, 'subject', 1, md5(%(first)s::text || i) || md5(i::text), %(segment)s
  FROM generate_series(0, %(count)s - 1) AS g (i)"""


def fill_database(days: int, paths: list[str], count: int) -> None:
    """Write every receipt and segment of all days."""
    from django.db import connection

    from citybrain.base.exchange.models import Segment

    with connection.cursor() as cursor:
        for n in range(days):
            day = LAST - timedelta(days=n)
            segment = Segment.objects.create(
                day=day, path=paths[n], receipts=count, entries=1, size=1, digest="", closed=True
            )
            at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
            cursor.execute(INSERT, {"first": n * count + 1, "at": at, "count": count, "segment": segment.pk})
        cursor.execute("ANALYZE exchange_receipt")


def measured(ask: argparse.Namespace, home: Path) -> dict:
    """Make the year and look."""
    from django.conf import settings

    settings.HOME = home
    rng = np.random.default_rng(ask.seed)
    told, count = one_day(ask, rng, home)
    numbers = [f"98010119900101{n:04d}" for n in range(ask.citizens)]
    ordinals = [int(one) for one in rng.integers(1, ask.people, ask.citizens)]
    return {**told, **the_year(ask, rng, home, count, ordinals), **looks(ask, home, numbers, ordinals)}


def one_day(ask: argparse.Namespace, rng: np.random.Generator, home: Path) -> tuple[dict, int]:
    """Fold one day whole; return its figures and its number of receipts."""
    from citybrain.base.exchange.delivery import coding, segments

    begun = time.process_time()
    sets = whole_day(rng, ask.people, ask.deliveries)
    made = time.process_time() - begun
    begun = time.process_time()
    keys = segments.sort_keys(sets)
    count, entries = len(sets), len(keys)
    size = segments.write(home / "receipts" / "day.seg", range(1, count + 1), keys)
    folded = time.process_time() - begun
    begun = time.process_time()
    own = sum(len(coding.pack_sorted(np.unique(one))) for one in sets)
    packed = time.process_time() - begun
    cpu = {
        "fold_a_day": round(folded, 1),
        "code_a_day_s_sets": round(packed, 1),
        "simulate_a_day": round(made, 1),
    }
    return {
        "deliveries_a_day": entries, "receipts_a_day": count, "people": ask.people, "days": ask.days,
        "index_bytes_a_day": size, "index_bytes_a_delivery": round(size / entries, 3),
        "set_bytes_a_day": own, "set_bytes_a_delivery": round(own / entries, 3),
        "a_year_gib": round((size + own) * 365 / 2**30, 1), "cpu_seconds": cpu,
    }, count  # fmt: skip


def the_year(
    ask: argparse.Namespace, rng: np.random.Generator, home: Path, count: int, ordinals: list[int]
) -> dict:
    """Write the blocks in which the asked citizens lie, for every day, and the rows that name them."""
    from django.db import connection

    from citybrain.base.exchange.delivery import segments

    buckets = sorted({one % segments.BUCKETS for one in ordinals})
    begun = time.process_time()
    paths = [f"{LAST - timedelta(days=n):%Y/%m/%d}.seg" for n in range(ask.days)]
    for n, path in enumerate(paths):
        some = some_buckets(rng, ask.people, ask.deliveries, buckets)
        first = n * count + 1
        segments.write(home / "receipts" / path, range(first, first + count), some)
    simulated = time.process_time() - begun
    fill_database(ask.days, paths, count)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('exchange_receipt')")
        table = cursor.fetchone()[0]
    return {
        "receipt_rows_gib": round(table / 2**30, 2),
        "simulate_the_year_s_blocks_cpu_seconds": round(simulated, 1),
        "block_bytes": os.path.getsize(home / "receipts" / paths[-1]) // len(buckets),
        "only_asked_buckets_beyond_one_day": True,
    }


def looks(ask: argparse.Namespace, home: Path, numbers: list[str], ordinals: list[int]) -> dict:
    """Ask who read each citizen's data, and time it."""
    from citybrain.base.exchange.delivery import readings, subjects
    from citybrain.base.exchange.models import Subject
    from citybrain.base.identity.actor import SYSTEM

    Subject.objects.bulk_create(
        Subject(token=subjects.token_of(number), ordinal=one)
        for number, one in zip(numbers, ordinals, strict=True)
    )
    since, until = datetime(2025, 11, 1, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)
    found = []
    for number in numbers:
        if ask.cold:
            drop_from_memory(home)
        begun, cpu = time.perf_counter(), time.process_time()
        told = readings.of_subject(SYSTEM, number, since, until, "bench")
        found.append((time.perf_counter() - begun, time.process_time() - cpu, len(told)))
    found.sort()
    return {
        "look_seconds": {"median": round(found[len(found) // 2][0], 3), "most": round(found[-1][0], 3)},
        "look_cpu_seconds": round(max(look[1] for look in found), 3),
        "readings_found": [look[2] for look in found],
        "pages_dropped_before_each_look": ask.cold,
    }


def drop_from_memory(home: Path) -> None:
    """Ask the system to forget the pages of all segments, so that a look reads the disk."""
    for path in (home / "receipts").rglob("*.seg"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--people", type=int, default=14_000_000)
    parser.add_argument("--deliveries", type=int, default=36_000_000)
    parser.add_argument("--citizens", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--warm", dest="cold", action="store_false", help="leave the files in memory between looks"
    )
    ask = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from citybrain.site.postgres import Server

    with tempfile.TemporaryDirectory(prefix="citybrain-bench-") as folder:
        Path(folder).chmod(0o755)
        server = Server(Path(folder) / "postgres", durable=False)
        os.environ |= {
            "DATABASE_URL": server.start(), "CITYBRAIN_HOME": folder,
            "DJANGO_SETTINGS_MODULE": "citybrain.site.settings",
            "CITYBRAIN_SECRET_KEY": "bench " * 10, "CITYBRAIN_LOG_LEVEL": "WARNING",
        }  # fmt: skip
        try:
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0)
            print(json.dumps({"bench": "readings", **measured(ask, Path(folder)),
                              "load_average": [round(one, 2) for one in os.getloadavg()]}))  # fmt: skip
        finally:
            from django.db import connections

            connections.close_all()
            for one in connections.all():
                one.close_pool()
            server.stop()


if __name__ == "__main__":
    main()
