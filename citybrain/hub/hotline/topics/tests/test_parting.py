"""Two matters at one place become two topics, in a file and in the city; one matter, however it is told, stays one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from citybrain.hub.hotline.models import Ticket, Topic, TopicApart, TopicState
from citybrain.hub.hotline.topics import keeping, loop, parting
from citybrain.hub.hotline.topics.engine import Engine
from citybrain.hub.hotline.topics.terms import Message
from citybrain.hub.hotline.topics.tests.conftest import City
from citybrain.hub.hotline.topics.tests.messages import OTHER, ROAD, WATER

PLACE = "翠湖花园"
DRY = (
    "{p}停水两天了，家里没有自来水", "{p}从昨天起停水，水龙头没有水", "我们{p}又停水了，自来水公司没有通知",
    "{p}三栋停水，楼上楼下都没水用", "{p}自来水停了，水龙头一滴水都没有",
)  # fmt: skip
LOUD = (
    "{p}广场上跳舞的音响太吵，晚上十点还不停", "{p}门口广场舞噪声扰民，孩子没法写作业",
    "每天晚上{p}的广场舞喇叭声音很大，影响休息", "{p}广场夜里放音乐唱歌，劝了也不听，太吵了",
    "{p}旁边广场噪音大，睡不着觉，请管一管广场舞",
)  # fmt: skip


def messages(*texts: str) -> list[Message]:
    return [Message(str(at), "", text, f"p{at}") for at, text in enumerate((*OTHER, *texts))]


def told(*texts: str) -> list[str]:
    return [one.format(p=PLACE) for one in texts]


def halves(*texts: str) -> list[bool] | None:
    """Return how what many people say of one place is parted, among much else."""
    ones = messages(*texts)
    engine = Engine()
    engine.learn(ones)
    return parting.parted(engine, ones[len(OTHER) :])


def test_two_matters_of_one_place_are_parted_the_smaller_goes() -> None:
    assert halves(*told(*DRY, *LOUD[:4])) == [False] * 5 + [True] * 4
    assert halves(*told(*LOUD, *DRY[:4])) == [False] * 5 + [True] * 4


@pytest.mark.parametrize(
    "texts", [WATER, ROAD, tuple(told(*DRY)), tuple(told(*LOUD)), tuple(told(*DRY, *LOUD[:2]))]
)
def test_one_matter_told_by_many_and_two_people_beside_it_stay_one(texts: tuple[str, ...]) -> None:
    assert halves(*texts) is None


def test_one_person_of_many_words_is_no_second_matter() -> None:
    ones = messages(*told(*DRY, *LOUD))
    engine = Engine()
    engine.learn(ones)
    flood = [replace(one, person="p0") if "广场" in one.text else one for one in ones[len(OTHER) :]]
    assert parting.parted(engine, flood) is None


def gathered_as_one(city: City) -> Topic:
    """Ten people of one place, half with either matter, in one topic, as they may come to lie while they stream."""
    for text in told(*(one for two in zip(DRY, LOUD, strict=True) for one in two)):
        city.hear(text, "east1")
    city.round()
    live = list(Topic.objects.exclude(state=TopicState.MERGED).order_by("pk"))
    for other in live[1:]:
        keeping.join(other.pk, live[0].pk, city.line.now)
    TopicApart.objects.all().delete()
    loose = Ticket.objects.filter(topic_id=None, plain__contains=PLACE)
    ties = [keeping.Tie(one.pk, f"p{one.pk}", one.received_at) for one in loose]
    keeping.tie_all(live[0].pk, ties)
    loop.forget()
    return live[0]


def matters(topic_id: int) -> set[bool]:
    texts = Ticket.objects.filter(topic_id=topic_id).values_list("plain", flat=True)
    return {"广场" in text for text in texts}


def test_the_city_parts_a_topic_of_two_matters_and_keeps_them_apart(city: City) -> None:
    one = gathered_as_one(city)
    assert matters(one.pk) == {False, True}
    city.round()
    live = list(Topic.objects.exclude(state=TopicState.MERGED))
    assert len(live) == 2
    assert [len(matters(two.pk)) for two in live] == [1, 1]
    done = [set(two.events.values_list("action", flat=True)) & {"parted", "split"} for two in live]
    assert sorted(done, key=sorted) == [{"parted"}, {"split"}]
    city.line.now += timedelta(minutes=11)
    city.hear(DRY[0].format(p=PLACE) + "，求助", "east1")
    city.round()
    assert Topic.objects.exclude(state=TopicState.MERGED).count() == 2
    loop.forget()
    city.round()
    assert Topic.objects.exclude(state=TopicState.MERGED).count() == 2


@pytest.mark.parametrize("decided", [{"held": True}, {"named": True, "name": "翠湖花园的事"}])
def test_what_a_person_decided_on_is_never_parted(city: City, decided: dict[str, object]) -> None:
    one = gathered_as_one(city)
    Topic.objects.filter(pk=one.pk).update(**decided)
    city.round()
    assert matters(one.pk) == {False, True}
    assert Topic.objects.exclude(state=TopicState.MERGED).count() == 1
