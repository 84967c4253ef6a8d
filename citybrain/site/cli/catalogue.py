"""`citybrain catalogue`: the catalogue of data sets, for the operator at the machine, who acts as the system.

Exit codes: 0 done, 1 something was refused, unmet or found wrong, 2 wrong usage or a file that can't be read.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import django

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def catalogue() -> None:
    """The catalogue (数据目录): data sets, the three lists, requests and grants.

    Exit codes: 0 done, 1 refused, unmet or found wrong, 2 can't be used.
    """
    django.setup()


def _say(data: Any, as_json: bool, lines: list[str]) -> None:
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))
        return
    for line in lines:
        click.echo(line)


@contextmanager
def refusals() -> Iterator[None]:
    """Tell in one line what an action refuses."""
    from citybrain.base.identity.errors import Refused

    try:
        yield
    except Refused as refused:
        raise click.ClickException(str(refused)) from refused


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"{file} can't be written: {error.strerror}") from error


@catalogue.command()
@click.argument("codes", nargs=-1)
@click.option("--only-entries", is_flag=True, help="Without systems, supplies, items and demands.")
@AS_JSON
def load(codes: tuple[str, ...], only_entries: bool, as_json: bool) -> None:
    """Publish the shipped data sets (all, or CODES) as those of the city's agencies. Again: changes nothing."""
    from citybrain.base.catalogue.load import NoBodies
    from citybrain.base.catalogue.load import load as fill
    from citybrain.base.identity.actor import SYSTEM

    try:
        done = fill(SYSTEM, codes or None, lists=not only_entries)
    except NoBodies as missing:
        raise click.ClickException(str(missing)) from missing
    except KeyError as missing:
        raise click.UsageError(f"no shipped data set {missing.args[0]}") from missing
    head = {
        "added": done.counts["added"],
        "changed": done.counts["changed"],
        "unchanged": done.counts["unchanged"],
        "systems": done.systems,
        "supplies": done.supplies,
        "items": done.items,
        "demands": done.demands,
        "stood_in": [{"dataset": code, "agency": name} for code, name in done.stood_in],
    }
    lines = [f"{name}: {value}" for name, value in head.items() if name != "stood_in"]
    lines += [f"{code}: no body of the right kind; {name} stands in" for code, name in done.stood_in]
    _say(head, as_json, lines)


@catalogue.command()
@AS_JSON
def check(as_json: bool) -> None:
    """Hold the three lists against each other: each unmet demand with whom to ask. Exit code 1: some are unmet."""
    from citybrain.base.catalogue import matching
    from citybrain.base.identity.models import Agency

    lists = matching.read()
    gaps = matching.check(lists)
    names = dict(Agency.objects.values_list("id", "name"))
    people = matching.contacts(gap.ask for gap in gaps if gap.ask is not None)
    rows = [
        {
            "demand": gap.demand_id,
            "title": gap.title,
            "dataset": gap.dataset,
            "kind": gap.kind,
            "fields": list(gap.fields),
            "reason": gap.reason,
            "ask": names.get(gap.ask or 0, ""),
            "people": people.get(gap.ask or 0, []),
        }
        for gap in gaps
    ]
    unmet = len({gap.demand_id for gap in gaps})
    lines = [f"{row['title']} [{row['kind']}] {row['reason']} → {_whom(row)}" for row in rows]
    lines.append(f"{len(lists.needs)} demands, {unmet} unmet, {len(gaps)} gaps")
    _say({"demands": len(lists.needs), "unmet": unmet, "gaps": rows}, as_json, lines)
    sys.exit(1 if gaps else 0)


def _whom(row: dict[str, Any]) -> str:
    return f"{row['ask'] or 'nobody known'}{' (' + '、'.join(row['people']) + ')' if row['people'] else ''}"


@catalogue.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--provider", default="", help="Key or name of the agency where the file names none.")
@click.option("--trial", is_flag=True, help="Only say what would be done.")
@AS_JSON
def import_(file: Path, provider: str, trial: bool, as_json: bool) -> None:
    """Draft the entries of an Excel FILE in the catalogue's form. Exit code 1: rows were refused."""
    from django.db.models import Q

    from citybrain.base.catalogue.excel import import_excel
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.errors import Refused
    from citybrain.base.identity.models import Agency

    body = Agency.objects.filter(Q(key=provider) | Q(name=provider)).first() if provider else None
    if provider and body is None:
        raise click.UsageError(f"no agency {provider}")
    try:
        done = import_excel(SYSTEM, file.read_bytes(), file.name, provider=body, trial=trial)
    except Refused as refused:
        click.echo(str(refused), err=True)
        sys.exit(2)
    lines = [f"{one['sheet']}!{one['row']} {one['code']}: {one['outcome']} {one['reason']}".rstrip()
             for one in done.receipt]  # fmt: skip
    lines.append(", ".join(f"{name} {n}" for name, n in done.counts.items()))
    _say({"counts": done.counts, "receipt": done.receipt}, as_json, lines)
    sys.exit(1 if done.counts.get("refused") else 0)


@catalogue.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--words", default="", help="Only entries that a search for these words finds.")
@click.option("--drafts", is_flag=True, help="Drafts and withdrawn ones, too.")
def export(file: Path, words: str, drafts: bool) -> None:
    """Write entries to FILE (.xlsx) in the catalogue's form."""
    from citybrain.base.catalogue.excel import export_excel
    from citybrain.base.catalogue.lists import Search, matching
    from citybrain.base.identity.actor import SYSTEM

    if file.suffix.lower() != ".xlsx":
        raise click.UsageError(f"{file.name}: the catalogue's form is Excel; name a file that ends in .xlsx")
    sets = matching(SYSTEM, Search(words=words, state="" if drafts else "published"))
    found = list(sets.select_related("provider", "current"))
    if not found:
        raise click.ClickException("no entry is found; nothing was written")
    with refusals():
        content = export_excel(SYSTEM, found)
    _write(file, content)
    click.echo(f"{len(found)} entries → {file}")


@catalogue.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="Only what changed after."
)
def upward(file: Path, since: datetime | None) -> None:
    """Write FILE (JSON) for a higher level's platform: published entries, supplies, what was withdrawn."""
    from django.utils import timezone

    from citybrain.base.catalogue.upward import package
    from citybrain.base.identity.actor import SYSTEM

    with refusals():
        told = package(SYSTEM, since=timezone.make_aware(since) if since else None)
    _write(file, json.dumps(told, ensure_ascii=False, indent=1).encode())
    click.echo(f"{len(told['entries'])} entries, {len(told['withdrawn'])} withdrawn → {file}")


@catalogue.command()
@AS_JSON
def rate(as_json: bool) -> None:
    """Show the share of published entries with data behind them (编目–挂接率), in all and by provider."""
    from citybrain.base.catalogue.rate import rates
    from citybrain.base.identity.actor import SYSTEM

    found = rates(SYSTEM)
    rows = [
        {"agency": one.name, "published": one.published, "linked": one.linked, "rate": one.rate}
        for one in found
    ]
    lines = [
        f"{one.name or 'all'}: {one.linked}/{one.published}"
        + (f" = {one.rate:.1%}" if one.rate is not None else "")
        for one in found
    ]
    _say(rows, as_json, lines)


@catalogue.command()
@click.argument("words")
@AS_JSON
def find(words: str, as_json: bool) -> None:
    """Find published data sets by name, code, field, provider, pinyin or initials. Exit code 1: none."""
    from citybrain.base.catalogue.lists import Search, search
    from citybrain.base.identity.actor import SYSTEM

    page = search(SYSTEM, Search(words=words, state="published"))
    rows = [{"code": row.code, "name": row.name_zh, "provider": row.provider.name} for row in page.rows]
    _say(rows, as_json, [f"{row['code']}  {row['name']}  {row['provider']}" for row in rows])
    sys.exit(0 if rows else 1)


@catalogue.command()
@click.argument("code")
@AS_JSON
def show(code: str, as_json: bool) -> None:
    """Show a data set: its metadata, fields with what they may hold, and rules.

    A code table that is an excerpt doesn't hold all codes of its standard: codes beyond it aren't refused.
    """
    from citybrain.base.catalogue.codes import known, whole
    from citybrain.base.catalogue.models import DataSet

    dataset = DataSet.objects.select_related("current", "provider").filter(code=code).first()
    if dataset is None or dataset.current is None:
        raise click.ClickException(
            f"no published data set {code}; `citybrain catalogue find WORDS` finds one"
        )
    shape = dataset.shape
    told = {
        **dataset.current.meta,
        "provider": dataset.provider.name,
        "grade": dataset.grade,
        **shape.to_json(),
    }
    lines = [f"{dataset.code} {dataset.name_zh} ({dataset.provider.name}), grade {dataset.grade}"]
    for field in shape.fields:
        more = " ".join(f"{key}={value}" for key, value in field.to_json().items()
                        if key not in {"name", "zh", "type"})  # fmt: skip
        more += (
            " (excerpt)"
            if field.code_table and known(field.code_table) and not whole(field.code_table)
            else ""
        )
        lines.append(f"  {field.name} {field.zh} {field.type} {more}".rstrip())
    lines += [f"  rule {rule.key}: {rule.zh}" for rule in shape.rules]
    _say(told, as_json, lines)
