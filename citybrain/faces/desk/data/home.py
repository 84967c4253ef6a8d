"""What waits for a data officer, counted for the first page."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from citybrain.base.catalogue import lists
from citybrain.base.catalogue.access import APPROVE, DECIDE, EDIT
from citybrain.base.exchange.models.intake import MEND
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.data.conflicts import waiting_of
from citybrain.faces.desk.data.intake import bad_rows_of, late_of


@dataclass(frozen=True, slots=True)
class Waiting:
    """One count with where it leads."""

    label: str
    count: int
    href: str


def waiting_for(actor: Actor, now: datetime) -> list[Waiting]:
    """Return what waits; nothing, and no query, for who has no part in it. One query a count."""
    found = []
    if actor.may(DECIDE):
        decide = lists.to_decide(actor).count()
        found.append(Waiting(_("数据申请待审核"), decide, reverse("desk:data_requests")))
    if actor.may(APPROVE):
        approve = lists.to_approve(actor).count()
        found.append(Waiting(_("目录待审批"), approve, f"{reverse('desk:data_sets')}?list=approve"))
    if actor.may(MEND):
        found.append(Waiting(_("问题行待修正"), bad_rows_of(actor), reverse("desk:data_intake")))
        found.append(Waiting(_("供数不一致待处理"), waiting_of(actor), reverse("desk:data_conflicts")))
    if actor.may(EDIT):
        found.append(Waiting(_("数据迟到"), len(late_of(actor, now)), reverse("desk:data_intake")))
    return found
