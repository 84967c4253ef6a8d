"""Who knows what of a topic: lists, figures, names, maps, exports, tickets."""

import io

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.identity.access import Forbidden
from citybrain.base.ledger.models import Entry
from citybrain.hub.hotline.errors import NotFound
from citybrain.hub.hotline.models import Ticket, Topic
from citybrain.hub.hotline.topics import actions, export, lists, mapfeed
from citybrain.hub.hotline.topics.tests.conftest import City
from citybrain.hub.hotline.topics.tests.messages import ROAD, WATER


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
