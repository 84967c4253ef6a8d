"""`citybrain data`: what a file holds, files into data sets, runs, rows put aside."""

import json
import tempfile
from pathlib import Path
from typing import Any

import click
import django

from citybrain.site.cli.sources import dataset_of, finished, line, sources

SHOWN_ROWS = 20
LINES = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
OF = click.option("--of", "code", help="Only of this data set.")
MOST = click.option(
    "--most",
    type=click.IntRange(1, 100_000),
    default=SHOWN_ROWS,
    show_default=True,
    help="How many are listed.",
)


@click.group()
def data() -> None:
    """Data in (数据归集): read a file, take it in, keep sources, see runs and rows put aside.

    Exit codes: 0 done, 1 refused, not stored or not found, 2 wrong usage.
    """
    django.setup()


data.add_command(sources)


@data.command("read")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.option("--encoding", default="", help="Say it instead of finding out.")
@click.option(
    "--sheet", default="", help="The sheet of a workbook; default: the first that shows and holds rows."
)
@click.option("--header", "header_row", type=click.IntRange(min=1), help="The line of the header, from 1.")
def read_file(file: Path, as_json: bool, encoding: str, sheet: str, header_row: int | None) -> None:
    """Say what the program makes of FILE: encoding, sheet, header, columns with types, rows good and bad.

    Nothing is stored. Exit code 1 for a file that is refused, with its name.
    """
    from citybrain.base.exchange.reading import Options, Unreadable, read

    if encoding:
        try:
            "".encode(encoding)
        except LookupError as unknown:
            raise click.UsageError(f"no encoding is called {encoding}") from unknown
    options = Options(encoding=encoding, sheet=sheet, header_row=header_row)
    with tempfile.TemporaryDirectory(prefix="citybrain-read-") as work:
        try:
            told = read(file, Path(work) / "work", options=options).count().to_json()
        except Unreadable as refused:
            if as_json:
                answer = {
                    "name": file.name,
                    "refused": refused.key,
                    "params": refused.params,
                    "text": str(refused),
                }
                click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
                raise SystemExit(1) from refused
            raise click.ClickException(f"{file.name}: {refused}") from refused
    del told["plan"]
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    _show(told)


def _show(told: dict[str, Any]) -> None:
    about = [told["format"], told["container"], told["encoding"], told["sheet"], repr(told["delimiter"])]
    click.echo(f"{told['name']}: {' '.join(one for one in about if one and one != repr(''))}")
    click.echo(
        f"header: {told['header_rows'] or 'none'}; rows: {told['rows_good']} good, {told['rows_bad']} broken"
    )
    for column in told["columns"]:
        click.echo(f"  {column['name']}  {column['kind']}  {' | '.join(column['examples'])[:80]}")
    for note in told["notes"]:
        click.echo(f"- {note['text']}")
    for broken in told["broken"][:SHOWN_ROWS]:
        click.echo(f"line {broken['line']}: {broken['reason']}: {broken['text'][:120]!r}", err=True)


@data.command("in")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", "code", required=True, help="The data set's code.")
@click.option(
    "--source",
    "name",
    default="命令行",
    show_default=True,
    help="The source's name; made when it isn't there.",
)
@click.option(
    "--mode", type=click.Choice(["full", "upsert", "append"]), help="Default: upsert with a key, else append."
)
@click.option("--ended", is_flag=True, help="The file holds keys of rows that end; they leave the data set.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def take_in(file: Path, code: str, name: str, mode: str | None, ended: bool, as_json: bool) -> None:
    """Take FILE into a data set and wait for it. Exit code 1 where nothing of it is stored."""
    from citybrain.base.exchange import actions
    from citybrain.base.exchange.models import Source
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.errors import Refused

    dataset = dataset_of(code)
    values: dict[str, Any] = {"mode": mode} if mode else {}
    try:
        source = Source.objects.filter(dataset=dataset, name=name).first() or actions.add_source(
            SYSTEM, dataset, dataset.provider, name=name, **values
        )
        if mode and source.mode != mode:
            source = actions.change_source(SYSTEM, source, mode=mode)
        run = actions.receive_file(SYSTEM, source, file, file.name, ended=ended)
    except Refused as refused:
        raise click.ClickException(str(refused)) from refused
    finished(run.pk, as_json)


@data.command("runs")
@OF
@MOST
@LINES
def list_runs(code: str | None, most: int, as_json: bool) -> None:
    """List the last runs, the newest first."""
    from citybrain.base.exchange import words
    from citybrain.base.exchange.models import Run

    rows = Run.objects.select_related("dataset", "source")
    rows = rows.filter(dataset=dataset_of(code)) if code else rows
    for run in rows[:most]:
        told = {
            "run": run.pk, "dataset": run.dataset.code, "source": run.source.name, "file": run.name, "state": run.state,
            "step": run.step, "attempt": run.attempt, **run.figures, "why": words.why(run),
        }  # fmt: skip
        click.echo(json.dumps(told, ensure_ascii=False) if as_json else line(told))
    _beyond(rows.count(), most, "runs")


def _beyond(count: int, most: int, what: str) -> None:
    """Say what isn't shown."""
    if not count:
        click.echo(f"no {what}", err=True)
    elif count > most:
        click.echo(f"{count - most} more; --most {count} shows them", err=True)


@data.command("quarantine")
@OF
@MOST
@LINES
def list_quarantine(code: str | None, most: int, as_json: bool) -> None:
    """List rows put aside that wait to be mended, with the reasons."""
    from citybrain.base.exchange.checks import Problem, explain
    from citybrain.base.exchange.models import Quarantined

    rows = Quarantined.objects.filter(state__in=("open", "mended")).select_related("dataset__current")
    rows = rows.filter(dataset=dataset_of(code)) if code else rows
    for row in rows[:most]:
        problems = [Problem.from_json(one) for one in row.problems]
        why = [explain(one, row.dataset.shape) for one in problems]
        told = {
            "id": row.pk,
            "dataset": row.dataset.code,
            "run": row.run_id,
            "row": row.row,
            "state": row.state,
        }
        if as_json:
            more = {"raw": row.raw, "problems": row.problems, "why": why}
            click.echo(json.dumps({**told, **more}, ensure_ascii=False))
        else:
            click.echo(f"{line(told)}: {'；'.join(why)}")
    _beyond(rows.count(), most, "rows wait")


@data.command("accept")
@click.argument("run", type=int)
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="Which field a column holds; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def accept(run: int, pairs: tuple[str, ...], as_json: bool) -> None:
    """Let RUN, which waits for a word (columns that changed, many bad rows), go on, and wait for it."""
    from citybrain.base.exchange import actions
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.errors import Refused

    found = run_of(run)
    mapping = dict(pair.rpartition("=")[::2] for pair in pairs)
    unknown = [name for name in mapping.values() if name and not found.dataset.shape.has(name)]
    if "" in mapping or unknown:
        raise click.UsageError(f"--map wants COLUMN=FIELD; no field {(unknown or ['is named'])[0]}")
    try:
        actions.accept_drift(SYSTEM, found, mapping or None)
    except Refused as refused:
        raise click.ClickException(str(refused)) from refused
    finished(run, as_json)


@data.command("retry")
@click.argument("run", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def retry(run: int, as_json: bool) -> None:
    """Try RUN, which failed, again from the step at which it failed, and wait for it."""
    from citybrain.base.exchange import actions
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.errors import Refused

    try:
        actions.retry(SYSTEM, run_of(run))
    except Refused as refused:
        raise click.ClickException(str(refused)) from refused
    finished(run, as_json)


def run_of(number: int) -> Any:
    """Return the run with this number. Raises ClickException."""
    from citybrain.base.exchange.models import Run

    found = (
        Run.objects.select_related("source__dataset__current", "dataset__current").filter(pk=number).first()
    )
    if found is None:
        raise click.ClickException(f"no run has the number {number}; `citybrain data runs` lists them")
    return found
