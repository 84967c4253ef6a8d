import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from citybrain.base.ledger import append, canonical, record, record_many
from citybrain.base.ledger.append import Row
from citybrain.base.ledger.models import Entry

NOW = datetime(2026, 11, 20, 16, 30, 0, 120, tzinfo=timezone(timedelta(hours=8)))


def test_a_canonical_body_has_sorted_keys_no_spaces_and_chinese_as_it_is():
    body = {"b": [1, 2.5, None, True], "a": {"z": "井盖", "y": ""}}
    assert canonical(body) == '{"a":{"y":"","z":"井盖"},"b":[1,2.5,null,true]}'


def test_what_json_has_no_word_for_has_one_form():
    body = {
        "amount": Decimal("1E+3"),
        "price": Decimal("1.50"),
        "at": NOW,
        "day": date(2026, 11, 20),
        "id": UUID("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
        "took": timedelta(minutes=1.5),
        "who": {"b", "a"},
        "label": gettext_lazy("待立案"),
    }
    assert json.loads(canonical(body)) == {
        "amount": "1000",
        "price": "1.50",
        "at": "2026-11-20T08:30:00.000120Z",
        "day": "2026-11-20",
        "id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "took": 90.0,
        "who": ["a", "b"],
        "label": str(gettext_lazy("待立案")),
    }


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (float("nan"), ValueError),
        (NOW.replace(tzinfo=None), ValueError),
        (b"x", TypeError),
        (object(), TypeError),
    ],
)
def test_what_has_no_form_is_refused(value, error):
    with pytest.raises(error):
        canonical({"value": value})


def test_a_lone_surrogate_doesn_t_lose_the_entry():
    assert canonical({"text": "井\ud800盖😀"}) == '{"text":"井�盖😀"}'


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_a_body_comes_back_as_it_was_and_is_the_same_in_any_order(body):
    text = canonical(body)
    assert json.loads(text) == body
    assert canonical(dict(reversed(body.items()))) == text
    assert text.encode().decode() == text


@pytest.mark.django_db
def test_an_entry_is_kept_as_it_was_given():
    number = record("person:1", "cases.close", "case:7", {"why": "已修复"}, at=NOW, on_behalf_of="person:2")
    entry = Entry.objects.get(pk=number)
    assert (entry.at, entry.actor, entry.on_behalf_of, entry.action) == (
        NOW,
        "person:1",
        "person:2",
        "cases.close",
    )
    assert (entry.subject, entry.body) == ("case:7", '{"why":"已修复"}')


@pytest.mark.django_db
def test_many_entries_keep_their_order():
    assert record_many(Row("system", "cases.import", f"case:{n}", {}, at=NOW) for n in (3, 1, 2)) == 3
    assert list(Entry.objects.values_list("subject", flat=True)) == ["case:3", "case:1", "case:2"]
    assert record_many([]) == 0


@pytest.mark.django_db
def test_one_bad_row_writes_none():
    with pytest.raises(ValueError, match="subject is empty"):
        record_many([Row("system", "cases.import", "case:1", {}), Row("system", "cases.import", "", {})])
    with pytest.raises(ValueError, match="no time zone"):
        record("system", "x", "y", {}, at=NOW.replace(tzinfo=None))
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_an_entry_goes_with_its_transaction():
    with transaction.atomic():
        record("person:1", "cases.close", "case:7", {})
        transaction.set_rollback(True)
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_a_hot_path_can_put_the_insert_into_its_own_statement():
    insert = append.sql_from("c", subject="'case:' || c.id", on_behalf_of="''")
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH c AS (SELECT 41 + 1 AS id), l AS ({insert}) SELECT id FROM c",
            [NOW, "person:1", "cases.report", canonical({})],
        )
        cursor.execute(append.SQL, [None, "person:1", "", "cases.report", "case:43", canonical({})])
    assert list(Entry.objects.values_list("subject", flat=True)) == ["case:42", "case:43"]


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["ledger_entry", "ledger_seal"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET hash = ''", "DELETE FROM {}", "DELETE FROM {} WHERE false"]
)
def test_the_database_refuses_to_change_what_was_written(table, statement):
    record("person:1", "cases.close", "case:7", {})
    statement = statement.replace("hash", "body") if table == "ledger_entry" else statement
    with (
        pytest.raises(DatabaseError, match=f"{table} is append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))
    assert Entry.objects.count() == 1


@pytest.mark.django_db
def test_the_refusal_holds_for_replication_roles_too():
    """Only a superuser may become one, so the triggers' state is looked at: A fires always."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgenabled::text FROM pg_trigger WHERE tgname = 'ledger_refuse' ORDER BY 1"
        )
        assert cursor.fetchall() == [("ledger_entry", "A"), ("ledger_seal", "A")]


@pytest.mark.django_db
def test_ids_are_given_by_the_database_alone():
    with pytest.raises(DatabaseError, match="non-DEFAULT value into column"), transaction.atomic():
        Entry.objects.create(pk=5, actor="a", action="b", subject="c")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(append.SQL, ["infinity", "a", "", "b", "c", "{}"])


@pytest.mark.django_db(transaction=True)
def test_truncate_is_refused_outside_test_databases(another):
    """Test databases are emptied by TRUNCATE; a city's is not, so this needs one with another name."""
    import importlib

    protect = importlib.import_module("citybrain.base.ledger.migrations.0001_initial").PROTECT
    name = (
        f"ledger_scratch_{connection.connection.info.backend_pid}"
        if connection.connection
        else "ledger_scratch"
    )
    outer = another()
    outer.autocommit = True
    outer.execute(f'DROP DATABASE IF EXISTS "{name}"')
    outer.execute(f'CREATE DATABASE "{name}"')
    try:
        kept = outer.info.dsn
        with psycopg.connect(kept, dbname=name, password=outer.info.password, autocommit=True) as city:
            city.execute(
                "CREATE TABLE ledger_entry (id bigint GENERATED BY DEFAULT AS IDENTITY, at timestamptz)"
            )
            city.execute("CREATE TABLE ledger_seal (seq bigint, hash bytea)")
            city.execute(protect)
            city.execute("INSERT INTO ledger_entry (at) VALUES (now())")
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="TRUNCATE refused"):
                city.execute("TRUNCATE ledger_entry")
            assert city.execute("SELECT count(*) FROM ledger_entry").fetchone() == (1,)
    finally:
        outer.execute(f'DROP DATABASE "{name}"')


def test_times_are_stamped_in_utc():
    assert append.stamp(NOW) == "2026-11-20T08:30:00.000120Z"
    assert append.stamp(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"
