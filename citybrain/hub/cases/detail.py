"""Everything the page of one case shows, read through the reader's rights in a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import ANONYMOUS, SYSTEM, Actor
from citybrain.base.identity.roles import role_named
from citybrain.hub.cases import contact, deadlines, facts, items, routing, rows, same_case
from citybrain.hub.cases.errors import NotFound
from citybrain.hub.cases.lifecycle import AT_AGENCY, TRANSITIONS
from citybrain.hub.cases.models import Case, CaseClock, CaseEvent, CasePhoto, Item
from citybrain.hub.cases.states import State, Step
from citybrain.hub.cases.steps import NextStep, blocked_steps, next_steps
from citybrain.hub.steps.clocks import ClockView, clock_view, clock_words


@dataclass(frozen=True, slots=True)
class EventView:
    """One history row in words. `clock` says what the clock did, empty when nothing."""

    seq: int
    action: str
    label: str
    state: State
    who: str
    role: str
    agency: str
    on_behalf: str
    at: datetime
    reason: str
    clock: str
    facts: tuple[tuple[str, str], ...]
    photos: tuple[CasePhoto, ...]


@dataclass(frozen=True, slots=True)
class GuessView:
    item: Item
    score: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CasePage:
    """What one reader sees of one case."""

    case: Case
    row: rows.CaseRow
    item: Item | None
    guesses: tuple[GuessView, ...]
    steps: list[NextStep]
    blocked: list[tuple[str, str]]
    events: tuple[EventView, ...]
    clocks: tuple[ClockView, ...]
    photos: tuple[CasePhoto, ...]
    contact: contact.Contact | None
    candidates: tuple[routing.Candidate, ...]
    same: tuple[same_case.SameCase, ...]
    main_number: str

    @property
    def running(self) -> ClockView | None:
        return next((clock for clock in self.clocks if clock.running), None)


def case_page(actor: Actor, number: str) -> CasePage:
    """Return the page of a case by its number. Raises NotFound for one that the actor may not see."""
    visible = Case.objects.visible_to(actor)
    case = visible.select_related("item", "contact", "duplicate_of", "agency").filter(number=number).first()
    if case is None:
        raise NotFound
    photos = tuple(CasePhoto.objects.filter(case=case).select_related("place"))
    history = list(
        CaseEvent.objects.filter(case=case).select_related("actor_agency", "on_behalf_of").order_by("seq")
    )
    clocks = list(CaseClock.objects.filter(case=case).order_by("id"))
    return CasePage(
        case=case,
        row=_row(case),
        item=case.item,
        guesses=_guesses(history),
        steps=next_steps(actor, case),
        blocked=blocked_steps(actor, case),
        events=tuple(_event(event, photos) for event in history),
        clocks=tuple(_clock(clock) for clock in clocks),
        photos=photos,
        contact=contact.masked(case.contact) if hasattr(case, "contact") else None,
        candidates=_candidates(case, history),
        same=tuple(same_case.candidates(actor, case)) if case.is_open else (),
        main_number=case.duplicate_of.number if case.duplicate_of else "",
    )


def case_id(actor: Actor, number: str) -> int:
    """Return the id of a case by its number. Raises NotFound for one that the actor may not see."""
    found = Case.objects.visible_to(actor).filter(number=number).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound
    return found


def _candidates(case: Case, history: list[CaseEvent]) -> tuple[routing.Candidate, ...]:
    """Return the bodies to send the case to, best first; while it may be reassigned, others than the one it is with."""
    if not case.is_open or (case.state in AT_AGENCY and case.state != State.PENDING_HANDLING):
        return ()
    ranked = routing.rank(case.item, case.guard_lineage(), barred=returned_by(history))
    return tuple(one for one in ranked if one.agency_id != case.agency_id)


def returned_by(history: list[CaseEvent]) -> frozenset[int]:
    """Return the agencies that have returned this very case."""
    return frozenset(
        event.data["agency_before"]
        for event in history
        if event.action == "return" and event.data.get("agency_before") is not None
    )


def _row(case: Case) -> rows.CaseRow:
    return rows.rows_from([tuple(getattr(case, name) for name in rows.NAMES)])[0]


def _guesses(history: list[CaseEvent]) -> tuple[GuessView, ...]:
    told = history[0].data.get("guesses", []) if history else []
    known = items.index().by_code
    return tuple(
        GuessView(known[one["item"]], one["score"], tuple(one["words"]))
        for one in told
        if one["item"] in known
    )


def _event(event: CaseEvent, photos: tuple[CasePhoto, ...]) -> EventView:
    return EventView(
        seq=event.seq,
        action=event.action,
        label=action_label(event.action),
        state=State(event.to_state),
        who=_who(event.actor_name),
        role=role_label(event.actor_role),
        agency=str(event.actor_agency) if event.actor_agency else "",
        on_behalf=event.on_behalf_of.name if event.on_behalf_of else "",
        at=event.at,
        reason=event.reason,
        clock=clock_words(event.data.get("clock") or {}, Step),
        facts=tuple(facts.told(event.data)),
        photos=tuple(photo for photo in photos if photo.seq == event.seq),
    )


def _who(name: str) -> str:
    """Return who acted: a person's name as it is, the city itself and nobody known in the reader's language."""
    if name in {"", SYSTEM.name}:
        return _("系统")
    return _("匿名") if name == ANONYMOUS.name else name


def role_label(key: str) -> str:
    """Return a role's name in the reader's language, or an empty text for none; the city itself has none to show."""
    try:
        return role_named(key).name if key and key != "system" else ""
    except KeyError:
        return key


def action_label(action: str) -> str:
    """Return an action's name in the reader's language."""
    transition = TRANSITIONS.get(action)
    if transition is not None:
        return str(transition.label)
    return {
        "report": _("上报"),
        "remind": _("提醒"),
        "escalate": _("超时升级"),
        "import": _("导入"),
    }.get(action, action)


def _clock(clock: CaseClock) -> ClockView:
    return clock_view(clock, Step(clock.step), deadlines.explain(clock, get_language() or "zh-hans"))
