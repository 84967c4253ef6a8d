"""Before a form is admitted: how much of it the city knows already, and which forms ask the same."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from django.db.models import Count, Max
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import tree
from citybrain.base.catalogue.access import Side
from citybrain.base.catalogue.grants import live_grants
from citybrain.base.catalogue.models import DataSet, Grant, Measure
from citybrain.base.catalogue.quality import PROMISED
from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.hub.forms.access import ADMIT, DRAFT, SCENE, VIEW
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.figures import Counted
from citybrain.hub.forms.knowing import answers
from citybrain.hub.forms.making import asked, meanings
from citybrain.hub.forms.models import Answered, Cycle, Form, FormState, Shaped
from citybrain.hub.forms.rosters import counting

ALL: Final = 0.9  # share of filled cells from which a column counts as known
MOSTLY: Final = 0.5  # share of a form from which it should ask for less
ALIKE: Final = 0.3  # share of columns from which another form is named
SAME_MOST: Final = 10


class Knows(StrEnum):
    """What the city has of a column."""

    GRANTED = "granted"  # a data set has it, and forms may be filled with it
    HELD = "held"  # a data set has it; its provider must be asked
    EMPTY = "empty"  # an entry without data
    NOT = "not"  # no data set: who fills must be asked
    ITSELF = "itself"  # follows by itself: numbers, sums, the area's name, the day


class Advice(StrEnum):
    """What is advised to who decides, the strictest first."""

    REFUSE = "refuse"  # every column is known, and another form asks for it all
    TAKE = "take"  # every column is known: take it from the data sets
    MERGE = "merge"  # another form asks for it all
    NARROW = "narrow"  # half or more is known: ask for the rest only
    ADMIT = "admit"


AGAINST: Final = frozenset({Advice.REFUSE, Advice.TAKE, Advice.MERGE})
"""Advice against which a form is admitted only with a reason."""


@dataclass(frozen=True, slots=True)
class ColumnKnown:
    """What is known of one column. `share` (0 to 1) of its cells can be filled; `as_of` when data last came.

    Of a column that no data set has: `answered` areas told it within a year, the last on `answered_on`.
    `late`: data came later than their provider promises. `grant` is the number of the grant under which it is filled,
    `ask` the body to be asked where there is none.
    """

    letter: str
    name: str
    knows: Knows
    share: float
    field: str = ""
    field_zh: str = ""
    dataset_zh: str = ""
    provider: str = ""
    as_of: str = ""
    cycle: int | None = None
    late: bool = False
    grant: str = ""
    ask: str = ""
    answered: int = 0
    answered_on: str = ""


@dataclass(frozen=True, slots=True)
class Same:
    """An admitted form that asks the same. `share` of this form's asked columns are in it, `back` of its in this one.

    `covers`: it asks for all of it, of the same, in the whole area, as often. `columns` are (own letter, its letter).
    """

    id: int
    number: str
    title: str
    office: str
    share: float
    back: float
    covers: bool
    cycle: str
    fillers: int
    columns: tuple[tuple[str, str], ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was found. `asked` columns must be filled by data or people; `share` of their cells the city knows.

    `granted` of them may be filled today, without asking anybody.
    """

    at: str
    asked: int
    share: float
    granted: float
    columns: tuple[ColumnKnown, ...]
    same: tuple[Same, ...]
    advice: Advice

    def to_json(self) -> dict[str, Any]:
        """Return it as kept with the form."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Assessment":
        """Return what `to_json` told."""
        columns = tuple(ColumnKnown(**{**one, "knows": Knows(one["knows"])}) for one in data["columns"])
        same = tuple(
            Same(
                **{
                    **one,
                    "columns": tuple(tuple(pair) for pair in one["columns"]),
                    "names": tuple(one["names"]),
                }
            )
            for one in data["same"]
        )
        return Assessment(
            data["at"], data["asked"], data["share"], data["granted"], columns, same, Advice(data["advice"])
        )

    @property
    def known(self) -> tuple[ColumnKnown, ...]:
        """The asked columns that the city knows."""
        return tuple(one for one in self.columns if _is_known(one))

    @property
    def covering(self) -> tuple[Same, ...]:
        """The forms that ask for all of it."""
        return tuple(one for one in self.same if one.covers)

    def reasons(self) -> list[str]:
        """Return the reasons of the advice, in the reader's language."""
        told = [
            _("共需填报 %(asked)d 列，其中 %(known)d 列全市已有数据，可填 %(share)d%% 的单元格。")
            % {"asked": self.asked, "known": len(self.known), "share": int(self.share * 100)}
        ]
        for one in self.covering:
            text = _("“%(title)s”（%(office)s，%(number)s）已在收集全部这些内容。")
            told.append(text % {"title": one.title, "office": one.office, "number": one.number})
        return [*told, WORDS[self.advice]()]


WORDS: Final = {
    Advice.REFUSE: lambda: _("建议不予准入：内容全部已知，且已有报表覆盖。"),
    Advice.TAKE: lambda: _("建议不予准入：内容全部已知，请直接申请使用这些数据。"),
    Advice.MERGE: lambda: _("建议不予准入：请使用已有报表的结果，或并入该报表。"),
    Advice.NARROW: lambda: _("建议精简：已有数据的列由系统填好，只收集其余各列。"),
    Advice.ADMIT: lambda: _("未发现重复，可以准入。"),
}


def assess(actor: Actor, form: Form, now: datetime | None = None) -> Assessment:
    """Return what the city knows of a form now. For its office, and who admits or looks over it. Raises Forbidden."""
    for permission in (DRAFT, ADMIT):
        try:
            require(actor, permission, Side(form.office))
        except Forbidden:
            continue
        return assess_form(form, now or timezone.now())
    require(actor, VIEW, Side(form.office))
    return assess_form(form, now or timezone.now())


def assess_form(form: Form, now: datetime) -> Assessment:
    """Return what the city knows of a form, whoever asks. Five queries; reads `form.office` and `form.current`."""
    sets = meanings.published()
    known = _with_answers(form, Knowing.of([form], sets, now).columns(form, now), now)
    names = {code: one.name_zh for code, one in sets.items()}
    others = (asked.Compared.of(other, names) for other in admitted().exclude(pk=form.pk))
    same = same_forms(asked.Compared.of(form, names), others)
    return judged(known, same, now)


def judged(known: tuple[ColumnKnown, ...], same: tuple[Same, ...], now: datetime) -> Assessment:
    """Return the assessment that columns and forms alike make."""
    counted = [one for one in known if one.knows != Knows.ITSELF]
    count = max(1, len(counted))
    share = sum(one.share for one in counted) / count
    granted = sum(one.share for one in counted if one.knows == Knows.GRANTED) / count
    everything = bool(counted) and all(_is_known(one) for one in counted)
    advice = _advice(everything, any(one.covers for one in same), share)
    return Assessment(now.isoformat(), len(counted), share, granted, known, same, advice)


def _advice(everything: bool, covered: bool, share: float) -> Advice:
    if everything:
        return Advice.REFUSE if covered else Advice.TAKE
    if covered:
        return Advice.MERGE
    return Advice.NARROW if share >= MOSTLY else Advice.ADMIT


def _is_known(column: ColumnKnown) -> bool:
    return column.knows in {Knows.GRANTED, Knows.HELD} and column.share >= ALL


def admitted() -> Any:
    """Return the admitted forms with office and table: a register that every office may know of."""
    return Form.objects.filter(state=FormState.ADMITTED, current__isnull=False).select_related(
        "office", "current"
    )


@dataclass(frozen=True, slots=True)
class Knowing:
    """What is needed to say how much of some forms is known: data sets, rows without values, grants."""

    sets: Mapping[str, DataSet]
    empty: Mapping[int, Mapping[str, float]]
    grants: Mapping[int, Sequence[Grant]]

    @staticmethod
    def of(forms: Sequence[Form], sets: Mapping[str, DataSet], now: datetime) -> "Knowing":
        """Return it for some forms. Two queries."""
        columns = [one for form in forms if form.current for one in form.current.shape]
        codes = {code for one in columns for code in (one.dataset, *counting.codes_of(one))}
        wanted = {sets[code].pk for code in codes if code in sets}
        return Knowing(sets, _empty(wanted), _grants(wanted, now))

    def columns(self, form: Form, now: datetime) -> tuple[ColumnKnown, ...]:
        """Return what is known of each column of a form; only grants count that hold wherever it is filled."""
        held = {
            pk: [one for one in rows if asked.contains(one.agency.area_id, form.office.area_id)]
            for pk, rows in self.grants.items()
        }
        shape = form.current.shape if form.current else ()
        counts = (
            counting.asked(shape) if form.shaped == Shaped.FIGURES and form.fillers >= Level.STREET else {}
        )
        return tuple(
            _counted(one, counts[one.letter], form.fillers, self.sets, held, now)
            if one.letter in counts
            else _known(one, self.sets, self.empty, held, now)
            for one in shape
        )


def _with_answers(form: Form, known: Sequence[ColumnKnown], now: datetime) -> tuple[ColumnKnown, ...]:
    """Return the columns with how many areas answered them within a year. One query.

    Of a form with a row for each area an answer fills its cell; of one about people it says only that some are known.
    """
    columns = {
        one.letter: one for one in (form.current.shape if form.current else ()) if one.asks == Asks.ANSWER
    }
    node = tree().find(form.office.area_id)
    if node is None:
        return tuple(known)
    meanings_of = {letter: answers.meaning_of(one) for letter, one in columns.items()}
    rows = Answered.objects.filter(
        meaning__in=set(meanings_of.values()), at__gt=now - answers.LASTS,
        **{answers.LEVELS[node.level - 1]: node.id},
    )  # fmt: skip
    told = rows.values_list("meaning").annotate(Count("area_id", distinct=True), Max("as_of")).order_by()
    found = {meaning: (areas, last) for meaning, areas, last in told}
    every = sum(one.level == form.fillers for one in tree().descendants(node.id)) or 1
    share = 1.0 / every if form.shaped == Shaped.FIGURES else 0.0
    return tuple(_answered(one, found.get(meanings_of.get(one.letter, "")), share) for one in known)


def _answered(column: ColumnKnown, told: tuple[int, date] | None, share: float) -> ColumnKnown:
    if told is None:
        return column
    areas, last = told
    return replace(column, answered=areas, answered_on=last.isoformat(), share=min(1.0, areas * share))


def _empty(sets: set[int]) -> dict[int, dict[str, float]]:
    """Return by data set the share of rows without a value, per field, as the last intake found it. One query."""
    last = Measure.objects.filter(dataset__in=sets, rows__gt=0).order_by("dataset_id", "-at", "-id")
    return {
        one.dataset_id: {name: min(1.0, count / one.rows) for name, count in one.empty.items()}
        for one in last.distinct("dataset_id")
    }


def _grants(sets: set[int], now: datetime) -> dict[int, list[Grant]]:
    """Return the live grants of the scene by data set, the newest first. One query."""
    found: dict[int, list[Grant]] = {}
    rows = live_grants(now).filter(dataset_id__in=sets, request__scene=SCENE, modes__contains=["filter"])
    for grant in rows.select_related("agency").order_by("-valid_from", "-id"):
        found.setdefault(grant.dataset_id, []).append(grant)
    return found


def _known(
    column: Column,
    sets: Mapping[str, DataSet],
    empty: Mapping[int, Mapping[str, float]],
    grants: Mapping[int, Sequence[Grant]],
    now: datetime,
) -> ColumnKnown:
    if column.asks not in asked.ASKED:
        return ColumnKnown(column.letter, column.name, Knows.ITSELF, 1.0)
    dataset = sets.get(column.dataset) if column.asks == Asks.DATA else None
    if dataset is None or not dataset.shape.has(column.field_name):
        return ColumnKnown(column.letter, column.name, Knows.NOT, 0.0)
    grant = next((one for one in grants.get(dataset.pk, ()) if column.field_name in one.fields), None)
    there = dataset.data_version > 0
    knows = Knows.EMPTY if not there else Knows.GRANTED if grant else Knows.HELD
    return ColumnKnown(
        column.letter, column.name, knows,
        1.0 - empty.get(dataset.pk, {}).get(column.field_name, 0.0) if there else 0.0,
        field=column.field, field_zh=dataset.shape.field(column.field_name).zh, dataset_zh=dataset.name_zh,
        provider=dataset.provider.name, as_of=dataset.data_at.isoformat() if dataset.data_at else "",
        cycle=dataset.update_cycle,
        late=_is_late(dataset, now),
        grant=(grant.number or "") if grant else "", ask="" if grant else dataset.provider.name,
    )  # fmt: skip


def _counted(
    column: Column,
    figure: Counted,
    level: int,
    sets: Mapping[str, DataSet],
    grants: Mapping[int, Sequence[Grant]],
    now: datetime,
) -> ColumnKnown:
    """Return what is known of a figure counted from a live roster: it is whole, or not known at all."""
    needs = counting.needs(figure, level)
    used = {one.dataset: sets.get(one.dataset) for one in needs}
    there = [one for one in used.values() if one is not None]
    if any(used[one.dataset] is None or not _has(used[one.dataset], one.fields) for one in needs):
        return ColumnKnown(column.letter, column.name, Knows.NOT, 0.0)
    asks = {
        used[one.dataset].provider.name: None  # type: ignore[union-attr]
        for one in needs
        if not any(_plain(grant, one.fields) for grant in grants.get(used[one.dataset].pk, ()))  # type: ignore[union-attr]
    }
    filled = all(one.data_version > 0 for one in there)
    knows = Knows.EMPTY if not filled else Knows.HELD if asks else Knows.GRANTED
    days = [one.data_at for one in there if one.data_at is not None]
    return ColumnKnown(
        column.letter, column.name, knows, 1.0 if filled else 0.0, field=column.field, field_zh=figure.of.zh,
        dataset_zh="、".join(one.name_zh for one in there),
        provider="、".join(dict.fromkeys(one.provider.name for one in there)),
        as_of=min(days).isoformat() if days else "", cycle=min(one.update_cycle for one in there),
        late=any(_is_late(one, now) for one in there), ask="、".join(asks),
    )  # fmt: skip


def _has(dataset: DataSet | None, fields: Sequence[str]) -> bool:
    return dataset is not None and all(dataset.shape.has(name) for name in fields)


def _plain(grant: Grant, fields: Sequence[str]) -> bool:
    return all(name in grant.fields and name not in grant.masks for name in fields)


def _is_late(dataset: DataSet, now: datetime) -> bool:
    promised = PROMISED[dataset.update_cycle]
    return bool(promised and dataset.data_at and now > dataset.data_at + promised)


def same_forms(mine: asked.Compared, others: Iterable[asked.Compared]) -> tuple[Same, ...]:
    """Return the other forms that ask the same, those that cover it first, then by share."""
    least = max(1.0, ALIKE * len(mine.wishes))
    related = (one for one in others if mine.inside(one) or one.inside(mine))
    counted = [(mine.shared(other), other) for other in related]
    near = sorted(
        (one for one in counted if one[0] >= least), key=lambda one: (-one[0], one[1].form.number or "")
    )
    full = sum(count == len(mine.wishes) for count, _other in near)  # only these can cover it
    found = [_same(mine, other) for _count, other in near[: max(full, SAME_MOST)]]
    return tuple(sorted(found, key=lambda one: (not one.covers, -one.share, one.number))[:SAME_MOST])


def _same(mine: asked.Compared, theirs: asked.Compared) -> Same:
    """Return how much of a form another asks for."""
    form, other, pairs = mine.form, theirs.form, mine.in_common(theirs)
    share = len(pairs) / len(mine.wishes)
    alike = mine.inside(theirs) and mine.same_subject(theirs) and asked.often_enough(form, other)
    return Same(
        other.pk, other.number or "", other.title, other.office.name, share,
        len({their.letter for _own, their in pairs}) / len(theirs.wishes), share == 1.0 and alike,
        str(Cycle(other.cycle)), other.fillers,
        tuple((own.letter, their.letter) for own, their in pairs), tuple(own.name for own, _their in pairs),
    )  # fmt: skip
