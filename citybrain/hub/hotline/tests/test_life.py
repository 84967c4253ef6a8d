"""The whole life of a ticket, by the table: from the call to the archive."""

from datetime import timedelta

import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.base.ledger.models import Entry
from citybrain.hub.cases.models import Case
from citybrain.hub.hotline.errors import BadInput, Conflict, NotNow
from citybrain.hub.hotline.models.ticket import TicketClock, TicketEvent, TicketUnit
from citybrain.hub.hotline.states import State, Step
from citybrain.hub.hotline.tests.conftest import ANSWER, LAMP, Line


def test_a_matter_goes_from_the_call_to_the_archive(line: Line) -> None:
    ticket = line.hear()
    assert ticket.number.startswith("RX261119") and len(ticket.number) == 14
    assert (ticket.state, ticket.version, ticket.is_open) == (State.RECEIVED, 1, True)
    ticket = line.do(ticket, "operator", "dispatch", agency=line.agency("east_cm"))
    assert (ticket.state, ticket.dispatches, ticket.case_id) == (State.DISPATCHED, 1, None)
    line.later(minutes=20)
    ticket = line.do(ticket, "handler", "accept")
    assert (ticket.state, ticket.sign_on_time) == (State.ACCEPTED, True)
    ticket = line.do(ticket, "handler", "handle", reason="已联系维修班组")
    assert ticket.state == State.HANDLING
    line.later(days=1)
    ticket = line.do(ticket, "handler", "reply", reply=ANSWER)
    assert (ticket.state, ticket.on_time, ticket.replied_by_id) == (State.REPLIED, True, line.agency("east_cm"))
    ticket = line.do(
        ticket, "operator", "call_back", reached="reached", contacted="是", solved="是", rating=5, reason="谢谢"
    )
    assert (ticket.state, ticket.solved, ticket.rating, ticket.is_open) == (State.CONCLUDED, True, 5, False)
    ticket = line.do(ticket, "operator", "archive")
    assert ticket.state == State.ARCHIVED
    seqs = list(TicketEvent.objects.filter(ticket=ticket).values_list("seq", flat=True))
    assert seqs == list(range(1, ticket.version + 1))
    assert Entry.objects.filter(subject=f"ticket:{ticket.pk}").count() == ticket.version
    assert not TicketClock.objects.filter(ticket=ticket, stopped_at=None).exists()
