"""What the page of a ticket adds to what the hotline tells of it: buttons, stages, verdicts in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from citybrain.base.identity.actor import Actor
from citybrain.base.identity.agencies import agency_by_id
from citybrain.faces.desk.hotline.page import ICONS, TicketPage
from citybrain.faces.desk.hotline.shown import item_name, path_of, ticket_row
from citybrain.faces.desk.hotline.supervising.links import state_words, what_word
from citybrain.faces.desk.maps import outline_round
from citybrain.hub.cases.access import VIEW as CASES
from citybrain.hub.cases.states import Rating
from citybrain.hub.hotline.channels.pushed_files import coming
from citybrain.hub.hotline.files import Shown, files_of
from citybrain.hub.hotline.linking.calls import calls_of
from citybrain.hub.hotline.linking.partners import PERMISSION as LINKS
from citybrain.hub.hotline.models import HandOver, Ticket
from citybrain.hub.hotline.states import Channel, State
from citybrain.hub.hotline.steps import NextStep

FIRST_STEPS: Final = 4
TAKEN_KEYS: Final = frozenset("jkx")
PAGES: Final = {"call_back": "desk:hotline_callback"}  # steps that have a page of their own
STAGES: Final[tuple[tuple[Promise, frozenset[State]], ...]] = (
    (gettext_lazy("受理"), frozenset({State.RECEIVED})),
    (gettext_lazy("派单"), frozenset({State.TO_DISPATCH, State.RETURN_REQUESTED})),
    (
        gettext_lazy("办理"),
        frozenset({State.DISPATCHED, State.ACCEPTED, State.HANDLING, State.EXTENSION_REQUESTED, State.REDO}),
    ),
    (gettext_lazy("答复"), frozenset({State.REPLIED, State.ANSWERED_DIRECTLY})),
    (gettext_lazy("回访"), frozenset({State.CALLING_BACK})),
    (gettext_lazy("办结"), frozenset({State.CONCLUDED, State.ARCHIVED, State.VOIDED})),
)


@dataclass(frozen=True, slots=True)
class StepButton:
    """One next step as a button: `asks` opens a form, `page` leads to a page of its own, else it is taken at once."""

    key: str
    label: str
    url: str
    icon: str
    tone: str
    expected: bool
    hotkey: str
    asks: bool
    page: bool


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket ready for its template."""

    page: TicketPage
    row: dict[str, Any]
    path: list[str]
    item: str
    steps: tuple[StepButton, ...]
    stages: tuple[tuple[str, str], ...]
    verdicts: tuple[tuple[str, str], ...]
    replied_by: str
    outline: str
    recordings: tuple[dict[str, Any], ...]
    files: tuple[Shown, ...]
    not_kept: tuple[tuple[str, str], ...]
    files_coming: tuple[str, ...]
    handed: tuple[dict[str, Any], ...]
    may_release: bool
    sees_case: bool
    may_callers: bool

    @property
    def first_steps(self) -> tuple[StepButton, ...]:
        return self.steps[:FIRST_STEPS]

    @property
    def more_steps(self) -> tuple[StepButton, ...]:
        return self.steps[FIRST_STEPS:]

    @property
    def may_merge(self) -> bool:
        return any(step.key == "merge" for step in self.page.steps)


def view_of(actor: Actor, page: TicketPage, now: datetime | None = None) -> TicketView:
    """Return a page with its words. One query for the calls, where the reader is of the hotline."""
    ticket = page.ticket
    body = agency_by_id(ticket.replied_by_id) if ticket.replied_by_id is not None else None
    return TicketView(
        page=page,
        row=ticket_row(ticket, now or timezone.now(), started=page.started),
        path=path_of(ticket),
        item=item_name(ticket.item_code),
        steps=tuple(button(step, ticket.number) for step in page.steps),
        stages=_stages(State(ticket.state)),
        verdicts=tuple(_verdicts(ticket)),
        replied_by=str(body) if body else "",
        outline=outline_round(ticket.guard_lineage()),
        recordings=_recordings(actor, page),
        files=tuple(files_of(actor, page.ticket)),
        not_kept=_not_kept(page),
        files_coming=_coming(page),
        handed=_handed(actor, page),
        may_release=page.contact is not None,
        sees_case=actor.may(CASES),
        may_callers=actor.may("hotline.callers") or actor.may("hotline.take"),
    )


def _not_kept(page: TicketPage) -> tuple[tuple[str, str], ...]:
    """Return the attachments that could not be kept and why, for the hotline's own people."""
    if not page.inside:
        return ()
    extra = page.ticket.extra
    in_mailbox = ((extra.get("mail") or {}).get("not_kept", ()), _("没有留下，仍在邮箱里："))
    elsewhere = (extra.get("not_kept", ()), _("没有留下："))
    return tuple((name, words + why) for found, words in (in_mailbox, elsewhere) for name, why in found)


def _coming(page: TicketPage) -> tuple[str, ...]:
    """Return the names of files still to be fetched from who pushed the message, for the hotline's own people."""
    return tuple(coming(page.ticket.pk)) if page.inside and page.ticket.channel == Channel.HOOK else ()


def _handed(actor: Actor, page: TicketPage) -> tuple[dict[str, Any], ...]:
    """Return the hand-overs of a ticket, the latest first, for the hotline's own people; no query where it has none."""
    ticket = page.ticket
    if not page.inside or not (ticket.channel == Channel.LINKED or ticket.outside):
        return ()
    rows = HandOver.objects.filter(ticket_id=ticket.pk).select_related("partner").prefetch_related("trail")
    theirs = (ticket.extra.get("link") or {}).get("trail", ())
    return tuple(
        {
            "one": one,
            "state": state_words(one),
            "trail": [(line.at, what_word(line.what), line.words) for line in one.trail.all()],
            "before": () if one.outgoing else [(parse_datetime(at), words) for at, words in theirs],
            "url": reverse("desk:hotline_handover", args=[one.pk]) if actor.may(LINKS) else "",
        }
        for one in rows.order_by("-id")
    )


def _recordings(actor: Actor, page: TicketPage) -> tuple[dict[str, Any], ...]:
    if not page.inside or not actor.may("hotline.view"):
        return ()
    found = calls_of(actor, page.ticket.pk)
    return tuple({**one, "at": one["answered_at"] or one["rang_at"] or one["ended_at"]} for one in found)


def button(step: NextStep, number: str) -> StepButton:
    """Return a next step as a button."""
    one = step.transition
    name = PAGES.get(one.key)
    return StepButton(
        key=one.key,
        label=str(one.label),
        url=reverse(name, args=[number]) if name else reverse("desk:hotline_step", args=[number, one.key]),
        icon=ICONS.get(one.key, "point"),
        tone=one.style,
        expected=step.expected,
        hotkey="" if one.key_hint in TAKEN_KEYS else one.key_hint,
        asks=not name and (bool(one.needs) or one.style == "danger"),
        page=bool(name),
    )


def _stages(state: State) -> tuple[tuple[str, str], ...]:
    reached = next(place for place, (_label, states) in enumerate(STAGES) if state in states)
    return tuple(
        (str(label), "now" if place == reached else "past" if place < reached else "ahead")
        for place, (label, _states) in enumerate(STAGES)
    )


def _verdicts(ticket: Ticket) -> list[tuple[str, str]]:
    """Return how it ended, as (tone, word)."""
    found: list[tuple[str, str]] = []
    for value, yes, no in (
        (ticket.sign_on_time, _("按时签收"), _("签收超时")),
        (ticket.on_time, _("按时答复"), _("答复超时")),
        (ticket.contacted, _("单位联系过"), _("单位没有联系")),
        (ticket.solved, _("已解决"), _("未解决")),
    ):
        if value is not None:
            found.append(("normal", yes) if value else ("late", no))
    if ticket.rating:
        found.append(
            (
                "normal" if ticket.rating >= Rating.FAIRLY_SATISFIED else "late",
                str(Rating(ticket.rating).label),
            )
        )
    return found
