"""From a file to rows in the lake: each once, whatever breaks on the way; nothing is dropped silently."""

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from citybrain.base.catalogue.models import Measure, Supply, System
from citybrain.base.exchange import actions, aside, landing, pushing, runs, words
from citybrain.base.exchange.checks import Problem
from citybrain.base.exchange.models import Conflict, Landed, Quarantined, Run, Source
from citybrain.base.exchange.steps import checking
from citybrain.base.exchange.tests import zoo
from citybrain.base.exchange.tests.lending import agency, dataset
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS, SYSTEM
from citybrain.base.lake import engine, staging
from citybrain.base.lake.tables import Table

pytestmark = pytest.mark.django_db
HEADER = "公民身份号码,姓名,性别,出生日期,收入\n"
ONE = "11010519491231002X,张三,1,1949-12-31,10.50\n"
TWO = "34052419800101001X,李四,1,1980-01-01,20.00\n"
BAD = "340524198001010011,王五,1,1980-01-01,x\n"
SHAPE: dict[str, Any] = {
    "fields": [
        {"name": "id_no", "zh": "公民身份号码", "type": "char(18)", "key": True, "check": "gb11643"},
        {"name": "name", "zh": "姓名", "type": "varchar(50)"},
        {"name": "sex", "zh": "性别", "type": "char(1)"},
        {"name": "birth_date", "zh": "出生日期", "type": "date"},
        {"name": "income", "zh": "收入", "type": "decimal(12,2)"},
    ]
}


@pytest.fixture
def source(lake_home: Path) -> Source:
    return actions.add_source(SYSTEM, dataset("people", SHAPE), agency("police"), name="户籍系统")


def take(source: Source, text: str | bytes, name: str = "a.csv") -> Run:
    """Receive a file and work until nothing waits."""
    run = actions.receive_file(SYSTEM, source, [text.encode() if isinstance(text, str) else text], name)
    work()
    return Run.objects.get(pk=run.pk)


def work() -> None:
    while runs.work_one(timezone.now() + timedelta(hours=2)):
        pass


def stored(code: str = "people", columns: str = "id_no, name, income") -> list[tuple[Any, ...]]:
    with engine.session() as link:
        return sorted(link.execute(f"SELECT {columns} FROM {engine.relation_sql(code)}").fetchall())


def ids(code: str = "people") -> list[str]:
    return [row[0][:6] for row in stored(code, "id_no")]


def test_a_file_lands_is_checked_and_stored_with_its_figures(source: Source) -> None:
    run = take(source, ("\ufeff某市户籍表,,,,\n" + HEADER + ONE + TWO + BAD + ONE).encode())
    assert (run.state, words.why(run)) == ("done", "")
    assert run.figures == {
        "rows": 4, "rows_good": 2, "rows_bad": 1, "repeated": 1, "version": 1, "inserted": 2, "updated": 0,
        "unchanged": 0, "removed": 0, "conflicts": 0, "held_back": 0,
    }  # fmt: skip
    assert ids() == ["110105", "340524"]
    row = Quarantined.objects.get()
    assert (row.row, row.raw["name"], row.state) == (3, "王五", "open")
    assert [(one["field"], one["reason"], one["value"]) for one in row.problems] == [
        ("id_no", "gb11643", "340524198001010011"),
        ("income", "decimal", "x"),
    ]
    measure = Measure.objects.get()
    assert (measure.rows, measure.bad, measure.problems) == (4, 1, {"check": 1, "type": 1})


@pytest.mark.parametrize("killed_after", [name for name, _ in runs.STEPS])
@pytest.mark.parametrize("kept", [True, False])
def test_a_run_killed_between_any_two_steps_stores_its_rows_once(
    source: Source, monkeypatch: pytest.MonkeyPatch, killed_after: str, kept: bool
) -> None:
    class Killed(BaseException):
        pass

    def dying(step: Any, name: str) -> Any:
        def run_and_die(job: Any) -> Any:
            given = step(job)
            if kept:
                job.run.done[name] = given
                job.run.save(update_fields=["done"])
            raise Killed

        return run_and_die

    real = runs.STEPS
    broken = tuple((name, dying(step, name) if name == killed_after else step) for name, step in real)
    monkeypatch.setattr(runs, "STEPS", broken)
    run = actions.receive_file(SYSTEM, source, [(HEADER + ONE + TWO + BAD).encode()], "a.csv")
    with pytest.raises(Killed):
        runs.work_one(timezone.now())
    assert not runs.work_one(timezone.now()), "the lease of the dead process still holds"
    monkeypatch.setattr(runs, "STEPS", real)
    work()
    run.refresh_from_db()
    assert (run.state, run.attempt) == ("done", 2)
    assert ids() == ["110105", "340524"]
    assert (Quarantined.objects.count(), Measure.objects.count(), Table("people").version()) == (1, 1, 1)


def test_work_lost_with_a_disk_is_done_again_from_the_landed_file(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    from citybrain.base.exchange import landing

    monkeypatch.setattr(runs, "STEPS", runs.STEPS[:3])
    run = actions.receive_file(SYSTEM, source, [(HEADER + ONE).encode()], "a.csv")
    assert runs.work_one(timezone.now())
    monkeypatch.undo()
    landing.clear_work(run.pk)
    work()
    run.refresh_from_db()
    assert (run.state, ids()) == ("done", ["110105"])


@pytest.mark.parametrize("mode", ["upsert", "full", "append"])
def test_the_same_file_twice_changes_nothing(source: Source, mode: str) -> None:
    actions.change_source(SYSTEM, source, mode=mode)
    take(source, HEADER + ONE + TWO)
    again = take(source, HEADER + ONE + TWO)
    assert (again.state, again.figures["skipped"]) == ("done", "same_file")
    assert (ids(), Table("people").version(), Landed.objects.count()) == (["110105", "340524"], 1, 1)


def test_a_set_without_key_takes_each_file_once(lake_home: Path) -> None:
    shape = {"fields": [{"name": "line", "zh": "内容", "type": "varchar(20)"}]}
    log = actions.add_source(SYSTEM, dataset("log", shape), agency("police"), name="日志")
    for text in ("内容\n甲\n", "内容\n乙\n乙\n", "内容\n甲\n"):
        take(log, text)
    assert stored("log", "line") == [("乙",), ("乙",), ("甲",)]


def test_a_column_renamed_overnight_stops_the_run_until_somebody_looks(source: Source) -> None:
    take(source, HEADER + ONE)
    run = take(source, HEADER.replace("收入", "年收入合计") + TWO)
    assert (run.state, run.error["key"]) == ("waiting", "columns_gone")
    assert run.drift["renamed"] == [["收入", "年收入合计"]]
    assert "收入" in words.why(run)
    assert ids() == ["110105"]
    actions.accept_drift(SYSTEM, run, {"年收入合计": "income"})
    work()
    run.refresh_from_db()
    assert run.state == "done"
    assert [str(row[2]) for row in stored()] == ["10.50", "20.00"]


def test_a_source_may_go_on_with_the_columns_it_knows_and_loses_nothing(source: Source) -> None:
    actions.change_source(SYSTEM, source, on_drift="go_on")
    take(source, HEADER + ONE)
    run = take(source, "公民身份号码,姓名,备注\n11010519491231002X,张三丰,x\n")
    assert (run.state, run.drift["missing"], run.drift["added"]) == (
        "done",
        ["性别", "出生日期", "收入"],
        ["备注"],
    )
    ((_, name, income),) = stored()
    assert (name, str(income)) == ("张三丰", "10.50")


def test_a_lost_key_column_always_stops(source: Source) -> None:
    actions.change_source(SYSTEM, source, on_drift="go_on")
    run = take(source, "证件,姓名\n11010519491231002X,张三\n")
    assert (run.state, run.error["key"]) == ("waiting", "fields_missing")


def test_mended_rows_are_replayed_once(source: Source) -> None:
    take(source, HEADER + ONE + BAD)
    row = Quarantined.objects.get()
    left = actions.mend_row(SYSTEM, row, {"id_no": "34052419800101001X"})
    assert [(one.field, one.reason) for one in left] == [("income", "decimal")]
    assert actions.replay(SYSTEM, source) is None
    assert actions.mend_row(SYSTEM, row, {"income": "30"}) == []
    assert actions.replay(SYSTEM, source) is not None
    assert actions.replay(SYSTEM, source) is None
    work()
    row.refresh_from_db()
    assert (row.state, row.raw["income"]) == ("replayed", "x")
    assert [(row[0][:6], str(row[2])) for row in stored()] == [("110105", "10.50"), ("340524", "30.00")]


def test_a_wrong_file_is_stopped_before_anything_is_stored(source: Source) -> None:
    take(source, HEADER + ONE)
    wrong = "".join(f"9{n:017d},甲,1,1980-01-01,1\n" for n in range(20))
    run = take(source, HEADER + wrong)
    assert (run.state, run.error["key"], ids()) == ("waiting", "too_many_bad", ["110105"])
    run = take(source, b"%PDF-1.7")
    assert (run.state, run.error["key"]) == ("refused", "unreadable:kind")
    assert "PDF" in words.why(run)
    run = take(source, "x,y\n1,2\n")
    assert run.error["key"] == "fields_missing"


def test_broken_lines_are_kept_with_their_number(source: Source) -> None:
    take(source, HEADER + ONE + "少,列\n" + TWO)
    row = Quarantined.objects.get()
    assert (row.row, row.raw, row.problems[0]["detail"]) == (3, {"": "少,列"}, "missing_columns")


def test_suppliers_that_disagree_are_listed_and_the_lesser_is_asked(lake_home: Path) -> None:
    people = dataset("people", SHAPE)
    supplies = []
    for rank, key in ((1, "police"), (2, "civil")):
        system = System.objects.create(agency=agency(key), key=key, name=key)
        supplies.append(
            Supply.objects.create(dataset=people, system=system, mode="file", update_cycle=2, rank=rank)
        )
    first, second = (
        actions.add_source(SYSTEM, people, agency(key), name=key, supply=supply)
        for key, supply in zip(("police", "civil"), supplies, strict=True)
    )
    take(first, HEADER + ONE)
    run = take(second, HEADER + ONE.replace("张三", "张叁") + TWO)
    assert (run.figures["conflicts"], run.figures["held_back"], run.figures["inserted"]) == (1, 1, 1)
    conflict = Conflict.objects.get()
    assert (conflict.fields, conflict.asked) == ({"name": {"held": "张三", "offered": "张叁"}}, supplies[1])
    take(second, HEADER + ONE.replace("张三", "张叁") + TWO + "\n")
    assert Conflict.objects.filter(state="sent").count() == 1
    actions.settle_conflict(SYSTEM, Conflict.objects.get(state="sent"), supplies[1], "户口簿已更正")
    work()
    assert [name for _, name, _ in stored()] == ["张叁", "李四"]


def test_pushed_rows_are_stored_in_seconds_and_once(lake_home: Path) -> None:
    pushed = actions.add_source(SYSTEM, dataset("people", SHAPE), agency("police"), name="推送", kind="push")
    rows = [{"id_no": "11010519491231002X", "name": "张三", "income": 10.5}, {"id_no": "坏", "name": "x"}]
    pushing.accept_rows(SYSTEM, pushed, rows)
    assert staging.tick(timezone.now()) == 1
    assert staging.tick(timezone.now()) == 0
    work()
    assert (ids(), Quarantined.objects.get().raw["id_no"]) == (["110105"], "坏")


def test_a_database_is_read_from_where_it_stood(lake_home: Path, tmp_path: Path) -> None:
    path = tmp_path / "their.db"
    with sqlite3.connect(path) as their:
        their.execute("CREATE TABLE people (id_no TEXT, name TEXT, income NUMERIC, changed TEXT)")
        their.execute("INSERT INTO people VALUES ('11010519491231002X', '张三', 10.5, '2024-01-01')")
    told = {"system": "sqlite", "database": str(path), "table": "people", "since_column": "changed"}
    source = actions.add_source(
        SYSTEM,
        dataset("people", SHAPE),
        agency("police"),
        name="库",
        kind="sql",
        settings=told,
        secret="秘密",
    )
    assert b"\xe7\xa7\x98" not in bytes(source.secret)
    actions.run_source(SYSTEM, source)
    work()
    assert ids() == ["110105"]
    with sqlite3.connect(path) as their:
        their.execute("INSERT INTO people VALUES ('34052419800101001X', '李四', 20, '2024-01-02')")
    for _ in range(2):
        actions.run_source(SYSTEM, Source.objects.get())
        work()
    assert ids() == ["110105", "340524"]
    assert Run.objects.first().figures["skipped"] == "nothing_new"


def test_a_watched_folder_gives_each_file_once(lake_home: Path, tmp_path: Path) -> None:
    watched = tmp_path / "in"
    watched.mkdir()
    told = {"folder": str(watched), "pattern": "*.csv", "quiet_seconds": 0}
    source = actions.add_source(
        SYSTEM,
        dataset("people", SHAPE),
        agency("police"),
        name="夹",
        kind="folder",
        settings=told,
        every_minutes=5,
    )
    zoo.put(watched, "a.csv", HEADER + ONE)
    zoo.put(watched, "b.csv", HEADER + TWO)
    now = timezone.now()
    for minutes in (1, 6, 12):
        assert runs.queue_due(now + timedelta(minutes=minutes)) == 1
        work()
    assert ids() == ["110105", "340524"]
    assert [run.name for run in Run.objects.order_by("pk")] == ["a.csv", "b.csv", ""]
    assert Source.objects.get(pk=source.pk).next_due == now + timedelta(minutes=17)


def test_a_failing_source_is_tried_again_later_and_later(lake_home: Path) -> None:
    told = {"folder": str(lake_home.parent / "nowhere"), "pattern": "*"}
    source = actions.add_source(
        SYSTEM, dataset("people", SHAPE), agency("police"), name="夹", kind="folder", settings=told
    )
    run = actions.run_source(SYSTEM, source)
    waits = []
    now = timezone.now()
    for _ in range(runs.ATTEMPTS):
        assert runs.work_one(now)
        run.refresh_from_db()
        waits.append(round((run.next_try_at - timezone.now()).total_seconds()))
        now = run.next_try_at + timedelta(seconds=1)
    assert (run.state, waits[:4]) == ("failed", [10, 40, 160, 640])
    assert "nowhere isn't there" in words.why(run)


def test_nobody_without_the_right_changes_anything(source: Source) -> None:
    take(source, HEADER + ONE + BAD)
    run, row = Run.objects.get(), Quarantined.objects.get()
    tried: list[Any] = [
        lambda: actions.add_source(ANONYMOUS, source.dataset, source.agency, name="x"),
        lambda: actions.change_source(ANONYMOUS, source, name="x"),
        lambda: actions.receive_file(ANONYMOUS, source, [b"x"], "x"),
        lambda: actions.run_source(ANONYMOUS, source),
        lambda: pushing.accept_rows(ANONYMOUS, source, [{}]),
        lambda: actions.accept_drift(ANONYMOUS, run),
        lambda: actions.retry(ANONYMOUS, run),
        lambda: actions.mend_row(ANONYMOUS, row, {}),
        lambda: actions.replay(ANONYMOUS, source),
        lambda: actions.dismiss(ANONYMOUS, row, "x"),
    ]
    for attempt in tried:
        with pytest.raises(Forbidden):
            attempt()
    for model in (Source, Run, Quarantined, Conflict):
        assert not model.objects.visible_to(ANONYMOUS).exists()
        assert model.objects.visible_to(SYSTEM).count() == model.objects.count()


def test_every_bad_row_is_kept_though_only_the_first_are_listed(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "LISTED", 3)
    wrong = "".join(f"9{n:017d},=甲,1,1980-01-01,1\n" for n in range(9))
    run = take(
        source, HEADER + ONE + wrong + "少,列\n" + "".join(ONE.replace("2X", f"2{n}") for n in range(9))
    )
    assert (run.state, run.error.get("key")) == ("waiting", "too_many_bad")
    actions.accept_drift(SYSTEM, run)
    work()
    run.refresh_from_db()
    assert (run.state, run.figures["rows_bad"], Quarantined.objects.filter(run=run).count()) == (
        "done",
        19,
        4,
    )
    kept = list(aside.rows(run.pk))
    assert len(kept) == 19
    assert (12, [Problem("", "broken", None, "missing_columns")], {"": "少,列"}) in kept
    lines = b"".join(aside.as_csv(run)).decode().splitlines()
    assert len(lines) == 20
    assert ",'=甲," in lines[1]


def test_files_go_when_their_time_is_over_and_no_run_needs_them(source: Source, settings: Any) -> None:
    run = take(source, HEADER + ONE + BAD)
    waiting = take(source, HEADER.replace("收入", "年收入合计") + BAD)
    assert (run.state, waiting.state) == ("done", "waiting")
    late = timezone.now() + timedelta(days=settings.EXCHANGE_KEEP_DAYS + 1)
    assert aside.tick(timezone.now()) == 0
    assert aside.tick(late) == 2
    there = [landing.path_of(one).exists() for one in (run.landed, waiting.landed)]
    assert (there, aside.path_of(run.pk).exists()) == ([False, True], False)
