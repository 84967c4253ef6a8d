"""Serving copies follow the grants, however these come and end."""

from datetime import timedelta

import duckdb
import pytest
from django.utils import timezone

from citybrain.base.catalogue.models import DataSet, Grant
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.delivery import copies
from citybrain.base.exchange.tests import lending
from citybrain.base.lake import serving
from citybrain.base.lake.merge import merge
from citybrain.base.lake.models import Serving
from citybrain.base.lake.tables import Table

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people(lake_home, tmp_path):
    data = lending.dataset()
    shape = Shape.from_json(lending.SHAPE)
    path = tmp_path / "people.parquet"
    with duckdb.connect() as link:
        made = ", ".join(f'"{one.name}" {one.type.duckdb}' for one in shape.fields)
        link.execute(f"CREATE TABLE rows ({made})")
        link.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", lending.PEOPLE)
        link.execute(f"COPY rows TO '{path}' (FORMAT parquet)")
    table = Table(data.code)
    table.create(shape)
    merge(table, path, "full", "one")
    return data


def test_a_grant_by_key_has_its_copy_made_without_any_desk(people):
    lending.lend(people, ["name"], modes=["key"])
    assert copies.tick(timezone.now()) == 1
    relation, version = serving.current("ga_population")
    assert (version, Serving.objects.get().rows) == (1, 40)
    assert copies.tick(timezone.now()) == 0
    assert serving.current("ga_population") == (relation, 1)


def test_files_alone_want_no_copy(people):
    lending.lend(people, ["name"], modes=["batch", "changes"])
    assert copies.tick(timezone.now()) == 0
    assert not Serving.objects.exists()


def test_the_copy_goes_when_no_live_grant_wants_it_and_not_before(people):
    lending.lend(people, ["name"], modes=["key"])
    lending.lend(people, ["name"], modes=["filter"])
    copies.tick(timezone.now())
    first, second = Grant.objects.order_by("pk")
    Grant.objects.filter(pk=first.pk).update(revoked_at=timezone.now())
    assert copies.tick(timezone.now()) == 0
    assert serving.current("ga_population") is not None
    assert copies.tick(second.valid_until + timedelta(seconds=1)) == 1
    assert serving.current("ga_population") is None


def test_a_withdrawn_set_is_served_no_longer(people):
    lending.lend(people, ["name"], modes=["key"])
    copies.tick(timezone.now())
    DataSet.objects.update(state="withdrawn")
    assert copies.tick(timezone.now()) == 1
    assert not Serving.objects.exists()


def test_a_set_without_a_key_keeps_nobody_else_from_a_copy(people):
    shape = {"fields": [{"name": "at", "zh": "时间", "type": "timestamp"}]}
    log = lending.dataset("aa_log", shape)
    lending.lend(log, ["at"], modes=["filter"])
    lending.lend(people, ["name"], modes=["key"])
    serving.ask("aa_log", Shape.from_json(shape))
    assert copies.tick(timezone.now()) == 2
    assert list(Serving.objects.values_list("code", flat=True)) == ["ga_population"]
