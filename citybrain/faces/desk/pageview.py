"""What the page of a case adds to what the hub tells of it: words for times, and photos in order."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest

from citybrain.base.identity.actor import Actor
from citybrain.faces.desk.shown import RowView, row_view
from citybrain.faces.look import words
from citybrain.hub.cases.detail import CasePage, ClockView, EventView
from citybrain.hub.cases.errors import NotFound
from citybrain.hub.cases.lifecycle import TRANSITIONS
from citybrain.hub.cases.models import Case, CasePhoto
from citybrain.hub.cases.same_case import SameCase
from citybrain.hub.cases.states import STAGE_OF, Stage, State
from citybrain.hub.cases.steps import NextStep

SHEETS = {"dispatch": "cases.view", "supervision": "cases.view"}
FIRST_STEPS = 3


@dataclass(frozen=True, slots=True)
class EventLine:
    """One line of the timeline."""

    event: EventView
    ago: str
    stamp: str
    style: str


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
class SameLine:
    same: SameCase
    view: RowView
    percent: int


@dataclass(frozen=True, slots=True)
class PageView:
    """A case ready for its template."""

    page: CasePage
    head: RowView
    events: tuple[EventLine, ...]
    clocks: tuple[ClockLine, ...]
    stages: tuple[StageDot, ...]
    same: tuple[SameLine, ...]
    photos: tuple[CasePhoto, ...]

    @property
    def case(self) -> Case:
        return self.page.case

    @property
    def first_steps(self) -> list[NextStep]:
        """The steps shown as buttons; the rest wait under "更多"."""
        return self.page.steps[:FIRST_STEPS]

    @property
    def more_steps(self) -> list[NextStep]:
        return self.page.steps[FIRST_STEPS:]

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
        events=tuple(_event(event, now) for event in reversed(page.events)),
        clocks=tuple(_clock(clock, now) for clock in reversed(page.clocks)),
        stages=_stages(State(page.case.state)),
        same=tuple(SameLine(one, row_view(one.row, now, None), round(one.score * 100)) for one in page.same),
        photos=page.photos,
    )


def _event(event: EventView, now: datetime) -> EventLine:
    transition = TRANSITIONS.get(event.action)
    style = "danger" if event.action == "escalate" else transition.style if transition else "plain"
    return EventLine(event, words.ago(event.at, now), words.stamp(event.at), style)


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
