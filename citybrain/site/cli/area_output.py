"""What the commands about areas share: options, refusals in one line, receipts, progress."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from citybrain.base.areas.tree import Node

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
AT = click.option("--at", type=click.DateTime(["%Y-%m-%d"]), help="First day it holds (default today).")
DOCUMENT = click.option("--document", default="", help="Number of the official paper.")
SYSTEM = click.Choice(["wgs84", "gcj02", "bd09", "cgcs2000"])
MOST_SHOWN = 20


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what the room refuses into one line on stderr: exit code 1, or 2 for a file or a code unknown.

    Receipts, which officers read in their own language, are in English here.
    """
    from django.db import Error
    from django.utils import translation
    from psycopg_pool import PoolTimeout

    from citybrain.base.areas.coordinates import UnknownSystemError
    from citybrain.base.areas.doer import NotAllowedError
    from citybrain.base.areas.errors import AreaError, FileError

    try:
        with translation.override("en"):
            yield
    except (FileError, LookupError, UnknownSystemError) as error:
        stop(str(error), 2)
    except (AreaError, NotAllowedError) as error:
        stop(f"refused: {error}", 1)
    except (Error, PoolTimeout) as error:
        stop(f"the database could not be used: {str(error).strip()}", 2)


def stop(text: str, code: int) -> NoReturn:
    click.echo(f"citybrain: {text}", err=True)
    raise SystemExit(code)


def print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


@contextmanager
def progress_bar(length: int, label: str, *, hidden: bool) -> "Iterator[Callable[[int], object] | None]":
    """Give a function that draws progress on stderr, where someone looks at it."""
    if hidden or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr, show_pos=True) as bar:
        yield bar.update


def node_of(code: str) -> "Node":
    """Return today's area for a code, old ones too."""
    from citybrain.base.areas.tree import tree

    return tree().by_code(code)


def day_of(at: datetime | None) -> date | None:
    return at.date() if at else None


def node_dict(node: "Node") -> dict[str, Any]:
    from citybrain.base.areas.models import Level
    from citybrain.base.areas.tree import tree

    return {
        "id": node.id,
        "code": node.code,
        "name": node.name,
        "name_en": node.name_en,
        "level": Level(node.level).name.lower(),
        "kind": node.kind,
        "full_name": tree().full_name(node.id),
        "in_force": node.in_force,
    }


def print_receipt(
    head: dict[str, Any], rows: Sequence[tuple[int, str, str, str]], receipt: Path | None, as_json: bool
) -> None:
    """Print totals and what was refused, write all rows to a file where asked; exit 1 after a refusal."""
    refused = [row for row in rows if row[2] == "refused"]
    if receipt:
        with receipt.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([("line", "code", "outcome", "reason"), *rows])
    if as_json:
        named = [dict(zip(("line", "code", "outcome", "reason"), row, strict=True)) for row in refused]
        print_json({**head, "refusals": named})
    else:
        click.echo(", ".join(f"{key} {value}" for key, value in head.items()))
        for line, code, _, reason in refused[:MOST_SHOWN]:
            click.echo(f"  row {line} {code}: {reason}", err=True)
        if len(refused) > MOST_SHOWN:
            click.echo(f"  … and {len(refused) - MOST_SHOWN} more; --receipt FILE writes all", err=True)
    sys.exit(1 if refused else 0)


def echo_none(found: Sequence[object], text: str) -> None:
    """Say on stderr that nothing was found."""
    if not found:
        click.echo(f"citybrain: {text}", err=True)


def echo_nodes(nodes: "Iterable[Node]") -> None:
    from citybrain.base.areas.models import Level

    for node in nodes:
        ended = "" if node.in_force else "  (ended)"
        click.echo(
            f"{node.code:<15}  {Level(node.level).name.lower():<9}  {node.name}  {node.name_en}{ended}"
        )
