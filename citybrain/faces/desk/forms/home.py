"""What waits for somebody who works with forms, counted for the first page."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from citybrain.base.catalogue.access import reach
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.data.home import Waiting
from citybrain.faces.desk.forms.disputes import waiting_to_settle
from citybrain.faces.desk.forms.filling import waiting_to_fill
from citybrain.hub.forms import collecting
from citybrain.hub.forms.access import ADMIT, ISSUE, REVIEW, VIEW
from citybrain.hub.forms.making import lists
from citybrain.hub.forms.models import Sheet, SheetState


@dataclass(frozen=True, slots=True)
class Lead:
    """A way from the first page to what leaders look at."""

    label: str
    icon: str
    href: str


def leads_for(actor: Actor) -> list[Lead]:
    """Return the ways to what forms cost and which could be abolished, for who looks at or admits them. No query."""
    if not (actor.may(VIEW) or actor.may(ADMIT)):
        return []
    saved = reverse("desk:forms_saved")
    return [
        Lead(_("减负成效"), "report-analytics", saved),
        Lead(_("可以取消的报表"), "archive", f"{saved}#abolish"),
        Lead(_("报表收集"), "progress-check", reverse("desk:forms_rounds")),
    ]


def waiting_for(actor: Actor, now: datetime) -> list[Waiting]:
    """Return what waits; nothing, and no query, for who has no part in it. One query a count."""
    found = waiting_to_fill(actor, now)
    if actor.may(REVIEW):
        review = collecting.to_review(actor).count()
        found.append(Waiting(_("报表待审核"), review, reverse("desk:forms_review")))
    if actor.may(ADMIT):
        admit = lists.to_decide(actor).count()
        found.append(Waiting(_("报表待准入"), admit, f"{reverse('desk:forms')}?list=admit"))
    if actor.may(ISSUE):
        mine = Sheet.objects.filter(reach(actor, (ISSUE,), "round__office"), state=SheetState.REVIEWED)
        accept = mine.exclude(round__state="called_off").count()
        found.append(Waiting(_("填报待接收"), accept, reverse("desk:forms_rounds")))
    return found + waiting_to_settle(actor, now)
