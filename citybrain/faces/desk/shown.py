"""A row of a work list as the desk shows it: what, where, since when, how long is left, who has it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.roles import role_named
from citybrain.faces.look import words
from citybrain.hub.cases.models import CaseClock
from citybrain.hub.cases.rows import CaseRow, area_names
from citybrain.hub.cases.states import State

# Which role has a case in a state in which no agency has it.
HOLDERS: Final[dict[State, str]] = {
    State.REPORTED: "acceptor",
    State.VERIFYING: "grid_worker",
    State.PENDING_FILING: "acceptor",
    State.PENDING_DISPATCH: "dispatcher",
    State.RETURNED: "dispatcher",
    State.HANDLED: "acceptor",
    State.CHECKING: "grid_worker",
}
TONES: Final[dict[State, str]] = {
    State.REPORTED: "info",
    State.VERIFYING: "info",
    State.PENDING_FILING: "info",
    State.PENDING_DISPATCH: "info",
    State.RETURNED: "late",
    State.PENDING_HANDLING: "due_soon",
    State.HANDLING: "info",
    State.EXTENSION_REQUESTED: "due_soon",
    State.SUSPENDED: "quiet",
    State.HANDLED: "info",
    State.CHECKING: "info",
    State.REWORK: "late",
    State.SELF_HANDLED: "normal",
    State.CLOSED: "normal",
    State.FORCED_CLOSED: "normal",
    State.REJECTED: "quiet",
    State.CANCELLED: "quiet",
}


@dataclass(frozen=True, slots=True)
class RowView:
    """One row ready for a template. `marks` are (tone, word) pairs."""

    row: CaseRow
    left: words.Left
    ago: str
    since: str
    where: str
    holder: str
    tone: str
    marks: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        return self.row.item_name or _("待定事项")

    @property
    def line(self) -> str:
        """What a row is called: its item, or the first words of what was said."""
        return self.row.item_name or self.row.excerpt

    @property
    def full_where(self) -> str:
        return " · ".join(
            [*self.row.area_names, self.row.address] if self.row.address else self.row.area_names
        )


def row_views(rows: Sequence[CaseRow], now: datetime | None = None) -> list[RowView]:
    """Return rows ready for a template. One query, for when their clocks started."""
    moment = now or timezone.now()
    started = clock_starts(row.id for row in rows if row.is_open and row.due_at is not None)
    return [row_view(row, moment, started.get(row.id)) for row in rows]


def clock_starts(case_ids: Iterable[int]) -> dict[int, datetime]:
    """Return case id → start of its running clock, for cases that the reader was shown already."""
    ids = list(case_ids)
    if not ids:
        return {}
    running = CaseClock.objects.filter(case_id__in=ids, stopped_at=None)
    return dict(running.values_list("case_id", "started_at"))


def row_view(row: CaseRow, now: datetime, started: datetime | None) -> RowView:
    paused = row.state == State.SUSPENDED
    return RowView(
        row=row,
        left=words.left(
            row.due_at, now, started=started, paused=paused, done=not row.is_open, on_time=row.on_time
        ),
        ago=words.ago(row.reported_at, now),
        since=words.stamp(row.reported_at),
        where=_where(row),
        holder=holder_of(row),
        tone=TONES[row.state],
        marks=tuple(_marks(row)),
    )


def _where(row: CaseRow) -> str:
    """Return the community, or the smallest area known above the grid; the address where no area is known."""
    names = area_names((row.community_id,)) or area_names((row.street_id,)) or area_names((row.district_id,))
    return names[0] if names else row.address or _("位置未知")


def holder_of(row: CaseRow) -> str:
    """Return who has the case now: the agency, or the role that must act before there is one."""
    role = HOLDERS.get(row.state)
    if role is not None:
        return role_named(role).name
    return row.agency_name


def _marks(row: CaseRow) -> Iterable[tuple[str, str]]:
    if row.supervised:
        yield ("late", _("督办"))
    if row.return_count:
        yield ("due_soon", _("退回 %(n)d 次") % {"n": row.return_count})
    if row.rework_count:
        yield ("due_soon", _("返工 %(n)d 次") % {"n": row.rework_count})
    if row.urge_count:
        yield ("due_soon", _("催办 %(n)d 次") % {"n": row.urge_count})
    if row.report_count > 1:
        yield ("info", _("%(n)d 人反映") % {"n": row.report_count})


def case_row(
    view: RowView,
    url: str,
    *,
    current: bool = False,
    pick: bool = False,
    target: str = "",
    push: bool = False,
    live: str = "",
) -> dict[str, object]:
    """Return a row for desk/parts/row.html: opened in `target` (with its address, if `push`), else as a page."""
    return {
        "id": view.row.id,
        "number": view.row.number,
        "url": url,
        "title": view.line,
        "where": view.where,
        "full_where": view.full_where,
        "excerpt": view.row.excerpt if view.row.item_name else "",
        "at": view.row.reported_at,
        "holder": view.holder,
        "state": view.row.state_label,
        "tone": view.tone,
        "left": view.left if view.row.is_open else None,
        "marks": view.marks,
        "urgent": view.row.urgent,
        "current": current,
        "pick": "ids" if pick else "",
        "target": target,
        "push": push,
        "live": live,
        "lon": view.row.lon,
        "lat": view.row.lat,
    }
