"""What headings mean: the matcher over the catalogue of now, with what people said before."""

from datetime import datetime
from typing import Final, NamedTuple

from django.db.models import F

from citybrain.base.catalogue.models import DataSet, DataSetState
from citybrain.base.catalogue.shape import Field
from citybrain.base.identity.actor import Actor
from citybrain.hub.forms.matching import Known, Matcher, heading, of_shapes
from citybrain.hub.forms.models import Remembered

HEADING: Final = 300


class Memory(NamedTuple):
    """What people said headings mean: of the same kind of office, and of any other. Empty: no data set has it."""

    own: dict[str, str]
    others: dict[str, str]


def published() -> dict[str, DataSet]:
    """Return the published data sets by code, with provider and version. One query."""
    rows = DataSet.objects.filter(state=DataSetState.PUBLISHED, current__isnull=False)
    return {one.code: one for one in rows.select_related("current", "provider__kind")}


class _Kept:
    fields: tuple[frozenset[tuple[str, int | None]], Matcher] | None = None


def known(sets: dict[str, DataSet]) -> Matcher:
    """Return a matcher over published sets; it is made anew only when a version of one has changed."""
    state = frozenset((code, one.current_id) for code, one in sets.items())
    if _Kept.fields is None or _Kept.fields[0] != state:
        shapes = [(one.code, one.name_zh, one.provider.kind.name_zh, one.shape) for one in sets.values()]
        _Kept.fields = (state, Matcher(of_shapes(sorted(shapes, key=lambda one: one[0]))))
    return _Kept.fields[1]


def memory(headings: list[str], office_kind: str) -> Memory:
    """Return what was said of headings (`heading(path).joined`). One query."""
    rows = Remembered.objects.filter(heading__in=[one[:HEADING] for one in headings]).order_by("at")
    own: dict[str, str] = {}
    others: dict[str, str] = {}
    for one in rows:
        (own if one.office_kind == office_kind else others)[one.heading] = one.meaning
    return Memory(own, {key: value for key, value in others.items() if key not in own})


def remember(actor: Actor, path: tuple[str, ...], office_kind: str, meaning: str, now: datetime) -> None:
    """Keep what a person said a heading means; the latest word of a kind of office counts."""
    key = heading(path).joined[:HEADING]
    if not key:
        return
    row, made = Remembered.objects.get_or_create(
        heading=key, office_kind=office_kind, defaults={"meaning": meaning, "by": actor.key, "at": now}
    )
    if not made:
        same = row.meaning == meaning
        Remembered.objects.filter(pk=row.pk).update(
            meaning=meaning, times=F("times") + 1 if same else 1, by=actor.key, at=now
        )


def field_of(sets: dict[str, DataSet], key: str) -> tuple[DataSet, Field] | None:
    """Return the data set and field of "dataset.field"; None where none such is published."""
    code, _dot, name = key.partition(".")
    dataset = sets.get(code)
    if dataset is None or not dataset.shape.has(name):
        return None
    return dataset, dataset.shape.field(name)


def forget() -> None:
    """Let the matcher be made anew (tests)."""
    _Kept.fields = None


__all__ = ["Known", "Memory", "field_of", "forget", "known", "memory", "published", "remember"]
