"""批量导入: a table of messages, Excel or CSV, each row with a receipt; the same file again adds nothing."""

import csv
import hashlib
import io
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from citybrain.base.exchange.reading import Options, Reading, Unreadable, read
from citybrain.base.exchange.reading.plan import ROW, connection, quoted
from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.channels import door
from citybrain.hub.hotline.channels.hook import YES
from citybrain.hub.hotline.errors import BadInput, TicketError
from citybrain.hub.hotline.message import NAME_MOST, Message
from citybrain.hub.hotline.states import Channel, Kind, Urgency

# Our field → the headings under which other systems write it; the first that a file has is taken.
HEADINGS: Final[dict[str, tuple[str, ...]]] = {
    "text": (
        "内容", "诉求内容", "工单内容", "来电内容", "反映内容", "问题描述", "诉求描述", "主要内容", "来信内容",
        "留言内容", "text", "content", "description",
    ),
    "title": ("标题", "诉求标题", "工单标题", "来信标题", "主题", "title", "subject"),
    "phone": ("来电号码", "联系电话", "电话", "手机号", "手机号码", "联系方式", "phone", "tel"),
    "name": ("姓名", "来电人", "诉求人", "联系人", "市民姓名", "name"),
    "place_text": ("地址", "诉求地址", "事发地址", "地点", "发生地点", "address", "place"),
    "received_at": ("来电时间", "受理时间", "登记时间", "提交时间", "来信时间", "时间", "created", "time", "date"),
    "id": ("工单编号", "编号", "流水号", "工单号", "单号", "受理编号", "number", "id"),
    "kind": ("诉求类型", "工单类型", "诉求性质", "kind"),
    "urgency": ("紧急程度", "urgency"),
    "shared": ("同意联系", "是否同意联系", "是否公开", "shared"),
    "secret": ("是否保密", "保密", "secret"),
    "lon": ("经度", "lon", "longitude"),
    "lat": ("纬度", "lat", "latitude"),
}  # fmt: skip
KINDS: Final = {"咨询": "1", "求助": "2", "投诉": "3", "举报": "4", "建议": "5", "表扬": "6"}
TIME_FORMATS: Final = (
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日", "%Y%m%d%H%M%S",
)  # fmt: skip
BATCH: Final = 500
SOURCE_MOST: Final = 40
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class BadFile(Exception):
    """A file that can't be taken in at all; the message says why."""


@dataclass(slots=True)
class Totals:
    """What became of a file: rows = taken + already + folded + refused."""

    rows: int = 0
    taken: int = 0
    already: int = 0
    folded: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows, "taken": self.taken, "already": self.already, "folded": self.folded,
            "refused": sum(self.refused.values()), "refused_because": dict(sorted(self.refused.items())),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A row's receipt: `result` is taken, already, folded or refused (then `reason` says why, `field` where)."""

    line: int
    ref: str
    result: str
    number: str = ""
    field: str = ""
    reason: str = ""


def columns_of(names: Mapping[str, str] | None, found: tuple[str, ...]) -> dict[str, str]:
    """Return our field → the file's column: as told, else by its heading. Raises BadFile naming what is missing."""
    told = dict(names or {})
    for name, column in told.items():
        if name not in HEADINGS:
            raise BadFile(
                _("没有“%(name)s”这个字段；可用：%(all)s") % {"name": name, "all": "、".join(HEADINGS)}
            )
        if column not in found:
            raise BadFile(_("文件里没有“%(column)s”这一列。") % {"column": column})
    plain = {name.strip().lower(): name for name in reversed(found)}
    for name, headings in HEADINGS.items():
        if name not in told:
            known = next((plain[one] for one in headings if one in plain), None)
            if known is not None and known not in told.values():
                told[name] = known
    if "text" not in told:
        raise BadFile(
            _("没有找到内容列；请用 --map text=列名 指明。文件有：%(names)s")
            % {"names": "、".join(found)[:300]}
        )
    return told


def import_file(
    actor: Actor,
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    source: str = "import",
    sheet: str = "",
    receipt: Path | None = None,
    check_only: bool = False,
    told: Callable[[Row], None] = lambda _row: None,
    now: datetime | None = None,
) -> Totals:
    """Return the totals of a file taken in row by row; `receipt` gets a CSV line for every row.

    `source` names the system whose numbers the file holds. Stopped anywhere, it goes on when run again.
    `check_only`: every row is looked at, nothing is stored. Raises Forbidden, BadFile.
    """
    require(actor, "hotline.take")
    if not 0 < len(source) <= SOURCE_MOST:
        raise BadFile(_("来源名称为 1 到 %(most)d 字。") % {"most": SOURCE_MOST})
    moment, totals = now or timezone.now(), Totals()
    with tempfile.TemporaryDirectory(prefix="citybrain-import-") as work, _receipt(receipt) as write:
        try:
            reading = read(path, Path(work), options=Options(sheet=sheet))
        except Unreadable as refused:
            raise BadFile(str(refused)) from refused
        chosen = columns_of(columns, reading.names)
        for row in _rows(actor, reading, chosen, source, moment, check_only=check_only):
            _count(totals, row)
            write(row)
            told(row)
    return totals


def _count(totals: Totals, row: Row) -> None:
    totals.rows += 1
    if row.result == "refused":
        totals.refused[row.field or "row"] += 1
    else:
        setattr(totals, row.result, getattr(totals, row.result) + 1)


def _rows(
    actor: Actor, reading: Reading, chosen: dict[str, str], source: str, now: datetime, *, check_only: bool
) -> Iterator[Row]:
    """Yield the receipt of each row, in the file's order; those that can't be read come last."""
    plan = reading.plan
    number = quoted(ROW) if plan.counts_rows else "row_number() OVER ()"
    names = ", ".join(quoted(name) for name in reading.names)
    with connection() as link:
        found = link.execute(f"SELECT {number}, {names} FROM {plan.source()}")
        while rows := found.fetchmany(BATCH):
            for line, *cells in rows:
                given = dict(zip(reading.names, cells, strict=True))
                yield _take(actor, int(line), given, chosen, source, now, check_only=check_only)
        broken = plan.all_set_aside(link)
    for one in broken:
        yield Row(one.line, "", "refused", field="row", reason=one.why())


def _take(
    actor: Actor, line: int, given: dict[str, str | None], chosen: dict[str, str], source: str, now: datetime, *,
    check_only: bool,
) -> Row:  # fmt: skip
    ref = (given.get(chosen.get("id", "")) or "").strip()
    try:
        message = message_of(given, chosen, source)
        if check_only:
            return Row(line, ref, "taken")
        taken = door.take_in(actor, message, now=now)
    except TicketError as refused:
        return Row(line, ref, "refused", field=refused.field, reason=refused.message)
    result = "folded" if taken.folded else "taken" if taken.created else "already"
    return Row(line, ref, result, taken.number)


def message_of(given: Mapping[str, str | None], chosen: Mapping[str, str], source: str) -> Message:
    """Return the message of a row. Raises BadInput naming the field."""
    value = {name: (given.get(column) or "").strip() for name, column in chosen.items()}
    if not value["text"]:
        raise BadInput(_("内容是空的。"), "text")
    whole = "\x1f".join(f"{name}={cell or ''}" for name, cell in given.items())
    told = value.get("id") or "row-" + hashlib.sha256(whole.encode()).hexdigest()[:32]
    lon, lat = _degrees(value.get("lon", ""), "lon"), _degrees(value.get("lat", ""), "lat")
    return Message(
        channel=Channel.IMPORT,
        text=value["text"],
        title=value.get("title", ""),
        kind=_kind(value.get("kind", "")),
        urgency=value["urgency"] if value.get("urgency") in Urgency.values else "",
        phone=value.get("phone", "")[:30],
        name=value.get("name", "")[:NAME_MOST],
        shared=value.get("shared", "").lower() in YES,
        secret=value.get("secret", "").lower() in YES,
        place_text=value.get("place_text", ""),
        lon=lon if lat is not None else None,
        lat=lat if lon is not None else None,
        external_ref=f"{source}:{told if len(told) <= 70 else hashlib.sha256(told.encode()).hexdigest()}",
        received_at=_time(value.get("received_at", "")),
        extra={"import": source},
    )


def _kind(text: str) -> str:
    if not text or text in Kind.values:
        return text
    return KINDS.get(text.removesuffix("类"), "")


def _degrees(text: str, name: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise BadInput(_("“%(value)s”不是经纬度。") % {"value": text[:40]}, name) from None


def _time(text: str) -> datetime | None:
    """Return a time, the city's own where the file names no zone. Raises BadInput."""
    if not text:
        return None
    moment = _parsed(text)
    if moment is None:
        raise BadInput(_("“%(value)s”不是能识别的时间。") % {"value": text[:40]}, "received_at")
    try:
        aware = (moment if moment.tzinfo else timezone.make_aware(moment)).astimezone(UTC)
    except OverflowError:  # at the ends of the calendar
        aware = None
    if aware is None or aware.year < 1990 or aware > timezone.now():
        raise BadInput(_("时间“%(value)s”不在过去。") % {"value": text[:40]}, "received_at")
    return aware


def _parsed(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
        day = parse_date(text) if moment is None else None
    except ValueError:
        return None
    if moment is not None or day is not None:
        return moment or datetime(day.year, day.month, day.day)  # type: ignore[union-attr]  # noqa: DTZ001 (zone follows)
    for form in TIME_FORMATS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 (zone follows)
        except ValueError:
            continue
    return None


@contextmanager
def _receipt(path: Path | None) -> Iterator[Callable[[Row], None]]:
    """Give a writer of receipts; cells that a spreadsheet would take for formulas are marked as text."""
    if path is None:
        yield lambda _row: None
        return
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "id", "result", "number", "field", "reason"])

        def write(row: Row) -> None:
            cells = (row.line, row.ref, row.result, row.number, row.field, row.reason)
            writer.writerow([f"'{one}" if str(one).startswith(_FORMULA) else one for one in cells])

        yield write


def receipt_text(rows: list[Row]) -> str:
    """Return receipts as CSV, for a page that hands them out."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["row", "id", "result", "number", "field", "reason"])
    for row in rows:
        cells = (row.line, row.ref, row.result, row.number, row.field, row.reason)
        writer.writerow([f"'{one}" if str(one).startswith(_FORMULA) else one for one in cells])
    return out.getvalue()
