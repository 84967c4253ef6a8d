"""Roll-ups: right sums by area, and nothing in them that tells of a person or of rows one may not read."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.areas.tree import tree
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS
from citybrain.base.identity.errors import Refused
from citybrain.base.ledger.models import Entry
from citybrain.hub.forms import collecting
from citybrain.hub.forms.collecting.rollup import linked
from citybrain.hub.forms.collecting.rows import key_of
from citybrain.hub.forms.collecting.totals import counts_people, totals
from citybrain.hub.forms.columns import Asks, Column, Sums
from citybrain.hub.forms.models import Round, Row, Sheet
from citybrain.hub.forms.tests.rounds import COLUMNS, Gathering, make_form
from citybrain.hub.forms.tests.town import AT, TUANJIE, XINHUA, YOUYI


def number(letter: str, *path: str, personal: str = "none", sums: Sums = Sums.SUM, **more: Any) -> Column:
    return Column(letter, path, Asks.ANSWER, type="integer", personal=personal, sums=sums, **more)


FIGURES = (
    Column("A", ("社区",), Asks.AREA),
    number("B", "楼栋数"),
    number("C", "残疾人数", personal="sensitive"),
    number("D", "平均年龄", sums=Sums.MEAN),
    number("E", "最高龄", personal="personal", sums=Sums.MOST),
    number("F", "老人数", personal="personal"),
)
GIVEN: Mapping[str, Mapping[str, str]] = {
    YOUYI: {"B": "10", "C": "3", "D": "40", "E": "99", "F": "30"},
    TUANJIE: {"B": "20", "C": "40", "D": "45", "E": "101", "F": "50"},
    XINHUA: {"B": "5", "C": "9", "D": "50", "E": "88", "F": "20"},
}


def handed_in(gathering: Gathering, only: tuple[str, ...] = tuple(GIVEN)) -> Round:
    """Return a round of figures whose sheets were handed in."""
    form = make_form(gathering.town.city.agencies["civil_affairs-98"], FIGURES, shaped="figures")
    made = collecting.issue(
        gathering.office, form, gathering.town.city.areas["98"], 4, AT + timedelta(days=1)
    )
    for code in only:
        hand_in(made.sheets.get(area__code=code), {"area": GIVEN[code]}, FIGURES, "figures")
    return made


def hand_in(
    sheet: Sheet, cells: Mapping[str, Mapping[str, str]], columns: tuple[Column, ...], shaped: str
) -> None:
    """Put rows in and make the sheet reviewed."""
    from citybrain.hub.forms.collecting.filling import lines_of

    for place, (key, values) in enumerate(cells.items(), 1):
        marks = {letter: ["edit", "2026-11-21", "edited", 1] for letter in values}
        Row.objects.create(sheet=sheet, key=key, position=place, values=values, marks=marks)
    sheet.totals = totals(lines_of(sheet), columns, shaped)
    sheet.state, sheet.rows_count = "reviewed", len(cells)
    sheet.save()


def texts(found: collecting.Rollup, letter: str) -> dict[str, tuple[str, str]]:
    """Return (text, state) of a column by area, "" the total."""
    rows = {row.name: row for row in found.rows} | {"": found.total}
    return {name: (row.figures[letter].text, str(row.figures[letter].state)) for name, row in rows.items()}


def test_figures_are_added_up_by_area(gathering: Gathering) -> None:
    found = collecting.rollup(gathering.office, handed_in(gathering), 3)
    assert texts(found, "B") == {"建国街道": ("30", "shown"), "南门街道": ("5", "shown"), "": ("35", "shown")}
    assert texts(found, "D") == {
        "建国街道": ("42.5", "shown"),
        "南门街道": ("50", "shown"),
        "": ("45", "shown"),
    }
    assert [(row.name, row.sheets, row.handed_in) for row in found.rows] == [
        ("建国街道", 2, 2),
        ("南门街道", 1, 1),
    ]
    by_community = collecting.rollup(gathering.office, found_round(gathering), 4)
    assert [row.code for row in by_community.rows] == [YOUYI, TUANJIE, XINHUA]
    below = collecting.rollup(
        gathering.office, found_round(gathering), 4, within=gathering.town.city.areas["980101001"]
    )
    assert (texts(below, "B")[""], len(below.rows)) == (("30", "shown"), 2)


def found_round(gathering: Gathering) -> Round:
    return Round.objects.exclude(pk=gathering.round.pk).get()


def test_fewer_than_k_people_are_not_shown_at_any_level_nor_by_difference(gathering: Gathering) -> None:
    made = handed_in(gathering)
    by_community = texts(collecting.rollup(gathering.office, made, 4), "C")
    assert by_community["友谊社区"] == ("", "hidden")
    assert by_community["团结社区"] == ("", "hidden"), "or the street less this one told of three"
    assert by_community["新华社区"] == ("9", "shown")
    assert texts(collecting.rollup(gathering.office, made, 3), "C") == {
        "建国街道": ("43", "shown"), "南门街道": ("9", "shown"), "": ("52", "shown"),
    }  # fmt: skip
    inside = collecting.rollup(gathering.office, made, 4, within=gathering.town.city.areas["980101001"])
    assert texts(inside, "C")["团结社区"] == ("", "hidden"), "decided once, whatever is asked"
    assert texts(collecting.rollup(gathering.office, made, 4), "F")["友谊社区"] == ("30", "shown")


def test_the_most_and_least_of_personal_data_are_one_persons(gathering: Gathering) -> None:
    found = collecting.rollup(gathering.office, handed_in(gathering), 3)
    assert {state for _text, state in texts(found, "E").values()} == {"hidden"}


def test_personal_figures_wait_until_all_is_in_so_that_two_days_tell_nothing(gathering: Gathering) -> None:
    made = handed_in(gathering, (TUANJIE, XINHUA))
    before = collecting.rollup(gathering.office, made, 3)
    assert before.pending
    assert {state for _text, state in texts(before, "F").values()} == {"pending"}
    assert texts(before, "B")[""] == ("25", "shown"), "what isn't personal is shown as it comes in"
    collecting.close(gathering.office, made)
    after = collecting.rollup(gathering.office, made, 3)
    assert not after.pending
    assert texts(after, "F")[""] == ("70", "shown")


def test_who_holds_the_detail_may_ask_for_exact_figures_and_it_is_written_down(gathering: Gathering) -> None:
    made = handed_in(gathering)
    exact = collecting.rollup(gathering.office, made, 4, exact=True)
    assert texts(exact, "C")["友谊社区"] == ("3", "shown")
    assert texts(exact, "E")["团结社区"] == ("101", "shown")
    assert Entry.objects.filter(action="forms.rollup_exactly", actor=gathering.office.key).count() == 1
    chief = collecting.rollup(gathering.chief, made, 4, exact=True)
    assert texts(chief, "C")["友谊社区"] == ("", "hidden"), "who may only look holds no detail"


def test_a_roll_up_of_data_is_exact_only_under_the_offices_own_grant(gathering: Gathering) -> None:
    made = gathering.round
    for code, people in ((YOUYI, 3), (TUANJIE, 30), (XINHUA, 40)):
        tokens = [uuid4().hex for _one in range(people)]
        cells = {key_of(token, made.key_seed): {"B": "某", "D": "100"} for token in tokens}
        hand_in(made.sheets.get(area__code=code), cells, COLUMNS, "roster")
    exact = collecting.rollup(gathering.office, made, 4, exact=True)
    assert texts(exact, "D")["友谊社区"] == ("300", "shown")
    grant = gathering.town.grants["mz_subsistence"]
    grant.revoked_at = AT - timedelta(seconds=1)
    grant.save()
    ended = collecting.rollup(gathering.office, made, 4, exact=True)
    assert texts(ended, "D")["友谊社区"] == ("", "hidden")
    assert texts(ended, "B")["友谊社区"] == ("3", "shown"), "the register's grant still holds"


def test_in_a_form_that_does_not_ask_for_the_area_its_name_stands_in_a_column_that_is_not_added(
    gathering: Gathering,
) -> None:
    found = collecting.rollup(gathering.office, handed_in(gathering), 4)
    with_area = found.book_rows()
    note = Column("G", ("备注",), Asks.ANSWER)
    shape = (*(one for one in found.shape if one.asks != Asks.AREA), note)
    assert [row["G"] for row in replace(found, shape=shape).book_rows()] == [
        "友谊社区",
        "团结社区",
        "新华社区",
    ]
    assert replace(found, shape=(*found.shape, note)).book_rows() == with_area


def test_a_workbook_of_the_roll_up_holds_no_hidden_figure(gathering: Gathering) -> None:
    written = collecting.rollup(gathering.office, handed_in(gathering), 4).book_rows()
    assert written == [
        {"A": "友谊社区", "B": "10", "C": "*", "D": "40", "E": "*", "F": "30"},
        {"A": "团结社区", "B": "20", "C": "*", "D": "45", "E": "*", "F": "50"},
        {"A": "新华社区", "B": "5", "C": "9", "D": "50", "E": "*", "F": "20"},
    ]


def test_a_reviewer_rolls_up_their_own_street_and_nobody_elses(gathering: Gathering) -> None:
    made = handed_in(gathering)
    own = collecting.rollup(gathering.town.reviewer, made, 4)
    assert (own.total.name, [row.code for row in own.rows]) == ("建国街道", [YOUYI, TUANJIE])
    with pytest.raises(Forbidden):
        collecting.rollup(gathering.town.reviewer, made, 4, within=gathering.town.city.areas["980101002"])
    assert [row.code for row in collecting.rollup(gathering.town.leader, made, 4).rows] == [YOUYI]
    for stranger in (gathering.other_office, ANONYMOUS):
        with pytest.raises(Forbidden):
            collecting.rollup(stranger, made)
        assert not collecting.may_roll_up(stranger, made)


def test_sheets_sent_back_leave_the_roll_up(gathering: Gathering) -> None:
    made = handed_in(gathering)
    collecting.send_back(gathering.office, made.sheets.get(area__code=XINHUA), "楼栋数有误")
    assert texts(collecting.rollup(gathering.office, made, 3), "B")[""] == ("30", "shown")


def test_the_rows_themselves_are_read_by_right_and_written_down(gathering: Gathering) -> None:
    collecting.submit(gathering.town.leader, gathering.fill_all())
    assert collecting.details(gathering.office, gathering.round).total == 0, (
        "what no street has looked at stays below"
    )
    collecting.review(gathering.town.reviewer, gathering.sheet())
    page = collecting.details(gathering.office, gathering.round, limit=2)
    assert (page.total, len(page.rows), page.rows[0].area) == (4, 2, "友谊社区")
    everything = collecting.details(gathering.office, gathering.round)
    assert sorted(one.row.cells["B"].value for one in everything.rows) == sorted(
        ("王一", "李二", "赵三", "钱四")
    )
    assert Entry.objects.filter(action="forms.read_details").count() == 3
    grant = gathering.town.grants["ga_population"]
    grant.revoked_at = AT - timedelta(seconds=1)
    grant.save()
    hidden = collecting.details(gathering.office, gathering.round)
    names = {one.row.cells["B"].value for one in hidden.rows}
    assert names == {"", "钱四"}, "the tenant's name is from the residence permits, whose grant holds"
    assert hidden.withheld[:2] == ("B", "C")
    assert {one.get("B", "") for one in collecting.book_rows(gathering.office, gathering.round)} == names
    for stranger in (gathering.chief, gathering.other_office, gathering.town.leader):
        with pytest.raises(Forbidden):
            collecting.details(stranger, gathering.round)


def test_no_way_leads_to_another_areas_sheet(gathering: Gathering) -> None:
    collecting.submit(gathering.town.leader, gathering.fill_all())
    collecting.review(gathering.town.reviewer, gathering.sheet())
    sheet, stranger = gathering.sheet(), gathering.town.neighbour
    for way in (
        lambda: collecting.look(stranger, sheet),
        lambda: collecting.look(stranger, sheet, find="王"),
        lambda: collecting.changes(stranger, sheet, 0),
        lambda: collecting.open_sheet(stranger, sheet),
        lambda: collecting.export_rows(stranger, sheet),
        lambda: collecting.steps(stranger, sheet),
        lambda: collecting.cell_history(stranger, sheet, gathering.key("wang"), "E"),
        lambda: collecting.submit(stranger, sheet),
        lambda: collecting.review(stranger, sheet),
        lambda: collecting.send_back(stranger, sheet, "错"),
        lambda: collecting.accept(stranger, sheet),
    ):
        with pytest.raises((Refused, Forbidden)):
            way()
    assert not Sheet.objects.visible_to(stranger).filter(pk=sheet.pk).exists()
    assert not collecting.to_fill(stranger).filter(area__code=YOUYI).exists()


def test_who_only_looks_sees_no_row_of_a_roster(gathering: Gathering) -> None:
    sheet = gathering.fill_all()
    gathering.type_in(gathering.key("wang"), "B", "王壹", base=99)
    seen = collecting.look(gathering.chief, sheet)
    assert (seen.rows, seen.total, seen.cells, seen.withheld) == ((), 0, 0, ("B", "C", "D"))
    for word in ("王", "李", "910", "否"):
        assert collecting.look(gathering.chief, sheet, find=word).total == 0
    assert collecting.changes(gathering.chief, sheet, 0).rows == ()
    assert collecting.export_rows(gathering.chief, sheet) == []
    assert collecting.cell_history(gathering.chief, sheet, gathering.key("wang"), "B") == []
    by_area = collecting.progress(gathering.chief, gathering.round).areas
    assert [(one.counts.sheets, one.counts.cells) for one in by_area] == [(3, 0)], (
        "nor how many people there are"
    )
    assert collecting.progress(gathering.office, gathering.round).areas[0].counts.cells == 20


def test_who_only_looks_sees_figures_but_no_personal_ones(gathering: Gathering) -> None:
    made = handed_in(gathering)
    seen = collecting.look(gathering.chief, made.sheets.get(area__code=YOUYI))
    cells = seen.rows[0].cells
    assert {letter: cell.value for letter, cell in cells.items()} == {
        "A": "友谊社区", "B": "10", "C": "", "D": "40", "E": "", "F": "",
    }  # fmt: skip
    assert {str(cells[letter].state) for letter in "CEF"} == {"no_right"}
    assert collecting.look(gathering.chief, made.sheets.get(area__code=YOUYI), find="99").total == 0


def test_a_masked_cell_cannot_be_found_by_what_the_mask_hides(gathering: Gathering) -> None:
    sheet = gathering.opened()
    row = Row.objects.get(sheet=sheet, key=gathering.key("wang"))
    row.values["C"] = "980101195903050014"  # as filled under an older grant without a mask
    row.save()
    seen = collecting.look(gathering.town.leader, sheet)
    shown = next(one for one in seen.rows if one.key == row.key).cells["C"].value
    assert "19590305" not in shown
    assert "*" in shown
    assert collecting.look(gathering.town.leader, sheet, find="19590305").total == 0


def test_a_roll_up_costs_the_same_queries_however_many_sheets(gathering: Gathering) -> None:
    made = Round.objects.select_related("version", "form", "office").get(pk=handed_in(gathering).pk)
    with CaptureQueriesContext(connection) as queries:
        collecting.rollup(gathering.office, made, 4)
    assert len(queries) == 4
    assert tree().get(made.root_id).code == "98"


def test_totals_that_stand_beside_their_parts_are_linked() -> None:
    parts = [number("A", "性别", "男"), number("B", "性别", "女"), number("C", "户数")]
    assert linked(parts) == [["A", "B"]]
    assert linked([*parts, number("D", "合计")]) == [["A", "B", "C", "D"]]
    assert linked([number("A", "合计")]) == []


@pytest.mark.parametrize(
    ("column", "is_count"),
    [
        (number("A", "残疾人数"), True), (number("A", "年龄结构", "男"), True), (number("A", "低保", unit="户"), True),
        (number("A", "补贴金额", unit="元"), False), (number("A", "补贴金额"), False), (number("A", "楼栋数"), False),
        (number("A", "残疾人数", sums=Sums.MEAN), False),
    ],
)  # fmt: skip
def test_only_a_number_of_people_says_how_many_stand_behind_it(column: Column, is_count: bool) -> None:
    assert counts_people(column) is is_count


def test_what_another_set_stood_in_for_needs_that_sets_grant(gathering: Gathering) -> None:
    sheet = gathering.opened()
    assert collecting.look(gathering.town.leader, sheet, find="钱").total == 1
    grant = gathering.town.grants["ga_floating"]
    grant.revoked_at = AT - timedelta(seconds=1)
    grant.save()
    seen = collecting.look(gathering.town.leader, sheet)
    tenant = next(row for row in seen.rows if row.key == gathering.key("qian")).cells["B"]
    assert (tenant.value, str(tenant.state)) == ("", "no_right")
    assert collecting.look(gathering.town.leader, sheet, find="钱").total == 0
    assert collecting.look(gathering.town.leader, sheet, find="王").total == 1
