"""`citybrain up`: everything a city needs, in the foreground until Ctrl-C.

The order: home folder, the lock that keeps a second one out, database (in a new home with the sample city begun
beside it), ports, migrations and, beside them, static files, the sample city in an empty database, processes, and when
`/health` is well the address and the cast's accounts.
"""

import contextlib
import hashlib
import json
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citybrain.site import certificate, database, env, home, ports
from citybrain.site.children import Child, end_all
from citybrain.site.home import Lock
from citybrain.site.postgres import Server

if TYPE_CHECKING:
    from citybrain.sample.plan import Plan
    from citybrain.site.beside import Beside

MIGRATE_LOCK = 0x6D696772617465  # "migrate" in ASCII
READY_SECONDS = 30.0


class AlreadyRunningError(RuntimeError):
    """A city runs already in this home folder."""


def say(text: str) -> None:
    """Tell the operator one thing."""
    click.echo(f"citybrain: {text}", err=True)


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[Lock]:
    """Hold the lock of this home. Raises AlreadyRunningError naming the one that runs."""
    lock = Lock(folder / "up.lock")
    if not lock.take():
        holder = lock.holder()
        raise AlreadyRunningError(
            f"already running at {holder.get('url', '?')} (pid {holder.get('pid', '?')}, home {folder}): "
            f"end it with Ctrl-C there or `kill {holder.get('pid', 'PID')}`; a second city needs its own "
            "CITYBRAIN_HOME and CITYBRAIN_PORT"
        )
    try:
        yield lock
    finally:
        lock.release()


@contextlib.contextmanager
def database_kept(folder: Path) -> Iterator[Server | None]:
    """Keep the database running; yield the embedded server, None when it is somebody else's."""
    url = database.external_url()
    if url:
        database.check_external(url)
        yield None
        return
    server, lock = database.own(folder / "postgres", say)
    try:
        yield server
    finally:
        server.stop()
        lock.release()


def migrate() -> None:
    """Bring the tables up to date; two that start at once do it one after the other."""
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATE_LOCK])
        try:
            call_command("migrate", verbosity=0, interactive=False)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATE_LOCK])


def collect_static() -> int:
    """Copy, hash and compress static files where they changed since the last time; return how many."""
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders
    from django.core.management import call_command

    digest = hashlib.sha256()
    count = 0
    for finder in get_finders():
        for path, storage in finder.list([]):
            digest.update(
                f"{path}:{storage.size(path)}:{storage.get_modified_time(path).timestamp()}".encode()
            )
            count += 1
    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    if stamp.is_file() and stamp.read_text() == digest.hexdigest():
        return 0
    say(f"preparing {count} static files")
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(digest.hexdigest())
    return count


def is_empty() -> bool:
    """Tell whether there is no city yet: no area, no account, and nobody has said it is to stay empty."""
    from citybrain.base.areas.models import Area
    from citybrain.base.identity.models import Person
    from citybrain.site.models import State

    made = State.objects.filter(key="city").exists()
    return not (made or Area.objects.exists() or Person.objects.exists())


@contextlib.contextmanager
def helped(folder: Path) -> Iterator["Beside | None"]:
    """Begin the sample city in a second process while a new home gets its database; yield None where there is one."""
    if database.external_url() or (folder / "postgres").exists():
        yield None
        return
    from citybrain.site.beside import Beside

    beside = Beside(sample_plan())
    try:
        yield beside
    finally:
        beside.end()


def sample_plan() -> "Plan":
    """Return the plan of the city that a first start makes."""
    from citybrain.sample.plan import plan_for

    return plan_for(float(env.text("CITYBRAIN_SAMPLE_SCALE", "1")))


def first_city(beside: "Beside | None") -> None:
    """Make the sample city where there is none, with a bar for each stage; `beside` has begun already."""
    from django.db import transaction

    from citybrain.sample.city import make_city
    from citybrain.sample.hotline.make import TICKETS
    from citybrain.sample.load import first_start
    from citybrain.sample.sets.fill import fill
    from citybrain.site.models import tell

    say("making the sample city (once)")
    plan, show = sample_plan(), shown_progress()
    show("geography", 0, 1)
    city = beside.city() if beside else make_city(plan)
    with transaction.atomic():  # killed in the middle, it leaves an empty database: all is begun again
        made = first_start(plan, hotline=TICKETS, city=city, say=show)
        show("data sets", 0, 1)
        files = fill(city, say=show, written=beside.files if beside else None)
        tell("city", kind="sample", **made.to_json())
    show("data sets", 1, 1)
    say(
        f"{made.name}: {made.districts} districts, {made.streets} streets, {made.communities:,} communities, "
        f"{made.grids:,} grids, {made.people:,} people, {made.cases:,} cases in {made.seconds:.0f} s"
    )
    say(f"{files} files of its agencies' data wait for the worker to take them in")


class Progress:
    """A bar on a terminal, a line per stage elsewhere."""

    def __init__(self) -> None:
        self.stage = ""
        self.live = sys.stderr.isatty()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self.live:
            filled = round(30 * done / max(total, 1))
            end = "\n" if done >= total else ""
            click.echo(f"\r  {stage:<12} [{'#' * filled}{'-' * (30 - filled)}]{end}", nl=False, err=True)
        elif stage != self.stage:
            click.echo(f"  {stage}", err=True)
        self.stage = stage


def shown_progress() -> Progress:
    """Return what shows the progress of making the city."""
    return Progress()


def data_command(port: int) -> list[str]:
    """Return the command of the door for machines."""
    from django.conf import settings

    command = [
        sys.executable,
        "-m",
        "granian",
        "citybrain.site.data:application",
        "--interface",
        "rsgi",
        "--no-ws",
    ]
    command += ["--host", settings.ADDRESS, "--port", str(port), "--workers", str(settings.DATA_WORKERS)]
    command += ["--respawn-failed-workers", "--workers-kill-timeout", "10", "--log-level", "warning"]
    if settings.TLS_CERTIFICATE:
        command += ["--ssl-certificate", settings.TLS_CERTIFICATE, "--ssl-keyfile", settings.TLS_KEY]
    return command


def free_port(wanted: int, name: str, above: int = 0) -> int:
    """Return the port an operator chose, or the next free one above another. Raises when the chosen one is taken."""
    from django.conf import settings

    if not env.text(name):
        return ports.free_from(settings.ADDRESS, max(wanted, above + 1))
    ports.need(settings.ADDRESS, wanted, name)
    return wanted


def make_children(push_port: int, data_port: int) -> list[Child]:
    """Return the city's processes, not yet started."""
    from django.conf import settings

    environment = os.environ | {
        "CITYBRAIN_PUSH_PORT": str(push_port),
        "CITYBRAIN_DATA_PORT": str(data_port),
        "DJANGO_SETTINGS_MODULE": "citybrain.site.settings",
        "PYTHONUNBUFFERED": "1",
        "CITYBRAIN_TIED": "1",
    }
    python, address = [sys.executable, "-m"], settings.ADDRESS
    web = [*python, "granian", "citybrain.site.wsgi:application", "--interface", "wsgi", "--no-ws"]
    web += ["--host", address, "--port", str(settings.PORT), "--workers", str(settings.WEB_WORKERS)]
    web += ["--blocking-threads", str(settings.WEB_THREADS), "--respawn-failed-workers"]
    web += ["--workers-kill-timeout", "10", "--log-level", "warning"]
    push = [
        *python,
        "uvicorn",
        "citybrain.site.push:application",
        "--host",
        address,
        "--port",
        str(push_port),
    ]
    push += [
        "--log-level",
        "warning",
        "--no-access-log",
        "--no-server-header",
        "--timeout-graceful-shutdown",
        "2",
    ]
    if settings.TLS_CERTIFICATE:
        web += ["--ssl-certificate", settings.TLS_CERTIFICATE, "--ssl-keyfile", settings.TLS_KEY]
        push += ["--ssl-certfile", settings.TLS_CERTIFICATE, "--ssl-keyfile", settings.TLS_KEY]
    worker = [*python, "citybrain.site.worker"]
    commands = (("web", web), ("push", push), ("data", data_command(data_port)), ("worker", worker))
    return [Child(name, command, environment) for name, command in commands]


def look_at_health(url: str) -> dict[str, Any]:
    """Return what `/health` says; a note when it doesn't answer."""
    import ssl

    trusting = ssl._create_unverified_context()  # noqa: S323  (our own process, perhaps with a local certificate)
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5, context=trusting) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        with contextlib.suppress(ValueError):
            return dict(json.load(error))
        return {"ok": False, "parts": {"web": {"ok": False, "note": f"HTTP {error.code}"}}}
    except OSError as error:
        return {"ok": False, "parts": {"web": {"ok": False, "note": f"doesn't answer: {error}"}}}
    return found


def site_url() -> str:
    """Return the address a person on this machine types."""
    from django.conf import settings

    scheme = "https" if settings.TLS_CERTIFICATE else "http"
    host = "127.0.0.1" if settings.ADDRESS in {"0.0.0.0", "::"} else settings.ADDRESS  # noqa: S104
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.PORT}"


def welcome(url: str) -> None:
    """Print the address, and in a made-up city the accounts to try."""
    from django.conf import settings

    from citybrain.sample import marker
    from citybrain.sample.cast import cast_accounts

    click.echo(f"\ncitybrain is running: {url}\n")
    if marker.sample_name():
        click.echo("Accounts of the sample city (login, name, duty, password):\n")
        accounts = cast_accounts()
        width = max(len(account.login) for account in accounts) + 2
        for account in accounts:
            click.echo(f"  {account.login:<{width}}{account.name}  {account.duty}  {account.password}")
        for warning in marker.warnings(settings.ADDRESS):
            click.echo(f"\nNote: {warning}.")
    click.echo(f"\nHealth: {url}/health    data: {settings.HOME}    Ctrl-C ends everything.\n")


def greet(url: str, *, late: bool) -> bool:
    """Print the welcome once everything is well, or when it is late, saying what isn't; tell whether it was."""
    found = look_at_health(url)
    if not found["ok"]:
        if not late:
            return False
        for name, part in found["parts"].items():
            if not part["ok"]:
                say(f"{name} is not well: {part.get('note', 'see /health')}")
    welcome(url)
    return True


def watch(children: list[Child], server: Server | None, stop: threading.Event, url: str) -> None:
    """Keep everything running until told to stop; greet once it all runs."""
    began = time.monotonic()
    greeted = False
    while not stop.wait(0.3):
        clock = time.monotonic()
        if server is not None and not server.alive():
            say("the database server ended; starting it again")
            server.start()
        for child in children:
            child.watch(clock, say)
        greeted = greeted or greet(url, late=clock - began > READY_SECONDS)


def stop_on_signals() -> threading.Event:
    """Return an event that SIGINT, SIGTERM and SIGHUP set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    return stop


def run() -> None:
    """Run the city until Ctrl-C."""
    folder = home.prepare()
    with only_one(folder) as lock, helped(folder) as beside, database_kept(folder) as server:
        _prepare_and_serve(lock, server, beside)
    say("ended")


def _certify() -> None:
    """Make a certificate of our own where the operator asked for one to try HTTPS with."""
    from django.conf import settings

    if env.text("CITYBRAIN_TLS_CERTIFICATE") == "local":
        hosts = [host for host in settings.ALLOWED_HOSTS if host not in {"*", "testserver"}]
        certificate.ensure_local(
            Path(settings.TLS_CERTIFICATE), Path(settings.TLS_KEY), [*hosts, settings.ADDRESS]
        )


def _prepare_and_serve(lock: Lock, server: Server | None, beside: "Beside | None") -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
    import django
    from django.conf import settings
    from django.db import connections

    url = site_url()
    lock.note(url=url)
    ports.need(settings.ADDRESS, settings.PORT, "CITYBRAIN_PORT")
    push_port = free_port(settings.PUSH_PORT, "CITYBRAIN_PUSH_PORT")
    data_port = free_port(settings.DATA_PORT, "CITYBRAIN_DATA_PORT", above=push_port)
    django.setup()
    with ThreadPoolExecutor(1, thread_name_prefix="static") as pool:
        files = pool.submit(collect_static)  # compressing takes a processor of its own, and no database
        migrate()
        _certify()
        if is_empty():
            first_city(beside)
        if beside:
            beside.end()  # it holds the whole city in memory
        files.result()
    connections.close_all()
    stop = stop_on_signals()
    children = make_children(push_port, data_port)
    try:
        watch(children, server, stop, url)
    finally:
        say("ending …")
        end_all(children)
