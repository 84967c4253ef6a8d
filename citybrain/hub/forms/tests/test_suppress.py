"""Nobody can be told from a roll-up: hidden figures can't be worked out from those shown."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.hub.forms.collecting.suppress import Column, Units, conceal

K = 5
Tree = list["Tree"] | tuple[int, int]


def built(tree: list) -> tuple[Units, Column]:
    """Return a tree given as nested lists of (people, rest)."""
    units, column = Units(), Column([0], [0])

    def walk(one: object, place: int) -> tuple[int, int]:
        if isinstance(one, tuple):
            column.people[place], column.rest[place] = one
            return one
        people = rest = 0
        for child in one:  # type: ignore[attr-defined]
            below = units.add(place)
            column.people.append(0)
            column.rest.append(0)
            found = walk(child, below)
            people, rest = people + found[0], rest + found[1]
        column.people[place], column.rest[place] = people, rest
        return people, rest

    walk(tree, 0)
    return units, column


def figures(*people: int) -> list:
    return [(one, 0) for one in people]


def differences(units: Units, hidden: set[int]) -> Iterator[list[int]]:
    """Yield for each shown area the areas without any below whose sum is told by taking away what is shown below it."""

    def left(place: int) -> list[int]:
        if not units.below[place]:
            return [place]
        return [leaf for one in units.below[place] if one in hidden for leaf in left(one)]

    for place in range(len(units.below)):
        if place not in hidden and units.below[place]:
            yield left(place)


def test_a_figure_of_fewer_than_k_people_is_hidden_and_one_beside_it() -> None:
    units, column = built(figures(3, 9, 7, 20))
    assert conceal(units, {"A": column}, K)["A"] == {1, 3}, "the three, and the seven: or 39 - 36 were three"


def test_nobody_is_no_secret_and_two_small_ones_hide_each_other() -> None:
    units, column = built(figures(0, 3, 4, 20))
    assert conceal(units, {"A": column}, K)["A"] == {2, 3}


def test_where_nothing_can_be_hidden_beside_it_the_total_is() -> None:
    units, column = built([figures(3, 0), figures(0, 0), figures(8, 9)])
    hidden = conceal(units, {"A": column}, K)["A"]
    assert 0 not in hidden
    assert hidden >= {1, 2}, "the street with three is as small as its community"
    units, column = built([figures(3, 0), figures(0, 0)])
    assert conceal(units, {"A": column}, K)["A"] == {0, 1, 2}


def test_an_area_hidden_beside_another_cannot_be_added_up_from_below() -> None:
    units, column = built([figures(2, 0), figures(6, 9), figures(50, 60)])
    hidden = conceal(units, {"A": column}, K)["A"]
    assert {1, 2} <= hidden
    assert 4 in hidden
    assert 5 in hidden, "of the second street, its smaller community"
    assert 6 not in hidden


def test_those_who_lack_something_are_few_too() -> None:
    units, column = built([(98, 2), (50, 50), (40, 9)])
    assert conceal(units, {"A": column}, K)["A"] == {1, 3}


def test_a_hidden_figure_cannot_be_worked_out_from_its_neighbours_in_the_row() -> None:
    units, men = built(figures(2, 60))
    women, everybody = Column([70, 20, 50], [0, 0, 0]), Column([132, 22, 110], [0, 0, 0])
    columns = {"men": men, "women": women, "all": everybody}
    alone = conceal(units, columns, K)
    assert 1 in alone["men"]
    assert 1 not in alone["women"]
    linked = conceal(units, columns, K, [["men", "women", "all"]])
    for place in range(3):
        hidden = [name for name in columns if place in linked[name]]
        assert not hidden or len(hidden) > 1
        assert not hidden or sum(columns[name].people[place] for name in hidden) >= K


pairs = st.tuples(st.integers(0, 12), st.sampled_from((0, 0, 0, 3, 8)))
streets = st.lists(pairs, min_size=0, max_size=5)
districts = st.lists(streets, min_size=0, max_size=4)
cities = st.lists(districts, min_size=1, max_size=4)


@given(cities)
@settings(max_examples=300, deadline=None)
def test_no_difference_of_shown_figures_is_of_fewer_than_k_people(tree: list) -> None:
    units, column = built(tree)
    hidden = conceal(units, {"A": column}, K)["A"]
    for place in range(len(units.below)):
        if place not in hidden:
            assert not 0 < column.people[place] < K
            assert not 0 < column.rest[place] < K
    for group in differences(units, hidden):
        assert not 0 < sum(column.people[one] for one in group) < K
        assert not 0 < sum(column.rest[one] for one in group) < K


@given(cities, st.integers(2, 9))
@settings(max_examples=100, deadline=None)
def test_nothing_is_hidden_where_everything_is_large(tree: list, k: int) -> None:
    large = [[[(people * k, 0) for people, _rest in street] for street in district] for district in tree]
    units, column = built(large)
    assert conceal(units, {"A": column}, k)["A"] == set()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_many_columns_are_decided_each_for_itself(count: int) -> None:
    units, column = built(figures(3, 9, 7))
    columns = {str(one): column for one in range(count)}
    assert set(map(frozenset, conceal(units, columns, K).values())) == {frozenset({1, 3})}
