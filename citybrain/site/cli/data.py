"""`citybrain data`: what a file holds, files into data sets, runs, rows put aside."""

import json
import tempfile
from pathlib import Path
from typing import Any

import click
import django

SHOWN_ROWS = 20


@click.group()
def data() -> None:
    """Data in (数据归集): read a file, take it in, see runs and rows put aside."""
    django.setup()


@data.command("read")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.option("--encoding", default="", help="Say it instead of finding out.")
@click.option(
    "--sheet", default="", help="The sheet of a workbook; default: the first that shows and holds rows."
)
@click.option("--header", "header_row", type=int, help="The line of the header, from 1.")
def read_file(file: Path, as_json: bool, encoding: str, sheet: str, header_row: int | None) -> None:
    """Say what the program makes of FILE: encoding, sheet, header, columns with types, rows good and bad.

    Nothing is stored. Exit code 1 for a file that is refused, with its name.
    """
    from citybrain.base.exchange.reading import Options, Unreadable, read

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
@click.option("--json", "as_json", is_flag=True)
def take_in(file: Path, code: str, name: str, mode: str | None, as_json: bool) -> None:
    """Take FILE into a data set and wait for it. Exit code 1 where it isn't stored."""
    from django.utils import timezone

    from citybrain.base.catalogue.models import DataSet
    from citybrain.base.exchange import actions, runs, words
    from citybrain.base.exchange.models import Run, Source
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.errors import Refused

    dataset = DataSet.objects.select_related("provider", "current").filter(code=code).first()
    if dataset is None:
        raise click.ClickException(f"there is no data set {code}; see `citybrain catalogue`")
    values: dict[str, Any] = {"mode": mode} if mode else {}
    try:
        source = Source.objects.filter(dataset=dataset, name=name).first() or actions.add_source(
            SYSTEM, dataset, dataset.provider, name=name, **values
        )
        if mode and source.mode != mode:
            source = actions.change_source(SYSTEM, source, mode=mode)
        run = actions.receive_file(SYSTEM, source, file, file.name)
    except Refused as refused:
        raise click.ClickException(str(refused)) from refused
    while runs.work_one(timezone.now(), only=run.pk):
        pass
    run = Run.objects.get(pk=run.pk)
    told = {"run": run.pk, "state": run.state, **run.figures, "drift": run.drift, "why": words.why(run)}
    click.echo(json.dumps(told, ensure_ascii=False) if as_json else _line(told))
    raise SystemExit(0 if run.state == "done" else 1)


def _line(told: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in told.items() if value not in ("", {}, None))


@data.command("runs")
@click.option("--of", "code", help="Only of this data set.")
@click.option("--json", "as_json", is_flag=True)
def list_runs(code: str | None, as_json: bool) -> None:
    """List the last runs."""
    from citybrain.base.exchange import words
    from citybrain.base.exchange.models import Run

    rows = Run.objects.select_related("dataset", "source")
    for run in (rows.filter(dataset__code=code) if code else rows)[:SHOWN_ROWS]:
        told = {
            "run": run.pk, "dataset": run.dataset.code, "source": run.source.name, "file": run.name, "state": run.state,
            "step": run.step, "attempt": run.attempt, **run.figures, "why": words.why(run),
        }  # fmt: skip
        click.echo(json.dumps(told, ensure_ascii=False) if as_json else _line(told))


@data.command("quarantine")
@click.option("--of", "code", help="Only of this data set.")
@click.option("--json", "as_json", is_flag=True)
def list_quarantine(code: str | None, as_json: bool) -> None:
    """List rows put aside that wait to be mended, with the reasons."""
    from citybrain.base.exchange.checks import Problem, explain
    from citybrain.base.exchange.models import Quarantined

    rows = Quarantined.objects.filter(state__in=("open", "mended")).select_related("dataset__current")
    for row in (rows.filter(dataset__code=code) if code else rows)[:SHOWN_ROWS]:
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
            click.echo(
                json.dumps({**told, "raw": row.raw, "problems": row.problems, "why": why}, ensure_ascii=False)
            )
        else:
            click.echo(f"{_line(told)}: {'；'.join(why)}")
