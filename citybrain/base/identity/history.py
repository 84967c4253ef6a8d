"""One call per change: the account's own history and the city's ledger, in the caller's transaction."""

from datetime import datetime
from typing import Any

from citybrain.base.identity.actor import Actor, Hat
from citybrain.base.identity.models import Person, PersonEvent
from citybrain.base.ledger import record


def note(
    actor: Actor, action: str, person: Person, now: datetime, details: dict[str, Any], hat: Hat | None = None
) -> None:
    """Write down what was done to an account, and on whose behalf when the hat was another's."""
    behalf = hat.on_behalf_key if hat else ""
    PersonEvent.objects.create(
        person=person,
        at=now,
        action=action,
        actor=actor.key,
        actor_name=actor.name,
        on_behalf_of=behalf,
        details=details,
    )
    record(actor.key, f"identity.{action}", f"person:{person.pk}", details, at=now, on_behalf_of=behalf)


def describe_changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """Return {field: [old, new]} for the fields that differ."""
    return {name: [before[name], after[name]] for name in before if before[name] != after.get(name)}
