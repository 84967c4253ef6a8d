"""Figures of an area fill themselves from live rosters: as large as the roster, whole, and never beyond a right."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.exchange.models import Receipt
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.errors import Refused
from citybrain.hub.forms import collecting, rosters
from citybrain.hub.forms.collecting.sight import office_shown
from citybrain.hub.forms.columns import Asks, Column, Sums
from citybrain.hub.forms.knowing import answers
from citybrain.hub.forms.knowing.cells import State
from citybrain.hub.forms.models import Answered, Round
from citybrain.hub.forms.rosters import counting
from citybrain.hub.forms.tests.rounds import Gathering, make_form
from citybrain.hub.forms.tests.test_rollup import hand_in, texts
from citybrain.hub.forms.tests.town import AT, LI, TUANJIE, WANG, XINHUA, YOUYI, ZHAO, Town, fill_rows

STREET = "980101001"
HOMES = "ga_population+ga_floating"


def asks(letter: str, key: str, *path: str) -> Column:
    """Return a column that counts a figure, as a drafted form has it."""
    return Column(
        letter, path or (key,), Asks.COUNT, field=key, type="integer", personal="personal", sums=Sums.SUM,
        minimum=0.0,
    )  # fmt: skip


def cell(town: Town, key: str, code: str = YOUYI, actor: Actor | None = None) -> counting.Figure:
    found = rosters.count(actor or town.leader, town.area(code), [asks("A", key)])
    return found.cells["A"]


@pytest.mark.parametrize(
    ("key", "figure"),
    [
        ("roster:population", "4"),
        ("roster:registered", "3"),
        ("roster:registered/women", "3"),
        ("roster:registered/men", "0"),
        ("roster:registered/10-", "2"),
        ("roster:registered/-9", "1"),
        ("roster:registered/9-67/women", "3"),
        ("roster:floating", "1"),
        ("roster:elders", "1"),
        ("roster:elders/68-", "0"),
        ("roster:elders/67-67", "1"),
        ("roster:alone/60-/women", "1"),
        ("roster:disabled", "0"),
        ("roster:aid_homes", "1"),
        ("roster:aid_people", "1"),
        ("roster:destitute", "0"),
        ("roster:minors", "1"),
    ],
)
def test_a_figure_is_counted_with_its_source_day_and_state(town: Town, key: str, figure: str) -> None:
    found = cell(town, key)
    assert (found.value, found.state, found.as_of) == (figure, State.KNOWN, date(2026, 11, 20))
    assert found.source.split("+") == list(counting.codes_of(asks("A", key)))


def test_the_sources_are_the_sets_that_decide(town: Town) -> None:
    assert cell(town, "roster:population").source == HOMES
    assert cell(town, "roster:elders").source == f"{HOMES}+mz_key_elder"
    assert cell(town, "roster:disabled/women").source == f"{HOMES}+cl_disabled"
    assert cell(town, "roster:floating").source == "ga_floating"


def test_a_figure_is_as_large_as_the_roster_it_counts(town: Town) -> None:
    for code, actor in ((YOUYI, town.leader), (STREET, town.reviewer)):
        for key in ("population", "registered", "floating", "elders", "alone", "disabled", "minors"):
            figure = counting.known().figures[key]
            there = rosters.members(actor, figure.roster, town.area(code))
            assert cell(town, f"roster:{key}", code, actor).value == str(len(there)), (code, key)


def test_the_persons_of_a_home_are_added_up_not_the_homes(town: Town) -> None:
    rows = [
        {"case_no": f"C{at}", "id_no": who, "name": "王一", "type": kind, "household_size": size, "amount": 1,
         "start_date": "2025-01-01", "status": status, "region": YOUYI}
        for at, (who, kind, size, status) in enumerate((
            (WANG, "01", 3, "在保"), (LI, "02", 4, "渐退"), (ZHAO, "03", 1, "在保"), (ZHAO, "01", 9, "停保"),
        ))
    ]  # fmt: skip
    fill_rows("mz_subsistence", town.sets["mz_subsistence"].shape.to_json(), rows)
    assert [cell(town, f"roster:{key}").value for key in ("aid_homes", "aid_people", "destitute")] == [
        "2",
        "7",
        "1",
    ]


def test_whoever_rents_elsewhere_is_no_tenant_here(town: Town) -> None:
    away = {
        "id_no": LI,
        "name": "李二",
        "residence_region": XINHUA,
        "residence_address": "x",
        "permit_no": "2",
    }
    rows = [{**away, "from_date": "2024-01-01", "reason": "01", "grid_code": f"{XINHUA}001"}]
    fill_rows("ga_floating", town.sets["ga_floating"].shape.to_json(), rows)
    assert cell(town, "roster:floating").value == "0"
    assert len(rosters.members(town.leader, "tenants", town.area())) == 0


def test_a_figure_that_cannot_be_told_of_everybody_is_asked_for(town: Town) -> None:
    assert cell(town, "roster:population/women").state == State.MISSING, "nobody knows the tenant's sex"
    assert cell(town, "roster:population/women", TUANJIE, town.neighbour).value == "1"


def test_an_area_of_which_nobody_is_known_has_no_figure(town: Town) -> None:
    for code in ("ga_population", "ga_floating", "mz_key_elder"):
        fill_rows(code, town.sets[code].shape.to_json(), [])
    found = cell(town, "roster:elders")
    assert (found.value, found.state) == ("", State.MISSING)


def _take_back(town: Town, code: str) -> None:
    grant = town.grants[code]
    grant.revoked_at = AT - timedelta(seconds=1)
    grant.save()


def _leave_out(field: str) -> Callable[[Town, str], None]:
    def less(town: Town, code: str) -> None:
        grant = town.grants[code]
        grant.fields = [one for one in grant.fields if one != field]
        grant.save()

    return less


def _mask(field: str) -> Callable[[Town, str], None]:
    def masked(town: Town, code: str) -> None:
        grant = town.grants[code]
        grant.masks = {**grant.masks, field: "last_four"}
        grant.save()

    return masked


@pytest.mark.parametrize(
    ("change", "code", "key"),
    [
        (_take_back, "ga_population", "roster:registered"),
        (_take_back, "ga_population", "roster:population"),
        (_take_back, "ga_floating", "roster:population"),
        (_take_back, "ga_floating", "roster:elders"),
        (_take_back, "mz_key_elder", "roster:elders"),
        (_take_back, "mz_key_elder", "roster:alone"),
        (_take_back, "cl_disabled", "roster:disabled"),
        (_take_back, "mz_subsistence", "roster:aid_people"),
        (_leave_out("birth_date"), "ga_population", "roster:minors"),
        (_leave_out("live_alone"), "mz_key_elder", "roster:alone"),
        (_leave_out("status"), "mz_subsistence", "roster:aid_homes"),
        (_leave_out("type"), "mz_subsistence", "roster:aid_homes"),
        (_leave_out("household_size"), "mz_subsistence", "roster:aid_people"),
        (_mask("birth_date"), "ga_population", "roster:registered/10-"),
        (_mask("sex"), "ga_population", "roster:registered/women"),
        (_mask("live_alone"), "mz_key_elder", "roster:alone"),
        (_mask("hukou_region"), "ga_population", "roster:registered"),
        (_mask("type"), "mz_subsistence", "roster:aid_homes"),
    ],
)
def test_without_the_right_there_is_no_number_and_nothing_is_read(
    town: Town, change: Callable[[Town, str], None], code: str, key: str
) -> None:
    assert cell(town, key).state == State.KNOWN
    change(town, code)
    before = Receipt.objects.count()
    found = cell(town, key)
    assert (found.value, found.state, found.as_of) == ("", State.NO_RIGHT, None)
    assert found.why
    assert Receipt.objects.count() == before
    assert not counting.shown(town.area(), [asks("A", key)], AT)["A"].allowed


def test_what_does_not_depend_on_a_lost_right_is_still_counted(town: Town) -> None:
    _take_back(town, "mz_key_elder")
    found = rosters.count(town.leader, town.area(), [asks("A", "roster:elders"), asks("B", "roster:minors")])
    assert (found.cells["A"].state, found.cells["B"].value) == (State.NO_RIGHT, "1")
    assert "mz_key_elder" not in found.versions


def test_an_area_that_one_does_not_work_in_is_refused(town: Town) -> None:
    with pytest.raises(Forbidden):
        cell(town, "roster:elders", TUANJIE)
    with pytest.raises(Forbidden):
        cell(town, "roster:elders", YOUYI, town.keeper)


def test_above_a_street_nothing_is_counted_as_on_rosters(town: Town) -> None:
    high = town.city.officer("gao", "form_reviewer", "980101", "data_bureau-98")
    with pytest.raises(Refused, match="请选择街道、社区或网格"):
        cell(town, "roster:elders", "980101", high)
    assert cell(town, "roster:elders", STREET, high).value == "2"


def test_a_source_that_is_down_leaves_its_figures_empty_and_no_others(town: Town) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE serving.cl_disabled_v7")
    found = rosters.count(
        town.leader, town.area(), [asks("A", "roster:disabled"), asks("B", "roster:elders")]
    )
    assert (found.cells["A"].value, found.cells["A"].state) == ("", State.DOWN)
    assert found.cells["B"].value == "1"


def test_old_data_are_said_to_be_old(town: Town) -> None:
    town.sets["mz_key_elder"].data_at = AT - timedelta(days=900)
    town.sets["mz_key_elder"].save()
    found = cell(town, "roster:elders")
    assert (found.value, found.state, found.as_of) == ("1", State.STALE, date(2024, 6, 4))


def test_every_reading_leaves_its_receipt(town: Town) -> None:
    before = set(Receipt.objects.values_list("pk", flat=True))
    cell(town, "roster:elders/80-/women")
    made = Receipt.objects.exclude(pk__in=before).order_by("pk")
    assert list(made.values_list("dataset", flat=True)) == [
        "ga_population", "ga_floating", "mz_key_elder",  # who lives here
        "ga_population", "mz_key_elder",  # who stands on the roster
        "ga_population",  # their age and sex
    ]  # fmt: skip


def test_ten_figures_take_few_statements_more_than_one(town: Town) -> None:
    keys = [
        "population", "registered", "registered/women", "floating", "elders", "elders/80-", "alone", "disabled",
        "aid_homes", "aid_people", "minors",
    ]  # fmt: skip
    columns = [asks(f"C{at}", f"roster:{key}") for at, key in enumerate(keys)]
    with CaptureQueriesContext(connection) as one:
        rosters.count(town.leader, town.area(), columns[4:5])
    with CaptureQueriesContext(connection) as all_:
        found = rosters.count(town.leader, town.area(), columns)
    assert {figure.state for figure in found.cells.values()} == {State.KNOWN}
    assert (len(one), len(all_)) == (56, 153)


COLUMNS = (
    Column("A", ("社区",), Asks.AREA),
    asks("B", "roster:elders", "老年人口数"),
    asks("C", "roster:elders/80-", "其中：80岁以上"),
    asks("D", "roster:population/women", "女"),
    Column("E", ("床位数",), Asks.ANSWER, type="integer", sums=Sums.SUM),
)


@pytest.fixture
def figures(gathering: Gathering) -> Round:
    form = make_form(
        gathering.town.city.agencies["civil_affairs-98"], COLUMNS, shaped="figures", title="老年人口统计表"
    )
    return collecting.issue(
        gathering.office, form, gathering.town.city.areas["98"], 4, AT + timedelta(days=3), period="2026年"
    )


def opened(gathering: Gathering, round_: Round, **more: Any) -> Any:
    return collecting.open_sheet(gathering.town.leader, round_.sheets.get(area__code=YOUYI), **more)


def seen_cells(actor: Actor, sheet: Any) -> dict[str, tuple[str, str]]:
    (row,) = collecting.look(actor, sheet).rows
    return {letter: (one.value, str(one.state)) for letter, one in row.cells.items() if letter != "A"}


def test_a_sheet_of_figures_opens_filled(gathering: Gathering, figures: Round) -> None:
    sheet = opened(gathering, figures)
    assert seen_cells(gathering.town.leader, sheet) == {
        "B": ("1", "known"), "C": ("0", "known"), "D": ("", "missing"), "E": ("", "missing"),
    }  # fmt: skip
    assert (sheet.cells, sheet.cells_known, sheet.cells_missing) == (4, 2, 2)
    assert sheet.filled_from["mz_key_elder"]["grant"] == gathering.town.grants["mz_key_elder"].number
    (row,) = collecting.look(gathering.town.leader, sheet).rows
    assert (row.cells["B"].source, row.cells["B"].as_of) == (f"{HOMES}+mz_key_elder", "2026-11-20")


def test_what_was_answered_before_fills_only_what_nobody_counts(
    gathering: Gathering,
    figures: Round,
) -> None:
    given = [answers.Given(COLUMNS[at], "", "77") for at in (1, 3)]
    answers.keep(gathering.town.leader, gathering.town.area(), given)
    assert Answered.objects.filter(subject="", meaning="roster:elders").count() == 1
    cells = seen_cells(gathering.town.leader, opened(gathering, figures))
    assert (cells["B"], cells["D"]) == (("1", "known"), ("77", "answered"))
    _take_back(gathering.town, "ga_floating")
    cells = seen_cells(gathering.town.leader, opened(gathering, figures, again=True))
    assert cells["B"] == ("", "no_right")


def test_a_figure_is_hidden_from_the_moment_its_grant_ends(gathering: Gathering, figures: Round) -> None:
    sheet = opened(gathering, figures)
    _take_back(gathering.town, "mz_key_elder")
    assert seen_cells(gathering.town.leader, sheet)["B"] == ("", "no_right")
    (line,) = collecting.export_rows(gathering.town.leader, sheet)
    assert "B" not in line
    assert "C" not in line


def test_the_office_sees_figures_under_its_own_grants_only_and_onlookers_none(
    gathering: Gathering,
    figures: Round,
) -> None:
    sheet = opened(gathering, figures)
    assert seen_cells(gathering.chief, sheet)["B"] == ("", "no_right")
    assert office_shown(figures, sheet.area_id, COLUMNS, AT)["B"].allowed
    figures.office_id = gathering.town.city.agencies["water_co-98"].pk
    assert not office_shown(figures, sheet.area_id, COLUMNS, AT)["B"].allowed


def test_a_roll_up_adds_figures_and_hides_those_of_few(gathering: Gathering, figures: Round) -> None:
    for code, elders, oldest in ((YOUYI, "30", "7"), (TUANJIE, "20", "2"), (XINHUA, "9", "6")):
        cells = {"area": {"B": elders, "C": oldest}}
        hand_in(figures.sheets.get(area__code=code), cells, COLUMNS, "figures")
    found = collecting.rollup(gathering.office, figures, 4)
    assert texts(found, "B")[""] == ("59", "shown")
    assert texts(found, "C")["团结社区"] == ("", "hidden")
    assert texts(found, "C")[""] == ("15", "shown")
    held = [name for name, (text, state) in texts(found, "C").items() if state == "hidden"]
    assert len(held) >= 2, "one alone could be worked out from the total"


def test_who_has_no_right_gets_no_exact_figure(gathering: Gathering, figures: Round) -> None:
    for code in (YOUYI, TUANJIE, XINHUA):
        hand_in(figures.sheets.get(area__code=code), {"area": {"B": "2"}}, COLUMNS, "figures")
    exact = collecting.rollup(gathering.office, figures, 4, exact=True)
    assert texts(exact, "B")["友谊社区"] == ("2", "shown")
    _take_back(gathering.town, "mz_key_elder")
    exact = collecting.rollup(gathering.office, figures, 4, exact=True)
    assert texts(exact, "B")["友谊社区"] == ("", "hidden")


def test_figures_of_districts_are_asked_of_people(gathering: Gathering) -> None:
    form = make_form(gathering.town.city.agencies["civil_affairs-98"], COLUMNS, shaped="figures")
    made = collecting.issue(
        gathering.office, form, gathering.town.city.areas["98"], 2, AT + timedelta(days=3), period="2026年"
    )
    high = gathering.town.city.officer("gao", "grid_leader", "980101", "data_bureau-98")
    sheet = collecting.open_sheet(high, made.sheets.get(area__code="980101"))
    assert seen_cells(high, sheet)["B"] == ("", "missing")
