"""Keys of machines: given out once, known by their hash, ended at once."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import connection, transaction
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


# Raw, because every call of every machine begins with it: the columns an actor needs and no model more.
OPENS = """
SELECT k.id, k.last_used_at, p.id, p.kind, p.name, p.agency_id
  FROM gateway_apiclient k JOIN identity_person p ON p.id = k.person_id AND p.is_active
 WHERE k.key_hash = %s AND k.revoked_at IS NULL AND k.expires_at > %s
"""


def actor_of(key: str, now: datetime | None = None) -> Actor:
    """Return the actor behind a key, ANONYMOUS for one that is unknown, ended or of an account switched off."""
    moment = now or timezone.now()
    if not key.startswith(PREFIX):
        return ANONYMOUS
    with connection.cursor() as cursor:
        cursor.execute(OPENS, [key_hash(key), moment])
        row = cursor.fetchone()
    if row is None:
        return ANONYMOUS
    client_id, last_used_at, person_id, kind, name, agency_id = row
    if last_used_at is None or moment - last_used_at > USED_STEP:
        ApiClient.objects.filter(pk=client_id).update(last_used_at=moment)
    return actor_for(Person(pk=person_id, kind=kind, name=name, agency_id=agency_id, is_active=True), moment)
