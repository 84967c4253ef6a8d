"""Whoever may not see a case does not see it in any list, count, figure, map, export, search or mark.

The expectation is written by hand, per person, and never computed with the code under test.
"""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from openpyxl import load_workbook

from citybrain.base.areas import tree as area_tree
from citybrain.base.areas.models import Area
from citybrain.base.identity import agencies as directory
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS, Actor
from citybrain.base.identity.models import Agency
from citybrain.hub.cases import actions, detail, export, figures, lists, mapfeed, progress, same_case
from citybrain.hub.cases.errors import NotFound
from citybrain.hub.cases.filters import Filters, read
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.tests.conftest import MORNING, Village

# Who sees which of the five cases below: a (east1), b (east2), c (east3), d (west1), e (east1, at housing).
SEES = {
    "chief": "abcde",
    "mayor": "abcde",
    "acceptor": "abe",
    "acceptor_west": "d",
    "dispatcher": "abce",
    "supervisor": "abce",
    "handler": "b",
    "handler2": "e",
    "handler_west": "",
    "street_handler": "",
    "worker": "ae",
    "worker2": "c",
    "audit": "",
    "system": "",
    "security": "",
    "citizen": "acde",
    "neighbour": "b",
}


@pytest.fixture
def five(village: Village) -> dict[str, Case]:
    found: dict[str, Case] = {}
    for name, grid, who in (
        ("a", "east1", "citizen"),
        ("b", "east2", "neighbour"),
        ("c", "east3", "citizen"),
        ("d", "west1", "citizen"),
        ("e", "east1", "citizen"),
    ):
        report = village.report(f"编号{name}暴露垃圾一堆", grid=grid)
        found[name] = Case.objects.get(pk=actions.report(village.actor(who), report, now=MORNING).case_id)
    for name, agency in (("b", "east_cm"), ("e", "east_housing")):
        pk = found[name].pk
        actions.take(village.actor("chief"), pk, "file", {"item": "010101"}, now=MORNING)
        to = {"agency": village.agencies[agency].pk}
        actions.take(village.actor("chief"), pk, "dispatch", to, now=MORNING)
    Case.objects.filter(pk=found["b"].pk).update(lon=117.2, lat=39.1)
    return {name: Case.objects.get(pk=case.pk) for name, case in found.items()}


def named(five: dict[str, Case], numbers: set[str]) -> str:
    return "".join(sorted(name for name, case in five.items() if case.number in numbers))


def in_list(actor: Actor, filters: Filters) -> set[str]:
    if not actor.may("cases.view"):
        with pytest.raises(KeyError):
            lists.page(actor, "all", filters)
        return set()
    return {row.number for row in lists.page(actor, "all", filters).rows}


@pytest.mark.parametrize("who", sorted(SEES))
def test_each_of_the_cast_sees_exactly_their_part(who: str, village: Village, five: dict[str, Case]) -> None:
    actor, sees = village.actor(who), SEES[who]
    assert named(five, set(Case.objects.visible_to(actor).values_list("number", flat=True))) == sees
    assert named(five, in_list(actor, Filters())) == sees
    assert named(five, in_list(actor, read({"q": "暴露垃圾"}))) == sees
    assert figures.today(actor, now=MORNING).reported == len(sees)
    assert figures.today(actor, now=MORNING).open == len(sees)
    assert sum(figures.by_state(actor).values()) == len(sees)
    assert sum(day.reported for day in figures.trend(actor, days=3, now=MORNING)) == len(sees)
    root = village.areas["1298"].pk
    assert sum(row.open for row in figures.by_area(actor, root, now=MORNING)) == len(sees)
    marks = lists.marks(actor, [case.pk for case in five.values()])
    assert "".join(sorted(name for name, case in five.items() if case.pk in marks)) == sees
    points = mapfeed.feed(actor, Filters())["features"]
    assert [point["properties"]["number"] for point in points] == ([five["b"].number] if "b" in sees else [])
    for name, case in five.items():
        if name in sees:
            assert detail.case_page(actor, case.number).case.pk == case.pk
        else:
            with pytest.raises(NotFound):
                detail.case_page(actor, case.number)


@pytest.mark.parametrize("who", sorted(SEES))
def test_an_export_holds_exactly_their_part_or_is_refused(
    who: str, village: Village, five: dict[str, Case]
) -> None:
    actor = village.actor(who)
    if not actor.may("cases.export"):
        with pytest.raises(Forbidden):
            export.workbook(actor, "all", Filters(), MORNING)
        return
    sheet = load_workbook(io.BytesIO(export.workbook(actor, "all", Filters(), MORNING))).active
    numbers = {str(row[0]) for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert named(five, numbers) == SEES[who]


def test_counts_are_the_lengths_of_their_lists(village: Village, five: dict[str, Case]) -> None:
    for who in SEES:
        actor = village.actor(who)
        for key, number in lists.counts(actor).items():
            assert number == len(lists.page(actor, key, Filters()).rows), (who, key)


def test_an_anonymous_visitor_sees_nothing_without_the_code(village: Village, five: dict[str, Case]) -> None:
    assert not Case.objects.visible_to(ANONYMOUS).exists()
    with pytest.raises(NotFound):
        progress.progress(five["a"].number, actor=ANONYMOUS)
    with pytest.raises(NotFound):
        progress.progress(five["a"].number, actor=ANONYMOUS, query_code=five["b"].query_code)
    shown = progress.progress(five["a"].number, actor=ANONYMOUS, query_code=five["a"].query_code.lower())
    assert shown.case.pk == five["a"].pk


def test_a_reporter_sees_progress_without_names_of_officers(village: Village, five: dict[str, Case]) -> None:
    shown = progress.progress(five["e"].number, actor=village.actor("citizen"))
    words = " ".join(moment.words + moment.answer for moment in shown.moments)
    assert "值班长甲" not in words
    assert [moment.words for moment in shown.moments] == [
        "您的反映已收到",
        "已受理，正在安排负责单位",
        "已交负责单位处理",
    ]
    assert (shown.phase, shown.agency) == ("in_hand", "东区住建委")


def test_names_of_bodies_and_areas_are_english_on_english_pages(
    village: Village, five: dict[str, Case]
) -> None:
    Agency.objects.update(name_en="An English Bureau")
    Area.objects.filter(level=2).update(name_en="An English District")
    directory.forget()
    area_tree.forget()
    number = five["e"].number
    with translation.override("en"):
        page = detail.case_page(village.actor("chief"), number)
        told = progress.progress(number, actor=village.actor("citizen"))
        Case.objects.filter(pk=five["e"].pk).update(state=31, agency=None)
        candidate = detail.case_page(village.actor("chief"), number).candidates[0]
    assert told.agency == "An English Bureau"
    assert {event.agency for event in page.events} <= {"An English Bureau", ""}
    assert candidate.name == "An English Bureau"
    assert "An English District" in " ".join(candidate.reasons)


def test_same_case_candidates_stay_within_rights(village: Village, five: dict[str, Case]) -> None:
    from citybrain.hub.cases.intake import cell_of

    Case.objects.filter(pk__in=[case.pk for case in five.values()]).update(
        lon=117.2, lat=39.1, cell=cell_of(117.2, 39.1)
    )
    case = Case.objects.get(pk=five["a"].pk)
    found = {one.row.number for one in same_case.candidates(village.actor("acceptor"), case)}
    assert named(five, found) == "be"


def test_lists_and_pages_cost_a_fixed_number_of_queries(village: Village, five: dict[str, Case]) -> None:
    actor = village.actor("acceptor")
    lists.page(actor, "open", Filters())
    detail.case_page(actor, five["a"].number)
    for action, most in (
        (lambda: lists.page(actor, "open", Filters()), 1),
        (lambda: lists.counts(actor), 1),
        (lambda: figures.today(actor, now=MORNING), 3),
        (lambda: detail.case_page(actor, five["a"].number), 5),
    ):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            action()
        assert len(queries) <= most, [query["sql"][:80] for query in queries]


def test_a_role_that_ended_yesterday_shows_nothing(village: Village, five: dict[str, Case]) -> None:
    from datetime import date

    from citybrain.base.identity.models import RoleGrant

    RoleGrant.objects.filter(person=village.people["chief"]).update(valid_until=date(2026, 11, 18))
    assert not Case.objects.visible_to(village.actor("chief")).exists()


def test_a_formula_in_a_text_is_no_formula_in_the_export(village: Village) -> None:
    actions.report(village.actor("citizen"), village.report('=HYPERLINK("http://x","y")垃圾'), now=MORNING)
    sheet = load_workbook(
        io.BytesIO(export.workbook(village.actor("chief"), "all", Filters(), MORNING))
    ).active
    assert [row[4] for row in sheet.iter_rows(min_row=2, values_only=True)] == [
        '\'=HYPERLINK("http://x","y")垃圾'
    ]
