"""Making reports: by a person's ask or by the loop, one area at a time; what was given out stays as it was."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from citybrain.base.areas.tree import Node, tree
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import SYSTEM, Actor
from citybrain.base.ledger import record
from citybrain.hub.hotline.errors import BadInput, NotFound
from citybrain.hub.hotline.models.report import RIGHT, HotlineReport, ReportKind
from citybrain.hub.hotline.reports import writing
from citybrain.hub.hotline.reports.counting import figures
from citybrain.hub.hotline.reports.tables import heading

READY_HOUR: Final = 6  # local; from then on yesterday's are made
LANGUAGE: Final = "zh-hans"
FORMS: Final = {
    "docx": ("document", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xlsx": ("sheet", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
_LOCK: Final = 0x7265706F  # "repo" in ASCII
_MOST_AT_ONCE: Final = 10  # reports one round makes, so that the loop stays short


@dataclass(frozen=True, slots=True)
class File:
    """A report as it is downloaded."""

    name: str
    content_type: str
    content: bytes


def span(kind: str, starts_on: date) -> date:
    """Return the last day of a report. Raises BadInput for a week that begins on another day than Monday."""
    if kind == ReportKind.DAILY:
        return starts_on
    if starts_on.weekday() != 0:
        raise BadInput(_("周报从星期一开始。"), "starts_on")
    return starts_on + timedelta(days=6)


def make_report(
    actor: Actor, kind: ReportKind, area_id: int, starts_on: date, *, now: datetime | None = None
) -> HotlineReport:
    """Return a new report, as the next version where there is one. Raises Forbidden, BadInput."""
    moment = now or timezone.now()
    node = tree().find(area_id)
    if node is None:
        raise BadInput(_("没有这个区域。"), "area")
    report = _report(kind, node, starts_on, moment, actor)
    require(actor, RIGHT, report)
    if report.ends_on >= timezone.localdate(moment):
        raise BadInput(_("报告时段尚未结束。"), "starts_on")
    report.figures = figures(node, starts_on, report.ends_on, moment)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, area_id % 2**31])
        same = HotlineReport.objects.filter(kind=kind, starts_on=starts_on, area_id=area_id)
        report.version = (same.order_by("-version").values_list("version", flat=True).first() or 0) + 1
        with translation.override(LANGUAGE):
            report.document, report.sheet = writing.document(report), writing.sheet(report)
        report.save()
        told = {"kind": kind, "area": area_id, "starts_on": starts_on.isoformat(), "version": report.version}
        record(actor.key, "hotline.make_report", f"report:{report.pk}", told, at=moment)
    return report


def download(actor: Actor, report_id: int, form: str, *, now: datetime | None = None) -> File:
    """Return a report's file as it was made; taking it is in the ledger. Raises Forbidden, NotFound."""
    require(actor, RIGHT)
    report = HotlineReport.objects.visible_to(actor).filter(pk=report_id).first()
    if report is None or form not in FORMS:
        raise NotFound
    column, content_type = FORMS[form]
    with translation.override(LANGUAGE):
        title = heading(report)[0]
    record(actor.key, "hotline.take_report", f"report:{report.pk}", {"form": form}, at=now or timezone.now())
    name = f"{title}-{report.starts_on:%Y%m%d}-v{report.version}.{form}"
    return File(name, content_type, bytes(getattr(report, column)))


def tick(now: datetime) -> int:
    """Make what is due and not there yet: yesterday's, and on and after Monday last week's. Returns how many."""
    local = timezone.localtime(now)
    if local.hour < READY_HOUR:
        return 0
    yesterday = local.date() - timedelta(days=1)
    monday = local.date() - timedelta(days=local.weekday() + 7)
    wanted = [
        (kind, starts_on, node)
        for node in _areas()
        for kind, starts_on in ((ReportKind.DAILY, yesterday), (ReportKind.WEEKLY, monday))
    ]
    there = set(
        HotlineReport.objects.filter(starts_on__in=(yesterday, monday)).values_list(
            "kind", "starts_on", "area_id"
        )
    )
    due = [one for one in wanted if (one[0].value, one[1], one[2].id) not in there][:_MOST_AT_ONCE]
    for kind, starts_on, node in due:
        make_report(SYSTEM, kind, node.id, starts_on, now=now)
    return len(due)


def _areas() -> list[Node]:
    """Return the areas that get reports by themselves: the city, then its districts."""
    return [*tree().in_force(1), *tree().in_force(2)]


def _report(kind: ReportKind, node: Node, starts_on: date, now: datetime, actor: Actor) -> HotlineReport:
    city, district, street, community, grid = node.lineage
    if city is None:
        raise BadInput(_("没有这个区域。"), "area")
    return HotlineReport(
        kind=kind, starts_on=starts_on, ends_on=span(kind, starts_on), area_id=node.id, city_id=city,
        district_id=district, street_id=street, community_id=community, grid_id=grid, version=0, made_at=now,
        made_by_id=actor.person_id,
    )  # fmt: skip
