"""Topics in the database: how they come about, who is warned, what people decide."""

import threading
from datetime import timedelta

import django.db
import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.base.ledger.models import Entry
from citybrain.hub.hotline.errors import BadInput, NotFound, NotNow
from citybrain.hub.hotline.models import Ticket, Topic, TopicEvent, TopicState, TopicTicket, TopicWarning
from citybrain.hub.hotline.states import State
from citybrain.hub.hotline.topics import actions, keeping, lists, loop
from citybrain.hub.hotline.topics.tests.conftest import City
from citybrain.hub.hotline.topics.tests.messages import PLEAS, ROAD, WATER
from citybrain.site import worker
from citybrain.site.models import State as Word


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


def test_after_a_restart_no_ticket_of_the_last_days_is_left_out_whenever_it_came(city: City) -> None:
    tickets = city.water("east1")
    for at, ticket in enumerate(tickets):  # written down later than the next, as what is taken from paper is
        Ticket.objects.filter(pk=ticket.pk).update(received_at=city.line.now - timedelta(hours=at))
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
    city: City, kept_open: None, monkeypatch: pytest.MonkeyPatch
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
