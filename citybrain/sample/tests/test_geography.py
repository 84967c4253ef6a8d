"""The land: tiles exactly, every level the exact union of the one below, the same for the same seed."""

import hashlib

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.sample.city import CITY, COMMUNITY, DISTRICT, GRID, STREET, City, make_city
from citybrain.sample.partition import share_out
from citybrain.sample.plan import FULL, TINY, Plan, plan_for, stream

SMALL = plan_for(0.02)


def digest(city: City) -> str:
    """Return a digest of all names, codes and shapes."""
    found = hashlib.sha256()
    for area, wkb in zip(city.areas, shapely.to_wkb(city.shapes), strict=True):
        found.update(f"{area.code}{area.name}{area.name_en}{area.pinyin}".encode() + wkb)
    return found.hexdigest()


def test_the_same_seed_makes_the_same_city_and_another_seed_another() -> None:
    first = digest(make_city(SMALL))
    make_city.cache_clear()
    assert digest(make_city(SMALL)) == first
    assert digest(make_city(plan_for(0.02, seed=7))) != first


def test_a_stream_of_one_subject_does_not_shift_another() -> None:
    alone = stream(5, "roads").uniform(size=4)
    stream(5, "names").uniform(size=100)
    assert np.array_equal(stream(5, "roads").uniform(size=4), alone)
    assert not np.array_equal(stream(6, "roads").uniform(size=4), alone)
    assert not np.array_equal(stream(5, "names").uniform(size=4), alone)


def test_scale_1_has_the_numbers_of_a_city_in_tianjins_shape(full_city: City) -> None:
    plan, city = full_city.plan, full_city
    assert (plan.districts, plan.streets, plan.communities, plan.grids) == FULL == (16, 281, 6127, 20000)
    assert [len(city.at_level(level)) for level in range(CITY, GRID + 1)] == [1, *FULL]
    assert len({area.code for area in city.areas}) == 26_425
    assert shapely.coverage_is_valid(city.shapes[city.first[GRID] :])


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**9), grids=st.integers(12, 900))
def test_the_grids_of_any_city_tile_its_land_exactly(seed: int, grids: int) -> None:
    communities = max(4, grids // 3)
    plan = Plan(2, min(4, communities), communities, grids, seed)
    city = make_city(plan)
    cells = city.shapes[city.first[GRID] :]
    assert len(cells) == grids
    assert shapely.is_valid(cells).all()
    assert shapely.coverage_is_valid(cells)  # no overlap, and shared borders agree point for point
    land = city.shapes[0]
    assert land.geom_type == "Polygon"
    assert not land.interiors  # no gap inside
    assert shapely.area(cells).sum() == pytest.approx(land.area, rel=1e-12)


@pytest.mark.parametrize("level", [DISTRICT, STREET, COMMUNITY, GRID])
def test_the_children_of_an_area_fill_it(level: int) -> None:
    city = make_city(SMALL)
    inside: dict[int, list[shapely.Geometry]] = {}
    for area in city.at_level(level):
        assert area.parent is not None
        inside.setdefault(area.parent, []).append(city.shapes[area.index])
    for parent, shapes in inside.items():
        whole = city.shapes[parent]
        assert shapely.area(shapes).sum() == pytest.approx(whole.area, rel=1e-12)
        assert shapely.coverage_union_all(np.array(shapes)).equals(whole)
        assert whole.geom_type == "Polygon"  # each area lies in one piece
    assert len(inside) == len(city.at_level(level - 1))


def test_codes_hang_below_their_parents_and_belong_to_no_real_region() -> None:
    city = make_city(SMALL)
    lengths = {CITY: 4, DISTRICT: 6, STREET: 9, COMMUNITY: 12, GRID: 15}
    for area in city.areas:
        assert len(area.code) == lengths[area.level]
        assert area.code.startswith("1298")
        if area.parent is not None:
            above = city.areas[area.parent]
            assert (area.code.startswith(above.code), above.level) == (True, area.level - 1)
    assert len({area.code for area in city.areas}) == len(city.areas)


def test_each_grid_holds_its_own_inner_point() -> None:
    city = make_city(SMALL)
    cells = city.shapes[city.first[GRID] :]
    assert shapely.contains_xy(cells, city.inner[:, 0], city.inner[:, 1]).all()


def test_the_city_lies_in_the_open_bohai_sea(full_city: City) -> None:
    west, south, east, north = full_city.shapes[0].bounds
    assert (west > 119.3, south > 38.3, east < 120.3, north < 39.2) == (True, True, True, True)


def test_the_centre_is_finer_than_the_countryside() -> None:
    city = make_city(SMALL)
    areas = shapely.area(city.shapes[city.first[GRID] :])
    dense = city.density > np.quantile(city.density, 0.8)
    assert np.median(areas[dense]) * 3 < np.median(areas[~dense])


@pytest.mark.parametrize("scale", [0, -1, 6.5, float("nan")])
def test_an_impossible_scale_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        plan_for(scale)


def test_a_plan_with_fewer_children_than_parents_is_refused() -> None:
    with pytest.raises(ValueError, match="at least as many"):
        Plan(3, 2, 10, 20)
    with pytest.raises(ValueError, match="99 districts"):
        Plan(100, 100, 100, 100)


@settings(max_examples=200, deadline=None)
@given(
    most=st.lists(st.integers(1, 40), min_size=1, max_size=30),
    share=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_sharing_out_keeps_the_total_and_the_bounds(most: list[int], share: float, seed: int) -> None:
    limit = np.array(most)
    total = len(most) + int(share * (limit.sum() - len(most)))
    weights = np.random.default_rng(seed).uniform(0.1, 5, len(most))
    shares = share_out(total, weights, limit)
    assert (int(shares.sum()), int(shares.min()) >= 1, bool((shares <= limit).all())) == (total, True, True)


def test_sharing_out_more_than_fits_is_refused() -> None:
    with pytest.raises(ValueError, match="can't be shared"):
        share_out(7, np.ones(2), np.array([3, 3]))


def test_the_tiny_city_is_what_other_rooms_rely_on() -> None:
    assert (TINY.districts, TINY.streets, TINY.communities, TINY.grids) == (2, 3, 10, 32)
    city = make_city(TINY)
    home = [city.areas[index].code for index in city.lineage(city.home.index)]
    assert [len(code) for code in home] == [4, 6, 9, 12, 15]
