"""The three rates: their definitions are data, and they count what they say."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from citybrain.hub.hotline import rates
from citybrain.hub.hotline.models.ticket import Ticket
from citybrain.hub.hotline.rates import BadDefinition, Rate
from citybrain.hub.hotline.tests.conftest import Line


def put(line: Line, count: int, **values: Any) -> None:
    """Write `count` tickets with these columns; they came an hour after the morning began."""
    for _one in range(count):
        ticket = line.hear()
        Ticket.objects.filter(pk=ticket.pk).update(**{"received_at": line.now, **values})


@pytest.fixture
def day(line: Line) -> tuple[datetime, datetime]:
    """A day of tickets: 4 answered in time, 1 late, 1 not answered and late, 1 not due yet, 1 void."""
    east, west = line.agency("east_cm"), line.agency("west_cm")
    late, soon = line.now - timedelta(minutes=1), line.now + timedelta(days=3)
    told = {"replied_at": line.now, "visited_at": line.now, "agency_id": east, "dispatches": 1}
    put(line, 2, **told, on_time=True, solved=True, rating=5, contacted=True)
    put(line, 1, **told, on_time=True, solved=True, rating=4)
    put(line, 1, **{**told, "agency_id": west}, on_time=True, solved=False, rating=1)
    put(line, 1, **{**told, "visited_at": None}, on_time=False)
    put(line, 1, agency_id=west, dispatches=1, answer_due=late)
    put(line, 1, agency_id=west, dispatches=1, answer_due=soon)
    put(line, 1, **told, on_time=True, solved=True, rating=5, is_valid=False)
    return line.now - timedelta(hours=1), line.now + timedelta(hours=1)


def test_the_three_rates_count_what_their_definitions_say(line: Line, day: tuple[datetime, datetime]) -> None:
    (row,) = rates.rates(line.actor("manager"), *day, now=line.now)
    assert row.rates["response"] == Rate(4, 6)
    assert row.rates["resolution"] == Rate(3, 4)
    assert row.rates["satisfaction"] == Rate(3, 4)
    assert row.rates["contact"] == Rate(2, 4)
    assert row.rates["direct"] == Rate(0, 7)
    assert row.rates["signing"].value is None


def test_rates_are_told_per_unit_and_within_the_readers_area(
    line: Line, day: tuple[datetime, datetime]
) -> None:
    rows = {
        row.group: row.rates for row in rates.rates(line.actor("chief"), *day, group="agency", now=line.now)
    }
    assert rows[line.agency("east_cm")]["resolution"] == Rate(3, 3)
    assert rows[line.agency("west_cm")]["resolution"] == Rate(0, 1)
    assert rates.rates(line.actor("handler"), *day) == []
    assert rates.rates(line.actor("operator_west"), *day) == []


def test_a_day_without_tickets_has_no_rate(line: Line) -> None:
    assert rates.rates(line.actor("manager"), line.now, line.now) == []


OWN = """
[[tables]]
from = 2020-01-01
source = "this city"
[[tables.rates]]
key = "resolution"
zh = "解决率"
en = "Resolution"
by = "visited_at"
above = ["visited", "solved", "!dissatisfied|fairly_satisfied"]
below = ["visited"]
"""


def own(home: Path, text: str) -> None:
    (home / "hotline").mkdir(exist_ok=True)
    (home / "hotline" / "rates.toml").write_text(text, encoding="utf-8")


def test_a_citys_own_definitions_replace_ours(
    line: Line, day: tuple[datetime, datetime], settings: Any, tmp_path: Path
) -> None:
    settings.HOME = tmp_path
    own(tmp_path, OWN)
    (row,) = rates.rates(line.actor("manager"), *day, now=line.now)
    assert dict(row.rates) == {"resolution": Rate(4, 5)}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"visited_at"', '"noon"', "by 'noon' is none of received_at"),
        ('"solved"', '"resolved"', "no fact 'resolved'"),
        ("[[tables.rates]]", "[tables.rates", "the form is as in"),
        ('key = "resolution"', "", "KeyError"),
    ],
)
def test_a_definition_that_cant_be_is_refused_by_name(
    settings: Any, tmp_path: Path, before: str, after: str, told: str
) -> None:
    settings.HOME = tmp_path
    own(tmp_path, OWN.replace(before, after))
    with pytest.raises(BadDefinition, match=r"rates\.toml") as refused:
        rates.definitions()
    assert told in str(refused.value)
