"""How far a round is, who is late, and who is reminded of it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citybrain.base.identity.access import Forbidden
from citybrain.hub.forms import collecting
from citybrain.hub.forms.collecting import sweep
from citybrain.hub.forms.models import Reminder
from citybrain.hub.forms.tests.rounds import Gathering
from citybrain.hub.forms.tests.town import AT, TUANJIE, XINHUA, YOUYI


def test_reminders_reach_those_who_owe_by_the_office_by_a_reviewer_and_by_the_clock(
    gathering: Gathering,
) -> None:
    collecting.submit(gathering.town.leader, gathering.fill_all())
    assert collecting.remind(gathering.office, gathering.round, text="请抓紧").sheets == 2
    street = gathering.town.city.areas["980101001"]
    assert collecting.remind(gathering.town.reviewer, gathering.round, within=street).sheets == 1
    with pytest.raises(Forbidden):
        collecting.remind(
            gathering.town.reviewer, gathering.round, within=gathering.town.city.areas["980101002"]
        )
    with pytest.raises(Forbidden):
        collecting.remind(gathering.town.reviewer, gathering.round)
    assert gathering.sheet(TUANJIE).reminders == 2
    assert gathering.sheet().reminders == 0, "who has handed in is left in peace"
    due = gathering.round.due_at
    assert sweep.tick(due - timedelta(hours=25)) == 0
    assert [sweep.tick(due - timedelta(hours=23)), sweep.tick(due - timedelta(hours=22))] == [1, 0]
    assert [sweep.tick(due + timedelta(minutes=1)), sweep.tick(due + timedelta(days=9))] == [1, 0]
    assert list(Reminder.objects.filter(by="system").order_by("at").values_list("sheets", flat=True)) == [
        2,
        2,
    ]


def test_progress_is_counted_by_area_with_who_is_late(gathering: Gathering) -> None:
    collecting.submit(gathering.town.leader, gathering.fill_all())
    later = gathering.round.due_at + timedelta(hours=1)
    found = collecting.progress(gathering.office, gathering.round, now=later)
    assert (found.total.sheets, found.total.submitted, found.total.waiting, found.total.late) == (3, 1, 2, 2)
    assert [(one.code, one.counts.sheets, one.counts.late) for one in found.areas] == [("980101", 3, 2)]
    below = collecting.progress(
        gathering.office, gathering.round, below=gathering.town.city.areas["980101"], now=later
    )
    assert [(one.name, one.counts.handed_in, one.counts.share) for one in below.areas] == [
        ("建国街道", 1, 0.5), ("南门街道", 0, 0.0),
    ]  # fmt: skip
    feed = collecting.map_feed(gathering.office, gathering.round, 3, now=later)
    assert [(one["properties"]["name"], one["properties"]["late"]) for one in feed["features"]] == [
        ("建国街道", 1), ("南门街道", 1),
    ]  # fmt: skip
    owing = collecting.late(gathering.office, gathering.round, now=later)
    assert [one.area.code for one in owing] == [TUANJIE, XINHUA]
    assert not collecting.late(gathering.office, gathering.round, now=AT).exists()


def test_progress_counts_only_what_one_may_see(gathering: Gathering) -> None:
    street = collecting.progress(gathering.town.reviewer, gathering.round)
    assert street.total.sheets == 2
    leader = collecting.progress(gathering.town.leader, gathering.round)
    assert leader.total.sheets == 1
    assert collecting.progress(gathering.chief, gathering.round).total.sheets == 3
    assert collecting.progress(gathering.other_office, gathering.round).total.sheets == 0
    feed = collecting.map_feed(gathering.town.leader, gathering.round, 4)
    assert [one["properties"]["code"] for one in feed["features"]] == [YOUYI]


def test_progress_takes_one_query(gathering: Gathering) -> None:
    with CaptureQueriesContext(connection) as counting:
        collecting.progress(gathering.office, gathering.round)
    assert len(counting) == 1
