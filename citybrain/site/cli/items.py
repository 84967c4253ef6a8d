"""`citybrain items`: what a case can be about, in versions."""

import json
from datetime import datetime
from pathlib import Path

import click
import django

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def items() -> None:
    """Items (事项): what a case can be about, in versions with effective dates."""
    django.setup()


@items.command("load")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "valid_from", type=DAY, help="First day on which it holds; default: always.")
@click.option(
    "--whole",
    is_flag=True,
    help="Items that the table leaves out end on that day; needs a table without faults.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the receipt as JSON.")
def load(file: Path | None, valid_from: datetime | None, whole: bool, as_json: bool) -> None:
    """Bring in an item table: FILE as Excel or CSV, as the desk hands it out; without one, the 239 items that ship
    with the program.
    """
    from django.utils import translation

    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.errors import Refused
    from citybrain.hub.cases import item_files, registry
    from citybrain.hub.cases import items as shipped
    from citybrain.hub.cases.errors import BadInput

    start = valid_from.date() if valid_from else registry.FIRST_DAY
    try:
        with translation.override("en"):
            rows = item_files.read(file.read_bytes(), file.name) if file else shipped.shipped_rows()
            receipt = registry.load(SYSTEM, rows, start, whole=whole)
    except BadInput as error:
        raise click.ClickException(error.message) from error
    except Refused as error:
        raise click.ClickException("; ".join(problem.reason for problem in error.problems)) from error
    told = {
        "added": receipt.added,
        "changed": receipt.changed,
        "unchanged": receipt.unchanged,
        "ended": receipt.ended,
        "errors": [{"line": line, "error": wrong} for line, wrong in receipt.errors],
    }
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        click.echo(
            f"{receipt.added} added, {receipt.changed} changed, {receipt.unchanged} as before, {receipt.ended} ended"
        )
        for line, wrong in receipt.errors:
            click.echo(f"line {line}: {wrong}", err=True)
    raise SystemExit(1 if receipt.errors else 0)


@items.command("list")
@click.option("--on", type=DAY, help="Default: today.")
@click.option("--json", "as_json", is_flag=True)
def list_items(on: datetime | None, as_json: bool) -> None:
    """List the items in force on a day."""
    from django.utils import timezone

    from citybrain.hub.cases.models import Item

    day = on.date() if on else timezone.localdate()
    found = list(Item.objects.in_force(day).order_by("code"))
    if as_json:
        names = ("code", "name_zh", "name_en", "lead_kind", "accept_limit", "disposal_limit")
        click.echo(
            json.dumps([{name: getattr(one, name) for name in names} for one in found], ensure_ascii=False)
        )
        return
    for one in found:
        click.echo(f"{one.code}  {one.name_zh}  {one.lead_kind}  {one.accept_limit}  {one.disposal_limit}")
    if not found:
        click.echo(f"citybrain: no item is in force on {day}", err=True)
