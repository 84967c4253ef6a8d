"""Databases of other bodies: every kind of value, from where it stood, without ever writing there."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.utils import timezone

from citybrain.base.exchange import actions, words
from citybrain.base.exchange.models import Quarantined, Run, Source
from citybrain.base.exchange.reading.plan import ROW
from citybrain.base.exchange.sources import SourceError, databases, tables
from citybrain.base.exchange.tests import their_databases
from citybrain.base.exchange.tests.lending import agency, dataset
from citybrain.base.exchange.tests.test_intake import SHAPE, ids, stored, work
from citybrain.base.exchange.tests.their_databases import Theirs
from citybrain.base.identity.actor import SYSTEM

pytestmark = pytest.mark.django_db
ZHANG, LI, WANG = "11010519491231002X", "34052419800101001X", "110101199003070134"


@pytest.fixture(scope="module")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    lacking = their_databases.mariadb_missing()
    if lacking:
        pytest.skip(lacking)
    with their_databases.mariadb_server(tmp_path_factory.mktemp("mariadb")) as told:
        yield told


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def theirs(request: pytest.FixtureRequest, lake_home: Path, settings: Any) -> Iterator[Theirs]:
    opening: dict[str, Any] = {
        "postgresql": their_databases.postgresql,
        "sqlite": lambda: their_databases.sqlite(lake_home.parent),
        "mariadb": lambda: their_databases.mariadb(request.getfixturevalue("mariadb_server")),
    }
    with opening[request.param]() as made:
        settings.SOURCE_HOSTS = [str(made.told["host"])] if "host" in made.told else []
        yield made


def source_of(theirs: Theirs, table: str = "people", mode: str = "upsert", **told: Any) -> Source:
    return actions.add_source(
        SYSTEM, dataset("people", SHAPE), agency("police"), name="库", kind="sql", secret=theirs.secret,
        settings={**theirs.told, "table": table, **told}, mode=mode,
    )  # fmt: skip


def take(source: Source) -> Run:
    run = actions.run_source(SYSTEM, Source.objects.get(pk=source.pk))
    work()
    return Run.objects.get(pk=run.pk)


def fetched(source: Source, folder: Path) -> list[dict[str, Any]]:
    """Return the rows as texts, None where nothing is new."""
    folder.mkdir(exist_ok=True)
    got = tables.fetch(source, folder)
    assert got is not None
    return [
        {name: value for name, value in row.items() if name != ROW}
        for row in pq.read_table(got.path).to_pylist()
    ]


TYPES = {
    "postgresql": (
        "CREATE TABLE odd (a bigint, b numeric(30,10), c double precision, d boolean, e date, f timestamp, "
        "g timestamptz, h time, i bytea, j jsonb, k text[], l uuid, m text, n interval)",
        "INSERT INTO odd VALUES (9223372036854775807, 12345678901234567890.0123456789, 0.1, true, '0044-03-15 BC', "
        "'2024-02-29 23:59:59.123456', '2024-02-29 23:59:59+08', '08:30', '\\x00ff', '{\"甲\": 1.10}', "
        "'{\"a\",NULL}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '𠮷野家\n“引号”', '1 day 2 hours')",
        "INSERT INTO odd (a, e, f) VALUES (NULL, 'infinity', '-infinity')",
        ["9223372036854775807", "12345678901234567890.0123456789", "0.1", "true", "0044-03-15 BC",
         "2024-02-29 23:59:59.123456", "2024-02-29 15:59:59+00", "08:30:00", "00ff", '{"甲": 1.10}', '["a",null]',
         "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "𠮷野家\n“引号”", "P1DT2H"],
        {"e": "infinity", "f": "-infinity"},
    ),
    "mariadb": (
        "CREATE TABLE odd (a bigint unsigned, b decimal(30,10), c double, d tinyint(1), e date, f datetime(6), "
        "g timestamp NULL, h time, i varbinary(4), j json, m varchar(50), n year)",
        "INSERT INTO odd VALUES (18446744073709551615, 12345678901234567890.0123456789, 0.1, 1, '2024-02-29', "
        "'2024-02-29 23:59:59.123456', FROM_UNIXTIME(1709222399), '-30:15:00', x'00ff', '{\"甲\": 1.10}', "
        "'𠮷野家\n“引号”', 2024)",
        "INSERT INTO odd (a, e, f) VALUES (NULL, '0000-00-00', '2024-02-30')",
        ["18446744073709551615", "12345678901234567890.0123456789", "0.1", "1", "2024-02-29",
         "2024-02-29 23:59:59.123456", "2024-02-29 23:59:59", "-30:15:00", "00ff", '{"甲": 1.10}', "𠮷野家\n“引号”",
         "2024"],
        {"e": "0000-00-00", "f": "0000-00-00 00:00:00.000000"},
    ),
    "sqlite": (
        "CREATE TABLE odd (a INTEGER, b NUMERIC, c REAL, d BOOLEAN, e DATE, f DATETIME, i BLOB, m TEXT)",
        "INSERT INTO odd VALUES (9223372036854775807, '12345678901234567890.0123456789x', 0.1, 1, '2024/2/29', "
        "'someday', x'00ff', '𠮷野家\n“引号”')",
        "INSERT INTO odd (a, m) VALUES (NULL, CAST(x'd5c5c8fd' AS TEXT))",
        ["9223372036854775807", "12345678901234567890.0123456789x", "0.1", "1", "2024/2/29", "someday", "00ff",
         "𠮷野家\n“引号”"],
        {"m": "张三"},
    ),
}  # fmt: skip


def test_every_kind_of_value_comes_as_the_database_writes_it(theirs: Theirs, lake_home: Path) -> None:
    table, first, second, expected, odd = TYPES[theirs.system]
    theirs.run(table, first, second)
    rows = fetched(source_of(theirs, "odd"), lake_home.parent / "got")
    assert list(rows[0].values()) == expected
    assert {name: value for name, value in rows[1].items() if value is not None} == odd


def people(theirs: Theirs, changed: str = "") -> None:
    kinds = {"postgresql": "timestamp", "mariadb": "datetime(6)", "sqlite": "DATETIME"}
    kind = changed or kinds[theirs.system]
    theirs.run(
        f"CREATE TABLE people (id_no char(18), name varchar(40), income numeric(12,2), changed {kind})"
    )


def put(theirs: Theirs, id_no: str, name: str, changed: str) -> None:
    when = "NULL" if not changed else f"'{changed}'"
    theirs.run(f"INSERT INTO people VALUES ('{id_no}', '{name}', 10.50, {when})")


def test_rows_come_from_where_the_column_stood_to_the_microsecond(theirs: Theirs) -> None:
    people(theirs)
    put(theirs, ZHANG, "张三", "2024-01-01 00:00:00.600000")
    source = source_of(theirs, since_column="changed")
    assert take(source).figures["inserted"] == 1
    assert take(source).figures == {
        "skipped": "nothing_new",
        "rows": 0,
        "inserted": 0,
        "updated": 0,
        "removed": 0,
    }
    put(theirs, LI, "李四", "2024-01-01 00:00:00.600000")
    put(theirs, WANG, "王五", "2023-12-31 00:00:00")
    run = take(source)
    assert (run.figures["inserted"], run.figures["unchanged"]) == (1, 1), (
        "of the same instant; what lies before isn't asked"
    )
    put(theirs, WANG, "没有时间", "")
    assert take(source).figures["inserted"] == 1, "a row without a time isn't left out"
    assert take(source).figures["skipped"] == "nothing_new"
    assert sorted(ids()) == ["110101", "110105", "340524"]


def test_an_overlap_fetches_what_a_late_transaction_wrote(theirs: Theirs) -> None:
    people(theirs)
    put(theirs, ZHANG, "张三", "2024-01-01 12:00:00")
    source = source_of(theirs, since_column="changed", overlap_seconds=600)
    take(source)
    put(theirs, LI, "李四", "2024-01-01 11:55:00")
    put(theirs, WANG, "王五", "2024-01-01 11:45:00")
    assert take(source).figures["inserted"] == 1
    assert sorted(name for _, name, _ in stored()) == ["张三", "李四"]


def test_a_number_to_go_on_by_is_compared_as_a_number(theirs: Theirs) -> None:
    people(theirs, "bigint")
    for n, (id_no, name) in enumerate([(ZHANG, "张三"), (LI, "李四")]):
        put(theirs, id_no, name, str(9007199254740992 + n))
    source = source_of(theirs, since_column="changed")
    assert take(source).figures["inserted"] == 2
    assert Source.objects.get().cursor == {"since": "9007199254740993", "at_last": 1}
    put(theirs, WANG, "王五", "10000000000000000")
    assert take(source).figures["rows"] == 2


def test_a_set_without_a_key_takes_each_row_once_and_refuses_a_column_with_gaps(theirs: Theirs) -> None:
    people(theirs, "bigint")
    log = {"fields": [{**one, "key": False} for one in SHAPE["fields"]]}
    source = actions.add_source(
        SYSTEM, dataset("log", log), agency("police"), name="库", kind="sql", secret=theirs.secret, mode="append",
        settings={**theirs.told, "table": "people", "since_column": "changed"},
    )  # fmt: skip
    put(theirs, ZHANG, "张三", "1")
    put(theirs, ZHANG, "张三", "2")
    assert take(source).figures["inserted"] == 2
    put(theirs, LI, "李四", "3")
    assert take(source).figures["inserted"] == 1
    assert take(source).figures["skipped"] == "nothing_new"
    put(theirs, LI, "李四", "")
    with pytest.raises(SourceError, match="without a value in changed"):
        fetched(Source.objects.get(), Path(theirs.told.get("unused", "/tmp")))
    assert len(ids("log")) == 3


def test_a_column_renamed_overnight_is_told_and_nothing_is_stored(theirs: Theirs) -> None:
    people(theirs)
    put(theirs, ZHANG, "张三", "2024-01-01 00:00:00")
    source = source_of(theirs)
    take(source)
    theirs.run("ALTER TABLE people RENAME COLUMN name TO full_name")
    theirs.run("UPDATE people SET income = 99")
    run = take(source)
    assert (run.state, run.drift["renamed"]) == ("waiting", [["name", "full_name"]])
    assert stored()[0][2] == 10.5
    actions.accept_drift(SYSTEM, run, {"full_name": "name"})
    work()
    assert [(name, float(income)) for _, name, income in stored()] == [("张三", 99.0)]


def test_the_column_to_go_on_by_renamed_overnight_is_named(theirs: Theirs) -> None:
    people(theirs)
    put(theirs, ZHANG, "张三", "2024-01-01 00:00:00")
    source = source_of(theirs, since_column="changed")
    take(source)
    theirs.run("ALTER TABLE people RENAME COLUMN changed TO updated")
    with pytest.raises(SourceError, match=r"no column changed any more .* id_no, name, income, updated"):
        tables.fetch(Source.objects.get(), Path("/tmp"))


def test_a_missing_table_and_a_wrong_password_are_named_without_the_secret(theirs: Theirs) -> None:
    with pytest.raises(SourceError, match=r"source 库: there is no table or view .*nowhere"):
        tables.fetch(source_of(theirs, "nowhere"), Path("/tmp"))
    if theirs.system == "mariadb":
        actions.change_source(SYSTEM, Source.objects.get(), secret="falsch-geheim")
        with pytest.raises(SourceError, match="Access denied") as refused:
            tables.fetch(Source.objects.get(), Path("/tmp"))
        assert "falsch-geheim" not in str(refused.value)


def test_nothing_can_be_written_in_the_session(theirs: Theirs) -> None:
    people(theirs)
    source = source_of(theirs)
    schema = theirs.told.get("schema")
    statement = f"INSERT INTO {schema + '.' if schema else ''}people VALUES ('x', 'y', 1, NULL)"
    with databases.connected(source) as link, pytest.raises(Exception, match=r"(?i)read.?only"):
        link.exec_driver_sql(statement)
    assert theirs.one("SELECT count(*) FROM people") == 0


SLOW = {
    "postgresql": "SELECT pg_sleep(60)",
    "mariadb": "SELECT count(*) FROM seq_1_to_100000000 a, seq_1_to_100000000 b",
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
}


def test_a_statement_that_takes_too_long_is_ended(theirs: Theirs) -> None:
    with (
        pytest.raises(Exception, match=r"(?i)timeout|max_statement_time|interrupted|aborted"),
        databases.connected(source_of(theirs), 1) as link,
    ):
        link.exec_driver_sql(SLOW[theirs.system]).fetchall()


@contextmanager
def cut_after(theirs: Theirs, monkeypatch: pytest.MonkeyPatch, rows: int) -> Iterator[None]:
    """End every foreign connection of ours once so many rows came."""
    real, seen = tables.written, [0]

    def counting(value: Any) -> str | None:
        seen[0] += 1
        if seen[0] == rows * 4:
            cut(theirs)
        return real(value)

    with monkeypatch.context() as patched:
        patched.setattr(tables, "written", counting)
        yield


def cut(theirs: Theirs) -> None:
    if theirs.system == "postgresql":
        theirs.one(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'citybrain'"
        )
        return
    name = theirs.told["user"]
    number = theirs.one(
        f"SELECT id FROM information_schema.processlist WHERE user = '{name}' ORDER BY id DESC LIMIT 1"
    )
    theirs.run(f"KILL {number}")


def test_a_connection_that_drops_in_the_middle_stores_nothing_and_the_next_try_all(
    theirs: Theirs, monkeypatch: pytest.MonkeyPatch
) -> None:
    if theirs.system == "sqlite":
        pytest.skip("a file has no connection")
    people(theirs)
    monkeypatch.setattr(tables, "BATCH", 500)
    numbers = {"postgresql": "generate_series(1, 60000) n", "mariadb": "(SELECT seq n FROM seq_1_to_60000) s"}
    theirs.run(
        f"INSERT INTO people SELECT '{ZHANG}', concat('张', n, repeat('长', 16)), n, NULL FROM {numbers[theirs.system]}"
    )
    source = actions.change_source(SYSTEM, source_of(theirs), bad_percent=100)
    run = actions.run_source(SYSTEM, source)
    with cut_after(theirs, monkeypatch, 1500):
        from citybrain.base.exchange import runs

        assert runs.work_one(timezone.now())
    run.refresh_from_db()
    assert (run.state, run.step, run.landed, run.attempt) == ("queued", "land", None, 1)
    assert "source 库" in words.why(run)
    work()
    run.refresh_from_db()
    assert (run.state, run.figures["rows"]) == ("done", 60000)


def test_rows_that_are_wrong_are_put_aside_with_their_place(theirs: Theirs) -> None:
    people(theirs)
    put(theirs, ZHANG, "张三", "2024-01-01 00:00:00")
    put(theirs, "110105194912310021", "错", "2024-01-01 00:00:00")
    run = take(source_of(theirs))
    assert (run.figures["rows_good"], run.figures["rows_bad"]) == (1, 1)
    assert Quarantined.objects.get().raw["name"] == "错"


def test_a_database_in_an_inner_network_is_shut_unless_it_is_named(
    theirs: Theirs, settings: Any, tmp_path: Path
) -> None:
    settings.SOURCE_HOSTS, settings.SOURCE_FOLDERS = ["elsewhere.inner"], [str(tmp_path / "other")]
    with pytest.raises(SourceError, match=r"CITYBRAIN_SOURCE_(HOSTS|FOLDERS)"):
        tables.fetch(source_of(theirs), tmp_path)


@pytest.mark.parametrize("host", ["", "/var/run/postgresql", "@abstract"])
def test_a_local_socket_is_no_host(lake_home: Path, host: str) -> None:
    told = {"system": "postgresql", "host": host, "database": "x", "table": "t"}
    with pytest.raises(SourceError, match="host is lacking"):
        tables.fetch(Source(name="库", kind="sql", settings=told), lake_home)


def test_several_readers_at_once_hold_their_own_limits(theirs: Theirs, lake_home: Path) -> None:
    people(theirs)
    put(theirs, ZHANG, "张三", "2024-01-01 00:00:00")
    source = source_of(theirs)
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(tables.columns(source, 5))) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == [["id_no", "name", "income", "changed"]] * 3
