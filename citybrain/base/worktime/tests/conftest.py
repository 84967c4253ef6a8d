"""Calendars for the tests: China's as shipped, read once, without the city's own files."""

import pytest

from citybrain.base.worktime.calendar import WorkCalendar
from citybrain.base.worktime.tables import SHIPPED, read_folders


@pytest.fixture(scope="session")
def china() -> WorkCalendar:
    periods, years = read_folders(SHIPPED)
    return WorkCalendar(periods, years)
