"""Pushed rows: durable when accepted, each once whatever breaks, and answerable row by row."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from citybrain.base.catalogue.models import Supply, System
from citybrain.base.exchange import actions, pushing
from citybrain.base.exchange.models import Push, Run, Source
from citybrain.base.exchange.tests.lending import agency, dataset
from citybrain.base.exchange.tests.test_intake import SHAPE, ids, stored, work
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS, SYSTEM
from citybrain.base.identity.errors import Refused
from citybrain.base.lake import staging
from citybrain.base.ledger.models import Entry

pytestmark = pytest.mark.django_db
ZHANG, LI = "11010519491231002X", "34052419800101001X"


@pytest.fixture
def source(lake_home: Path) -> Source:
    return actions.add_source(SYSTEM, dataset("people", SHAPE), agency("police"), name="推送", kind="push")


def flush() -> None:
    staging.tick(timezone.now())
    work()


def test_the_same_call_again_is_the_same_push_and_other_rows_under_its_key_are_refused(
    source: Source,
) -> None:
    rows = [{"id_no": ZHANG, "name": "张三"}]
    first = pushing.accept_rows(SYSTEM, source, rows, "a-1")
    again = pushing.accept_rows(SYSTEM, source, [{"name": "张三", "id_no": ZHANG}], "a-1")
    assert (first.created, again.created, first.push, staging.waiting("people")) == (
        True,
        False,
        again.push,
        1,
    )
    with pytest.raises(pushing.Changed):
        pushing.accept_rows(SYSTEM, source, [{"id_no": LI}], "a-1")
    flush()
    assert pushing.accept_rows(SYSTEM, source, rows, "a-1").created is False
    flush()
    assert (ids(), Run.objects.count(), Entry.objects.filter(action="exchange.push").count()) == (
        ["110105"],
        1,
        1,
    )


def test_calls_without_a_key_are_each_their_own(source: Source) -> None:
    pushes = [pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG}]).push for _ in range(2)]
    assert pushes[0] != pushes[1]


def test_each_call_is_told_which_of_its_rows_were_refused_and_why(source: Source) -> None:
    one = pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG, "name": "旧"}, {"id_no": "坏"}]).push
    two = pushing.accept_rows(
        SYSTEM, source, [{"id_no": LI, "income": "x"}, {"id_no": ZHANG, "name": "新"}, {"name": "没有主键"}]
    ).push
    assert pushing.told(SYSTEM, one.pk).state == "accepted"
    flush()
    first, second = pushing.told(SYSTEM, one.pk), pushing.told(SYSTEM, two.pk)
    assert (first.state, first.stored, first.refused, first.replaced) == ("done", 0, 1, 1)
    assert [(row.row, row.problems[0][:2]) for row in first.rows] == [(1, ("id_no", "length"))]
    assert (second.stored, second.refused, second.replaced, second.version) == (1, 2, 0, 1)
    assert [(row.row, row.problems[0][:2]) for row in second.rows] == [
        (0, ("income", "decimal")),
        (2, ("id_no", "required")),
    ]
    assert second.rows[1].problems[0][2] == "“公民身份号码”不能为空"
    assert [name for _, name, _ in stored()] == ["新"]


def test_what_is_stored_does_not_depend_on_what_is_worked_on_together(source: Source) -> None:
    for together in (True, False):
        pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG, "name": "张三", "income": 1}])
        flush()
        pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG, "income": 2}])
        if not together:
            flush()
        pushing.accept_rows(SYSTEM, source, [{"id_no": LI, "name": "李四"}])
        flush()
        assert stored() == [(ZHANG, None, Decimal("2.00")), (LI, "李四", None)], together


def test_a_supply_of_some_fields_leaves_the_others_alone(source: Source) -> None:
    system = System.objects.create(agency=agency("civil"), name="民政", key="civil-1")
    supply = Supply.objects.create(
        dataset=source.dataset, system=system, fields=["income"], mode="push", update_cycle=1
    )
    partly = actions.add_source(
        SYSTEM, source.dataset, agency("civil"), name="收入", kind="push", supply=supply
    )
    pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG, "name": "张三", "sex": "1"}])
    flush()
    pushing.accept_rows(SYSTEM, partly, [{"id_no": ZHANG, "income": "7.5"}])
    flush()
    assert stored() == [(ZHANG, "张三", Decimal("7.50"))]
    with pytest.raises(Refused, match="name"):
        pushing.accept_rows(SYSTEM, partly, [{"id_no": ZHANG, "name": "x"}])


def test_a_worker_killed_at_any_moment_stores_every_row_once(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    for place, moment in enumerate(("landing.land", "runs.queue", "after")):
        push = pushing.accept_rows(
            SYSTEM, source, [{"id_no": ZHANG, "name": f"第{place}次"}, {"id_no": LI}], f"k-{place}"
        ).push
        with monkeypatch.context() as patched:
            _kill_at(moment, patched, Killed)
            with pytest.raises(Killed):
                staging.tick(timezone.now())
        assert staging.waiting("people") == 1, "what was accepted is still there"
        flush()
        told = pushing.told(SYSTEM, push.pk)
        assert (told.state, told.stored, told.refused) == ("done", 2, 0)
        assert Run.objects.count() == place + 1
    assert [name for _, name, _ in stored()] == ["第2次", None]


def _kill_at(moment: str, patched: pytest.MonkeyPatch, killed: type[BaseException]) -> None:
    real = pushing.take_pushed

    def dies(*_: Any, **__: Any) -> Any:
        raise killed

    def dies_after(batch: Any) -> None:
        real(batch)
        raise killed

    if moment == "after":
        patched.setattr(staging, "_handlers", {"all": dies_after})
    else:
        module, name = moment.split(".")
        patched.setattr(getattr(pushing, module), name, dies)


@pytest.mark.django_db(transaction=True)
def test_what_was_accepted_outlives_the_process_and_what_was_not_leaves_nothing(
    lake_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = actions.add_source(SYSTEM, dataset("people", SHAPE), agency("police"), name="推送", kind="push")

    class Killed(BaseException):
        pass

    def dies(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(pushing, "record", dies)
        with pytest.raises(Killed):
            pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG}], "once")
    connection.close()
    assert (Push.objects.count(), staging.waiting("people")) == (0, 0)
    accepted = pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG}], "once")
    connection.close()
    assert (accepted.created, staging.waiting("people")) == (True, 1)
    assert pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG}], "once").push == accepted.push


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([], "rows"),
        ([{"id_no": ZHANG}] * 10_001, "rows"),
        ([{"id_no": ZHANG}, {"id_no": ZHANG, "nmae": "x"}], "rows.1.nmae"),
        ([{"name": "x\0y"}], "rows.0.name"),
        ([{"name": "\ud800"}], "rows.0.name"),
        ([{"name": "x" * 1_000_001}], "rows.0.name"),
    ],
)
def test_what_can_not_be_kept_at_all_is_refused_by_row_and_field(
    source: Source, rows: list[dict[str, Any]], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        pushing.accept_rows(SYSTEM, source, rows)
    assert refused.value.problems[0].field == field
    assert (Push.objects.count(), staging.waiting("people")) == (0, 0)


def test_when_too_much_waits_nothing_more_is_accepted(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "WAITING_MOST", 1)
    for n in range(2):
        pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG}], f"k{n}")
    with pytest.raises(pushing.Busy):
        pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG}], "k3")
    assert Push.objects.count() == 2
    assert pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG}], "k1").created is False


def test_one_call_full_of_bad_rows_does_not_hold_up_the_others(source: Source) -> None:
    pushing.accept_rows(SYSTEM, source, [{"id_no": f"坏{n}"} for n in range(50)])
    good = pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG}]).push
    flush()
    assert (pushing.told(SYSTEM, good.pk).state, ids()) == ("done", ["110105"])


def test_nobody_else_pushes_or_sees_a_push(source: Source) -> None:
    push = pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG}]).push
    with pytest.raises(Forbidden):
        pushing.accept_rows(ANONYMOUS, source, [{"id_no": ZHANG}])
    with pytest.raises(Push.DoesNotExist):
        pushing.told(ANONYMOUS, push.pk)
