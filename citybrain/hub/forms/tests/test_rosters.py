"""Live rosters: who stands on one, by right; filters see what is shown; what changed; visits and views."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.catalogue.models import DataSet
from citybrain.base.exchange.models import Receipt
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.errors import Refused
from citybrain.base.ledger.models import Entry
from citybrain.hub.forms import rosters
from citybrain.hub.forms.models import Looked, Visit
from citybrain.hub.forms.rosters import Asked, Filter, Page, changes, visits
from citybrain.hub.forms.rosters.pages import OPS, ranked
from citybrain.hub.forms.rosters.standing import standing
from citybrain.hub.forms.tests.town import (
    AT,
    ROWS,
    SUN,
    WANG,
    YOUYI,
    ZHOU,
    Town,
    fill_rows,
)

STREET = "980101001"


def names(page: Page) -> list[str]:
    return [row.cells[0].value for row in page.rows]


def change(town: Town, code: str, rows: list[dict[str, Any]], version: int) -> None:
    fill_rows(code, town.sets[code].shape.to_json(), rows, version)
    DataSet.objects.filter(code=code).update(data_version=version)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("residents", ["李二", "钱四", "王一", "赵三"]),
        ("elders", ["王一"]),
        ("alone", ["王一"]),
        ("aid", ["王一"]),
        ("tenants", ["钱四"]),
        ("minors", ["赵三"]),
        ("disabled", []),
    ],
)
def test_a_roster_holds_those_of_the_area_who_stand_on_it_by_the_sound_of_their_names(
    town: Town,
    key: str,
    expected: list[str],
) -> None:
    assert names(rosters.rows(town.leader, key, town.area())) == expected


def test_every_shipped_roster_asks_for_fields_that_the_catalogue_has() -> None:
    from citybrain.base.catalogue.shipped import shipped

    shapes = {one.meta.code: one.shape for one in shipped()}
    for kind in rosters.rosters().values():
        asked = [field for field, _zh, _en in kind.columns] + [
            f"{one.dataset}.{each.field}"
            for one in kind.members
            for each in one.conditions(date(2026, 2, 28))
        ]
        assert all(shapes[one.partition(".")[0]].has(one.partition(".")[2]) for one in asked), kind.key
        assert set(kind.search) <= set(asked)
        assert all(shapes[one.dataset].subject for one in kind.members)


def test_a_street_sees_its_communities_and_nothing_of_others(town: Town) -> None:
    page = rosters.rows(town.reviewer, "elders", town.area(STREET))
    assert names(page) == ["孙五", "王一"]
    assert (page.total, page.members, page.pages) == (2, 2, 1)


def test_a_grid_worker_sees_the_people_of_the_grid(town: Town) -> None:
    assert names(rosters.rows(town.worker, "alone", town.area(f"{YOUYI}001"))) == ["王一"]
    with pytest.raises(Forbidden):
        rosters.rows(town.worker, "alone", town.area())


def test_filters_sorts_and_pages(town: Town) -> None:
    area = town.area(STREET)

    def asked(**values: Any) -> list[str]:
        return names(rosters.rows(town.reviewer, "elders", area, Asked(**values)))

    born = "ga_population.birth_date"
    assert asked(where=(Filter(born, "lt", "1955-01-01"),)) == ["孙五"]
    assert asked(where=(Filter("mz_subsistence.type", "filled"),)) == ["王一"]
    assert asked(where=(Filter("mz_subsistence.type", "empty"),)) == ["孙五"]
    assert asked(where=(Filter("ga_population.name", "prefix", "王"),)) == ["王一"]
    assert asked(sort=born) == ["孙五", "王一"]
    assert asked(sort=born, down=True) == ["王一", "孙五"]
    assert asked(search="孙") == ["孙五"]
    assert asked(size=1, page=2) == ["王一"]
    assert asked(size=1, page=99) == ["王一"], "the last page there is"
    assert asked(search="王大") == [], "only the columns of the search box are looked through"


def test_a_wish_that_is_read_from_a_browser_is_checked() -> None:
    asked = Asked((Filter("a.b", "le", "3"),), "x", "a.b", True, 1, 20, "due", "new")
    assert Asked.from_json(asked.to_json()) == asked
    for bad in ([], {"where": [["a", "drop", "x"]]}, {"where": [["a"]]}, {"visited": "x"}, {"page": "x"},
                {"where": [["a", "eq", "x"]] * 21}):  # fmt: skip
        with pytest.raises(Refused):
            Asked.from_json(bad)
    assert len(OPS) == 10


# --- rights -------------------------------------------------------------------------------------------------------


def test_who_has_no_rosters_in_an_area_gets_none_in_any_way(town: Town) -> None:
    for actor in (town.neighbour, town.keeper, town.worker):
        for attempt in (
            lambda: rosters.rows(actor, "elders", town.area()),  # noqa: B023
            lambda: rosters.table(actor, "elders", town.area()),  # noqa: B023
            lambda: rosters.members(actor, "elders", town.area()),  # noqa: B023
            lambda: changes.look(actor, "elders", town.area()),  # noqa: B023
            lambda: visits.visits_of(actor, town.area(), town.tokens["wang"]),  # noqa: B023
            lambda: visits.add_visit(actor, "elders", town.area(), town.tokens["wang"], "note", "x"),  # noqa: B023
        ):
            with pytest.raises(Forbidden):
                attempt()
    assert not Receipt.objects.exists()
    assert not Visit.objects.exists()


def test_a_column_without_a_right_is_neither_shown_nor_filtered_sorted_searched_or_taken_along(
    town: Town,
) -> None:
    town.grants["mz_subsistence"].delete()
    page = rosters.rows(town.leader, "elders", town.area())
    column = next(one for one in page.columns if one.column.field == "mz_subsistence.type")
    assert (column.state, set(column.values)) == ("no_right", {""})
    for asked in (
        Asked(where=(Filter("mz_subsistence.type", "filled"),)),
        Asked(sort="mz_subsistence.type"),
        Asked(where=(Filter("mz_subsistence.nothing", "filled"),)),
        Asked(sort="ga_population.alive"),
    ):
        with pytest.raises(Refused, match="没有此列，或您无权查看"):
            rosters.rows(town.leader, "elders", town.area(), asked)
        with pytest.raises(Refused):
            rosters.table(town.leader, "elders", town.area(), asked)
    taken = rosters.table(town.leader, "elders", town.area())
    assert "救助类型" not in taken.headings
    assert "救助类型" in taken.without
    assert not Receipt.objects.filter(dataset="mz_subsistence").exists()


def test_a_roster_whose_members_may_not_be_told_is_empty_and_says_why(town: Town) -> None:
    town.grants["mz_subsistence"].delete()
    page = rosters.rows(town.leader, "aid", town.area())
    assert (page.members, dict(page.not_asked)) == (0, {"mz_subsistence": "no_right"})
    one = town.grants["mz_key_elder"]
    one.masks = {"birth_date": "remove"}
    one.save()
    assert rosters.rows(town.leader, "alone", town.area()).not_asked["mz_key_elder"] == "no_right"


def test_what_is_behind_a_mask_can_not_be_found_by_filter_sort_or_search(town: Town) -> None:
    area, number = town.area(STREET), "ga_population.id_no"
    for value, op in ((WANG, "eq"), (WANG[6:14], "contains"), (WANG[:10], "prefix")):
        page = rosters.rows(town.reviewer, "elders", area, Asked(where=(Filter(number, op, value),)))
        assert page.total == 0
    one = town.grants["ga_population"]
    one.masks = {"name": "name", "id_no": "idcard", "birth_date": "remove"}
    one.save()
    page = rosters.rows(town.reviewer, "residents", area, Asked(search="王一"))
    assert page.total == 0
    assert not any(WANG in cell.value for row in page.rows for cell in row.cells)
    assert all(len(row.token) == 32 for row in rosters.rows(town.reviewer, "residents", area).rows)


def test_a_table_holds_what_the_page_shows_and_is_written_down(town: Town) -> None:
    taken = rosters.table(town.reviewer, "elders", town.area(STREET), Asked(search="王"))
    assert (taken.title, len(taken.rows)) == ("建国街道老年人", 1)
    assert (
        dict(zip(taken.headings, taken.rows[0], strict=True))["公民身份号码"]
        == f"{WANG[:6]}{'*' * 10}{WANG[-2:]}"
    )
    assert Entry.objects.filter(action="forms.take_roster", actor=town.reviewer.key).count() == 1


def test_counts_are_of_what_the_reader_may_see(town: Town) -> None:
    for one in (town.leader, town.reviewer):
        place = town.area() if one is town.leader else town.area(STREET)
        page = rosters.rows(one, "elders", place)
        assert page.counts["never"] == page.members == (1 if one is town.leader else 2)


# --- changes ------------------------------------------------------------------------------------------------------


def test_what_came_left_and_changed_since_the_last_look_is_told(town: Town) -> None:
    area = town.area(STREET)
    first = rosters.rows(town.reviewer, "elders", area)
    assert (first.looked_at, "new" in first.counts) == (None, False)
    people = [dict(one) for one in ROWS["ga_population"]]
    people = [one for one in people if one["id_no"] != SUN]
    people[0]["hukou_address"] = "津海市和平区友谊路8号"
    people[-1] |= {"id_no": ZHOU, "hukou_region": YOUYI}
    change(town, "ga_population", people, 8)
    elders = [dict(ROWS["mz_key_elder"][0])]
    change(town, "mz_key_elder", elders, 8)
    page = rosters.rows(town.reviewer, "elders", area)
    assert {name: page.counts[name] for name in ("new", "changed", "left")} == {
        "new": 1,
        "changed": 1,
        "left": 1,
    }
    told = {row.cells[0].value: (row.change, row.changed) for row in page.rows}
    assert told == {"周六": ("new", ()), "王一": ("changed", ("E",))}
    assert names(rosters.rows(town.reviewer, "elders", area, Asked(changed="new"))) == ["周六"]
    assert names(rosters.rows(town.reviewer, "elders", area, Asked(changed="changed"))) == ["王一"]
    changes.look(town.reviewer, "elders", area)
    again = rosters.rows(town.reviewer, "elders", area)
    assert {name: again.counts[name] for name in ("new", "changed", "left")} == {
        "new": 0,
        "changed": 0,
        "left": 0,
    }


def test_a_source_that_is_down_changes_nobody(town: Town) -> None:
    rosters.rows(town.leader, "elders", town.area())
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE serving.mz_subsistence_v7")
    page = rosters.rows(town.leader, "elders", town.area())
    assert page.counts["changed"] == 0
    assert next(one for one in page.columns if one.column.field == "mz_subsistence.type").state == "down"


def test_what_is_kept_of_a_look_holds_no_value(town: Town) -> None:
    rosters.rows(town.leader, "residents", town.area())
    held = bytes(Looked.objects.get().held)
    assert not any(text.encode() in held for text in (WANG, "王一", "1959-03-05"))


def test_a_large_roster_reads_only_the_page_and_what_decides_it(
    town: Town,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rosters.lists, "FULL", 1)
    page = rosters.rows(town.reviewer, "elders", town.area(STREET), Asked(size=1))
    assert (names(page), page.total, page.looked_at) == (["孙五"], 2, None)
    aid = Receipt.objects.filter(dataset="mz_subsistence")
    assert list(aid.values_list("keys", flat=True)) == [0], "only of whom is shown"
    assert not Looked.objects.exists()
    monkeypatch.setattr(rosters.lists, "MOST", 1)
    with pytest.raises(Refused, match="人员过多"):
        rosters.rows(town.reviewer, "elders", town.area(STREET))


# --- visits and views ---------------------------------------------------------------------------------------------


def test_visits_are_noted_of_people_of_the_area_and_found_again(town: Town) -> None:
    area, wang = town.area(), town.tokens["wang"]
    made = visits.add_visit(town.leader, "alone", area, wang, "visit", " 身体好 ", date(2026, 11, 20))
    assert (made.text, made.subject, WANG in str(made.__dict__)) == ("身体好", wang, False)
    row = rosters.rows(town.leader, "alone", area).rows[0]
    assert (row.visits, row.last_visit, row.next_on) == (1, AT, date(2026, 11, 20))
    assert names(rosters.rows(town.leader, "alone", area, Asked(visited="due"))) == ["王一"]
    assert names(rosters.rows(town.leader, "alone", area, Asked(visited="never"))) == []
    Visit.objects.update(at=AT - timedelta(days=31))
    assert names(rosters.rows(town.leader, "alone", area, Asked(visited="month"))) == ["王一"]
    assert [one.text for one in visits.visits_of(town.reviewer, town.area(STREET), wang)] == ["身体好"]
    with pytest.raises(Refused, match="不在本地区"):
        visits.add_visit(town.leader, "alone", area, town.tokens["sun"], "visit", "x")
    for kind, text in (("party", "x"), ("visit", " "), ("visit", "x" * 1001)):
        with pytest.raises(Refused):
            visits.add_visit(town.leader, "alone", area, wang, kind, text)


def test_a_saved_view_is_its_owner_s(town: Town) -> None:
    asked = Asked(where=(Filter("ga_population.name", "prefix", "王"),), down=True)
    view = visits.save_view(town.leader, "elders", "姓王的", asked)
    visits.save_view(town.leader, "elders", "姓王的", replace(asked, down=False))
    assert [Asked.from_json(one.asked).down for one in visits.views(town.leader, "elders")] == [False]
    assert visits.views(town.reviewer, "elders") == []
    assert not visits.drop_view(town.reviewer, view.pk)
    assert visits.drop_view(town.leader, view.pk)
    with pytest.raises(Refused):
        visits.save_view(town.leader, "elders", "  ", asked)


def test_a_page_of_a_roster_takes_a_fixed_number_of_queries(town: Town) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            rosters.rows(town.leader, "residents", town.area())
        return len(seen)

    rosters.rows(town.leader, "residents", town.area())
    before = count()
    people = [dict(ROWS["ga_population"][1]) | {"id_no": f"98010119800101{n:04d}"} for n in range(200)]
    change(town, "ga_population", people, 8)
    count()
    assert min(count(), count()) <= before  # areas are looked up again every few seconds


def test_words_that_look_like_numbers_are_ordered_as_words() -> None:
    values = ["NaN", "10", "Infinity", "9", ""]
    assert [values[at] for at in ranked(range(5), values, down=False)] == ["9", "10", "Infinity", "NaN", ""]
    assert not Filter("a.b", "eq", "NaN").holds("9")
    assert Filter("a.b", "eq", "NaN").holds("NaN")


def test_a_street_with_hundreds_of_grids_still_says_who_is_registered_in_it(
    monkeypatch: pytest.MonkeyPatch, town: Town
) -> None:
    regions = ("980101001001", "980101001002")
    grids = [f"980101001001{number:03}" for number in range(300)]
    monkeypatch.setattr("citybrain.hub.forms.rosters.standing.codes_within", lambda _node: [*regions, *grids])
    member = rosters.roster("registered").members[0]
    where = standing(member, town.area(STREET), AT)
    assert [one.value for one in where if one.op == "in"] == [regions]
