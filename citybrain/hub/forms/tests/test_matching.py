"""A column's name finds the field that is meant, by its meaning, its owner and what the form is about."""

import pytest

from citybrain.base.catalogue.shipped import shipped
from citybrain.hub.forms.matching import Column, Matcher, heading, of_shapes


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
    other = "ga_population.hukou_address"
    assert first != other
    taught = Matcher(matcher.fields, {heading(column.path).joined: "mz_key_elder.address"})
    match = taught.answers("居民台账", "", [column])[0].matches[0]
    assert (match.known.key, match.confidence, match.why[0]) == ("mz_key_elder.address", 0.99, "learnt")
