"""Lists of forms within the reader's rights: search, filters, counts, what waits; and fields to choose from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from citybrain.base.catalogue.access import reach
from citybrain.base.catalogue.lists import Page, Search, matching, page_of
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Agency
from citybrain.hub.forms import matching as rules
from citybrain.hub.forms.access import ADMIT, DRAFT, LEVELS
from citybrain.hub.forms.book import Note
from citybrain.hub.forms.making import drawing, meanings
from citybrain.hub.forms.matching import CountMatch, Match
from citybrain.hub.forms.models import Form, FormEvent, FormState, Remembered, Shaped, Version
from citybrain.hub.forms.rosters import roster

FIELDS_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for: words of title or number, state, office, cycle; `mine`: of the actor's own offices only."""

    words: str = ""
    state: str = ""
    office_id: int | None = None
    cycle: str = ""
    mine: bool = False
    page: int = 1


def search(actor: Actor, wanted: Sought) -> Page:
    """Return one page of visible forms with office and table, the newest first. Two queries."""
    rows: QuerySet[Form] = Form.objects.visible_to(actor)
    if wanted.mine:
        rows = rows.filter(reach(actor, (DRAFT,), "office"))
    for key in ("state", "office_id", "cycle"):
        if value := getattr(wanted, key):
            rows = rows.filter(**{key: value})
    for word in wanted.words.replace("\x00", "").split():
        rows = rows.filter(
            Q(title__icontains=word) | Q(number__iexact=word) | Q(office__name__icontains=word)
        )
    return page_of(rows.select_related("office", "current").order_by("-created_at", "-id"), wanted.page)


def counts(actor: Actor) -> dict[str, int]:
    """Return how many visible forms are in each state, and "to_decide": how many wait for the actor. Two queries."""
    states = Form.objects.visible_to(actor).order_by().values_list("state").annotate(Count("id"))
    found = {**dict.fromkeys(FormState.values, 0), **dict(states)}
    found["to_decide"] = to_decide(actor).count()
    return found


def find(actor: Actor, pk: int) -> Form | None:
    """Return a visible form with office and table, None for any other. One query."""
    rows = Form.objects.visible_to(actor).select_related("office__kind", "office__area", "current__workbook")
    form: Form | None = rows.filter(pk=pk).first()
    return form


def to_decide(actor: Actor) -> QuerySet[Form]:
    """Return the forms that wait for this actor's word, the one due first before the others; not one's own."""
    rows: QuerySet[Form] = Form.objects.filter(reach(actor, (ADMIT,), "office"), state=FormState.ASKING)
    if actor.person_id is not None:
        rows = rows.exclude(created_by_id=actor.person_id)
    return rows.select_related("office", "current", "created_by").order_by("due_at", "id")


def late(actor: Actor, now: datetime | None = None) -> QuerySet[Form]:
    """Return the visible forms that were not decided in time."""
    rows: QuerySet[Form] = Form.objects.visible_to(actor)
    return rows.filter(state=FormState.ASKING, due_at__lt=now or timezone.now()).select_related("office")


def offices(actor: Actor) -> QuerySet[Agency]:
    """Return the bodies for which the actor may draft forms, by name."""
    rows: QuerySet[Agency] = Agency.objects.in_force().filter(_own(actor))
    return rows.select_related("kind", "area").order_by("pinyin", "id")


def _own(actor: Actor) -> Q:
    from citybrain.base.identity.access import scope_q

    fields = tuple(LEVELS)
    return scope_q(actor, DRAFT, area_fields=fields, agency_fields=("id",), owner_field=None)


def events(actor: Actor, form: Form) -> list[FormEvent]:
    """Return a visible form's history, the newest first; nothing of any other. One query."""
    seen = Form.objects.visible_to(actor).filter(pk=form.pk)
    return list(FormEvent.objects.filter(form__in=seen).select_related("round"))


def notes(actor: Actor, form: Form) -> list[str]:
    """Return what is to be known of a visible form's workbook (macros, links, sheets …), as found. One query."""
    seen = Form.objects.visible_to(actor).filter(pk=form.pk)
    made = FormEvent.objects.filter(form__in=seen, action__in=("draft_form", "revise")).first()
    told = made.details.get("notes", []) if made else []
    return [str(Note(one["key"], one["params"])) for one in told]


def versions(actor: Actor, form: Form) -> list[Version]:
    """Return a visible form's tables, the newest first; nothing of any other. One query."""
    seen = Form.objects.visible_to(actor).filter(pk=form.pk)
    return list(Version.objects.filter(form__in=seen).select_related("workbook").order_by("-number"))


def remembered(actor: Actor, limit: int = 200) -> list[Remembered]:
    """Return what people of the actor's kinds of office said headings mean, the latest first. Two queries."""
    kinds = set(offices(actor).order_by().values_list("kind_id", flat=True))
    return list(Remembered.objects.filter(office_kind__in=kinds).order_by("-at", "-id")[:limit])


class Meaning(NamedTuple):
    """A field that a column may ask for. `confidence` and `why` (the matcher's keys) where it was found by matching."""

    key: str
    field_zh: str
    dataset_zh: str
    provider: str
    confidence: float = 0.0
    why: tuple[str, ...] = ()


def candidates(actor: Actor, form: Form) -> dict[str, list[Meaning]]:
    """Return the likeliest fields of each column of a form by letter, likeliest first. Three queries.

    In a table of figures, what may be counted from a live roster comes first.
    """
    seen = find(actor, form.pk)
    if seen is None or seen.current is None:
        return {}
    sets = meanings.published()
    columns = [rules.Column(one.letter, one.path) for one in seen.current.shape]
    kind = seen.office.kind
    answers, counts = drawing.answers_of(sets, seen.title, kind.name_zh, kind.pk, columns)
    figures = seen.shaped == Shaped.FIGURES
    return {
        one.column.letter: [
            *([_figure(count)] if count and figures else []),
            *(_meaning(match) for match in one.matches),
        ]
        for one, count in zip(answers, counts, strict=True)
    }


def _figure(match: CountMatch) -> Meaning:
    one = match.counted
    return Meaning(one.key, one.name, roster(one.of.roster).name, "", match.confidence, match.why)


def _meaning(match: Match) -> Meaning:
    known = match.known
    return Meaning(
        known.key, known.zh, known.dataset_zh, known.provider, round(match.confidence, 3), match.why
    )


def fields(actor: Actor, words: str, limit: int = FIELDS_MOST) -> list[Meaning]:
    """Return the fields of published data sets that words find, by name of field or set. One query.

    Fields whose own name holds all words come before those of sets that do.
    """
    if not words.strip():
        return []
    sets = matching(actor, Search(words="", state="published")).select_related("current", "provider")
    wanted = [one.lower() for one in words.replace("\x00", "").split()]
    found: list[tuple[int, str, Meaning]] = []
    for dataset in sets:
        for field in dataset.shape.fields:
            own, whole = f"{field.zh} {field.name}".lower(), f"{dataset.name_zh} {dataset.code}".lower()
            if all(word in own or word in whole for word in wanted):
                rank = 0 if field.zh.lower() == wanted[0] else 1 if all(word in own for word in wanted) else 2
                meaning = Meaning(
                    f"{dataset.code}.{field.name}", field.zh, dataset.name_zh, dataset.provider.name
                )
                found.append((rank, dataset.pinyin, meaning))
    found.sort(key=lambda one: (one[0], one[1]))
    return [one for _rank, _pinyin, one in found[:limit]]
