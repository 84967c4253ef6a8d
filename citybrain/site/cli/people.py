"""`citybrain people`: accounts, roles, passwords and sessions, for the operator at the machine.

The operator acts as the system: every change is written to the ledger as such.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import django

from citybrain.site.cli.files import NEW_FILE

if TYPE_CHECKING:
    from citybrain.base.identity.models import Agency, Person

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def people() -> None:
    """People (人员): accounts, roles, passwords, sessions. Exit codes: 0 done, 1 refused, 2 can't be used."""
    django.setup()


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn a refusal into one line on stderr and exit code 1."""
    from citybrain.base.identity.access import Forbidden
    from citybrain.base.identity.errors import Refused

    try:
        yield
    except Forbidden as refused:
        click.echo(f"citybrain: refused: {refused.reason_zh}{refused.whom_to_ask}", err=True)
        raise SystemExit(1) from refused
    except Refused as refused:
        for problem in refused.problems:
            click.echo(f"citybrain: {problem.field}: {problem.reason}", err=True)
        raise SystemExit(1) from refused


def _person(login: str) -> "Person":
    from citybrain.base.identity.models import Person

    person = (
        Person.objects.select_related("agency").filter(login=login.strip().lower(), kind="officer").first()
    )
    if person is None:
        raise click.UsageError(f"no officer has the login {login!r}")
    return person


def _agency(key: str) -> "Agency":
    from citybrain.base.identity.models import Agency

    agency = Agency.objects.filter(key=key).first()
    if agency is None:
        raise click.UsageError(f"no agency has the key {key!r}; see `citybrain people agencies`")
    return agency


def _area_id(code: str) -> int:
    from citybrain.base.areas.tree import AmbiguousCode, UnknownCode, tree

    try:
        return tree().by_code(code).id
    except (UnknownCode, AmbiguousCode) as wrong:
        raise click.UsageError(str(wrong)) from wrong


def _day(at: datetime | None) -> date | None:
    return at.date() if at else None


def _print(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo("  ".join(str(value) for value in row.values() if value not in (None, "", [])))


@people.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--receipt", type=NEW_FILE, help="Write the receipt (.xlsx).")
@click.option(
    "--passwords", is_flag=True, help="Give new accounts one-time passwords, told in the receipt only."
)
@AS_JSON
def import_file(file: Path, receipt: Path | None, passwords: bool, as_json: bool) -> None:
    """Import people from an Excel or CSV FILE with the columns of the template (see `template`)."""
    from citybrain.base.identity.actions import import_people
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.roster_files import receipt_file

    if passwords and receipt is None:
        raise click.UsageError("--passwords needs --receipt: they are told nowhere else")
    with _refusals(), click.progressbar(length=0, label=file.name, file=sys.stderr, hidden=as_json) as bar:

        def told(_done: int, total: int) -> None:
            bar.length = total
            bar.update(1)

        done = import_people(SYSTEM, file.read_bytes(), file.name, give_passwords=passwords, progress=told)
    if receipt is not None:
        receipt.touch(mode=0o600)
        receipt.write_bytes(receipt_file(done.receipt, done.passwords))
    refused = [line for line in done.receipt if line["outcome"] == "refused"]
    if as_json:
        click.echo(json.dumps({"counts": done.counts, "receipt": done.receipt}, ensure_ascii=False, indent=2))
    else:
        click.echo(", ".join(f"{name}: {count}" for name, count in sorted(done.counts.items())) or "no rows")
        for line in refused:
            click.echo(f"row {line['row']}: {line['field']} {line['reason']}", err=True)
    raise SystemExit(1 if refused else 0)


@people.command()
@click.argument("file", type=NEW_FILE)
def template(file: Path) -> None:
    """Write the Excel template for `import` to FILE."""
    from citybrain.base.identity.roles import grantable_roles
    from citybrain.base.identity.roster_files import template_file

    file.write_bytes(template_file(grantable_roles()))


@people.command("list")
@click.option("--text", default="", help="Name, pinyin, initials, login or phone.")
@click.option("--role", default="", help="Only holders of this role (a key).")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="At most this many.")
@AS_JSON
def list_people(text: str, role: str, limit: int, as_json: bool) -> None:
    """List officers with their agency and roles."""
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.lists import PAGE, Search, search_people
    from citybrain.base.identity.roles import grantable_roles

    known = [one.key for one in grantable_roles()]
    if role and role not in known:
        raise click.UsageError(f"there is no role {role!r}; one of {', '.join(known)}")
    rows: list[dict[str, Any]] = []
    number = 1
    while len(rows) < limit:
        page = search_people(SYSTEM, Search(text=text, role=role, page=number))
        rows += [_described(person) for person in page.people]
        if number >= page.pages or len(page.people) < PAGE:
            break
        number += 1
    if as_json:
        _print(rows[:limit], as_json)
        return
    shown = [
        row | {"active": "" if row["active"] else "(closed)", "roles": " ".join(row["roles"])}
        for row in rows[:limit]
    ]
    _print(shown, as_json)
    _say_none(shown, "nobody")


def _say_none(rows: list[dict[str, Any]], text: str) -> None:
    if not rows:
        click.echo(f"citybrain: {text}", err=True)


def _described(person: Any) -> dict[str, Any]:
    return {
        "id": person.pk,
        "login": person.login,
        "name": person.name,
        "agency": person.agency.key if person.agency else None,
        "active": person.is_active,
        "roles": [f"{grant.role}@{grant.area.code}#{grant.pk}" for grant in person.standing],
    }


@people.command()
@click.argument("login")
@click.argument("name")
@click.argument("agency")
@click.option("--phone", default="")
@click.option("--password", "with_password", is_flag=True, help="Print a one-time password.")
@AS_JSON
def add(login: str, name: str, agency: str, phone: str, with_password: bool, as_json: bool) -> None:
    """Open an account for NAME with LOGIN at AGENCY (its key)."""
    from citybrain.base.identity.actions import create_person, reset_password
    from citybrain.base.identity.actor import SYSTEM

    with _refusals():
        person = create_person(SYSTEM, login=login, name=name, agency=_agency(agency), phone=phone)
        password = reset_password(SYSTEM, person) if with_password else None
    _print([{"id": person.pk, "login": person.login, "password": password}], as_json)


@people.command()
@click.argument("login")
@click.argument("role")
@click.argument("area")
@click.option("--agency", help="Its key; needed by roles that reach an agency's cases.")
@click.option("--from", "valid_from", type=DAY, help="First day (today).")
@click.option("--until", "valid_until", type=DAY, help="Last day (until revoked).")
@AS_JSON
def grant(
    login: str,
    role: str,
    area: str,
    agency: str | None,
    valid_from: datetime | None,
    valid_until: datetime | None,
    as_json: bool,
) -> None:
    """Give LOGIN a ROLE (its key) in AREA (its code)."""
    from citybrain.base.identity.actions import grant_role
    from citybrain.base.identity.actor import SYSTEM

    with _refusals():
        given = grant_role(
            SYSTEM,
            _person(login),
            role,
            _area_id(area),
            agency=_agency(agency) if agency else None,
            valid_from=_day(valid_from),
            valid_until=_day(valid_until),
        )
    _print([{"grant": given.pk, "role": given.role, "area": area}], as_json)


@people.command()
@click.argument("grant_id", type=int)
@click.option("--reason", required=True)
def revoke(grant_id: int, reason: str) -> None:
    """Take a role back: GRANT_ID is the number after # in `list`."""
    from citybrain.base.identity.actions import revoke_role
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.models import RoleGrant

    found = RoleGrant.objects.select_related("person").filter(pk=grant_id).first()
    if found is None:
        raise click.UsageError(f"there is no grant {grant_id}")
    with _refusals():
        revoke_role(SYSTEM, found, reason)


@people.command("reset-password")
@click.argument("login")
@AS_JSON
def reset_password_of(login: str, as_json: bool) -> None:
    """Print a one-time password for LOGIN; ends the account's sessions and forgives failed sign-ins."""
    from citybrain.base.identity.actions import reset_password
    from citybrain.base.identity.actor import SYSTEM

    with _refusals():
        _print([{"login": login, "password": reset_password(SYSTEM, _person(login))}], as_json)


@people.command()
@click.argument("login")
@click.option("--revoke", "end_all", is_flag=True, help="End them all.")
@AS_JSON
def sessions(login: str, end_all: bool, as_json: bool) -> None:
    """List the sessions of LOGIN that stand, or end them."""
    from citybrain.base.identity.actions import revoke_all_sessions, sessions_of
    from citybrain.base.identity.actor import SYSTEM

    person = _person(login)
    if end_all:
        _print([{"ended": revoke_all_sessions(SYSTEM, person)}], as_json)
        return
    rows = [
        {
            "id": one.pk,
            "ip": one.ip,
            "since": one.created_at.isoformat(),
            "last_seen": one.last_seen_at.isoformat(),
            "browser": one.user_agent,
        }
        for one in sessions_of(SYSTEM, person)
    ]
    _print(rows, as_json)
    if not as_json:
        _say_none(rows, "no session stands")


@people.command()
@click.option("--kind", default="", help="Only bodies of this kind (a key).")
@AS_JSON
def agencies(kind: str, as_json: bool) -> None:
    """List the agencies (单位) in force."""
    from citybrain.base.identity.models import Agency

    found = Agency.objects.in_force().select_related("area").order_by("area__level", "key")
    chosen = found.filter(kind=kind) if kind else found
    _print([{"key": one.key, "name": one.name, "area": one.area.code} for one in chosen], as_json)


@people.command("add-agency")
@click.argument("kind")
@click.argument("area")
@click.argument("name")
@click.option("--key", default="", help="Its key (KIND-AREA unless given).")
@AS_JSON
def add_agency(kind: str, area: str, name: str, key: str, as_json: bool) -> None:
    """Open an agency of KIND (city_mgmt, subdistrict …) for AREA (its code) under NAME."""
    from citybrain.base.identity.actions import create_agency, install_agency_kinds
    from citybrain.base.identity.actor import SYSTEM

    with _refusals():
        install_agency_kinds(SYSTEM)
        made = create_agency(SYSTEM, kind=kind, area_id=_area_id(area), name=name, key=key)
    _print([{"key": made.key, "name": made.name}], as_json)
