"""A ticket in a list as the desk shows it: what, where, since when, how long is left, who has it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.agencies import agency_by_id
from citybrain.base.identity.roles import role_named
from citybrain.faces.look import words
from citybrain.hub.cases import items
from citybrain.hub.cases.rows import area_names
from citybrain.hub.hotline.models import Ticket
from citybrain.hub.hotline.rows import TicketRow
from citybrain.hub.hotline.states import Channel, Kind, State, Urgency

TONES: Final[Mapping[State, str]] = {
    State.RECEIVED: "info",
    State.ANSWERED_DIRECTLY: "normal",
    State.TO_DISPATCH: "info",
    State.DISPATCHED: "due_soon",
    State.ACCEPTED: "info",
    State.RETURN_REQUESTED: "late",
    State.HANDLING: "info",
    State.EXTENSION_REQUESTED: "due_soon",
    State.REPLIED: "normal",
    State.CALLING_BACK: "info",
    State.REDO: "late",
    State.CONCLUDED: "normal",
    State.ARCHIVED: "quiet",
    State.VOIDED: "quiet",
}
# Which role has a ticket in a state in which it is with the hotline.
HOLDERS: Final[Mapping[State, str]] = {
    State.RECEIVED: "hotline_operator",
    State.TO_DISPATCH: "hotline_operator",
    State.RETURN_REQUESTED: "hotline_manager",
    State.EXTENSION_REQUESTED: "hotline_manager",
    State.ANSWERED_DIRECTLY: "hotline_operator",
    State.REPLIED: "hotline_operator",
    State.CALLING_BACK: "hotline_operator",
}
URGENT: Final = frozenset({Urgency.DANGER, Urgency.UTILITIES})
LINE: Final = 32
Shown = Ticket | TicketRow


def title_of(ticket: Shown) -> str:
    """Return what a ticket is called: its title, its item, or the beginning of what was said."""
    if ticket.title:
        return ticket.title
    name = item_name(ticket.item_code)
    if name:
        return name
    line = said(ticket)
    return line if 0 < len(line) <= LINE else f"{line[: LINE - 1]}…" if line else _("（无内容）")


def said(ticket: Shown) -> str:
    """Return what was said without markup, in one line."""
    return " ".join(ticket.plain.split())


def item_name(code: str) -> str:
    item = items.index().by_code.get(code)
    return item.name if item else ""


def who_word(name: str) -> str:
    """Return who did something, as it is kept with a line of history; the system in the reader's language."""
    return _("系统") if name in {"", SYSTEM.name} else name


def where_of(ticket: Shown) -> str:
    """Return the smallest area known above the grid, or the words that the caller used."""
    for area_id in (ticket.community_id, ticket.street_id, ticket.district_id):
        names = area_names((area_id,))
        if names:
            return names[0]
    return ticket.place_text or _("位置未知")


def path_of(ticket: Shown) -> list[str]:
    """Return the names of the ticket's areas, widest first, without the city."""
    return area_names(
        [one for one in (ticket.district_id, ticket.street_id, ticket.community_id, ticket.grid_id) if one]
    )


def holder_of(ticket: Shown) -> str:
    """Return who has it now: the unit, the other line, or the role of the hotline that must act."""
    state = State(ticket.state)
    if state in HOLDERS:
        return role_named(HOLDERS[state]).name
    if ticket.outside:
        return ticket.outside
    agency = agency_by_id(ticket.agency_id) if ticket.agency_id is not None else None
    return str(agency) if agency else ""


def left_of(ticket: Shown, now: datetime, started: datetime | None = None) -> words.Left | None:
    """Return how the deadline stands that lists show, None for a ticket that is done."""
    if not ticket.is_open:
        return None
    paused = State(ticket.state) in {State.RETURN_REQUESTED, State.EXTENSION_REQUESTED} and not ticket.due_at
    return words.left(ticket.due_at, now, started=started, paused=paused)


def marks_of(ticket: Shown) -> list[tuple[str, str]]:
    """Return what stands out of a ticket, as (tone, word)."""
    found: list[tuple[str, str]] = []
    if ticket.needs_person and State(ticket.state) is State.RECEIVED:
        found.append(("due_soon", _("须人工判断")))
    for count, tone, word in (
        (ticket.return_count, "due_soon", _("退单 %(n)d 次")),
        (ticket.redo_count, "late", _("重办 %(n)d 次")),
        (ticket.urge_count, "due_soon", _("催办 %(n)d 次")),
    ):
        if count:
            found.append((tone, word % {"n": count}))
    return found


def urgency_word(ticket: Shown) -> tuple[str, str] | None:
    """Return tone and word of an urgent ticket, None for a general one."""
    if ticket.urgency == Urgency.DANGER:
        return ("urgent", _("危急"))
    if ticket.urgency == Urgency.UTILITIES:
        return ("due_soon", str(Urgency.UTILITIES.label))
    return None


def kind_word(ticket: Shown) -> str:
    return str(Kind(ticket.kind).label) if ticket.kind else ""


def ticket_row(
    ticket: Shown,
    now: datetime,
    *,
    url: str = "",
    started: datetime | None = None,
    current: bool = False,
    target: str = "",
    live: str = "",
    pick: bool = False,
) -> dict[str, Any]:
    """Return a row for desk/hotline/row.html: opened in `target`, else as a page."""
    name = title_of(ticket)
    excerpt = said(ticket)
    return {
        "id": ticket.id,
        "number": ticket.number,
        "url": url or reverse("desk:hotline_ticket", args=[ticket.number]),
        "title": name,
        "excerpt": "" if excerpt == name else excerpt[:200],
        "at": ticket.received_at,
        "where": where_of(ticket),
        "full_where": " · ".join(
            [*path_of(ticket), ticket.place_text] if ticket.place_text else path_of(ticket)
        ),
        "holder": holder_of(ticket),
        "state": str(State(ticket.state).label),
        "tone": TONES[State(ticket.state)],
        "left": left_of(ticket, now, started),
        "marks": marks_of(ticket),
        "urgent": urgency_word(ticket),
        "kind": kind_word(ticket),
        "channel": str(Channel(ticket.channel).label),
        "current": current,
        "target": target,
        "live": live,
        "pick": "ids" if pick else "",
    }


def rows_of(tickets: Sequence[Shown], now: datetime) -> list[dict[str, Any]]:
    """Return rows that open as pages of their own. No query."""
    return [ticket_row(one, now) for one in tickets]
