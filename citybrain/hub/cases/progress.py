"""A case as its reporter sees it: plain words, dates, what happens next. Never a name of an officer."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.hub.cases.access import owns
from citybrain.hub.cases.errors import NotFound
from citybrain.hub.cases.lifecycle import TRANSITIONS
from citybrain.hub.cases.models import Case, CaseClock, CaseEvent, CasePhoto
from citybrain.hub.cases.states import PhotoKind, State, Step
from citybrain.hub.cases.steps import NextStep, next_steps

RECEIVED, IN_HAND, DONE = "received", "in_hand", "done"
SHOWN_TO_REPORTER = frozenset({PhotoKind.BEFORE.value, PhotoKind.AFTER.value})
ANSWERS = frozenset({"reject", "feedback", "close", "self_handle", "force_close", "cancel"})
_PHASE = {
    State.REPORTED: RECEIVED,
    State.VERIFYING: RECEIVED,
    State.PENDING_FILING: RECEIVED,
    State.SELF_HANDLED: DONE,
    State.REJECTED: DONE,
    State.CLOSED: DONE,
    State.FORCED_CLOSED: DONE,
    State.CANCELLED: DONE,
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One dated line of the progress; `answer` is what the city tells the reporter, if it does."""

    at: datetime
    words: str
    answer: str
    mine: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """What a reporter sees. `phase` is received, in_hand or done; `expected_at` when it should be solved."""

    case: Case
    phase: str
    headline: str
    moments: tuple[Moment, ...]
    agency: str
    expected_at: datetime | None
    photos: tuple[CasePhoto, ...]
    steps: tuple[NextStep, ...]
    main_number: str


def find(number: str, *, actor: Actor, query_code: str = "") -> Case:
    """Return the case for its reporter: signed in, or with the query code.

    Raises NotFound, the same for an unknown number and a wrong code.
    """
    case = (
        Case.objects.select_related("agency", "item", "duplicate_of")
        .filter(number="".join(number.split()).replace("-", ""))
        .first()
    )
    code = query_code.strip().upper()
    if case is not None and (owns(actor, case) or (code and constant_time_compare(code, case.query_code))):
        return case
    raise NotFound


def progress(number: str, *, actor: Actor, query_code: str = "") -> Progress:
    """Return the progress of a case for its reporter. Raises NotFound."""
    case = find(number, actor=actor, query_code=query_code)
    main = case.duplicate_of or case
    history = list(CaseEvent.objects.filter(case=case).order_by("seq"))
    if main is not case:
        history += list(CaseEvent.objects.filter(case=main, at__gte=case.changed_at).order_by("seq"))
    moments = tuple(moment for moment in map(_moment, history) if moment is not None)
    kinds = SHOWN_TO_REPORTER if main is not case else frozenset(PhotoKind.values)
    photos = CasePhoto.objects.filter(case_id__in={case.pk, main.pk}, kind__in=kinds | SHOWN_TO_REPORTER)
    return Progress(
        case=case,
        phase=_PHASE.get(State(main.state), IN_HAND),
        headline=headline(main),
        moments=moments,
        agency=str(main.agency) if main.agency else "",
        expected_at=expected_at(main),
        photos=tuple(
            photo for photo in photos if photo.case_id == case.pk or photo.kind in SHOWN_TO_REPORTER
        ),
        steps=tuple(step for step in next_steps(actor, case, owner_proof=True) if step.transition.by_owner),
        main_number=main.number if main is not case else "",
    )


def headline(case: Case) -> str:
    """Return one plain sentence about where it stands."""
    if case.state in {State.CLOSED, State.FORCED_CLOSED, State.SELF_HANDLED}:
        return _("已解决") if case.solved else _("已办结")
    if case.state == State.REJECTED:
        return _("未予受理")
    if case.state == State.CANCELLED:
        return _("已撤销")
    if case.state == State.SUSPENDED:
        return _("暂缓处理")
    return _("已收到") if _PHASE.get(State(case.state)) == RECEIVED else _("正在处理")


def _moment(event: CaseEvent) -> Moment | None:
    """Return an event in the reporter's words, None for what is the city's own business."""
    if event.action == "report":
        return Moment(event.at, _("您的反映已收到"), "", mine=True)
    transition = TRANSITIONS.get(event.action)
    if transition is None or transition.citizen is None:
        return None
    answer = event.reason if event.action in ANSWERS or transition.by_owner else ""
    return Moment(event.at, str(transition.citizen), answer, mine=transition.by_owner)


def expected_at(case: Case) -> datetime | None:
    """Return when the handling is due; None before dispatch, after the end and while suspended."""
    if not case.is_open or case.suspended_until is not None:
        return None
    clock = CaseClock.objects.filter(case=case, step=Step.HANDLING).order_by("-id").first()
    return clock.due_at if clock else None


def mine(actor: Actor, limit: int = 50) -> list[Case]:
    """Return a person's own reports, newest first."""
    if actor.person_id is None:
        return []
    own = Case.objects.filter(reporter_id=actor.person_id).select_related("item")
    return list(own.order_by("-reported_at", "-id")[:limit])
