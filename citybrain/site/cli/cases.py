"""`citybrain cases`: bring past requests in, look at one case, run the sweep once."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import click
import django

from citybrain.site.cli.files import NEW_FILE


@click.group()
def cases() -> None:
    """Cases (案件): import past requests, show one, remind and escalate."""
    django.setup()


@cases.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--map",
    "map_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Mapping file (TOML). Examples: citybrain/hub/cases/importing/maps/.",
)
@click.option("--receipt", type=NEW_FILE, help="CSV of the rows that were refused.")
@click.option("--area", help="Code of the area for rows without a place of ours; instead of the mapping's.")
@click.option("--json", "as_json", is_flag=True, help="Print the totals as JSON.")
def import_cases(file: Path, map_file: Path, receipt: Path | None, area: str | None, as_json: bool) -> None:
    """Bring in past requests from FILE (CSV, gzip or plain) through a mapping.

    Each row ends as a case or in the receipt with a reason. The same file again adds nothing.
    Exit codes: 0 done, 2 the file or the mapping can't be used.
    """
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.hub.cases.importing import apart, importer, mapping

    try:
        chosen = mapping.read(map_file)
        if area:
            chosen = replace(chosen, area=area, outside="area")
        with click.progressbar(length=_lines(file), label=file.name, file=sys.stderr, hidden=as_json) as bar:
            done = 0

            def told(rows: int) -> None:
                nonlocal done
                bar.update(rows - done)
                done = rows

            totals = importer.import_file(SYSTEM, file, chosen, receipt, told)
    except (mapping.BadMapping, apart.Lost, UnicodeDecodeError, EOFError, OSError) as error:
        click.echo(f"citybrain: {error}", err=True)
        raise SystemExit(2) from error
    if as_json:
        click.echo(json.dumps(totals.to_json(), ensure_ascii=False, indent=2))
        return
    for name, value in totals.to_json().items():
        click.echo(f"{name}: {value}")


def _lines(file: Path) -> int:
    """Return about how many lines a file has, for the progress bar."""
    import gzip

    with file.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with gzip.open(file) if packed else file.open("rb") as text:
        return sum(block.count(b"\n") for block in iter(lambda: text.read(1 << 20), b""))


@cases.command("show")
@click.argument("number")
def show(number: str) -> None:
    """Show one case with its history as JSON (for operators: no names or numbers of reporters)."""
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.hub.cases import detail
    from citybrain.hub.cases.errors import NotFound

    try:
        page = detail.case_page(SYSTEM, number)
    except NotFound:
        click.echo(f"citybrain: no case has the number {number}", err=True)
        raise SystemExit(1) from None
    told = {
        "number": page.case.number,
        "state": page.row.state.name.lower(),
        "item": page.item.code if page.item else None,
        "reported_at": page.case.reported_at.isoformat(),
        "due_at": page.case.due_at.isoformat() if page.case.due_at else None,
        "due_because": list(page.running.lines) if page.running else [],
        "events": [
            {"seq": event.seq, "action": event.action, "at": event.at.isoformat(), "state": event.state.name.lower(),
             "who": event.who, "clock": event.clock}
            for event in page.events
        ],
    }  # fmt: skip
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


@cases.command("sweep")
def sweep() -> None:
    """Remind of and escalate what is due, once (the worker does this every ten seconds)."""
    from citybrain.hub.cases import sweep as sweeper

    click.echo(f"{sweeper.tick()} cases")


@cases.command("lifecycle")
def lifecycle() -> None:
    """Print the lifecycle page of the documentation (docs/lifecycle.md), drawn from the table of transitions."""
    from django.utils import translation

    from citybrain.hub.cases import diagram

    with translation.override("zh-hans"):
        click.echo(diagram.page(), nl=False)
