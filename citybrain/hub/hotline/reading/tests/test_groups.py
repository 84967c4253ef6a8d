"""Near-duplicates stay together."""

import numpy as np
import pytest

from citybrain.hub.hotline.reading.groups import folds, near, near_duplicates
from citybrain.hub.hotline.reading.normal import normalise
from citybrain.hub.hotline.reading.tests.messages import made_up

LONG = "我家住在和平小区，暖气从上周开始一直不热，老人孩子都冻得受不了，打电话给热力公司多次没有人来，请尽快派人检修"


def test_a_complaint_sent_again_with_a_word_more_is_in_one_group_and_others_are_not() -> None:
    others = [normalise(one).text for one in made_up(20).messages]
    again = [
        normalise(one).text for one in (LONG, LONG + "，谢谢领导", "您好，" + LONG.replace("上周", "这周"))
    ]
    found = near_duplicates([*others[:30], again[0], *others[30:], *again[1:]])
    assert found[30] == found[-2] == found[-1]
    assert len(np.unique(found)) == len(others) + 1


def test_a_group_of_the_file_is_kept_and_joined_with_near_duplicates() -> None:
    texts = [LONG, "完全不同的一件事情 路灯坏了", LONG + "谢谢", "噪声扰民", "停"]
    found = near_duplicates(texts, ["a", "a", "", "", ""])
    assert found[0] == found[1] == found[2]
    assert len({*found.tolist()}) == 3


def test_a_flood_of_one_message_is_one_group() -> None:
    assert len(np.unique(near_duplicates([LONG] * 300 + ["停", "停"]))) == 2


def test_a_group_is_never_in_two_folds_and_folds_are_of_like_size() -> None:
    groups = np.repeat(np.arange(50), 3)
    found = folds(groups, 5)
    assert all(len(set(found[groups == one])) == 1 for one in range(50))
    assert np.bincount(found).tolist() == [30] * 5
    with pytest.raises(ValueError, match="3 groups of different messages can't be split into 5 folds"):
        folds(np.array([0, 1, 2]), 5)


def test_a_message_is_known_again_where_the_other_was_cut_into_words_without_stop_words() -> None:
    cut = "家 住 和平 小区 暖气 上周 开始 一直 不热 老人 孩子 冻 受不了 打电话 热力公司 多次 没人 请 尽快 派人 检修"
    others = [normalise(one).text for one in made_up(20).messages]
    assert near([*others, cut], [normalise(LONG).text]).tolist() == [False] * len(others) + [True]
    assert near([normalise(LONG).text], [cut, "停水"]).tolist() == [True]
    assert not near(["停水", *others], ["停水", ""]).any()  # too short to tell; sketches find the same
    assert near([], [LONG]).tolist() == near([], []).tolist() == []
    assert near([LONG], []).tolist() == [False]


def test_words_cut_apart_are_grouped_by_the_whole_message() -> None:
    one = "计生办 罚款 准生证 第一个 男孩 怎么 办理 需要 哪些 材料 请 回复"
    other = "计生办 态度 电话 准生证 没有人 接听 第一个 窗口 排队 很久 希望 改进"
    assert near_duplicates([one, other, one + " 谢谢"]).tolist() in ([0, 1, 0], [1, 0, 1])
