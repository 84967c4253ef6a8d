import pytest

from citybrain.hub.hotline.topics.engine import Engine
from citybrain.hub.hotline.topics.naming import is_place, name
from citybrain.hub.hotline.topics.ranking import DAY, growth, heat_of, ranked
from citybrain.hub.hotline.topics.terms import Message
from citybrain.hub.hotline.topics.tests.messages import ROAD, WATER, city, flood


def engine_of(messages: list[Message]) -> Engine:
    engine = Engine()
    engine.learn(messages)
    engine.add(messages, count=False)
    engine.settle()
    return engine


def test_topics_are_ranked_by_different_people_not_by_messages() -> None:
    hot = ranked(engine_of(city()))
    assert [(one.people, one.messages) for one in hot[:2]] == [(6, 6), (5, 5)]
    assert "翠湖花园" in hot[0].name.title
    assert "文安路" in hot[1].name.title


def test_no_flood_and_no_plea_is_a_topic() -> None:
    titles = " ".join(one.name.title for one in ranked(engine_of(city()), least_people=2))
    assert "翠竹苑" not in titles
    assert "领导" not in titles


def test_a_flood_with_two_others_counts_three_people() -> None:
    others = [Message(f"x{at}", "", "翠竹苑3号楼邻居半夜拖椅子", f"x{at}", 0.0) for at in range(2)]
    (one,) = ranked(engine_of([*city(), *others]), least_people=3)[2:3]
    assert one.people == 3
    told = ranked(engine_of([*flood("翠竹苑3号楼邻居半夜拖椅子", "f", 30), *others]))
    assert [(one.people, one.messages) for one in told] == [(3, 32)]
    assert told[0].loudest == pytest.approx(30 / 32)


def test_only_people_within_the_window_count() -> None:
    engine = engine_of(city())
    (one,) = ranked(engine, now=2 * DAY + 4 * 3600, window_days=1)
    assert one.people == len(ROAD)
    assert ranked(engine, now=90 * DAY, window_days=1) == []


def test_growth_is_steady_at_a_half_and_unknown_without_times() -> None:
    steady = [day * DAY for day in range(70)]
    recent, told = growth(steady, 70 * DAY)
    assert recent == 6
    assert told == pytest.approx(0.5, abs=0.05)
    assert growth([69 * DAY] * 9, 70 * DAY) == (9, 10 / 11)
    assert growth([1.0] * 9, 70 * DAY)[1] < 0.3
    timeless = [Message(one.key, one.title, one.text, one.person) for one in city()]
    assert {one.growth for one in ranked(engine_of(timeless))} == {0.5}


def test_heat_grows_with_people_clarity_and_growth() -> None:
    assert heat_of(10, 0.5, 0.5) == 10
    assert heat_of(10, 0.0, 0.5) == 2
    assert heat_of(10, 0.5, 1.0) == 12.5
    assert heat_of(10, 0.5, 0.0) == 7.5


@pytest.mark.parametrize("word", ["翠湖花园", "文安路", "启明幼儿园", "大东工业园", "南湖街道", "33路"])
def test_places_and_bodies_are_known_by_how_they_end(word: str) -> None:
    assert is_place(word)


@pytest.mark.parametrize("word", ["路", "停水", "小区", "供暖不热"])
def test_an_ending_alone_or_a_matter_is_no_place(word: str) -> None:
    assert not is_place(word)


def test_a_name_is_place_and_matter_without_the_areas_around() -> None:
    heads = [f"沈中市和平区翠湖花园{more}停水" for more in ("又", "还在", "一直", "第三天")]
    told = name(heads)
    assert (told.place, told.matter) == ("翠湖花园", "停水")
    assert told.title == "翠湖花园 · 停水"


def test_nothing_shared_gives_no_name() -> None:
    assert name(["路灯不亮", "鱼短斤少两", "学区怎么划"]).title == ""
    assert name([]).title == ""


def test_water_is_named_by_its_estate() -> None:
    assert name(WATER).place == "翠湖花园"


def test_what_the_names_of_several_places_end_alike_in_is_no_place_nor_a_matter() -> None:
    heads = [
        "请尽快派人看看灯塔花园社区的暖气",
        "我住忍冬园社区，暖气不热三天了",
        "请尽快派人看看玉兰园社区的暖气",
    ]
    made = name(heads)
    assert (made.place, made.matter[:2]) == ("", "暖气")
    assert not is_place("园社区")
    assert is_place("忍冬园社区")
