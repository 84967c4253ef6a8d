"""`citybrain tokens`: keys of machines that use the API."""

import json

import click


@click.group()
def tokens() -> None:
    """Keys of machines: give one out, list them, end one."""


@tokens.command("issue")
@click.argument("login")
@click.argument("name")
@click.option("--days", default=365, show_default=True, help="How long it opens, 1 to 730.")
def issue(login: str, name: str, days: int) -> None:
    """Give out a key that acts as the account LOGIN; NAME says which system it is. It is shown this once."""
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.identity.models import Person
    from citybrain.faces.gateway import clients

    person = Person.objects.filter(login=login).first()
    if person is None:
        raise click.ClickException(f"no account has the login {login}")
    try:
        click.echo(clients.issue_key(SYSTEM, person, name, days))
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@tokens.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_tokens(as_json: bool) -> None:
    """List the keys with their accounts; the keys themselves are not kept."""
    from citybrain.faces.gateway.models import ApiClient

    rows = [
        {
            "id": one.pk,
            "name": one.name,
            "login": one.person.login,
            "expires": one.expires_at.isoformat(),
            "revoked": one.revoked_at.isoformat() if one.revoked_at else None,
            "last_used": one.last_used_at.isoformat() if one.last_used_at else None,
        }
        for one in ApiClient.objects.select_related("person").order_by("pk")
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        state = "revoked" if row["revoked"] else f"until {row['expires']}"
        click.echo(f"{row['id']}  {row['name']}  {row['login']}  {state}")


@tokens.command("revoke")
@click.argument("number", type=int)
def revoke(number: int) -> None:
    """End the key with this NUMBER (see `list`); its next call is refused."""
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.faces.gateway import clients
    from citybrain.faces.gateway.models import ApiClient

    client = ApiClient.objects.select_related("person").filter(pk=number).first()
    if client is None:
        raise click.ClickException(f"no key has the number {number}")
    clients.revoke_key(SYSTEM, client)
    click.echo(f"key {number} is ended")
