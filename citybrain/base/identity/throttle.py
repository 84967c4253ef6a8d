"""Slowing down who guesses passwords, without shutting out the owner.

Failures are counted in buckets. A browser known for the account has its own bucket and no other, so that no
stranger's failures touch it. An unknown browser is counted per account and network, per account, and per
network; each bucket shuts for a growing while. A shut bucket counts nothing, so hammering doesn't prolong it.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from citybrain.base.identity.models import Person, SignInFailure

FORGOTTEN_AFTER = timedelta(hours=12)  # without a failure in a bucket


@dataclass(frozen=True, slots=True)
class Rule:
    """`free` failures cost nothing; each one more shuts the bucket, for `first`, then doubling up to `most`."""

    prefix: str
    free: int
    first: timedelta
    most: timedelta


DEVICE = Rule("device", 5, timedelta(seconds=30), timedelta(minutes=15))
NEARBY = Rule("nearby", 5, timedelta(minutes=1), timedelta(hours=1))  # one account from one network
ACCOUNT = Rule("account", 30, timedelta(minutes=1), timedelta(minutes=15))  # one account from anywhere
NETWORK = Rule("network", 60, timedelta(minutes=1), timedelta(hours=1))  # all accounts from one network

Buckets = Sequence[tuple[str, Rule]]


def network_of(ip: str | None) -> str:
    """Return the network that is counted as one: a /32 of IPv4, a /64 of IPv6."""
    if ip is None:
        return "unknown"
    address = ipaddress.ip_address(ip)
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network(f"{address}/64", strict=False))


def buckets_for(login: str, ip: str | None, device: str) -> Buckets:
    """Return where an attempt is counted: a known device alone, or the three of an unknown one."""
    if device:
        return ((f"device:{device}", DEVICE),)
    network = network_of(ip)
    account = login[:40]
    return (
        (f"nearby:{account}:{network}", NEARBY),
        (f"account:{account}", ACCOUNT),
        (f"network:{network}", NETWORK),
    )


def shut_until(buckets: Buckets, now: datetime) -> datetime | None:
    """Return until when one of the buckets is shut, None when all are open."""
    names = [name for name, _rule in buckets]
    latest = (
        SignInFailure.objects.filter(bucket__in=names, shut_until__gt=now)
        .order_by("-shut_until")
        .values_list("shut_until", flat=True)
    )
    return latest.first()


_COUNT = """
INSERT INTO identity_signinfailure AS f (bucket, failures, last_at, shut_until)
VALUES (%(bucket)s, 1, %(now)s, %(now)s)
ON CONFLICT (bucket) DO UPDATE SET
  failures = CASE WHEN f.last_at < %(forgotten)s THEN 1 ELSE f.failures + 1 END,
  last_at = %(now)s,
  shut_until = CASE WHEN f.last_at >= %(forgotten)s AND f.failures + 1 > %(free)s
    THEN %(now)s::timestamptz
      + make_interval(secs => LEAST(%(most)s, %(first)s * 2 ^ LEAST(f.failures - %(free)s, 20)))
    ELSE f.shut_until END
RETURNING failures"""


def count_attempt(buckets: Buckets, now: datetime) -> None:
    """Count an attempt as failed, before the password is looked at: many at once can't slip through.

    Must not run inside the caller's transaction, or a refusal would be rolled back with it.
    """
    with connection.cursor() as cursor:
        for name, rule in buckets:
            cursor.execute(
                _COUNT,
                {
                    "bucket": name,
                    "now": now,
                    "forgotten": now - FORGOTTEN_AFTER,
                    "free": rule.free,
                    "first": rule.first.total_seconds(),
                    "most": rule.most.total_seconds(),
                },
            )


def take_back(buckets: Buckets) -> None:
    """Undo `count_attempt` after a success; the buckets nearest to the account start anew."""
    with connection.cursor() as cursor:
        for name, rule in buckets:
            if rule in (DEVICE, NEARBY):
                cursor.execute("DELETE FROM identity_signinfailure WHERE bucket = %s", [name])
            else:
                cursor.execute(
                    "UPDATE identity_signinfailure SET failures = GREATEST(failures - 1, 0),"
                    " shut_until = CASE WHEN shut_until > last_at THEN last_at ELSE shut_until END"
                    " WHERE bucket = %s",
                    [name],
                )


def forgive(person: Person) -> None:
    """Forget what failed at an account, its password having been replaced by a manager."""
    SignInFailure.objects.filter(
        Q(bucket=f"account:{person.login}") | Q(bucket__startswith=f"nearby:{person.login}:")
    ).delete()


def sweep(now: datetime) -> int:
    """Delete buckets that are forgotten anyway, and return how many; a loop of the worker."""
    return SignInFailure.objects.filter(last_at__lt=now - FORGOTTEN_AFTER, shut_until__lt=now).delete()[0]
