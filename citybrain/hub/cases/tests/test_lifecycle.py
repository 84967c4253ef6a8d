"""One report from the citizen to the closed file and the rating, and the side paths."""

from datetime import timedelta

import pytest

from citybrain.base.identity.access import Forbidden
from citybrain.base.ledger.models import Entry
from citybrain.hub.cases import actions, detail, photos, routing
from citybrain.hub.cases.errors import BadInput, Conflict, NotFound, NotNow
from citybrain.hub.cases.models import Case, CaseClock, CaseEvent, RouteRecord
from citybrain.hub.cases.states import Source, State, Step
from citybrain.hub.cases.tests.conftest import MORNING, Village
from citybrain.hub.cases.tests.pictures import picture

LAMP = "030201"


def item_code(village: Village) -> str:
    from citybrain.hub.cases import items

    return next(item.code for item in items.index().by_code.values() if item.lead_kind == "city_mgmt")


def filed(village: Village, **more: object) -> int:
    case_id = actions.report(village.actor("citizen"), village.report(**more), now=MORNING).case_id
    actions.take(village.actor("acceptor"), case_id, "file", {"item": item_code(village)}, now=MORNING)
    return case_id


def handled(village: Village) -> int:
    case_id = filed(village)
    to = village.agencies["east_cm"].pk
    actions.take(village.actor("dispatcher"), case_id, "dispatch", {"agency": to}, now=MORNING)
    actions.take(village.actor("handler"), case_id, "accept", now=MORNING)
    after = photos.upload(picture(), "after", village.people["handler"].pk, MORNING)
    done = {"reason": "已清理", "photos": [str(after.token)]}
    actions.take(village.actor("handler"), case_id, "feedback", done, now=MORNING + timedelta(hours=1))
    return case_id


def closed(village: Village) -> int:
    case_id = handled(village)
    actions.take(
        village.actor("acceptor"), case_id, "close", {"solved": "是"}, now=MORNING + timedelta(hours=2)
    )
    return case_id


def test_a_report_becomes_a_rated_case(village: Village) -> None:
    case_id = handled(village)
    later = MORNING + timedelta(hours=2)
    actions.take(village.actor("acceptor"), case_id, "start_check", now=later)
    actions.take(village.actor("worker"), case_id, "pass_check", {"solved": True}, now=later)
    actions.take(village.actor("acceptor"), case_id, "close", now=later)
    actions.take(village.actor("citizen"), case_id, "rate", {"rating": 5}, now=later)
    case = Case.objects.get(pk=case_id)
    assert (case.state, case.is_open, case.solved, case.rating) == (State.CLOSED, False, True, 5)
    assert case.closed_at == later
    assert case.on_time is True
    steps = list(CaseEvent.objects.filter(case=case).order_by("seq").values_list("seq", "action"))
    assert steps == list(
        enumerate(
            [
                "report",
                "file",
                "dispatch",
                "accept",
                "feedback",
                "start_check",
                "pass_check",
                "close",
                "rate",
            ],
            1,
        )
    )
    ledger = Entry.objects.filter(subject=f"case:{case_id}").values_list("action", flat=True).order_by("id")
    assert list(ledger) == [f"cases.{action}" for _seq, action in steps]
    assert [clock.step for clock in CaseClock.objects.filter(case=case).order_by("id")] == [1, 2, 3, 4]
    assert not CaseClock.objects.filter(case=case, stopped_at=None).exists()


def test_the_same_submission_twice_opens_one_case(village: Village) -> None:
    import uuid

    key = uuid.uuid4()
    first = actions.report(village.actor("citizen"), village.report(submission_key=key), now=MORNING)
    second = actions.report(village.actor("citizen"), village.report(submission_key=key), now=MORNING)
    assert (first.number, first.created, second.number, second.created) == (
        first.number,
        True,
        first.number,
        False,
    )
    assert Case.objects.count() == 1
    assert CaseEvent.objects.count() == 1


def test_of_two_officers_one_wins_and_the_other_is_told_who_and_when(village: Village) -> None:
    case_id = actions.report(village.actor("citizen"), village.report(), now=MORNING).case_id
    seen = Case.objects.get(pk=case_id).version
    actions.take(
        village.actor("chief"), case_id, "file", {"item": item_code(village)}, seen_version=seen, now=MORNING
    )
    given = {"cause": "other", "reason": "重复"}
    with pytest.raises(Conflict) as told:
        actions.take(village.actor("acceptor"), case_id, "reject", given, seen_version=seen, now=MORNING)
    assert told.value.who == "值班长甲"
    assert told.value.when == MORNING
    assert "值班长甲" in told.value.message
    assert "11-19 09:00" in told.value.message
    assert Case.objects.get(pk=case_id).state == State.PENDING_DISPATCH


def test_an_old_version_is_a_conflict_even_where_the_state_is_the_same(village: Village) -> None:
    case_id = handled(village)
    actions.take(village.actor("acceptor"), case_id, "start_check", now=MORNING)
    seen = Case.objects.get(pk=case_id).version
    actions.take(village.actor("worker"), case_id, "pass_check", {"solved": False}, now=MORNING)
    with pytest.raises(Conflict):
        actions.take(
            village.actor("acceptor"), case_id, "close", {"solved": True}, seen_version=seen, now=MORNING
        )


def test_a_case_of_another_area_is_not_found(village: Village) -> None:
    case_id = actions.report(village.actor("citizen"), village.report(), now=MORNING).case_id
    with pytest.raises(NotFound):
        actions.take(
            village.actor("acceptor_west"), case_id, "file", {"item": item_code(village)}, now=MORNING
        )


def test_who_sees_a_case_may_still_lack_the_step(village: Village) -> None:
    case_id = actions.report(village.actor("citizen"), village.report(), now=MORNING).case_id
    with pytest.raises(Forbidden):
        actions.take(village.actor("worker"), case_id, "file", {"item": item_code(village)}, now=MORNING)


def test_a_missing_photo_is_named(village: Village) -> None:
    case_id = filed(village)
    to = village.agencies["east_cm"].pk
    actions.take(village.actor("dispatcher"), case_id, "dispatch", {"agency": to}, now=MORNING)
    actions.take(village.actor("handler"), case_id, "accept", now=MORNING)
    before = photos.upload(picture(), "before", None, MORNING)
    given = {"reason": "好了", "photos": [str(before.token)]}
    with pytest.raises(BadInput) as told:
        actions.take(village.actor("handler"), case_id, "feedback", given, now=MORNING)
    assert told.value.message == "还缺照片：处置后"
    assert Case.objects.get(pk=case_id).state == State.HANDLING


def test_a_returned_route_sinks_and_the_body_is_barred(village: Village) -> None:
    case_id = filed(village)
    first = routing.rank(Case.objects.get(pk=case_id).item, Case.objects.get(pk=case_id).guard_lineage())
    assert first[0].agency_id == village.agencies["east_cm"].pk
    actions.take(
        village.actor("dispatcher"), case_id, "dispatch", {"agency": first[0].agency_id}, now=MORNING
    )
    given = {"cause": "not_ours", "reason": "属于街道"}
    actions.take(village.actor("handler"), case_id, "return", given, now=MORNING)
    record = RouteRecord.objects.get()
    assert (record.dispatched, record.returned) == (1, 1)
    page = detail.case_page(village.actor("dispatcher"), Case.objects.get(pk=case_id).number)
    assert page.candidates[0].agency_id != village.agencies["east_cm"].pk
    last = page.candidates[-1]
    assert last.agency_id == village.agencies["east_cm"].pk
    assert "该单位已退回过本案" in last.reasons


def test_a_case_not_yet_accepted_is_handed_to_another_body_whose_time_begins(village: Village) -> None:
    case_id = filed(village)
    dispatcher, later = village.actor("dispatcher"), MORNING + timedelta(minutes=30)
    first, other = village.agencies["east_cm"].pk, village.agencies["east_housing"].pk
    actions.take(dispatcher, case_id, "dispatch", {"agency": first}, now=MORNING)
    number = Case.objects.get(pk=case_id).number
    assert detail.case_page(dispatcher, number).candidates[0].agency_id != first
    with pytest.raises(BadInput, match="已在这个单位"):
        actions.take(dispatcher, case_id, "reassign", {"agency": first, "reason": "错"}, now=later)
    with pytest.raises(BadInput):
        actions.take(dispatcher, case_id, "reassign", {"agency": other}, now=later)
    actions.take(dispatcher, case_id, "reassign", {"agency": other, "reason": "应由住建办理"}, now=later)
    case = Case.objects.get(pk=case_id)
    assert (case.agency_id, case.state, case.dispatched_at) == (other, State.PENDING_HANDLING, later)
    assert (case.return_count, case.on_time) == (0, True)
    clocks = CaseClock.objects.filter(case=case, step=Step.HANDLING).order_by("id")
    assert [clock.stopped_at for clock in clocks] == [later, None]
    routes = {route.agency_id: (route.dispatched, route.returned) for route in RouteRecord.objects.all()}
    assert routes == {first: (1, 1), other: (1, 0)}
    with pytest.raises(NotFound):
        actions.take(village.actor("handler"), case_id, "accept", now=later)
    actions.take(village.actor("handler2"), case_id, "accept", now=later)
    with pytest.raises(Conflict):
        actions.take(dispatcher, case_id, "reassign", {"agency": first, "reason": "再改"}, now=later)


@pytest.mark.parametrize("who", ["acceptor", "supervisor", "handler", "worker"])
def test_reassigning_is_the_dispatchers(village: Village, who: str) -> None:
    case_id = filed(village)
    own, other = village.agencies["east_cm"].pk, village.agencies["east_housing"].pk
    actions.take(village.actor("dispatcher"), case_id, "dispatch", {"agency": own}, now=MORNING)
    with pytest.raises(Forbidden):
        actions.take(village.actor(who), case_id, "reassign", {"agency": other, "reason": "改"}, now=MORNING)


def test_what_the_centre_designated_is_not_reassigned(village: Village) -> None:
    case_id = filed(village)
    own, other = village.agencies["east_cm"].pk, village.agencies["east_housing"].pk
    actions.take(village.actor("dispatcher"), case_id, "dispatch", {"agency": own}, now=MORNING)
    Case.objects.filter(pk=case_id).update(return_count=3)
    with pytest.raises(NotNow, match="指挥中心"):
        actions.take(
            village.actor("dispatcher"), case_id, "reassign", {"agency": other, "reason": "改"}, now=MORNING
        )


def test_after_three_returns_only_the_centre_designates(village: Village) -> None:
    case_id = filed(village)
    agency = village.agencies["east_cm"].pk
    for turn in range(3):
        step = "redispatch" if turn else "dispatch"
        actions.take(village.actor("dispatcher"), case_id, step, {"agency": agency}, now=MORNING)
        given = {"cause": "not_ours", "reason": "不是我们的"}
        actions.take(village.actor("handler"), case_id, "return", given, now=MORNING)
    with pytest.raises(NotNow) as told:
        actions.take(village.actor("dispatcher"), case_id, "redispatch", {"agency": agency}, now=MORNING)
    assert "指挥中心" in told.value.message
    given = {"agency": agency, "reason": "依三定方案"}
    outcome = actions.take(village.actor("chief"), case_id, "designate", given, now=MORNING)
    assert outcome.state == State.PENDING_HANDLING


def test_a_granted_extension_moves_the_due_time_and_says_so(village: Village) -> None:
    case_id = filed(village)
    actions.take(
        village.actor("dispatcher"),
        case_id,
        "dispatch",
        {"agency": village.agencies["east_cm"].pk},
        now=MORNING,
    )
    actions.take(village.actor("handler"), case_id, "accept", now=MORNING)
    was_due = Case.objects.get(pk=case_id).due_at
    until = MORNING + timedelta(days=4, hours=2)
    ask = {"ask": "extension", "until": until.isoformat(), "reason": "等材料"}
    actions.take(village.actor("handler"), case_id, "request_extension", ask, now=MORNING)
    actions.take(village.actor("supervisor"), case_id, "decide_extension", {"approve": "1"}, now=MORNING)
    case = Case.objects.get(pk=case_id)
    assert case.state == State.HANDLING
    assert was_due is not None
    assert case.due_at == until
    assert case.due_at > was_due


def test_an_extension_that_is_none_is_refused(village: Village) -> None:
    case_id = filed(village)
    actions.take(
        village.actor("dispatcher"),
        case_id,
        "dispatch",
        {"agency": village.agencies["east_cm"].pk},
        now=MORNING,
    )
    actions.take(village.actor("handler"), case_id, "accept", now=MORNING)
    until = (MORNING + timedelta(minutes=5)).isoformat()
    ask = {"ask": "extension", "until": until, "reason": "等"}
    with pytest.raises(BadInput) as told:
        actions.take(village.actor("handler"), case_id, "request_extension", ask, now=MORNING)
    assert told.value.field == "until"


def test_a_refused_extension_changes_nothing_but_the_state(village: Village) -> None:
    case_id = filed(village)
    actions.take(
        village.actor("dispatcher"),
        case_id,
        "dispatch",
        {"agency": village.agencies["east_cm"].pk},
        now=MORNING,
    )
    actions.take(village.actor("handler"), case_id, "accept", now=MORNING)
    was_due = Case.objects.get(pk=case_id).due_at
    ask = {"ask": "extension", "until": (MORNING + timedelta(days=9)).isoformat(), "reason": "等"}
    actions.take(village.actor("handler"), case_id, "request_extension", ask, now=MORNING)
    actions.take(village.actor("supervisor"), case_id, "decide_extension", {"approve": "0"}, now=MORNING)
    assert Case.objects.get(pk=case_id).due_at == was_due


def test_a_suspended_case_has_no_due_time_and_its_pause_does_not_count(village: Village) -> None:
    case_id = filed(village)
    actions.take(
        village.actor("dispatcher"),
        case_id,
        "dispatch",
        {"agency": village.agencies["east_cm"].pk},
        now=MORNING,
    )
    was_due = Case.objects.get(pk=case_id).due_at
    assert was_due is not None
    until = (MORNING + timedelta(days=20)).isoformat()
    actions.take(
        village.actor("supervisor"), case_id, "suspend", {"until": until, "reason": "封冻期"}, now=MORNING
    )
    assert Case.objects.get(pk=case_id).due_at is None
    actions.take(village.actor("supervisor"), case_id, "resume", now=MORNING + timedelta(days=1))
    # One whole working day lay in the pause: the case is due one working day later.
    assert Case.objects.get(pk=case_id).due_at == was_due + timedelta(days=1)


def test_a_challenge_in_the_window_sends_it_back_and_after_it_is_refused(village: Village) -> None:
    case_id = closed(village)
    given = {"reason": "第二天又坏了"}
    with pytest.raises(NotNow):
        actions.take(village.actor("citizen"), case_id, "challenge", given, now=MORNING + timedelta(days=9))
    outcome = actions.take(
        village.actor("citizen"), case_id, "challenge", given, now=MORNING + timedelta(days=1)
    )
    case = Case.objects.get(pk=case_id)
    assert outcome.state == State.REWORK
    assert (case.rework_count, case.solved, case.closed_at, case.step) == (1, False, None, Step.HANDLING)
    assert case.agency_id == village.agencies["east_cm"].pk


def test_a_challenge_by_query_code_needs_the_right_code(village: Village) -> None:
    case_id = closed(village)
    from citybrain.base.identity.actor import ANONYMOUS

    code = Case.objects.get(pk=case_id).query_code
    with pytest.raises(NotFound):
        actions.take(ANONYMOUS, case_id, "rate", {"rating": 1}, owner_code="WRONG1", now=MORNING)
    actions.take(ANONYMOUS, case_id, "rate", {"rating": 1}, owner_code=code, now=MORNING)
    assert Case.objects.get(pk=case_id).rating == 1


def test_an_officer_can_not_rate_for_the_reporter(village: Village) -> None:
    case_id = closed(village)
    with pytest.raises(Forbidden):
        actions.take(village.actor("chief"), case_id, "rate", {"rating": 5}, now=MORNING)


def test_self_handling_needs_the_item_that_allows_it_and_two_photos(village: Village) -> None:
    report = village.report(source=Source.GRID_WORKER, item_code="010103")
    case_id = actions.report(village.actor("worker"), report, now=MORNING).case_id
    before, after = (
        photos.upload(picture(n), kind, None, MORNING) for n, kind in enumerate(("before", "after"))
    )
    given = {"reason": "清走了", "photos": [str(before.token), str(after.token)]}
    with pytest.raises(NotNow):
        actions.take(village.actor("worker"), case_id, "self_handle", given, now=MORNING)
    report = village.report(source=Source.GRID_WORKER, item_code="010101")
    case_id = actions.report(village.actor("worker"), report, now=MORNING).case_id
    outcome = actions.take(village.actor("worker"), case_id, "self_handle", given, now=MORNING)
    case = Case.objects.get(pk=case_id)
    assert outcome.state == State.SELF_HANDLED
    assert (case.is_open, case.solved, case.photos.count()) == (False, True, 2)


def test_merging_ties_reports_to_one_case(village: Village) -> None:
    main = actions.report(village.actor("citizen"), village.report(), now=MORNING)
    other = actions.report(village.actor("neighbour"), village.report("路灯坏了"), now=MORNING)
    actions.take(village.actor("acceptor"), other.case_id, "merge", {"main": main.number}, now=MORNING)
    assert Case.objects.get(pk=main.case_id).report_count == 2
    tied = Case.objects.get(pk=other.case_id)
    assert (tied.state, tied.duplicate_of_id) == (State.CANCELLED, main.case_id)
    with pytest.raises(NotNow):
        actions.take(village.actor("acceptor"), other.case_id, "refile", {"reason": "误并"}, now=MORNING)


def test_a_batch_tells_per_case_what_became_of_it(village: Village) -> None:
    mine = [actions.report(village.actor("citizen"), village.report(), now=MORNING).case_id for _ in range(2)]
    west = actions.report(village.actor("citizen"), village.report(grid="west1"), now=MORNING).case_id
    given = {"item": item_code(village)}
    rows = actions.take_many(village.actor("acceptor"), [mine[0], west, mine[1]], "file", given, now=MORNING)
    assert [(row.case_id, bool(row.error)) for row in rows] == [
        (mine[0], False),
        (west, True),
        (mine[1], False),
    ]


def test_an_unknown_input_is_refused_and_nothing_is_written(village: Village) -> None:
    case_id = actions.report(village.actor("citizen"), village.report(), now=MORNING).case_id
    given = {"item": item_code(village), "state": 70}
    with pytest.raises(BadInput):
        actions.take(village.actor("acceptor"), case_id, "file", given, now=MORNING)
    assert CaseEvent.objects.filter(case_id=case_id).count() == 1
    assert Case.objects.get(pk=case_id).version == 1
