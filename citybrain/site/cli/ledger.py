"""`citybrain ledger`: the chain's end, its verification, and its entries.

Exit codes: 0 intact, 1 altered, 2 wrong usage, 3 could not be checked (no database).
"""

import json
import sys
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

import click
import django

if TYPE_CHECKING:
    from collections.abc import Iterator

    from citybrain.base.ledger.chain import Head
    from citybrain.base.ledger.verify import Verdict


class _Unchecked(click.ClickException):
    exit_code = 3


@contextmanager
def _database() -> "Iterator[None]":
    """Turn a database that can't be reached into a plain message and exit code 3."""
    from django.db import Error
    from psycopg_pool import PoolTimeout

    try:
        yield
    except (Error, PoolTimeout) as error:
        raise _Unchecked(f"the ledger could not be read: {str(error).strip()}") from error


def _head_of(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> "list[Head]":
    """Return the heads given as SEQ:HASH, or refuse."""
    from citybrain.base.ledger.chain import Head

    heads = []
    for text in texts:
        try:
            heads.append(Head.parse(text.split()[0] if text.split() else ""))
        except ValueError as error:
            raise click.BadParameter(
                f"{text!r}: give what `citybrain ledger head` printed, SEQ:HASH"
            ) from error
    return heads


@click.group()
def ledger() -> None:
    """Who did what: show it, export it, prove that nobody changed it."""
    django.setup()


@ledger.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def head(as_json: bool) -> None:
    """Print the chain's end: SEQ:HASH and the time. Keep it outside this machine."""
    from citybrain.base.ledger.verify import head as read_head

    with _database():
        found = read_head()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    if as_json:
        click.echo(json.dumps({"seq": found.seq, "hash": found.hash.hex(), "at": now}))
    else:
        click.echo(f"{found} {now}")


@ledger.command()
@click.option(
    "--head", "heads", multiple=True, callback=_head_of, metavar="SEQ:HASH", help="A head kept elsewhere."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(heads: "list[Head]", as_json: bool) -> None:
    """Recompute the chain and name the first row that was altered, taken out or put in.

    Without --head, rows cut off the end together with the sealer's own mark can't show.
    """
    from citybrain.base.ledger.verify import verify as run

    with _database(), _bar(hidden=as_json) as progress:
        verdict = run(progress, heads)
    click.echo(json.dumps(_as_json(verdict), ensure_ascii=False) if as_json else _as_text(verdict))
    sys.exit(0 if verdict.intact else 1)


@contextmanager
def _bar(*, hidden: bool) -> "Iterator[Callable[[int, int], None] | None]":
    """Give a function that draws progress on stderr, where someone looks at it."""
    if hidden or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label="verifying", file=sys.stderr, show_pos=True) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield progress


def _as_json(verdict: "Verdict") -> dict[str, Any]:
    fault = verdict.fault
    return {
        "intact": verdict.intact,
        "checked": verdict.checked,
        "seq": verdict.head.seq,
        "hash": verdict.head.hash.hex(),
        "pending": verdict.pending,
        "seconds": round(verdict.seconds, 3),
        "fault": None
        if fault is None
        else {name: getattr(fault, name) for name in fault.__slots__} | {"text": str(fault)},
    }


def _as_text(verdict: "Verdict") -> str:
    if verdict.fault is not None:
        return f"ALTERED: {verdict.fault}\n{verdict.checked} entries before it are intact"
    return (
        f"intact: {verdict.checked} entries, {verdict.pending} not sealed yet, {verdict.seconds:.1f} s\n"
        f"head {verdict.head}"
    )


@ledger.command()
@click.option("--subject", default="", help="Only this subject, such as case:12.")
@click.option("--actor", default="", help="Only this actor, such as person:7.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def show(subject: str, actor: str, limit: int, as_json: bool) -> None:
    """Print the latest entries, newest first."""
    from citybrain.base.ledger.read import about

    with _database():
        entries = about(subject, actor, limit)
    for entry in entries:
        if as_json:
            click.echo(json.dumps(entry._asdict() | {"body": _body(entry.body)}, ensure_ascii=False))
        else:
            place = "unsealed" if entry.seq is None else f"#{entry.seq}"
            behalf = f" for {entry.on_behalf_of}" if entry.on_behalf_of else ""
            click.echo(
                f"{entry.at}  {place}  {entry.actor}{behalf}  {entry.action}  {entry.subject}  {entry.body}"
            )
    if not entries and not as_json:
        click.echo("no entry", err=True)


def _body(text: str) -> object:
    """Return a body as JSON values, or as it stands where someone made it something else."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@ledger.command()
@click.option(
    "--out", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="A file; - is the screen."
)
@click.option("--after", default=0, type=click.IntRange(0), help="Begin behind this seq.")
def export(out: IO[str], after: int) -> None:
    """Write the sealed entries as JSON lines that anyone can verify (docs/ledger.md)."""
    from citybrain.base.ledger.read import in_chain

    count = 0
    with _database():
        for count, row in enumerate(in_chain(after), 1):  # noqa: B007 (counted for the last line)
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    click.echo(f"{count} entries", err=True)


@ledger.command()
def seal() -> None:
    """Seal what is pending now, as the worker does every second."""
    from citybrain.base.ledger.sealer import tick

    with _database():
        click.echo(f"{tick(datetime.now(UTC))} entries sealed")
