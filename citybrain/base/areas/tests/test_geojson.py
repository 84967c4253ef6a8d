import json

import pytest

from citybrain.base.areas import coordinates, geojson
from citybrain.base.areas.coordinates import UnknownSystemError
from citybrain.base.areas.errors import FileError
from citybrain.base.areas.geojson import BadShape, read_features, sound_shape

BOX = [[117.0, 39.0], [117.1, 39.0], [117.1, 39.1], [117.0, 39.1], [117.0, 39.0]]


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings)}


def collection(*features):
    whole = [
        {"type": "Feature", "properties": properties, "geometry": geometry}
        for properties, geometry in features
    ]
    return json.dumps({"type": "FeatureCollection", "features": whole}).encode()


def test_a_sound_polygon_comes_through_as_it_is():
    shape, note = sound_shape(polygon(BOX))
    assert (shape.wkt, note) == ("MULTIPOLYGON (((117 39, 117.1 39, 117.1 39.1, 117 39.1, 117 39)))", "")


def test_heights_are_dropped_and_open_rings_closed():
    shape, note = sound_shape(polygon([[*point, 5.0] for point in BOX[:-1]]))
    assert (shape.area, note) == (pytest.approx(0.01), "closed 1 open ring(s)")
    assert shape.has_z is False


def test_a_slight_crossing_is_untangled_with_a_note():
    spike = [
        [117.0, 39.0],
        [117.1, 39.0],
        [117.1, 39.1],
        [117.05, 39.1001],
        [117.0501, 39.1001],
        [117.05, 39.1],
        [117.0499, 39.1001],
        [117.0, 39.1],
        [117.0, 39.0],
    ]
    shape, note = sound_shape(polygon(spike))
    assert shape.is_valid
    assert note.startswith("mended: Self-intersection")
    assert shape.area == pytest.approx(0.01, rel=0.01)


def test_a_bow_tie_is_refused_because_mending_would_change_it():
    with pytest.raises(BadShape, match="mending it would change its surface by more than 1 %"):
        sound_shape(polygon([[0, 0], [2, 2], [2, 0], [0, 2.5], [0, 0]]))


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [
        (None, "is missing"),
        ({"type": "Point", "coordinates": [1, 2]}, "the geometry is Point"),
        ({"type": "Polygon", "coordinates": 5}, "not lists of rings"),
        ({"type": "Polygon", "coordinates": [[]]}, "not lists of rings"),
        ({"type": "Polygon", "coordinates": []}, "can't be read|is empty"),
        (polygon([["a", "b"], ["c", "d"], ["e", "f"], ["a", "b"]]), "can't be read"),
        (polygon([[1, 2], [3, 4], [1, 2]]), "can't be read|encloses no surface"),
        (polygon([[1, 1], [2, 2], [3, 3], [1, 1]]), "encloses no surface"),
        (
            polygon([[516942, 4331658], [516943, 4331658], [516943, 4331659], [516942, 4331658]]),
            "not longitude and latitude",
        ),
    ],
)
def test_what_is_no_area_is_refused_with_the_reason(geometry, reason):
    with pytest.raises(BadShape, match=reason):
        sound_shape(geometry)


def test_a_shape_with_too_many_vertices_is_refused(monkeypatch):
    monkeypatch.setattr(geojson, "MOST_VERTICES", 4)
    with pytest.raises(BadShape, match="has 5 vertices, at most 4"):
        sound_shape(polygon(BOX))


def test_gcj02_is_turned_into_wgs84():
    moved = [list(coordinates.wgs84_to_gcj02(*point)) for point in BOX]
    (feature,) = read_features(collection(({"code": "99"}, polygon(moved))), system="gcj02")
    assert feature.shape.bounds == pytest.approx((117.0, 39.0, 117.1, 39.1), abs=1e-8)


def test_the_code_is_found_where_it_usually_stands_or_where_it_is_said_to():
    data = collection(
        ({"adcode": 990101}, polygon(BOX)),
        ({"区划代码": " 990102 "}, polygon(BOX)),
        ({"X": "990103"}, polygon(BOX)),
    )
    assert [feature.code for feature in read_features(data)] == ["990101", "990102", ""]
    assert [feature.code for feature in read_features(data, code_property="X")] == ["", "", "990103"]
    reason = next(feature.reason for feature in read_features(data, code_property="X"))
    assert reason == "has no code (looked for X)"


def test_one_bad_feature_does_not_stop_the_others():
    found = list(read_features(collection(({"code": "1"}, None), ({"code": "2"}, polygon(BOX)))))
    assert [(feature.number, feature.shape is None) for feature in found] == [(1, True), (2, False)]


@pytest.mark.parametrize(
    "data", [b"", b"[1,2]", b'{"type":"Topology"}', b"\xff\xfe", b'{"type":"FeatureCollection","features":3}']
)
def test_what_is_no_geojson_is_refused_whole(data):
    with pytest.raises(FileError, match=r"not JSON|not GeoJSON"):
        list(read_features(data))


def test_an_unknown_system_is_refused_before_anything_is_read():
    with pytest.raises(UnknownSystemError):
        list(read_features(b"", system="mars"))
