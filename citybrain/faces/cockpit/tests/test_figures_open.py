"""Every number of the cockpit opens the list of exactly the cases that it counts, for each who looks."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from citybrain.base.identity.models import RoleGrant
from citybrain.hub.cases import actions
from citybrain.hub.cases.models import Case, Item
from citybrain.hub.cases.tests.conftest import Village

EAST, WEST = "129801", "129802"
GRIDS = ("east1", "east2", "east3", "west1")
LINK = re.compile(r'href="(/desk/work/[^"]*)"')
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOWHERE = {"city": None, "district": None, "street": None, "community": None, "grid": None}
# What becomes of one case after another, over and over, in each grid: (reported, closed: ago), state, fields.
FATES: tuple[tuple[timedelta, timedelta | None, int, dict[str, object]], ...] = (
    (HOUR / 60, None, 20, {"urgent": True}),
    (3 * HOUR, None, 41, {"due": -HOUR}),
    (DAY, None, 41, {"due": HOUR}),
    (2 * DAY, None, 43, {"due": -DAY, "urgent": True}),
    (3 * DAY, DAY, 70, {"on_time": True, "solved": True, "rating": 5}),
    (4 * DAY, HOUR / 60, 70, {"on_time": False, "solved": True, "rating": 3}),
    (5 * DAY, 2 * DAY, 71, {"on_time": False, "solved": False, "rating": 1}),
    (6 * DAY, 3 * DAY, 12, {"on_time": None, "solved": True}),
    (8 * DAY, 6 * DAY, 70, {"on_time": True}),
    (40 * DAY, 20 * DAY, 70, {"on_time": False, "solved": False, "rating": 2}),
    (2 * DAY, DAY, 21, {}),
    (2 * DAY, DAY, 90, {}),
)


@pytest.fixture
def full(village: Village) -> datetime:
    """Cases of every fate in every grid, and two that lie nowhere. Returns the moment it was made for: now."""
    now = timezone.now()
    items = list(Item.objects.filter(valid_until=None).order_by("code")[::40])
    for place, grid in enumerate(GRIDS):
        for turn, fate in enumerate(FATES[: len(FATES) - place]):
            _case(village, grid, fate, now, items[(turn + place) % len(items)])
    for fate in FATES[:2]:
        _case(village, "east1", fate, now, items[0], **NOWHERE)
    return now


def _case(village: Village, place: str, fate, now: datetime, item: Item, **more: object) -> None:
    reported, closed, state, given = fate
    fields = {name: value for name, value in given.items() if name != "due"}
    pk = actions.report(village.actor("citizen"), village.report(grid=place), now=now - reported).case_id
    Case.objects.filter(pk=pk).update(
        state=state,
        item=item,
        is_open=closed is None,
        closed_at=None if closed is None else now - closed,
        due_at=now + given.get("due", DAY) if closed is None else None,
        **{"urgent": False, **fields, **more},
    )


def figures(answer) -> Iterator[tuple[str, int, str]]:
    """Return (what, count, address) of each number that opens something."""
    for one in answer.context["vitals"]:
        yield one.key, one.count, one.url
        for part in one.parts:
            yield f"{one.key}: {part.text}", part.count, part.url
    for line, name, _url, _value, counts in answer.context["table"]:
        for key, part in counts.items():
            yield f"{name} {key}", part.count, part.url
        assert line.now.open == counts["open"].count
    if answer.context["elsewhere"] > 0:
        yield "elsewhere", answer.context["elsewhere"], answer.context["elsewhere_url"]
    yield from drawn_figures(answer)


def drawn_figures(answer) -> Iterator[tuple[str, int, str]]:
    """Return the same of each point of the charts."""
    for chart in answer.context["charts"]:
        for series in chart.series:
            for category, value, url in zip(chart.categories, series.values, series.urls, strict=False):
                if value is not None:
                    yield f"{chart.key} {series.name} {category}", value, url


def listed(client: Client, url: str) -> int:
    """Return how many rows a list of the desk has, and hold its pager to its rows."""
    answer = client.get(url)
    assert answer.status_code == 200, url
    assert not answer.context["wrong"], url
    pager = answer.context["pager"]
    assert len(answer.context["views"]) == min(pager.total, 50)
    return pager.total


@pytest.mark.parametrize("days", [7, 30])
@pytest.mark.parametrize(
    ("login", "where"),
    [("mayor", ""), ("mayor", EAST), ("mayor", "129801001"), ("chief", WEST), ("supervisor", "")],
)
def test_each_number_opens_as_many_cases_as_it_says(
    full: datetime, village: Village, login: str, where: str, days: int
) -> None:
    client = Client()
    client.force_login(village.people[login])
    asked = {"days": days, **({"area": village.areas[where].pk} if where else {})}
    answer = client.get("/cockpit/", asked)
    walked = list(figures(answer))
    wrong = [
        f"{what}: {count}, but {rows} rows at {url}"
        for what, count, url in walked
        for rows in [listed(client, url)]
        if rows != count
    ]
    assert wrong == []
    assert len([count for _what, count, _url in walked if count]) >= 20
    drawn = {unescape(url) for url in LINK.findall(answer.content.decode())}
    context = answer.context
    assert drawn - {url for _what, _count, url in walked} <= {context["all_url"], context["moved_url"]}


def test_the_rates_are_the_shares_of_their_lists(full: datetime, village: Village) -> None:
    client = Client()
    client.force_login(village.people["mayor"])
    rates = {one.key: one for one in client.get("/cockpit/").context["vitals"][3:]}
    told = {key: (one.value, one.count, one.parts[0].count) for key, one in rates.items()}
    assert told == {
        "on_time": ("50.0", 16, 8),
        "solved": ("75.0", 16, 4),
        "satisfied": ("33.3", 12, 8),
    }


def test_who_sees_fewer_cases_than_the_figures_count_gets_no_links(full: datetime, village: Village) -> None:
    """A chief data officer of the city who handles cases of one body: its list would be shorter than the figure."""
    RoleGrant.objects.create(
        person=village.people["handler"],
        role="chief_data_officer",
        area=village.areas["1298"],
        valid_from=full.date() - DAY,
    )
    client = Client()
    client.force_login(village.people["handler"])
    answer = client.get("/cockpit/")
    assert answer.context["vitals"][1].count == 18
    assert LINK.findall(answer.content.decode()) == []


@pytest.mark.parametrize(
    "asked", ["verdict=perhaps", "solved=1", "rating=9", "hour=24", "unplaced=1", "closed_since=x"]
)
def test_a_filter_that_can_not_be_is_told_and_not_applied(
    full: datetime, village: Village, asked: str
) -> None:
    client = Client()
    client.force_login(village.people["mayor"])
    assert client.get(f"/desk/work/all/?{asked}").context["wrong"]
