"""Lists of the catalogue within the reader's rights: search, filters, counts, what waits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from citybrain.base.catalogue.access import APPROVE, reach
from citybrain.base.catalogue.models import DataSet, Grant, Request, Revision
from citybrain.base.identity.actor import Actor
from citybrain.base.words import phrases, tsquery

PAGE = 50


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. `words` match names, codes, fields, providers, and their pinyin or initials."""

    words: str = ""
    category: str = ""
    provider_id: int | None = None
    state: str = ""
    share_type: int | None = None
    open_type: int | None = None
    grade: int | None = None
    personal: str = ""
    has_data: bool | None = None
    mine: bool = False  # only what the actor keeps or approves
    page: int = 1


class Page(NamedTuple):
    """One page of rows with the number of all."""

    rows: list[Any]
    total: int
    number: int
    pages: int


def condition(words: str) -> Q:
    """Return the condition for data sets with every phrase of a search; an empty search is true."""
    found = Q()
    for phrase in phrases(words.replace("\x00", "")):
        found &= Q(words_text__contains=phrase.lower())
    return found


def _indexed(sets: QuerySet[DataSet], words: str) -> QuerySet[DataSet]:
    """Narrow by the index of pairs; `condition` makes sure that they stand together."""
    parts = [query for phrase in phrases(words.replace("\x00", "")) if (query := tsquery(phrase))]
    if parts:
        sets = sets.extra(where=["catalogue_dataset.words @@ (%s)::tsquery"], params=[" & ".join(parts)])
    return sets


def matching(actor: Actor, search: Search) -> QuerySet[DataSet]:
    """Return the visible data sets that match, the closest names first, then in the order of pinyin."""
    sets: QuerySet[DataSet] = DataSet.objects.visible_to(actor)
    if search.mine:
        sets = DataSet.objects.kept_by(actor)
    for name in ("category", "provider_id", "state", "share_type", "open_type", "grade", "personal"):
        wanted = getattr(search, name)
        if wanted:
            sets = sets.filter(**{name: wanted})
    if search.has_data is not None:
        sets = sets.filter(data_version__gt=0) if search.has_data else sets.filter(data_version=0)
    if not search.words.strip():
        return sets.order_by("pinyin", "id")
    sets = _indexed(sets, search.words).filter(condition(search.words))
    return sets.annotate(nearness=_nearness(search.words)).order_by("nearness", "pinyin", "id")


def _nearness(words: str) -> Case:
    first = words.split()[0].lower()
    return Case(
        When(Q(name_zh__iexact=first) | Q(code=first) | Q(resource_code=first), then=Value(0)),
        When(Q(name_zh__istartswith=first) | Q(pinyin__startswith=first), then=Value(1)),
        When(Q(name_zh__icontains=first) | Q(pinyin__contains=f" {first}"), then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )


def search(actor: Actor, wanted: Search) -> Page:
    """Return one page of data sets with provider and version. Two queries: the count and the page."""
    rows = matching(actor, wanted).select_related("provider", "current")
    return page_of(rows, wanted.page)


def page_of(rows: QuerySet[Any], number: int) -> Page:
    """Return one page of any query: two queries."""
    total = rows.order_by().count()
    pages = max(1, -(-total // PAGE))
    number = min(max(1, number), pages)
    return Page(list(rows[(number - 1) * PAGE : number * PAGE]), total, number, pages)


def counts(actor: Actor) -> dict[str, int]:
    """Return how many visible entries are in each state, and what waits for this actor. Three queries."""
    states = DataSet.objects.visible_to(actor).order_by().values_list("state").annotate(Count("id"))
    found = {"draft": 0, "approving": 0, "published": 0, "withdrawn": 0, **dict(states)}
    found["to_approve"] = to_approve(actor).count()
    found["to_decide"] = Request.objects.to_decide(actor).count()
    return found


def to_approve(actor: Actor) -> QuerySet[Revision]:
    """Return the versions that wait for this actor's approval, the longest waiting first; not one's own."""
    rows: QuerySet[Revision] = Revision.objects.filter(
        reach(actor, (APPROVE,), "dataset__provider"), state="approving"
    )
    return (
        rows.exclude(submitted_by=actor.key)
        .select_related("dataset__provider")
        .order_by("submitted_at", "id")
    )


def to_decide(actor: Actor) -> QuerySet[Request]:
    """Return the requests that wait for this actor's word, the one due first before the others."""
    rows: QuerySet[Request] = Request.objects.to_decide(actor)
    return rows.select_related("dataset__provider", "agency", "person").order_by("due_at", "id")


def overdue(actor: Actor, now: datetime | None = None) -> QuerySet[Request]:
    """Return the visible requests whose answer is late."""
    rows: QuerySet[Request] = Request.objects.visible_to(actor)
    late = rows.filter(state="asked", due_at__lt=now or timezone.now())
    return late.select_related("dataset__provider", "agency").order_by("due_at", "id")


def requests(actor: Actor, *, made: bool | None = None) -> QuerySet[Request]:
    """Return the visible requests, the newest first; `made`: only those of (not of) the actor's own agency."""
    rows: QuerySet[Request] = Request.objects.visible_to(actor)
    if made is not None:
        own = Q(agency_id=actor.agency_id)
        rows = rows.filter(own if made else ~own)
    return rows.select_related("dataset__provider", "agency", "person")


def grants(actor: Actor, *, held: bool | None = None) -> QuerySet[Grant]:
    """Return the visible grants, the newest first; `held`: only those of (not of) the actor's own agency."""
    rows: QuerySet[Grant] = Grant.objects.visible_to(actor)
    if held is not None:
        own = Q(agency_id=actor.agency_id)
        rows = rows.filter(own if held else ~own)
    return rows.select_related("dataset__provider", "dataset__current", "agency")


def categories(actor: Actor) -> list[tuple[str, int]]:
    """Return the categories of published entries with their numbers, in the order of names. One query."""
    rows = DataSet.objects.visible_to(actor).filter(state="published").order_by("category")
    return [(name, n) for name, n in rows.values_list("category").annotate(n=Count("id"))]
