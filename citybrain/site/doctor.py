"""What `citybrain doctor` looks at: each check gives a finding with a remedy. Nothing is changed; a
stopped embedded server is started for the look and stopped again.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import psycopg

from citybrain.site import database, env
from citybrain.site.home import HomeError
from citybrain.site.program import DatabaseError

LEAST_NODE = 20
CLOCK_SECONDS = 2.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `well`, a `note` to know of, or a `fault` to mend."""

    subject: str
    state: Literal["well", "note", "fault"]
    says: str
    remedy: str = ""


def python() -> Finding:
    """Look at the interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", "well", version)


def node() -> Finding:
    """Look at node, which set-up needs and a running city doesn't."""
    remedy = f"install the packages nodejs (≥ {LEAST_NODE}) and npm before the next `make setup`"
    path = shutil.which("node")
    if path is None or shutil.which("npm") is None:
        return Finding("node", "note", "node or npm is missing; only set-up needs them", remedy)
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    major = int(told.lstrip("v").split(".")[0] or 0)
    if major < LEAST_NODE:
        return Finding("node", "note", told, remedy)
    return Finding("node", "well", told)


def user() -> Finding:
    """Look at who runs us."""
    if os.geteuid() == 0:
        return Finding(
            "user",
            "note",
            "running as root; only the database has a user of its own",
            "run it as an ordinary user, with CITYBRAIN_HOME in a folder of that user",
        )
    return Finding("user", "well", f"uid {os.geteuid()}")


def secrets() -> Finding:
    """Look at the files only we may read."""
    home = env.home()
    if not home.is_dir():
        return Finding("home", "note", f"{home} is not there yet", "`make run` or `citybrain init` makes it")
    open_files = [
        path
        for name in ("secret_key", "postgres/password", "postgres/admin_password", "postgres/url")
        if (path := home / name).is_file() and path.stat().st_mode & 0o077
    ]
    if open_files:
        return Finding(
            "secrets", "fault", f"{open_files[0]} can be read by others", f"chmod 600 {open_files[0]}"
        )
    return Finding("home", "well", str(home))


def reachable() -> tuple[Finding, str]:
    """Look whether the database answers; return its address too, "" when it doesn't."""
    external = database.external_url()
    kept = env.home() / "postgres" / "url"
    url = external or (kept.read_text().strip() if kept.is_file() else "")
    if not url:
        return Finding("database", "note", "there is none yet", "`make run` makes it"), ""
    try:
        with psycopg.connect(url, connect_timeout=5) as link:
            version = link.info.server_version
    except psycopg.OperationalError as error:
        text = str(error).strip().splitlines()[-1]
        if external:
            shown = database.without_password(url)
            return Finding("database", "fault", f"{shown}: {text}", "start it, or mend DATABASE_URL"), ""
        return Finding(
            "database", "fault", f"the embedded server doesn't answer: {text}", "`citybrain up`"
        ), ""
    if version < database.LEAST_VERSION:
        return Finding(
            "database", "fault", f"PostgreSQL {version // 10_000}", "use PostgreSQL 15 or newer"
        ), ""
    says = f"PostgreSQL {version // 10_000}.{version % 10_000}{'' if external else ', embedded'}"
    return Finding("database", "well", says), url


def clock(url: str) -> Finding:
    """Compare our clock with the database's."""
    with psycopg.connect(url, connect_timeout=5) as link:
        row = link.execute("SELECT clock_timestamp()").fetchone()
    skew = abs((datetime.now(UTC) - row[0]).total_seconds()) if row else 0.0
    if skew > CLOCK_SECONDS:
        return Finding(
            "clock", "fault", f"{skew:.0f} s apart from the database's", "let both follow one time server"
        )
    return Finding("clock", "well", f"{skew:.1f} s apart from the database's")


def parts() -> Iterator[Finding]:
    """Say what `/health` would say, part by part."""
    from citybrain.site import health

    found: dict[str, Any] = health.examine()["parts"]
    stopped = not any(
        part["ok"] for name, part in found.items() if name in {"push", "data"} or name.startswith("worker")
    )
    for name, part in found.items():
        figures = ", ".join(
            f"{key} {value}" for key, value in part.items() if key not in {"ok", "note", "error"}
        )
        remedy = str(part.get("note", ""))
        if name in {"web", "database"}:
            continue
        if part["ok"]:
            yield Finding(name, "note" if remedy else "well", figures, remedy)
        elif stopped and (name in {"push", "data", "ledger"} or name.startswith("worker")):
            if name == "push":  # one line for all of them
                yield Finding("processes", "note", "the city isn't running", "`citybrain up` runs it")
        else:
            yield Finding(name, "fault", figures or "unknown", remedy)


def sample() -> Finding:
    """Say whether this is the made-up city, and what that means for the outside."""
    from django.conf import settings

    from citybrain.sample import marker

    told = marker.warnings(settings.ADDRESS)
    if not told:
        return Finding("city", "well", "a real city, or none yet")
    remedy = told[1] if len(told) > 1 else "`citybrain init` in a fresh home is for real use"
    return Finding("city", "fault" if len(told) > 1 else "note", told[0], remedy)


def static_files() -> Finding:
    """Look at the files browsers load."""
    from django.conf import settings

    if (settings.STATIC_ROOT / "staticfiles.json").is_file():
        return Finding("static", "well", str(settings.STATIC_ROOT))
    return Finding("static", "note", "not prepared yet", "`citybrain up` prepares them")


def guarded(subject: str, check: Callable[[], Finding]) -> Finding:
    """Return the check's finding; its failure is a finding too."""
    try:
        return check()
    except Exception as error:  # noqa: BLE001  (a doctor doesn't fall over the patient)
        return Finding(subject, "fault", f"{type(error).__name__}: {error}".strip(), "see the line above")


def examine() -> list[Finding]:
    """Return every finding, the machine first."""
    found = [python(), node(), user(), guarded("home", secrets)]
    with contextlib.ExitStack() as stack:
        if not database.external_url() and (env.home() / "postgres" / "data").is_dir():
            try:
                stack.enter_context(database.running())
            except (DatabaseError, HomeError) as error:
                return [*found, Finding("database", "fault", str(error), "see the message")]
        answer, url = reachable()
        found.append(answer)
        return [*found, *_inside(url)] if url else found


def _inside(url: str) -> list[Finding]:
    """Look at what is in the database."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
    django.setup()
    found = [guarded("clock", lambda: clock(url)), *parts(), guarded("static", static_files)]
    return [*found, guarded("city", sample)]


def to_json(findings: list[Finding]) -> str:
    """Return the findings as JSON."""
    return json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1)
