"""`citybrain data sources`: where rows of data sets come from; add one from a file, change it, fetch now."""

import json
import sys
from pathlib import Path
from typing import Any

import click

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
SETTABLE = (
    "name",
    "kind",
    "mode",
    "settings",
    "mapping",
    "on_drift",
    "bad_percent",
    "every_minutes",
    "is_active",
)


def line(told: dict[str, Any]) -> str:
    """Return what is told on one line; what is empty is left out."""
    return ", ".join(f"{name} {value}" for name, value in told.items() if value not in ("", {}, None, []))


def finished(number: int, as_json: bool) -> None:
    """Work on a run to its end, say what came of it, and exit: 1 where nothing is stored."""
    from django.utils import timezone

    from citybrain.base.exchange import runs, words
    from citybrain.base.exchange.models import Run

    while runs.work_one(timezone.now(), only=number):
        pass
    run = Run.objects.select_related("dataset").get(pk=number)
    told = {"run": run.pk, "state": run.state, **run.figures, "why": words.why(run)}
    drift = words.drift_lines(run.drift)
    click.echo(json.dumps({**told, "drift": run.drift}, ensure_ascii=False) if as_json else line(told))
    if not as_json:
        for one in drift:
            click.echo(f"- {one}")
    aside = int(run.figures.get("rows_bad", 0))
    if aside:
        click.echo(f"{aside} rows put aside: `citybrain data quarantine --of {run.dataset.code}`", err=True)
    if run.state == "waiting":
        click.echo(f"it waits for a word: `citybrain data accept {run.pk}`", err=True)
    if run.state == "queued":
        click.echo(f"it is tried again by the worker at {run.next_try_at:%Y-%m-%d %H:%M:%S} UTC", err=True)
    nothing = aside and not run.figures.get("rows_good")
    sys.exit(0 if run.state == "done" and not nothing else 1)


def dataset_of(code: str) -> Any:
    """Return the data set with this code. Raises ClickException."""
    from citybrain.base.catalogue.models import DataSet

    dataset = DataSet.objects.select_related("provider", "current").filter(code=code).first()
    if dataset is None:
        raise click.ClickException(f"there is no data set {code}; `citybrain catalogue find WORDS` finds one")
    return dataset


@click.group()
def sources() -> None:
    """Sources of data sets: list them, add or change one, try one, fetch now."""


def source_of(number: int) -> Any:
    """Return the source with this number. Raises ClickException."""
    from citybrain.base.exchange.models import Source

    found = Source.objects.select_related("dataset__provider", "dataset__current", "agency", "supply")
    source = found.filter(pk=number).first()
    if source is None:
        raise click.ClickException(
            f"no source has the number {number}; `citybrain data sources list` lists them"
        )
    return source


@sources.command("list")
@click.option("--of", "code", help="Only of this data set.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
def list_sources(code: str | None, as_json: bool) -> None:
    """List the sources; secrets are never shown."""
    from citybrain.base.exchange.models import Source

    rows = Source.objects.select_related("dataset", "agency").order_by("dataset__code", "pk")
    for one in rows.filter(dataset__code=code) if code else rows:
        told = {
            "source": one.pk, "dataset": one.dataset.code, "name": one.name, "kind": one.kind, "mode": one.mode,
            "agency": one.agency.name, "every_minutes": one.every_minutes, "active": one.is_active,
        }  # fmt: skip
        more = {"settings": one.settings, "mapping": one.mapping, "has_secret": bool(one.secret)}
        click.echo(json.dumps({**told, **more}, ensure_ascii=False) if as_json else line(told))


def _told(file: Path) -> dict[str, Any]:
    """Return what a file says of a source. Raises UsageError."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as bad:
        raise click.UsageError(f"{file.name}: {bad}") from bad
    if not isinstance(told, dict):
        raise click.UsageError(f'{file.name}: a JSON object is needed, such as {{"kind": "sql", "name": …}}')
    unknown = set(told) - set(SETTABLE)
    if unknown:
        raise click.UsageError(f"{file.name}: no {sorted(unknown)[0]!r}; known: {', '.join(SETTABLE)}")
    return told


FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
SECRET = click.option(
    "--secret",
    "secret_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True),
    help="A file (- for input) with the password or token; it is kept sealed.",
)


def _secret(file: Path | None) -> str | None:
    if file is None:
        return None
    return (sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")).strip()


@sources.command("add")
@click.argument("code")
@FILE
@click.option("--agency", default="", help="Key or name of who supplies; default: the data set's provider.")
@SECRET
def add(code: str, file: Path, agency: str, secret_file: Path | None) -> None:
    """Add a source of data set CODE as FILE (JSON) says: name, kind (upload, folder, sql, http, push), settings …

    See docs/sources.md for the settings of each kind.
    """
    from citybrain.base.catalogue.models import Supply
    from citybrain.base.exchange import actions
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.errors import Refused
    from citybrain.base.identity.models import Agency

    told = _told(file)
    dataset = dataset_of(code)
    body = dataset.provider
    if agency:
        found = Agency.objects.filter(key=agency) | Agency.objects.filter(name=agency)
        body = found.first()
        if body is None:
            raise click.UsageError(f"no agency {agency}")
    supply = Supply.objects.filter(dataset=dataset, system__agency=body).order_by("rank", "pk").first()
    try:
        made = actions.add_source(
            SYSTEM, dataset, body, name=str(told.pop("name", "")), kind=str(told.pop("kind", "upload")), supply=supply,
            secret=_secret(secret_file) or "", **told,
        )  # fmt: skip
    except Refused as refused:
        raise click.ClickException(
            "; ".join(f"{one.field}: {one.reason}" for one in refused.problems)
        ) from refused
    click.echo(f"source {made.pk} is added; `citybrain data sources try {made.pk}` tries it")


@sources.command("change")
@click.argument("source", type=int)
@FILE
@SECRET
def change(source: int, file: Path, secret_file: Path | None) -> None:
    """Change SOURCE as FILE (JSON) says; what it doesn't name stays."""
    from citybrain.base.exchange import actions
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.errors import Refused

    told = _told(file)
    if "kind" in told:
        raise click.UsageError("a source's kind can't change; add a new source")
    try:
        actions.change_source(SYSTEM, source_of(source), secret=_secret(secret_file), **told)
    except Refused as refused:
        raise click.ClickException(
            "; ".join(f"{one.field}: {one.reason}" for one in refused.problems)
        ) from refused
    click.echo(f"source {source} is changed")


@sources.command("try")
@click.argument("source", type=int)
@AS_JSON
def try_(source: int, as_json: bool) -> None:
    """Ask SOURCE what it has now, and store nothing. Exit code 1: it can't be read, or lacks fields."""
    from dataclasses import asdict

    from citybrain.base.exchange.trial import try_source
    from citybrain.base.identity.actor import SYSTEM

    found = source_of(source)
    trial = try_source(SYSTEM, found, found.dataset.shape)
    if as_json:
        click.echo(json.dumps(asdict(trial), ensure_ascii=False))
    else:
        click.echo(" ".join(part for part in (trial.text, trial.detail) if part))
        for field, column in trial.fields:
            click.echo(f"  {field} ← {column or '–'}")
    if trial.lacking:
        click.echo(f"no column for: {'、'.join(trial.lacking)}", err=True)
    sys.exit(0 if trial.ok and not trial.lacking else 1)


@sources.command("fetch")
@click.argument("source", type=int)
@AS_JSON
def fetch(source: int, as_json: bool) -> None:
    """Fetch what SOURCE has now, take it in and wait for it. Exit code 1 where nothing of it is stored."""
    from citybrain.base.exchange import actions
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.errors import Refused

    try:
        run = actions.run_source(SYSTEM, source_of(source))
    except Refused as refused:
        raise click.ClickException(str(refused)) from refused
    finished(run.pk, as_json)
