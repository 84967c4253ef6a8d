from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from citybrain.base.worktime import calendar
from citybrain.base.worktime.calendar import SHANGHAI, DayKind, MissingYear, WorkCalendar, micros, moment
from citybrain.base.worktime.tables import SHIPPED, BadTable, Period, read_folders, read_periods, read_year


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)


def freely(year: int, *, weekend: bool, china: WorkCalendar) -> list[date]:
    """The days of a year whose kind isn't what their weekday says."""
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    return [
        day
        for day in days
        if day.year == year and (day.isoweekday() > 5) is weekend and china.day(day).works is weekend
    ]


@pytest.mark.parametrize(
    ("year", "working_days", "worked_weekends"),
    [
        (2024, 251, ["02-04", "02-18", "04-07", "04-28", "05-11", "09-14", "09-29", "10-12"]),
        (2025, 248, ["01-26", "02-08", "04-27", "09-28", "10-11"]),
        (2026, 248, ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]),
    ],
)
def test_a_shipped_year_has_the_working_days_of_its_notice(china, year, working_days, worked_weekends):
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    assert sum(china.day(day).works for day in days if day.year == year) == working_days
    assert [f"{day:%m-%d}" for day in freely(year, weekend=True, china=china)] == worked_weekends
    assert "国务院办公厅" in china.tables[year].source


def test_a_day_knows_its_holiday_and_an_exchanged_day_what_it_is_worked_for(china):
    assert china.day(date(2026, 2, 16)).holiday.name == "春节"
    assert china.day(date(2026, 2, 14)).kind is DayKind.EXCHANGED
    assert china.day(date(2026, 2, 14)).holiday.name_en == "Spring Festival"
    assert china.day(date(2026, 11, 21)).kind is DayKind.WEEKEND
    assert china.day(date(2025, 10, 6)).holiday.name == "国庆节、中秋节"
    assert china.day(date(2026, 11, 20)).kind is DayKind.WORK


def test_a_working_day_has_eight_hours(china):
    assert china.day_minutes == 480
    assert china.between(micros(at(2026, 11, 20)), micros(at(2026, 11, 21))) == 8 * 3600 * 1_000_000


def test_a_missing_year_names_the_year_and_the_file_to_add(china):
    with pytest.raises(MissingYear) as caught:
        china.after(micros(at(2026, 12, 29, 9)), 5 * 8 * 3600 * 1_000_000)
    assert caught.value.year == 2027
    assert "HOME/calendars/2027.toml" in str(caught.value)
    with pytest.raises(MissingYear) as caught:
        china.between(micros(at(2023, 12, 31, 23)), micros(at(2024, 1, 2)))
    assert caught.value.year == 2023


def test_the_last_working_moment_of_the_last_year_can_still_be_reached(china):
    end = china.after(micros(at(2026, 12, 31, 17)), 3600 * 1_000_000)
    assert moment(end) == at(2026, 12, 31, 18)


def test_a_gap_between_years_is_missing_and_not_skipped():
    tables = [read_year(SHIPPED / f"{year}.toml") for year in (2024, 2026)]
    gapped = WorkCalendar(years=tables)
    with pytest.raises(MissingYear) as caught:
        gapped.after(micros(at(2024, 12, 31, 17, 30)), 3600 * 1_000_000)
    assert caught.value.year == 2025
    with pytest.raises(MissingYear) as caught:
        gapped.between(micros(at(2024, 12, 31)), micros(at(2026, 1, 5)))
    assert caught.value.year == 2025


def test_covers_and_years_needed_look_at_local_years(china):
    assert china.covers(at(2024, 1, 1), at(2026, 12, 31, 23, 59))
    assert not china.covers(at(2026, 12, 31), datetime(2026, 12, 31, 16, tzinfo=UTC))
    assert china.years_needed(at(2026, 11, 20), 30) == []
    assert china.years_needed(at(2026, 11, 20), 60) == [2027]
    assert china.years_needed(at(2026, 11, 20), 500) == [2027, 2028]


TABLE = """
year = 2027
source = "a notice"
[[holidays]]
name = "元旦"
first = 2027-01-01
last = 2027-01-03
workdays = [2027-01-09]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("year = 2027", "year = 2026", "named after it"),
        ('source = "a notice"', 'source = ""', "source is empty"),
        ('name = "元旦"', 'name = ""', "name, first and last are needed"),
        ("first = 2027-01-01", 'first = "2027-01-01"', "name, first and last are needed"),
        ("first = 2027-01-01", "first = 2027-01-04", "reversed or outside 2027"),
        ("last = 2027-01-03", "last = 2028-01-03", "reversed or outside 2027"),
        ("2027-01-09", "2027-01-08", "2027-01-08 is no free weekend day"),
        ("2027-01-09", "2027-01-02", "2027-01-02 is no free weekend day"),
        ("[[holidays]]", "[[holidays]", "can't be read"),
    ],
)
def test_a_bad_year_table_is_refused_with_its_file_and_value(tmp_path, old, new, said):
    path = tmp_path / "2027.toml"
    path.write_text(TABLE.replace(old, new), encoding="utf-8")
    with pytest.raises(BadTable, match=said) as caught:
        read_year(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "texts", [["8:30-12:00"], ["08:30-08:30"], ["13:30-18:00", "08:30-12:00"], ["20:00-24:30"], []]
)
def test_bad_periods_are_refused(texts):
    with pytest.raises(BadTable):
        read_periods(texts, "periods.toml")


def test_a_city_s_own_files_replace_ours(tmp_path):
    (tmp_path / "2027.toml").write_text(TABLE, encoding="utf-8")
    (tmp_path / "periods.toml").write_text('periods = ["09:00-24:00"]', encoding="utf-8")
    periods, years = read_folders(SHIPPED, tmp_path)
    assert periods == (Period(540, 1440),)
    assert [table.year for table in years] == [2024, 2025, 2026, 2027]
    own = WorkCalendar(periods, years)
    assert moment(own.after(micros(at(2027, 1, 3, 12)), 15 * 3600 * 1_000_000)) == at(2027, 1, 5)


def test_a_year_may_have_periods_of_its_own(tmp_path):
    (tmp_path / "2027.toml").write_text('periods = ["09:00-17:00"]' + TABLE, encoding="utf-8")
    own = WorkCalendar(years=read_folders(SHIPPED, tmp_path)[1])
    assert moment(own.after(micros(at(2026, 12, 31, 17)), 2 * 3600 * 1_000_000)) == at(2027, 1, 4, 10)


@pytest.fixture
def home(settings, tmp_path, monkeypatch) -> Path:
    settings.HOME = tmp_path
    settings.TIME_ZONE = "Asia/Shanghai"
    monkeypatch.setattr(calendar, "RECHECK_SECONDS", 0.0)
    calendar.forget()
    folder = tmp_path / "calendars"
    folder.mkdir()
    yield folder
    calendar.forget()


def test_the_city_s_calendar_takes_up_a_new_year_while_it_runs(home):
    assert calendar.current().years_needed(at(2027, 1, 1), 1) == [2027]
    (home / "2027.toml").write_text(TABLE, encoding="utf-8")
    assert calendar.current().years_needed(at(2027, 1, 1), 1) == []


def test_a_file_broken_while_we_run_leaves_the_tables_in_force_and_is_logged(home, caplog):
    before = calendar.current()
    (home / "2027.toml").write_text("year = ", encoding="utf-8")
    assert calendar.current() is before
    assert "stay in force" in caplog.text
    calendar.forget()
    with pytest.raises(BadTable):
        calendar.current()
