"""Reports: counted for one area, kept by version, seen by who may see that area."""

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone
from docx import Document
from openpyxl import load_workbook

from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.models import Person, RoleGrant
from citybrain.base.ledger.models import Entry
from citybrain.hub.hotline.errors import BadInput, NotFound
from citybrain.hub.hotline.models import HotlineReport, ReportKind, Ticket, Topic, TopicTicket
from citybrain.hub.hotline.reports import making
from citybrain.hub.hotline.reports.writing import _safe
from citybrain.hub.hotline.tests.conftest import Line
from citybrain.hub.hotline.topics import keeping
from citybrain.hub.hotline.topics.tests.messages import ROAD, WATER

pytestmark = pytest.mark.django_db


def a_day(line: Line) -> date:
    """Return the day on which three messages came: two in the east, one in the west, one of them answered."""
    line.replied()
    line.hear("东区菜市场门口积水很深，走不过去。")
    line.hear("西区公交站牌倒了，请扶正。", area_id=line.area("west1"))
    return timezone.localdate(line.now)


def after(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, hours=3)


def east_manager(line: Line) -> None:
    """Give the east a manager whose reach ends there."""
    village = line.village
    person = Person.objects.create(
        login="manager_east", name="热线主管乙", kind="officer", agency=village.agencies["east_cm"]
    )
    RoleGrant.objects.create(
        person=person, role="hotline_manager", area=village.areas["129801"], agency=person.agency,
        valid_from=date(2020, 1, 1),
    )  # fmt: skip
    village.people["manager_east"] = person


def test_a_daily_report_counts_its_area_and_its_day(line: Line) -> None:
    day = a_day(line)
    areas = line.village.areas
    city = making.make_report(line.actor("manager"), ReportKind.DAILY, areas["1298"].pk, day, now=after(day))
    east = making.make_report(
        line.actor("manager"), ReportKind.DAILY, areas["129801"].pk, day, now=after(day)
    )
    assert (city.figures["totals"]["received"], east.figures["totals"]["received"]) == (3, 2)
    assert {row[0]: row[1] for row in city.figures["areas"]} == {"东区": 2, "西区": 1}
    assert sum(many for _, many in city.figures["kinds"]) == 3
    assert city.figures["channels"] == [["phone", 3]]
    names = [key for key, _above, _below in city.figures["rates"]]
    assert names[:3] == ["response", "resolution", "satisfaction"]


def test_the_next_day_and_a_voided_ticket_are_not_counted(line: Line) -> None:
    day = a_day(line)
    Ticket.objects.filter(pk=line.told[1].ticket_id).update(state=90, is_open=False)
    line.later(days=1)
    line.hear("第二天的来电。")
    report = making.make_report(
        line.actor("manager"), ReportKind.DAILY, line.village.areas["1298"].pk, day, now=after(day)
    )
    assert report.figures["totals"]["received"] == 2


def test_word_and_excel_say_the_same_figures(line: Line) -> None:
    day = a_day(line)
    report = making.make_report(
        line.actor("manager"), ReportKind.DAILY, line.village.areas["1298"].pk, day, now=after(day)
    )
    text = Document(io.BytesIO(report.document))
    assert text.paragraphs[0].text == "海宁津12345热线日报"
    overview = [[cell.text for cell in row.cells] for row in text.tables[0].rows]
    assert overview[:2] == [["指标", "数量"], ["受理量", "3"]]
    book = load_workbook(io.BytesIO(report.sheet))
    assert book.sheetnames[:3] == ["总体情况", "三率", "诉求类型"]
    assert [cell.value for cell in book["总体情况"][4]] == ["受理量", 3]


def test_no_text_name_or_number_of_a_caller_stands_in_a_report(line: Line) -> None:
    day = a_day(line)
    report = making.make_report(
        line.actor("manager"), ReportKind.DAILY, line.village.areas["1298"].pk, day, now=after(day)
    )
    for leak in ("李建国", "13912345678", "积水", "站牌"):
        assert leak not in str(report.figures)


def test_a_districts_report_names_a_topic_by_its_own_messages(line: Line) -> None:
    day = timezone.localdate(line.now)
    told = [
        line.hear(text, area_id=line.area(grid), phone=f"139{at:08d}", name="")
        for at, (text, grid) in enumerate(
            [*((text, "east1") for text in WATER), *((text, "west1") for text in ROAD[:3])]
        )
    ]
    ties = [keeping.Tie(one.pk, f"p{one.pk}", one.received_at) for one in told]
    one = keeping.open_topic(ties, line.now)
    keeping.refresh({one: 0.2}, line.now)
    Topic.objects.filter(pk=one).update(name="翠湖花园停水", named=True)
    areas = line.village.areas
    city, east, west = (
        making.make_report(line.actor("manager"), ReportKind.DAILY, areas[code].pk, day, now=after(day))
        for code in ("1298", "129801", "129802")
    )
    assert city.figures["topics"] == [["翠湖花园停水", 9, 9]]
    eastern, western = (report.figures["topics"][0][0] for report in (east, west))
    assert west.figures["topics"] == [[western, 3, 3]]
    assert "翠湖花园" in eastern
    assert "文安路" in western
    assert "翠湖" not in western
    east_ids = [ticket.pk for ticket in told[:6]]
    TopicTicket.objects.filter(ticket_id__in=east_ids).delete()
    Ticket.objects.filter(pk__in=east_ids).update(topic=None)
    alone = making.make_report(
        line.actor("manager"), ReportKind.DAILY, areas["129802"].pk, day, now=after(day)
    )
    assert alone.figures["topics"] == [["翠湖花园停水", 3, 3]]  # all of it lies there: as the people named it


def test_a_report_made_again_is_a_new_version_and_the_first_stays(line: Line) -> None:
    day = a_day(line)
    manager, city = line.actor("manager"), line.village.areas["1298"].pk
    first = making.make_report(manager, ReportKind.DAILY, city, day, now=after(day))
    again = making.make_report(manager, ReportKind.DAILY, city, day, now=after(day) + timedelta(hours=1))
    assert (first.version, again.version) == (1, 2)
    assert HotlineReport.objects.get(pk=first.pk).made_at == after(day)
    assert Entry.objects.filter(action="hotline.make_report").count() == 2


def test_a_districts_manager_makes_and_sees_reports_on_their_district_only(line: Line) -> None:
    day = a_day(line)
    east_manager(line)
    east, city = line.village.areas["129801"].pk, line.village.areas["1298"].pk
    making.make_report(line.actor("manager"), ReportKind.DAILY, city, day, now=after(day))
    with pytest.raises(Forbidden):
        making.make_report(line.actor("manager_east"), ReportKind.DAILY, city, day, now=after(day))
    mine = making.make_report(line.actor("manager_east"), ReportKind.DAILY, east, day, now=after(day))
    assert list(HotlineReport.objects.visible_to(line.actor("manager_east"))) == [mine]
    assert HotlineReport.objects.visible_to(line.actor("manager")).count() == 2
    assert list(HotlineReport.objects.visible_to(line.actor("operator"))) == []


def test_a_download_is_the_file_as_it_was_made_and_in_the_ledger(line: Line) -> None:
    day = a_day(line)
    east_manager(line)
    report = making.make_report(
        line.actor("manager"), ReportKind.DAILY, line.village.areas["1298"].pk, day, now=after(day)
    )
    file = making.download(line.actor("manager"), report.pk, "docx")
    assert (file.name, file.content[:2]) == (f"海宁津12345热线日报-{day:%Y%m%d}-v1.docx", b"PK")
    assert Entry.objects.filter(action="hotline.take_report", subject=f"report:{report.pk}").count() == 1
    with pytest.raises(NotFound):
        making.download(line.actor("manager_east"), report.pk, "docx")
    with pytest.raises(NotFound):
        making.download(line.actor("manager"), report.pk, "pdf")
    with pytest.raises(Forbidden):
        making.download(line.actor("operator"), report.pk, "docx")


def test_days_that_are_not_over_and_weeks_from_midweek_are_refused(line: Line) -> None:
    manager, city, day = line.actor("manager"), line.village.areas["1298"].pk, timezone.localdate(line.now)
    with pytest.raises(BadInput) as today:
        making.make_report(manager, ReportKind.DAILY, city, day, now=line.now)
    with pytest.raises(BadInput) as midweek:
        making.make_report(manager, ReportKind.WEEKLY, city, date(2025, 1, 1), now=line.now)
    with pytest.raises(BadInput) as nowhere:
        making.make_report(manager, ReportKind.DAILY, 999_999, day, now=line.now)
    assert [one.value.field for one in (today, midweek, nowhere)] == ["starts_on", "starts_on", "area"]


def test_the_loop_makes_each_report_once_from_six_in_the_morning(line: Line) -> None:
    a_day(line)
    early = datetime(2026, 11, 23, 21, 30, tzinfo=UTC)  # 05:30 in the city
    assert making.tick(early) == 0
    morning = early + timedelta(hours=1)
    assert making.tick(morning) == HotlineReport.objects.count() == 6  # city and two districts, day and week
    assert making.tick(morning + timedelta(hours=1)) == 0
    assert set(HotlineReport.objects.values_list("made_by", flat=True)) == {None}
    week = HotlineReport.objects.filter(kind=ReportKind.WEEKLY).first()
    assert week is not None
    assert (week.starts_on, week.ends_on) == (date(2026, 11, 16), date(2026, 11, 22))


def test_a_text_that_looks_like_a_formula_stays_a_text() -> None:
    assert [_safe(one) for one in ("=1+1", "@x", "a\x07b", 3, None)] == ["'=1+1", "'@x", "ab", 3, None]
