"""What the city knows for a form: each cell by right, with its source, its day and its state."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.catalogue.codes import shipped as shipped_codes
from citybrain.base.catalogue.models import DataSet
from citybrain.base.exchange.models import Receipt
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS
from citybrain.base.identity.errors import Refused
from citybrain.base.lake.models import Serving
from citybrain.base.ledger.models import Entry
from citybrain.hub.forms.columns import Asks
from citybrain.hub.forms.knowing import answers, reading
from citybrain.hub.forms.knowing.cells import State
from citybrain.hub.forms.knowing.knowing import Known, know, residents
from citybrain.hub.forms.knowing.rights import Shown, hidden, shown
from citybrain.hub.forms.tests.town import (
    AT,
    LI,
    QIAN,
    SUN,
    WANG,
    YOUYI,
    Town,
    column,
    fill_rows,
    lend,
)

NAME = column("B", "ga_population.name", "姓名")
COLUMNS = (
    column("A", asks=Asks.SERIAL),
    NAME,
    column("C", "ga_population.id_no", "证件号"),
    column("D", "mz_subsistence.amount", "金额"),
    column("E", "", "是否养犬", asks=Asks.ANSWER),
)


def by_token(town: Town, known: Known, letter: str) -> dict[str, tuple[str, str, str]]:
    """Return (value, source, state) of a column by person."""
    names = {token: name for name, token in town.tokens.items()}
    found = {}
    for at, token in enumerate(known.keys):
        cell = known.cell(at, letter)
        found[names[token]] = (cell.value, cell.source, str(cell.state))
    return found


def test_residents_are_those_registered_here_and_those_who_rent_here(town: Town) -> None:
    people = residents(town.leader, town.area())
    assert set(people.tokens) == {town.tokens[one] for one in ("wang", "li", "zhao", "qian")}
    assert not any(number in repr(people) for number in (WANG, LI, QIAN)), "a log never shows a number"


def test_a_street_holds_its_communities_and_a_grid_those_whose_grid_is_told(town: Town) -> None:
    street = residents(town.reviewer, town.area("980101001"))
    assert set(street.tokens) == {town.tokens[one] for one in ("wang", "li", "zhao", "qian", "sun")}
    grid = residents(town.worker, town.area(f"{YOUYI}001"))
    assert set(grid.tokens) == {town.tokens["qian"], town.tokens["wang"]}


def test_above_a_street_nobody_is_listed(town: Town) -> None:
    chief = town.city.officer("da", "form_reviewer", "980101", "city_mgmt-980101")
    with pytest.raises(Refused, match="请选择街道"):
        residents(chief, town.area("980101"))


def test_cells_come_with_source_day_and_state_and_only_what_nobody_knows_is_missing(town: Town) -> None:
    known = know(town.leader, town.area(), COLUMNS)
    assert by_token(town, known, "B") == {
        "wang": ("王一", "ga_population", "known"), "li": ("李二", "ga_population", "known"),
        "zhao": ("赵三", "ga_population", "known"), "qian": ("钱四", "ga_floating", "known"),
    }  # fmt: skip
    aid = by_token(town, known, "D")
    assert (aid["wang"], aid["li"]) == (("910.5", "mz_subsistence", "known"), ("", "mz_subsistence", "none"))
    assert {one[2] for one in by_token(town, known, "E").values()} == {"missing"}
    wang = known.keys.index(town.tokens["wang"])
    assert known.cell(wang, "B").as_of.isoformat() == "2026-11-20"
    values, marks = known.row(wang)
    assert values["B"] == "王一"
    assert marks["B"] == ("ga_population", "2026-11-20", "known")
    told = known.versions["ga_population"]
    assert (told["version"], told["grant"]) == (7, town.grants["ga_population"].number)


def test_a_masked_field_shows_what_the_mask_leaves_and_says_so(town: Town) -> None:
    known = know(town.leader, town.area(), COLUMNS)
    shown_numbers = by_token(town, known, "C")
    assert shown_numbers["wang"][0] == f"{WANG[:6]}{'*' * 10}{WANG[-2:]}"
    assert known.columns["C"].mask == "idcard"
    assert WANG not in str(known.columns["C"].values)


def test_of_several_rows_of_a_person_the_latest_is_shown_and_the_others_are_counted(town: Town) -> None:
    columns = [column("A", "rs_insurance.insurance_type"), column("B", "rs_insurance.month")]
    known = know(town.leader, town.area(), columns)
    li = known.keys.index(town.tokens["li"])
    assert (known.cell(li, "B").value, known.cell(li, "B").many) == ("202610", 2)
    assert known.cell(li, "A").value == shipped_codes()["insurance_type"].codes["310"]


def test_codes_stand_with_their_meaning_as_the_form_words_it_and_areas_by_name(town: Town) -> None:
    columns = [column("A", "ga_population.sex", options=("男", "女")), column("B", "ga_population.hukou_region"),
               column("C", "mz_key_elder.live_alone"), column("D", "ga_population.birth_date")]  # fmt: skip
    known = know(town.leader, town.area(), columns)
    wang = known.keys.index(town.tokens["wang"])
    assert [known.cell(wang, letter).value for letter in "ABCD"] == ["女", "友谊社区", "是", "1959-03-05"]


def test_an_age_is_in_whole_years_of_today_and_a_place_is_named_at_its_level(town: Town) -> None:
    born = {"type": "integer", "derived": "age"}
    columns = [column("A", "ga_population.birth_date", **born), column("B", asks=Asks.AREA, derived="street"),
               column("C", asks=Asks.AREA)]  # fmt: skip
    known = know(town.leader, town.area(), columns)
    ages = {name: value for name, (value, _source, _state) in by_token(town, known, "A").items()}
    assert ages == {"wang": "67", "li": "40", "zhao": "9", "qian": ""}
    assert {(known.cell(0, "B").value, known.cell(0, "C").value)} == {
        ("建国街道", "津海市和平区建国街道友谊社区")
    }
    later = know(town.leader, town.area(), columns, now=AT + timedelta(days=51))
    assert by_token(town, later, "A")["li"][0] == "41", "after the birthday"
    answers.keep(town.leader, town.area(), [answers.Given(columns[0], town.tokens["qian"], "36")], now=AT)
    birth = column("D", "ga_population.birth_date")
    assert by_token(town, know(town.leader, town.area(), [birth]), "D")["qian"][0] == "", (
        "an age is no birth date"
    )


def test_every_set_read_leaves_a_receipt_in_the_name_of_who_read(town: Town) -> None:
    know(town.leader, town.area(), COLUMNS, purpose="forms.sheet:1")
    read = {one.dataset: one for one in Receipt.objects.order_by("pk")}
    assert set(read) == {"ga_population", "ga_floating", "mz_key_elder", "mz_subsistence"}
    aid = read["mz_subsistence"]
    assert (aid.rows, aid.keys, aid.version, aid.mode, aid.fields) == (1, 1, 7, "filter", ["amount"])
    assert aid.grant_id == town.grants["mz_subsistence"].pk
    entry = Entry.objects.get(subject=f"receipt:{aid.pk}")
    assert (entry.actor, '"for":"forms.sheet:1"' in entry.body) == (town.leader.key, True)
    assert not any(number in entry.body for number in (WANG, LI))


def test_the_number_of_queries_does_not_grow_with_people_or_columns(town: Town) -> None:
    know(town.leader, town.area(), COLUMNS)
    with CaptureQueriesContext(
        connection,
    ) as few:
        know(town.leader, town.area(), COLUMNS)
    more = [*COLUMNS, column("F", "ga_population.sex"), column("G", "ga_population.birth_date"),
            column("H", "mz_subsistence.type")]  # fmt: skip
    people = [
        {"id_no": f"98010119800101{n:04d}", "name": "某", "hukou_region": YOUYI, "alive": True}
        for n in range(300)
    ]
    data = DataSet.objects.get(code="ga_population")
    fill_rows("ga_population", data.shape.to_json(), people, 8)
    know(town.leader, town.area(), more)
    with CaptureQueriesContext(connection) as many:
        assert len(know(town.leader, town.area(), more)) >= 300
    assert len(many) <= len(few)


# --- rights -------------------------------------------------------------------------------------------------------


def test_who_does_not_work_in_an_area_learns_nothing_of_its_people(town: Town) -> None:
    for actor in (town.neighbour, town.worker, town.keeper, ANONYMOUS):
        with pytest.raises(Forbidden):
            residents(actor, town.area())
        with pytest.raises(Forbidden):
            know(actor, town.area(), COLUMNS)
        with pytest.raises(Forbidden):
            shown(actor, town.area(), COLUMNS)
    assert not Receipt.objects.exists()


def test_people_found_for_one_reader_are_of_no_use_to_another_or_elsewhere(town: Town) -> None:
    mine = residents(town.leader, town.area())
    theirs = residents(town.neighbour, town.area("980101001002"))
    with pytest.raises(Forbidden):
        know(town.neighbour, town.area("980101001002"), COLUMNS, mine)
    with pytest.raises(Forbidden):
        know(town.leader, town.area(), COLUMNS, replace(theirs, actor=town.leader.key))
    assert len(mine.only([town.tokens["sun"], town.tokens["wang"]])) == 1, "a token of others finds nobody"


def test_without_a_grant_a_column_is_not_shown_and_says_whom_to_ask(town: Town) -> None:
    town.grants["mz_subsistence"].delete()
    known = know(town.leader, town.area(), COLUMNS)
    assert {one[2] for one in by_token(town, known, "D").values()} == {"no_right"}
    assert all(not value for value in known.columns["D"].values)
    assert "报表管理员" in known.columns["D"].why


@pytest.mark.parametrize(
    "change", ["revoked", "expired", "withdrawn", "scene", "mode", "elsewhere", "inactive"]
)
def test_a_grant_that_does_not_hold_shows_nothing(town: Town, change: str) -> None:
    one = town.grants["mz_subsistence"]
    if change == "revoked":
        one.revoked_at = AT - timedelta(hours=1)
    elif change == "expired":
        one.valid_until = AT - timedelta(seconds=1)
    elif change == "withdrawn":
        DataSet.objects.filter(code="mz_subsistence").update(state="withdrawn")
    elif change == "scene":
        one.request.scene = "identity"
        one.request.save()
    elif change == "mode":
        one.modes = ["batch"]
    elif change == "elsewhere":
        one.agency = town.city.agencies["city_mgmt-980102"]
    else:
        one.agency.is_active = False
        one.agency.save()
    one.save()
    columns = [column("D", "mz_subsistence.amount")]
    assert shown(town.leader, town.area(), columns)["D"].allowed is False
    if change != "inactive":  # then nothing tells who lives here, either
        assert know(town.leader, town.area(), columns).columns["D"].state == State.NO_RIGHT
    assert not Receipt.objects.filter(dataset="mz_subsistence").exists()


def test_a_field_that_is_not_granted_stays_hidden_beside_one_that_is(town: Town) -> None:
    town.grants["mz_subsistence"].delete()
    lend(town.sets["mz_subsistence"], town.city.agencies["civil_affairs-98"], ["type"])
    known = know(
        town.leader, town.area(), [column("A", "mz_subsistence.type"), column("B", "mz_subsistence.amount")]
    )
    assert (known.columns["A"].state, known.columns["B"].state) == (State.KNOWN, State.NO_RIGHT)
    assert Receipt.objects.get(dataset="mz_subsistence").fields == ["type"]
    assert "910.5" not in str(list(known.rows()))


def test_the_conditions_of_a_grant_hold(town: Town) -> None:
    one = town.grants["mz_subsistence"]
    one.conditions = [{"field": "amount", "op": "gt", "value": 1000}]
    one.save()
    known = know(town.leader, town.area(), [column("A", "mz_subsistence.type")])
    assert by_token(town, known, "A")["wang"] == ("", "mz_subsistence", "none")


def test_the_grant_of_a_street_serves_its_communities_only(town: Town) -> None:
    for one in town.grants.values():
        one.agency = town.city.agencies["subdistrict-980101002"]
        one.save()
    assert len(residents(town.leader, town.area())) == 0
    elsewhere = town.city.officer("xin", "grid_leader", "980101002001", f"community-{YOUYI}")
    assert residents(elsewhere, town.area("980101002001")).tokens == (town.tokens["zhou"],)


def test_a_copied_cell_is_hidden_when_its_grant_ends_and_masked_when_it_gets_a_mask(town: Town) -> None:
    before = shown(town.leader, town.area(), COLUMNS)
    assert (before["D"], before["C"], before["E"]) == (Shown(True), Shown(True, "idcard"), Shown(True))
    grant = town.grants["ga_population"]
    grant.masks = {"name": "name", "id_no": "idcard"}
    grant.save()
    town.grants["mz_subsistence"].delete()
    after = shown(town.leader, town.area(), COLUMNS)
    assert (hidden("王一", after["B"]), hidden("910.5", after["D"])) == ("王*", "")
    assert hidden("98010119******16", after["C"]) == "98010119******16", "what is masked isn't masked again"


def test_a_place_under_a_mask_tells_nobody_who_lives_there(town: Town) -> None:
    one = town.grants["ga_population"]
    one.masks = {"hukou_region": "remove"}
    one.save()
    people = residents(town.leader, town.area())
    assert set(people.tokens) == {town.tokens["qian"], town.tokens["wang"]}, "from permits and the care list"
    assert people.not_asked == {"ga_population": "no_right"}


# --- faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["no_copy", "no_table", "older_copy"])
def test_a_source_that_is_down_is_told_and_blocks_nothing(town: Town, fault: str) -> None:
    copy = Serving.objects.get(code="mz_subsistence")
    if fault == "no_copy":
        copy.delete()
    elif fault == "no_table":
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE serving.mz_subsistence_v7")
    else:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE serving.mz_subsistence_v7 DROP COLUMN amount")
    known = know(town.leader, town.area(), COLUMNS)
    assert {one[2] for one in by_token(town, known, "D").values()} == {"down"}
    assert by_token(town, known, "B")["wang"][0] == "王一"
    assert known.down == ["mz_subsistence"]
    assert Serving.objects.filter(code="mz_subsistence").exists(), "the worker is asked for a copy"
    assert not Receipt.objects.filter(dataset="mz_subsistence").exists()


def test_a_reading_ends_in_its_time_and_tells_what_it_did_not_get_to(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = residents(town.leader, town.area())
    monkeypatch.setattr(reading, "BUDGET_SECONDS", -1.0)
    known = know(town.leader, town.area(), COLUMNS, people)
    assert known.down == ["ga_population", "mz_subsistence"]
    assert not Receipt.objects.filter(dataset="mz_subsistence").exists()


def test_data_older_than_promised_are_stale(town: Town) -> None:
    DataSet.objects.filter(code="mz_subsistence").update(data_at=AT - timedelta(hours=37))
    known = know(town.leader, town.area(), COLUMNS)
    assert by_token(town, known, "D")["wang"][2] == "stale"
    assert by_token(town, known, "B")["wang"][2] == "known"
    DataSet.objects.filter(code="mz_subsistence").update(update_cycle=8)
    assert by_token(town, know(town.leader, town.area(), COLUMNS), "D")["wang"][2] == "known", (
        "nothing is promised"
    )


def test_a_conflict_of_suppliers_marks_the_cell(town: Town) -> None:
    from citybrain.base.catalogue.models import Supply, System
    from citybrain.base.exchange.models import Conflict, Run, Source

    data, body = town.sets["ga_population"], town.city.agencies["police-98"]
    systems = [System.objects.create(agency=body, key=f"s{n}", name=f"s{n}") for n in (1, 2)]
    sides = [
        Supply.objects.create(dataset=data, system=one, mode="file", update_cycle=2, rank=1)
        for one in systems
    ]
    source = Source.objects.create(dataset=data, agency=body, name="x", kind="upload", created_by="system")
    run = Run.objects.create(source=source, dataset=data, ingest="x", mode="upsert", asked_by="system")
    waiting: dict[str, Any] = {
        "dataset": data, "key": WANG, "key_values": {"id_no": WANG}, "held_by": sides[0], "offered_by": sides[1],
        "asked": sides[0], "run": run, "fields": {"name": {"held": "王一", "offered": "王壹"}},
    }  # fmt: skip
    one = Conflict.objects.create(**waiting)
    cells = by_token(town, know(town.leader, town.area(), COLUMNS), "B")
    assert (cells["wang"], cells["li"][2]) == (("王一", "ga_population", "conflict"), "known")
    one.state = "settled"
    one.save()
    assert by_token(town, know(town.leader, town.area(), COLUMNS), "B")["wang"][2] == "known"


# --- answers ------------------------------------------------------------------------------------------------------


def test_an_answer_is_known_to_the_next_form_that_asks_the_same(town: Town) -> None:
    dog, again = COLUMNS[4], column("X", "", "1.是否养犬（√）", asks=Asks.ANSWER)
    given = [answers.Given(dog, town.tokens["wang"], " 是 "), answers.Given(dog, town.tokens["li"], "  ")]
    assert answers.keep(town.leader, town.area(), given, now=AT) == 1
    known = know(town.leader, town.area(), [NAME, again])
    assert by_token(town, known, "X")["wang"] == ("是", "answer", "answered")
    assert by_token(town, known, "X")["li"] == ("", "", "missing")
    answers.keep(town.leader, town.area(), [answers.Given(dog, town.tokens["wang"], "否")], now=AT)
    assert by_token(town, know(town.leader, town.area(), [again]), "X")["wang"][0] == "否", (
        "the latest word counts"
    )
    later = know(town.leader, town.area(), [again], now=AT + timedelta(days=400))
    assert by_token(town, later, "X")["wang"][2] == "stale"


def test_an_answer_is_not_known_to_another_community_nor_without_a_right(town: Town) -> None:
    dog = COLUMNS[4]
    answers.keep(town.leader, town.area(), [answers.Given(dog, town.tokens["wang"], "是")], now=AT)
    rows = [{"id_no": WANG, "name": "王一", "hukou_region": "980101001002", "alive": True}]
    fill_rows("ga_population", town.sets["ga_population"].shape.to_json(), rows, 8)
    moved = know(town.neighbour, town.area("980101001002"), [NAME, dog])
    assert by_token(town, moved, "E")["wang"][2] == "missing"
    with pytest.raises(Forbidden):
        answers.keep(town.neighbour, town.area(), [answers.Given(dog, town.tokens["wang"], "否")])


def test_an_answer_to_a_field_the_set_left_empty_fills_it_but_not_without_a_grant(town: Town) -> None:
    amount = column("D", "mz_subsistence.amount")
    answers.keep(town.leader, town.area(), [answers.Given(amount, town.tokens["li"], "12")], now=AT)
    assert by_token(town, know(town.leader, town.area(), [amount]), "D")["li"] == ("12", "answer", "answered")
    town.grants["mz_subsistence"].delete()
    assert by_token(town, know(town.leader, town.area(), [amount]), "D")["li"] == (
        "",
        "mz_subsistence",
        "no_right",
    )


def test_sun_is_only_known_where_she_lives(town: Town) -> None:
    known = know(town.neighbour, town.area("980101001002"), [NAME])
    assert known.keys == (town.tokens["sun"],)
    assert SUN not in str(known)
