import pytest

from citybrain.base.areas import codes
from citybrain.base.areas.models import Kind, Level
from citybrain.base.areas.names import english_name, pinyin_key


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("990101", "990101"),
        (" 990101.0 ", "990101"),
        ("990000", "99"),
        ("990100", "9901"),
        ("990101000000", "990101"),
        ("990101001000", "990101001"),
        ("990101001001000", "990101001001"),
        ("9901 0100 1", "990101001"),
    ],
)
def test_padding_is_taken_off_a_code(given, code):
    assert codes.normalise(given) == code


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "代码为空"),
        ("99O101", "只能由数字组成"),
        ("\uff19\uff19\uff10\uff11", "只能由数字组成"),
        ("99010", "有 5 位"),
        ("019901", "以 0 开头"),
        ("9.9e10", "只能由数字组成"),
        ("-99", "只能由数字组成"),
    ],
)
def test_what_can_be_no_code_is_refused_with_the_reason(given, reason):
    with pytest.raises(codes.BadCode, match=reason):
        codes.normalise(given)


@pytest.mark.parametrize(
    ("code", "name", "kind"),
    [
        ("99", "津海市", Kind.MUNICIPALITY),
        ("9901", "津海市", Kind.PREFECTURE),
        ("990122", "青县", Kind.COUNTY),
        ("990181", "青山市", Kind.COUNTY_CITY),
        ("990101", "东湖区", Kind.DISTRICT),
        ("990101001", "柳林街道", Kind.SUBDISTRICT),
        ("990101100", "白塔镇", Kind.TOWN),
        ("990101400", "高新技术产业园", Kind.ZONE),
        ("990101001001", "柳林社区居委会", Kind.COMMUNITY),
        ("990101001200", "白塔村委会", Kind.VILLAGE),
        ("990101001200001", "第1网格", Kind.GRID),
    ],
)
def test_the_kind_is_read_from_the_name(code, name, kind):
    assert codes.kind_from_name(code, name, codes.level_of(code)) == kind


def test_names_are_found_by_pinyin_and_initials():
    assert pinyin_key("重庆市") == "chongqingshi cqs"
    assert pinyin_key("A区（3）") == "aqu3 aq3"


@pytest.mark.parametrize(
    ("name", "level", "english"),
    [
        ("津海市", Level.CITY, "Jinhai"),
        ("青山市", Level.DISTRICT, "Qingshan City"),
        ("东湖区", Level.DISTRICT, "Donghu District"),
        ("柳林街道", Level.STREET, "Liulin Subdistrict"),
        ("白塔村委会", Level.COMMUNITY, "Baita Village"),
        ("城区", Level.DISTRICT, "Cheng District"),
        ("区", Level.DISTRICT, "Qu"),
    ],
)
def test_an_english_name_is_made_from_the_chinese_one(name, level, english):
    assert english_name(name, level) == english
