"""Every change of a case. `report` opens one; `take` takes any step of the lifecycle table.

Each action: who may → change → history row, clock, ledger row and notice, in one transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden, require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import canonical
from citybrain.hub.cases import clocks, effects, follow, guards, inputs, intake, items, store
from citybrain.hub.cases.access import require_step
from citybrain.hub.cases.errors import BadInput, CaseError, Conflict, NotNow
from citybrain.hub.cases.intake import Receipt, Report
from citybrain.hub.cases.lifecycle import TRANSITIONS, Transition
from citybrain.hub.cases.models import Case, CaseEvent
from citybrain.hub.cases.states import TERMINAL, Source, State

OPEN_TO_ALL = frozenset({Source.CITIZEN})


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step taken: the case after it, with its version and state."""

    case_id: int
    number: str
    version: int
    state: State
    step: str


def report(actor: Actor, report: Report, *, now: datetime | None = None) -> Receipt:
    """Return the receipt of a new case, or of the one the same submission opened before.

    Anyone may report as a citizen; any other source needs `cases.report`. Raises BadInput, Forbidden.
    """
    if report.source not in OPEN_TO_ALL:
        require(actor, "cases.report")
    with transaction.atomic():
        return intake.take_in(actor, report, now or timezone.now())


def take(
    actor: Actor,
    case_id: int,
    step: str,
    given: Mapping[str, Any] | None = None,
    *,
    seen_version: int | None = None,
    owner_code: str = "",
    now: datetime | None = None,
) -> Outcome:
    """Return the outcome of a step. `seen_version`: the version the person had on the screen.

    Raises NotFound, Forbidden, Conflict (somebody was faster: who and when), NotNow (why), BadInput.
    """
    transition = TRANSITIONS.get(step)
    if transition is None:
        raise BadInput(_("没有这个操作：%(step)s") % {"step": step}, "step")
    moment = now or timezone.now()
    with transaction.atomic():
        held = store.lock(actor, case_id, owner_code=owner_code)
        case = held.case
        hat = require_step(actor, transition, case, store.is_owner(actor, case, owner_code))
        _check_state(transition, case, seen_version)
        why_not = guards.why_not_now(step, case, moment)
        if why_not:
            raise NotNow(why_not)
        cleaned = inputs.clean(transition, given or {}, moment)
        _write(actor, hat, transition, held, cleaned, moment)
    return Outcome(case.pk, case.number, case.version, State(case.state), step)


def _check_state(transition: Transition, case: Case, seen_version: int | None) -> None:
    """Raise Conflict when the case is no longer where, or no longer what, the person saw."""
    stale = seen_version is not None and seen_version != case.version and not transition.tolerant
    if case.state in transition.sources and not stale:
        return
    last = CaseEvent.objects.filter(case=case, seq=case.version).values_list("actor_name", "at").first()
    who, when = last or ("", case.changed_at)
    raise Conflict(State(case.state), who or _("系统"), when)


def _write(
    actor: Actor, hat: Any, transition: Transition, held: store.Held, cleaned: dict[str, Any], now: datetime
) -> None:
    case = held.case
    from_state = case.state
    if transition.to is not None:
        case.state = transition.to
    change = effects.Change(case, actor, now, cleaned, held.clock)
    before = follow.snapshot(held)
    effects.apply(transition.key, change)
    mode = follow.settle(change, transition, before)
    case.is_open = State(case.state) not in TERMINAL
    told, new_clock = clocks.turn(mode, case, held.clock, now)
    data = {"clock": told, **follow.facts(change, transition, before), **_plain(cleaned)}
    body = {"from": from_state, "to": case.state, "version": case.version + 1, **_plain(cleaned)}
    store.write(
        actor,
        held,
        store.Written(
            action=transition.key,
            from_state=from_state,
            at=now,
            reason=str(cleaned.get("reason", "")),
            data=data,
            hat_role=hat.role if hat else "",
            on_behalf_of=hat.on_behalf_of if hat else None,
            body=canonical(body),
            photos=list(cleaned.get("photos", [])),
            new_clock=new_clock,
            old_clock=held.clock,
        ),
    )
    follow.remember(change, transition, before)


def _plain(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs in JSON's types; the reason stands in its own column."""
    plain: dict[str, Any] = {}
    for name, value in cleaned.items():
        if name == "photos":
            plain[name] = [str(token) for token in value]
        elif isinstance(value, datetime):
            plain[name] = value.isoformat()
        elif name != "reason":
            plain[name] = value
    return plain


@dataclass(frozen=True, slots=True)
class BatchRow:
    """What became of one case of a batch; `error` is empty when the step was taken."""

    case_id: int
    error: str = ""


def take_many(
    actor: Actor,
    case_ids: list[int],
    step: str,
    given: Mapping[str, Any] | None = None,
    *,
    now: datetime | None = None,
) -> list[BatchRow]:
    """Take one step on several cases, each in a transaction of its own; one that fails stops no other."""
    transition = TRANSITIONS.get(step)
    if transition is None or not transition.batch:
        raise BadInput(_("此操作不能批量进行。"), "step")
    rows: list[BatchRow] = []
    for case_id in dict.fromkeys(case_ids):
        try:
            take(actor, case_id, step, _for_one(step, case_id, given or {}), now=now)
        except (CaseError, Forbidden) as error:
            rows.append(BatchRow(case_id, str(error)))
        except IntegrityError:
            rows.append(BatchRow(case_id, _("数据冲突，请重试。")))
        else:
            rows.append(BatchRow(case_id))
    return rows


def _for_one(step: str, case_id: int, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the inputs for one case of a batch: what differs from case to case is its own suggestion."""
    if step == "dispatch" and not given.get("agency"):
        suggested = Case.objects.values_list("suggested_agency_id", flat=True).filter(pk=case_id).first()
        return {**given, "agency": suggested}
    if step == "file" and not given.get("item"):
        return {**given, "item": guessed_item(case_id)}
    return given


def guessed_item(case_id: int) -> str:
    """Return the code of the item a report was guessed to be about, or an empty text."""
    event = CaseEvent.objects.filter(case_id=case_id, seq=1).values_list("data", flat=True).first() or {}
    guesses = event.get("guesses") or []
    code = str(guesses[0]["item"]) if guesses else ""
    return code if code in items.index().by_code else ""
