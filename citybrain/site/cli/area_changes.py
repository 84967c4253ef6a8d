"""`citybrain areas rename|recode|split|merge`: decisions about areas, from today or from another day."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from citybrain.site.cli.area_output import (
    AS_JSON,
    AT,
    DOCUMENT,
    SYSTEM,
    day_of,
    node_of,
    plain_errors,
    print_json,
)

if TYPE_CHECKING:
    from citybrain.base.areas.models import AreaDecision


def _decided(decision: "AreaDecision", as_json: bool) -> None:
    found = {"decision": decision.pk, "kind": decision.kind, "at": decision.at, "state": decision.state}
    if as_json:
        print_json(found)
    else:
        later = "; it will take effect that day" if decision.state == "pending" else ""
        click.echo(f"decision {decision.pk}: {decision.kind} from {decision.at}{later}")


@click.command()
@click.argument("code")
@click.argument("name")
@click.option("--english", default="", help="English name (default: pinyin with the ending in English).")
@AT
@DOCUMENT
@AS_JSON
def rename(code: str, name: str, english: str, at: datetime | None, document: str, as_json: bool) -> None:
    """Give the area CODE another NAME."""
    from citybrain.base.areas.actions import rename_area
    from citybrain.base.areas.doer import OPERATOR

    with plain_errors():
        node = node_of(code)
        done = rename_area(OPERATOR, node.id, name, name_en=english, at=day_of(at), document=document)
    _decided(done, as_json)


@click.command()
@click.argument("code")
@click.argument("new_code")
@click.option("--parent", default="", help="Code of the area it will hang from (default: as now).")
@AT
@DOCUMENT
@AS_JSON
def recode(code: str, new_code: str, parent: str, at: datetime | None, document: str, as_json: bool) -> None:
    """Give the area CODE the code NEW_CODE, and those below it theirs."""
    from citybrain.base.areas.actions import recode_area
    from citybrain.base.areas.doer import OPERATOR

    with plain_errors():
        above = node_of(parent).id if parent else None
        done = recode_area(
            OPERATOR, node_of(code).id, new_code, parent_id=above, at=day_of(at), document=document
        )
    _decided(done, as_json)


@click.command()
@click.argument("code")
@click.argument("parts", nargs=-1, required=True, metavar="CODE=NAME...")
@click.option("--shapes", "shape_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="GeoJSON with a feature per part.")  # fmt: skip
@click.option("--system", type=SYSTEM, default="wgs84", show_default=True, help="Of the shapes.")
@click.option("--child", "children", multiple=True, metavar="CHILD=PART", help="Which part a child goes to.")
@AT
@DOCUMENT
@AS_JSON
def split(
    code: str,
    parts: tuple[str, ...],
    shape_file: Path | None,
    system: str,
    children: tuple[str, ...],
    at: datetime | None,
    document: str,
    as_json: bool,
) -> None:
    """Split the area CODE into parts, each given as CODE=NAME; one may keep the old code.

    What lay below it goes to the part whose shape holds it, or as --child says.
    """
    from citybrain.base.areas.actions import Part, split_area
    from citybrain.base.areas.doer import OPERATOR
    from citybrain.base.areas.errors import AreaError
    from citybrain.base.areas.geojson import read_features

    with plain_errors():
        drawn = {}
        for feature in read_features(shape_file.read_bytes(), system=system) if shape_file else ():
            if feature.shape is None:
                raise AreaError(f"feature {feature.number} {feature.code}: {feature.reason}")
            drawn[feature.code] = feature.shape
        homes = dict(_pair(child) for child in children)
        named = dict(map(_pair, parts))
        stray = set(homes.values()) - set(named)
        if stray:
            raise click.UsageError(f"--child names a part that isn't there: {', '.join(sorted(stray))}")
        listed = [
            Part(
                part,
                name,
                shape=drawn.get(part),
                children=[node_of(child).id for child, home in homes.items() if home == part],
            )
            for part, name in named.items()
        ]
        done = split_area(OPERATOR, node_of(code).id, listed, at=day_of(at), document=document)
    _decided(done, as_json)


def _pair(text: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not (left and equals and right):
        raise click.UsageError(f"{text!r}: write it as CODE=VALUE")
    return left.strip(), right.strip()


@click.command()
@click.argument("codes", nargs=-1, required=True)
@click.option("--into", required=True, metavar="CODE=NAME", help="The whole; one of the merged may go on.")
@AT
@DOCUMENT
@AS_JSON
def merge(codes: tuple[str, ...], into: str, at: datetime | None, document: str, as_json: bool) -> None:
    """Make the areas CODES into one."""
    from citybrain.base.areas.actions import merge_areas
    from citybrain.base.areas.doer import OPERATOR

    with plain_errors():
        code, name = _pair(into)
        ids = [node_of(one).id for one in codes]
        done = merge_areas(OPERATOR, ids, code, name, at=day_of(at), document=document)
    _decided(done, as_json)
