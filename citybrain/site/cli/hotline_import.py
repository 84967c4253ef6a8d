"""`citybrain hotline import`: messages from a table, each row with a receipt. Needs the database."""

import json
from pathlib import Path
from typing import Any

import click
import django

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _pairs(_context: Any, _parameter: Any, given: tuple[str, ...]) -> dict[str, str]:
    told: dict[str, str] = {}
    for one in given:
        name, mark, column = one.partition("=")
        if not mark or not name or not column:
            raise click.BadParameter(f"{one!r}: say FIELD=COLUMN, as in text=诉求内容")
        told[name.strip()] = column.strip()
    return told


@click.command("import")
@click.argument("file", type=FILE)
@click.option("--map", "columns", multiple=True, callback=_pairs, metavar="FIELD=COLUMN",
              help="Which column is which; what isn't said is found by its heading.")  # fmt: skip
@click.option(
    "--source", default="import", show_default=True, help="The system whose numbers the file holds."
)
@click.option("--sheet", default="", help="The sheet of a workbook with several.")
@click.option(
    "--receipt", type=click.Path(dir_okay=False, path_type=Path), help="CSV with a line for every row."
)
@click.option("--check", "check_only", is_flag=True, help="Look at every row, store nothing.")
@click.option("--json", "as_json", is_flag=True)
def import_messages(
    file: Path,
    columns: dict[str, str],
    source: str,
    sheet: str,
    receipt: Path | None,
    check_only: bool,
    as_json: bool,
) -> None:
    """Take in messages from FILE (Excel, CSV, JSON …); every row ends as a ticket or in the receipt with a reason.

    FIELD is text, title, phone, name, place_text, received_at, id, kind, urgency, shared, secret, lon or lat. The
    same file again adds nothing. Exit codes: 0 done, 1 the file can't be used, 2 wrong usage.
    """
    django.setup()
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.hub.hotline.channels import importing

    try:
        totals = importing.import_file(
            SYSTEM, file, columns=columns, source=source, sheet=sheet, receipt=receipt, check_only=check_only
        )
    except importing.BadFile as refused:
        raise click.ClickException(str(refused)) from refused
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error
    if as_json:
        click.echo(json.dumps(totals.to_json(), ensure_ascii=False, indent=2))
        return
    for name, value in totals.to_json().items():
        click.echo(f"{name}: {value}")
