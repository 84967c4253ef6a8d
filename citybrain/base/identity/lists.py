"""Lists of people for who manages them: searched, filtered and counted within the reader's rights."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Prefetch, Q
from django.utils import timezone

from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import AREA_COLUMNS, UNUSABLE, Cover, Person, PersonQuerySet, RoleGrant

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
