"""Every change of a ticket. `receive` opens one; `take` takes any step of the lifecycle table.

Each action: who may → change → history row, clocks, ledger row and notice, in one transaction.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import SYSTEM, Actor, Hat
from citybrain.base.ledger.append import canonical
from citybrain.hub.cases.models import CaseEvent
from citybrain.hub.hotline import clocks, effects, following, guards, inputs, intake, store
from citybrain.hub.hotline.access import owns, require_step
from citybrain.hub.hotline.change import Change
from citybrain.hub.hotline.errors import BadInput, Conflict, NotNow
from citybrain.hub.hotline.lifecycle import TRANSITIONS, Transition
from citybrain.hub.hotline.message import Message, Receipt
from citybrain.hub.hotline.models.ticket import Ticket, TicketEvent
from citybrain.hub.hotline.states import Channel, State

KEPT_APART = frozenset({"reason", "name", "phone"})
REDACTED = frozenset({"title", "place_text"})  # as told they may name the caller; the ticket has them without
TEXTS = frozenset({"title", "place_text", "reply", "class_label", "to"})
OPEN_TO_ALL = frozenset({Channel.PORTAL})


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step taken: the ticket after it, with its version and state."""

    ticket_id: int
    number: str
    version: int
    state: State
    step: str


def receive(actor: Actor, message: Message, *, now: datetime | None = None) -> Receipt:
    """Return the receipt of a new ticket, or of the one that the same message opened before.

    Anyone may speak on the portal; any other channel needs `hotline.take`. No model is asked: the worker reads
    the ticket afterwards. Raises BadInput, Forbidden.
    """
    if message.channel in OPEN_TO_ALL:
        require(actor, "hotline.take" if actor.may("hotline.take") else "hotline.say")
    else:
        require(actor, "hotline.take")
    with transaction.atomic():
        return intake.take_in(actor, message, now or timezone.now())


def take(
    actor: Actor,
    ticket_id: int,
    step: str,
    given: Mapping[str, Any] | None = None,
    *,
    seen_version: int | None = None,
    owner_code: str = "",
    now: datetime | None = None,
) -> Outcome:
    """Return the outcome of a step. `seen_version`: the version the person had on the screen.

    `owner_code`: the query code of a caller without an account.
    Raises NotFound, Forbidden, Conflict (somebody was faster: who and when), NotNow (why), BadInput.
    """
    transition = TRANSITIONS.get(step)
    if transition is None:
        raise BadInput(_("没有这个操作：%(step)s") % {"step": step}, "step")
    moment = now or timezone.now()
    with transaction.atomic():
        held = store.lock(actor, ticket_id, owner_code=owner_code)
        ticket = held.ticket
        proof = owns(actor, ticket) or (owner_code != "" and owner_code == ticket.query_code)
        hat = require_step(actor, transition, ticket, proof)
        _check_state(transition, ticket, seen_version)
        why_not = guards.why_not_now(step, ticket, moment)
        if why_not:
            raise NotNow(why_not)
        cleaned = inputs.clean(transition, given or {}, moment)
        _write(actor, hat, transition, held, cleaned, moment)
    return Outcome(ticket.pk, ticket.number, ticket.version, State(ticket.state), step)


def _moved_on(ticket: Ticket, seen: int) -> bool:
    """Return whether anything was done since a version that a person has to know of before they act.

    What is tolerant itself (a note, the reading a second after it came in) takes nobody's typing away.
    """
    since = TicketEvent.objects.filter(ticket=ticket, seq__gt=seen).values_list("action", flat=True)
    known = [TRANSITIONS.get(action) for action in since]
    return seen > ticket.version or any(one is None or not one.tolerant for one in known)


def _check_state(transition: Transition, ticket: Ticket, seen_version: int | None) -> None:
    """Raise Conflict when the ticket is no longer where, or no longer what, the person saw."""
    seen = seen_version if seen_version is not None and not transition.tolerant else ticket.version
    stale = seen != ticket.version and _moved_on(ticket, seen)
    if ticket.state in transition.sources and not stale:
        return
    last = (
        TicketEvent.objects.filter(ticket=ticket, seq=ticket.version).values_list("actor_name", "at").first()
    )
    who, when = last or ("", ticket.changed_at)
    raise Conflict(State(ticket.state), who or _("系统"), when)


def _write(
    actor: Actor,
    hat: Hat | None,
    transition: Transition,
    held: store.Held,
    cleaned: dict[str, Any],
    now: datetime,
    case_event: CaseEvent | None = None,
) -> None:
    ticket = held.ticket
    change = Change(
        ticket,
        actor,
        now,
        cleaned,
        held.clocks,
        State(ticket.state),
        hat.agency_id if hat else None,
        case_event,
    )
    if transition.to is not None:
        ticket.state = transition.to
    effects.apply(transition.key, change)
    told, new_clocks = clocks.turn(ticket, held.clocks, now)
    plain = _plain(cleaned)
    witness = {name: _mark(value) if name in TEXTS else value for name, value in plain.items()}
    after = {"from": change.from_state, "to": ticket.state, "version": ticket.version + 1}
    reason = change.reason or (case_event.reason if case_event is not None else "")
    store.write(
        actor,
        held,
        store.Written(
            action=transition.key,
            from_state=int(change.from_state),
            at=now,
            reason=reason,
            data={"clocks": told, **change.facts, **{k: v for k, v in plain.items() if k not in REDACTED}},
            hat_role=hat.role if hat else "",
            on_behalf_of=hat.on_behalf_of if hat else None,
            body=canonical({**after, "given": witness}),
            new_clocks=new_clocks,
        ),
    )


def _plain(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs in JSON's types; the reason stands in its own column, who spoke in a table of its own."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in cleaned.items()
        if name not in KEPT_APART
    }


def _mark(text: str) -> str:
    """Return what the ledger keeps of a text: enough to prove it later, nothing to read."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def follow(ticket_id: int, now: datetime) -> int:
    """Take over what the ticket's case did since; return how many of its steps became the ticket's."""
    done = 0
    with transaction.atomic():
        held = store.lock(SYSTEM, ticket_id)
        events = following.news(held.ticket) if held.ticket.case_id is not None else []
        for event in events:
            if done:
                held = store.lock(SYSTEM, ticket_id)
            done += _follow_one(held, event, now)
    return done


def _follow_one(held: store.Held, event: CaseEvent, now: datetime) -> int:
    ticket = held.ticket
    if ticket.case_id != event.case_id:
        return 0
    ticket.case_seq = event.seq
    main = following.merged_into(ticket, event)
    key = "case_handling" if main is not None and ticket.state in TRANSITIONS["case_handling"].sources else ""
    if main is not None:
        following.move_to(ticket, main)
    key = key or following.step_for(ticket, event)
    if not key:
        Ticket.objects.filter(pk=ticket.pk).update(case_seq=ticket.case_seq, case_id=ticket.case_id)
        return 0
    _write(SYSTEM, None, TRANSITIONS[key], held, {}, now, event)
    return 1
