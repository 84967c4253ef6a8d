"""Lists of people for who manages them: searched, filtered and counted within the reader's rights."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Prefetch, Q
from django.utils import timezone

from citybrain.base.identity.access import Forbidden, scope_q
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.delegation import GRANT, require_grant, roles_grantable_by
from citybrain.base.identity.models import AREA_COLUMNS, UNUSABLE, Cover, Person, PersonQuerySet, RoleGrant
from citybrain.base.identity.roles import role_named

PAGE = 50


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: text (name, pinyin, initials, login, phone), role, area, state."""

    text: str = ""
    role: str = ""
    area_id: int | None = None
    area_level: int = 1
    state: str = ""  # "", active, closed, unused (no password yet), away (being stood in for)
    page: int = 1


class Page(NamedTuple):
    people: list[Person]
    total: int
    number: int
    pages: int


def matching(text: str) -> Q:
    """Return the condition for a text as officers type it: 张, zhangw, zw, zhangwei01, 8000."""
    word = text.replace("\x00", "").strip().lower()
    if not word:
        return Q()
    if not word.isascii():
        return Q(name__contains=word)
    found = Q(pinyin__startswith=word) | Q(pinyin__contains=f" {word}") | Q(login__startswith=word)
    return found | Q(phone__endswith=word) | Q(phone__startswith=word) if word.isdigit() else found


def _standing(day: date) -> Q:
    return Q(valid_until=None) | Q(valid_until__gte=day)


def _in_state(people: PersonQuerySet, state: str, now: datetime) -> PersonQuerySet:
    if state == "active":
        return people.filter(is_active=True)
    if state == "closed":
        return people.filter(is_active=False)
    if state == "unused":
        return people.filter(Q(("password__startswith", UNUSABLE)), is_active=True)
    if state == "away":
        covers = Cover.objects.filter(
            absentee=OuterRef("pk"), ended_at=None, starts_at__lte=now, ends_at__gt=now
        )
        return people.filter(Exists(covers))
    return people


def search_people(actor: Actor, search: Search, now: datetime | None = None) -> Page:
    """Return one page of the officers that the actor manages, in the order of pinyin, with their roles.

    Three queries: the count, the page with agencies, the standing grants with their areas.
    """
    moment = now or timezone.now()
    day = timezone.localdate(moment)
    people = _in_state(Person.objects.visible_to(actor), search.state, moment).filter(matching(search.text))
    if search.role:
        given = RoleGrant.objects.filter(
            _standing(day), person=OuterRef("pk"), role=search.role, revoked_at=None
        )
        people = people.filter(Exists(given))
    if search.area_id is not None:
        people = people.filter(**{f"agency__{AREA_COLUMNS[search.area_level - 1]}_id": search.area_id})
    total = people.count()
    pages = max(1, -(-total // PAGE))
    number = min(max(1, search.page), pages)
    grants = RoleGrant.objects.filter(_standing(day), revoked_at=None).select_related("area").order_by("id")
    rows = (
        people.select_related("agency")
        .prefetch_related(Prefetch("grants", grants, to_attr="standing"))
        .order_by("pinyin", "id")[(number - 1) * PAGE : number * PAGE]
    )
    return Page(list(rows), total, number, pages)


def grants_to_review(actor: Actor, now: datetime | None = None) -> list[RoleGrant]:
    """Return the roles carried over after a merge or split that the actor may confirm or take back.

    In the order of the decisions, then of pinyin; their own are left out. One query.
    """
    if not actor.may(GRANT):
        return []
    day = timezone.localdate(now or timezone.now())
    mine = scope_q(
        actor,
        GRANT,
        area_fields=tuple(f"person__agency__{level}_id" for level in AREA_COLUMNS),
        agency_fields=("person__agency_id",),
        owner_field=None,
    )
    found = RoleGrant.objects.filter(
        _standing(day),
        mine,
        decision__isnull=False,
        reviewed_at=None,
        revoked_at=None,
        person__is_active=True,
        role__in=[role.key for role in roles_grantable_by(actor)],
    ).exclude(person_id=actor.person_id or 0)
    rows = found.select_related("person__agency", "area", "agency", "decision", "continues__area").order_by(
        "decision_id", "person__pinyin", "person_id", "id"
    )
    return [grant for grant in rows if _may_give(actor, grant)]


def _may_give(actor: Actor, grant: RoleGrant) -> bool:
    try:
        require_grant(actor, grant.person, role_named(grant.role), grant.area_id)
    except Forbidden:
        return False
    return True


def covers_of(person: Person, now: datetime | None = None) -> list[Cover]:
    """Return the covers of a person's own leave that stand or are to come, next first."""
    moment = now or timezone.now()
    found = Cover.objects.filter(absentee=person, ended_at=None, ends_at__gt=moment)
    return list(found.select_related("deputy", "deputy__agency").order_by("starts_at", "id"))


def covered_by(person: Person, now: datetime | None = None) -> list[Cover]:
    """Return for whom a person stands in now."""
    moment = now or timezone.now()
    found = Cover.objects.filter(deputy=person, ended_at=None, starts_at__lte=moment, ends_at__gt=moment)
    return list(found.select_related("absentee").order_by("ends_at", "id"))


def colleagues_of(person: Person) -> list[Person]:
    """Return the other active officers of the same agency: who may stand in, in the order of pinyin."""
    if person.agency_id is None:
        return []
    found = Person.objects.filter(agency_id=person.agency_id, is_active=True, kind="officer").exclude(
        pk=person.pk
    )
    return list(found.order_by("pinyin", "id")[:500])
