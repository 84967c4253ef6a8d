"""Topics in the database: how they come about, who is warned, who knows what, what people decide."""

import io
import threading
from datetime import timedelta
from typing import Any

import django.db
import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.identity.access import Forbidden
from citybrain.base.ledger.models import Entry
from citybrain.hub.cases.tests.conftest import village
from citybrain.hub.hotline.errors import BadInput, NotFound, NotNow
from citybrain.hub.hotline.models import Ticket, Topic, TopicEvent, TopicState, TopicTicket, TopicWarning
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.tests.conftest import Line, line
from citybrain.hub.hotline.topics import actions, export, keeping, lists, loop, mapfeed
from citybrain.hub.hotline.topics.tests.messages import OTHER, PLEAS, ROAD, WATER
from citybrain.site import worker
from citybrain.site.models import State as Word

__all__ = ["line", "village"]

WEST = "129802001001001"


class City:
    """A hotline whose tickets are read, and the loop that gathers them."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.callers = 0
        loop.forget()

    def hear(self, text: str, grid: str = "east1", phone: str = "", **more: Any) -> Ticket:
        self.callers += 1
        number = phone or f"139{self.callers:08d}"
        ticket = self.line.hear(text, area_id=self.line.area(grid), phone=number, name="", **more)
        Ticket.objects.filter(pk=ticket.pk).update(read_at=self.line.now)
        return ticket

    def water(self, *grids: str) -> list[Ticket]:
        """Six people without water, in the grids named in turn."""
        return [self.hear(text, grids[at % len(grids)]) for at, text in enumerate(WATER)]

    def noise(self) -> None:
        for text in OTHER:
            self.hear(text)

    def round(self) -> int:
        return loop.tick(self.line.now)

    def topic(self) -> Topic:
        """Return the one topic there is, counted anew."""
        self.round()
        return Topic.objects.exclude(state=TopicState.MERGED).get()


@pytest.fixture
def city(line: Line) -> City:
    made = City(line)
    made.noise()
    return made


def test_six_people_who_speak_of_one_thing_make_a_topic(city: City) -> None:
    tickets = city.water("east1")
    one = city.topic()
    assert (one.people, one.messages, one.state) == (6, 6, TopicState.ACTIVE)
    assert one.place == "翠湖花园"
    assert set(TopicTicket.objects.values_list("ticket_id", flat=True)) == {ticket.pk for ticket in tickets}
    assert set(Ticket.objects.filter(topic_id=one.pk)) == set(tickets)
    assert city.line.area("east1") == one.grid_id


def test_a_ticket_that_comes_later_joins_the_topic_at_once(city: City) -> None:
    city.water("east1")
    one = city.topic()
    later = city.hear("翠湖花园又停水了，自来水什么时候能来")
    assert city.round() == 1
    later.refresh_from_db()
    one.refresh_from_db()
    assert (later.topic_id, one.people) == (one.pk, 7)


def test_one_person_s_flood_and_pleas_make_no_topic(city: City) -> None:
    for text in WATER:
        city.hear(text, phone="13800000001")
    for text in PLEAS:
        city.hear(text)
    city.round()
    assert not Topic.objects.exists()


def test_unread_tickets_are_waited_for(city: City) -> None:
    tickets = city.water("east1")
    Ticket.objects.filter(pk=tickets[0].pk).update(read_at=None)
    assert city.topic().people == 5
    Ticket.objects.filter(pk=tickets[0].pk).update(read_at=city.line.now)
    assert city.topic().people == 6


def test_after_a_restart_topics_are_where_they_were(city: City) -> None:
    city.water("east1")
    before = city.topic()
    loop.forget()
    city.round()
    assert TopicTicket.objects.filter(topic=before).count() == 6
    city.hear("翠湖花园的自来水还是没有来，停水第五天")
    assert (city.topic().pk, city.topic().people) == (before.pk, 7)


def test_a_voided_ticket_counts_no_more(city: City) -> None:
    tickets = city.water("east1")
    one = city.topic()
    Ticket.objects.filter(pk=tickets[0].pk).update(state=State.VOIDED)
    assert [row.people for row in lists.topics(city.line.actor("manager"), now=city.line.now)] == [5]
    assert lists.topic(city.line.actor("manager"), one.pk).row.people == 5


def test_a_topic_calms_down_after_a_month_and_comes_back_with_the_next_word(city: City) -> None:
    city.water("east1")
    one = city.topic()
    city.line.later(days=31)
    assert city.topic().state == TopicState.QUIET
    city.hear("翠湖花园又停水了，自来水什么时候能来", received_at=city.line.now)
    city.round()
    one.refresh_from_db()
    assert one.state == TopicState.ACTIVE
    assert [event.action for event in one.events.all()][:1] == ["opened"]
    assert {"quiet", "again"} <= {event.action for event in one.events.all()}


def test_the_street_is_warned_of_what_lies_in_it_and_once(city: City) -> None:
    city.water("east1")
    one = city.topic()
    warning = TopicWarning.objects.get()
    assert (warning.rule, warning.level, warning.people) == ("start", 3, 6)
    assert warning.street_id == one.street_id
    city.line.later(minutes=11)
    city.round()
    assert TopicWarning.objects.count() == 1


def test_danger_told_by_two_warns_the_district_louder(city: City) -> None:
    tickets = city.water("east1")
    city.topic()
    Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets[:2]]).update(urgency="danger")
    city.line.later(minutes=11)
    city.round()
    assert list(TopicWarning.objects.order_by("id").values_list("rule", "level", "danger")) == [
        ("start", 3, 0),
        ("danger", 2, 2),
    ]


# Who knows what


def test_the_west_knows_nothing_of_a_topic_of_the_east(city: City) -> None:
    city.water("east1")
    one = city.topic()
    west = city.line.actor("operator_west")
    assert lists.topics(west, least_people=1) == []
    assert lists.warnings(west) == []
    assert mapfeed.feed(west) == {"type": "FeatureCollection", "features": [], "elsewhere": 0}
    with pytest.raises(NotFound):
        lists.topic(west, one.pk)
    for act in (actions.dismiss_topic, actions.name_topic):
        with pytest.raises(NotFound):
            act(west, one.pk, "换个名字")


def test_of_a_topic_of_both_sides_the_west_knows_its_own_tickets_alone(city: City) -> None:
    city.water("east1", "west1", "east1")  # two of six in the west
    one = city.topic()
    west = city.line.actor("operator_west")
    (row,) = lists.topics(west, least_people=1, now=city.line.now)
    assert (row.people, row.messages) == (2, 2)
    detail = lists.topic(west, one.pk)
    assert detail.tickets.count() == 2
    assert sum(n for _, n in detail.days) == 2
    assert [area for area, _ in detail.areas] == [city.line.village.areas["129802001"].pk]
    assert detail.warnings == []
    (feature,) = mapfeed.feed(city.line.actor("manager"), now=city.line.now)["features"] or [None]
    assert mapfeed.feed(west, now=city.line.now)["features"] == []  # two people are no topic in the west
    assert feature is None or feature["properties"]["people"] == 6
    with pytest.raises(Forbidden):
        actions.dismiss_topic(west, one.pk, "不是热点")


def test_a_name_made_of_the_east_s_words_is_not_told_to_the_west(city: City) -> None:
    for text in WATER[:4]:
        city.hear(text, "east1")
    for _ in range(2):
        city.hear("自来水停水了，二次供水的水泵坏了", "west1")
    Topic.objects.all().delete()
    one = city.topic()
    assert "翠湖花园" in one.name
    if Ticket.objects.filter(topic_id=one.pk, district=city.line.village.areas["129802"]).exists():
        (row,) = lists.topics(city.line.actor("operator_west"), least_people=1)
        assert "翠湖" not in row.name


def test_an_export_holds_what_its_reader_may_know_and_stands_in_the_ledger(city: City) -> None:
    city.water("east1", "west1")
    city.round()
    book = openpyxl.load_workbook(io.BytesIO(export.workbook(city.line.actor("manager"), now=city.line.now)))
    rows = list(book.active.values) if book.active is not None else []
    assert rows[1][2:4] == (6, 6)
    assert Entry.objects.filter(action="hotline.export", subject="topics").count() == 1
    with pytest.raises(Forbidden):
        export.workbook(city.line.actor("operator_west"))


def test_a_handler_has_no_topics(city: City) -> None:
    city.water("east1")
    city.topic()
    with pytest.raises(Forbidden):
        lists.topics(city.line.actor("handler"))
    assert not Topic.objects.visible_to(city.line.actor("handler")).exists()


def test_the_commander_sees_figures_and_no_ticket(city: City) -> None:
    city.water("east1")
    one = city.topic()
    mayor = city.line.actor("mayor")
    assert [row.people for row in lists.topics(mayor, now=city.line.now)] == [6]
    assert lists.topic(mayor, one.pk).tickets.count() == 0


@pytest.mark.parametrize(("login", "most"), [("manager", 3), ("operator_west", 5)])
def test_a_list_takes_as_many_queries_however_many_topics(city: City, login: str, most: int) -> None:
    city.water("east1", "west1")
    [city.hear(text, "west1") for text in ROAD]
    city.round()
    assert Topic.objects.count() == 2
    actor = city.line.actor(login)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        lists.topics(actor, least_people=1)
    assert len(queries) == most


# What people decide


def test_a_name_a_person_gave_stays(city: City) -> None:
    city.water("east1")
    one = city.topic()
    actions.name_topic(city.line.actor("manager"), one.pk, " 翠湖花园  供水 ", now=city.line.now)
    city.hear("翠湖花园的自来水还是没有来，停水第五天")
    again = city.topic()
    assert (again.name, again.people) == ("翠湖花园 供水", 7)
    assert Entry.objects.filter(action="hotline.topic_named", subject=f"topic:{one.pk}").exists()


def test_what_is_dismissed_takes_its_tickets_along_and_is_told_no_more(city: City) -> None:
    city.water("east1")
    one = city.topic()
    manager = city.line.actor("manager")
    actions.dismiss_topic(manager, one.pk, "计划内检修", now=city.line.now)
    city.hear("翠湖花园的自来水还是没有来，停水第五天")
    assert city.topic().pk == one.pk
    assert TopicTicket.objects.filter(topic=one).count() == 7
    assert lists.topics(manager) == []
    with pytest.raises(NotNow):
        actions.dismiss_topic(manager, one.pk, "再次")
    actions.restore_topic(manager, one.pk, "仍未恢复", now=city.line.now)
    assert [row.people for row in lists.topics(manager, now=city.line.now)] == [7]


def test_merged_topics_are_one_and_stay_so(city: City) -> None:
    city.water("east1")
    [city.hear(text) for text in ROAD]
    city.round()
    water, road = Topic.objects.order_by("id")
    manager = city.line.actor("manager")
    actions.merge_topics(manager, road.pk, water.pk, "同一施工引起", now=city.line.now)
    city.hear("文安路的大坑还没有填，路面塌陷更大了")
    assert city.topic().pk == water.pk
    assert TopicTicket.objects.filter(topic=water).count() == 12
    with pytest.raises(NotFound):
        actions.name_topic(manager, road.pk, "甲")


def test_a_split_is_heeded_and_never_undone_by_itself(city: City) -> None:
    tickets = city.water("east1")
    one = city.topic()
    manager = city.line.actor("manager")
    new = actions.split_topic(
        manager, one.pk, [ticket.pk for ticket in tickets[:3]], "两处故障", now=city.line.now
    )
    city.line.later(minutes=11)
    city.round()
    assert sorted(TopicTicket.objects.values_list("topic_id", flat=True)) == [one.pk] * 3 + [new] * 3
    loop.forget()
    city.round()
    city.line.later(minutes=11)
    city.round()
    assert TopicTicket.objects.filter(topic_id=new).count() == 3
    with pytest.raises(BadInput):
        actions.split_topic(manager, one.pk, [tickets[0].pk], "不在其中")


def test_a_ticket_put_elsewhere_by_a_person_stays_there(city: City) -> None:
    tickets = city.water("east1")
    one = city.topic()
    actions.move_ticket(city.line.actor("manager"), tickets[0].pk, None, "另一件事", now=city.line.now)
    city.round()
    tickets[0].refresh_from_db()
    assert tickets[0].topic_id is None
    assert Topic.objects.get(pk=one.pk).people == 5


def test_one_case_for_a_topic_and_its_tickets_go_with_it(city: City) -> None:
    city.water("east1")
    one = city.topic()
    manager = city.line.actor("manager")
    agency = city.line.agency("east_cm")
    opened = actions.open_case(
        manager, one.pk, "请抢修并公布恢复供水时间。", item_code="020301", agency_id=None, now=city.line.now
    )
    assert (opened.tied, opened.left) == (6, 0)
    assert set(Ticket.objects.filter(topic_id=one.pk).values_list("case_id", flat=True)) == {opened.case_id}
    assert set(Ticket.objects.filter(topic_id=one.pk).values_list("state", flat=True)) == {State.DISPATCHED}
    with pytest.raises(NotNow):
        actions.open_case(manager, one.pk, "再立一次", agency_id=agency)
    detail = lists.topic(city.line.actor("chief"), one.pk)
    assert detail.row.case_number == opened.number


def test_a_case_needs_its_text_and_the_right_to_report(city: City) -> None:
    city.water("east1")
    one = city.topic()
    with pytest.raises(BadInput):
        actions.open_case(city.line.actor("manager"), one.pk, "  ")
    with pytest.raises(Forbidden):
        actions.open_case(city.line.actor("operator"), one.pk, "请抢修")
    one.refresh_from_db()
    assert one.case_id is None


def test_a_warning_is_seen_once_by_whom_it_concerns(city: City) -> None:
    city.water("east1")
    city.topic()
    (warning,) = lists.warnings(city.line.actor("manager"))
    with pytest.raises(NotFound):
        actions.see_warning(city.line.actor("operator_west"), warning.pk, "看到了")
    actions.see_warning(city.line.actor("manager"), warning.pk, "已联系供水公司", now=city.line.now)
    assert lists.warnings(city.line.actor("manager")) == []
    with pytest.raises(NotNow):
        actions.see_warning(city.line.actor("manager"), warning.pk)


def test_changes_need_a_reason(city: City) -> None:
    city.water("east1")
    one = city.topic()
    manager = city.line.actor("manager")
    with pytest.raises(BadInput):
        actions.dismiss_topic(manager, one.pk, " ")
    assert not TopicEvent.objects.filter(topic=one, actor__isnull=False).exists()


def test_old_tickets_are_not_put_together_at_the_start(city: City) -> None:
    city.water("east1")
    Ticket.objects.update(received_at=city.line.now - timedelta(days=90))
    city.round()
    assert not Topic.objects.exists()


@pytest.fixture
def kept_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the test's own connection, which the worker would close after each round."""
    monkeypatch.setattr(django.db, "close_old_connections", lambda: None)


def test_the_worker_runs_the_loop_and_its_health_shows(city: City, kept_open: None) -> None:
    (one,) = [entry for entry in worker.LOOPS if entry.name == "hotline_topics"]
    runner = worker.Runner(one, threading.Event())
    city.water("east1")
    runner.once(0.0)
    assert (runner.failures, Topic.objects.count()) == (0, 1)
    assert Word.objects.get(pk="worker.hotline_topics").value["error"] == ""


def test_a_round_that_fails_is_told_and_the_next_starts_over(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = [entry for entry in worker.LOOPS if entry.name == "hotline_topics"]
    runner = worker.Runner(one, threading.Event())
    city.water("east1")
    with monkeypatch.context() as broken:
        broken.setattr(keeping, "open_topic", lambda *_: 1 / 0)
        runner.once(0.0)
    assert runner.failures == 1
    assert "ZeroDivisionError" in Word.objects.get(pk="worker.hotline_topics").value["error"]
    runner.once(10.0)
    assert (runner.failures, Topic.objects.get().people) == (0, 6)
