import json
from datetime import date, timedelta

import pytest
import shapely
from django.utils import timezone

from citybrain.base.areas import index, shapes, tree
from citybrain.base.areas.actions import (
    Part,
    apply_due,
    merge_areas,
    recode_area,
    rename_area,
    split_area,
    withdraw_decision,
)
from citybrain.base.areas.doer import OPERATOR, NotAllowedError
from citybrain.base.areas.errors import AreaError
from citybrain.base.areas.models import Area, AreaChange, AreaDecision, DecisionState
from citybrain.base.areas.tests.conftest import Manager, area, inside, square
from citybrain.base.areas.tree import AmbiguousCode, UnknownCode
from citybrain.base.ledger.models import Entry

pytestmark = pytest.mark.django_db


def code_of(code, on=None):
    return tree.tree().by_code(code, on).code


def same(one, other):
    return one.symmetric_difference(other).area < 1e-12


def today():
    return timezone.localdate()


def test_a_renamed_area_keeps_its_id_and_remembers_its_name(city):
    before = area("990101002")
    rename_area(OPERATOR, before.id, " 白塔街道 ", document="津海政2026-7号")
    after = area("990101002")
    assert (after.id, after.name, after.name_en, after.kind) == (
        before.id,
        "白塔街道",
        "Baita Subdistrict",
        "subdistrict",
    )
    change = AreaChange.objects.select_related("decision").get()
    assert (change.from_name, change.to_name, change.at) == ("白塔镇", "白塔街道", today())
    assert (change.decision.document, change.decision.actor) == ("津海政2026-7号", "system")
    assert Entry.objects.filter(action="areas.rename", subject=f"area:{before.id}").count() == 1


def test_a_recoded_district_takes_those_below_with_it_and_all_old_codes_resolve(city):
    ids = {code: area(code).id for code in ("990101", "990101002001002")}
    recode_area(OPERATOR, ids["990101"], "990115")
    assert (area("990101").code, area("990101").id) == ("990115", ids["990101"])
    assert (area("990101002001002").code, area("990101002001002").id) == (
        "990115002001002",
        ids["990101002001002"],
    )
    assert AreaChange.objects.count() == 9
    assert code_of("990102001") == "990102001"


def test_a_code_given_away_and_taken_again_means_what_it_meant_on_the_day(city):
    old = area("990101").id
    recode_area(OPERATOR, old, "990115", at=today() - timedelta(days=30))
    recode_area(OPERATOR, area("990102").id, "990101", at=today() - timedelta(days=10))
    assert tree.tree().by_code("990101", today() - timedelta(days=40)).id == old
    assert tree.tree().by_code("990101").name == "西山区"
    assert tree.tree().by_code("990101", today() - timedelta(days=10)).name == "西山区"
    assert tree.tree().by_code("990102").name == "西山区"


def test_recoding_with_another_parent_moves_the_area_and_redraws_both(shaped_city):
    street = area("990101002")
    recode_area(OPERATOR, street.id, "990102003", parent_id=area("990102").id)
    grid = area("990101002001001")
    assert grid.code == "990102003001001"
    assert tree.tree().full_name(grid.id) == "津海市西山区白塔镇白塔村第1网格"
    assert index.locate_one(*inside(2)) == grid.lineage
    assert same(shapes.geometry(area("990101").id), square(0, 2))
    assert same(shapes.geometry(area("990102").id), square(2, 6))


def test_merged_areas_resolve_to_the_whole_and_old_rows_stay_in_scope(shaped_city):
    one, two = area("990101001"), area("990101002")
    merge_areas(OPERATOR, [one.id, two.id], "990101005", "湖滨街道")
    whole = area("990101005")
    assert [code_of("990101001"), code_of("990101002")] == ["990101005"] * 2
    assert set(tree.tree().scope_ids(whole.id)) == {whole.id, one.id, two.id}
    assert tree.tree().get(one.id).in_force is False
    assert [node.code for node in tree.tree().children(whole.id)] == ["990101001001", "990101002001"]
    assert index.locate_one(*inside(3)) == area("990101002001002").lineage
    assert area("990101002001002").lineage[2] == whole.id
    assert same(shapes.geometry(whole.id), square(0, 4))
    assert tree.tree().contains(whole.id, one.id)


def test_a_merge_into_one_of_them_lets_that_one_go_on(shaped_city):
    one, two = area("990101001"), area("990101002")
    merge_areas(OPERATOR, [two.id, one.id], "990101001", "柳塔街道")
    assert (area("990101002").id, area("990101002").name) == (one.id, "柳塔街道")
    assert tree.tree().scope_ids(one.id) == (one.id, two.id)
    assert sorted(AreaChange.objects.values_list("kind", flat=True)) == ["merge", "rename"]


def test_merges_of_merges_resolve_to_the_last(city):
    ids = [area(code).id for code in ("990101001", "990101002")]
    merge_areas(OPERATOR, ids, "990101005", "湖滨街道")
    merge_areas(
        OPERATOR,
        [area("990101005").id, area("990102001").id],
        "990101006",
        "大街道",
        parent_id=area("990101").id,
    )
    assert code_of("990101001") == code_of("990102001") == "990101006"
    assert len(tree.tree().scope_ids(area("990101006").id)) == 5


def split_street(**options):
    return split_area(
        OPERATOR,
        area("990101001").id,
        [
            Part("990101011", "柳东街道", shape=square(1), **options),
            Part("990101010", "柳西街道", shape=square(0)),
        ],
    )


def test_a_split_code_is_ambiguous_and_a_point_settles_it(shaped_city):
    community = area("990101001001")
    split_street(children=[community.id])
    with pytest.raises(AmbiguousCode, match="990101010 柳西街道, 990101011 柳东街道") as caught:
        tree.tree().by_code("990101001")
    assert [node.code for node in caught.value.successors] == ["990101010", "990101011"]
    community_id = community.id
    assert area("990101001001").lineage[2] == area("990101011").id == tree.tree().get(community_id).parent_id
    assert index.by_code_at("990101001", *inside(1)).code == "990101011"
    with pytest.raises(AmbiguousCode):
        index.by_code_at("990101001", *inside(6))


def test_children_go_to_the_part_that_holds_them(shaped_city):
    split_area(
        OPERATOR,
        area("990101").id,
        [Part("990111", "湖东区", shape=square(2, 2)), Part("990110", "湖西区", shape=square(0, 2))],
    )
    homes = {code: tree.tree().get(area(code).parent_id).code for code in ("990101001", "990101002")}
    assert homes == {"990101001": "990110", "990101002": "990111"}
    assert index.by_code_at("990101", *inside(2)).code == "990111"
    assert set(tree.tree().scope_ids(area("990110").id)) >= {area("990110").id}


def test_a_part_may_keep_the_old_code(city):
    old = area("990101001001001").id
    day = today() - timedelta(days=1)
    split_area(
        OPERATOR, old, [Part("990101001001001", "第1网格"), Part("990101001001003", "第3网格")], at=day
    )
    assert area("990101001001001").id != old
    with pytest.raises(AmbiguousCode):
        tree.tree().by_code("990101001001001", day - timedelta(days=1))
    assert set(tree.tree().scope_ids(area("990101001001003").id)) == {area("990101001001003").id, old}


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([Part("990101010", "甲街道")], "two parts at least"),
        ([Part("990101010", "甲街道"), Part("990101010", "乙街道")], "share a code"),
        ([Part("990101010", "甲街道"), Part("990101002", "乙街道")], "990101002 is held by 白塔镇"),
        ([Part("990101010", "甲街道"), Part("990110", "乙区")], "has 6 digits, which no street has"),
        ([Part("990101010", " "), Part("990101011", "乙街道")], "printable characters are needed"),
        (
            [Part("990101010", "甲街道", shape=square(0)), Part("990101011", "乙街道")],
            "1 of 2 parts have a shape",
        ),
        (
            [Part("990101010", "甲街道", shape=square(0, 2)), Part("990101011", "乙街道", shape=square(1))],
            "overlap",
        ),
        (
            [Part("990101010", "甲街道"), Part("990101011", "乙街道")],
            "say which part gets 990101001001 柳林社区",
        ),
        (
            [Part("990101010", "甲街道", children=[1]), Part("990101011", "乙街道")],
            "not right below 990101001",
        ),
        ([Part("99x", "甲街道"), Part("990101011", "乙街道")], "只能由数字组成"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused_and_writes_nothing(city, parts, reason):
    with pytest.raises(AreaError, match=reason):
        split_area(OPERATOR, area("990101001").id, parts)
    assert (AreaDecision.objects.count(), Area.objects.count()) == (0, 19)


@pytest.mark.parametrize(
    ("codes", "into", "reason"),
    [
        (["990101001"], "990101005", "two different areas"),
        (["990101001", "990101001"], "990101005", "two different areas"),
        (["990101001", "990102"], "990101005", "not of one level"),
        (["990101001", "990101002"], "990102001", "held by 石桥街道"),
        (["990101001", "990101002"], "990105", "has 6 digits"),
    ],
)
def test_a_merge_that_makes_no_sense_is_refused(city, codes, into, reason):
    with pytest.raises(AreaError, match=reason):
        merge_areas(OPERATOR, [area(code).id for code in codes], into, "某街道")


@pytest.mark.parametrize(
    ("new_code", "reason"),
    [
        ("990102", "held by 西山区"),
        ("990101", "already"),
        ("9901", "has 4 digits"),
        ("99010a", "只能由数字组成"),
    ],
)
def test_a_recoding_that_makes_no_sense_is_refused(city, new_code, reason):
    with pytest.raises(AreaError, match=reason):
        recode_area(OPERATOR, area("990101").id, new_code)


def test_a_decision_for_a_day_ahead_waits_for_it(city):
    day = today() + timedelta(days=3)
    decision = rename_area(OPERATOR, area("990101").id, "东湖新区", at=day)
    assert (decision.state, area("990101").name) == (DecisionState.PENDING, "东湖区")
    assert apply_due(day - timedelta(days=1)) == 0
    Area.objects.filter(pk=area("990102").id).update(name="东湖区")
    assert apply_due(day) == 1
    assert area("990101").name == "东湖新区"
    assert apply_due(day) == 0
    assert AreaChange.objects.get().at == day
    actions = (
        Entry.objects.filter(action__startswith="areas.rename")
        .order_by("id")
        .values_list("action", flat=True)
    )
    assert list(actions) == ["areas.rename.planned", "areas.rename.applied"]


def test_a_split_planned_ahead_keeps_its_shapes(shaped_city):
    day = today() + timedelta(days=1)
    grid = area("990101001001001")
    west, east = (shapely.box(117 + x, 39, 117.005 + x, 39.01) for x in (0, 0.005))
    split_area(
        OPERATOR,
        grid.id,
        [Part("990101001001008", "西", shape=west), Part("990101001001009", "东", shape=east)],
        at=day,
    )
    assert index.locate_one(117.002, 39.005) == grid.lineage
    apply_due(day)
    assert index.locate_one(117.002, 39.005) == area("990101001001008").lineage
    assert index.locate_one(117.008, 39.005) == area("990101001001009").lineage


def test_a_plan_that_no_longer_fits_on_its_day_fails_with_the_reason(city):
    day = today() + timedelta(days=2)
    decision = recode_area(OPERATOR, area("990101").id, "990120", at=day)
    recode_area(OPERATOR, area("990102").id, "990120")
    assert apply_due(day) == 1
    decision.refresh_from_db()
    assert (decision.state, decision.failure) == (DecisionState.FAILED, "the code 990120 is held by 西山区")
    assert area("990101").code == "990101"


def test_a_plan_can_be_withdrawn_until_it_holds(city):
    decision = rename_area(OPERATOR, area("990101").id, "东湖新区", at=today() + timedelta(days=2))
    withdraw_decision(OPERATOR, decision.pk)
    assert apply_due(today() + timedelta(days=5)) == 0
    with pytest.raises(AreaError, match="is not waiting"):
        withdraw_decision(OPERATOR, decision.pk)


@pytest.mark.parametrize(("at", "reason"), [(date(2999, 1, 1), "more than ten years"), (None, "lies before")])
def test_impossible_days_are_refused(city, at, reason):
    rename_area(OPERATOR, area("990101").id, "东湖新区")
    with pytest.raises(AreaError, match=reason):
        rename_area(OPERATOR, area("990101").id, "东湖", at=at or today() - timedelta(days=1))


def test_nobody_changes_areas_beyond_their_own(city):
    east = Manager(areas=(area("990101").id,))
    inner, outer = area("990101001"), area("990102001")
    rename_area(east, inner.id, "杨林街道")
    for attempt in (
        lambda: rename_area(east, outer.id, "外"),
        lambda: recode_area(east, inner.id, "990102009", parent_id=area("990102").id),
        lambda: merge_areas(east, [inner.id, outer.id], "990101009", "大"),
        lambda: split_area(east, outer.id, [Part("990102008", "甲"), Part("990102009", "乙")]),
        lambda: rename_area(Manager(), inner.id, "外"),
    ):
        with pytest.raises(NotAllowedError):
            attempt()
    entry = Entry.objects.get(actor="person:7")
    assert json.loads(entry.body)["areas"] == ["990101001 柳林街道"]


def test_ended_and_unknown_areas_are_not_changed(city):
    one, two = area("990101001"), area("990101002")
    merge_areas(OPERATOR, [one.id, two.id], "990101001", "柳林街道")
    with pytest.raises(AreaError, match="990101002 白塔镇 has ended"):
        rename_area(OPERATOR, two.id, "白塔街道")
    with pytest.raises(AreaError, match="no area with id 0"):
        rename_area(OPERATOR, 0, "x")
    with pytest.raises(UnknownCode, match="has or had the code '990199'"):
        tree.tree().by_code("990199")


def test_padded_codes_and_a_municipalitys_paper_city_resolve(city):
    assert [code_of(code) for code in ("990101000000", "9901", "9902", "990100")] == [
        "990101",
        "99",
        "99",
        "99",
    ]


def test_the_tree_is_read_with_three_queries(city, django_assert_num_queries):
    with django_assert_num_queries(3):
        assert len(tree.read_tree()) == 19
