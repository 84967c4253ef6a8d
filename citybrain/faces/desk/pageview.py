"""What the page of a case adds to what the hub tells of it: words for times, and photos in order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import tree
from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.maps import outline_round
from citybrain.faces.desk.shown import RowView, row_view
from citybrain.faces.look import words
from citybrain.hub.cases.detail import CasePage, EventView
from citybrain.hub.cases.errors import NotFound
from citybrain.hub.cases.models import Case, CasePhoto
from citybrain.hub.cases.same_case import SameCase
from citybrain.hub.cases.states import STAGE_OF, Rating, Stage, State
from citybrain.hub.cases.steps import NextStep
from citybrain.hub.steps.clocks import ClockView

FIRST_STEPS: Final = 4
TAKEN_KEYS: Final = frozenset("jkx")  # keys of the list beside the case
ICONS: Final = {
    "report": "camera", "import": "inbox", "request_verify": "eye", "verify": "eye", "self_handle": "circle-check",
    "file": "check", "reject": "circle-x", "merge": "copy", "cancel": "circle-x", "dispatch": "send",
    "redispatch": "send", "designate": "send", "reassign": "switch-horizontal", "accept": "user-check",
    "return": "arrow-back-up",
    "handle": "message", "request_extension": "calendar", "decide_extension": "gavel", "suspend": "player-pause",
    "resume": "refresh", "feedback": "clipboard-check", "start_check": "eye", "pass_check": "clipboard-check",
    "rework": "arrow-back-up", "close": "circle-check", "force_close": "lock", "reopen": "refresh",
    "refile": "refresh", "supervise": "gavel", "urge": "bell", "comment": "message", "attach": "photo-plus",
    "supplement": "message", "withdraw": "arrow-back-up", "challenge": "refresh", "appeal": "refresh",
    "rate": "star", "remind": "bell", "escalate": "alarm",
}  # fmt: skip
TONES: Final = {
    "close": "normal", "self_handle": "normal", "pass_check": "normal", "feedback": "info", "dispatch": "info",
    "redispatch": "info", "designate": "info", "reassign": "info", "file": "info", "accept": "info", "report": "info",
    "return": "late", "rework": "late", "escalate": "late", "supervise": "late", "challenge": "late",
    "force_close": "late", "remind": "due_soon", "urge": "due_soon", "suspend": "due_soon",
    "request_extension": "due_soon",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClockLine:
    """One deadline with its words."""

    clock: ClockView
    left: words.Left


@dataclass(frozen=True, slots=True)
class StageDot:
    """One of the seven stages; `reach`: past, now or ahead."""

    label: str
    reach: str


@dataclass(frozen=True, slots=True)
class StepButton:
    """One next step as a button: `asks` where it opens a form, else it is taken at once."""

    key: str
    label: str
    url: str
    icon: str
    tone: str
    expected: bool
    hotkey: str
    asks: bool


@dataclass(frozen=True, slots=True)
class SameLine:
    same: SameCase
    view: RowView
    percent: int


@dataclass(frozen=True, slots=True)
class PageView:
    """A case ready for its template."""

    page: CasePage
    head: RowView
    events: tuple[dict[str, Any], ...]
    clocks: tuple[ClockLine, ...]
    stages: tuple[StageDot, ...]
    same: tuple[SameLine, ...]
    photos: tuple[dict[str, str], ...]
    steps: tuple[StepButton, ...]
    place: str
    address: str
    outline: str
    rating: str

    @property
    def case(self) -> Case:
        return self.page.case

    @property
    def first_steps(self) -> tuple["StepButton", ...]:
        """The steps shown as buttons; the rest wait under "更多"."""
        return self.steps[:FIRST_STEPS]

    @property
    def more_steps(self) -> tuple["StepButton", ...]:
        return self.steps[FIRST_STEPS:]

    @property
    def may_merge(self) -> bool:
        return any(step.key == "merge" for step in self.page.steps)

    @property
    def was_dispatched(self) -> bool:
        return self.page.case.dispatched_at is not None

    @property
    def running(self) -> ClockLine | None:
        return next((line for line in self.clocks if line.clock.running), None)


def view_of(page: CasePage, now: datetime) -> PageView:
    """Return a page with its words. No query."""
    running = page.running
    return PageView(
        page=page,
        head=row_view(page.row, now, running.started_at if running else None),
        events=tuple(_event(event) for event in reversed(page.events)),
        clocks=tuple(_clock(clock, now) for clock in reversed(page.clocks)),
        stages=_stages(State(page.case.state)),
        same=tuple(SameLine(one, row_view(one.row, now, None), round(one.score * 100)) for one in page.same),
        photos=tuple(photo_view(photo) for photo in page.photos),
        steps=tuple(button(step, page.case.number) for step in page.steps),
        place=full_place(page),
        address=short_address(page),
        outline=outline_round(page.case.guard_lineage()),
        rating=str(Rating(page.case.rating).label) if page.case.rating else "",
    )


def _event(event: EventView) -> dict[str, Any]:
    """Return a history row as look's timeline draws it."""
    who = [event.who, event.role, event.agency]
    if event.on_behalf:
        who.append(_("代%(name)s") % {"name": event.on_behalf})
    return {
        "what": event.label,
        "who": " · ".join(filter(None, who)),
        "at": event.at,
        "tone": TONES.get(event.action, "quiet"),
        "icon": ICONS.get(event.action, "point"),
        "why": event.reason,
        "facts": event.facts,
        "clock": event.clock,
        "photos": [photo_view(photo) for photo in event.photos] if event.action != "report" else [],
        "key": f"event-{event.seq}",
    }


def photo_view(photo: CasePhoto) -> dict[str, str]:
    """Return a photo as look's strip draws it; when and where it was taken stand beside it."""
    place = getattr(photo, "place", None)
    kind = str(photo.get_kind_display())
    taken = words.stamp(place.taken_at) if place else ""
    where = f"{place.lon:.5f}, {place.lat:.5f}" if place and place.lon is not None else ""
    return {
        "thumb": reverse("desk:photo_small", args=[photo.token]),
        "url": reverse("desk:photo", args=[photo.token]),
        "alt": _("%(kind)s照片, 上传于 %(at)s") % {"kind": kind, "at": words.stamp(photo.uploaded_at)},
        "caption": " · ".join(filter(None, (kind, taken, where))),
    }


def button(step: NextStep, number: str, keys_taken: frozenset[str] = TAKEN_KEYS) -> StepButton:
    """Return a next step as a button."""
    one = step.transition
    return StepButton(
        key=one.key,
        label=str(one.label),
        url=reverse("desk:step", args=[number, one.key]),
        icon=ICONS.get(one.key, "point"),
        tone=one.style,
        expected=step.expected,
        hotkey="" if one.key_hint in keys_taken else one.key_hint,
        asks=bool(one.needs) or one.style == "danger",
    )


def full_place(page: CasePage) -> str:
    return " · ".join(filter(None, [*page.row.area_names, short_address(page)]))


def short_address(page: CasePage) -> str:
    """Return the address without the names of areas that it begins with: they stand before it already."""
    case, known, kept = page.case, tree(), page.case.address
    for node in map(known.find, (case.city_id, case.district_id, case.street_id, case.community_id)):
        kept = kept.removeprefix(node.name if node else "")
    return kept.strip(" ,，")


def _clock(clock: ClockView, now: datetime) -> ClockLine:
    left = words.left(
        clock.due_at,
        now,
        started=clock.started_at,
        paused=clock.paused,
        done=not clock.running,
        on_time=clock.on_time,
    )
    return ClockLine(clock, left)


def _stages(state: State) -> tuple[StageDot, ...]:
    reached = STAGE_OF[state]
    return tuple(
        StageDot(str(stage.label), "now" if stage == reached else "past" if stage < reached else "ahead")
        for stage in Stage
    )


def visible_id(actor: Actor, number: str) -> int:
    """Return the id of a case by its number. Raises NotFound for one that the actor may not see."""
    found = Case.objects.visible_to(actor).filter(number=number).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound
    return found


def remember(request: HttpRequest, done: str) -> None:
    """Keep a word for the next page (where there is no htmx)."""
    messages.success(request, done)
