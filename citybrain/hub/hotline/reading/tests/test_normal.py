"""A message in its one form."""

import pytest

from citybrain.hub.hotline.reading.normal import MOST_CHARACTERS, Normal, normalise
from citybrain.hub.hotline.reading.tests.growth import STRAIGHT, growth


def test_width_case_markup_numbers_and_marks_make_no_difference() -> None:
    expected = Normal("a区 0号楼 暖气不热 已0天")
    assert normalise("Ａ区 12号楼，暖气不热！已3天") == expected
    assert (
        normalise("<p>a区&nbsp;7号楼<br/>暖气不热</p><script>let a = '不读';</script>已100天。") == expected
    )


def test_what_holds_nothing_to_read_says_why() -> None:
    assert [normalise(one).reason for one in ("", " \n\t", "<p></p>", "😀😡👍", "。！？", "13912345678")] == [
        "empty", "empty", "empty", "no_words", "no_words", "no_words",
    ]  # fmt: skip


def test_several_languages_in_one_message_are_all_kept() -> None:
    assert normalise("The heating 暖气 is off ですね").text == "the heating 暖气 is off"


def test_of_a_message_of_100000_characters_the_beginning_is_read() -> None:
    read = normalise("停水" * 50_000)
    assert (len(read.text), read.shortened) == (MOST_CHARACTERS, True)


@pytest.mark.parametrize("mark", ["<a ", "<script>"])
def test_markup_that_never_closes_is_read_in_step_with_its_length(mark: str) -> None:
    assert growth(normalise, mark * (MOST_CHARACTERS // len(mark))) < STRAIGHT
