"""What somebody reported or told, as lines of one list: cases and hotline tickets, newest first."""

from datetime import datetime
from typing import Any, Final

from django.urls import reverse

from citybrain.base.identity.actor import Actor
from citybrain.faces.portal import words
from citybrain.hub.cases import progress
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.states import State
from citybrain.hub.hotline.channels import progress as said
from citybrain.hub.hotline.models.ticket import Ticket

TICKET: Final = "RX"


def is_ticket(number: str) -> bool:
    """Return whether a number is a hotline ticket's and not a case's."""
    return number.upper().startswith(TICKET)


def of_device(codes: dict[str, str], now: datetime) -> list[dict[str, Any]]:
    """Return the lines of what this device holds a right code for, newest first; two queries at most."""
    lines = [case_line(case, now) for case in cases_of_device(codes)]
    lines += [ticket_line(ticket, now) for ticket in tickets_of_device(codes)]
    return newest_first(lines)


def mine(actor: Actor, now: datetime, most: int) -> list[dict[str, Any]]:
    """Return the lines of a person's own, newest first."""
    lines = [case_line(case, now) for case in progress.mine(actor, most)]
    lines += [ticket_line(ticket, now) for ticket in said.mine(actor, most)]
    return newest_first(lines)[:most]


def newest_first(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(lines, key=lambda line: line["at"], reverse=True)


def cases_of_device(codes: dict[str, str]) -> list[Case]:
    """Return the cases that this device holds a right code for, in one query, newest first."""
    numbers = [number for number in codes if not is_ticket(number)]
    if not numbers:
        return []
    found = Case.objects.filter(number__in=numbers).select_related("item").order_by("-reported_at", "-id")
    return [case for case in found if codes[case.number] == case.query_code]


def tickets_of_device(codes: dict[str, str]) -> list[Ticket]:
    """Return the tickets that this device holds a right code for, in one query, newest first.

    One that its message was folded into isn't listed: its words are another's.
    """
    numbers = [number for number in codes if is_ticket(number)]
    if not numbers:
        return []
    found = Ticket.objects.filter(number__in=numbers).order_by("-received_at", "-id")
    return [ticket for ticket in found if codes[ticket.number] == ticket.query_code]


def case_line(case: Case, now: datetime) -> dict[str, Any]:
    """Return one report as a line of a list."""
    return {
        "number": case.number,
        "address": reverse("portal:progress", args=[case.number]),
        "title": case.item.name if case.item else case.description[:40],
        "text": case.description,
        "headline": progress.headline(case),
        "phase": phase_of(case),
        "at": case.reported_at,
        "when": words.moment(case.reported_at, now),
        "asks_rating": case.rating is None
        and case.state in {State.CLOSED, State.FORCED_CLOSED, State.SELF_HANDLED},
    }


def phase_of(case: Case) -> str:
    """Return received, in_hand, done, or refused for what was not taken on."""
    if case.state in {State.REJECTED, State.CANCELLED}:
        return "refused"
    if not case.is_open:
        return progress.DONE
    received = {State.REPORTED, State.VERIFYING, State.PENDING_FILING}
    return progress.RECEIVED if case.state in received else progress.IN_HAND


def ticket_line(ticket: Ticket, now: datetime) -> dict[str, Any]:
    """Return one ticket as a line of a list."""
    phase = said.phase_of(ticket)
    return {
        "number": ticket.number,
        "address": reverse("portal:said", args=[ticket.number]),
        "title": ticket.title or ticket.text[:40],
        "text": ticket.text[:80],
        "headline": said.headline(ticket),
        "phase": "done" if phase == said.ANSWERED else phase,
        "at": ticket.received_at,
        "when": words.moment(ticket.received_at, now),
        "asks_rating": phase == said.ANSWERED and ticket.rating is None,
    }
