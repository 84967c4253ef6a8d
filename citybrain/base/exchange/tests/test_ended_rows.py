"""Rows that end: marked by a column, in files of their own, or pushed; they leave the set once, nothing else does."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from citybrain.base.catalogue.models import Supply, System
from citybrain.base.exchange import actions, pushing, runs, words
from citybrain.base.exchange.models import Quarantined, Run, Source
from citybrain.base.exchange.tests import zoo
from citybrain.base.exchange.tests.lending import agency, dataset
from citybrain.base.exchange.tests.test_intake import SHAPE, stored, take, work
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.lake import staging
from citybrain.base.lake.tables import Table

pytestmark = pytest.mark.django_db
ZHANG, LI, WANG = "11010519491231002X", "34052419800101001X", "110101199003070134"
HEADER = "公民身份号码,姓名,状态\n"
THREE = HEADER + f"{ZHANG},张三,\n{LI},李四,有效\n{WANG},王五,0\n"


@pytest.fixture
def source(lake_home: Path) -> Source:
    return actions.add_source(
        SYSTEM, dataset("people", SHAPE), agency("police"), name="户籍系统", settings={"ended_column": "状态"}
    )


def names() -> list[str]:
    return sorted(name for _, name, _ in stored())


def test_marked_rows_leave_the_set_and_the_others_are_updated(source: Source) -> None:
    take(source, THREE)
    assert names() == ["张三", "李四", "王五"]
    run = take(source, HEADER + f"{ZHANG},张三,注销\n{LI},李四四,\n" + f"{WANG.lower()},王五,Y\n")
    assert (run.state, words.why(run)) == ("done", "")
    assert {name: run.figures[name] for name in ("rows", "updated", "removed", "ended", "version")} == {
        "rows": 1, "updated": 1, "removed": 2, "ended": 2, "version": 3,
    }  # fmt: skip
    assert names() == ["李四四"]
    again = take(source, HEADER + f"{ZHANG},张三,注销\n")
    assert (again.state, again.figures["removed"], again.figures["version"]) == ("done", 0, 3)


@pytest.mark.parametrize(
    ("values", "mark", "stays"),
    [
        (["2"], "2", False), (["2"], "1", True), ([" 销户 "], "销户", False), (["*"], "2024-05-01", False),
        (["*"], "", True), ([], "在用", True), ([], "TRUE", False),
    ],
)  # fmt: skip
def test_what_marks_a_row_is_the_sources_to_say(
    source: Source, values: list[str], mark: str, stays: bool
) -> None:
    source = actions.change_source(SYSTEM, source, settings={"ended_column": "状态", "ended_values": values})
    take(source, HEADER + f"{ZHANG},张三,\n{LI},李四,\n")
    take(source, HEADER + f"{ZHANG},张三,{mark}\n{LI},李四,\n")
    assert names() == (["张三", "李四"] if stays else ["李四"])


def test_of_a_key_the_last_row_counts(source: Source) -> None:
    take(
        source, HEADER + f"{ZHANG},张三,\n{ZHANG},张三丰,\n{ZHANG},张三丰,是\n{LI},李四,是\n{LI},李四回来,\n"
    )
    assert (names(), Quarantined.objects.count()) == (["李四回来"], 0)


def test_a_full_delivery_just_leaves_marked_rows_out(source: Source) -> None:
    take(source, THREE)
    source = actions.change_source(SYSTEM, source, mode="full")
    run = take(source, HEADER + f"{ZHANG},张三,是\n{LI},李四,\n")
    assert (names(), run.figures["removed"]) == (["李四"], 2)


def test_a_marker_that_is_gone_stops_before_ended_rows_come_back_to_life(source: Source) -> None:
    take(source, THREE)
    run = take(source, "公民身份号码,姓名,状况\n" + f"{ZHANG},张三,是\n")
    assert run.state == "waiting"
    actions.accept_drift(SYSTEM, run)
    work()
    run.refresh_from_db()
    assert (run.state, names()) == ("waiting", ["张三", "李四", "王五"])
    assert "“状态”列不见了" in words.why(run)


def test_a_key_that_can_not_be_is_put_aside_with_its_row(source: Source) -> None:
    take(source, THREE)
    run = take(source, HEADER + f"{ZHANG},张三,\n坏,张三,是\n{LI},李四,是\n")
    row = Quarantined.objects.get(run=run)
    assert (row.row, row.raw, row.problems[0]["field"]) == (2, {"id_no": "坏"}, "id_no")
    assert (names(), run.figures["ended_bad"]) == (["张三", "王五"], 1)


def test_files_of_ended_rows_need_only_the_key(lake_home: Path, tmp_path: Path) -> None:
    watched = tmp_path / "in"
    watched.mkdir()
    told = {"folder": str(watched), "pattern": "*.csv", "ended_pattern": "*.del.csv", "quiet_seconds": 0}
    required = {"fields": [{**one, "required": one["name"] == "name"} for one in SHAPE["fields"]]}
    source = actions.add_source(
        SYSTEM, dataset("people", required), agency("police"), name="夹", kind="folder", settings=told
    )
    zoo.put(watched, "a.csv", THREE)
    run = actions.run_source(SYSTEM, source)
    work()
    zoo.put(watched, "b.del.csv", f"公民身份号码\n{ZHANG}\n{LI}\n")
    run = actions.run_source(SYSTEM, Source.objects.get())
    work()
    run.refresh_from_db()
    assert (run.state, run.figures["removed"], run.figures["rows_good"], names()) == ("done", 2, 2, ["王五"])
    assert Source.objects.get().columns[1][0] == "姓名", "the file of ended rows is no drift"


def test_pushed_rows_end_in_the_order_in_which_they_came(lake_home: Path) -> None:
    source = actions.add_source(SYSTEM, dataset("people", SHAPE), agency("police"), name="推送", kind="push")
    pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG, "name": "张三"}, {"id_no": LI, "name": "李四"}])
    ended = pushing.accept_rows(SYSTEM, source, [{"id_no": ZHANG}], ended=True).push
    staging.tick(timezone.now())
    work()
    assert names() == ["李四"]
    told = pushing.told(SYSTEM, ended.pk)
    assert (told.state, told.stored, told.refused) == ("done", 1, 0)
    for n in range(3):
        pushing.accept_rows(SYSTEM, source, [{"id_no": LI}], ended=True)
        pushing.accept_rows(SYSTEM, source, [{"id_no": LI, "name": f"李四第{n}次回来"}])
    staging.tick(timezone.now())
    work()
    assert names() == ["李四第2次回来"]


def test_a_supplier_ends_no_row_of_one_that_ranks_before_it(lake_home: Path) -> None:
    data = dataset("people", SHAPE)
    sources = []
    for rank, (key, fields) in enumerate(
        [("police", []), ("civil", []), ("health", ["id_no", "name"])], start=1
    ):
        system = System.objects.create(agency=agency(key), name=key, key=key)
        supply = Supply.objects.create(
            dataset=data, system=system, mode="file", update_cycle=1, rank=rank, fields=fields
        )
        sources.append(
            actions.add_source(
                SYSTEM, data, agency(key), name=key, supply=supply, settings={"ended_column": "状态"}
            )
        )
    take(sources[0], HEADER + f"{ZHANG},张三,\n")
    take(sources[1], HEADER + f"{LI},李四,\n{WANG},王五,\n")
    run = take(sources[1], HEADER + f"{ZHANG},张三,是\n{LI},李四,是\n")
    assert (names(), run.figures["removed"], run.figures["held_back"]) == (["张三", "王五"], 1, 1)
    take(sources[2], HEADER + f"{WANG},王五,是\n")
    assert names() == ["张三", "王五"], "who gives only some fields ends no row"
    take(sources[0], HEADER + f"{WANG},王五,是\n")
    assert names() == ["张三"]


@pytest.mark.parametrize("killed_after", ["read", "part", "check", "merge", "end", "publish"])
def test_a_run_killed_between_any_two_steps_ends_its_rows_once(
    source: Source, monkeypatch: pytest.MonkeyPatch, killed_after: str
) -> None:
    class Killed(BaseException):
        pass

    take(source, THREE)

    def dying(step: Any) -> Any:
        def run_and_die(job: Any) -> Any:
            step(job)
            raise Killed

        return run_and_die

    real = runs.STEPS
    broken = tuple((name, dying(step) if name == killed_after else step) for name, step in real)
    monkeypatch.setattr(runs, "STEPS", broken)
    text = HEADER + f"{ZHANG},张三,是\n{LI},李四四,\n坏,x,是\n"
    run = actions.receive_file(SYSTEM, source, [text.encode()], "b.csv")
    with pytest.raises(Killed):
        runs.work_one(timezone.now())
    monkeypatch.setattr(runs, "STEPS", real)
    while runs.work_one(timezone.now() + timedelta(hours=2)):
        pass
    run = Run.objects.get(pk=run.pk)
    assert (run.state, run.figures["removed"], run.figures["updated"]) == ("done", 1, 1)
    assert (names(), Quarantined.objects.filter(run=run).count()) == (["李四四", "王五"], 1)
    assert Table("people").version() == 3


def test_a_set_without_key_can_not_end_rows(lake_home: Path) -> None:
    log = {"fields": [{**one, "key": False} for one in SHAPE["fields"]]}
    source = actions.add_source(
        SYSTEM,
        dataset("log", log),
        agency("police"),
        name="流水",
        mode="append",
        settings={"ended_column": "状态"},
    )
    run = take(source, THREE)
    assert (run.state, words.why(run)) == ("refused", "数据资源没有主键，不能按主键结束。")
