"""Visits and notes about people of a roster, and rosters as somebody likes to look at them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import refuse
from citybrain.base.ledger import record
from citybrain.hub.forms.access import FILL, REVIEW, ROSTERS
from citybrain.hub.forms.knowing.arrays import among
from citybrain.hub.forms.knowing.people import residents
from citybrain.hub.forms.knowing.rights import HasId, require_work
from citybrain.hub.forms.models import SavedView, Visit
from citybrain.hub.forms.rosters.kinds import roster
from citybrain.hub.forms.rosters.pages import Asked

LEVELS: Final = ("city_id", "district_id", "street_id", "community_id", "grid_id")
MONTH: Final = timedelta(days=30)
TEXT_MOST: Final = 1_000
VIEWS_MOST: Final = 30


@dataclass(frozen=True, slots=True)
class Last:
    """The last visit of a person."""

    at: datetime
    next_on: date | None
    kind: str


@dataclass
class Noted:
    """Visits by token."""

    lasts: dict[str, Last] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def last(self, token: str) -> Last | None:
        return self.lasts.get(token)

    def count(self, token: str) -> int:
        return self.counts.get(token, 0)

    def fits(self, token: str, visited: str, now: datetime) -> bool:
        """Return whether a person was never visited, not for a month, or is due."""
        last = self.lasts.get(token)
        if visited == "never":
            return last is None
        if visited == "month":
            return last is None or now - last.at > MONTH
        return last is not None and last.next_on is not None and last.next_on <= timezone.localdate(now)


def _within(node: Node) -> dict[str, Any]:
    return {f"{LEVELS[node.level - 1]}__in": list(tree().scope_ids(node.id))}


def by_person(actor: Actor, node: Node, tokens: Sequence[str]) -> Noted:
    """Return the visits of people noted in the area, as far as the actor may see them. One query."""
    noted = Noted()
    found = Visit.objects.visible_to(actor).filter(**_within(node), subject__in=among(tokens))
    rows = found.order_by("at", "id").values_list("subject", "at", "next_on", "kind")
    for token, at, next_on, kind in rows:
        noted.lasts[token] = Last(at, next_on, kind)
        noted.counts[token] = noted.counts.get(token, 0) + 1
    return noted


def visits_of(actor: Actor, area: HasId | int, token: str) -> list[Visit]:
    """Return the visits of one person noted in the area, the latest first. Raises Forbidden."""
    node = require_work(actor, area, (ROSTERS, FILL, REVIEW))
    return list(Visit.objects.visible_to(actor).filter(**_within(node), subject=token))


@transaction.atomic
def add_visit(
    actor: Actor, key: str, area: HasId | int, token: str, kind: str, text: str, next_on: date | None = None
) -> Visit:
    """Note a visit, call or remark about a resident of the area. Raises Forbidden, Refused."""
    node = require_work(actor, area, (ROSTERS,))
    roster(key)
    if kind not in Visit.Kind.values:
        raise refuse("kind", _("请选择走访方式。"))
    if not text.strip() or len(text.strip()) > TEXT_MOST:
        raise refuse("text", _("请填写走访情况（不超过 %(most)d 字）。") % {"most": TEXT_MOST})
    if not len(residents(actor, node, permissions=(ROSTERS,), purpose="forms.visit").only([token])):
        raise refuse("token", _("此人不在本地区名册中。"))
    places = dict(zip(LEVELS, node.lineage, strict=True))
    made = Visit.objects.create(
        area_id=node.id, **places, roster=key, subject=token, kind=kind, text=text.strip(), next_on=next_on,
        by_id=actor.person_id, name=actor.name[:60], at=timezone.now(),
    )  # fmt: skip
    record(
        actor.key, "forms.visit", f"form_visit:{made.pk}", {"roster": key, "area": node.code, "kind": kind}
    )
    return made


def views(actor: Actor, key: str) -> list[SavedView]:
    """Return the actor's own saved views of a roster."""
    if actor.person_id is None:
        return []
    return list(SavedView.objects.filter(person_id=actor.person_id, roster=key).order_by("name"))


@transaction.atomic
def save_view(actor: Actor, key: str, name: str, asked: Asked) -> SavedView:
    """Keep a view under a name; the same name again replaces it. Raises Refused."""
    roster(key)
    title = name.strip()[:60]
    if not title or actor.person_id is None:
        raise refuse("name", _("请给视图起个名字。"))
    mine = SavedView.objects.filter(person_id=actor.person_id, roster=key)
    if mine.exclude(name=title).count() >= VIEWS_MOST:
        raise refuse("name", _("视图已达 %(most)d 个，请先删除不用的。") % {"most": VIEWS_MOST})
    view, _made = SavedView.objects.update_or_create(
        person_id=actor.person_id, roster=key, name=title, defaults={"asked": asked.to_json()}
    )
    return view


def drop_view(actor: Actor, pk: int) -> bool:
    """Remove one of the actor's own views; return whether there was one."""
    if actor.person_id is None:
        return False
    gone, _each = SavedView.objects.filter(person_id=actor.person_id, pk=pk).delete()
    return bool(gone)
