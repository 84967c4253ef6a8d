"""How long a roster of a community takes out of 46 data sets, and filling a form of 40 columns for it.

`python bench/forms_fill.py [--people N] [--communities N]` starts a durable database of its own with the serving
copies of 46 data sets of a city (14 million people in 6,127 communities, scattered over every table), lends them for
forms, and reads as a community's grid leader does: rights, masks, freshness, conflicts, disputes, answers and receipts
included. Every reading is of a community not read before. Prints one JSON object.

`--keep FOLDER` keeps the database there; with a folder that holds one only what lacks is made, and the measuring done
again over other communities. `--scattered` leaves rows where they fall, as copies were made before they had places.
"""

import argparse
import contextlib
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]
SETS = 46
STREETS = 281
BORN = "to_char(date '1930-01-01' + ({p} % 33000)::int, 'YYYYMMDD')"
NUMBER = f"('980101' || {BORN} || lpad(({{p}} / 33000)::text, 4, '0'))"
# Rows for each person of the city, by data set; any other has one for every thirty.
OTHER = 0.03
SHARES = {
    "ga_population": 0.78, "ga_floating": 0.22, "rs_insurance": 0.9, "rs_card": 0.5, "wj_vaccination": 0.3,
    "wj_health_code": 0.3, "ga_household": 0.3, "rs_employment": 0.2, "yb_settlement": 0.2, "wj_visit": 0.2,
}  # fmt: skip
EXTRA = {
    "fields": [
        {"name": "rec_no", "zh": "编号", "type": "varchar(30)", "key": True},
        {"name": "id_no", "zh": "公民身份号码", "type": "char(18)", "mask": "idcard"},
        {"name": "kind", "zh": "类别", "type": "char(2)"},
        {"name": "level", "zh": "等级", "type": "integer"},
        {"name": "amount", "zh": "金额", "type": "decimal(18,2)"},
        {"name": "on_day", "zh": "日期", "type": "date"},
    ]
}


@contextlib.contextmanager
def database(keep: str) -> Iterator[None]:
    """Start a database with the tables of citybrain, in a folder that is kept or for this once; Django uses it."""
    from citybrain.site.postgres import Server

    where = contextlib.nullcontext(keep) if keep else tempfile.TemporaryDirectory(prefix="citybrain-bench-")
    with where as folder:
        Path(folder).mkdir(exist_ok=True)
        Path(folder).chmod(0o755)
        server = Server(Path(folder) / "postgres", durable=True)
        os.environ |= {
            "DATABASE_URL": server.start(), "CITYBRAIN_HOME": folder, "CITYBRAIN_SECRET_KEY": "bench " * 10,
            "DJANGO_SETTINGS_MODULE": "citybrain.site.settings", "CITYBRAIN_LOG_LEVEL": "WARNING",
        }  # fmt: skip
        import django
        from django.core.management import call_command

        django.setup()
        try:
            call_command("migrate", verbosity=0)
            yield
        finally:
            from django.db import connection

            connection.close()
            server.stop()


def areas(communities: int) -> list[Any]:
    """Make the city's areas; return its communities."""
    from citybrain.base.areas import tree
    from citybrain.base.areas.models import Area

    def add(level: int, rows: list[tuple[str, Any]]) -> list[Any]:
        names = [
            Area(code=code, name=f"{level}-{code}", kind="", level=level, parent=above, path="", pinyin="")
            for code, above in rows
        ]
        made = Area.objects.bulk_create(names)
        for one in made:
            one.path = f"{one.parent.path if one.parent else ''}{one.pk}."
        Area.objects.bulk_update(made, ["path"], batch_size=2_000)
        return made

    city = add(1, [("98", None)])[0]
    districts = add(2, [(f"9801{n:02d}", city) for n in range(1, 17)])
    few = min(STREETS, communities)
    streets = add(3, [(f"{districts[n % 16].code}{n // 16 + 1:03d}", districts[n % 16]) for n in range(few)])
    found = add(
        4, [(f"{streets[n % few].code}{n // few + 1:03d}", streets[n % few]) for n in range(communities)]
    )
    tree.forget()
    return found


def shapes() -> dict[str, Any]:
    """Return the shapes of 46 data sets about people: those of the shipped catalogue, and some more of their kind."""
    from citybrain.base.catalogue.shape import Shape
    from citybrain.base.catalogue.shipped import shipped

    found = {one.meta.code: one.shape for one in shipped() if one.shape.subject}
    for n in range(SETS - len(found)):
        found[f"xx_extra_{n:02d}"] = Shape.from_json(EXTRA)
    return found


def column_sql(code: str, shape: Any, field: Any) -> str:
    """Return the SQL of a field's value in row i about person p."""
    if field.name == shape.subject:
        return NUMBER.format(p="p")
    if field.code_table in {"region12", "grid15"}:
        return "place"
    kinds = {
        "integer": "(i % 9)", "double": "(i % 90)::float8", "decimal": "(i % 900)::numeric", "boolean": "i % 7 > 0",
        "date": "date '2020-01-01' + (i % 2000)::int", "json": "'{}'",
        "timestamp": "timestamptz '2026-01-01' + i % 20000000 * interval '1 s'",
    }  # fmt: skip
    if field.type.kind in kinds:
        return kinds[field.type.kind]
    if field.key:
        return f"'{code[:4]}' || i"
    return f"chr(19968 + (i % 900)::int) || '{field.name[:3]}' || (i % 97)"


def copy(code: str, shape: Any, people: int, *, placed: bool) -> int:
    """Make a set's serving copy with the indexes and places a copy has; return its rows."""
    from django.db import connection

    from citybrain.base.lake import residences, serving

    homes = [one.code for one in residences.registered()]
    written = placed and code in homes
    told = (
        {"table": "bench", "written": written, "by": {one: ["bench", 1] for one in homes}} if placed else {}
    )
    own = [*(["_place", "_also"] if placed else []), *(["_written"] if written else [])]

    rows = max(1, int(people * SHARES.get(code, OTHER)))
    shift = people - int(people * SHARES["ga_floating"]) if code == "ga_floating" else 0
    who = f"(i + {shift})" if code.startswith("ga_") else "(i * 7919 % %(people)s)"
    columns = ", ".join(
        [f'"{one.name}" {one.type.postgres}' for one in shape.fields] + [f"{one} bigint" for one in own]
    )
    key = "||chr(31)||".join(f'"{name}"::text' for name in shape.keys)
    named = ", ".join(f'{column_sql(code, shape, one)} AS "{one.name}"' for one in shape.fields)
    named += ", place::bigint AS _place, NULL::bigint AS _also" * placed + ", 1::bigint AS _written" * written
    with connection.cursor() as cursor:
        cursor.execute("SELECT rows FROM lake_serving WHERE code = %s", [code])
        if kept := cursor.fetchone():
            return int(kept[0])
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(f"DROP TABLE IF EXISTS serving.{code}")
        cursor.execute(f"CREATE UNLOGGED TABLE serving.{code} (_key text NOT NULL, {columns})")
        sql = (
            f"INSERT INTO serving.{code} SELECT {key}, r.* FROM (SELECT {named} FROM (SELECT i, p, code AS place "
            f"FROM (SELECT i, {who} AS p FROM generate_series(0::bigint, {rows - 1}) AS g (i)) AS n "
            "JOIN places ON places.n = (hashint8(p)::bigint & 2147483647) % (SELECT count(*) FROM places)"
            f") AS m) AS r {'ORDER BY _place' * placed}"
        )
        cursor.execute("SET work_mem = '256MB'")
        cursor.execute(sql.replace("%(people)s", str(people)))
        cursor.execute(f"ALTER TABLE serving.{code} ADD PRIMARY KEY (_key)")
        for name in serving.indexed(shape):
            cursor.execute(f'CREATE INDEX ON serving.{code} ("{name}")')
        if placed:
            cursor.execute(f"CREATE INDEX ON serving.{code} (_place)")
            cursor.execute(f"CREATE INDEX ON serving.{code} (_also) WHERE _also IS NOT NULL")
        cursor.execute(
            "INSERT INTO lake_serving (code, relation, version, rows, shape, placed, at) "
            "VALUES (%s, %s, 1, %s, %s, %s, now())",
            [code, f"serving.{code}", rows, json.dumps(shape.to_json()), json.dumps(told)],
        )
        cursor.execute(f"VACUUM ANALYZE serving.{code}")
    return rows


def copies(shapes_of: dict[str, Any], people: int, *, placed: bool) -> tuple[int, float]:
    """Make all copies, two at a time; return their rows, and the CPU seconds the server spent."""
    from django.db import connection

    def one(told: tuple[str, Any]) -> tuple[int, float]:
        try:
            with connection.cursor() as cursor:  # all is done by the one process whose seconds are counted
                cursor.execute("SET max_parallel_maintenance_workers = 0")
                cursor.execute("SET max_parallel_workers_per_gather = 0")
            before = _server()[0]
            return copy(*told, people, placed=placed), _server()[0] - before
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(one, shapes_of.items()))
    return sum(rows for rows, _spent in made), sum(spent for _rows, spent in made)


def lend(shapes_of: dict[str, Any], city: Any) -> None:
    """Publish the sets and lend them to the city's office for forms, masks as the catalogue has them."""
    from django.utils import timezone

    from citybrain.base.catalogue.models import DataSet, Grant, Request, Revision
    from citybrain.base.identity.models import Agency, AgencyKind

    kind = AgencyKind.objects.create(key="civil_affairs", name_zh="民政局", name_en="Civil affairs")
    office = Agency.objects.create(key="civil", name="民政局", kind=kind, area=city, city_id=city.pk)
    now = timezone.now()
    for code, shape in shapes_of.items():
        data = DataSet.objects.create(
            code=code, provider=office, name_zh=code, share_type=2, open_type=3, update_cycle=4, data_version=1,
            data_at=now,
        )  # fmt: skip
        told = {"number": 1, "shape": shape.to_json(), "meta": {}, "state": "published"}
        data.current = Revision.objects.create(dataset=data, **told)
        data.state = "published"
        data.save()
        names = list(shape.names)
        masks = {one.name: one.mask for one in shape.fields if one.mask}
        asked = Request.objects.create(
            dataset=data, agency=office, purpose="填表", scene="forms", fields=names, modes=["filter"], state="granted",
            asked_at=now,
        )  # fmt: skip
        Grant.objects.create(
            request=asked, dataset=data, agency=office, fields=names, masks=masks, modes=["filter"], valid_from=now,
            granted_by="system", number=f"F{asked.pk}",
        )  # fmt: skip


def leader(community: Any) -> Any:
    """Return the grid leader of a community, as they act."""
    from datetime import date

    from citybrain.base.identity.actor import actor_for
    from citybrain.base.identity.models import Agency, Person, RoleGrant

    person = Person.objects.create(
        login=f"l{community.pk}", name="网格长", agency=Agency.objects.get(), kind="officer"
    )
    RoleGrant.objects.create(person=person, role="grid_leader", area=community, valid_from=date(2026, 1, 1))
    return actor_for(person)


def columns_of(shapes_of: dict[str, Any], count: int, sets: int) -> list[Any]:
    """Return columns of a form that ask for fields of so many sets, the register first."""
    from citybrain.hub.forms.columns import Asks, Column

    chosen = list(shapes_of)[:sets]
    fields = [
        f"{code}.{one.name}"
        for at in range(20)
        for code in chosen
        for one in shapes_of[code].fields[1 + at : 2 + at]
    ]
    return [Column(f"C{n}", (key,), Asks.DATA, field=key) for n, key in enumerate(fields[:count])]


def timed(work: Callable[[Any], int], communities: list[Any]) -> dict[str, Any]:
    """Do some work for one community after the other; return seconds (the first one's apart), statements and reads."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    seconds, rows, cpu, server = [], [], [], []
    for one in communities:
        actor, served = leader(one), _server()
        begun, before = time.perf_counter(), time.process_time()
        rows.append(work((actor, one)))
        seconds.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - before)
        server.append([after - since for after, since in zip(_server(), served, strict=True)])
    with CaptureQueriesContext(connection) as seen:
        work((actor, one))
    later = sorted(seconds[1:])
    return {
        "rows": round(statistics.mean(rows)), "first_s": round(seconds[0], 3),
        "median_s": round(statistics.median(later), 3), "most_s": round(later[-1], 3),
        "our_cpu_s": round(statistics.median(cpu[1:]), 3), "statements": len(seen),
        "database_cpu_s": round(statistics.median(one[0] for one in server[1:]), 3),
        "pages_read": round(statistics.median(one[1] for one in server[1:])),
        "disk_mb": round(statistics.median(one[2] for one in server[1:]) / 1e6, 1),
    }  # fmt: skip


def _server() -> tuple[float, int, int]:
    """Return what our connection's server process has used: CPU seconds, pages from outside its buffers, disk bytes."""
    import psutil
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        asked = "SELECT pg_backend_pid(), blks_read FROM pg_stat_database WHERE datname = current_database()"
        cursor.execute(asked)
        pid, pages = cursor.fetchone()
    process = psutil.Process(pid)
    spent = process.cpu_times()
    try:
        disk = process.io_counters().read_bytes
    except psutil.AccessDenied:  # without the right to look there: none told
        disk = 0
    return spent.user + spent.system, pages, disk


def measure(shapes_of: dict[str, Any], communities: list[Any], rounds: int) -> dict[str, Any]:
    """Measure the roster and two forms, each over communities of its own."""
    gc.collect()
    gc.freeze()  # as a server does once everything is imported
    from citybrain.hub.forms import rosters
    from citybrain.hub.forms.knowing.knowing import know
    from citybrain.hub.forms.rosters import kinds

    fields = tuple((f"{code}.{shape.fields[1].name}", code, code) for code, shape in shapes_of.items())
    living = (kinds.Member("ga_population"), kinds.Member("ga_floating"))
    every = kinds.Roster("bench", "全部", "all", living, fields, (fields[0][0],))
    known = dict(kinds.rosters())
    kinds.rosters = lambda: {**known, "bench": every}  # type: ignore[assignment]

    def roster(asked: tuple[Any, Any]) -> int:
        return int(rosters.rows(asked[0], "bench", asked[1]).members)

    def form(columns: list[Any]) -> Callable[[tuple[Any, Any]], int]:
        return lambda asked: len(list(know(asked[0], asked[1], columns).rows()))

    from citybrain.base.identity.models import Person

    before = Person.objects.count() // 3  # communities read before, where the database was kept
    parts = [communities[at::3][before : before + rounds + 1] for at in range(3)]
    return {
        "roster_of_46_sets": timed(roster, parts[0]),
        "form_of_40_columns_from_12_sets": timed(form(columns_of(shapes_of, 40, 12)), parts[1]),
        "form_of_40_columns_from_40_sets": timed(form(columns_of(shapes_of, 40, 40)), parts[2]),
    }


def make(shapes_of: dict[str, Any], wish: argparse.Namespace) -> tuple[int, float, float]:
    """Make the city and its copies; return their rows, the seconds that took, and the server's CPU seconds."""
    from citybrain.base.areas.models import Area

    if not Area.objects.exists():
        lay_out(shapes_of, wish)
    begun = time.perf_counter()
    rows, spent = copies(shapes_of, wish.people, placed=not wish.scattered)
    return rows, time.perf_counter() - begun, spent


def lay_out(shapes_of: dict[str, Any], wish: argparse.Namespace) -> None:
    """Make the areas and who may read what, and tell PostgreSQL the places."""
    from django.db import connection

    places = areas(wish.communities or max(1, wish.people * 6_127 // 14_000_000))
    lend(shapes_of, places[0].parent.parent.parent)
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS serving")
        cursor.execute("CREATE TABLE places (n bigint, code text)")
        rows = [(n, one.code) for n, one in enumerate(places)]
        cursor.executemany("INSERT INTO places VALUES (%s, %s)", rows)
        cursor.execute("ANALYZE places")


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--people", type=int, default=14_000_000)
    ask.add_argument("--communities", type=int, default=0, help="default: as many as give 2,285 people each")
    ask.add_argument("--rounds", type=int, default=10)
    ask.add_argument("--keep", default="", help="folder of a database that is kept, or was")
    ask.add_argument("--scattered", action="store_true", help="copies without places")
    wish = ask.parse_args()
    with database(wish.keep):
        from _city import machine

        from citybrain.base.areas.models import Area

        shapes_of = shapes()
        told = Path(wish.keep or os.environ["CITYBRAIN_HOME"]) / "made.json"
        if not told.exists():
            rows, seconds, spent = make(shapes_of, wish)
            made = {
                "people": wish.people,
                "placed": not wish.scattered,
                "rows": rows,
                "made_s": round(seconds),
            }
            told.write_text(json.dumps({**made, "made_database_cpu_s": round(spent)}))
        places = list(Area.objects.filter(level=4).order_by("pk"))
        found = measure(shapes_of, places, wish.rounds)
        told_made = json.loads(told.read_text())
    result = {
        **told_made, "communities": len(places), "sets": len(shapes_of), **found,
        "wanted": {"roster_s": 2.0, "form_s": 3.0}, "machine": machine(),
    }  # fmt: skip
    print(json.dumps(result, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
