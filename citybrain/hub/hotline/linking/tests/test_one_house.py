"""Two hotlines on one instance (a district's and its city's) exchange a ticket by real HTTP, signed both ways."""

from typing import Any

import pytest

from citybrain.hub.hotline.callers.numbers import opened, sealed
from citybrain.hub.hotline.linking import handing
from citybrain.hub.hotline.linking.handing import Plan
from citybrain.hub.hotline.linking.tests.far import carry, partner
from citybrain.hub.hotline.models import HandOver, Partner, Ticket
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.tests.conftest import Line


@pytest.mark.django_db(transaction=True)
def test_a_ticket_goes_there_is_answered_redone_and_answered_again(
    line: Line, live_server: Any, settings: Any
) -> None:
    settings.SOURCE_HOSTS = ["127.0.0.1"]
    city = partner(line, "city", address=live_server.url, our_key="district")
    district = partner(line, "district", address=live_server.url, our_key="city")
    Partner.objects.filter(pk=city.pk).update(secret_out=sealed(opened(district.secret_in)))
    Partner.objects.filter(pk=district.pk).update(secret_out=sealed(opened(city.secret_in)))

    ticket = line.hear(text="跨区的河堤护栏断了一截")
    handing.hand_over(line.actor("operator"), ticket.pk, Plan(city.pk, "须市级协调"), now=line.now)
    carry(line)
    there = Ticket.objects.get(channel="linked")
    given, held = HandOver.objects.order_by("id")
    assert (given.outgoing, given.their_number, held.their_number) == (True, there.number, ticket.number)
    assert line.ticket(ticket.pk).state == State.ACCEPTED

    line.do(there, "operator", "dispatch", agency=line.agency("east_cm"))
    line.do(there, "handler", "accept")
    line.do(there, "handler", "reply", reply="护栏已连夜修复，并已加装警示牌。")
    carry(line)
    ours = line.ticket(ticket.pk)
    assert (ours.state, ours.reply) == (State.REPLIED, "护栏已连夜修复，并已加装警示牌。")

    line.do(ours, "manager", "redo", reason="来电人说护栏仍松动")
    carry(line)
    assert line.ticket(there.pk).state == State.REDO
    line.do(there, "handler", "accept")
    line.do(there, "handler", "reply", reply="螺栓已全部更换并复紧，现场已复核。")
    carry(line)
    assert line.ticket(ticket.pk).reply == "螺栓已全部更换并复紧，现场已复核。"
    trail = list(given.trail.values_list("what", flat=True))
    assert [one for one in trail if one != "in_hand_in"] == [
        "handed_over", "delivered", "replied_in", "redo_out", "replied_in",
    ]  # fmt: skip
