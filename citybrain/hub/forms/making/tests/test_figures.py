"""A column of a table of figures is matched to a live roster by its names, corrected, remembered, and assessed."""

import pytest

from citybrain.base.catalogue.actions import publish_at_once
from citybrain.base.catalogue.models import Grant
from citybrain.base.catalogue.quality import measured
from citybrain.base.catalogue.shipped import shipped
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.errors import Refused
from citybrain.hub.forms.columns import Asks, Sums
from citybrain.hub.forms.making import actions, assessing, lists, meanings
from citybrain.hub.forms.making.actions import About
from citybrain.hub.forms.making.assessing import Advice, Knows
from citybrain.hub.forms.making.tests.conftest import Hall
from citybrain.hub.forms.matching import Column, counts
from citybrain.hub.forms.models import Form, Shaped

NAMES = ("社区", "老年人口数", "其中：80岁以上", "独居老人数（人）", "残疾人数", "床位数（张）")
TITLE = "社区老年人口统计表"


def matched(title: str, *paths: tuple[str, ...]) -> list[tuple[str, float] | None]:
    found = counts(title, [Column(str(at), path) for at, path in enumerate(paths)])
    return [None if one is None else (one.counted.key, one.confidence) for one in found]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (("老年人口数",), "roster:elders"),
        (("1.老年人口数（人）",), "roster:elders"),
        (("老年人口", "合计"), "roster:elders"),
        (("老年人口", "其中：80周岁及以上"), "roster:elders/80-"),
        (("老年人口", "女"), "roster:elders/women"),
        (("60-69岁老年人数",), "roster:elders/60-69"),
        (("老年人口（60岁以上）",), "roster:elders/60-"),
        (("常住人口", "男", "60岁以上"), "roster:population/60-/men"),
        (("高龄老人数",), "roster:elders/80-"),
        (("独居老年人数",), "roster:alone"),
        (("老年人口", "独居"), "roster:alone"),
        (("户籍人口数",), "roster:registered"),
        (("常住人口", "未满16周岁"), "roster:population/-15"),
        (("流动人口数",), "roster:floating"),
        (("低保", "户数"), "roster:aid_homes"),
        (("低保", "人数"), "roster:aid_people"),
        (("特困人员（人）",), "roster:destitute"),
        (("重点人群", "残疾人"), "roster:disabled"),
        (("退役军人数",), "roster:veterans"),
        (("未成年人数",), "roster:minors"),
        (("登记失业人员",), "roster:unemployed"),
    ],
)
def test_a_heading_says_what_is_counted(path: tuple[str, ...], key: str) -> None:
    (found,) = matched("情况表", path)
    assert found is not None
    assert found[0] == key
    assert found[1] >= 0.9


@pytest.mark.parametrize(
    "path",
    [
        ("老年人就餐人数",), ("残疾人补贴金额（元）",), ("子女数",), ("低保户数（人）",), ("低保金额",),
        ("老年人户数（户）",), ("户籍老年人口",), ("低保残疾人数",), ("男女老年人",),
        ("低保人口", "女"), ("老年人活动室",), ("备注",), ("80岁以上",),
    ],
)  # fmt: skip
def test_what_no_roster_tells_is_not_counted(path: tuple[str, ...]) -> None:
    assert matched("情况表", path) == [None]


def test_a_part_belongs_to_the_column_before_and_a_bare_one_to_the_title() -> None:
    assert matched("情况表", ("常住人口数",), ("其中：男",), ("其中：女",)) == [
        ("roster:population", 0.95), ("roster:population/men", 0.85), ("roster:population/women", 0.85),
    ]  # fmt: skip
    assert matched("独居老人统计表", ("80岁以上",), ("床位数",), ("其中：女",)) == [
        ("roster:alone/80-", 0.6), None, ("roster:alone/women", 0.6),
    ]  # fmt: skip
    assert matched("情况表", ("总人口",)) == [("roster:population", 0.6)], "of several meanings"


def columns(form: Form) -> dict[str, tuple[str, str]]:
    form.refresh_from_db()
    assert form.current is not None
    return {one.letter: (str(one.asks), one.field) for one in form.current.shape}


def test_a_table_of_figures_is_drafted_to_count(hall: Hall) -> None:
    hall.sets()
    form = hall.form(NAMES, TITLE)
    assert form.shaped == Shaped.FIGURES
    assert columns(form) == {
        "A": ("area", ""), "B": ("count", "roster:elders"), "C": ("count", "roster:elders/80-"),
        "D": ("count", "roster:alone"), "E": ("count", "roster:disabled"), "F": ("answer", ""),
    }  # fmt: skip
    one = form.current.shape[1]  # type: ignore[union-attr]
    assert (one.type, one.personal, one.sums, one.confidence) == ("integer", "personal", Sums.SUM, 0.95)
    assert actions.unsettled(form.current.shape) == ()  # type: ignore[union-attr]


def test_in_a_roster_nobody_is_counted(hall: Hall) -> None:
    hall.sets()
    form = hall.form(("姓名", "身份证号", "残疾人数"), "老年人名册")
    assert "count" not in {asks for asks, _field in columns(form).values()}
    with pytest.raises(Refused, match="一地一行"):
        actions.correct_column(hall.civil, form, "C", field="roster:disabled")


def test_a_correction_is_remembered_for_the_next_table(hall: Hall) -> None:
    hall.sets()
    form = hall.form(NAMES, TITLE)
    actions.correct_column(hall.civil, form, "F", field="roster:veterans")
    actions.correct_column(hall.civil, form, "E", field="", asks="answer")
    actions.correct_column(hall.civil, form, "B", field="roster:registered/60-")
    again = hall.form(NAMES, TITLE)
    assert {letter: columns(again)[letter] for letter in "BEF"} == {
        "B": ("count", "roster:registered/60-"), "E": ("answer", ""), "F": ("count", "roster:veterans"),
    }  # fmt: skip
    assert again.current.shape[5].why == ("learnt",)  # type: ignore[union-attr]
    elsewhere = hall.form(NAMES, TITLE, actor=hall.health, office="health-980101")
    assert columns(elsewhere)["F"] == ("count", "roster:veterans")
    assert [one.letter for one in actions.unsettled(elsewhere.current.shape)] == ["B", "F"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "key", ["roster:nobody", "roster:elders/x", "roster:aid_people/80-", "roster:elders/9-8"]
)
def test_a_figure_that_is_not_there_is_refused(hall: Hall, key: str) -> None:
    form = hall.form(NAMES, TITLE)
    with pytest.raises(Refused, match="没有"):
        actions.correct_column(hall.civil, form, "B", field=key)


def test_a_column_counts_only_with_a_figure(hall: Hall) -> None:
    form = hall.form(NAMES, TITLE)
    with pytest.raises(Refused, match="请选择"):
        actions.correct_column(hall.civil, form, "F", asks=Asks.COUNT)


def test_figures_are_offered_before_fields(hall: Hall) -> None:
    hall.sets()
    form = hall.form(NAMES, TITLE)
    offered = lists.candidates(hall.civil, form)
    assert (offered["C"][0].key, offered["C"][0].confidence) == ("roster:elders/80-", 0.85)
    assert offered["C"][0].field_zh == "老年人口数 · 80岁及以上"


def _figures_sets(hall: Hall) -> None:
    sets = hall.sets()
    one = next(one for one in shipped() if one.meta.code == "ga_floating")
    sets["ga_floating"], _ = publish_at_once(SYSTEM, hall.body("police-98"), one.meta, one.shape)
    measured("ga_floating", 1, 10, 0, sets["ga_population"].created_at, total=10)
    meanings.forget()
    for code in ("ga_population", "ga_floating", "mz_key_elder"):
        sets[code].refresh_from_db()
        hall.lend(sets[code], sets[code].shape.names)


def test_what_is_counted_counts_as_known(hall: Hall) -> None:
    _figures_sets(hall)
    form = hall.form(("社区", "老年人口数", "其中：女", "残疾人数", "退役军人数", "床位数（张）"), TITLE)
    found = {one.name: one for one in assessing.assess(hall.civil, form).columns}
    assert {name: (one.knows, one.share) for name, one in found.items()} == {
        "社区": (Knows.ITSELF, 1.0), "老年人口数": (Knows.GRANTED, 1.0), "其中：女": (Knows.GRANTED, 1.0),
        "残疾人数": (Knows.EMPTY, 0.0), "退役军人数": (Knows.NOT, 0.0), "床位数（张）": (Knows.NOT, 0.0),
    }  # fmt: skip
    assert found["老年人口数"].dataset_zh == "户籍人口基本信息、流动人口居住登记、重点关爱老年人名册"


def test_figures_without_the_grants_are_held_by_who_is_to_be_asked(hall: Hall) -> None:
    _figures_sets(hall)
    Grant.objects.filter(dataset__code="mz_key_elder").update(masks={"birth_date": "last_four"})
    form = hall.form(("社区", "老年人口数", "户籍人口数"), TITLE)
    found = assessing.assess(hall.civil, form)
    elders, registered = found.columns[1:]
    assert (elders.knows, elders.ask) == (Knows.HELD, "津海市民政局")
    assert (registered.knows, registered.ask) == (Knows.GRANTED, "")
    assert found.advice == Advice.TAKE


def test_figures_above_a_street_are_not_known(hall: Hall) -> None:
    _figures_sets(hall)
    form = hall.form(NAMES[:4], TITLE, about=About(purpose="x", basis="x", fillers=2))
    assert assessing.assess(hall.civil, form).columns[1].knows == Knows.NOT


def test_two_tables_that_count_the_same_are_alike(hall: Hall) -> None:
    _figures_sets(hall)
    hall.admitted(("社区", "老年人口数", "独居老人数"), TITLE)
    here = hall.form(
        ("社区", "老人数", "独居老年人数"), "老年人情况统计表", actor=hall.health, office="health-980101"
    )
    (same,) = assessing.assess(hall.health, here).same
    assert (same.share, same.covers) == (1.0, True)
