"""`citybrain forms`: what a report form asks for, and how much of it the city knows."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import django

if TYPE_CHECKING:
    from citybrain.hub.forms.matching import Answer, Matcher


@click.group()
def forms() -> None:
    """One form (一张表): what a form's columns ask for."""
    django.setup()


@forms.command("read")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--office", default="", help="Short name of the body that sends the form, such as 民政.")
@click.option("--sheet", default="", help="The sheet; default: the first that shows and holds something.")
@click.option("--json", "as_json", is_flag=True, help="Print all candidates as JSON.")
def read_form(file: Path, office: str, sheet: str, as_json: bool) -> None:
    """Say which fields of the catalogue the columns of FILE (.xlsx) ask for, with the reasons. Nothing is stored.

    Exit code 1 for a file that is refused, with its name.
    """
    from citybrain.base.exchange.reading import Unreadable
    from citybrain.hub.forms.book import layout

    with tempfile.TemporaryDirectory(prefix="citybrain-form-") as work:
        try:
            found = layout(file, Path(work), wanted=sheet)
        except Unreadable as refused:
            raise click.ClickException(f"{file.name}: {refused}") from refused
    answers = _matcher().answers(found.title, office, found.columns)
    if as_json:
        columns = [_told(one) for one in answers]
        lines = [found.header_first, found.header_last]
        told = {"sheet": found.sheet, "title": found.title, "header_rows": lines, "begins": found.begins}
        click.echo(json.dumps({**told, "columns": columns}, ensure_ascii=False, indent=2))
        return
    click.echo(f"{found.title} ({found.sheet}, rows {found.header_first}-{found.header_last})")
    for one in answers:
        best = one.matches[0] if one.matches else None
        what = one.computed or (f"{best.known.key} {best.confidence:.0%}" if best else "?")
        click.echo(f"  {one.column.letter:3} {'/'.join(one.column.path)}  →  {what}")


def _told(one: "Answer") -> dict[str, Any]:
    return {
        "letter": one.column.letter,
        "path": one.column.path,
        "computed": one.computed,
        "unit": one.heading.unit,
        "matches": [
            {"field": match.known.key, "confidence": round(match.confidence, 3), "why": match.why}
            for match in one.matches
        ],
    }


def _matcher() -> "Matcher":
    """Return a matcher over the published entries of the catalogue."""
    from citybrain.base.catalogue.models import DataSet, DataSetState
    from citybrain.hub.forms.matching import Matcher, of_shapes

    sets = DataSet.objects.filter(state=DataSetState.PUBLISHED).select_related("current", "provider__kind")
    return Matcher(of_shapes([(one.code, one.name_zh, one.provider.kind.name_zh, one.shape) for one in sets]))
