"""A caller is known where they told of something, and to whom they are speaking with: nowhere else."""

from datetime import timedelta

import pytest

from citybrain.base.identity.models import RoleGrant
from citybrain.hub.hotline.callers import looking, marks
from citybrain.hub.hotline.callers.known import find_caller, note_caller
from citybrain.hub.hotline.channels import door
from citybrain.hub.hotline.errors import NotFound
from citybrain.hub.hotline.linking.tests.far import partner
from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.models import Call, Caller, CallerMark, Ticket
from citybrain.hub.hotline.tests.conftest import PHONE, Line

pytestmark = pytest.mark.django_db
WHY = "一天来电四十次，辱骂话务员"
WEST = "operator_west"


def caller(line: Line) -> Caller:
    found = find_caller(PHONE)
    assert found is not None
    return found


def say(line: Line, text: str = "楼下烧烤店油烟大", grid: str = "east1") -> Ticket:
    message = Message(channel="phone", text=text, phone=PHONE, area_id=line.area(grid))
    return line.ticket(door.take_in(line.actor("operator"), message, now=line.now).ticket_id)


def rang(line: Line, login: str, call_id: str) -> int:
    caller_id = note_caller(PHONE, line.now, calls=1)
    assert caller_id is not None
    made = {"caller_id": caller_id, "operator": line.village.people[login], "rang_at": line.now}
    cti = Call.objects.first()
    Call.objects.create(
        partner=cti.partner if cti else partner(line, "cti", "phone"), call_id=call_id, state="ended",
        changed_at=line.now, **made,
    )  # fmt: skip
    return caller_id


def test_a_caller_of_another_district_is_not_known_at_all(line: Line) -> None:
    say(line)
    known, west = caller(line), line.actor(WEST)
    mark = marks.propose_mark(line.actor("operator"), known.pk, WHY, now=line.now)
    assert (looking.look_up(west, PHONE), looking.look_at(west, known.pk)) == (None, None)
    with pytest.raises(NotFound):
        marks.set_care(west, known.pk, "听力不好")
    CallerMark.objects.all().delete()
    with pytest.raises(NotFound):
        marks.propose_mark(west, known.pk, WHY, now=line.now)
    assert (caller(line).care, CallerMark.objects.count(), mark.state) == ("", 0, "proposed")


def test_marks_are_listed_and_decided_where_their_caller_is_known(line: Line) -> None:
    say(line)
    mark = marks.propose_mark(line.actor("operator"), caller(line).pk, WHY, now=line.now)
    RoleGrant.objects.filter(person=line.village.people[WEST]).update(role="hotline_manager")
    west = line.actor(WEST)
    assert looking.marks(west) == []
    with pytest.raises(NotFound):
        marks.decide_mark(west, mark.pk, agree=False, reason="不构成骚扰，属重复诉求", now=line.now)
    assert looking.marks(line.actor("manager")) == [mark]
    say(line, "西街井盖松动", "west1")
    assert looking.marks(west) == [mark]
    declined = marks.decide_mark(west, mark.pk, agree=False, reason="不构成骚扰，属重复诉求", now=line.now)
    assert declined.state == "declined"


def test_counts_and_times_are_of_what_is_seen(line: Line) -> None:
    for at in range(3):
        say(line, f"楼下烧烤店油烟大，第{at + 1}次")
    rang(line, "operator", "c-1")
    line.later(days=1)
    ticket = say(line, "西街井盖松动", "west1")
    rang(line, WEST, "c-2")
    seen = looking.look_up(line.actor(WEST), PHONE, now=line.now)
    assert seen is not None
    assert (seen.messages, seen.calls, seen.recent, seen.is_repeat, seen.open_tickets) == (1, 1, 1, False, 1)
    assert (seen.first_at, seen.last_at, list(seen.tickets)) == (line.now, line.now, [ticket])
    whole = looking.look_up(line.actor("operator"), PHONE, now=line.now)
    assert whole is not None
    assert (whole.messages, whole.calls, whole.recent, whole.is_repeat) == (4, 2, 4, True)
    assert (whole.first_at, whole.last_at) == (line.now - timedelta(days=1), line.now)


def test_a_call_of_ones_own_line_makes_its_caller_known(line: Line) -> None:
    say(line)
    caller_id = rang(line, WEST, "c-1")
    seen = looking.look_at(line.actor(WEST), caller_id, now=line.now)
    assert seen is not None
    assert (seen.messages, seen.calls, seen.tickets) == (0, 1, ())
    marks.set_care(line.actor(WEST), caller_id, "听力不好")
    assert caller(line).care == "听力不好"
