"""How fast the work lists are with many cases behind them: each against the bare fetch of the very same rows.

`python bench/lists.py [--cases 300000]` prints one JSON object. It makes a city of its own, multiplies its cases
over a year, and takes for each of the cast every list's first page, the counts and searches. The bare limit, in
turn with it: the same rows by primary key; for the counts one bare count of the open cases.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from _city import ROOT, city, machine

ROLES = (
    "worker", "leader", "acceptor", "dispatcher", "handler", "street_handler", "supervisor", "duty_chief", "commander",
)  # fmt: skip
SEARCHES = ("路灯", "垃圾", "井盖 破损")
ROUNDS = 7
KEPT = ("id", "submission_key", "external_ref", "duplicate_of_id", "words")


def multiply(wanted: int) -> tuple[int, int]:
    """Copy the closed cases of the city over the past year until there are `wanted`; return (all, open)."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE NOT is_open) FROM cases_case")
        there, closed = cursor.fetchone()
        times = max(0, wanted - there) // closed + 1
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'cases_case'"
            " AND column_name <> ALL(%s)",
            [list(KEPT)],
        )
        names = [row[0] for row in cursor.fetchall()]
        values = ", ".join(map(copied, names))
        cursor.execute(
            f"INSERT INTO cases_case ({', '.join(names)}) SELECT {values} FROM"
            " (SELECT *, row_number() OVER (ORDER BY id) AS place FROM cases_case WHERE NOT is_open) c,"
            f" generate_series(1, {times}) AS n"
        )
        cursor.execute("VACUUM ANALYZE cases_case")
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE is_open) FROM cases_case")
        found = cursor.fetchone()
    return int(found[0]), int(found[1])


def copied(name: str) -> str:
    """Return what a copy has in a column: its own number, times 1 to 364 days earlier, all else alike."""
    if name == "number":
        return "'9' || lpad((n::bigint * 100000 + c.place)::text, 14, '0')"
    if name.endswith("_at"):
        return f"c.{name} - interval '1 second' * ((n * 7919 % 364 + 1) * 86400 + n * 104729 % 86400)"
    return f"c.{name}"


def in_turn(ours: Callable[[], object], bare: Callable[[], object]) -> dict[str, Any]:
    """Return the medians of both in milliseconds, taken one after the other, and their ratio."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for work, times in zip((ours, bare), taken, strict=True):
            began = time.perf_counter()
            work()
            times.append((time.perf_counter() - began) * 1000)
    first, second = map(statistics.median, taken)
    return {"ms": round(first, 2), "bare_ms": round(second, 2), "ratio": round(first / second, 2)}


def statement(sql: str, params: list[Any]) -> Callable[[], object]:
    """Return a call that runs one statement and fetches everything."""
    from django.db import connection

    def call() -> object:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall()

    return call


def measure_role(login: str) -> dict[str, Any]:
    """Return list → figures for one of the cast."""
    from citybrain.base.identity.actor import actor_for
    from citybrain.base.identity.models import Person
    from citybrain.hub.cases import lists
    from citybrain.hub.cases.filters import Filters, read
    from citybrain.hub.cases.rows import COLUMNS

    actor = actor_for(Person.objects.get(login=login))
    found: dict[str, Any] = {}

    def page_of(name: str, key: str, filters: Filters) -> None:
        def ours() -> Any:
            return lists.page(actor, key, filters)

        ids = [row.id for row in ours().rows]
        bare = statement(f"SELECT {COLUMNS} FROM cases_case c WHERE c.id = ANY(%s)", [ids])
        found[name] = {"rows": len(ids), **in_turn(ours, bare)}

    for one in lists.lists_for(actor):
        page_of(one.key, one.key, Filters())
    if any(one.key == "all" for one in lists.lists_for(actor)):
        for words in SEARCHES:
            page_of(f"search {words}", "all", read({"q": words}))
    bare = statement("SELECT count(*) FROM cases_case WHERE is_open", [])
    found["counts"] = in_turn(lambda: lists.counts(actor), bare)
    return found


def inside(wanted: int) -> None:
    """Measure in the environment of the city made for it; print JSON."""
    import django

    django.setup()
    total, opened = multiply(wanted)
    roles = {login: measure_role(login) for login in ROLES}
    every = [(f"{who}/{name}", one) for who, lists in roles.items() for name, one in lists.items()]
    slowest, worst = max(every, key=lambda pair: pair[1]["ms"])
    print(
        json.dumps(
            {
                "command": f"python bench/lists.py --cases {wanted}",
                "machine": machine(),
                "load_average": round(os.getloadavg()[0], 2),
                "cases": total,
                "open": opened,
                "slowest": {"of": slowest, **worst},
                "enough": worst["ms"] < 300,
                "roles": roles,
            },
            ensure_ascii=False,
            indent=1,
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=300_000)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.inside:
        inside(chosen.cases)
        return
    with city(0.1) as environment:
        command = [sys.executable, __file__, "--inside", "--cases", str(chosen.cases)]
        done = subprocess.run(command, env=environment, cwd=ROOT, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
