import pytest

from citybrain.hub.hotline.topics.terms import MOST, Message, reduced, terms_of, written
from citybrain.hub.hotline.topics.tests.messages import OTHER, PLEAS


def test_short_numbers_are_one_sign_each_and_come_back_as_digits() -> None:
    assert reduced("33路") != reduced("58路")
    assert written(reduced("33路公交")) == "33路公交"
    assert written(reduced("拨打12345")) == "拨打0"


def test_grammar_breaks_a_text() -> None:
    assert reduced("停水了三天") == "停水 " + reduced("三天")


@pytest.mark.parametrize("text", PLEAS)
def test_a_mere_plea_says_nothing_of_its_own(text: str) -> None:
    assert len(terms_of([Message("1", "", text)])[0].pairs) < 3


@pytest.mark.parametrize("text", OTHER)
def test_a_matter_is_left(text: str) -> None:
    assert len(terms_of([Message("1", "", text)])[0].pairs) >= 3


@pytest.mark.parametrize("text", ["", "   ", "😀😀😀", "<p></p>", "。。。！！！", "12345678901"])
def test_nothing_to_read_gives_no_terms(text: str) -> None:
    assert len(terms_of([Message("1", text, text)])[0].pairs) == 0


def test_what_stands_behind_the_part_read_weighs_nothing() -> None:
    long = "路灯不亮" * MOST
    first, second = terms_of([Message("1", "", long), Message("2", "", long + "菜市场")])
    assert first.pairs.tolist() == second.pairs.tolist()


def test_many_at_once_give_what_one_by_one_gives() -> None:
    every = [Message(str(at), text, text + text) for at, text in enumerate(OTHER)]
    together = terms_of(every)
    for one, told in zip(every, together, strict=True):
        alone = terms_of([one])[0]
        assert alone.pairs.tolist() == told.pairs.tolist()
        assert alone.weights.tolist() == told.weights.tolist()


def test_a_title_weighs_more_than_the_text() -> None:
    titled, plain = terms_of([Message("1", "路灯", "路灯"), Message("2", "菜场", "路灯")])
    pair = next(iter(set(titled.pairs.tolist()) & set(plain.pairs.tolist())))
    weight = {
        at: dict(zip(one.pairs.tolist(), one.weights.tolist(), strict=True))[pair]
        for at, one in enumerate((titled, plain))
    }
    assert weight == {0: 1.5, 1: 0.5}
