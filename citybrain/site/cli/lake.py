"""`citybrain lake`: the data sets' tables, their versions, their files.

Exit codes: 0 done and well, 1 something is wrong, 2 wrong usage.
"""

import json
import sys
from datetime import UTC, datetime
from typing import Any

import click


@click.group()
def lake() -> None:
    """Where data sets live: what versions there are, and whether their files are whole."""


def _codes(chosen: tuple[str, ...]) -> list[str]:
    """Return the tables asked for, or all. Raises ClickException for one that isn't there."""
    from citybrain.base.lake.tables import tables

    there = tables()
    missing = [code for code in chosen if code not in there]
    if missing:
        raise click.ClickException(f"there is no table {missing[0]}; `citybrain lake versions` lists all")
    return list(chosen) or there


def _of(code: str, kept: set[int], pins: dict[str, int], one: Any) -> dict[str, Any]:
    return {
        "table": code,
        "version": one.number,
        "at": one.at.astimezone(UTC).isoformat(timespec="seconds"),
        "mode": one.mode,
        "rows": one.rows,
        "added": one.added,
        "changed": one.changed,
        "removed": one.removed,
        "ingest": one.ingest,
        "snapshot": one.snapshot_id,
        "kept": one.number in kept,
        "pins": sorted(name for name, number in pins.items() if number == one.number),
    }


@lake.command()
@click.argument("codes", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a version.")
def versions(codes: tuple[str, ...], as_json: bool) -> None:
    """Print the versions of the tables CODES, or how each table stands when none is named."""
    from citybrain.base.lake.tables import Table

    for code in _codes(codes):
        table = Table(code)
        found = [_of(code, table.kept(), table.pins(), one) for one in table.versions()]
        for row in found if codes else found[-1:]:
            click.echo(json.dumps(row, ensure_ascii=False) if as_json else _line(row))
        if not found and not as_json:
            click.echo(f"{code}: empty")


def _line(row: dict[str, Any]) -> str:
    notes = ["" if row["kept"] else "files let go", *(f"pinned as {name}" for name in row["pins"])]
    tail = "; ".join(note for note in notes if note)
    return (
        f"{row['table']} v{row['version']}  {row['at']}  {row['mode']}  {row['rows']:,} rows  "
        f"+{row['added']:,} ~{row['changed']:,} -{row['removed']:,}" + (f"  ({tail})" if tail else "")
    )


@lake.command()
@click.argument("codes", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Rewrite every file, in the key's order.")
def compact(codes: tuple[str, ...], everything: bool) -> None:
    """Put small files of the tables CODES (of all) together, as the worker does, and sweep what is left over."""
    from citybrain.base.lake import upkeep
    from citybrain.base.lake.tables import Table

    for code in _codes(codes):
        replaced = upkeep.compact(code, everything=everything)
        swept = upkeep.sweep(code, datetime.now(UTC))
        files = len(Table(code).files())
        click.echo(f"{code}: {replaced} files put together, {files} now, {swept} old ones removed")


@lake.command()
@click.argument("codes", nargs=-1)
def check(codes: tuple[str, ...]) -> None:
    """Compare what the catalogue of files says with the files there are; name each that differs."""
    from citybrain.base.lake import upkeep

    found = _codes(codes)
    wrong = [line for code in found for line in upkeep.check(code)]
    for line in wrong:
        click.echo(line)
    click.echo(f"{len(found)} tables checked, {len(wrong)} findings", err=True)
    sys.exit(1 if wrong else 0)
