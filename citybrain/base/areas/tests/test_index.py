import numpy as np
import pytest
import shapely

from citybrain.base.areas import index, tree
from citybrain.base.areas.actions import set_shapes
from citybrain.base.areas.doer import OPERATOR
from citybrain.base.areas.geojson import Feature
from citybrain.base.areas.index import Layer, Outline
from citybrain.base.areas.tests.conftest import SIDE, SOUTH, WEST, area, inside, square


def outline(code, geometry):
    number = int(code)
    return Outline(code, (1, number, None, None, None), geometry)


def lowest(layer, points):
    x, y = np.array(points, dtype=float).T
    return [layer.find_one(*point) for point in points], layer.find(x, y).tolist()


def test_a_point_on_a_border_belongs_to_the_lowest_code_whatever_the_order():
    boxes = [outline("30", shapely.box(0, 0, 1, 1)), outline("10", shapely.box(1, 0, 2, 1)),
             outline("20", shapely.box(0, 1, 2, 2))]  # fmt: skip
    for order in (boxes, boxes[::-1], [boxes[1], boxes[2], boxes[0]]):
        single, many = lowest(Layer(order), [(1, 0.5), (0.5, 1), (1, 1), (0, 0), (2, 2)])
        assert [lineage[1] for lineage in single] == [10, 20, 10, 30, 20]
        assert many == [0, 1, 0, 2, 1]


def test_a_point_in_a_hole_or_outside_is_held_by_none():
    ring = shapely.box(0, 0, 10, 10).difference(shapely.box(4, 4, 6, 6))
    layer = Layer([outline("10", ring)])
    single, many = lowest(layer, [(5, 5), (4, 5), (11, 5), (1, 1)])
    assert single == [None, (1, 10, None, None, None), None, (1, 10, None, None, None)]
    assert many == [-1, 0, -1, 0]


def test_tiles_hold_every_point_exactly_once_and_single_questions_agree():
    rng = np.random.default_rng(11)
    tiles = [outline(f"{10 + n}", shapely.box(n % 7, n // 7, n % 7 + 1, n // 7 + 1)) for n in range(49)]
    layer = Layer(tiles)
    points = np.round(rng.uniform(0, 7, (4000, 2)), 1)  # many lie on borders and corners
    found = layer.find(points[:, 0], points[:, 1])
    expected = [
        min(n for n in range(49) if n % 7 <= x <= n % 7 + 1 and n // 7 <= y <= n // 7 + 1) for x, y in points
    ]
    assert found.tolist() == expected
    assert [layer.find_one(*point)[1] - 10 for point in points[:200]] == expected[:200]


def test_an_empty_layer_holds_nothing():
    assert Layer([]).find(np.array([1.0]), np.array([2.0])).tolist() == [-1]
    assert Layer([]).find_one(1.0, 2.0) is None


def test_each_point_gets_all_five_levels(shaped_city):
    x, y = zip(*[inside(column) for column in (5, 0)], strict=True)
    found = index.locate(x, y)
    codes = [[tree.tree().get(area_id).code for area_id in level] for level in map(np.ndarray.tolist, found)]
    assert codes == [
        ["990102001001002", "990101001001001"],
        ["990102001001", "990101001001"],
        ["990102001", "990101001"],
        ["990102", "990101"],
        ["99", "99"],
    ]
    assert found.grid.dtype == np.int64


def test_points_outside_and_no_numbers_are_zero(shaped_city):
    found = index.locate([0.0, np.nan, np.inf, WEST + 0.001], [0.0, 39.0, 39.0, SOUTH + 0.001])
    assert (found.city != 0).tolist() == [False, False, False, True]
    assert index.locate_one(float("nan"), 39.0) is None
    assert index.locate_one(116.0, 39.0) is None


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="two lists of one length"):
        index.locate([1.0, 2.0], [1.0])


def test_where_grids_have_no_shape_the_next_level_answers(city):
    set_shapes(
        OPERATOR,
        [Feature(1, "990101001001", square(0, 2)), Feature(2, "990101002001001", square(2)),
         Feature(3, "990102", square(4, 4))],
    )  # fmt: skip
    found = [index.locate_one(*inside(column)) for column in (1, 2, 6)]
    assert found == [
        area("990101001001").lineage,
        area("990101002001001").lineage,
        area("990102").lineage,
    ]
    assert index.locate_one(*inside(3)) is None


def test_a_city_known_by_its_outline_alone_answers_with_the_city(city):
    set_shapes(OPERATOR, [Feature(1, "99", square(0, 8))])
    assert index.locate_one(*inside(3)) == (city.id, None, None, None, None)


def test_the_index_follows_a_changed_shape(shaped_city):
    far = WEST + 20 * SIDE, SOUTH + SIDE / 2
    assert index.locate_one(*far) is None
    set_shapes(OPERATOR, [Feature(1, "990102002001002", square(20))])
    assert index.locate_one(*far) == area("990102002001002").lineage
    assert index.locate_one(*inside(7)) is None


def test_a_single_question_costs_no_query_once_the_index_is_read(shaped_city, django_assert_num_queries):
    index.locate_one(*inside(0))
    with django_assert_num_queries(0):
        index.locate_one(*inside(3))
