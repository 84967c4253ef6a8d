"""What moves now: the cases that matter most, and the newest steps. Only for who may see cases."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.faces.cockpit.chosen import Chosen
from citybrain.faces.look import words
from citybrain.hub.cases import lists, moves
from citybrain.hub.cases.rows import CaseRow
from citybrain.hub.cases.states import State

FIRST_MOST: Final = 6
MOVES_MOST: Final = 24
LISTED_MOST: Final = 50
GOOD: Final = frozenset({"close", "self_handle", "pass_check", "evaluate"})
BAD: Final = frozenset({"return", "rework", "escalate", "supervise", "reopen", "challenge", "force_close"})


@dataclass(frozen=True, slots=True)
class Line:
    """A case on the right. `what` is set where a step is told, `left` where a deadline is."""

    id: int
    title: str
    url: str
    where: str
    holder: str
    urgent: bool
    at: datetime
    left: words.Left | None = None
    what: str = ""
    tone: str = "quiet"


def _title(row: CaseRow) -> str:
    return row.item_name or row.excerpt or _("待定事项")


def _where(row: CaseRow, chosen: Chosen) -> str:
    """Return the place below the area looked at: nobody repeats what the heading says."""
    names = row.area_names[max(0, chosen.area.level - 1) :]
    return " · ".join(names[:2]) or row.address or _("位置未知")


def _line(row: CaseRow, chosen: Chosen, now: datetime, at: datetime, **more: str) -> Line:
    paused = row.state == State.SUSPENDED
    left = None if more else words.left(row.due_at, now, paused=paused)
    return Line(
        id=row.id,
        title=_title(row),
        url=reverse("desk:case", args=[row.number]),
        where=_where(row, chosen),
        holder=row.agency_name or row.state_label,
        urgent=row.urgent,
        at=at,
        left=left,
        **more,
    )


def first_cases(actor: Actor, chosen: Chosen, now: datetime, most: int = FIRST_MOST) -> list[Line]:
    """Return open cases, urgent ones first, then the longest late."""
    if not chosen.sees_cases:
        return []
    rows = lists.page(actor, "open", chosen.filters, limit=most).rows
    return [_line(row, chosen, now, row.reported_at) for row in rows]


def newest_moves(actor: Actor, chosen: Chosen, now: datetime) -> list[Line]:
    """Return the newest step of each case that moved, newest first."""
    if not chosen.sees_cases:
        return []
    found = moves.latest(actor, chosen.filters, MOVES_MOST, now)
    return [_line(one.case, chosen, now, one.at, what=one.label, tone=_tone(one.action)) for one in found]


def _tone(action: str) -> str:
    if action in GOOD:
        return "normal"
    return "late" if action in BAD else "info"
