"""Cells in doubt: suppliers that disagree (exchange's conflicts), and what fillers disputed."""

from collections.abc import Mapping

from citybrain.base.exchange.models import OPEN_CONFLICT, Conflict
from citybrain.hub.forms.knowing.arrays import among
from citybrain.hub.forms.knowing.cells import Filled, State
from citybrain.hub.forms.knowing.people import People
from citybrain.hub.forms.knowing.reading import Read
from citybrain.hub.forms.models import Dispute


def mark(read: Mapping[str, Read], people: People, filled: Mapping[str, Filled]) -> None:
    """Mark the filled cells that are in doubt: disputed before conflict. Two queries, one more per set in conflict."""
    columns: dict[str, list[Filled]] = {}
    for one in filled.values():
        columns.setdefault(one.column.field, []).append(one)
    codes = sorted(code for code, one in read.items() if one.rows)
    if not codes:
        return
    place = {number: at for at, number in enumerate(people.numbers)}
    for code, key, field in _conflicts(codes, read):
        for one in columns.get(f"{code}.{field}", ()):
            _set(one, place[key], code, State.CONFLICT)
    disputed = Dispute.objects.filter(state="open", dataset__code__in=codes, subject__in=among(people.tokens))
    for code, field, token in disputed.values_list("dataset__code", "field", "subject"):
        for one in columns.get(f"{code}.{field}", ()):
            _set(one, people.place[token], code, State.DISPUTED)


def _set(one: Filled, at: int, code: str, state: "str") -> None:
    source, day, _state = one.odd.get(at, (one.source, one.as_of, one.state))
    if one.values[at] and source == code:
        one.odd[at] = (source, day, state)  # type: ignore[assignment]


def _conflicts(codes: list[str], read: Mapping[str, Read]) -> list[tuple[str, str, str]]:
    """Return (data set, number of the person, field) of what suppliers disagree about."""
    waiting = Conflict.objects.filter(state__in=OPEN_CONFLICT, dataset__code__in=codes)
    found = []
    for code in waiting.order_by().values_list("dataset__code", flat=True).distinct():
        place = len(read[code].fields)
        of_key = {str(row[place]): number for number, row in read[code].rows.items()}
        for key, fields in waiting.filter(dataset__code=code, key__in=among(of_key)).values_list(
            "key", "fields"
        ):
            found += [(code, of_key[key], field) for field in fields]
    return found
