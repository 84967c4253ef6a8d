"""Who sees which form, round and sheet.

An office sees the forms it asks for, and what came back; whoever fills or reviews sees the sheets of their areas.
Whether a cell's data may be shown is not decided here: see `knowing`.
"""

from typing import TYPE_CHECKING, Any, Final, Self

from django.db import models
from django.db.models import Q

from citybrain.base.catalogue.access import reach
from citybrain.base.identity.access import scope_any

if TYPE_CHECKING:
    from citybrain.base.identity.actor import Actor

DRAFT: Final = "forms.draft"  # make, match and change an office's forms
ADMIT: Final = "forms.admit"  # decide on admission
ISSUE: Final = "forms.issue"  # send down, remind, accept, roll up
FILL: Final = "forms.fill"  # fill and submit the sheet of an area
REVIEW: Final = "forms.review"  # look through sheets of areas below, send back or on
VIEW: Final = "forms.view"  # look at everything of an area: rounds, progress, hours saved
ROSTERS: Final = "forms.rosters"  # live rosters of an area
SETTLE: Final = "forms.settle"  # answer disputes on the data sets of one's agency
LEVELS: Final = ("city_id", "district_id", "street_id", "community_id", "grid_id")
NOTHING: Final = Q(pk__in=[])
SCENE: Final = "forms"  # the business scene of the grants that forms and rosters are filled under


def in_reach(actor: "Actor", permissions: tuple[str, ...]) -> Q:
    """Return the condition for rows that lie in areas the actor holds one of the permissions for."""
    if not any(actor.may(one) for one in permissions):
        return NOTHING
    return scope_any(actor, permissions, area_fields=LEVELS, agency_fields=(), owner_field=None) or ~NOTHING


class FormQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: "Actor") -> Self:
        """Return the forms of the actor's offices, those to be decided, and those sent to areas the actor works in."""
        own = reach(actor, (DRAFT, ISSUE, ADMIT, VIEW), "office")
        from citybrain.hub.forms.models.sheet import Sheet

        sent = Sheet.objects.filter(in_reach(actor, (FILL, REVIEW))).values("round__form_id")
        return self.filter(own | Q(pk__in=sent))


class RoundQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: "Actor") -> Self:
        """Return the rounds of the actor's offices and those that reach areas the actor works in."""
        from citybrain.hub.forms.models.sheet import Sheet

        sent = Sheet.objects.filter(in_reach(actor, (FILL, REVIEW))).values("round_id")
        return self.filter(reach(actor, (ISSUE, VIEW), "office") | Q(pk__in=sent))


class SheetQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: "Actor") -> Self:
        """Return the sheets of the actor's areas and, once they are handed in, of the actor's offices' rounds."""
        handed_in = Q(state__in=("reviewed", "accepted")) & reach(actor, (ISSUE,), "round__office")
        return self.filter(in_reach(actor, (FILL, REVIEW, VIEW)) | handed_in)


class PlacedQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: "Actor") -> Self:
        """Return what lies in areas whose rosters or sheets the actor works on."""
        return self.filter(in_reach(actor, (ROSTERS, FILL, REVIEW)))
