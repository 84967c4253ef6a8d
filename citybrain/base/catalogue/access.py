"""Who sees what of the catalogue: conditions of the query, made from the actor's hats.

A published entry is there for every officer; a draft for those who keep or approve it; a request or grant for
both of its sides and for who audits; the three lists for those who keep them and those who are asked.
"""

from typing import TYPE_CHECKING, Any, Final, Self

from django.db import models
from django.db.models import Q

from citybrain.base.identity.access import scope_any

if TYPE_CHECKING:
    from citybrain.base.identity.actor import Actor
    from citybrain.base.identity.models import Agency

VIEW: Final = "catalogue.view"
EDIT: Final = "catalogue.edit"
SUBMIT: Final = "catalogue.submit"
APPROVE: Final = "catalogue.approve"
LISTS: Final = "catalogue.lists"
REQUEST: Final = "catalogue.request"
DECIDE: Final = "catalogue.decide"
REVOKE: Final = "catalogue.revoke"
AUDIT: Final = "catalogue.audit"
LEVELS: Final = ("city", "district", "street", "community", "grid")
EVERYTHING: Final = ~Q(pk__in=[])
KEEPERS: Final = (EDIT, APPROVE, AUDIT)


def reach(actor: "Actor", permissions: tuple[str, ...], agency: str) -> Q:
    """Return the condition for rows whose agency (a relation, such as `dataset__provider`) is within reach.

    Everything is a condition that is always true, not an empty one: an empty Q vanishes beside an OR.
    """
    found = scope_any(
        actor,
        permissions,
        area_fields=tuple(f"{agency}__{level}_id" for level in LEVELS),
        agency_fields=(f"{agency}_id",),
        owner_field=None,
    )
    return found or EVERYTHING


class Side:
    """One agency as a subject of `require`: what lies with it, where it stands."""

    def __init__(self, *agencies: "Agency") -> None:
        self.agencies = agencies

    def guard_lineage(self) -> tuple[int | None, ...]:
        first = self.agencies[0]
        return tuple(getattr(first, f"{level}_id") for level in LEVELS)

    def guard_agency_ids(self) -> frozenset[int]:
        return frozenset(agency.pk for agency in self.agencies)

    def guard_owner_id(self) -> int | None:
        return None


class DataSetQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: "Actor") -> Self:
        """Return the published entries, and drafts and withdrawn ones that the actor keeps, approves or audits."""
        if not actor.may(VIEW):
            return self.none()
        return self.filter(Q(state="published") | reach(actor, KEEPERS, "provider"))

    def kept_by(self, actor: "Actor") -> Self:
        """Return the entries that the actor keeps or approves."""
        return self.filter(reach(actor, (EDIT, APPROVE), "provider"))


class RevisionQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: "Actor") -> Self:
        """Return what was ever published of visible entries, and the open versions of those the actor keeps."""
        if not actor.may(VIEW):
            return self.none()
        was_open = Q(state__in=("published", "replaced"), dataset__state="published")
        return self.filter(was_open | reach(actor, KEEPERS, "dataset__provider"))


class ListQuerySet(models.QuerySet[Any]):
    """Rows of the three lists: with the agency that keeps them."""

    def visible_to(self, actor: "Actor") -> Self:
        return self.filter(reach(actor, (LISTS, AUDIT), "agency"))


class SupplyQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: "Actor") -> Self:
        """Return the supplies of the actor's agencies and those for data sets they keep."""
        mine = reach(actor, (LISTS, AUDIT), "system__agency") | reach(
            actor, (LISTS, AUDIT), "dataset__provider"
        )
        return self.filter(mine)


class DemandQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: "Actor") -> Self:
        """Return the demands of the actor's agencies, and those for data sets they keep."""
        asked = reach(actor, (LISTS, AUDIT), "dataset__provider")
        return self.filter(reach(actor, (LISTS, AUDIT), "agency") | asked)


class RequestQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: "Actor") -> Self:
        """Return the requests that the actor's agency made, and those made of it."""
        made = reach(actor, (REQUEST, AUDIT), "agency")
        return self.filter(made | reach(actor, (DECIDE, AUDIT), "dataset__provider"))

    def to_decide(self, actor: "Actor") -> Self:
        """Return the requests that wait for the actor's word."""
        return self.filter(reach(actor, (DECIDE,), "dataset__provider"), state="asked")


class GrantQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: "Actor") -> Self:
        """Return the grants that the actor's agency holds, and those it gave."""
        held = reach(actor, (REQUEST, AUDIT), "agency")
        return self.filter(held | reach(actor, (DECIDE, REVOKE, AUDIT), "dataset__provider"))
