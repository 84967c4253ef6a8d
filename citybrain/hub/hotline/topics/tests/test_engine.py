import numpy as np
import pytest

from citybrain.hub.hotline.topics.engine import NOTHING, Engine
from citybrain.hub.hotline.topics.terms import Message
from citybrain.hub.hotline.topics.tests.messages import (
    OTHER,
    PLEAS,
    ROAD,
    WATER,
    city,
    flood,
    said,
)


def grown(messages: list[Message]) -> tuple[Engine, dict[str, int]]:
    engine = Engine()
    engine.learn(messages)
    told = engine.add(messages, count=False)
    gone = engine.settle()
    return engine, {one.key: gone.get(number, number) for one, number in zip(messages, told, strict=True)}


def test_people_who_speak_of_one_thing_are_gathered_and_others_are_not() -> None:
    _, told = grown(city())
    water = {told[f"water-{at}"] for at in range(len(WATER))}
    road = {told[f"road-{at}"] for at in range(len(ROAD))}
    assert len(water) == 1
    assert len(road) == 1
    assert water != road
    others = [told[f"other-{at}"] for at in range(len(OTHER))]
    assert len(set(others)) == len(others)


def test_pleas_are_put_nowhere() -> None:
    _, told = grown(city())
    assert {told[f"plea-{at}"] for at in range(len(PLEAS))} == {NOTHING}


def test_a_flood_is_one_gathering_of_one_person() -> None:
    engine, told = grown(city())
    (number,) = {told[f"flood-{at}"] for at in range(30)}
    (one,) = [one for one, _ in engine.gatherings() if one.number == number]
    assert (len(one.people.times), one.messages) == (1, 30)
    assert engine.clarity(number) == 0.0


def test_near_copies_of_nobody_known_are_mostly_one_voice() -> None:
    text = "翠竹苑3号楼楼上邻居半夜拖椅子，声音很大，孩子被吵醒"
    engine = Engine()
    engine.add([Message(str(at), "", text) for at in range(20)])
    (one,) = [one for one, _ in engine.gatherings()]
    assert (len(one.people.times), one.messages) == (1, 20)


def test_who_writes_again_weighs_less_than_another_person() -> None:
    again, others = Engine(), Engine()
    again.add(flood(WATER[0], "one", 4))
    others.add(said(WATER[:4], "each"))
    place = next(iter(again.store.at))
    assert again.store.people[place] == pytest.approx(1 + 1 / 2 + 1 / 3 + 1 / 4)
    assert max(others.store.people) > 2


def test_a_stream_is_put_once_and_nothing_put_is_moved_by_later_messages() -> None:
    messages = city()
    whole = Engine().add(messages)
    half = len(messages) // 2
    engine = Engine()
    assert engine.add(messages[:half]) + engine.add(messages[half:]) == whole


def test_when_places_are_full_the_quiet_single_ones_go_first() -> None:
    engine = Engine(places=10)
    engine.learn(city())
    numbers = set(engine.add(said(WATER, "water")))
    engine.add(said(OTHER, "other"))
    assert len(engine.store.at) <= 10
    assert any(engine.kept(number) for number in numbers)
    (one,) = [one for one, _ in engine.gatherings() if len(one.people.times) >= 5]
    assert one.number in numbers


def test_memory_stays_when_ten_times_more_come_than_there_is_place_for() -> None:
    engine = Engine(places=50)
    letters = np.random.default_rng(1).integers(0x4E00, 0x9FA0, (150, 12))
    engine.add([Message(str(at), "", "".join(map(chr, row)), str(at)) for at, row in enumerate(letters)])
    assert len(engine.store.at) <= 50
    assert len(engine.places) <= 200


def test_what_a_person_parted_stays_apart_and_what_is_held_joins_nothing() -> None:
    for held in (False, True):
        engine = Engine()
        engine.learn(city())
        for at, message in enumerate(said(WATER, "water")):
            engine.put(message, at % 2)
        if held:
            engine.held |= {0, 1}
        else:
            engine.apart.add(frozenset({0, 1}))
        assert engine.settle() == {}
        engine.apart.clear()
        engine.held.clear()
        assert len(engine.settle()) == 1


def test_a_merged_gathering_has_the_people_and_messages_of_both() -> None:
    engine = Engine()
    for at, message in enumerate(said(WATER, "water")):
        engine.put(message, at % 2)
    engine.merge(1, 0)
    (one,) = [one for one, _ in engine.gatherings()]
    assert (one.number, len(one.people.times), one.messages) == (0, 6, 6)
    assert not engine.kept(1)


def test_numbers_are_never_given_twice() -> None:
    engine = Engine()
    engine.put(said(WATER, "water")[0], 7)
    assert engine.reserve() == 8
    engine.drop(7)
    assert not engine.kept(7)
    assert engine.add(said(ROAD, "road"))[0] == 9
