"""One row of a foreign file becomes a past case, or a reason why not. No database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.dateparse import parse_datetime

from citybrain.hub.cases import deadlines
from citybrain.hub.cases.bulk import PastCase
from citybrain.hub.cases.importing.mapping import Mapping311
from citybrain.hub.cases.intake import DESCRIPTION_MOST
from citybrain.hub.cases.models import Item
from citybrain.hub.cases.states import State, Step

ADDRESS_MOST: Final = 200


class Refused(Exception):
    """A row that can't become a case. `reason` is a key that is counted, `detail` names column and value."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Read:
    """What a row says, typed; places still as given. `theirs` is the file's own verdict, for comparison only."""

    ref: str
    reported: datetime
    due: datetime | None
    closed: datetime | None
    description: str
    address: str
    lon: float | None
    lat: float | None
    kind: str
    source: str
    theirs: bool | None
    extra: Mapping[str, str]


def read(mapping: Mapping311, row: Mapping[str, str]) -> Read:
    """Return a row, typed. Raises Refused."""
    ref = mapping.key_prefix + "-".join(row[name].strip() for name in mapping.key_columns)
    if ref == mapping.key_prefix:
        raise Refused("no_key", f"{', '.join(mapping.key_columns)} is empty")
    reported = _time(mapping, row, mapping.reported)
    if reported is None:
        raise Refused("no_report_time", f"{mapping.reported} is empty")
    closed = _time(mapping, row, mapping.closed)
    if closed is not None and closed < reported:
        raise Refused(
            "closed_before_opened", f"{mapping.closed} {row[mapping.closed]} < {row[mapping.reported]}"
        )
    kind = row[mapping.item_column].strip() if mapping.item_column else ""
    if mapping.item_required and mapping.item_column and not kind:
        raise Refused("no_type", f"{mapping.item_column} is empty")
    lon, lat = _point(mapping, row)
    description = mapping.separator.join(filter(None, (row[name].strip() for name in mapping.description)))
    source = mapping.source_values.get(row[mapping.source_column].strip()) if mapping.source_column else None
    return Read(
        ref=ref[:80],
        reported=reported,
        due=_time(mapping, row, mapping.due),
        closed=closed,
        description=_clean(description)[:DESCRIPTION_MOST],
        address=_clean(row[mapping.address])[:ADDRESS_MOST] if mapping.address else "",
        lon=lon,
        lat=lat,
        kind=kind,
        source=(source or mapping.source_default).value,
        theirs=_verdict(mapping, row),
        extra={name: row[name].strip() for name in mapping.keep if row[name].strip()},
    )


def moments(mapping: Mapping311, row: Mapping[str, str]) -> list[datetime]:
    """Return when a refused row was reported and closed, as far as that can be read."""
    found: list[datetime] = []
    for column in (mapping.reported, mapping.closed):
        try:
            moment = _time(mapping, row, column)
        except Refused:
            continue
        if moment is not None:
            found.append(moment)
    return found


def _clean(text: str) -> str:
    """Return a text without what a database or a screen can't hold, white space folded within lines."""
    lines = (" ".join(line.split()) for line in text.replace("\x00", "").splitlines())
    return "\n".join(line for line in lines if line)


def _time(mapping: Mapping311, row: Mapping[str, str], column: str) -> datetime | None:
    value = row[column].strip() if column else ""
    if not value:
        return None
    try:
        if mapping.time_format:
            moment: datetime | None = datetime.strptime(value, mapping.time_format)  # noqa: DTZ007 (zone follows)
        else:
            moment = parse_datetime(value)
    except ValueError:
        moment = None
    if moment is None or not 1970 <= moment.year <= 2200:
        raise Refused("bad_time", f"{column} {value!r}")
    return (moment if moment.tzinfo else moment.replace(tzinfo=mapping.zone)).astimezone(UTC)


def _point(mapping: Mapping311, row: Mapping[str, str]) -> tuple[float | None, float | None]:
    if not mapping.lon or not row[mapping.lon].strip():
        return None, None
    try:
        lon, lat = float(row[mapping.lon]), float(row[mapping.lat])
    except ValueError:
        raise Refused("bad_point", f"{row[mapping.lon]!r}, {row[mapping.lat]!r}") from None
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise Refused("bad_point", f"{lon}, {lat}")
    if (lon, lat) in mapping.default_geocodes:
        raise Refused("default_geocode", f"{lon}, {lat} stands for an unknown place")
    return lon, lat


def _verdict(mapping: Mapping311, row: Mapping[str, str]) -> bool | None:
    said = row[mapping.verdict_column].strip() if mapping.verdict_column else ""
    return {mapping.verdict_on_time: True, mapping.verdict_late: False}.get(said) if said else None


def past_case(
    one: Read, item: Item | None, open_state: State, place: Mapping[str, Any], rule: str
) -> tuple[PastCase, bool | None]:
    """Return the case and our own verdict on it: on time, late, or None while open or without a deadline."""
    ended = one.closed is not None
    ours = deadlines.verdict(one.due, one.closed, one.closed) if one.closed else None
    state = State.CLOSED if ended else open_state
    values: dict[str, Any] = {
        "external_ref": one.ref,
        "state": int(state),
        "is_open": not ended,
        "version": 2 if ended else 1,
        "source": one.source,
        "item_id": item.pk if item else None,
        "urgent": bool(item and item.urgent),
        "description": one.description,
        "address": one.address,
        "lon": one.lon,
        "lat": one.lat,
        "reported_at": one.reported,
        "changed_at": one.closed or one.reported,
        "closed_at": one.closed,
        "step": None if ended else int(Step.HANDLING),
        "due_at": None if ended else one.due,
        "on_time": ours,
        "extra": {"kind": one.kind, **one.extra},
        **place,
    }
    events = [
        {
            "action": "import",
            "to_state": int(open_state),
            "at": one.reported,
            "reason": "",
            "data": {"ref": one.ref},
        }
    ]
    if one.closed is not None:
        told = {"did": "stop", "step": int(Step.HANDLING), "on_time": ours} if one.due else {}
        events.append(
            {
                "action": "close",
                "from_state": int(open_state),
                "to_state": int(State.CLOSED),
                "at": one.closed,
                "data": {"clock": told},
            }
        )
    return PastCase(values, events, _clocks(one, ours, rule)), ours


def _clocks(one: Read, ours: bool | None, rule: str) -> list[dict[str, Any]]:
    if one.due is None and one.closed is not None:
        return []
    minutes = int((one.due - one.reported).total_seconds() // 60) if one.due else 0
    return [
        {
            "step": int(Step.HANDLING),
            "started_at": one.reported,
            "limit_minutes": max(0, minutes),
            "working": False,
            "due_at": one.due,
            "stopped_at": one.closed,
            "on_time": ours,
            "rule": rule if one.due else "导入时没有时限",
        }
    ]
