"""A city whose hotline has something in it, for journeys: a telephone system, a knowledge entry, a few tickets."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from citybrain.hub.hotline import actions
from citybrain.hub.hotline.channels.door import take_in
from citybrain.hub.hotline.linking.calls import CallEvent, sit_at, take_event
from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.models import Partner, Ticket
from citybrain.hub.hotline.states import Channel
from citybrain.sample.fixtures import the_cast

if TYPE_CHECKING:
    from citybrain.sample.fixtures import TinyCity

EXTENSION = "8001"
CALLER = "16000009001"


def telephone() -> Partner:
    """Return the city's telephone system; the cast's operator sits at extension 8001."""
    sit_at(the_cast().actor("hotline_operator"), EXTENSION)
    now = timezone.now()
    return Partner.objects.create(
        key="pbx", name="电话系统", kind="phone", created_at=now, created_by="system"
    )


def ring(system: Partner, call_id: str, number: str = CALLER, event: str = "ringing") -> None:
    """Let a call reach the operator's extension."""
    take_event(system, CallEvent(call_id, event, timezone.now(), number, EXTENSION))


def lamp_out(city: "TinyCity", text: str = "小区门口的路灯不亮，晚上看不清路", **more: object) -> Ticket:
    """Return a ticket of the cast's own grid, told by telephone a little while ago."""
    lon, lat = city.point("grid")
    told = {
        "channel": Channel.PHONE, "text": text, "kind": "3", "phone": CALLER, "name": "王女士", "lon": lon, "lat": lat,
        "item_code": "020301", "received_at": timezone.now() - timedelta(minutes=20), **more,
    }  # fmt: skip
    receipt = take_in(the_cast().actor("hotline_operator"), Message(**told))  # type: ignore[arg-type]
    return Ticket.objects.get(pk=receipt.ticket_id)


def sent(city: "TinyCity", ticket: Ticket) -> Ticket:
    """Send a ticket to the cast's city management, as a ticket of its own."""
    given = {"agency": city.agency("city_mgmt").pk, "by_case": False}
    actions.take(the_cast().actor("hotline_operator"), ticket.pk, "dispatch", given)
    ticket.refresh_from_db()
    return ticket


def answered(city: "TinyCity", ticket: Ticket) -> Ticket:
    """Let the cast's handler accept and answer it."""
    handler = the_cast().actor("handler")
    actions.take(handler, sent(city, ticket).pk, "accept", {})
    reply = "11 月 20 日已更换灯泡和触发器，现场亮灯正常，并已电话告知来电人。"
    actions.take(handler, ticket.pk, "reply", {"reply": reply, "contacted": True})
    ticket.refresh_from_db()
    return ticket
