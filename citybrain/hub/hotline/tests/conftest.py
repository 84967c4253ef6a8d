"""The village of the cases' tests with a hotline of its own."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from citybrain.base.identity.actor import Actor
from citybrain.base.identity.models import Person, RoleGrant
from citybrain.hub.cases.tests.conftest import GRIDS, MORNING, Village, village
from citybrain.hub.hotline.actions import Outcome, receive, take
from citybrain.hub.hotline.message import Message, Receipt
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.states import Channel

__all__ = ["village"]

LAMP = "020301"
HOTLINE_CAST = (
    ("operator", "话务员甲", "hotline_operator", "1298", "centre"),
    ("operator_west", "话务员乙", "hotline_operator", "129802", "west_cm"),
    ("manager", "热线主管甲", "hotline_manager", "1298", "centre"),
)
SAID = "建国道12号门前的路灯连着三天不亮，晚上看不清路，请派人来修。"
PHONE = "13912345678"
NAME = "李建国"


@dataclass
class Line:
    """A village, and the shortest way to say what happens on its hotline."""

    village: Village
    now: datetime = MORNING
    told: list[Receipt] = field(default_factory=list)

    def actor(self, login: str) -> Actor:
        return self.village.actor(login)

    def agency(self, key: str) -> int:
        return self.village.agencies[key].pk

    def area(self, grid: str = "east1") -> int:
        return self.village.areas[GRIDS[grid][0]].pk

    def hear(self, text: str = SAID, login: str = "operator", **more: Any) -> Ticket:
        """Receive a message by telephone, said in the first grid by a caller with name and number."""
        values: dict[str, Any] = {
            "channel": Channel.PHONE, "text": text, "phone": PHONE, "name": NAME, "area_id": self.area(), "kind": "2",
        }  # fmt: skip
        receipt = receive(self.actor(login), Message(**{**values, **more}), now=self.now)
        self.told.append(receipt)
        return self.ticket(receipt.ticket_id)

    def do(self, ticket: Ticket, login: str, step: str, **given: Any) -> Ticket:
        """Take a step, and return the ticket after it."""
        self.outcome(ticket, login, step, **given)
        return self.ticket(ticket.pk)

    def outcome(self, ticket: Ticket, login: str, step: str, **given: Any) -> Outcome:
        return take(self.actor(login), ticket.pk, step, given, now=self.now)

    def ticket(self, ticket_id: int) -> Ticket:
        return Ticket.objects.get(pk=ticket_id)

    def later(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now

    def sent(self, unit: str = "east_cm", **more: Any) -> Ticket:
        """Return a ticket dispatched to a unit, without a case."""
        return self.do(self.hear(), "operator", "dispatch", agency=self.agency(unit), **more)

    def replied(self) -> Ticket:
        ticket = self.do(self.sent(), "handler", "accept")
        return self.do(ticket, "handler", "reply", reply=ANSWER)


ANSWER = "经现场核实，该处路灯镇流器损坏，已于11月19日更换并恢复照明，已电话联系来电人说明情况。"


@pytest.fixture
def line(village: Village) -> Line:
    for login, name, role, area, agency in HOTLINE_CAST:
        body = village.agencies[agency]
        person = Person.objects.create(login=login, name=name, kind="officer", agency=body)
        village.people[login] = person
        RoleGrant.objects.create(
            person=person, role=role, area=village.areas[area], agency=body, valid_from=date(2020, 1, 1)
        )
    return Line(village)
