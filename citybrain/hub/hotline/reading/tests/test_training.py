"""Training and judging on made-up messages."""

import numpy as np
import pytest

from citybrain.hub.hotline.reading.errors import BadMessages
from citybrain.hub.hotline.reading.evaluating import apart, evaluate
from citybrain.hub.hotline.reading.labelled import Labelled
from citybrain.hub.hotline.reading.model import Model
from citybrain.hub.hotline.reading.tests.messages import WORDS, made_up
from citybrain.hub.hotline.reading.training import lesson, out_of_fold, train


@pytest.fixture(scope="module")
def model() -> Model:
    return train(lesson(made_up()))[0]


def test_new_messages_are_read_with_three_candidates_and_the_words_that_spoke(model: Model) -> None:
    told = model.read(["楼上装修电钻深夜吵醒", "暖气不热室温低", "公交甩站早高峰拥挤"])
    assert [one.label for one in told] == ["噪声", "供热", "公交"]
    assert [len(one.candidates) for one in told] == [3, 3, 3]
    assert sum(chance for _, chance in told[0].candidates) == pytest.approx(1)
    assert told[0].confidence == told[0].candidates[0][1] > 0.8
    assert set(model.why("你好楼上深夜电钻", "噪声", 4)) >= {"深夜", "电钻"}


def test_what_can_not_be_read_gets_no_label_and_keeps_its_place(model: Model) -> None:
    told = model.read(["", "😀", "暖气不热", "公交" * 50_000, "qqq"])
    assert [(one.label, one.reason, one.shortened) for one in told[:4]] == [
        (None, "empty", False), (None, "no_words", False), ("供热", "", False), ("公交", "", True),
    ]  # fmt: skip
    assert (told[0].confidence, told[0].candidates) == (0.0, ())
    assert told[4].confidence < 0.6  # nothing known in it
    assert model.read([]) == []


def test_read_alone_or_among_others_a_message_is_the_same(model: Model) -> None:
    messages = made_up(10, seed=3).messages
    together = [one.confidence for one in model.read(messages)]
    assert together == pytest.approx([model.read([one])[0].confidence for one in messages], abs=1e-6)


def test_no_message_is_judged_by_a_model_that_saw_its_twin() -> None:
    # Each message twice, under labels drawn by lot: only a leak could tell them.
    once = made_up(30, seed=11)
    drawn = np.random.default_rng(4).permutation(once.labels).tolist()
    taught = lesson(Labelled(once.messages * 2, drawn * 2, [""] * 180))
    told = out_of_fold(taught)
    assert all(len(set(told.folds[taught.groups == one])) == 1 for one in np.unique(taught.groups))
    assert (told.told == taught.truth).mean() < 0.5


def test_one_class_few_messages_and_none_to_read_are_said() -> None:
    def refused(messages: list[str], labels: list[str]) -> str:
        with pytest.raises(BadMessages) as caught:
            lesson(Labelled(messages, labels, [""] * len(messages)))
        return str(caught.value)

    some = made_up(4).messages
    assert refused(some, ["供热"] * 12) == (
        "12 messages: all have the label 供热; at least two labels are needed to tell them apart"
    )
    assert refused(["", "😀"], ["供热", "噪声"]).startswith("2 messages: none has a word to read;")
    assert (
        refused([some[0]] * 6, ["供热", "噪声"] * 3)
        == "6 messages, 1 of them different; at least 5 are needed"
    )


def test_two_labels_and_a_label_with_one_message_work() -> None:
    two = made_up(20)
    model = train(lesson(Labelled(two.messages[:40], two.labels[:40], two.groups[:40])))[0]
    assert [one.label for one in model.read(["深夜施工噪声", "暖气不热"])] == ["噪声", "供热"]
    rare = Labelled([*two.messages, "路灯坏了没有人修"], [*two.labels, "路灯"], [*two.groups, ""])
    figures = train(lesson(rare))[0].about["out_of_fold"]
    assert figures["per_class"]["路灯"]["messages"] == 1
    assert figures["per_class"]["路灯"]["recall"] == 0


def test_training_messages_near_a_test_message_are_left_out_with_their_group() -> None:
    training, test = made_up(10), made_up(3, seed=8)
    told = Labelled(
        [*training.messages, test.messages[0] + "谢谢", "与此无关 路灯不亮"],
        [*training.labels, "供热", "公交"],
        [*training.groups, "g", "g"],
    )
    assert apart(told, test).messages == training.messages


def test_an_evaluation_tells_promises_curve_calibration_and_speed() -> None:
    test = made_up(15, seed=9)
    test = Labelled([*test.messages, "", "停"], [*test.labels, "供热", "停水"], [*test.groups, "", ""])
    told = evaluate(made_up(60, wrong=0.05), test, (0.85, 0.999))
    easy, hard = told["promises"]
    assert easy["out_of_fold"]["low"] >= 0.85
    assert 0 < easy["out_of_fold"]["coverage"] <= 1
    assert (hard["threshold"], hard["test"]["sent"], hard["test"]["promise_in_reach"]) == (None, 0, False)
    assert (told["test"]["messages"], told["test"]["not_read"], told["test"]["labels_never_learnt"]) == (
        47,
        1,
        ["停水"],
    )
    assert set(told["test"]["per_class"]) == {*WORDS, "停水"}
    assert told["out_of_fold"]["macro_f1"] > 0.85
    assert (told["risk_coverage"][-1]["coverage"], told["speed"]["characters"]) == (1.0, 370)
    assert told["model_bytes"] < 200_000
