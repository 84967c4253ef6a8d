import orjson
import pytest
import shapely

from citybrain.base.areas import shapes, tree
from citybrain.base.areas.actions import AreaRow, import_rows, set_shape, set_shapes
from citybrain.base.areas.checks import check_areas
from citybrain.base.areas.doer import OPERATOR, NotAllowedError
from citybrain.base.areas.geojson import Feature
from citybrain.base.areas.models import Area, AreaShape, Level
from citybrain.base.areas.tests.conftest import GRIDS, Manager, area, square

pytestmark = pytest.mark.django_db


def features(*arguments, **options):
    return orjson.loads(shapes.outlines(*arguments, **options))["features"]


def test_levels_above_are_drawn_from_those_below(shaped_city):
    kept = (
        AreaShape.objects.filter(derived=True)
        .order_by("area__code")
        .values_list("area__code", "west", "east")
    )
    assert list(kept)[:4] == [
        ("99", pytest.approx(117.0), pytest.approx(117.08)),
        ("990101", pytest.approx(117.0), pytest.approx(117.04)),
        ("990101001", pytest.approx(117.0), pytest.approx(117.02)),
        ("990101001001", pytest.approx(117.0), pytest.approx(117.02)),
    ]
    assert len(kept) == 11


def test_a_shape_that_was_given_is_not_drawn_over(shaped_city):
    set_shape(OPERATOR, area("990101").id, square(0, 5))
    set_shapes(OPERATOR, [Feature(1, GRIDS[0], square(30))])
    assert shapes.bounds(area("990101").id) == pytest.approx((117.0, 39.0, 117.05, 39.01))
    assert shapes.bounds(area("990101001").id)[2] == pytest.approx(117.31)


def test_the_same_shapes_again_change_nothing(shaped_city):
    before = tree.current_version()
    receipt = set_shapes(OPERATOR, [Feature(n, code, square(n)) for n, code in enumerate(GRIDS)])
    assert (receipt.counts, receipt.derived) == ({"set": 0, "unchanged": 8, "refused": 0}, 0)
    assert tree.current_version() == before


def test_features_that_fit_no_area_are_refused_one_by_one(city):
    receipt = set_shapes(
        Manager(areas=(area("990101").id,)),
        [
            Feature(1, "990101001001001", square(0)),
            Feature(2, "990101001001001", square(1)),
            Feature(3, "990199", square(1)),
            Feature(4, "990102", square(1)),
            Feature(5, "990101", None, "the geometry is Point"),
        ],
    )
    assert [(result.number, result.outcome, result.note) for result in receipt.results] == [
        (1, "set", ""),
        (2, "refused", "990101001001001 第1网格 has a shape already in this file"),
        (3, "refused", "no area has or had the code '990199'"),
        (4, "refused", "you may not change 990102 西山区"),
        (5, "refused", "the geometry is Point"),
    ]
    with pytest.raises(NotAllowedError):
        set_shape(Manager(areas=(area("990101").id,)), area("990102").id, square(0))


def test_label_points_lie_inside_even_a_crescent(city):
    crescent = shapely.Point(117, 39).buffer(0.1).difference(shapely.Point(117.03, 39).buffer(0.1))
    set_shape(OPERATOR, city.id, crescent)
    kept = AreaShape.objects.get()
    assert shapes.geometry(city.id).contains(shapely.Point(kept.label_lon, kept.label_lat))
    assert not crescent.contains(crescent.centroid)


def test_the_surface_is_right_to_half_a_percent(city):
    set_shape(OPERATOR, city.id, shapely.box(117, 39, 118, 40))
    assert AreaShape.objects.get().km2 == pytest.approx(9534.0, rel=0.005)  # on the ellipsoid, by pyproj.Geod


def test_outlines_name_each_area_inside_with_its_label(shaped_city):
    found = features(Level.STREET, area("990102").id)
    assert [feature["properties"]["code"] for feature in found] == ["990102001", "990102002"]
    first = found[0]["properties"]
    assert (first["id"], first["name"], first["name_en"]) == (
        area("990102001").id,
        "石桥街道",
        "Shiqiao Subdistrict",
    )
    assert first["label"] == pytest.approx([117.05, 39.005])
    assert len(features(Level.GRID)) == 8


def test_outlines_are_kept_until_the_areas_change(shaped_city, django_assert_num_queries):
    shapes.outlines(Level.DISTRICT)
    with django_assert_num_queries(0):
        shapes.outlines(Level.DISTRICT)
    set_shape(OPERATOR, area("990101").id, square(0, 3))
    assert features(Level.DISTRICT)[0]["geometry"]["coordinates"][0][0] != []
    assert max(x for x, _ in features(Level.DISTRICT)[0]["geometry"]["coordinates"][0][0]) == pytest.approx(
        117.03
    )


def test_simplified_neighbours_still_share_their_border():
    rng = [0.0003 * ((-1) ** n) for n in range(101)]
    border = [(1 + rng[n], n / 100) for n in range(101)]
    left = shapely.MultiPolygon([shapely.Polygon([(0, 1), (0, 0), *border])])
    right = shapely.MultiPolygon([shapely.Polygon([(2, 0), (2, 1), *border[::-1]])])
    thin = shapes.simplified(shapely.from_wkb(shapely.to_wkb([left, right])), 6)
    assert sum(shapely.get_num_coordinates(thin)) < 20
    assert thin[0].intersection(thin[1]).area == 0
    assert thin[0].union(thin[1]).area == pytest.approx(2.0, abs=1e-6)
    assert shapely.get_num_coordinates(shapes.simplified([left, right], 18)).sum() == 208


def texts(tolerance=0.001):
    return [f"{one.severity} {one.check} {one.code} {one.text}" for one in check_areas(tolerance)]


def test_a_city_that_tiles_has_no_problems(shaped_city):
    assert texts() == []


def test_overlaps_gaps_missing_shapes_parents_and_codes_are_found(shaped_city):
    set_shape(OPERATOR, area("990101").id, square(0, 5))
    AreaShape.objects.filter(area__code="990102001001001").delete()
    import_rows(OPERATOR, [AreaRow(1, "997001001", "外街道", "990101")])
    Area.objects.filter(code="990102002").update(path="1.")
    tree.forget()
    found = texts()
    assert "error overlap 990101 东湖区 and 990102 西山区 overlap on 25.0% of the smaller one" in found
    assert any(text.startswith("error parent 990102002 南洼乡: its path") for text in found)
    assert "warning shape 990102001001001 第1网格 has no shape, its neighbours have" in found
    assert "warning code 997001001 外街道: its code does not begin with that of 990101 东湖区" in found
    assert any(text.startswith("error gap 99 ") for text in found) is False


def test_children_that_leave_a_gap_or_reach_out_are_found(shaped_city):
    set_shape(OPERATOR, area("990101").id, square(0, 3))
    set_shape(OPERATOR, area("990102").id, square(3, 5))
    found = [text for text in texts() if " gap " in text]
    assert len(found) == 2
    assert "东湖区 is exceeded by the areas below it" in found[0]
    assert "西山区 is left empty by the areas below it" in found[1]
    assert "(33.3%)" in found[0]
    assert "(20.0%)" in found[1]
    assert [text for text in texts(0.5) if " gap " in text] == []
