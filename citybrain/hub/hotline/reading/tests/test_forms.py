"""Words cut apart, and running text."""

import numpy as np

from citybrain.hub.hotline.reading.forms import is_cut, running
from citybrain.hub.hotline.reading.labelled import Labelled
from citybrain.hub.hotline.reading.promise import perfect_calibration_error
from citybrain.hub.hotline.reading.tests.messages import made_up
from citybrain.hub.hotline.reading.training import MARGIN, OutOfFold, lesson, out_of_fold, train

WORDS = "暖气 不热 室温 太低 老人 受冻 尽快 派人 检修 换热站 漏水 多次 反映 没人 处理"


def test_words_with_blanks_are_known_and_running_text_is_not() -> None:
    assert is_cut([WORDS] * 3)
    assert not is_cut(["暖气不热 室温太低 老人受冻了请尽快派人检修"] * 3)
    assert not is_cut([])
    assert not is_cut(["the heating is off"])


def test_the_same_words_give_the_same_running_text_with_all_of_them_in_order() -> None:
    told = running(WORDS)
    assert told == running(WORDS)
    at = -1
    for word in WORDS.split():
        at = told.index(word, at + 1)
    assert len(told.replace(" ", "")) > len(WORDS.replace(" ", ""))
    assert running("") == ""


def test_a_file_of_words_is_judged_in_both_forms_and_running_text_in_one() -> None:
    plain = made_up(12)
    cut = Labelled([" ".join(one.replace("，", "")) for one in plain.messages], plain.labels, plain.groups)
    assert len(out_of_fold(lesson(cut)).forms) == 2
    assert len(out_of_fold(lesson(plain)).forms) == 1
    assert train(lesson(cut))[0].about["as_running_text"]["messages"] == 36
    assert train(lesson(plain))[0].about["as_running_text"] is None


def test_a_promise_has_to_hold_in_each_form() -> None:
    truth = np.zeros(400, int)

    def told(wrong_below: float) -> OutOfFold:
        sure = np.linspace(0.999, 0.5, 400)
        first = np.where(sure >= wrong_below, sure, 1 - sure)  # wrong: the other label is likelier
        return OutOfFold(np.zeros((400, 2)), np.stack([first, 1 - first], 1), np.zeros(400))

    good, bad = told(0.6), told(0.9)
    alone = good.threshold(0.95, truth)
    both = OutOfFold(good.margins, good.chances, good.folds, bad).threshold(0.95, truth)
    assert alone is not None
    assert both is not None
    assert both == bad.threshold(0.95 + MARGIN, truth)
    assert both > alone
    never = OutOfFold(good.margins, good.chances, good.folds, told(2.0))
    assert never.threshold(0.95, truth) is None


def test_even_a_perfect_model_shows_an_error_the_larger_the_fewer_messages() -> None:
    few, most_of_few = perfect_calibration_error(np.full(100, 0.9))
    many, most_of_many = perfect_calibration_error(np.full(10_000, 0.9))
    assert 0.02 < few < 0.03  # mean |error| of a share of 0.9 in 100: 0.8 · 0.03
    assert 0.002 < many < 0.003
    assert most_of_few > few > most_of_many > many
    assert perfect_calibration_error(np.zeros(0)) == (0.0, 0.0)
