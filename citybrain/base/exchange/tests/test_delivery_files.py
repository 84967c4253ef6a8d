"""Files under a grant, from the lake: what they hold, what is kept of them, when they can be fetched."""

import csv
import hashlib
import json
from datetime import timedelta

import duckdb
import openpyxl
import pytest
from django.utils import timezone

from citybrain.base.catalogue.conditions import Condition
from citybrain.base.catalogue.models import Grant
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.delivery import batch, keys, proving, readings, subjects, writing
from citybrain.base.exchange.delivery.compile import Asked
from citybrain.base.exchange.delivery.refusals import Refused
from citybrain.base.exchange.models import ApiKey, Delivery, KeySet, Receipt, Usage
from citybrain.base.exchange.tests import lending
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actor import ANONYMOUS, SYSTEM
from citybrain.base.lake.merge import merge
from citybrain.base.lake.tables import Table

pytestmark = pytest.mark.django_db(transaction=True)
ODD = ("980101200001010001", '=HYPERLINK("http://x","y")', "1", "2000-01-01", 5)


@pytest.fixture
def people(lake_home, settings, tmp_path):
    settings.HOME = tmp_path
    subjects.forget_copy()
    data = lending.dataset()
    table = Table(data.code)
    table.create(Shape.from_json(lending.SHAPE))
    put(tmp_path, [*lending.PEOPLE, ODD], "one")
    return data


def put(folder, rows, ingest, mode="full"):
    shape = Shape.from_json(lending.SHAPE)
    path = folder / f"{ingest}.parquet"
    with duckdb.connect() as link:
        made = ", ".join(f'"{one.name}" {one.type.duckdb}' for one in shape.fields)
        link.execute(f"CREATE TABLE rows ({made})")
        link.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", rows)
        link.execute(f"COPY rows TO '{path}' (FORMAT parquet)")
    return merge(Table("ga_population"), path, mode, ingest)


def made(grant, form="parquet", asked=None, since=None):
    delivery = batch.ask_file(SYSTEM, grant, form, asked or Asked(), since)
    assert batch.tick(timezone.now()) == 1
    delivery.refresh_from_db()
    return delivery


def path_of(delivery):
    return batch.folder(delivery) / delivery.manifest["file"]


@pytest.mark.parametrize("form", writing.FORMS)
def test_each_form_holds_the_granted_fields_as_the_grant_shows_them(people, form):
    grant, _ = lending.lend(people, ["name", "birth_date", "income"], masks={"name": "name"})
    delivery = made(grant, form, Asked(where=(Condition("income", "le", "200.5"),), sort=("income", False)))
    assert delivery.state == "ready", delivery.why
    path = path_of(delivery)
    if form == "csv":
        rows = [tuple(row) for row in csv.reader(path.open(encoding="utf-8"))]
        assert rows[0] == ("name", "birth_date", "income")
        assert [row[0] for row in rows[1:]] == ["'=" + "*" * (len(ODD[1]) - 1), "张**", "张**"]
    elif form == "jsonl":
        rows = [json.loads(line) for line in path.open(encoding="utf-8")]
        assert [list(row) for row in rows] == [["name", "birth_date", "income"]] * 3
    elif form == "xlsx":
        sheet = openpyxl.load_workbook(path)["data"]
        assert [cell.value for cell in sheet[1]] == ["name", "birth_date", "income"]
        assert sheet["A2"].data_type == "s"
        assert sheet["A2"].value.startswith("=*")
    else:
        found = duckdb.sql(f"SELECT * FROM '{path}'")
        assert found.columns == ["name", "birth_date", "income"]
        assert len(found.fetchall()) == 3
    assert delivery.manifest["rows"] == 3
    assert delivery.manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_formula_is_made_harmless_in_csv_and_stays_text_in_a_sheet(people):
    grant, _ = lending.lend(people, ["name"])
    where = Asked(where=(Condition("name", "prefix", "="),))
    rows = list(csv.reader(path_of(made(grant, "csv", where)).open(encoding="utf-8")))
    assert rows == [["name"], ["'" + ODD[1]]]
    cell = openpyxl.load_workbook(path_of(made(grant, "xlsx", where)))["data"]["A2"]
    assert (cell.data_type, cell.value) == ("s", ODD[1])


def test_a_sheet_that_is_too_small_is_refused_in_clear_words(people, monkeypatch):
    monkeypatch.setattr(writing, "EXCEL_ROWS", 10)
    grant, _ = lending.lend(people, ["name"])
    delivery = made(grant, "xlsx")
    assert delivery.state == "refused"
    assert "Excel" in delivery.why
    assert not batch.folder(delivery).exists()
    assert not Receipt.objects.exists()


def test_the_receipt_holds_everybody_though_the_number_is_not_in_the_file(people):
    grant, _ = lending.lend(people, ["sex"], conditions=[{"field": "sex", "op": "eq", "value": "2"}])
    delivery = made(grant)
    receipt = Receipt.objects.get(pk=delivery.manifest["receipt"])
    women = [row[0] for row in lending.PEOPLE if row[2] == "2"]
    assert (receipt.rows, receipt.keys, receipt.mode, receipt.version) == (20, 20, "batch", 1)
    assert proving.prove(receipt, women[0]).holds
    assert not proving.prove(receipt, lending.PEOPLE[1][0]).holds
    assert women[0].encode() not in bytes(KeySet.objects.get().members)
    assert proving.verify().well
    since = timezone.now() - timedelta(days=1)
    (one,) = readings.of_subject(SYSTEM, women[0], since, timezone.now() + timedelta(minutes=1), "检查")
    assert (one.mode, one.fields) == ("batch", ("sex",))


def test_changes_are_the_rows_since_and_the_keys_that_are_gone(people, tmp_path):
    grant, _ = lending.lend(people, ["id_no", "income"])
    kept = [*lending.PEOPLE[1:3], (lending.PEOPLE[3][0], "张新", "1", "1990-01-01", 999)]
    put(tmp_path, kept, "two")
    delivery = made(grant, "jsonl", since=1)
    assert delivery.state == "ready", delivery.why
    rows = [json.loads(line) for line in path_of(delivery).open(encoding="utf-8")]
    assert [row["id_no"] for row in rows] == [lending.PEOPLE[3][0]]
    assert delivery.manifest["removed"]["rows"] == 38
    assert (delivery.manifest["since"], delivery.manifest["version"], delivery.manifest["whole"]) == (
        1,
        2,
        False,
    )
    assert Receipt.objects.get().since == 1


def test_changes_need_the_key_in_clear(people):
    grant, _ = lending.lend(people, ["id_no", "sex"], masks={"id_no": "idcard"})
    with pytest.raises(Refused) as refused:
        batch.ask_file(SYSTEM, grant, "jsonl", Asked(), 1)
    assert refused.value.code == "key_not_granted"


def test_rows_beyond_the_day_s_limit_are_not_delivered(people):
    grant, _ = lending.lend(people, ["sex"], daily_rows=60)
    assert made(grant).state == "ready"
    second = made(grant)
    assert second.state == "refused"
    assert "上限" in second.why
    assert not batch.folder(second).exists()
    assert Usage.objects.get().rows == 41


ENDINGS = {
    "revoked": lambda _: Grant.objects.update(revoked_at=timezone.now()),
    "grant expired": lambda _: Grant.objects.update(valid_until=timezone.now()),
    "link expired": lambda one: Delivery.objects.filter(pk=one.pk).update(expires_at=timezone.now()),
    "withdrawn": lambda one: batch.withdraw(SYSTEM, one, "错发"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_link_opens_until_something_ends_it(people, ending):
    grant, _ = lending.lend(people, ["sex"])
    delivery = made(grant)
    link = batch.link_of(delivery)
    found = batch.fetched(link, timezone.now())
    assert found is not None
    assert found[1].is_file()
    ENDINGS[ending](delivery)
    assert batch.fetched(link, timezone.now()) is None
    assert batch.fetched(link + "x", timezone.now()) is None


def test_a_file_asked_by_a_key_ends_with_the_key(people):
    grant, _ = lending.lend(people, ["sex"])
    key = ApiKey.objects.get()
    delivery = batch.ask(grant, "csv", Asked(), None, asked_by="key", now=timezone.now(), key=key.pk)
    batch.tick(timezone.now())
    assert batch.fetched(batch.link_of(delivery), timezone.now()) is not None
    keys.revoke_key(SYSTEM, key)
    assert batch.fetched(batch.link_of(delivery), timezone.now()) is None


def test_a_grant_that_ends_while_the_file_is_made_gives_no_file(people, monkeypatch):
    grant, _ = lending.lend(people, ["sex"])
    whole = batch.make

    def ended(*args):
        found = whole(*args)
        Grant.objects.update(revoked_at=timezone.now())
        return found

    monkeypatch.setattr(batch, "make", ended)
    delivery = made(grant)
    assert delivery.state == "refused"
    assert not batch.folder(delivery).exists()
    assert not Receipt.objects.exists()


def test_a_maker_that_vanished_is_followed_by_another(people):
    grant, _ = lending.lend(people, ["sex"])
    delivery = batch.ask_file(SYSTEM, grant, "csv", Asked())
    assert batch.claim(timezone.now()).pk == delivery.pk
    assert batch.claim(timezone.now()) is None
    assert batch.tick(timezone.now()) == 0
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert batch.tick(timezone.now()) == 1
    assert Receipt.objects.count() == 1


def test_files_whose_time_is_over_are_removed(people):
    grant, _ = lending.lend(people, ["sex"])
    delivery = made(grant)
    assert batch.sweep(timezone.now() + timedelta(days=2)) == 1
    assert not batch.folder(delivery).exists()


def test_who_may_not_deliver_can_t_ask(people):
    grant, _ = lending.lend(people, ["sex"])
    with pytest.raises(Forbidden):
        batch.ask_file(ANONYMOUS, grant, "csv", Asked())


def test_a_field_that_is_not_granted_is_refused_before_anything_is_made(people):
    grant, _ = lending.lend(people, ["sex"])
    for asked in (
        Asked(("income",)),
        Asked(where=(Condition("income", "gt", 1),)),
        Asked(sort=("income", True)),
    ):
        with pytest.raises(Refused, match="income"):
            batch.ask_file(SYSTEM, grant, "csv", asked)
    assert not Delivery.objects.exists()
