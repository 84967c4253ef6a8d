"""Where a message says it is."""

from citybrain.hub.hotline.reading.place import find_place
from citybrain.hub.hotline.reading.place_names import Gazetteer, KnownArea
from citybrain.hub.hotline.reading.tests.growth import cost
from citybrain.hub.hotline.reading.words import plain

CITY, EAST, WEST = 1, 2, 3
GAZETTEER = Gazetteer(
    [
        KnownArea(1, "滨城市", 1, (1, None, None, None, None)),
        KnownArea(2, "东河区", 2, (1, 2, None, None, None)),
        KnownArea(3, "西河区", 2, (1, 3, None, None, None)),
        KnownArea(4, "南营门街道", 3, (1, 2, 4, None, None)),
        KnownArea(5, "友谊街道", 3, (1, 3, 5, None, None)),
        KnownArea(6, "新兴社区", 4, (1, 2, 4, 6, None)),
        KnownArea(7, "新兴社区", 4, (1, 3, 5, 7, None)),
        KnownArea(8, "光明里社区居委会", 4, (1, 3, 5, 8, None), ("光明里",)),
        KnownArea(9, "第三网格", 5, (1, 3, 5, 8, 9)),
    ]
)


def spans(text: str) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in find_place(text, Gazetteer()).spans]


def areas(text: str, within: int | None = None) -> tuple[tuple[int, ...], bool]:
    found = find_place(text, GAZETTEER, within)
    return found.areas, found.certain


def test_roads_estates_landmarks_numbers_and_codes_are_found() -> None:
    assert spans("我住在A市A3区麓谷大道12号金色家园小区3号楼2单元,旁边是实验小学。") == [
        ("area_code", "A市A3区"), ("road", "麓谷大道"), ("number", "12号"), ("estate", "金色家园小区"),
        ("number", "3号楼2单元"), ("landmark", "实验小学"),
    ]  # fmt: skip
    assert spans("反映B7县河口镇红星村三组的水渠") == [
        ("area_code", "B7县"), ("area", "河口镇"), ("area", "红星村"), ("number", "三组"),
    ]  # fmt: skip
    assert spans("向阳路和平安街交口没有红绿灯") == [("road", "向阳路"), ("road", "平安街")]


def test_kinds_of_places_and_half_sentences_are_no_names() -> None:
    for text in (
        "人行道上停满了车,我们小区的老旧住宅没有电梯",
        "不知道怎么回家,一路走来马路上都是垃圾",
        "这个小区的物业,影响整个社区的道路",
        "车辆随意变道,堵在十字路口",
        "2019年3月5号办的卡,15号线还没开",
    ):
        assert spans(text) == [], text


def test_the_longest_piece_is_the_address() -> None:
    assert (
        find_place("东河区有人说,在西河区友谊街道光华路18号楼前", GAZETTEER).text
        == "西河区友谊街道光华路18号楼"
    )
    assert find_place("没有地方", GAZETTEER).text == ""


def test_a_name_that_two_areas_have_stays_two_candidates() -> None:
    assert areas("新兴社区的路灯坏了") == ((6, 7), False)


def test_another_name_narrows_it_to_one_and_it_is_certain() -> None:
    assert areas("西河区新兴社区的路灯坏了") == ((7,), True)
    assert areas("新兴社区路灯坏了,属南营门街道") == ((6,), True)


def test_a_hint_leaves_out_what_lies_elsewhere() -> None:
    assert areas("新兴社区的路灯坏了", WEST) == ((7,), True)
    assert areas("东河区的人都知道", WEST) == ((), False)


def test_two_places_are_two_candidates_never_a_certainty() -> None:
    assert areas("从东河区到西河区的公交") == ((2, 3), False)
    assert areas("西河区和南营门街道都停水") == ((4, 3), False)


def test_a_short_name_alone_is_a_candidate_only_and_part_of_another_name_is_nothing() -> None:
    assert areas("南营门那边停水了") == ((4,), False)
    assert areas("东河区南营门那边停水了") == ((4,), True)
    assert areas("南营门大街停水了") == ((), False)
    assert areas("滨城东河的路灯") == ((2,), False)


def test_other_names_count_and_the_city_alone_is_no_place() -> None:
    assert areas("光明里停水了") == ((8,), True)
    assert areas("光明里社区停水了") == ((8,), True)
    assert areas("滨城市的天气真好,第三网格") == ((), False)


def test_an_office_is_named_after_the_places_where_the_matter_is() -> None:
    assert areas("东河区教育局说不归他们管,学校在西河区") == ((2, 3), False) or areas(
        "东河区教育局说不归他们管,学校在西河区"
    ) == ((3, 2), False)


def test_a_gazetteer_of_100000_names_is_asked_as_quickly_as_one_of_ten() -> None:
    many = [KnownArea(at, f"第{at:05d}里社区", 4, (1, 2, 4, at, None)) for at in range(10, 100_010)]
    large = Gazetteer(many)
    text = plain("", "第04711里社区门口的路灯坏了三天没有人来修，" * 20)
    found = find_place(text, large)
    assert (found.areas, found.certain) == ((4711,), True)
    few = cost(lambda: find_place(text, GAZETTEER), runs=20)
    assert cost(lambda: find_place(text, large), runs=20) < 20 * few
