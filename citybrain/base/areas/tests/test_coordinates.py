import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.base.areas import coordinates
from citybrain.base.areas.coordinates import UnknownSystemError

SHARED = Path(__file__).resolve().parents[5] / "shared" / "data" / "geography" / "crosscheck_vectors.csv"

# Points of our own: WGS-84, GCJ-02, BD-09.
OWN = {
    "Kashgar": (75.99, 39.47),
    "Harbin": (126.53, 45.8),
    "Haikou": (110.2, 20.04),
    "the western edge": (72.004, 30.0),
}


def metres(one, other):
    (lon, lat), (lon_2, lat_2) = one, other
    return np.hypot((lon - lon_2) * 111_320 * np.cos(np.radians(lat)), (lat - lat_2) * 111_000)


lons, lats = st.floats(72.1, 137.7), st.floats(0.9, 55.7)


def test_gcj02_shifts_known_places_by_known_amounts():
    found = {name: coordinates.wgs84_to_gcj02(*point) for name, point in OWN.items()}
    expected = {
        "Kashgar": (75.99295564, 39.47022750),
        "Harbin": (126.53605858, 45.80199545),
        "Haikou": (110.20429203, 20.03788913),
        "the western edge": (72.00788597, 29.99690034),
    }
    assert found == {name: pytest.approx(point, abs=1e-7) for name, point in expected.items()}


def test_bd09_shifts_known_places_by_known_amounts():
    assert coordinates.wgs84_to_bd09(126.53, 45.8) == pytest.approx((126.5426759, 45.8076177), abs=1e-6)


@given(lons, lats)
def test_gcj02_there_and_back_is_off_by_less_than_a_centimetre(lon, lat):
    assert metres(coordinates.gcj02_to_wgs84(*coordinates.wgs84_to_gcj02(lon, lat)), (lon, lat)) < 0.01


@given(lons, lats)
def test_bd09_there_and_back_is_off_by_less_than_a_centimetre(lon, lat):
    assert metres(coordinates.bd09_to_wgs84(*coordinates.wgs84_to_bd09(lon, lat)), (lon, lat)) < 0.01


@pytest.mark.parametrize(
    "point", [(139.77, 35.68), (-74.0, 40.7), (10.0, -33.0), (72.003, 30.0), (110.0, 55.83)]
)
def test_outside_china_no_system_shifts_a_point(point):
    for convert in (
        coordinates.wgs84_to_gcj02,
        coordinates.gcj02_to_wgs84,
        coordinates.wgs84_to_bd09,
        coordinates.bd09_to_wgs84,
    ):
        assert convert(*point) == point


# Against PROJ 9 (pyproj), CGCS2000 geographic to the named projection.
@pytest.mark.parametrize(
    ("epsg", "point", "expected"),
    [
        (4534, (75.99, 39.47), (585190.7034, 4371151.2495)),
        (4551, (126.53, 45.8), (541203.2026, 5073992.6769)),
        (4530, (126.53, 45.8), (42541203.2026, 5073992.6769)),
    ],
)
def test_cgcs2000_agrees_with_proj_to_a_millimetre(epsg, point, expected):
    assert coordinates.wgs84_to_cgcs2000(*point, epsg) == pytest.approx(expected, abs=0.001)


@given(st.floats(-3.0, 3.0), lats, st.integers(4513, 4554))
def test_cgcs2000_there_and_back_is_off_by_less_than_a_millimetre(off, lat, epsg):
    lon = coordinates.zone(epsg)[0] + off
    back = coordinates.cgcs2000_to_wgs84(*coordinates.wgs84_to_cgcs2000(lon, lat, epsg), epsg)
    assert metres(back, (lon, lat)) < 0.001


def test_arrays_give_what_single_numbers_give():
    lon, lat = np.array([117.2, 139.8, 104.1]), np.array([39.1, 35.7, 30.7])
    for convert in (coordinates.wgs84_to_gcj02, coordinates.gcj02_to_wgs84, coordinates.bd09_to_wgs84):
        singles = [convert(float(x), float(y)) for x, y in zip(lon, lat, strict=True)]
        assert np.column_stack(convert(lon, lat)) == pytest.approx(np.array(singles), abs=1e-12)
        assert all(type(number) is float for number in singles[0])


def test_no_points_give_no_points():
    lon, lat = coordinates.to_wgs84([], [], "gcj02")
    assert (len(lon), len(lat)) == (0, 0)


@pytest.mark.parametrize(
    ("lon", "epsg"), [(117.2, 4548), (104.1, 4544), (73.6, 4534), (118.49, 4548), (118.51, 4549)]
)
def test_the_zone_of_the_nearest_meridian_is_chosen(lon, epsg):
    assert coordinates.epsg_for(lon) == epsg


@pytest.mark.parametrize("epsg", [4512, 4555, 4326, 0])
def test_an_epsg_number_that_is_no_such_zone_is_refused(epsg):
    with pytest.raises(UnknownSystemError, match=f"EPSG {epsg} is no"):
        coordinates.wgs84_to_cgcs2000(117.0, 39.0, epsg)


def test_an_unknown_system_is_refused_with_the_known_ones():
    with pytest.raises(
        UnknownSystemError, match="'mars' is not known; use one of wgs84, cgcs2000, gcj02, bd09"
    ):
        coordinates.to_wgs84(117.0, 39.0, "mars")


@pytest.fixture(scope="module")
def vectors():
    if not SHARED.is_file():
        pytest.skip(f"the public cross-check points are not at {SHARED}")
    with SHARED.open(encoding="utf-8") as file:
        return [
            {key: float(value) for key, value in row.items() if value and key != "area"}
            for row in csv.DictReader(file)
        ]


def test_the_public_cross_check_points_agree_to_a_metre(vectors):
    for row in vectors:
        wgs84 = row["wgs84_lon"], row["wgs84_lat"]
        gcj02, bd09 = (row["gcj02_lon"], row["gcj02_lat"]), (row["bd09_lon"], row["bd09_lat"])
        assert metres(coordinates.wgs84_to_gcj02(*wgs84), gcj02) < 0.02
        assert metres(coordinates.wgs84_to_bd09(*wgs84), bd09) < 0.02
        assert metres(coordinates.gcj02_to_wgs84(*gcj02), wgs84) < 0.02
        assert metres(coordinates.bd09_to_wgs84(*bd09), wgs84) < 0.02
    assert len(vectors) == 125


def test_the_public_cross_check_metres_agree_to_a_millimetre(vectors):
    projected = [row for row in vectors if "epsg" in row]
    for row in projected:
        found = coordinates.wgs84_to_cgcs2000(row["wgs84_lon"], row["wgs84_lat"], int(row["epsg"]))
        assert found == pytest.approx((row["cgcs2000_3deg_x"], row["cgcs2000_3deg_y"]), abs=0.001)
    assert len(projected) == 123
