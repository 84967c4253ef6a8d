"""Typing into a sheet: nothing overwritten, nothing lost, nothing twice, and nothing that can't be."""

from uuid import uuid4

import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.errors import Refused
from citybrain.hub.forms import collecting
from citybrain.hub.forms.collecting import CellEdit
from citybrain.hub.forms.collecting.checking import BadCell, checked
from citybrain.hub.forms.columns import Asks, Column
from citybrain.hub.forms.models import Edit, Row
from citybrain.hub.forms.tests.rounds import Gathering


def cell(type_: str = "varchar(20)", **more: object) -> Column:
    return Column("A", ("列",), Asks.ANSWER, type=type_, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "written", "kept"),
    [
        (cell(), "  王\u3000一 \x07", "王 一"),
        (cell("integer"), " 1 200 ", "1200"),
        (cell("integer"), "\uff11\uff12", "12"),
        (cell("integer", unit="人"), "35人", "35"),
        (cell("decimal(10,2)"), "1,234.50", "1234.50"),
        (cell("decimal(10,2)"), "910.00", "910"),
        (cell("date"), "2026年3月5日", "2026-03-05"),
        (cell("date"), "20260305", "2026-03-05"),
        (cell("date"), "2026/3/5 08:30", "2026-03-05"),
        (cell("timestamp"), "2026-3-5 8:30", "2026-03-05 08:30:00"),
        (cell("boolean"), "√", "是"),
        (cell(check="gb11643"), " 98010119590305001x ".replace("x", "0"), None),
        (cell("integer"), "", ""),
    ],
)
def test_values_are_kept_in_one_writing(column: Column, written: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(BadCell, match="校验位"):
            checked(column, written)
    else:
        assert checked(column, written) == kept


@pytest.mark.parametrize(
    ("column", "written", "why"),
    [
        (cell("integer"), "十二", "不是数字"),
        (cell("integer"), "NaN", "不是数字"),
        (cell("integer"), "1.5", "应为整数"),
        (cell("integer", minimum=0, maximum=120), "-1", "不能小于 0"),
        (cell("integer", minimum=0, maximum=120), "121", "不能大于 120，现为 121"),
        (cell("date"), "2026-02-30", "不是日期"),
        (cell("date"), "昨天", "不是日期"),
        (cell("boolean"), "也许", "是”或“否"),
        (cell("varchar(4)"), "一二三四五", "最多 4 字，现有 5 字"),
        (cell(options=("是", "否")), "也许", "可选项中：是、否"),
        (cell(), "长" * 2001, "最多 2000 字"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(column: Column, written: str, why: str) -> None:
    with pytest.raises(BadCell, match=why):
        checked(column, written)


def test_a_bad_value_stops_no_other_of_its_batch(gathering: Gathering) -> None:
    sheet, key = gathering.opened(), gathering.key("wang")
    saved = collecting.edit(
        gathering.town.leader, sheet,
        [
            CellEdit(key, "E", "也许", 1, uuid4()), CellEdit(key, "F", "7", 1, uuid4()),
            CellEdit(key, "A", "9", 1, uuid4()), CellEdit("p" + "0" * 32, "E", "是", 1, uuid4()),
            CellEdit(key, "Z", "1", 1, uuid4()),
        ],
    )  # fmt: skip
    assert [one.did for one in saved.results] == ["refused", "saved", "refused", "refused", "refused"]
    assert [bool(one.reason) for one in saved.results] == [True, False, True, True, True]
    assert (saved.stamp, saved.cells_missing, Edit.objects.count()) == (2, 4, 1)


def test_an_edit_sent_twice_counts_once_and_is_answered_alike(gathering: Gathering) -> None:
    gathering.opened()
    client = uuid4()
    first = gathering.type_in(gathering.key("wang"), "E", "是", base=1, client=client)
    again = gathering.type_in(gathering.key("wang"), "E", "是", base=1, client=client)
    assert first == again
    assert (gathering.sheet().stamp, Edit.objects.count()) == (2, 1)


def test_two_people_on_one_cell_overwrite_nothing(gathering: Gathering) -> None:
    gathering.opened()
    key, other = gathering.key("wang"), gathering.town.reviewer
    assert gathering.type_in(key, "E", "是", base=1).did == "saved"
    late, client = uuid4(), None
    beaten = gathering.type_in(key, "E", "否", base=1, actor=other, client=late)
    assert (beaten.did, beaten.who, beaten.cell and beaten.cell.value) == ("conflict", "zhang", "是")
    assert gathering.type_in(key, "E", "否", base=1, actor=other, client=late).did == "conflict", (
        "asked again: the same"
    )
    assert Row.objects.get(sheet=gathering.sheet(), key=key).values["E"] == "是"
    assert [(one.after, one.applied) for one in collecting.kept_aside(other, gathering.sheet())] == [
        ("否", False)
    ]
    chosen = gathering.type_in(key, "E", "否", base=beaten.stamp, actor=other, client=client)
    assert chosen.did == "saved"
    history = collecting.cell_history(gathering.town.leader, gathering.sheet(), key, "E")
    assert [(one["name"], one["after"], one["applied"]) for one in history] == [
        ("he", "否", True), ("he", "否", False), ("zhang", "是", True),
    ]  # fmt: skip


def test_people_on_different_cells_do_not_disturb_each_other(gathering: Gathering) -> None:
    gathering.opened()
    key = gathering.key("wang")
    assert gathering.type_in(key, "E", "是", base=1).did == "saved"
    assert gathering.type_in(key, "F", "2", base=1, actor=gathering.town.reviewer).did == "saved"
    assert (
        gathering.type_in(gathering.key("li"), "E", "否", base=1, actor=gathering.town.reviewer).did
        == "saved"
    )
    changed = collecting.changes(gathering.town.leader, gathering.sheet(), 2)
    assert {row.key for row in changed.rows} == {gathering.key("wang"), gathering.key("li")}


def test_the_same_word_of_two_people_is_no_conflict(gathering: Gathering) -> None:
    gathering.opened()
    gathering.type_in(gathering.key("wang"), "E", "是", base=1)
    assert (
        gathering.type_in(gathering.key("wang"), "E", "是", base=1, actor=gathering.town.reviewer).did
        == "saved"
    )
    assert gathering.sheet().stamp == 2


def test_what_one_typed_offline_arrives_in_its_order(gathering: Gathering) -> None:
    sheet, key = gathering.opened(), gathering.key("wang")
    edits = [CellEdit(key, "F", str(one), 1, uuid4()) for one in (1, 12, 3)]
    saved = collecting.edit(gathering.town.leader, sheet, edits)
    assert {one.did for one in saved.results} == {"saved"}
    assert collecting.edit(gathering.town.leader, sheet, edits).stamp == saved.stamp
    assert Row.objects.get(sheet=sheet, key=key).values["F"] == "3"
    assert gathering.type_in(key, "F", "4", base=1).did == "saved", "one's own word is never a stranger's"


def test_rows_are_added_taken_out_and_put_back(gathering: Gathering) -> None:
    sheet, key = gathering.opened(), "n" + uuid4().hex

    def step(row: str, what: str) -> collecting.Saved:
        return collecting.edit(gathering.town.leader, sheet, [CellEdit(row, "", what, 1, uuid4())])

    step(key, "add")
    assert gathering.type_in(key, "B", "新人", base=2).did == "saved"
    now = gathering.sheet()
    assert (now.rows_count, now.cells, now.cells_missing) == (5, 25, 5)
    assert step(gathering.key("wang"), "remove").cells == 20
    seen = collecting.look(gathering.town.leader, sheet)
    assert [row.cells["B"].value for row in seen.rows][-1] == "新人"
    assert gathering.key("wang") not in {row.key for row in seen.rows}
    assert [row.removed for row in collecting.changes(gathering.town.leader, sheet, 3).rows] == [True]
    assert step(gathering.key("wang"), "restore").cells == 25
    assert step("n123", "add").results[0].did == "refused"
    assert step(key, "dance").results[0].did == "refused"
    assert step("p" + "1" * 32, "remove").results[0].did == "refused"


def test_counts_kept_by_steps_are_those_of_a_recount(gathering: Gathering) -> None:
    from citybrain.hub.forms.collecting import filling

    sheet = gathering.fill_all()
    gathering.type_in(gathering.key("wang"), "D", "1000", base=99)
    gathering.type_in(gathering.key("li"), "E", "", base=99)
    collecting.edit(
        gathering.town.leader, sheet, [CellEdit(gathering.key("zhao"), "", "remove", 99, uuid4())]
    )
    kept = gathering.sheet()
    counts = (kept.rows_count, kept.cells, kept.cells_known, kept.cells_missing)
    filling.recount(kept, filling.lines_of(kept), kept.round.version.shape)
    assert counts == (kept.rows_count, kept.cells, kept.cells_known, kept.cells_missing) == (3, 15, 6, 1)


def test_who_does_not_fill_here_cannot_type(gathering: Gathering) -> None:
    gathering.opened()
    key = gathering.key("wang")
    with pytest.raises(Refused, match="没有找到"):
        gathering.type_in(key, "E", "是", actor=gathering.town.neighbour)
    with pytest.raises(Forbidden):
        gathering.type_in(key, "E", "是", actor=gathering.chief)
    with pytest.raises(Refused, match="没有找到"):
        gathering.type_in(key, "E", "是", actor=gathering.office)
    with pytest.raises(Refused, match="一次最多"):
        collecting.edit(
            gathering.town.leader, gathering.sheet(), [CellEdit(key, "E", "是", 1, uuid4())] * 2_001
        )
