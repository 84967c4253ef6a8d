"""The rows of a day that a grant allows hold for forms and rosters too."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from citybrain.base.exchange.models import Receipt, Usage
from citybrain.hub.forms.knowing.knowing import know, residents
from citybrain.hub.forms.tests.test_knowing import COLUMNS, by_token
from citybrain.hub.forms.tests.town import AT, Town


@pytest.mark.parametrize(("daily", "used"), [(1, 0), (5, 5), (5, 4)])
def test_a_grant_whose_rows_of_the_day_are_used_up_is_told_as_down_and_blocks_nothing(
    town: Town, daily: int, used: int
) -> None:
    one = town.grants["ga_population"]
    one.daily_rows = daily
    one.save()
    day = timezone.localdate(AT)
    Usage.objects.create(grant_id=one.pk, day=day, rows=used, calls=1)
    people = residents(town.leader, town.area())
    assert people.not_asked == {"ga_population": "down"}
    assert set(people.tokens) == {town.tokens["qian"], town.tokens["wang"]}, "from permits and the care list"
    assert not Receipt.objects.filter(dataset="ga_population").exists()


def test_a_grant_used_up_yesterday_or_by_others_reads_today(town: Town) -> None:
    day = timezone.localdate(AT)
    mine, other = town.grants["ga_population"], town.grants["mz_subsistence"]
    Usage.objects.create(grant_id=mine.pk, day=day - timedelta(days=1), rows=mine.daily_rows, calls=1)
    Usage.objects.create(grant_id=other.pk, day=day, rows=other.daily_rows, calls=1)
    people = residents(town.leader, town.area())
    assert people.not_asked == {}
    known = know(town.leader, town.area(), COLUMNS, people)
    assert known.down == ["mz_subsistence"]
    assert by_token(town, known, "B")["wang"][0] == "王一"


def test_rows_read_for_forms_are_counted_under_their_grant_once_the_reading_is_through(
    town: Town, django_capture_on_commit_callbacks: Any
) -> None:
    people = residents(town.leader, town.area())
    assert not Usage.objects.exists()
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            know(town.leader, town.area(), COLUMNS, people)
    receipts = Receipt.objects.filter(dataset="mz_subsistence").values_list("rows", flat=True)
    told = Usage.objects.get(grant_id=town.grants["mz_subsistence"].pk, day=timezone.localdate(AT))
    assert (told.rows, told.calls) == (sum(receipts), 2)
    assert told.rows > 0

    def looked_and_failed() -> None:
        with transaction.atomic():
            know(town.leader, town.area(), COLUMNS, people)
            raise RuntimeError

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(RuntimeError):
        looked_and_failed()
    told.refresh_from_db()
    assert told.calls == 2, "what was rolled back was never shown"
