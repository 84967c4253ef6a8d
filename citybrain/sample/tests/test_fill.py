"""The made-up city fills its catalogue: every file taken in, every fault found where the truth says, no other."""

from collections import Counter
from pathlib import Path

import orjson
import pytest
from django.utils import timezone

from citybrain.base.catalogue.models import DataSet
from citybrain.base.exchange import runs
from citybrain.base.exchange.models import Conflict, Quarantined, Run
from citybrain.base.lake.tables import Table
from citybrain.sample.city import make_city
from citybrain.sample.load import first_start
from citybrain.sample.plan import TINY
from citybrain.sample.sets import fill as filling

CODES = ("ga_population", "gy_water_account", "ga_vehicle", "gy_water_usage", "sh_air", "mz_subsidy_item")
FILE_ROWS_ABOVE = {".xlsx": 2}  # title and header; other files count their rows from 1


@pytest.mark.django_db(transaction=True)
def test_every_fault_is_put_aside_with_its_field_and_nothing_else_is(
    lake_home: Path, settings: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HOME = tmp_path  # type: ignore[attr-defined]
    hand_over = filling.hand_over
    monkeypatch.setattr(
        filling, "hand_over", lambda basis, folder, _codes, say=None: hand_over(basis, folder, CODES, say)
    )
    first_start(TINY, cases=0)
    assert filling.fill(make_city(TINY), people=900) == len(CODES) + 2
    assert DataSet.objects.filter(state="published").count() == 84

    while runs.work_one(timezone.now()):
        pass
    assert Counter(Run.objects.values_list("state", flat=True)) == {"done": len(CODES) + 2}
    assert all(Table(code).rows() > 0 for code in CODES)

    truth = [orjson.loads(line) for line in (tmp_path / "sample" / "truth.jsonl").read_bytes().splitlines()]
    told = {
        (fault["dataset"], fault["row"], fault["field"])
        for fault in truth
        if fault["kind"] not in {"duplicate", "contradiction", "conflict"}
    }
    aside = Quarantined.objects.select_related("dataset", "run").filter(state="open")
    found = {
        (row.dataset.code, row.row - FILE_ROWS_ABOVE.get(Path(row.run.name).suffix, 0), problem["field"])
        for row in aside
        for problem in row.problems
        if problem["reason"] != "duplicate_key"
    }
    assert told
    assert told <= found
    assert {place[:2] for place in found} == {place[:2] for place in told}
    assert Conflict.objects.count() <= sum(fault["kind"] == "conflict" for fault in truth)
    assert Conflict.objects.exists()
