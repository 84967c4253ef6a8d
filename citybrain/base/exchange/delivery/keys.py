"""Keys of machines under a grant: given out once, known by their hash, ended at once."""

import hashlib
import secrets
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.catalogue.grants import why_not_live
from citybrain.base.catalogue.models import Grant
from citybrain.base.exchange.models import ApiKey
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record

PREFIX: Final = "cbd_"
SHOWN: Final = 10  # letters of a key that are kept, to tell keys apart
PERMISSION: Final = "exchange.keys"


def key_hash(key: str) -> str:
    """Return what is kept of a key: it has 256 random bits, so a plain hash tells nothing."""
    return hashlib.sha256(key.encode()).hexdigest()


def issue_key(
    actor: Actor, grant: Grant, label: str, expires_at: datetime | None = None, now: datetime | None = None
) -> tuple[ApiKey, str]:
    """Return a new key of a grant, and the key itself, shown this once.

    Raises Forbidden for who doesn't manage the receiving agency's keys, ValueError for a grant that has ended or
    an end in the past.
    """
    require(actor, PERMISSION, _Receiver(grant))
    moment = now or timezone.now()
    if why_not_live(grant, moment):
        raise ValueError(_("该授权当前无效，不能签发密钥。"))
    if expires_at is not None and expires_at <= moment:
        raise ValueError(_("密钥的到期时间已过。"))
    key = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        made = ApiKey.objects.create(
            grant=grant, label=label[:80], prefix=key[:SHOWN], key_hash=key_hash(key), created_by=actor.key,
            expires_at=expires_at,
        )  # fmt: skip
        told = {"grant": grant.pk, "label": label[:80], "until": expires_at}
        record(actor.key, "exchange.issue_key", f"key:{made.pk}", told, at=moment)
    return made, key


def revoke_key(actor: Actor, key: ApiKey, now: datetime | None = None) -> None:
    """End a key: its very next call is refused. Raises Forbidden."""
    require(actor, PERMISSION, _Receiver(key.grant))
    moment = now or timezone.now()
    with transaction.atomic():
        ended = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(
            revoked_at=moment, revoked_by=actor.key
        )
        if ended:
            record(actor.key, "exchange.revoke_key", f"key:{key.pk}", {}, at=moment)


class _Receiver:
    """The agency that receives under a grant, as rights ask for it."""

    def __init__(self, grant: Grant) -> None:
        self.grant = grant

    def guard_lineage(self) -> tuple[int | None, ...]:
        agency = self.grant.agency
        return (agency.city_id, agency.district_id, agency.street_id, agency.community_id, agency.grid_id)

    def guard_agency_ids(self) -> frozenset[int]:
        return frozenset({self.grant.agency_id})

    def guard_owner_id(self) -> int | None:
        return None
