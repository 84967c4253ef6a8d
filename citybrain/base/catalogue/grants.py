"""What a grant allows now: the policy that delivery compiles into its queries. Reading only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from citybrain.base.catalogue.conditions import Condition
from citybrain.base.catalogue.models import DataSetState, Grant

__all__ = ["Condition", "Policy", "live", "live_grants", "policy", "why_not_live"]


@dataclass(frozen=True, slots=True)
class Policy:
    """A grant as delivery needs it. `fields` in the order of the shape; `masks` of fields among them.

    `conditions` all hold for every row delivered, and read granted fields only.
    """

    grant_id: int
    number: str
    dataset_code: str
    agency_id: int
    fields: tuple[str, ...]
    masks: Mapping[str, str]
    conditions: tuple[Condition, ...]
    modes: frozenset[str]
    daily_rows: int
    rate_per_second: int
    valid_until: datetime | None


def live_grants(now: datetime) -> QuerySet[Grant]:
    """Return the grants that hold at `now`, of data sets that are published."""
    unended = Q(valid_until=None) | Q(valid_until__gt=now)
    return Grant.objects.filter(
        unended, revoked_at=None, valid_from__lte=now, dataset__state=DataSetState.PUBLISHED
    )


def why_not_live(grant: Grant, now: datetime) -> str:
    """Return "revoked", "expired", "not_yet" or "withdrawn", empty for a grant that holds.

    Reads `grant.dataset`: select it with the grant.
    """
    if grant.revoked_at is not None and grant.revoked_at <= now:
        return "revoked"
    if grant.valid_until is not None and grant.valid_until <= now:
        return "expired"
    if grant.valid_from > now:
        return "not_yet"
    return "" if grant.dataset.state == DataSetState.PUBLISHED else "withdrawn"


def live(grant: Grant, now: datetime) -> bool:
    """Return whether the grant holds at `now`."""
    return not why_not_live(grant, now)


def policy(grant: Grant) -> Policy:
    """Return what the grant allows; whether it holds is for `live` to say. Reads `grant.dataset`."""
    fields = tuple(grant.fields)
    return Policy(
        grant_id=grant.pk,
        number=grant.number or "",
        dataset_code=grant.dataset.code,
        agency_id=grant.agency_id,
        fields=fields,
        masks={name: kind for name, kind in grant.masks.items() if name in fields},
        conditions=tuple(Condition.from_json(one) for one in grant.conditions),
        modes=frozenset(grant.modes),
        daily_rows=grant.daily_rows,
        rate_per_second=grant.rate_per_second,
        valid_until=grant.valid_until,
    )
