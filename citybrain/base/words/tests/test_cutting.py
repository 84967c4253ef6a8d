from hypothesis import given
from hypothesis import strategies as st

from citybrain.base.words import like, phrases, tokens, tsquery
from citybrain.hub.cases import search


def test_a_run_is_cut_into_pairs_and_a_single_letter_stays() -> None:
    assert tokens("户籍人口") == ["户籍", "籍人", "人口"]
    assert tokens("AB-c 井，盖") == ["ab", "c", "井", "盖"]
    assert tokens("  ，。") == []


@given(st.text(max_size=40))
def test_the_cut_is_the_one_of_the_search_of_cases(text: str) -> None:
    assert tokens(text) == search.tokens(text)
    assert phrases(text) == search.phrases(text)


def test_a_phrase_becomes_a_query_and_a_pattern() -> None:
    assert tsquery("井盖坏") == "'井盖' & '盖坏'"
    assert tsquery("井") == "'井':*"
    assert tsquery("!") == ""
    assert like("50%_A") == r"%50\%\_a%"
