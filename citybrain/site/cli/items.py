"""`citybrain items`: what a case can be about, in versions."""

import json
from datetime import date
from pathlib import Path

import click
import django


@click.group()
def items() -> None:
    """Items (事项): what a case can be about, in versions with effective dates."""
    django.setup()


@items.command("load")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "valid_from", help="First day on which it holds, YYYY-MM-DD; default: always.")
@click.option("--whole", is_flag=True, help="Items that the table leaves out end on that day.")
@click.option("--json", "as_json", is_flag=True, help="Print the receipt as JSON.")
def load(file: Path | None, valid_from: str | None, whole: bool, as_json: bool) -> None:
    """Bring in an item table (FILE as CSV; without one, the 239 items that ship with the program)."""
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.hub.cases import items as shipped
    from citybrain.hub.cases import registry
    from citybrain.hub.cases.errors import BadInput

    rows = registry.read_csv(file) if file else shipped.shipped_rows()
    try:
        start = date.fromisoformat(valid_from) if valid_from else registry.FIRST_DAY
        receipt = registry.load(SYSTEM, rows, start, whole=whole)
    except (ValueError, BadInput) as error:
        raise click.ClickException(str(error)) from error
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
        click.echo(f"{receipt.added} added, {receipt.changed} changed, {receipt.unchanged} as before")
        for line, wrong in receipt.errors:
            click.echo(f"line {line}: {wrong}", err=True)
    raise SystemExit(1 if receipt.errors else 0)


@items.command("list")
@click.option("--on", help="Day, YYYY-MM-DD; default: today.")
@click.option("--json", "as_json", is_flag=True)
def list_items(on: str | None, as_json: bool) -> None:
    """List the items in force on a day."""
    from django.utils import timezone

    from citybrain.hub.cases.models import Item

    try:
        day = date.fromisoformat(on) if on else timezone.localdate()
    except ValueError as error:
        raise click.ClickException(f"--on {on}: {error}") from error
    found = list(Item.objects.in_force(day).order_by("code"))
    if as_json:
        names = ("code", "name_zh", "name_en", "lead_kind", "accept_limit", "disposal_limit")
        click.echo(
            json.dumps([{name: getattr(one, name) for name in names} for one in found], ensure_ascii=False)
        )
        return
    for one in found:
        click.echo(f"{one.code}  {one.name_zh}  {one.lead_kind}  {one.accept_limit}  {one.disposal_limit}")
