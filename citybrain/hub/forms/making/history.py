"""One call per change: the form's own history and the city's ledger, in the caller's transaction."""

from datetime import datetime
from typing import Any

from citybrain.base.identity.actor import Actor, Hat
from citybrain.base.ledger import record
from citybrain.hub.forms.models import Form, FormEvent, Round


def note(
    actor: Actor,
    action: str,
    form: Form,
    now: datetime,
    details: dict[str, Any],
    *,
    hat: Hat | None = None,
    round_: Round | None = None,
) -> None:
    """Write down what was done. The ledger's subject is the round where one is named, else the form."""
    behalf = hat.on_behalf_key if hat else ""
    FormEvent.objects.create(
        form=form,
        round=round_,
        at=now,
        action=action,
        actor=actor.key,
        actor_name=actor.name,
        on_behalf_of=behalf,
        details=details,
    )
    subject = f"round:{round_.number}" if round_ is not None else f"form:{form.number}"
    record(
        actor.key, f"forms.{action}", subject, {"form": form.number, **details}, at=now, on_behalf_of=behalf
    )
