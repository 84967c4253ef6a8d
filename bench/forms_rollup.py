"""How long a form's round takes over a whole city: issued to 6,127 communities, counted, rolled up.

`python bench/forms_rollup.py [--communities 6127] [--rows 20]` prints one JSON object. It makes a database of its own
with 16 districts and 281 streets, issues a table of figures of 40 columns (ten of them personal) and a roster of the
same columns, puts answers into every sheet, and takes each reading five times. The bare limit beside the roll-up: one
statement that adds up the same numbers, without rights, levels, hidden figures or texts.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from _city import ROOT, machine, run

DISTRICTS, STREETS, COMMUNITIES = 16, 281, 6127
COLUMNS, PERSONAL, TURNS = 40, 10, 5


@contextmanager
def database() -> Iterator[dict[str, str]]:
    """Start a durable database of its own with the tables; yield the environment that leads to it."""
    from citybrain.site.postgres import Server

    with tempfile.TemporaryDirectory(prefix="citybrain-bench-") as folder:
        Path(folder).chmod(0o755)
        server = Server(Path(folder) / "postgres", durable=True)
        environment = {
            **os.environ, "DATABASE_URL": server.start(), "CITYBRAIN_HOME": folder,
            "DJANGO_SETTINGS_MODULE": "citybrain.site.settings", "CITYBRAIN_SECRET_KEY": "bench " * 10,
            "CITYBRAIN_LOG_LEVEL": "WARNING", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        try:
            run(environment, "-m", "django", "migrate", "-v", "0")
            yield environment
        finally:
            server.stop()


def make_areas(communities: int) -> Any:
    """Make a city with its districts, streets and communities; return the city."""
    from citybrain.base.areas import tree
    from citybrain.base.areas.models import Area, AreaVersion

    def below(parents: list[Any], count: int, level: int, kind: str, width: int) -> list[Any]:
        made = [
            Area(
                code=f"{parents[at % len(parents)].code}{at // len(parents) + 1:0{width}d}", name=f"{level}-{at}",
                level=level, kind=kind, parent=parents[at % len(parents)], path="", pinyin="",
            )
            for at in range(count)
        ]  # fmt: skip
        made = Area.objects.bulk_create(made)
        for one in made:
            one.path = f"{one.parent.path}{one.pk}."
        Area.objects.bulk_update(made, ["path"], batch_size=2000)
        return made

    top = Area.objects.create(code="98", name="津海市", level=1, kind="municipality", path="", pinyin="")
    top.path = f"{top.pk}."
    top.save()
    districts = below([top], DISTRICTS, 2, "district", 4)
    streets = below(districts, STREETS, 3, "subdistrict", 3)
    below(streets, communities, 4, "community", 3)
    AreaVersion.objects.update_or_create(pk=1, defaults={"version": 2})
    tree.forget()
    return top


def make_form(top: Any, shaped: str) -> Any:
    """Make an admitted form of the city's civil affairs office."""
    from citybrain.base.identity.models import Agency, AgencyKind
    from citybrain.hub.forms.columns import Asks, Column, Sums
    from citybrain.hub.forms.models import Form, Version

    kind, _new = AgencyKind.objects.get_or_create(
        key="civil_affairs", defaults={"name_zh": "民政局", "name_en": ""}
    )
    office, _new = Agency.objects.get_or_create(
        key="civil", defaults={"name": "民政局", "kind": kind, "area": top, "city_id": top.pk}
    )
    columns = [
        Column(
            f"{chr(65 + at // 26 - 1) if at >= 26 else ''}{chr(65 + at % 26)}", (f"第{at}项人数",), Asks.ANSWER,
            type="integer", personal="personal" if at < PERSONAL else "none", sums=Sums.SUM,
        )
        for at in range(COLUMNS)
    ]  # fmt: skip
    form = Form.objects.create(title=shaped, number=shaped, office=office, state="admitted", shaped=shaped)
    form.current = Version.objects.create(
        form=form, number=1, columns=[one.to_json() for one in columns], changed_by="system"
    )
    form.save()
    return form


def fill(round_: Any, rows_each: int, rng: random.Random) -> None:
    """Put answers into every sheet as handing in leaves them: rows, and totals worked out by the same code."""
    from django.db import connection
    from psycopg.types.json import Jsonb

    from citybrain.hub.forms.collecting.rows import Line
    from citybrain.hub.forms.collecting.totals import totals
    from citybrain.hub.forms.models import Sheet

    columns, shaped = round_.version.shape, round_.form.shaped
    sheets = list(Sheet.objects.filter(round=round_))
    stored = []
    for sheet in sheets:
        lines = []
        for place in range(rows_each):
            most = 40 if shaped == "figures" else 1
            values = {one.letter: str(rng.randrange(most + 1)) for one in columns}
            lines.append(Line("area" if shaped == "figures" else f"n{place:032x}", place + 1, values))
        stored += [(sheet.pk, line) for line in lines]
        sheet.totals, sheet.state, sheet.rows_count = totals(lines, columns, shaped), "accepted", rows_each
    Sheet.objects.bulk_update(sheets, ["totals", "state", "rows_count"], batch_size=500)
    with (
        connection.cursor() as cursor,
        cursor.copy('COPY forms_row (sheet_id, key, position, "values", marks, removed) FROM STDIN') as copy,
    ):
        for sheet_id, line in stored:
            copy.write_row((sheet_id, line.key, line.position, Jsonb(line.values), Jsonb({}), False))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE forms_sheet")


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Return the median and the worst of some turns, in seconds, and the median of CPU time of this process."""
    taken, busy = [], []
    for _turn in range(TURNS):
        began, cpu = time.perf_counter(), time.process_time()
        work()
        taken.append(time.perf_counter() - began)
        busy.append(time.process_time() - cpu)
    return {
        "s": round(statistics.median(taken), 3), "worst_s": round(max(taken), 3),
        "cpu_s": round(statistics.median(busy), 3),
    }  # fmt: skip


def bare(round_: Any) -> Callable[[], object]:
    """Return a call that only adds up the same numbers."""
    from django.db import connection

    def call() -> object:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT t.key, sum((t.value ->> 1)::numeric) FROM forms_sheet s,"
                " jsonb_each(s.totals) AS t WHERE s.round_id = %s GROUP BY 1",
                [round_.pk],
            )
            return cursor.fetchall()

    return call


def measure(shaped: str, top: Any, rows_each: int, rng: random.Random) -> dict[str, Any]:
    """Return the figures of one round."""
    from django.utils import timezone

    from citybrain.base.identity.actor import SYSTEM
    from citybrain.hub.forms import collecting

    form = make_form(top, shaped)
    began = time.perf_counter()
    round_ = collecting.issue(SYSTEM, form, top, 4, timezone.now() + timedelta(days=3))
    issued = round(time.perf_counter() - began, 3)
    fill(round_, rows_each, rng)
    found = collecting.rollup(SYSTEM, round_, 4)
    return {
        "sheets": round_.sheets.count(), "rows": rows_each * round_.sheets.count(), "columns": COLUMNS,
        "personal": PERSONAL, "hidden_figures": found.hidden, "issue_s": issued,
        "rollup_by_district": timed(lambda: collecting.rollup(SYSTEM, round_, 2)),
        "rollup_by_street": timed(lambda: collecting.rollup(SYSTEM, round_, 3)),
        "rollup_by_community": timed(lambda: collecting.rollup(SYSTEM, round_, 4)),
        "progress": timed(lambda: collecting.progress(SYSTEM, round_)),
        "map_by_street": timed(lambda: collecting.map_feed(SYSTEM, round_, 3)),
        "bare_sum": timed(bare(round_)),
    }  # fmt: skip


def inside(communities: int, rows_each: int) -> None:
    """Measure in the environment of the database made for it; print JSON."""
    import django

    django.setup()
    top, rng = make_areas(communities), random.Random(4)
    found = {"figures": measure("figures", top, 1, rng), "roster": measure("roster", top, rows_each, rng)}
    print(json.dumps(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--communities", type=int, default=COMMUNITIES)
    parser.add_argument("--rows", type=int, default=20, help="rows of each sheet of the roster")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        inside(asked.communities, asked.rows)
        return
    with database() as environment:
        command = [
            sys.executable, __file__, "--inside", "--communities", str(asked.communities), "--rows", str(asked.rows),
        ]  # fmt: skip
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench: {done.stderr[-2000:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    print(
        json.dumps(
            {"machine": machine(), "wanted": {"rollup_s": 2.0}, **result}, indent=1, ensure_ascii=False
        )
    )


if __name__ == "__main__":
    main()
