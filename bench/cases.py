"""Cases under load: intake by API and its ratio to the bare limit, whole lifecycles, a million past cases.

`python bench/cases.py [intake] [lifecycle] [import] [--seconds N]` prints one JSON object. Everything is durable:
fsync on, synchronous commit. The load client shares the two cores with server and database.
"""

import argparse
import json
import statistics
import sys
import uuid
from typing import Any

import _city

PORT = 18_431
ROUNDS = 3
SETUP = """
import json, django; django.setup()
from citybrain.base.areas.models import AreaShape
from citybrain.base.areas.tree import tree
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.models import Person
from citybrain.faces.gateway import clients
person = Person.objects.create(kind="citizen", name="load", phone="19899990000")
key = clients.issue_key(SYSTEM, person, "load")
shapes = AreaShape.objects.filter(area__level=5)[:400]
points = [[shape.label_lon, shape.label_lat] for shape in shapes]
lineage = tree().get(shapes[0].area_id).lineage
print(json.dumps({"key": key, "points": points, "lineage": lineage}))
"""
TEXTS = (
    "路边暴露垃圾堆了好几天",
    "路灯不亮晚上很黑",
    "井盖松动有响声",
    "人行道有人乱停车",
    "下水道堵了污水外溢",
    "楼下烧烤油烟很大",
)


def reports(points: list[list[float]], count: int, key: str) -> list[bytes]:
    """Return that many different reports as HTTP requests."""
    made = []
    for number in range(count):
        lon, lat = points[number % len(points)]
        text = f"{TEXTS[number % len(TEXTS)]},第{number}号"
        body = {"description": text, "lon": lon, "lat": lat, "submission_key": str(uuid.uuid4())}
        made.append(_city.post("/api/v1/reports", body, key))
    return made


def intake(environment: dict[str, str], count: int) -> dict[str, Any]:
    """Return rates of ours and of the bare limit, in turn, and the median ratio of the pairs."""
    known = json.loads(_city.run(environment, "-c", SETUP))
    names = ("CITY", "DISTRICT", "STREET", "COMMUNITY", "GRID")
    bare_environment = {
        **environment, "PYTHONPATH": f"{_city.ROOT}:{_city.ROOT}/bench",
        **{f"BENCH_{name}": str(area) for name, area in zip(names, known["lineage"], strict=True)},
    }  # fmt: skip
    ours, bare = [], []
    with (
        _city.web(environment, "citybrain.site.wsgi:application", PORT),
        _city.web(bare_environment, "_bare:application", PORT + 1),
    ):
        for port in (PORT, PORT + 1):
            _city.load(port, reports(known["points"], 200, known["key"]))
        for _ in range(ROUNDS):
            ours.append(_city.load(PORT, reports(known["points"], count, known["key"])))
            bare.append(_city.load(PORT + 1, reports(known["points"], count, known["key"])))
    ratios = [mine["per_second"] / limit["per_second"] for mine, limit in zip(ours, bare, strict=True)]
    return {
        "goal_per_second": 300,
        "per_second": statistics.median(one["per_second"] for one in ours),
        "bare_per_second": statistics.median(one["per_second"] for one in bare),
        "ratio_to_bare": round(statistics.median(ratios), 3),
        "rounds": {"ours": ours, "bare": bare},
    }


LIFECYCLE = """
import json, sys, time, django; django.setup()
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from django.db import connection
from django.utils import timezone
from citybrain.base.areas.models import AreaShape
from citybrain.base.identity.actor import actor_for, ANONYMOUS
from citybrain.base.identity.models import Person, RoleGrant
from citybrain.hub.cases import actions, photos, routing
from citybrain.hub.cases.intake import Report
from citybrain.hub.cases.models import Case, CasePhoto
from citybrain.hub.cases.states import Source, State
count, seed = int(sys.argv[1]), int(sys.argv[2])
chief = actor_for(Person.objects.filter(grants__role="duty_chief", grants__area__level=1).first())
points = [(s.label_lon, s.label_lat) for s in AreaShape.objects.filter(area__level=5)[:300]]
handlers = {}
for grant in RoleGrant.objects.filter(role="handler", revoked_at=None).select_related("person"):
    handlers.setdefault(grant.agency_id, grant.person)
handlers = {agency: actor_for(person) for agency, person in handlers.items()}
blank = dict(kind="after", digest="0" * 64, width=1, height=1, size=1, uploaded_at=timezone.now())
tokens = [photo.token for photo in CasePhoto.objects.bulk_create([CasePhoto(**blank) for _ in range(count)])]
done = 0
begun = time.perf_counter()
for number in range(count):
    lon, lat = points[(number * 7 + seed) % len(points)]
    report = Report(Source.CITIZEN, f"路边暴露垃圾 {seed}-{number}", lon, lat, item_code="010101")
    case_id = actions.report(ANONYMOUS, report).case_id
    actions.take(chief, case_id, "file", {"item": "010101"})
    case = Case.objects.get(pk=case_id)
    agency = case.suggested_agency_id if case.suggested_agency_id in handlers else next(iter(handlers))
    actions.take(chief, case_id, "dispatch", {"agency": agency})
    actions.take(handlers[agency], case_id, "accept")
    actions.take(handlers[agency], case_id, "feedback", {"reason": "清理完毕", "photos": [str(tokens[number])]})
    actions.take(chief, case_id, "start_check")
    actions.take(chief, case_id, "pass_check", {"solved": True})
    done += actions.take(chief, case_id, "close").state == State.CLOSED
print(json.dumps({"closed": done, "seconds": time.perf_counter() - begun}))
"""


def lifecycle(environment: dict[str, str], count: int) -> dict[str, Any]:
    """Return whole lives (report, file, dispatch, accept, handle, check, close) per second, by two processes."""
    import subprocess
    import time

    begun = time.perf_counter()
    both = [
        subprocess.Popen(
            [sys.executable, "-c", LIFECYCLE, str(count), str(seed)],
            env=environment, cwd=_city.ROOT, stdout=subprocess.PIPE, text=True,
        )
        for seed in (1, 2)
    ]  # fmt: skip
    told = [json.loads(one.communicate()[0]) for one in both]
    wall = time.perf_counter() - begun
    return {
        "goal_per_second": 40,
        "per_second": round(sum(one["closed"] for one in told) / max(one["seconds"] for one in told), 1),
        "closed": sum(one["closed"] for one in told),
        "seconds_with_start": round(wall, 1),
    }


BULK = """
import json, sys, time, django; django.setup()
from pathlib import Path
from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.cases.importing import importer, mapping
begun = time.perf_counter()
totals = importer.import_file(SYSTEM, Path(sys.argv[1]), mapping.read(Path(sys.argv[2])))
print(json.dumps({"seconds": time.perf_counter() - begun, "totals": totals.to_json()}))
"""
MAP = """
[file]
time_zone = "Asia/Shanghai"
[key]
prefix = "bench:"
columns = ["id"]
[times]
reported = "opened"
due = "due"
closed = "closed"
[text]
description = ["text"]
address = "address"
[place]
lon = "lon"
lat = "lat"
[item]
column = "type"
[item.values]
"垃圾" = "010101"
"路灯" = "020301"
"井盖" = "020101"
[source]
default = "06"
"""


def past(environment: dict[str, str], count: int) -> dict[str, Any]:
    """Return the seconds to import past cases from a CSV made here, points in the city, a third of them late."""
    import csv
    import random
    from datetime import datetime, timedelta
    from pathlib import Path
    from zoneinfo import ZoneInfo

    known = json.loads(_city.run(environment, "-c", SETUP.replace("19899990000", "19899990001")))
    folder = Path(environment["CITYBRAIN_HOME"])
    (folder / "map.toml").write_text(MAP, encoding="utf-8")
    rng = random.Random(7)
    first = datetime(2025, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    with (folder / "past.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "opened", "due", "closed", "type", "text", "address", "lon", "lat"])
        for number in range(count):
            opened = first + timedelta(seconds=30 * number)
            lon, lat = rng.choice(known["points"])
            closed = opened + timedelta(minutes=rng.randrange(10, 4000))
            text = f"{rng.choice(TEXTS)}，{rng.randrange(1, 999)}号楼附近，请尽快处理"
            rows.writerow([
                number, opened.isoformat(), (opened + timedelta(minutes=2700)).isoformat(), closed.isoformat(),
                rng.choice(("垃圾", "路灯", "井盖", "其他")), text, f"建设路{rng.randrange(300)}号", lon, lat,
            ])  # fmt: skip
    told = json.loads(_city.run(environment, "-c", BULK, str(folder / "past.csv"), str(folder / "map.toml")))
    totals = told["totals"]
    return {
        "goal_seconds_per_million": 180,
        "rows": count,
        "cases": totals["cases"],
        "seconds": round(told["seconds"], 1),
        "seconds_per_million": round(told["seconds"] * 1_000_000 / count, 1),
    }


def main() -> None:
    """Run what was asked for, or all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=[])
    parser.add_argument("--requests", type=int, default=3000, help="a round of intake")
    parser.add_argument("--lifecycles", type=int, default=300, help="per process")
    parser.add_argument("--past", type=int, default=1_000_000, help="rows to import")
    given = parser.parse_args()
    wanted = given.what or ["intake", "lifecycle", "import"]
    told: dict[str, Any] = {"machine": _city.machine()}
    with _city.city() as environment:
        if "intake" in wanted:
            told["intake"] = intake(environment, given.requests)
        if "lifecycle" in wanted:
            told["lifecycle"] = lifecycle(environment, given.lifecycles)
        if "import" in wanted:
            told["import"] = past(environment, given.past)
    sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
