"""`citybrain sample …`: the made-up city, made, kept alive, and known."""

import json
import signal
import sys
import time
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import click
import django

from citybrain.sample.plan import SEED

NO_SAMPLE = "this is no sample city; `citybrain sample load` makes one in an empty database"


@click.group()
def sample() -> None:
    """The made-up city: make it, keep it alive, see its cast and its truth."""
    django.setup()


@sample.command()
@click.option(
    "--scale", type=float, default=1.0, show_default=True, help="1 is 16 districts and 20,000 grids; 0.01 … 6"
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=SEED,
    show_default=True,
    help="the same seed makes the same city",
)
@click.option(
    "--cases", type=click.IntRange(min=0), help="reports of the last fortnight (default: as suits the scale)"
)
@click.option("--no-data", is_flag=True, help="leave the data catalogue empty")
@click.option("--json", "as_json", is_flag=True, help="print the summary as JSON")
def load(scale: float, seed: int, cases: int | None, no_data: bool, as_json: bool) -> None:
    """Make the city in an empty database; its agencies' data wait for the worker of `citybrain up`."""
    from django.db import transaction

    from citybrain.sample.city import make_city
    from citybrain.sample.hotline.make import TICKETS
    from citybrain.sample.load import CityExists, first_start
    from citybrain.sample.plan import plan_for
    from citybrain.sample.sets.fill import fill
    from citybrain.site.up import migrate

    try:
        plan = plan_for(scale, seed)
        migrate()
        with transaction.atomic():
            summary = first_start(plan, cases=cases, hotline=0 if cases == 0 else TICKETS, say=Bar())
            if not no_data:
                fill(make_city(plan), say=Bar())
    except (ValueError, CityExists) as refusal:
        raise click.ClickException(str(refusal)) from None
    if as_json:
        click.echo(json.dumps(summary.to_json(), ensure_ascii=False))
        return
    click.echo(
        f"{summary.name}: {summary.districts} districts, {summary.streets} streets, {summary.communities:,}"
        f" communities, {summary.grids:,} grids, {summary.agencies:,} agencies, {summary.people:,} people,"
        f" {summary.cases:,} cases, in {summary.seconds} s"
    )
    print_cast()


@sample.command()
@click.option("--json", "as_json", is_flag=True, help="print the accounts as JSON")
def cast(as_json: bool) -> None:
    """Show who can sign in, with what."""
    from citybrain.sample.cast import cast_accounts
    from citybrain.sample.models import SampleCity

    if not SampleCity.objects.exists():
        raise click.ClickException(NO_SAMPLE)
    if as_json:
        rows = [
            {"login": a.login, "name": a.name, "duty": a.duty, "password": a.password}
            for a in cast_accounts()
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    print_cast()


def print_cast() -> None:
    """Print the accounts of the cast, one a line."""
    from citybrain.sample.cast import cast_accounts

    click.echo("示例城市账号 (accounts of the sample city):")
    accounts = cast_accounts()
    width = max(len(account.login) for account in accounts)
    for account in accounts:
        click.echo(f"  {account.login:<{width}}  {account.password:<12}  {account.name}  {account.duty}")


@sample.command()
@click.option(
    "--rate", type=click.FloatRange(0.1, 600), default=6.0, show_default=True, help="new matters a minute"
)
@click.option(
    "--speed",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    help="minutes of a case's life in one minute",
)
@click.option("--seconds", type=click.FloatRange(min=0), help="stop after so long (default: at Ctrl-C)")
def stream(rate: float, speed: float, seconds: float | None) -> None:
    """Keep the city alive until Ctrl-C: reports come in, its people act on them."""
    from citybrain.sample.load import world_of
    from citybrain.sample.models import SampleCity
    from citybrain.sample.stream import Stream, plan_of

    marker = SampleCity.objects.first()
    if marker is None:
        raise click.ClickException(NO_SAMPLE)
    plan = plan_of(marker)
    try:
        flow = Stream(world_of(plan), plan, rate=rate, speed=speed, began=marker.matters)
    except LookupError as gone:
        raise click.ClickException(f"the sample city has been changed: {gone}") from None
    ends = time.monotonic() + seconds if seconds is not None else float("inf")
    stopped = _stop_on_signals()
    line = Line()
    flow.run(lambda: stopped.is_set() or time.monotonic() >= ends, line)
    line.end(flow.done)


def _stop_on_signals() -> Any:
    """Return an event that Ctrl-C and SIGTERM set; a second Ctrl-C ends the program at once."""
    import threading

    stopped = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return stopped


@sample.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--scale", type=float, default=1.0, show_default=True, help="size of the city, as for `load`")
@click.option("--seed", type=click.IntRange(min=0), default=SEED, show_default=True, help="as for `load`")
@click.option("--people", type=click.IntRange(min=100), help="people in it (default: one to a grid)")
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="the last day its data know of (default: yesterday)"
)
@click.option("--set", "codes", multiple=True, help="a data set's code; may be given more than once")
@click.option("--json", "as_json", is_flag=True, help="print the list of files as JSON")
def data(
    folder: Path,
    scale: float,
    seed: int,
    people: int | None,
    day: datetime | None,
    codes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write the 84 data sets of the city as its agencies hand them over: files with faults, and the truth."""
    from citybrain.sample.city import make_city
    from citybrain.sample.plan import plan_for
    from citybrain.sample.sets.handing import hand_over
    from citybrain.sample.sets.make import basis_of

    until = day.date() if day else date.today() - timedelta(days=1)  # noqa: DTZ011  (the city's own calendar)
    try:
        basis = basis_of(make_city(plan_for(scale, seed)), until, people)
        handed = hand_over(basis, folder, codes, Bar())
    except KeyError as unknown:
        raise click.ClickException(f"no data set {unknown} in the shipped catalogue") from None
    except (ValueError, OSError) as refusal:
        raise click.ClickException(str(refusal)) from None
    if as_json:
        told = [
            {"code": one.code, "file": one.path.name, "rows": one.rows, "faults": one.faults}
            for one in handed
        ]
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    rows, faults = sum(one.rows for one in handed), sum(one.faults for one in handed)
    click.echo(f"{len(handed)} files, {rows:,} rows, {faults:,} faults (truth.jsonl) in {folder}")


@sample.command()
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line instead of a summary")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="write to a file")
def truth(as_json: bool, out: Path | None) -> None:
    """Show what the reports really were about, beside what the city made of them."""
    from citybrain.sample.truth import rows, summary

    if not as_json:
        for name, value in summary().items():
            click.echo(f"{name:<32} {value}")
        return
    target = out.open("w", encoding="utf-8") if out else sys.stdout
    try:
        for row in rows():
            target.write(json.dumps(row, ensure_ascii=False) + "\n")
    finally:
        if out:
            target.close()


class Bar:
    """A progress bar on stderr: one line a stage. Without a terminal only the stage's name."""

    TITLES: ClassVar[dict[str, str]] = {
        "geography": "Drawing the land",
        "city": "Writing areas, bodies, people",
        "reports": "Telling reports",
        "cases": "Living the cases",
        "data sets": "Handing data over",
    }

    def __init__(self) -> None:
        self._stage = ""
        self._bar: Any = None
        self._ended: set[str] = set()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage in self._ended:
            return
        if stage != self._stage:
            self._end()
            self._stage = stage
            self._bar = click.progressbar(
                length=total, label=f"{self.TITLES.get(stage, stage):<30}", file=sys.stderr
            )
            self._bar.__enter__()
        self._bar.update(done - self._bar.pos)
        if done >= total:
            self._end()

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._ended.add(self._stage)
            self._bar, self._stage = None, ""


class Line:
    """One line on stderr that says what has happened so far, at most twice a second."""

    def __init__(self) -> None:
        self._at = 0.0

    def __call__(self, done: Counter[str]) -> None:
        if time.monotonic() - self._at >= 0.5:
            self._at = time.monotonic()
            click.echo("\r" + self._text(done), nl=False, err=True)

    @staticmethod
    def _text(done: Counter[str]) -> str:
        steps = sum(
            count for name, count in done.items() if name not in {"report", "refused", "left to the cast"}
        )
        return f"{done['report']:,} reports, {steps:,} steps, {done['close']:,} closed, {done['refused']:,} refused "

    def end(self, done: Counter[str]) -> None:
        click.echo("\r" + self._text(done), err=True)
