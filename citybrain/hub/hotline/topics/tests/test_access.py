"""Who knows what of a topic: lists, figures, names, maps, exports, tickets."""

import io

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.models import Entry
from citybrain.hub.cases import items
from citybrain.hub.hotline.errors import NotFound
from citybrain.hub.hotline.models import Ticket, Topic
from citybrain.hub.hotline.topics import actions, export, keeping, lists, mapfeed
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
    with pytest.raises(Forbidden):
        actions.dismiss_topic(west, one.pk, "不是热点")


def test_the_map_shows_a_topic_at_the_middle_of_its_reader_s_tickets(city: City) -> None:
    tickets = city.water("east1", "west1")  # three on each side
    for at, ticket in enumerate(tickets):
        Ticket.objects.filter(pk=ticket.pk).update(lon=117.0 + at, lat=39.0 + at % 2)
    one = city.topic()
    (every,) = mapfeed.feed(city.line.actor("manager"), now=city.line.now)["features"]
    (west,) = mapfeed.feed(city.line.actor("operator_west"), now=city.line.now)["features"]
    assert every["geometry"]["coordinates"] == [119.5, 39.5]
    assert west["geometry"]["coordinates"] == [120.0, 40.0]
    assert (every["properties"]["people"], west["properties"]["people"]) == (6, 3)
    assert (west["properties"]["id"], west["properties"]["severity"]) == (one.pk, 0)
    box = mapfeed.Box(100.0, 30.0, 110.0, 40.0)
    assert mapfeed.feed(city.line.actor("manager"), box)["features"] == []


def test_a_name_made_of_the_east_s_words_is_not_told_to_the_west(city: City) -> None:
    told = [*[city.hear(text, "east1") for text in WATER], *[city.hear(text, "west1") for text in ROAD[:3]]]
    ties = [keeping.Tie(one.pk, f"p{one.pk}", one.received_at) for one in told]
    topic_id = keeping.open_topic(ties, city.line.now)
    keeping.refresh({topic_id: 0.2}, city.line.now)
    (every,) = lists.topics(city.line.actor("manager"), now=city.line.now)
    (west,) = lists.topics(city.line.actor("operator_west"), now=city.line.now)
    assert (every.people, west.people) == (9, 3)
    assert "翠湖花园" in every.name
    assert "文安路" in west.name
    assert "翠湖" not in west.name


def test_a_reason_is_told_to_who_may_know_the_whole_topic(city: City) -> None:
    both, east = city.water("east1", "west1"), [city.hear(text, "east1") for text in ROAD]
    manager, west = city.line.actor("manager"), city.line.actor("operator_west")
    one = keeping.open_topic(
        [keeping.Tie(ticket.pk, f"p{ticket.pk}", ticket.received_at) for ticket in (*both, *east)],
        city.line.now,
    )
    actions.name_topic(manager, one, "文安路塌陷", now=city.line.now)
    new = actions.split_topic(manager, one, [both[1].pk], "文安路的另有其事", now=city.line.now)

    def told(actor: Actor, topic_id: int) -> list[tuple[str, str, bool]]:
        events = [one for one in lists.topic(actor, topic_id).events if one.action != "warned"]
        return [(one.action, one.reason, bool(one.data)) for one in events]

    every = [("opened", "", False), ("named", "", True), ("split", "文安路的另有其事", True)]
    assert told(manager, one) == every
    assert told(west, one) == [(action, "", False) for action, _, _ in every]
    assert told(west, new) == [("parted", "", False)]  # its own tickets alone, but the reason tells of both
    actions.dismiss_topic(west, new, "已经通水", now=city.line.now)
    assert told(west, new)[1:] == [("dismissed", "已经通水", False)]


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


def test_a_topic_of_one_item_is_called_by_it_in_the_readers_language(city: City) -> None:
    city.water("east1")
    one = city.topic()
    known = next(iter(items.index().by_code.values()))
    Ticket.objects.filter(topic_id=one.pk).update(item_code=known.code)
    Topic.objects.filter(pk=one.pk).update(place="")
    manager = city.line.actor("manager")

    def called() -> str:
        return lists.topics(manager)[0].name

    with translation.override("zh-hans"):
        assert called().endswith(f" · {known.name_zh}")
    with translation.override("en"):
        assert called().endswith(f" · {known.name_en}")
    few = Ticket.objects.filter(topic_id=one.pk).order_by("pk").values_list("pk", flat=True)[:3]
    Ticket.objects.filter(pk__in=list(few)).update(item_code="")
    with translation.override("en"):
        assert called() == one.name
    Ticket.objects.filter(topic_id=one.pk).update(item_code=known.code)
    Topic.objects.filter(pk=one.pk).update(named=True, name="停水的事")
    assert called() == "停水的事"


@pytest.mark.parametrize(("login", "most"), [("manager", 4), ("operator_west", 6)])
def test_a_list_takes_as_many_queries_however_many_topics(city: City, login: str, most: int) -> None:
    city.water("east1", "west1")
    [city.hear(text, "west1") for text in ROAD]
    city.round()
    assert Topic.objects.count() == 2
    actor = city.line.actor(login)
    items.index()  # kept by the process
    with CaptureQueriesContext(
        connection,
    ) as queries:
        lists.topics(actor, least_people=1)
    assert len(queries) == most
