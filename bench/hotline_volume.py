"""The hotline of a city of 14 million: the operator's screen, pages, loops and intake with years of tickets behind.

`python bench/hotline_volume.py [--tickets 2000000] [--a-day 10000] [--callers 500000] [--entries 50000]` makes a city
of its own with a made-up history (`_hotline_city`) and prints one JSON object; `--here` measures in the city that
the environment names. Milliseconds are of the processor, ours and the database's process together (no parallel
plans). `reads_whole` names large tables that a plan reads from end to end. The bare limit of a page is the fetch of
50 tickets by primary key; of the intake, its one statement alone.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import _city
from _hotline_city import Volume, fill, message, phone_of
from _measuring import Work, figures, once

SCREEN_MS = 1000  # in which the operator's screen answers
KNOWLEDGE_MS = 50
PAGE_MS = 1000
SEARCHES = ("暖气不热", "路灯", "井盖 松动", "东风岭泉小区", "RX26")


def texts(count: int, seed: int) -> list[str]:
    """Return messages that nobody sent yet."""
    rng = random.Random(seed)
    return [message(rng) for _ in range(count)]


def actors() -> dict[str, Any]:
    """Return people by login as who they are; `district_operator` sees one district only."""
    from django.utils import timezone

    from citybrain.base.areas.models import Area
    from citybrain.base.identity.models import Person, RoleGrant

    operator = Person.objects.get(login="hotline_operator")
    one, made = Person.objects.get_or_create(
        login="district_operator", defaults={"kind": "officer", "name": "区话务员", "agency": operator.agency}
    )
    if made:
        for role in ("hotline_operator", "hotline_manager"):
            area = Area.objects.filter(level=2).order_by("id")[0]
            RoleGrant.objects.create(person=one, role=role, area=area, valid_from=timezone.localdate())
    logins = ("hotline_operator", "hotline_manager", "district_operator", "knowledge_manager")
    people = {login: Person.objects.get(login=login) for login in logins}
    return people | {"unit": _busy_unit(Person)}


def _busy_unit(person: Any) -> Any:
    """Return a handler of the unit that has most open tickets."""
    from django.db.models import Count

    from citybrain.hub.hotline.models import Ticket

    busiest = (
        Ticket.objects.filter(is_open=True, agency__isnull=False)
        .values_list("agency")
        .annotate(n=Count("id"))
    )
    for agency_id, _n in busiest.order_by("-n")[:50]:
        found = person.objects.filter(
            agency_id=agency_id, grants__role="handler", grants__revoked_at=None
        ).first()
        if found is not None:
            return found
    raise SystemExit("bench: no unit with a handler has tickets")


def bare_page() -> Work:
    """Return the least of a page: fifty tickets by their keys."""
    from django.db import connection

    from citybrain.hub.hotline.models import Ticket
    from citybrain.hub.hotline.rows import COLUMNS

    ids = list(Ticket.objects.order_by("-id").values_list("id", flat=True)[1000:1050])

    def work() -> object:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {COLUMNS} FROM hotline_ticket t WHERE t.id = ANY(%s)", [ids])
            return cursor.fetchall()

    return work


def screen(people: dict[str, Any]) -> dict[str, Any]:
    """Return the operator's look-ups while typing, whole and by part, for messages that grow as they are typed."""
    from citybrain.base.identity.actor import actor_for
    from citybrain.faces.desk.hotline.answers import find
    from citybrain.faces.desk.hotline.live_reading import hear
    from citybrain.faces.desk.hotline.looking import look
    from citybrain.faces.desk.hotline.same import Told, find_same
    from citybrain.hub.hotline.answers.looking import near_entries, search
    from citybrain.hub.hotline.callers.looking import look_up

    def figures_of(actor: Any) -> dict[str, Any]:
        forms = list(typed(60))
        said = [one["text"] for one in forms]
        phones = [one["phone"] for one in forms]
        return {
            "whole": figures([partial(look, actor, form) for form in forms], bare_page()),
            "caller": figures([partial(look_up, actor, phone) for phone in phones]),
            "same": figures([partial(find_same, actor, Told(text)) for text in said]),
            "reading": figures([partial(hear, text) for text in said]),
            "knowledge": figures([partial(find, actor, text) for text in said]),
            "knowledge_looked_up": figures([partial(near_entries, actor, text) for text in said]),
            "knowledge_searched": figures([partial(search, actor, words) for words in SEARCHES[:4]]),
        }

    told = {
        login: figures_of(actor_for(people[login])) for login in ("hotline_operator", "district_operator")
    }
    slowest = max(one["whole"]["p95_ms"] for one in told.values())
    base = max(one["knowledge_looked_up"]["database_ms"] for one in told.values())
    met = slowest < SCREEN_MS and base < KNOWLEDGE_MS
    return {"goal_ms": SCREEN_MS, "knowledge_goal_database_ms": KNOWLEDGE_MS, "met": met, **told}


def typed(count: int) -> Iterator[dict[str, str]]:
    """Yield forms as they stand while somebody types: half of them with a point, callers rare and frequent."""
    from citybrain.hub.hotline.models import Caller, Ticket

    first = Caller.objects.filter(shown__startswith="199****").order_by("id").values_list("id", flat=True)[0]
    points = list(
        Ticket.objects.filter(lon__isnull=False)
        .order_by("-id")
        .values_list("lon", "lat", "district_id")[:count]
    )
    rng = random.Random(11)
    for at, text in enumerate(texts(count, 5)):
        lon, lat, district = points[at]
        form = {"text": text[: rng.randrange(20, len(text))], "phone": phone_of(first + at * 16)}
        if at % 2:
            form |= {"lon": str(lon), "lat": str(lat)}
        elif at % 4:
            form |= {"area": str(district)}
        yield form


def addresses(people: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (login, name, address) of the pages."""
    from django.db.models import Count

    from citybrain.base.identity.actor import actor_for
    from citybrain.hub.hotline import lists
    from citybrain.hub.hotline.models import Caller, Ticket, Topic

    hotline = "/desk/hotline/"
    for login in ("hotline_operator", "hotline_manager", "district_operator", "unit"):
        for one in lists.lists_for(actor_for(people[login])):
            yield login, f"list {one.key}", f"{hotline}work/{one.key}/"
        yield login, "counts", f"{hotline}counts/"
        for words in SEARCHES:
            yield login, f"search {words}", f"{hotline}work/all/?q={words}"
        number = (
            Ticket.objects.filter(is_open=True, agency=people["unit"].agency_id).order_by("-id")[0].number
        )
        yield login, "ticket", f"{hotline}tickets/{number}/"
    latest = Ticket.objects.order_by("-id")[5000]
    area, day = latest.street_id or latest.district_id, latest.received_at.date()
    caller = Caller.objects.filter(shown__startswith="199****").order_by("id")[0]
    topic = Topic.objects.filter(state="active").annotate(n=Count("ties")).order_by("-n")[0]
    asked = (
        f"area={area}", "class=环境保护", "item=0101", f"since={day}&until={day}", "channel=portal", "rating=1",
        "solved=no", f"caller={caller.pk}", f"topic={topic.pk}", "counted=resolution.missed", "flag=marked",
        "urgency=danger&verdict=late",
    )  # fmt: skip
    for login in ("hotline_manager", "district_operator"):
        for one in asked:
            yield login, f"filter {one.split('=')[0]}", f"{hotline}work/all/?{one}"
        for place in ("board/", "board/?days=30", "topics/", "topics/?state=quiet", "topics/map/",
                      f"topics/{topic.pk}/",
                      "quality/", "quality/?days=30", "callers/", f"callers/{caller.pk}/", "callbacks/", "reports/",
                      "reading/", "call/", "links/"):  # fmt: skip
            yield login, place.replace(str(topic.pk), "1").replace(str(caller.pk), "1"), hotline + place
    for place in ("knowledge/", "knowledge/?q=暖气不热"):
        yield "knowledge_manager", place, hotline + place


def pages(people: dict[str, Any], times: int) -> dict[str, Any]:
    """Return the figures of every page as it is served, drawn and all; those over the goal are named."""
    from django.conf import settings
    from django.test import Client

    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    clients: dict[str, Client] = {}
    told: dict[str, Any] = {}
    bare = bare_page()
    for login, name, address in addresses(people):
        if login not in clients:
            clients[login] = Client(SERVER_NAME="127.0.0.1")
            clients[login].force_login(people[login])
        client = clients[login]
        status = client.get(address).status_code
        told[f"{login}: {name}"] = {
            "status": status, **figures([partial(client.get, address)] * times, bare)
        }  # fmt: skip
    slow = {name: one["p50_ms"] for name, one in told.items() if one["p50_ms"] > PAGE_MS}
    whole = {name: one["reads_whole"] for name, one in told.items() if one["reads_whole"]}
    return {"goal_ms": PAGE_MS, "pages": len(told), "slow": slow, "read_whole": whole, "each": told}


def loops() -> dict[str, Any]:
    """Return what the worker's rounds cost with nothing to do and, for topics, with a thousand tickets to put."""
    from datetime import timedelta

    from django.utils import timezone

    from citybrain.base.areas.tree import tree
    from citybrain.hub.hotline import following, quality_checks, sweep
    from citybrain.hub.hotline.answers import keeping
    from citybrain.hub.hotline.callers import floods
    from citybrain.hub.hotline.models.report import ReportKind
    from citybrain.hub.hotline.readers import corrections, watching
    from citybrain.hub.hotline.reports import counting
    from citybrain.hub.hotline.topics import loop

    now = timezone.now()
    city, district = tree().in_force(1)[0], tree().in_force(2)[0]
    yesterday = timezone.localdate(now) - timedelta(days=1)
    week = yesterday - timedelta(days=6)
    one: dict[str, Work] = {
        "sweep": lambda: sweep.tick(now),
        "upkeep": lambda: sweep.upkeep(now),
        "following, whole": lambda: following.tick(now, whole=True),
        "corrections": lambda: corrections.look(now),
        "watching": lambda: watching.tick(now),
        "quality, first": lambda: quality_checks.tick(now),
        "quality": lambda: quality_checks.tick(now),
        "knowledge": lambda: keeping.tick(now),
        "floods": lambda: floods.sweep(now),
        f"report of the city, {ReportKind.DAILY}": lambda: counting.figures(city, yesterday, yesterday, now),
        f"report of the city, {ReportKind.WEEKLY}": lambda: counting.figures(city, week, yesterday, now),
        f"report of a district, {ReportKind.DAILY}": lambda: counting.figures(
            district, yesterday, yesterday, now
        ),
        "topics, first": lambda: loop.tick(now),
        "topics, catching up": lambda: loop.tick(now),
    }
    told = {name: alone(work) for name, work in one.items()}
    return told | {"topics": topics(now)}


def alone(work: Work) -> dict[str, Any]:
    """Return the figures of work that is done once."""
    cpu, total, listener = once(work)
    slowest = max(listener.statements, key=lambda told: told[2], default=("", None, 0.0))
    from _measuring import read_whole

    whole = set().union(*(read_whole(sql, given) for sql, given, _ms in listener.statements), set())
    return {
        "ms": round(total, 1), "processor_ms": round(cpu, 1), "statements": len(listener.statements),
        "slowest_statement_ms": round(slowest[2], 1), "slowest_statement": " ".join(slowest[0].split())[:160],
        "reads_whole": sorted(whole),
    }  # fmt: skip


def topics(now: Any) -> dict[str, Any]:
    """Return what it takes to catch up after a start, and a round then."""
    from citybrain.hub.hotline.topics import loop

    began, rounds = time.process_time(), 0
    while rounds < 20 and (loop.tick(now) or not loop._gatherer.is_caught_up):
        rounds += 1
    caught_up = time.process_time() - began
    return {"rounds": rounds, "processor_s": round(caught_up, 1), "then": alone(lambda: loop.tick(now))}


def intake(people: dict[str, Any], count: int, folder: Path) -> dict[str, Any]:
    """Return tickets a second on one core: received, received at the door with floods counted, read, imported."""
    from django.db import connection, transaction
    from django.utils import timezone

    from citybrain.base.identity.actor import actor_for
    from citybrain.hub.hotline import actions, sweep
    from citybrain.hub.hotline import intake as taking
    from citybrain.hub.hotline.channels import door, importing
    from citybrain.hub.hotline.intake_sql import SQL
    from citybrain.hub.hotline.message import Message

    actor, now = actor_for(people["hotline_operator"]), timezone.now()
    made = [
        Message("phone", one, phone=f"199{at:08d}", name="来电人")
        for at, one in enumerate(texts(count, 21), 9000)
    ]
    rows = [taking.row_of(actor, one, taking.clean(one), now) for one in made]

    def bare(row: dict[str, Any]) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SQL, row)

    half = count // 2
    told = {
        "bare": rate([lambda row=row: bare(row) for row in rows[:half]]),
        "receive": rate([lambda one=one: actions.receive(actor, one) for one in made[half:]]),
        "door": rate([lambda one=one: door.take_in(actor, one) for one in made[:half]]),
    }
    read: list[int] = []
    told["reading"] = rate([lambda: read.append(sweep.read_new(timezone.now()))] * 5, lambda: sum(read))
    path = folder / "import.csv"
    lines = (f"{at},{one},199{at:08d}" for at, one in enumerate(texts(count, 22), 50_000))
    path.write_text("编号,内容,电话\n" + "\n".join(lines) + "\n", encoding="utf-8")
    totals: list[Any] = []
    told["import"] = rate([lambda: totals.append(importing.import_file(actor, path))], lambda: totals[0].rows)
    told["import"]["totals"] = totals[0].to_json()
    told["received_to_bare"] = round(told["receive"]["a_second"] / told["bare"]["a_second"], 2)
    return {"wanted_a_second": 5, **told}


def rate(work: list[Work], done: Any = None) -> dict[str, Any]:
    """Return how many a second of processor and database."""
    spent = [once(one) for one in work]
    many = done() if done is not None else len(work)
    total, cpu = sum(one[1] for one in spent), sum(one[0] for one in spent)
    return {
        "rows": many, "a_second": round(many / max(total, 0.001) * 1000, 1),
        "processor_ms": round(cpu / max(many, 1), 2),
        "statements": round(sum(len(one[2].statements) for one in spent) / max(many, 1), 1),
    }  # fmt: skip


def inside(given: argparse.Namespace) -> None:
    """Measure in the city of the environment; print JSON."""
    import django

    django.setup()
    volume = Volume(given.tickets, given.a_day, given.callers, given.entries)
    fill(volume)
    people = actors()
    wanted = given.what or ["screen", "pages", "loops", "intake"]
    parts: dict[str, Work] = {
        "screen": lambda: screen(people),
        "pages": lambda: pages(people, given.times),
        "loops": loops,
        "intake": lambda: intake(people, given.messages, Path(os.environ.get("CITYBRAIN_HOME", "."))),
    }
    told: dict[str, Any] = {
        "command": f"python bench/hotline_volume.py --tickets {given.tickets}",
        "machine": _city.machine(),
        "tickets": given.tickets, "a_day": given.a_day, "callers": given.callers, "entries": given.entries,
        "load_average": round(os.getloadavg()[0], 2),
    }  # fmt: skip
    told |= {name: parts[name]() for name in wanted}
    sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")


def main() -> None:
    """Make the city and measure in it, or measure here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "what", nargs="*", default=[], help="screen, pages, loops, intake; all of them if none is named"
    )
    parser.add_argument("--tickets", type=int, default=2_000_000)
    parser.add_argument("--a-day", type=int, default=10_000)
    parser.add_argument("--callers", type=int, default=500_000)
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--messages", type=int, default=10_000, help="taken in, and rows imported")
    parser.add_argument("--times", type=int, default=5, help="how often each page is asked for")
    parser.add_argument(
        "--here", action="store_true", help="in the city of the environment, filled if it holds less"
    )
    given = parser.parse_args()
    if given.here:
        inside(given)
        return
    with _city.city(0.1) as environment:
        again = [sys.executable, __file__, "--here", *sys.argv[1:]]
        done = subprocess.run(again, env=environment | {"OMP_NUM_THREADS": "1"}, cwd=_city.ROOT, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
