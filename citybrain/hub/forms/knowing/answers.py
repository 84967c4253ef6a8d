"""What people answered once, kept for the next form that asks the same of the same person or area.

An answer is known where it was given: in its area and those it lies in. After a year it counts as stale.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger import record
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.knowing.arrays import among
from citybrain.hub.forms.knowing.cells import ANSWER, Filled, State
from citybrain.hub.forms.knowing.rights import HasId, node_of, require_work
from citybrain.hub.forms.matching import heading
from citybrain.hub.forms.models import Answered, Sheet

LASTS: Final = timedelta(days=365)
LEVELS: Final = ("city_id", "district_id", "street_id", "community_id", "grid_id")
MEANING_MOST: Final = 300


@dataclass(frozen=True, slots=True)
class Given:
    """One answer: of a person (`token`) or, without one, of the area."""

    column: Column
    token: str
    value: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is found again."""

    value: str
    as_of: date
    name: str


def meaning_of(column: Column) -> str:
    """Return what an answer is kept under: the field (and what is worked out of it), or the names in normal form."""
    field = f"{column.field}:{column.derived}" if column.field and column.derived else column.field
    return (field or heading(column.path).joined)[:MEANING_MOST]


def keep(
    actor: Actor,
    area: HasId | int,
    given: Iterable[Given],
    *,
    sheet: Sheet | None = None,
    now: datetime | None = None,
) -> int:
    """Keep answers for the next form, in the caller's transaction; return how many. The latest word counts.

    Empty ones are left out: they say that nobody knows. Raises Forbidden.
    """
    node, moment = require_work(actor, area), now or timezone.now()
    places = dict(zip(LEVELS, node.lineage, strict=True))
    office = sheet.round.office_id if sheet is not None else None
    rows = {
        (meaning_of(one.column), one.token): Answered(
            area_id=node.id, **places, subject=one.token, meaning=meaning_of(one.column), value=one.value.strip(),
            personal=one.column.personal, as_of=timezone.localdate(moment), sheet=sheet, office_id=office,
            by=actor.key, name=actor.name[:60], at=moment,
        )
        for one in given
        if one.value.strip() and one.column.asks in {Asks.ANSWER, Asks.DATA, Asks.COUNT}
    }  # fmt: skip
    if not rows:
        return 0
    Answered.objects.bulk_create(
        rows.values(), batch_size=2_000, update_conflicts=True, unique_fields=["area", "meaning", "subject"],
        update_fields=["value", "personal", "as_of", "sheet", "office", "by", "name", "at"],
    )  # fmt: skip
    subject = f"form_sheet:{sheet.pk}" if sheet is not None else f"area:{node.code}"
    record(actor.key, "forms.keep_answers", subject, {"answers": len(rows), "area": node.code})
    return len(rows)


def find(area: HasId | int, meanings: Iterable[str], tokens: Sequence[str]) -> dict[tuple[str, str], Kept]:
    """Return the answers known in an area by (meaning, token); "" is the area itself. One query.

    Whoever calls has asked `require_work` before.
    """
    node = node_of(area)
    wanted = sorted(set(meanings))
    if not wanted:
        return {}
    inside = Q(**{f"{LEVELS[node.level - 1]}__in": list(tree().scope_ids(node.id))})
    found = Answered.objects.filter(inside, meaning__in=wanted)
    found = found.filter(subject__in=among(tokens)) if tokens else found.filter(subject="", area_id=node.id)
    rows = found.order_by("at").values_list("meaning", "subject", "value", "as_of", "name")
    return {(meaning, subject): Kept(value, as_of, name) for meaning, subject, value, as_of, name in rows}


def fill(node: Node, tokens: Sequence[str], filled: Mapping[str, Filled], now: datetime) -> None:
    """Fill missing cells with what was answered before. `tokens` ("" for the area) in the cells' order."""
    asked = {
        letter: meaning_of(one.column)
        for letter, one in filled.items()
        if one.column.asks in {Asks.ANSWER, Asks.DATA} and one.state != State.NO_RIGHT
    }
    people = [one for one in tokens if one]
    kept = find(node, asked.values(), people)
    if not kept:
        return
    today = timezone.localdate(now)
    for letter, meaning in asked.items():
        one = filled[letter]
        for at, token in enumerate(tokens):
            known = None if one.values[at] else kept.get((meaning, token))
            if known is not None:
                one.values[at] = known.value
                state = State.STALE if today - known.as_of > LASTS else State.ANSWERED
                one.odd[at] = (ANSWER, known.as_of, state)
