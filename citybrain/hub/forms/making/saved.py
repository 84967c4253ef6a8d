"""Hours saved: cells that data filled, of all cells handed in; and the forms that could be abolished."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from citybrain.base.catalogue.access import reach
from citybrain.base.identity.actor import Actor
from citybrain.hub.forms.access import ADMIT, DRAFT, VIEW
from citybrain.hub.forms.making import asked, assessing, meanings
from citybrain.hub.forms.making.assessing import Advice, Assessment
from citybrain.hub.forms.models import Cycle, Form, FormState, Sheet, SheetState

HANDED_IN: Final = (SheetState.SUBMITTED, SheetState.REVIEWED, SheetState.ACCEPTED)
SECONDS_A_CELL: Final = (
    12  # our choice: to look a value up on paper or in a system and type it; no standard found
)
UNUSED_AFTER: Final = {  # our choice: twice the cycle, and some days
    Cycle.DAY: timedelta(days=14), Cycle.WEEK: timedelta(days=21), Cycle.MONTH: timedelta(days=75),
    Cycle.QUARTER: timedelta(days=200), Cycle.YEAR: timedelta(days=760), Cycle.ONCE: timedelta(days=365),
}  # fmt: skip


def seconds_a_cell() -> int:
    """Return how long a cell takes by hand, as the city's data office sets it (FORMS_SECONDS_A_CELL)."""
    return int(settings.FORMS_SECONDS_A_CELL)


@dataclass(frozen=True, slots=True)
class Figure:
    """Cells handed in and those data had filled. `hours` is what filling these by hand would have taken."""

    sheets: int
    areas: int
    cells: int
    known: int

    @property
    def share(self) -> float:
        """Cells filled by data ÷ all cells, 0 to 1; 0 where there are none."""
        return self.known / self.cells if self.cells else 0.0

    @property
    def hours(self) -> float:
        """Hours saved at FORMS_SECONDS_A_CELL."""
        return self.known * seconds_a_cell() / 3600


@dataclass(frozen=True, slots=True)
class OfForm:
    """One form's figure; `rounds` were issued in the time looked at."""

    form: Form
    rounds: int
    figure: Figure


@dataclass(frozen=True, slots=True)
class Saved:
    """What data saved in a time: as a whole, by form (most hours first) and by month (oldest first)."""

    total: Figure
    forms: tuple[OfForm, ...]
    months: tuple[tuple[date, Figure], ...]


def saved(actor: Actor, since: datetime | None = None, until: datetime | None = None) -> Saved:
    """Return what was saved in the sheets the actor may see, handed in from `since` to before `until`. Four queries."""
    sheets = Sheet.objects.visible_to(actor).filter(state__in=HANDED_IN).order_by()
    if since is not None:
        sheets = sheets.filter(submitted_at__gte=since)
    if until is not None:
        sheets = sheets.filter(submitted_at__lt=until)
    sums: dict[str, Any] = {
        "count": Count("id"), "areas": Count("area_id", distinct=True),
        "all": Sum("cells"), "known": Sum("cells_known"),
    }  # fmt: skip
    total = _figure(sheets.aggregate(**sums))
    rows = list(sheets.values("round__form_id").annotate(rounds=Count("round_id", distinct=True), **sums))
    forms = Form.objects.select_related("office").in_bulk([row["round__form_id"] for row in rows])
    by_form = [OfForm(forms[row["round__form_id"]], row["rounds"], _figure(row)) for row in rows]
    months = (
        sheets.annotate(month=TruncMonth("submitted_at")).values("month").annotate(**sums).order_by("month")
    )
    return Saved(
        total,
        tuple(sorted(by_form, key=lambda one: (-one.figure.known, one.form.number or ""))),
        tuple((timezone.localtime(row["month"]).date(), _figure(row)) for row in months),
    )


def _figure(row: dict[str, Any]) -> Figure:
    return Figure(row["count"], row["areas"], row["all"] or 0, row["known"] or 0)


class Why(StrEnum):
    """Why a form could be abolished."""

    KNOWN = "known"  # the city knows all of it
    COVERED = "covered"  # another form asks for all of it
    UNUSED = "unused"  # it wasn't issued for longer than its cycle twice


@dataclass(frozen=True, slots=True)
class Abolishable:
    """An admitted form that could be ended, and why. `instead`: the form that asks for all of it, where one does.

    `hours` a round, at FORMS_SECONDS_A_CELL, is what its cells still take that data doesn't fill.
    """

    form: Form
    why: tuple[Why, ...]
    assessment: Assessment
    last_issued: datetime | None
    instead: str = ""
    instead_id: int | None = None


def abolishable(actor: Actor, now: datetime | None = None) -> list[Abolishable]:
    """Return the admitted forms within reach that could be ended, those with most reasons first. Six queries at most.

    Of two forms that ask for the same the later one is named; the first stays.
    """
    now = now or timezone.now()
    sets = meanings.published()
    names = {code: one.name_zh for code, one in sets.items()}
    rows = assessing.admitted().order_by("decided_at", "id")
    every = [asked.Compared.of(form, names) for form in rows]
    mine = set(
        Form.objects.filter(
            reach(actor, (DRAFT, ADMIT, VIEW), "office"), state=FormState.ADMITTED
        ).values_list("pk", flat=True)
    )
    issued = dict(
        Form.objects.filter(pk__in=mine).order_by().values_list("pk").annotate(
            last=Max("rounds__issued_at", filter=~Q(rounds__state="called_off"))
        )
    )  # fmt: skip
    knowing = assessing.Knowing.of([one.form for one in every if one.form.pk in mine], sets, now)
    found = [
        one
        for at, each in enumerate(every)
        if each.form.pk in mine
        and (one := _one(each, every, at, knowing, issued.get(each.form.pk), now)) is not None
    ]
    return sorted(found, key=lambda one: (-len(one.why), -one.assessment.share, one.form.number or ""))


def _one(
    mine: asked.Compared,
    every: list[asked.Compared],
    at: int,
    knowing: assessing.Knowing,
    last: datetime | None,
    now: datetime,
) -> Abolishable | None:
    """Return a form with its reasons, None where there are none."""
    form = mine.form
    same = assessing.same_forms(mine, (*every[:at], *every[at + 1 :]))
    earlier = {one.form.pk for one in every[:at]}
    covering = [one for one in same if one.covers and (one.id in earlier or not _mutual(one))]
    found = assessing.judged(knowing.columns(form, now), same, now)
    why = []
    if found.advice in {Advice.REFUSE, Advice.TAKE}:
        why.append(Why.KNOWN)
    if covering:
        why.append(Why.COVERED)
    since = last or form.decided_at or form.created_at
    if now - since > UNUSED_AFTER[Cycle(form.cycle)]:
        why.append(Why.UNUSED)
    if not why:
        return None
    first = covering[0] if covering else None
    return Abolishable(
        form,
        tuple(why),
        found,
        last,
        f"{first.number} {first.title}" if first else "",
        first.id if first else None,
    )


def _mutual(same: assessing.Same) -> bool:
    """Return whether the other form asks for nothing beside what this one asks."""
    return same.back == 1.0
