"""A sheet filled as a workbook comes back: shown first, saved once, never over what others typed or data says."""

from pathlib import Path
from uuid import uuid4

import pytest
from openpyxl.worksheet.worksheet import Worksheet

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.errors import Refused
from citybrain.base.ledger.models import Entry
from citybrain.hub.forms import book, collecting
from citybrain.hub.forms.collecting import CellEdit
from citybrain.hub.forms.collecting.aligning import Came, Held, Lost, align
from citybrain.hub.forms.collecting.bringing import bring, plan
from citybrain.hub.forms.collecting.comparing import Fate, Plan
from citybrain.hub.forms.columns import Asks
from citybrain.hub.forms.models import Edit, Row, Sheet
from citybrain.hub.forms.tests.rounds import Gathering
from citybrain.hub.forms.tests.taking import put, taken_out
from citybrain.hub.forms.tests.town import LI, WANG, Town, column


def told(made: Plan) -> list[tuple[str, str, str, Fate]]:
    return sorted((one.name, one.letter, one.after, one.fate) for one in made.moves)


def values(gathering: Gathering, who: str) -> dict[str, str]:
    return dict(Row.objects.get(sheet=gathering.sheet(), key=gathering.key(who)).values)


def test_what_was_filled_in_excel_is_shown_and_then_saved(gathered: Gathering, tmp_path: Path) -> None:
    stamp = gathered.sheet().stamp
    file = taken_out(
        gathered, tmp_path / "a.xlsx", put(("王一", "E", "是"), ("王一", "F", "3次"), ("钱四", "E", "否"))
    )
    made = plan(gathered.town.leader, gathered.sheet(), file, base=stamp)
    assert told(made) == [
        ("王一", "E", "是", Fate.CHANGE),
        ("王一", "F", "3", Fate.CHANGE),
        ("钱四", "E", "否", Fate.CHANGE),
    ]
    assert (made.new, made.lost, made.absent) == ([], [], 0)
    assert gathered.sheet().stamp == stamp  # nothing was written
    done = bring(gathered.town.leader, gathered.sheet(), file, base=stamp)
    assert (done.saved, done.rows, done.conflicts, done.refused) == (3, 0, (), ())
    assert values(gathered, "wang")["E"] == "是"
    assert values(gathered, "wang")["F"] == "3"
    assert gathered.sheet().stamp == stamp + 3
    assert Entry.objects.filter(action="forms.bring_sheet").count() == 1


def test_the_same_file_twice_changes_nothing(gathered: Gathering, tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        put(("李二", "E", "是"))(sheet)
        for letter, text in zip("BE", ("吴七", "否"), strict=True):
            sheet[f"{letter}7"] = text

    file = taken_out(gathered, tmp_path / "a.xlsx", change)
    first = bring(gathered.town.leader, gathered.sheet(), file)
    assert (first.saved, first.rows) == (3, 1)
    before = list(Edit.objects.values_list("client", flat=True).order_by("id"))
    stamp = gathered.sheet().stamp
    again = bring(gathered.town.leader, gathered.sheet(), file)
    assert (again.saved, again.rows, again.plan.moves, again.plan.new) == (0, 0, [], [])
    gathered.type_in(gathered.key("li"), "E", "否", base=stamp)  # put right on screen since
    third = bring(gathered.town.leader, gathered.sheet(), file)
    assert (third.saved, third.plan.moves, third.plan.again) == (0, [], 1)
    assert values(gathered, "li")["E"] == "否"
    assert list(Edit.objects.values_list("client", flat=True).order_by("id"))[: len(before)] == before
    assert Row.objects.filter(sheet=gathered.sheet(), key__startswith="n").count() == 1
    collecting.edit(
        gathered.town.leader, gathered.sheet(),
        [CellEdit(first.plan.new[0].key, "", "remove", gathered.sheet().stamp, uuid4())],
    )  # fmt: skip
    fourth = bring(gathered.town.leader, gathered.sheet(), file)
    assert (fourth.saved, fourth.rows, fourth.plan.new) == (0, 0, [])  # taken out, it stays out


def test_rows_that_were_sorted_otherwise_are_found_by_what_they_hold(
    gathered: Gathering, tmp_path: Path
) -> None:
    def change(sheet: Worksheet) -> None:
        put(("赵三", "E", "是"))(sheet)
        lines = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=3, max_row=6)]
        for at, line in enumerate(reversed(lines), 3):
            for to, value in enumerate(line, 1):
                sheet.cell(at, to).value = value

    made = plan(gathered.town.leader, gathered.sheet(), taken_out(gathered, tmp_path / "a.xlsx", change))
    assert told(made) == [("赵三", "E", "是", Fate.CHANGE)]
    assert made.lost == []


def test_what_others_typed_since_stays_unless_the_filler_chooses_otherwise(
    gathered: Gathering, tmp_path: Path
) -> None:
    stamp = gathered.sheet().stamp
    file = taken_out(gathered, tmp_path / "a.xlsx", put(("王一", "E", "是"), ("李二", "F", 2)))
    other = gathered.town.city.officer("bao", "grid_leader", gathered.sheet().area.code, "data_bureau-98")
    gathered.type_in(gathered.key("wang"), "E", "否", base=stamp, actor=other)
    gathered.type_in(
        gathered.key("zhao"), "E", "否", base=stamp, actor=other
    )  # not in the file: stays, unsaid
    made = plan(gathered.town.leader, gathered.sheet(), file, base=stamp)
    assert told(made) == [("李二", "F", "2", Fate.CHANGE), ("王一", "E", "是", Fate.CONFLICT)]
    clash = made.of(Fate.CONFLICT)[0]
    assert (clash.before, clash.who, clash.why) == ("否", "bao", "bao 已填“否”")
    assert [one.fate for one in plan(gathered.town.leader, gathered.sheet(), file).of(Fate.CONFLICT)] == [
        Fate.CONFLICT
    ]  # also where nobody knows when the file was taken out
    done = bring(gathered.town.leader, gathered.sheet(), file, base=stamp)
    assert (done.saved, len(done.conflicts)) == (1, 1)
    assert values(gathered, "wang")["E"] == "否"
    assert [one.after for one in collecting.kept_aside(gathered.town.leader, gathered.sheet())] == ["是"]
    shown = gathered.sheet().stamp
    chosen = bring(gathered.town.leader, gathered.sheet(), file, base=stamp, shown=shown, over=[clash.spot])
    assert (chosen.saved, chosen.conflicts) == (1, ())
    assert values(gathered, "wang")["E"] == "是"


def test_a_value_that_only_others_changed_is_no_conflict(gathered: Gathering, tmp_path: Path) -> None:
    gathered.type_in(gathered.key("wang"), "E", "是", base=gathered.sheet().stamp)
    stamp = gathered.sheet().stamp
    file = taken_out(gathered, tmp_path / "a.xlsx", put(("李二", "E", "是")))
    other = gathered.town.city.officer("bao", "grid_leader", gathered.sheet().area.code, "data_bureau-98")
    gathered.type_in(gathered.key("wang"), "E", "否", base=stamp, actor=other)
    for base in (stamp, None):
        made = plan(gathered.town.leader, gathered.sheet(), file, base=base)
        assert told(made) == [("李二", "E", "是", Fate.CHANGE)]
        assert made.earlier == 1


def test_what_data_says_is_disputed_not_overwritten(gathered: Gathering, tmp_path: Path) -> None:
    file = taken_out(gathered, tmp_path / "a.xlsx", put(("王一", "D", 1000), ("王一", "E", "是")))
    done = bring(gathered.town.leader, gathered.sheet(), file)
    assert told(done.plan) == [("王一", "D", "1000", Fate.DATA), ("王一", "E", "是", Fate.CHANGE)]
    assert values(gathered, "wang")["D"] == "910.5"
    assert done.saved == 1


def test_what_cannot_be_stands_with_its_reason_and_stops_nothing_else(
    gathered: Gathering, tmp_path: Path
) -> None:
    changes = put(("王一", "E", "也许"), ("李二", "F", "很多"), ("赵三", "F", 120), ("钱四", "E", "是"))
    made = bring(
        gathered.town.leader, gathered.sheet(), taken_out(gathered, tmp_path / "a.xlsx", changes)
    ).plan
    assert {one.name: one.why for one in made.of(Fate.REFUSED)} == {
        "王一": "“也许”不在可选项中：是、否。",
        "李二": "“很多”不是数字。",
        "赵三": "不能大于 99，现为 120。",
    }
    assert values(gathered, "qian")["E"] == "是"


def test_an_emptied_cell_and_a_missing_row_change_nothing(gathered: Gathering, tmp_path: Path) -> None:
    gathered.type_in(gathered.key("wang"), "E", "是", base=gathered.sheet().stamp)

    def change(sheet: Worksheet) -> None:
        put(("王一", "E", None))(sheet)
        sheet.delete_rows(6)

    made = plan(gathered.town.leader, gathered.sheet(), taken_out(gathered, tmp_path / "a.xlsx", change))
    assert (made.moves, made.new, made.lost) == ([], [], [])
    assert (made.emptied, made.absent) == (1, 1)


def test_what_may_not_be_seen_is_neither_told_nor_changed_nor_guessed_at(
    gathered: Gathering, tmp_path: Path
) -> None:
    """Identity numbers are masked for the filler: whole ones in a file find nobody, and are told nothing of."""
    town: Town = gathered.town
    lines = collecting.export_rows(town.leader, gathered.sheet())
    masked = {line["B"]: line["C"] for line in lines}
    assert WANG not in masked.values()

    def guess(sheet: Worksheet) -> None:
        rows = {sheet.cell(at, 2).value: at for at in range(3, 7)}
        sheet[f"C{rows['王一']}"] = WANG
        for at, text in ((rows["李二"], "不明"), (7, "某人")):
            sheet[f"B{at}"], sheet[f"D{at}"], sheet[f"E{at}"] = text, None, "是"
            sheet[f"C{at}"] = LI

    made = plan(town.leader, gathered.sheet(), taken_out(gathered, tmp_path / "a.xlsx", guess))
    hidden = made.of(Fate.HIDDEN)
    assert [(one.name, one.letter, one.before) for one in hidden] == [("王一", "C", masked["王一"])]
    assert {one.key for one in made.moves} & {gathered.key("li")} == set()
    shown = repr([(one.before, one.why, one.who, one.column) for one in made.moves]) + repr(made.notes)
    assert WANG not in shown
    assert LI not in shown
    town.grants["mz_subsistence"].revoked_at = town.grants["mz_subsistence"].valid_from
    town.grants["mz_subsistence"].save()
    file = taken_out(gathered, tmp_path / "b.xlsx", put(("王一", "D", 5)))
    after = plan(town.leader, gathered.sheet(), file)
    assert [(one.letter, one.before, one.fate) for one in after.moves] == [("D", "", Fate.HIDDEN)]
    assert bring(town.leader, gathered.sheet(), file).saved == 0
    assert values(gathered, "wang")["D"] == "910.5"


def test_nobody_brings_into_a_sheet_that_is_not_theirs_or_handed_in(
    gathered: Gathering, tmp_path: Path
) -> None:
    file = taken_out(gathered, tmp_path / "a.xlsx", put(("王一", "E", "是")))
    for actor in (gathered.town.neighbour, gathered.town.worker, gathered.office):
        with pytest.raises((Refused, Forbidden)):
            bring(actor, gathered.sheet(), file)
    Sheet.objects.filter(pk=gathered.sheet().pk).update(state="submitted")
    with pytest.raises(Refused, match="本表已上报"):
        plan(gathered.town.leader, gathered.sheet(), file)
    assert Edit.objects.count() == 0


def test_another_form_or_another_area_is_not_taken(gathered: Gathering, tmp_path: Path) -> None:
    def other_area(sheet: Worksheet) -> None:
        for at in range(3, 7):
            sheet[f"G{at}"], sheet[f"E{at}"] = "团结社区", "是"

    made = plan(gathered.town.leader, gathered.sheet(), taken_out(gathered, tmp_path / "a.xlsx", other_area))
    assert {one.why for one in made.lost} == {Lost.ELSEWHERE}
    assert (made.moves, made.new) == ([], [])

    def other_head(sheet: Worksheet) -> None:
        sheet["E2"] = "是否养猫"

    with pytest.raises(book.NotTaken):
        plan(gathered.town.leader, gathered.sheet(), taken_out(gathered, tmp_path / "b.xlsx", other_head))


ALIGNED = (
    column("A", "ga_population.name", "姓名", type="varchar(50)"),
    column("B", "ga_population.sex", "性别", type="varchar(4)"),
    column("C", "ga_population.birth_date", "出生日期", type="date"),
    column("D", "", "电话", asks=Asks.ANSWER),
)


def held(*lines: tuple[str, ...]) -> list[Held]:
    return [Held(f"h{at}", dict(zip("ABCD", line, strict=False))) for at, line in enumerate(lines)]


def came(*lines: tuple[str, ...], first: int = 3) -> list[Came]:
    return [
        Came(at + first, at, dict(zip("ABCD", line, strict=False)), f"n{at}") for at, line in enumerate(lines)
    ]


PEOPLE = (("王一", "女", "1959-03-05"), ("李二", "女", "1986-01-02"), ("赵三", "男", "2017-06-01"))


def test_two_of_the_same_name_are_told_apart_or_not_at_all() -> None:
    twins = (("王一", "女"), ("王一", "女"), ("赵三", "男"))
    moved = align(ALIGNED, held(*twins), came(twins[2], twins[0], twins[1]))
    assert moved.pairs == {3: "h2"}
    assert moved.lost == {4: Lost.SEVERAL, 5: Lost.SEVERAL}
    assert align(ALIGNED, held(*twins), came(*twins)).pairs == {
        3: "h0",
        4: "h1",
        5: "h2",
    }  # nothing was moved


def test_one_value_of_data_may_differ_but_not_the_name() -> None:
    moved = align(ALIGNED, held(*PEOPLE), came(("李二", "男", "1986-01-02"), PEOPLE[0]))
    assert moved.pairs == {3: "h1", 4: "h0"}
    renamed = align(ALIGNED, held(*PEOPLE), came(PEOPLE[0], ("李贰", "女", "1986-01-02"), PEOPLE[2]))
    assert renamed.pairs == {3: "h0", 5: "h2"}
    assert renamed.lost == {4: Lost.OTHER}


def test_a_row_in_the_middle_does_not_shift_those_that_bear_nothing() -> None:
    typed = (("王一",), ("李二",), ("赵三",))
    lines = (("王一",), ("新人",), ("李二",), ("赵三",))
    found = align(ALIGNED, held(*typed), came(*lines))
    assert found.pairs == {3: "h0", 5: "h1", 6: "h2"}
    assert found.new == [4]


def test_rows_of_blanks_stay_in_place_only_where_nothing_moved() -> None:
    blank = (("王一", "女", "1959-03-05"), ("", "", ""))
    assert align(ALIGNED, held(*blank), came(blank[0], ("吴七", "男", ""))).pairs == {3: "h0", 4: "h1"}
    moved = align(ALIGNED, held(*blank), came(("吴七", "男", ""), blank[0]))
    assert moved.pairs == {4: "h0"}
    assert moved.lost == {3: Lost.OTHER}


def test_a_sheet_of_figures_has_one_row() -> None:
    found = align(ALIGNED, held(("12",)), came(("13",), ("14",)), alone=True)
    assert found.pairs == {3: "h0"}
    assert found.lost == {4: Lost.NO_ROWS}
