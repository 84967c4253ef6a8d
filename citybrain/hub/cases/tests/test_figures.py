"""Figures, targets and moves: exact counts of a village whose every case is chosen by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.identity.actor import Actor, Hat
from citybrain.hub.cases import actions, figures, moves
from citybrain.hub.cases.figures import Quality
from citybrain.hub.cases.filters import Filters
from citybrain.hub.cases.models import Case
from citybrain.hub.cases.targets import targets
from citybrain.hub.cases.tests.conftest import MORNING, Village

NOON = datetime(2026, 11, 19, 4, 0, tzinfo=UTC)
YESTERDAY = MORNING - timedelta(days=1)
EVENING_BEFORE = datetime(2026, 11, 18, 15, 59, tzinfo=UTC)  # 23:59 in the city
MIDNIGHT = datetime(2026, 11, 18, 16, 0, tzinfo=UTC)  # 00:00 in the city

# name, grid, reported at, then state, closed at, on time, solved, rating
TOLD = (
    ("a", "east1", MORNING, None),
    ("b", "east2", MORNING, (70, NOON, True, True, 5)),
    ("c", "east3", YESTERDAY, (70, MIDNIGHT, False, True, 3)),
    ("d", "west1", YESTERDAY, (71, EVENING_BEFORE, None, False, None)),
    ("e", "west1", YESTERDAY, (12, MIDNIGHT, None, True, None)),
    ("f", "east1", YESTERDAY, (90, MIDNIGHT, True, None, 5)),  # cancelled: closed, yet no measure of quality
)


@pytest.fixture
def told(village: Village) -> dict[str, Case]:
    found: dict[str, Case] = {}
    for name, grid, at, end in TOLD:
        report = village.report(f"编号{name}暴露垃圾一堆", grid=grid)
        pk = actions.report(village.actor("citizen"), report, now=at).case_id
        if end is not None:
            state, closed_at, on_time, solved, rating = end
            Case.objects.filter(pk=pk).update(
                state=state,
                is_open=False,
                closed_at=closed_at,
                on_time=on_time,
                solved=solved,
                rating=rating,
                due_at=None,
            )
        found[name] = Case.objects.get(pk=pk)
    return found


def looker(area_id: int, level: int) -> Actor:
    """Return somebody who may look at figures, and at no case."""
    hat = Hat("chief_data_officer", area_id, level, (area_id,), None, "area", frozenset({"cockpit.view"}))
    return Actor(999, "首席数据官", "officer", None, (hat,))


def test_quality_is_counted_by_the_citys_own_days(village: Village, told: dict[str, Case]) -> None:
    days = figures.quality_by_day(village.actor("mayor"), 3, now=NOON)
    assert [day.isoformat() for day, _quality in days] == [
        "2026-11-17T00:00:00+08:00",
        "2026-11-18T00:00:00+08:00",
        "2026-11-19T00:00:00+08:00",
    ]
    assert [quality for _day, quality in days] == [
        Quality(),
        Quality(closed=1, judged=0, on_time=0, checked=1, solved=0, rated=0, satisfied=0),
        Quality(closed=3, judged=2, on_time=1, checked=3, solved=3, rated=2, satisfied=1),
    ]


def test_rates_say_nothing_where_nothing_was_counted() -> None:
    assert Quality().on_time_rate is None
    assert Quality().satisfied_rate is None
    some = Quality(closed=4, judged=3, on_time=2, checked=4, solved=4, rated=2, satisfied=0)
    assert (some.on_time_rate, some.late_rate, some.solved_rate, some.satisfied_rate) == (
        0.6667,
        0.3333,
        1.0,
        0.0,
    )


def test_quality_by_area_adds_up_and_names_quiet_areas_too(village: Village, told: dict[str, Case]) -> None:
    city, east, west = (village.areas[code].pk for code in ("1298", "129801", "129802"))
    found = figures.quality_by_area(village.actor("mayor"), city, 7, now=NOON)
    assert {area: (one.closed, one.late_rate) for area, one in found.items()} == {
        east: (2, 0.5),
        west: (2, None),
    }
    quiet = figures.quality_by_area(village.actor("mayor"), west, 1, Filters(urgent=True), now=NOON)
    assert list(quiet.values()) == [Quality()]
    assert figures.quality_by_area(village.actor("mayor"), village.areas["129801001001001"].pk, 7) == {}


def test_reports_between_two_moments_leave_the_last_one_out(village: Village, told: dict[str, Case]) -> None:
    mayor = village.actor("mayor")
    assert figures.reported_between(mayor, YESTERDAY, MORNING) == 4
    assert figures.reported_between(mayor, YESTERDAY, MORNING + timedelta(seconds=1)) == 6
    west = Filters(area_id=village.areas["129802"].pk)
    assert figures.reported_between(mayor, YESTERDAY, NOON, west) == 2


def test_figures_of_a_district_stay_in_it(village: Village, told: dict[str, Case]) -> None:
    supervisor = village.actor("supervisor")
    closed = [one.closed for _day, one in figures.quality_by_day(supervisor, 2, now=NOON)]
    assert closed == [0, 2]
    by_area = figures.quality_by_area(supervisor, village.areas["1298"].pk, 7, now=NOON)
    assert by_area[village.areas["129802"].pk] == Quality()
    assert figures.reported_between(supervisor, YESTERDAY, NOON) == 4


def test_who_may_look_at_figures_counts_without_seeing_cases(village: Village, told: dict[str, Case]) -> None:
    officer = looker(village.areas["129801"].pk, 2)
    look: Any = {"permission": "cockpit.view"}
    assert figures.today(officer, now=NOON).open == 0
    assert figures.today(officer, now=NOON, **look).open == 1
    assert figures.today(officer, now=NOON, **look).reported == 2
    assert sum(day.reported for day in figures.trend(officer, 2, now=NOON, **look)) == 4
    assert sum(one.reported for one in figures.hours(officer, now=NOON, **look)) == 2
    assert [one.open for one in figures.by_area(officer, village.areas["1298"].pk, now=NOON, **look)] == [
        1,
        0,
    ]
    assert moves.latest(officer, Filters(), now=NOON) == []


def test_each_new_figure_is_one_query(village: Village, told: dict[str, Case]) -> None:
    mayor, city = village.actor("mayor"), village.areas["1298"].pk
    figures.today(mayor)  # the tree is in memory from here
    for ask in (
        lambda: figures.quality_by_day(mayor, now=NOON),
        lambda: figures.quality_by_area(mayor, city, now=NOON),
        lambda: figures.reported_between(mayor, YESTERDAY, NOON),
    ):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            ask()
        assert len(queries) == 1


def test_moves_tell_the_newest_step_of_each_case_of_the_last_day(
    village: Village, told: dict[str, Case]
) -> None:
    chief = village.actor("chief")
    actions.take(chief, told["a"].pk, "file", {"item": "010101"}, now=MORNING + timedelta(minutes=5))
    found = moves.latest(village.actor("mayor"), Filters(), now=NOON)
    assert [(one.case.number, one.action) for one in found[:2]] == [
        (told["a"].number, "file"),
        (told["b"].number, "report"),
    ]
    assert len(found) == 2, "what was reported a day and more ago has not moved since"
    assert [one.case.number for one in moves.latest(village.actor("mayor"), Filters(), 1, now=NOON)] == [
        told["a"].number
    ]


def test_moves_of_a_district_stay_in_it(village: Village, told: dict[str, Case]) -> None:
    at = YESTERDAY + timedelta(hours=1)
    everywhere = {one.case.number for one in moves.latest(village.actor("mayor"), Filters(), now=at)}
    east = {one.case.number for one in moves.latest(village.actor("supervisor"), Filters(), now=at)}
    assert everywhere == {told[name].number for name in "cdef"}
    assert east == {told[name].number for name in "cf"}


def test_targets_are_the_newest_table_in_force() -> None:
    first = targets(date(2026, 11, 19))
    assert (first.on_time_least, first.solved_least, first.satisfied_least) == (0.95, 0.95, 0.9)
    assert first.late_share_most == 0.05
    assert targets(date(1999, 1, 1)) == first
