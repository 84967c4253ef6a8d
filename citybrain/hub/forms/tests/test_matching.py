"""A column's name finds the field that is meant, by its meaning, its owner and what the form is about."""

import pytest

from citybrain.base.catalogue.shipped import shipped
from citybrain.hub.forms.matching import Column, Matcher, heading, of_shapes
from citybrain.hub.forms.matching.examples import fits
from citybrain.hub.forms.matching.heads import heads


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(
        of_shapes([(one.meta.code, one.meta.name_zh, one.provider, one.shape) for one in shipped()])
    )


@pytest.mark.parametrize(
    ("path", "leaf", "role", "concept", "unit", "hint"),
    [
        (("姓　 名",), "姓名", "", "name", "", ""),
        (("1.身份证\n号码*",), "身份证号码", "", "id_no", "", ""),
        (("户主", "联系电话"), "联系电话", "householder", "phone", "", ""),
        (("监护人姓名",), "监护人姓名", "guardian", "name", "", ""),
        (("户籍地", "详细地址"), "详细地址", "", "hukou_address", "", ""),
        (("法定代表人", "姓名"), "姓名", "legal", "legal_person", "", ""),
        (("补贴金额（元）",), "补贴金额", "", "amount", "元", ""),
        (("出生日期(格式:2024-01-01)",), "出生日期", "", "birth_date", "", "date"),
        (("是否独居",), "是否独居", "", "live_alone", "", "truth"),
        (("房屋面积", "㎡"), "房屋面积", "", "area", "m2", ""),
        ((), "", "", None, "", ""),
    ],
)
def test_a_heading_is_taken_apart(
    path: tuple[str, ...], leaf: str, role: str, concept: str | None, unit: str, hint: str
) -> None:
    found = heading(path)
    assert (found.leaf, found.role, found.concept, found.unit, found.hint) == (
        leaf,
        role,
        concept,
        unit,
        hint,
    )


def best(matcher: Matcher, title: str, office: str, *paths: str) -> list[str | None]:
    columns = [Column("A", tuple(path.split("/"))) for path in paths]
    return [
        one.computed or (one.matches[0].known.key if one.matches else None)
        for one in matcher.answers(title, office, columns)
    ]


def test_the_form_decides_whose_name_is_meant(matcher: Matcher) -> None:
    paths = ("序号", "姓名", "身份证号", "性别", "年龄", "紧急联系人/联系电话", "失能情况", "备注")
    assert best(matcher, "独居老年人巡访登记表", "民政", *paths) == [
        "number", "ga_population.name", "ga_population.id_no", "ga_population.sex", "age",
        "mz_key_elder.contact1_phone", "mz_key_elder.disability_level", "remark",
    ]  # fmt: skip
    assert best(matcher, "残疾人两项补贴台账", "残联", "姓名", "残疾证号", "残疾类别", "残疾级别") == [
        "cl_disabled.name", "cl_disabled.cert_no", "cl_disabled.category", "cl_disabled.level",
    ]  # fmt: skip
    assert best(matcher, "沿街商铺安全检查表", "市场监管", "店铺名称", "营业执照号", "法人代表", "经营范围") == [
        "sj_enterprise.name", "sj_enterprise.uscc", "sj_enterprise.legal_person", "sj_enterprise.scope",
    ]  # fmt: skip


def test_what_nobody_knows_is_left_open(matcher: Matcher) -> None:
    answers = matcher.answers(
        "居民摸底表", "", [Column("A", ("最喜欢的颜色",)), Column("B", ("",)), Column("C", ("甲乙丙丁",))]
    )
    assert [
        (one.computed, [match for match in one.matches if match.confidence > 0.3]) for one in answers
    ] == [(None, [])] * 3


def test_a_correction_is_remembered_and_told(matcher: Matcher) -> None:
    column = Column("A", ("对象/家庭住址",))
    first = matcher.answers("居民台账", "", [column])[0].matches[0].known.key
    assert first != "mz_key_elder.address"
    taught = Matcher(matcher.fields, {heading(column.path).joined: "mz_key_elder.address"})
    match = taught.answers("居民台账", "", [column])[0].matches[0]
    assert (match.known.key, match.confidence, match.why[0]) == ("mz_key_elder.address", 0.99, "learnt")


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("手机号", {"phone"}), ("来电号码", {"phone", "number"}), ("残疾人证号", {"number"}), ("整改期限", {"time"}),
        ("家庭住址", {"place"}), ("补贴金额", {"money"}), ("涉及人数", {"count"}), ("调解员", {"person"}),
        ("残疾等级", {"kind"}), ("备注", set()), ("节日", set()),
    ],
)  # fmt: skip
def test_a_name_tells_by_its_end_what_kind_of_thing_it_is(name: str, kinds: set[str]) -> None:
    assert heads(name) == kinds


def test_what_is_of_another_kind_or_another_person_does_not_come_first(matcher: Matcher) -> None:
    assert best(matcher, "网格员信息表", "街镇", "网格员联系电话", "网格员姓名") == [
        "cg_grid.staff_phone", "cg_grid.staff_name",
    ]  # fmt: skip
    assert best(matcher, "新生儿信息登记表", "卫健", "新生儿姓名", "母亲姓名", "母亲身份证号") == [
        "wj_birth.baby_name", "ga_population.name", "wj_birth.mother_id",
    ]  # fmt: skip
    assert best(matcher, "低保家庭年审表", "民政", "是否在保", "银行卡账号")[0] == "mz_subsistence.status"


def test_a_cell_that_contradicts_a_type_speaks_against_the_field(matcher: Matcher) -> None:
    def fit(key: str, heading_: str, *cells: str) -> float:
        return fits(matcher.by_key[key], heading((heading_,)), cells)

    assert fit("mz_key_elder.birth_date", "出生", "1950-01-02") == 1.0
    assert fit("mz_key_elder.birth_date", "出生", "张三") == 0.0
    assert fit("mz_key_elder.name", "姓名", "1950-01-02") == 0.5
    assert fit("zr_address.room", "室", "501", "102") == 1.0
    assert fit("mz_subsistence.household_size", "人数", "3人") == 1.0
    assert fit("mz_subsistence.household_size", "人数", "很多") == 0.0
    assert fit("ga_population.id_no", "号", "11010119900307803X") == 1.0
    assert fit("ga_population.id_no", "号", "110101199003078031") == 0.5
    assert fit("cg_grid.households", "户数（户）") == 1.0


def test_what_others_said_is_offered_but_never_certain(matcher: Matcher) -> None:
    column = Column("A", ("心愿清单",))
    (answer,) = matcher.answers("居民台账", "", [column], None, {"心愿清单": "mz_care_record.need"})
    assert (answer.matches[0].known.key, answer.matches[0].confidence, answer.matches[0].why[0]) == (
        "mz_care_record.need", 0.79, "heard",
    )  # fmt: skip
    (none,) = matcher.answers("居民台账", "", [Column("A", ("姓名",))], {"姓名": ""})
    assert none.unknown
    assert none.matches[0].known.key == "ga_population.name"
    (gone,) = matcher.answers("居民台账", "", [column], {"心愿清单": "ended.set"})
    assert (gone.unknown, gone.matches) == (False, ())
