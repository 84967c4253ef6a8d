"""One call per change: the entry's own history and the city's ledger, in the caller's transaction."""

from datetime import datetime
from typing import Any

from citybrain.base.catalogue.models import DataSet, Event, Grant, Request
from citybrain.base.identity.actor import Actor, Hat
from citybrain.base.ledger import record


def note(
    actor: Actor,
    action: str,
    dataset: DataSet,
    now: datetime,
    details: dict[str, Any],
    *,
    hat: Hat | None = None,
    request: Request | None = None,
    grant: Grant | None = None,
) -> None:
    """Write down what was done. The ledger's subject is the grant, the request or the data set."""
    behalf = hat.on_behalf_key if hat else ""
    Event.objects.create(
        dataset=dataset,
        request=request,
        grant=grant,
        at=now,
        action=action,
        actor=actor.key,
        actor_name=actor.name,
        on_behalf_of=behalf,
        details=details,
    )
    subject = f"dataset:{dataset.code}"
    if grant is not None:
        subject = f"grant:{grant.number}"
    elif request is not None:
        subject = f"request:{request.number}"
    body = {"dataset": dataset.code, **details}
    record(actor.key, f"catalogue.{action}", subject, body, at=now, on_behalf_of=behalf)
