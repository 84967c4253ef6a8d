"""A form's way: issued, filled by right, handed in under a signature, reviewed, accepted; reminders and progress."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.areas.tree import tree
from citybrain.base.exchange.models import Receipt
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.errors import Refused
from citybrain.base.lake.models import Serving
from citybrain.base.ledger.models import Entry
from citybrain.hub.forms import collecting
from citybrain.hub.forms.collecting import CellEdit, rows
from citybrain.hub.forms.models import Answered, Row, Sheet
from citybrain.hub.forms.tests.rounds import COLUMNS, Gathering, make_form
from citybrain.hub.forms.tests.town import AT, LI, QIAN, ROWS, WANG, YOUYI, fill_rows, number


def cells(seen: collecting.Seen, key: str) -> dict[str, tuple[str, str]]:
    """Return (value, state) of a row by letter."""
    row = next(one for one in seen.rows if one.key == key)
    return {letter: (cell.value, str(cell.state)) for letter, cell in row.cells.items()}


def test_a_form_reaches_every_area_of_the_level_in_one_statement(gathering: Gathering) -> None:
    form = gathering.form
    with CaptureQueriesContext(connection) as queries:
        made = collecting.issue(
            gathering.office, form, gathering.town.city.areas["980101"], 3, AT + timedelta(days=1)
        )
    assert sorted(made.sheets.values_list("area__code", flat=True)) == ["980101001", "980101002"]
    assert sum("INSERT INTO forms_sheet" in one["sql"] for one in queries) == 1
    assert gathering.round.sheets.count() == 3
    sheet = gathering.sheet()
    assert sheet.guard_lineage() == tree().get(sheet.area_id).lineage
    assert gathering.round.number == f"TB2026{gathering.round.pk:07d}"


def test_only_an_admitted_form_is_issued_by_its_own_office_to_areas_it_has(gathering: Gathering) -> None:
    place, due = gathering.town.city.areas["98"], AT + timedelta(days=1)
    with pytest.raises(Forbidden):
        collecting.issue(gathering.other_office, gathering.form, place, 4, due)
    draft = make_form(gathering.town.city.agencies["civil_affairs-98"], state="draft")
    with pytest.raises(Refused, match="未经准入"):
        collecting.issue(gathering.office, draft, place, 4, due)
    with pytest.raises(Refused, match="现在之后"):
        collecting.issue(gathering.office, gathering.form, place, 4, AT - timedelta(minutes=1))
    with pytest.raises(Refused, match="填报层级"):
        collecting.issue(gathering.office, gathering.form, gathering.town.city.areas[YOUYI], 3, due)
    east = make_form(gathering.town.city.agencies["city_mgmt-980102"])
    chief = gathering.town.city.officer(
        "dong", "form_manager", "980102", "city_mgmt-980102", with_agency=True
    )
    with pytest.raises(Refused, match="管辖范围"):
        collecting.issue(chief, east, place, 4, due)


def test_a_sheet_fills_itself_with_source_and_day_and_asks_only_for_what_is_missing(
    gathering: Gathering,
) -> None:
    sheet = gathering.opened()
    assert (sheet.state, sheet.rows_count, sheet.stamp) == ("filling", 4, 1)
    seen = collecting.look(gathering.town.leader, sheet)
    wang, li = cells(seen, gathering.key("wang")), cells(seen, gathering.key("li"))
    assert wang["B"] == ("王一", "known")
    assert wang["C"][0] != WANG, "the number is granted under a mask"
    assert (wang["D"], li["D"]) == (("910.5", "known"), ("", "none"))
    assert wang["E"] == ("", "missing")
    assert wang["G"] == ("友谊社区", "known")
    row = next(one for one in seen.rows if one.key == gathering.key("wang"))
    assert (row.cells["B"].source, row.cells["B"].as_of) == ("ga_population", "2026-11-20")
    # four people: name and number known of each, one allowance; a name and an answer are required of each
    assert (seen.cells, seen.cells_known, seen.cells_missing) == (4 * 5, 4 + 4 + 1, 4)
    assert sheet.filled_from["ga_population"]["grant"] == gathering.town.grants["ga_population"].number
    receipt = Receipt.objects.filter(grant_id=gathering.town.grants["mz_subsistence"].pk)
    assert receipt.count() == 1
    assert not any(WANG in str(one) for one in Row.objects.values_list("key", "values", "marks"))


def test_a_row_bears_a_key_of_its_own_round(gathering: Gathering) -> None:
    token = gathering.town.tokens["wang"]
    one, other = b"\x01" * 32, b"\x02" * 32
    assert rows.key_of(token, one) != rows.key_of(token, other)
    assert token not in rows.key_of(token, one)
    assert rows.token_of(rows.key_of(token, one), one) == token
    assert rows.token_of("n" + uuid4().hex, one) == ""


def test_filling_again_takes_new_data_over_and_leaves_what_was_typed(gathering: Gathering) -> None:
    sheet = gathering.opened()
    gathering.type_in(gathering.key("wang"), "D", "950", base=sheet.stamp)
    newer = [
        {**row, "name": "王一一" if row["id_no"] == WANG else row["name"]} for row in ROWS["ga_population"]
    ]
    newer = [row for row in newer if row["id_no"] != LI]
    newer.append({**newer[0], "id_no": number("2001-01-01", 9), "name": "新来"})
    fill_rows("ga_population", gathering.town.sets["ga_population"].current.shape, newer, 8)
    aid = [{**row, "amount": 1000} for row in ROWS["mz_subsistence"]]
    fill_rows("mz_subsistence", gathering.town.sets["mz_subsistence"].current.shape, aid, 8)
    before = gathering.sheet().stamp
    again = collecting.open_sheet(gathering.town.leader, gathering.sheet(), again=True)
    assert again.stamp == before + 1
    changed = {row.key for row in collecting.changes(gathering.town.leader, again, before).rows}
    assert gathering.key("wang") in changed
    assert gathering.key("zhao") not in changed, "nothing new of this one"
    seen = collecting.look(gathering.town.leader, again)
    wang = cells(seen, gathering.key("wang"))
    assert (wang["B"], wang["D"]) == (("王一一", "known"), ("950", "edited"))
    names = [row.cells["B"].value for row in seen.rows]
    assert names.count("李二") == 0, "who moved away and was never typed into leaves the sheet"
    assert sorted(names) == ["新来", "王一一", "赵三", "钱四"]
    assert collecting.open_sheet(gathering.town.leader, again).stamp == again.stamp, (
        "not read again within the hour"
    )


def test_a_source_that_is_down_blocks_nobody_and_loses_nothing(gathering: Gathering) -> None:
    Serving.objects.filter(code="mz_subsistence").delete()
    seen = collecting.look(gathering.town.leader, gathering.opened())
    assert cells(seen, gathering.key("wang"))["D"] == ("", "down")
    assert seen.down == ("mz_subsistence",)
    done = gathering.type_in(gathering.key("wang"), "D", "900", base=seen.stamp)
    assert done.did == "saved"


def test_a_grant_that_ends_hides_its_cells_and_keeps_them(gathering: Gathering) -> None:
    sheet = gathering.fill_all()
    grant = gathering.town.grants["mz_subsistence"]
    grant.revoked_at = AT - timedelta(seconds=1)
    grant.save()
    seen = collecting.look(gathering.town.leader, sheet)
    assert cells(seen, gathering.key("wang"))["D"] == ("", "no_right")
    assert cells(seen, gathering.key("li"))["D"] == ("", "no_right"), (
        "nor that the set has nothing of somebody"
    )
    assert seen.withheld == ("D",)
    assert Row.objects.get(sheet=sheet, key=gathering.key("wang")).values["D"] == "910.5", "kept, not lost"
    assert collecting.look(gathering.town.leader, sheet, find="910").total == 0, "nor by searching"
    refused = gathering.type_in(gathering.key("wang"), "D", "1", base=seen.stamp)
    assert (refused.did, "授权已失效" in refused.reason) == ("refused", True)
    assert "D" not in collecting.export_rows(gathering.town.leader, sheet)[0]
    signing = collecting.submit(gathering.town.leader, gathering.sheet())
    assert signing.withheld == ("D",)
    assert gathering.sheet().totals["D"][0] == 0, "what may not be seen isn't handed over"
    grant.revoked_at = None
    grant.save()
    after = collecting.look(gathering.town.leader, gathering.sheet())
    assert cells(after, gathering.key("wang"))["D"] == ("", "no_right"), "nor later by another grant"


def test_another_grant_shows_its_cells_after_filling_under_it(gathering: Gathering) -> None:
    from citybrain.hub.forms.tests.town import lend

    sheet = gathering.opened()
    old = gathering.town.grants["mz_subsistence"]
    old.revoked_at = AT - timedelta(seconds=1)
    old.save()
    lend(gathering.town.sets["mz_subsistence"], gathering.town.city.agencies["civil_affairs-98"])
    seen = collecting.look(gathering.town.leader, sheet)
    assert cells(seen, gathering.key("wang"))["D"] == ("", "no_right")
    again = collecting.open_sheet(gathering.town.leader, sheet)
    seen = collecting.look(gathering.town.leader, again)
    assert cells(seen, gathering.key("wang"))["D"] == ("910.5", "known")


def test_missing_cells_are_named_before_anything_is_handed_in(gathering: Gathering) -> None:
    sheet = gathering.opened()
    with pytest.raises(Refused) as refused:
        collecting.submit(gathering.town.leader, sheet)
    assert [one.field for one in refused.value.problems] == [
        f"{row.key}:E" for row in collecting.look(gathering.town.leader, sheet).rows
    ]
    assert "第 1 行“是否养犬”未填。" in str(refused.value)
    missing = collecting.look(gathering.town.leader, sheet, only_missing=True)
    assert missing.total == 4
    gathering.type_in(gathering.key("wang"), "E", "是", base=sheet.stamp)
    assert collecting.look(gathering.town.leader, sheet, only_missing=True).total == 3


def test_a_sheet_is_signed_reviewed_by_another_and_accepted(gathering: Gathering) -> None:
    sheet = gathering.fill_all()
    assert not Sheet.objects.visible_to(gathering.office).exists(), (
        "the office sees what was handed on, not drafts"
    )
    signing = collecting.submit(gathering.town.leader, sheet, stamp=sheet.stamp)
    sheet = gathering.sheet()
    assert (sheet.state, sheet.submitter_name, len(signing.digest)) == ("submitted", "zhang", 64)
    assert collecting.verify_signature(sheet)
    entry = Entry.objects.get(subject=f"sheet:{sheet.pk}", action="forms.submit_sheet")
    assert signing.digest in entry.body
    assert list(collecting.to_review(gathering.town.reviewer)) == [sheet]
    with pytest.raises(Forbidden):
        collecting.review(gathering.town.leader, sheet)
    with pytest.raises(Refused):
        collecting.accept(gathering.office, sheet)
    collecting.review(gathering.town.reviewer, sheet)
    collecting.accept(gathering.office, gathering.sheet())
    assert gathering.sheet().state == "accepted"
    assert [one.action for one in collecting.steps(gathering.town.leader, sheet)] == [
        "fill_sheet", "submit_sheet", "review_sheet", "accept_sheet",
    ]  # fmt: skip
    Row.objects.filter(sheet=sheet, key=gathering.key("wang")).update(values={"B": "别人"})
    assert not collecting.verify_signature(gathering.sheet()), (
        "whoever changes a row behind our back is found out"
    )


def test_who_handed_in_does_not_review_their_own(gathering: Gathering) -> None:
    sheet = gathering.fill_all()
    collecting.submit(gathering.town.reviewer, sheet)
    with pytest.raises(Forbidden, match="自己上报"):
        collecting.review(gathering.town.reviewer, gathering.sheet())
    assert not collecting.to_review(gathering.town.reviewer).exists()


def test_a_sheet_sent_back_is_changed_and_signed_again(gathering: Gathering) -> None:
    sheet = gathering.fill_all()
    first = collecting.submit(gathering.town.leader, sheet)
    with pytest.raises(Refused, match="已上报"):
        gathering.type_in(gathering.key("wang"), "E", "是", base=99)
    with pytest.raises(Refused, match="原因"):
        collecting.send_back(gathering.town.reviewer, gathering.sheet(), " ")
    collecting.send_back(gathering.town.reviewer, gathering.sheet(), "请核对养犬情况")
    assert gathering.sheet().totals is None
    assert gathering.type_in(gathering.key("wang"), "E", "是", base=gathering.sheet().stamp).did == "saved"
    second = collecting.submit(gathering.town.leader, gathering.sheet())
    assert [one.digest for one in collecting.signings(gathering.sheet())] == [first.digest, second.digest]
    assert first.digest != second.digest


def test_a_sheet_changed_meanwhile_is_not_signed_unseen(gathering: Gathering) -> None:
    sheet = gathering.fill_all()
    gathering.type_in(gathering.key("wang"), "F", "3", base=sheet.stamp, actor=gathering.town.reviewer)
    with pytest.raises(Refused, match="刚被他人修改"):
        collecting.submit(gathering.town.leader, sheet, stamp=sheet.stamp)


def test_an_answer_is_asked_once_and_known_to_the_next_form(gathering: Gathering) -> None:
    sheet = gathering.fill_all()
    new = "n" + uuid4().hex
    edits = [
        CellEdit(new, "", "add", 0, uuid4()),
        CellEdit(new, "B", "外来", 0, uuid4()),
        CellEdit(new, "C", QIAN, 0, uuid4()),
        CellEdit(new, "E", "是", 0, uuid4()),
    ]
    assert {one.did for one in collecting.edit(gathering.town.leader, sheet, edits).results} == {"saved"}
    collecting.submit(gathering.town.leader, gathering.sheet())
    kept = Answered.objects.filter(meaning__contains="养犬")
    assert kept.count() == 4
    assert dict(kept.values_list("subject", "value"))[gathering.town.tokens["qian"]] == "是", (
        "the latest word counts"
    )
    other = make_form(gathering.town.city.agencies["civil_affairs-98"], title="另一张表")
    again = collecting.issue(
        gathering.office, other, gathering.town.city.areas[YOUYI], 4, AT + timedelta(days=9)
    )
    opened = collecting.open_sheet(gathering.town.leader, again.sheets.get())
    assert opened.cells_missing == 0
    seen = collecting.look(gathering.town.leader, opened)
    assert {(row.cells["E"].source, str(row.cells["E"].state)) for row in seen.rows} == {
        ("answer", "answered")
    }


def test_figures_of_an_area_are_one_row(gathering: Gathering) -> None:
    form = make_form(gathering.town.city.agencies["civil_affairs-98"], COLUMNS[4:7], shaped="figures")
    made = collecting.issue(
        gathering.office, form, gathering.town.city.areas["98"], 4, AT + timedelta(days=1)
    )
    sheet = collecting.open_sheet(gathering.town.leader, made.sheets.get(area__code=YOUYI))
    assert sheet.rows_count == 1
    edits = [CellEdit("area", "E", "是", 1, uuid4()), CellEdit("area", "F", " \uff11\uff12 次", 1, uuid4())]
    assert [one.did for one in collecting.edit(gathering.town.leader, sheet, edits).results] == [
        "saved",
        "saved",
    ]
    collecting.submit(gathering.town.leader, sheet)
    assert Sheet.objects.get(pk=sheet.pk).totals["F"][:2] == [1, "12"]
    assert collecting.export_rows(gathering.town.leader, sheet) == [{"E": "是", "F": "12", "G": "友谊社区"}]


def test_a_street_hands_in_to_the_office_itself(gathering: Gathering) -> None:
    form = make_form(gathering.town.city.agencies["civil_affairs-98"], COLUMNS[4:7], shaped="figures")
    made = collecting.issue(
        gathering.office, form, gathering.town.city.areas["98"], 3, AT + timedelta(days=1)
    )
    sheet = made.sheets.get(area__code="980101001")
    collecting.open_sheet(gathering.town.reviewer, sheet)
    collecting.edit(gathering.town.reviewer, sheet, [CellEdit("area", "E", "是", 1, uuid4())])
    collecting.submit(gathering.town.reviewer, sheet)
    assert collecting.accept_all(gathering.office, made) == 1
    assert Sheet.objects.get(pk=sheet.pk).state == "accepted"
    assert collecting.accept_all(gathering.office, made) == 0


def test_a_round_that_has_ended_takes_nothing_more(gathering: Gathering) -> None:
    sheet = gathering.fill_all()
    with pytest.raises(Forbidden):
        collecting.close(gathering.town.reviewer, gathering.round)
    collecting.close(gathering.office, gathering.round, "收齐")
    with pytest.raises(Refused, match="已结束"):
        collecting.submit(gathering.town.leader, sheet)
    with pytest.raises(Refused, match="已结束"):
        gathering.type_in(gathering.key("wang"), "E", "是", base=99)
    with pytest.raises(Refused, match="已结束"):
        collecting.call_off(gathering.office, gathering.round, "发错")
    seen = collecting.look(gathering.town.leader, sheet)
    assert (seen.may_edit, "已结束" in seen.why_not) == (False, True)


def test_looking_costs_the_same_queries_however_many_rows(gathering: Gathering) -> None:
    sheet = gathering.opened()
    with CaptureQueriesContext(connection) as one:
        collecting.look(gathering.town.leader, sheet, limit=1)
    with CaptureQueriesContext(connection) as all_:
        collecting.look(gathering.town.leader, sheet)
    assert len(one) == len(all_) <= 7


def test_a_disputed_cell_is_marked_while_it_is_disputed_and_mended_when_its_data_is(
    gathering: Gathering,
) -> None:
    from citybrain.hub.forms.knowing import disputes

    sheet, key, town = gathering.opened(), gathering.key("wang"), gathering.town
    one = disputes.dispute(
        town.leader, town.area(), "ga_population.name", town.tokens["wang"], "王壹", sheet=sheet, row_key=key
    )
    assert cells(collecting.look(town.leader, sheet), key)["B"] == ("王一", "disputed")
    assert cells(collecting.look(town.leader, sheet), gathering.key("li"))["B"] == ("李二", "known")
    disputes.settle(town.keeper, one, "stands", "户籍登记如此")
    assert cells(collecting.look(town.leader, sheet), key)["B"] == ("王一", "known")
    newer = [{**row, "name": "王壹"} if row["id_no"] == WANG else row for row in ROWS["ga_population"]]
    fill_rows("ga_population", town.sets["ga_population"].current.shape, newer, 8)
    one.answered_at = AT + timedelta(seconds=1)
    one.save()
    again = collecting.open_sheet(town.leader, sheet, now=AT + timedelta(seconds=2))
    assert cells(collecting.look(town.leader, again), key)["B"] == ("王壹", "known")
