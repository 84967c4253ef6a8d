"""A long letter is read by its best part; a single sentence is read as ever."""

import numpy as np

from citybrain.hub.hotline.reading import shipped
from citybrain.hub.hotline.reading.parts import LEAST, MOST, margins_by_parts, parts_of

ASKED = "路口的井盖丢了，行人差点掉下去。"
AROUND = (
    "尊敬的领导您好，我是本市的一名普通市民，我在这里住了十几年，一直很热爱我们的城市。"
    "我之前打过好几次电话，每次都说会处理，可是到现在也没有人给一个明确的说法。"
    "希望有关部门能够重视，请在百忙之中给予答复，祝各位领导工作顺利，身体健康。"
)


def test_a_text_is_cut_at_its_breaks_and_nothing_is_lost() -> None:
    text = "路灯坏了 三天没人修 晚上看不见路 请派人来修理一下 附近的老人多 谢谢"
    found = parts_of(text)
    assert found == ["路灯坏了 三天没人修 晚上看不见路", "请派人来修理一下 附近的老人多 谢谢"]
    assert " ".join(found) == text
    assert all(len(part) >= LEAST for part in found)
    assert parts_of("路灯坏了") == ["路灯坏了"]
    assert parts_of("") == [""]


def test_the_longest_text_has_a_bounded_number_of_parts() -> None:
    assert len(parts_of("路灯 " * 30_000)) <= MOST + 1


def test_the_whole_and_the_best_part_are_weighed_together() -> None:
    def margins(texts: object) -> np.ndarray:  # type: ignore[type-arg]
        return np.array([[float(len(text)), -float("b" in text)] for text in texts])  # type: ignore[attr-defined]

    told = margins_by_parts(margins, ["a" * 12 + " " + "b" * 20, "short"])
    assert told.tolist() == [[(33 + 2 * 20) / 3, (-1 + 2 * 0) / 3], [5.0, 0.0]]


def test_what_is_asked_for_is_found_in_a_long_letter() -> None:
    alone, letter = shipped.items().read_items([ASKED, AROUND + ASKED + AROUND])
    assert letter.guesses[0].code == alone.guesses[0].code
