"""The city in the database: whole or not at all, right by the house's own doors, alive by its own actions."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from click.testing import CliRunner
from django.contrib.auth.hashers import check_password
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from citybrain.base.areas import index as area_index
from citybrain.base.areas.models import Area, AreaShape, Level
from citybrain.base.areas.tree import tree
from citybrain.base.identity.actor import SYSTEM, actor_for
from citybrain.base.identity.agencies import resolve_agency
from citybrain.base.identity.models import Agency, Person, RoleGrant
from citybrain.base.ledger.models import Entry
from citybrain.hub.cases import actions, lists, photos
from citybrain.hub.cases.filters import Filters
from citybrain.hub.cases.intake import Report
from citybrain.hub.cases.models import Case, CaseClock, CaseEvent, CasePhoto, RouteRecord
from citybrain.hub.cases.states import Source
from citybrain.sample import load, marker
from citybrain.sample.cast import CAST, PASSWORD
from citybrain.sample.context import sample
from citybrain.sample.fixtures import NOW, Cast, TinyCity
from citybrain.sample.load import CityExists, first_start
from citybrain.sample.models import ReportTruth, SampleCity
from citybrain.sample.plan import TINY
from citybrain.sample.stream import Stream, plan_of
from citybrain.sample.truth import rows, summary
from citybrain.site.cli import sample as command


def test_the_areas_stand_with_their_shapes_and_paths(city: TinyCity) -> None:
    counts = Counter(Area.objects.values_list("level", flat=True))
    assert counts == {1: 1, 2: 2, 3: 3, 4: 10, 5: 32}
    grid = city.area("grid")
    assert grid.path == "".join(f"{area}." for area in tree().get(grid.pk).lineage)
    assert AreaShape.objects.filter(derived=False).count() == 32
    assert AreaShape.objects.count() == 48


def test_a_point_of_a_grid_is_found_in_it(city: TinyCity) -> None:
    found = area_index.locate_one(*city.point("far_grid"))
    assert found == tree().get(city.area("far_grid").pk).lineage


def test_only_the_cast_can_sign_in(city: TinyCity) -> None:
    able = Person.objects.exclude(password__startswith="!")
    assert {person.login for person in able} == {member.key for member in CAST if not member.phone}
    assert all(check_password(PASSWORD, person.password) for person in able)
    assert not any(person.must_change_password for person in able)


def test_every_grant_is_one_that_its_role_can_be_given_for(city: TinyCity) -> None:
    from citybrain.base.identity.roles import role_named

    levels = dict(Area.objects.values_list("id", "level"))
    wrong = [
        grant
        for grant in RoleGrant.objects.all()
        if levels[grant.area_id] not in role_named(grant.role).levels
    ]
    assert wrong == []
    handlers = RoleGrant.objects.filter(role="handler")
    assert handlers.filter(agency=None).count() == 0


def test_bodies_carry_the_lineage_of_their_areas(city: TinyCity) -> None:
    for agency in Agency.objects.all():
        lineage = (agency.city_id, agency.district_id, agency.street_id, agency.community_id, agency.grid_id)
        assert lineage == tree().get(agency.area_id).lineage
    owner = resolve_agency("city_mgmt", tree().get(city.area("grid").pk).lineage)
    assert owner == city.agency("city_mgmt")


def test_a_second_city_is_refused_and_changes_nothing(city: TinyCity) -> None:
    people = Person.objects.count()
    with pytest.raises(CityExists, match="安澜市"):
        first_start(TINY)
    assert (Person.objects.count(), SampleCity.objects.count()) == (people, 1)


@pytest.mark.django_db(transaction=True)
def test_a_start_that_dies_on_the_way_leaves_nothing_and_the_next_one_succeeds(monkeypatch) -> None:
    load.forget()

    def die(*_args: object) -> None:
        raise SystemExit("killed")

    monkeypatch.setattr(load, "_mark", die)
    with pytest.raises(SystemExit):
        first_start(TINY, cases=5)
    assert (Area.objects.count(), Person.objects.count(), Case.objects.count()) == (0, 0, 0)
    assert Entry.objects.filter(action="sample.load").count() == 0
    monkeypatch.undo()
    assert first_start(TINY, cases=0).grids == 32
    load.forget()


def test_the_marker_says_that_the_city_is_made_up(city: TinyCity) -> None:
    assert marker.sample_name() == "安澜市"
    assert len(marker.warnings("127.0.0.1")) == 1
    assert "reached from outside" in marker.warnings("0.0.0.0")[1]
    assert sample(None)["sample_city"] == "安澜市"  # type: ignore[arg-type]
    SampleCity.objects.all().delete()
    marker.forget()
    assert marker.warnings("0.0.0.0") == []
    assert sample(None) == {"sample_city": "", "sample_accounts": []}  # type: ignore[arg-type]


def test_asking_for_the_marker_costs_one_query_for_many_pages(city: TinyCity) -> None:
    marker.forget()
    with CaptureQueriesContext(connection) as asked:
        for _ in range(5):
            marker.sample_name()
    assert len(asked) == 1


def test_the_first_day_has_cases_in_every_common_state_with_whole_histories(lively_city: TinyCity) -> None:
    assert lively_city.cases == Case.objects.count() == ReportTruth.objects.count()
    states = set(Case.objects.values_list("state", flat=True))
    assert states >= {10, 11, 20, 30, 31, 40, 41, 42, 50, 60, 61, 70}
    for case in Case.objects.all():
        events = list(CaseEvent.objects.filter(case=case).order_by("seq"))
        assert [event.seq for event in events] == list(range(1, case.version + 1))
        assert events[-1].to_state == case.state
        assert [event.at for event in events] == sorted(event.at for event in events)
        assert events[-1].at < lively_city.now
        assert CaseClock.objects.filter(case=case, stopped_at=None).count() == int(case.is_open)


def test_each_of_the_cast_has_something_on_their_list(lively_city: TinyCity, cast: Cast) -> None:
    wanted = {
        "acceptor": ("to_file", "to_check"), "dispatcher": ("to_dispatch", "returned"), "handler": ("to_accept",),
        "handler2": ("to_accept",), "street_handler": ("to_accept",), "supervisor": ("to_decide",),
        "worker": ("to_verify", "checking", "mine"), "leader": ("to_verify",), "duty_chief": ("late",),
    }  # fmt: skip
    empty = [
        (key, name)
        for key, names in wanted.items()
        for name in names
        if not lists.page(cast.actor(key), name, Filters()).rows
    ]
    assert empty == []
    assert Case.objects.filter(reporter=cast["citizen"]).count() >= 3


def test_merged_reports_are_counted_at_their_main_case(db: None) -> None:
    load.forget()
    first_start(TINY, cases=160)
    merged = Case.objects.exclude(duplicate_of=None)
    assert merged.count() >= 3
    groups = Counter(merged.values_list("duplicate_of", flat=True))
    for main, count in groups.items():
        assert Case.objects.get(pk=main).report_count == count + 1
    truth = {row.case_id: row.matter for row in ReportTruth.objects.all()}
    assert all(truth[case.pk] == truth[case.duplicate_of_id] for case in merged)
    load.forget()


def test_routes_have_learnt_from_what_was_returned(db: None) -> None:
    load.forget()
    first_start(TINY, cases=160)
    played = Counter(CaseEvent.objects.values_list("action", flat=True))
    learnt = RouteRecord.objects.all()
    assert (
        sum(route.dispatched for route in learnt)
        == played["dispatch"] + played["redispatch"] + played["designate"]
    )
    assert sum(route.returned for route in learnt) == played["return"] > 0
    load.forget()


def test_photos_are_drawn_stored_once_and_shared(lively_city: TinyCity) -> None:
    shown = CasePhoto.objects.all()
    assert shown.count() > shown.values("digest").distinct().count() > 3
    assert all(photos.file_of(photo.digest).is_file() for photo in shown)
    handled = CaseEvent.objects.filter(action="feedback").first()
    assert handled is not None
    assert CasePhoto.objects.filter(case=handled.case, seq=handled.seq, kind="after").count() == 1


def test_the_truth_stands_beside_what_the_city_made_of_it(lively_city: TinyCity) -> None:
    found = list(rows())
    assert len(found) == lively_city.cases
    filed = [row for row in found if row["item"] is not None]
    assert sum(row["true_item"] == row["item"] for row in filed) > 0.8 * len(filed)
    assert all(row["true_grid"] == row["grid"] for row in found)
    assert summary()["reports"] == lively_city.cases


def test_the_same_city_twice_tells_the_same_truth(db: None) -> None:
    told = []
    for _ in range(2):
        load.forget()
        with transaction.atomic():
            first_start(TINY, now=NOW, cases=30)
            told.append(
                [(row["text"], row["true_item"], row["true_agency"], row["reported_at"]) for row in rows()]
            )
            transaction.set_rollback(True)
    assert told[0] == told[1]


def test_the_stream_reports_and_acts_through_the_real_actions(lively_city: TinyCity, cast: Cast) -> None:
    before = Case.objects.count()
    row = SampleCity.objects.get()
    flow = Stream(lively_city.world, plan_of(row), rate=20, speed=3600, began=row.matters)
    for second in range(170):
        flow.tick(float(second), lively_city.now + timedelta(seconds=second))
    assert flow.done["report"] == Case.objects.count() - before > 20
    assert flow.done["file"] > 5
    assert flow.done["dispatch"] > 3
    assert flow.done["accept"] > 1
    assert flow.done["refused"] <= flow.done["report"] * 0.05
    fresh = CaseEvent.objects.filter(case__in=Case.objects.filter(reported_at__gte=lively_city.now))
    cast_ids = {person.pk for person in cast.people.values()}
    assert {event.actor_id for event in fresh.exclude(action="report")} & cast_ids == set()
    assert SampleCity.objects.get().matters > row.matters
    assert ReportTruth.objects.count() == Case.objects.count()


def test_the_stream_goes_on_when_somebody_was_faster(lively_city: TinyCity) -> None:
    row = SampleCity.objects.get()
    flow = Stream(lively_city.world, plan_of(row), rate=600, speed=3600, began=row.matters)
    at = 0.0
    while not flow._due:
        flow.tick(at, lively_city.now)
        at += 0.2
    case_id = flow._due[0].case_id
    actions.take(SYSTEM, case_id, "cancel", {"cause": "test", "reason": "测试"}, now=lively_city.now)
    refused = False
    for _ in range(200):
        flow.tick(at, lively_city.now + timedelta(hours=1))
        at += 0.2
        refused = refused or flow.done["refused"] > 0
    assert refused


def test_the_stream_sleeps_when_nothing_is_due(city: TinyCity) -> None:
    row = SampleCity.objects.get()
    flow = Stream(city.world, plan_of(row), rate=0.1, speed=1, began=row.matters)
    flow._next_matter = 1e9
    naps: list[float] = []
    clock = iter(range(100))
    flow.run(lambda: len(naps) >= 4, lambda _done: None, lambda: float(next(clock)), naps.append)
    assert naps == [0.5, 0.5, 0.5, 0.5]


def test_a_report_of_the_cast_reaches_the_acceptor(city: TinyCity, cast: Cast) -> None:
    lon, lat = city.point()
    citizen = actor_for(cast["citizen"])
    receipt = actions.report(citizen, Report(Source.CITIZEN, "路灯不亮", lon, lat), now=city.now)
    seen = Case.objects.visible_to(cast.actor("acceptor")).get(pk=receipt.case_id)
    assert seen.grid_id == city.area("grid").pk
    assert not Case.objects.visible_to(cast.actor("worker2")).filter(pk=receipt.case_id).exists()


def test_the_command_makes_a_city_and_prints_who_can_sign_in(db: None) -> None:
    load.forget()
    result = CliRunner().invoke(command.sample, ["load", "--scale", "0.002", "--cases", "0"])
    assert result.exit_code == 0, result.output
    assert "安澜市: 2 districts, 3 streets" in result.output
    assert "acceptor" in result.output
    assert PASSWORD in result.output
    again = CliRunner().invoke(command.sample, ["load", "--scale", "0.002"])
    assert again.exit_code == 1
    assert "needs an empty one" in again.output
    load.forget()


def test_the_command_prints_the_truth_as_json_lines(lively_city: TinyCity) -> None:
    result = CliRunner().invoke(command.sample, ["truth", "--json"])
    told = [json.loads(line) for line in result.output.splitlines()]
    assert len(told) == lively_city.cases


def test_the_stream_command_refuses_a_real_city(db: None) -> None:
    marker.forget()
    result = CliRunner().invoke(command.sample, ["stream", "--seconds", "0"])
    assert (result.exit_code, "no sample city" in result.output) == (1, True)


def test_levels_are_the_ones_areas_knows() -> None:
    from citybrain.sample import city

    assert list(Level) == [city.CITY, city.DISTRICT, city.STREET, city.COMMUNITY, city.GRID]
