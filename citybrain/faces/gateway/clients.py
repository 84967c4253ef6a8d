"""Keys of machines: given out once, known by their hash, ended at once."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import ANONYMOUS, Actor, actor_for
from citybrain.base.identity.models import Person
from citybrain.base.ledger.append import record
from citybrain.faces.gateway.models import ApiClient

PREFIX = "cb_"
LONGEST = timedelta(days=730)
USED_STEP = timedelta(hours=1)


def key_hash(key: str) -> str:
    """Return what is kept of a key: it has 256 random bits, so a plain hash tells nothing."""
    return hashlib.sha256(key.encode()).hexdigest()


def issue_key(actor: Actor, person: Person, name: str, days: int = 365, now: datetime | None = None) -> str:
    """Return a new key for an account. It is shown this once. Raises Forbidden, ValueError for a bad span."""
    require(actor, "people.manage", person)
    span = timedelta(days=days)
    if not timedelta(0) < span <= LONGEST:
        raise ValueError(f"{days} days: from 1 to {LONGEST.days}")
    moment = now or timezone.now()
    key = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        client = ApiClient.objects.create(
            person=person, name=name, key_hash=key_hash(key), created_by=actor.key, expires_at=moment + span
        )
        told = {"name": name, "person": person.pk, "days": days}
        record(actor.key, "gateway.issue_key", f"client:{client.pk}", told, at=moment)
    return key


def revoke_key(actor: Actor, client: ApiClient, now: datetime | None = None) -> None:
    """End a key: its next call is refused. Raises Forbidden."""
    require(actor, "people.manage", client.person)
    moment = now or timezone.now()
    with transaction.atomic():
        ApiClient.objects.filter(pk=client.pk, revoked_at=None).update(revoked_at=moment)
        record(actor.key, "gateway.revoke_key", f"client:{client.pk}", {}, at=moment)


def actor_of(key: str, now: datetime | None = None) -> Actor:
    """Return the actor behind a key, ANONYMOUS for one that is unknown, ended or of an account switched off."""
    moment = now or timezone.now()
    if not key.startswith(PREFIX):
        return ANONYMOUS
    client = (
        ApiClient.objects.select_related("person")
        .filter(key_hash=key_hash(key), revoked_at=None, expires_at__gt=moment, person__is_active=True)
        .first()
    )
    if client is None:
        return ANONYMOUS
    if client.last_used_at is None or moment - client.last_used_at > USED_STEP:
        ApiClient.objects.filter(pk=client.pk).update(last_used_at=moment)
    return actor_for(client.person, moment)
