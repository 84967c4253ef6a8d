"""`citybrain delivery`: keys under grants, files, changes, and the receipts of everything that left."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click


def shown(value: Any) -> None:
    """Print one thing as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def grant_of(number: str) -> Any:
    """Return the grant with this number (or id). Raises ClickException."""
    from django.db.models import Q

    from citybrain.base.catalogue.models import Grant

    by_id = Q(pk=int(number)) if number.isdecimal() else Q()
    found = Grant.objects.select_related("dataset__current", "agency").filter(Q(number=number) | by_id)
    grant = found.first() if number else None
    if grant is None:
        raise click.ClickException(f"no grant has the number {number}")
    return grant


@click.group()
def delivery() -> None:
    """Data out: keys, files, changes and receipts."""


@delivery.group()
def keys() -> None:
    """Keys of machines under a grant: give one out, list them, end one."""


@keys.command("issue")
@click.argument("grant")
@click.argument("label")
@click.option(
    "--days", type=click.IntRange(1, 730), help="How long it opens; without it as long as the grant holds."
)
def issue(grant: str, label: str, days: int | None) -> None:
    """Give out a key of GRANT; LABEL says which system it is for. It is shown this once."""
    from citybrain.base.exchange.delivery.keys import issue_key
    from citybrain.base.identity.actor import SYSTEM

    until = datetime.now(UTC) + timedelta(days=days) if days else None
    try:
        click.echo(issue_key(SYSTEM, grant_of(grant), label, until)[1])
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@keys.command("list")
@click.argument("grant", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_keys(grant: str | None, as_json: bool) -> None:
    """List the keys, of one GRANT or of all; the keys themselves are not kept."""
    from citybrain.base.exchange.models import ApiKey

    rows = ApiKey.objects.select_related("grant__dataset").order_by("pk")
    if grant:
        rows = rows.filter(grant=grant_of(grant))
    if as_json:
        names = ("id", "prefix", "label", "last_used_at", "expires_at", "revoked_at")
        told = [{name: getattr(one, name, None) for name in names} for one in rows]
        shown([{**line, "grant": one.grant.number, "dataset": one.grant.dataset.code}
               for line, one in zip(told, rows, strict=True)])  # fmt: skip
        return
    if not rows:
        click.echo("no keys were given out", err=True)
    for one in rows:
        state = f"ended {one.revoked_at:%Y-%m-%d}" if one.revoked_at else "stands"
        if not one.revoked_at and one.expires_at and one.expires_at <= datetime.now(UTC):
            state = f"expired {one.expires_at:%Y-%m-%d}"
        used = f"used {one.last_used_at:%Y-%m-%d %H:%M}" if one.last_used_at else "never used"
        click.echo(
            f"{one.pk}  {one.prefix}…  {one.grant.number}  {one.grant.dataset.code}  {one.label}  {state}  {used}"
        )


@keys.command("revoke")
@click.argument("number", type=int)
def revoke(number: int) -> None:
    """End the key with this NUMBER (see `list`); its very next call is refused."""
    from citybrain.base.exchange.delivery.keys import revoke_key
    from citybrain.base.exchange.models import ApiKey
    from citybrain.base.identity.actor import SYSTEM

    key = ApiKey.objects.select_related("grant__agency").filter(pk=number).first()
    if key is None:
        raise click.ClickException(f"no key has the number {number}")
    revoke_key(SYSTEM, key)
    click.echo(f"key {number} is ended")


def deliver_now(grant: str, form: str, fields: str, since: int | None) -> None:
    """Ask for a file, make it here, and say where it lies."""
    from citybrain.base.exchange.delivery import batch
    from citybrain.base.exchange.delivery.compile import Asked
    from citybrain.base.exchange.delivery.refusals import Refused
    from citybrain.base.exchange.models import Delivery
    from citybrain.base.identity.actor import SYSTEM

    asked = Asked(tuple(name.strip() for name in fields.split(",") if name.strip()))
    now = datetime.now(UTC)
    try:
        made = batch.ask_file(SYSTEM, grant_of(grant), form, asked, since, now)
    except Refused as refused:
        raise click.ClickException(str(refused)) from refused
    claimed = batch.claim(now, made.pk)
    done = batch.run(claimed, now) if claimed else Delivery.objects.get(pk=made.pk)
    if done.manifest is None:
        raise click.ClickException(f"{done.number}: {done.why or done.state}")
    shown({**done.manifest, "path": str(batch.folder(done) / done.manifest["file"])})


FORM = click.option(
    "--form",
    default="parquet",
    show_default=True,
    type=click.Choice(["parquet", "csv", "jsonl", "xlsx"]),
    help="The kind of file.",
)
FIELDS = click.option(
    "--fields", default="", help="Names with commas between; without it all that are granted."
)


@delivery.command("file")
@click.argument("grant")
@FORM
@FIELDS
def make_file(grant: str, form: str, fields: str) -> None:
    """Make a file of all rows that GRANT allows, with its receipt."""
    deliver_now(grant, form, fields, None)


@delivery.command("changes")
@click.argument("grant")
@click.argument("since", type=click.IntRange(min=0))
@FORM
@FIELDS
def changes(grant: str, since: int, form: str, fields: str) -> None:
    """Make a file of what changed after version SINCE under GRANT, with its receipt."""
    deliver_now(grant, form, fields, since)


@delivery.group("receipts")
def receipts_group() -> None:
    """Receipts: fold them, verify them, prove what one holds."""


@receipts_group.command("fold")
def fold() -> None:
    """Fold all waiting calls into receipts, and receipts into the readings' files where it is worth it."""
    from citybrain.base.exchange.delivery import folding, receipts

    now = datetime.now(UTC)
    calls = receipts.group(now, everything=True)
    click.echo(f"{calls} calls folded into receipts, {folding.fold(now)} receipts into files")


@receipts_group.command("verify")
@click.option("--days", type=click.IntRange(min=1), help="Only the receipts of the last days.")
def verify(days: int | None) -> None:
    """Compute every digest anew and compare it with the receipt and the ledger; exit code 1 when one differs."""
    from citybrain.base.exchange.delivery import proving

    verdict = proving.verify(datetime.now(UTC) - timedelta(days=days) if days else None)
    looked = (
        f"{verdict.receipts} receipts, {verdict.allotments} allotments of people, {verdict.segments} files"
    )
    for fault in verdict.faults:
        click.echo(f"{fault.subject}: {fault.says}", err=True)
    if not verdict.well:
        raise click.ClickException(f"{looked}: {len(verdict.faults)} are not what they were")
    click.echo(f"{looked}: all are what they were; `citybrain ledger verify` checks the chain itself")


@receipts_group.command("refold")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY")
def refold(day: datetime) -> None:
    """Make the readings' file of a DAY anew from its receipts."""
    from citybrain.base.exchange.delivery import folding

    click.echo(f"{folding.refold(day.date())} receipts folded anew")


@receipts_group.command("show")
@click.argument("number")
@click.option("--holds", "file", type=click.Path(path_type=Path, allow_dash=True),
              help="A file (- for input) with an identity number: does the receipt hold that person?")  # fmt: skip
def show(number: str, file: Path | None) -> None:
    """Show receipt NUMBER, or the call an answer's receipt number (group.index) bore."""
    from django.forms.models import model_to_dict

    from citybrain.base.exchange.delivery import proving, receipts
    from citybrain.base.exchange.models import Receipt

    if "." in number:
        group, _, index = number.partition(".")
        found = receipts.find_call(number) if group.isdecimal() and index.isdecimal() else None
        if found is None:
            raise click.ClickException(f"no call bore the number {number}")
        receipt, call = found
        shown(
            {
                "receipt": receipt.pk if receipt else None,
                "at": call.at,
                "rows": call.rows,
                "people": len(call.members),
            }
        )
        return
    one = Receipt.objects.filter(pk=int(number)).first() if number.isdecimal() else None
    if one is None:
        raise click.ClickException(f"no receipt has the number {number}")
    told = model_to_dict(one) | {"id": one.pk}
    if file is not None:
        id_no = sys.stdin.readline() if str(file) == "-" else file.read_text()
        proof = proving.prove(one, id_no)
        told |= {"holds": proof.holds, "well": proof.well}
    shown(told)
