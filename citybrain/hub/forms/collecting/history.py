"""One call per step of a sheet: its own history, the city's ledger and the open pages, in the caller's transaction."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from citybrain.base.identity.actor import Actor, Hat
from citybrain.base.ledger import record
from citybrain.hub.forms.models import Sheet, SheetEvent


def note(
    actor: Actor, action: str, sheet: Sheet, now: datetime, details: dict[str, Any], *, hat: Hat | None = None
) -> None:
    """Write down what was done with a sheet."""
    behalf = hat.on_behalf_key if hat else ""
    SheetEvent.objects.create(
        sheet=sheet, at=now, action=action, actor=actor.key, actor_name=actor.name, on_behalf_of=behalf,
        details=details,
    )  # fmt: skip
    body = {"round": sheet.round_id, "area": sheet.area_id, **details}
    record(actor.key, f"forms.{action}", f"sheet:{sheet.pk}", body, at=now, on_behalf_of=behalf)
    tell((f"sheet:{sheet.pk}", f"round:{sheet.round_id}"))


def tell(topics: Iterable[str]) -> None:
    """Leave word for open pages that something has changed; told when the transaction is through."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO cases_outbox (topic) SELECT unnest(%s::text[])", [list(topics)])
