"""A list of tickets as an Excel file: rows the reader may see, without callers, written down in the ledger."""

import io
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.cases.export import safe
from citybrain.hub.hotline import lists, privacy
from citybrain.hub.hotline.filters import Filters
from citybrain.hub.hotline.rows import TicketRow

EXPORT: Final = "hotline.export"
MOST_ROWS: Final = 20_000
_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ \-]?[0-9]){6,12}(?![0-9])")  # never RX261119…


def workbook(actor: Actor, key: str, filters: Filters, now: datetime | None = None) -> bytes:
    """Return an .xlsx of a list. Raises Forbidden without `hotline.export`, KeyError for a list not had."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    require(actor, EXPORT)
    moment = now or timezone.now()
    book = Workbook(write_only=True)
    sheet = book.create_sheet(str(lists.BY_KEY[key].label))
    sheet.freeze_panes = "A2"
    bold = []
    for title in _titles():
        cell = WriteOnlyCell(sheet, value=title)
        cell.font = Font(bold=True)
        bold.append(cell)
    sheet.append(bold)
    written, offset = 0, 0
    while True:
        page = lists.page(actor, key, filters, offset=offset, limit=1000)
        for row in page.rows:
            sheet.append([safe(value) for value in _values(row)])
        written += len(page.rows)
        if page.next_offset is None or written >= MOST_ROWS:
            break
        offset = page.next_offset
    out = io.BytesIO()
    book.save(out)
    record(actor.key, EXPORT, f"list:{key}", {"rows": written, "filters": _asked(filters.raw)}, at=moment)
    return out.getvalue()


def _asked(raw: Mapping[str, str]) -> dict[str, str]:
    """Return what was asked for, the search without numbers of callers: the ledger is never cleared."""
    asked = dict(raw)
    if "q" in asked:
        asked["q"] = _NUMBER.sub(privacy.PHONE, privacy.redact(asked["q"]))
    return asked


def _titles() -> list[str]:
    return [
        _("工单编号"), _("状态"), _("诉求类型"), _("紧急程度"), _("事项编码"), _("事项"), _("内容（前 400 字）"),
        _("地点"), _("区域"), _("来源"), _("主办单位"), _("协办单位"), _("收到时间"), _("到期时间"), _("答复时间"),
        _("办结时间"), _("按时答复"), _("已解决"), _("评价"), _("派单次数"), _("退单次数"), _("重办次数"),
    ]  # fmt: skip


def _values(row: TicketRow) -> list[object]:
    return [
        row.number, row.state_label, row.kind_label, row.urgency_label, row.item_code, row.item_name, row.plain,
        row.place_text, " ".join(row.area_names), row.channel_label, row.agency_name, "、".join(row.co_names),
        _local(row.received_at), _local(row.due_at), _local(row.replied_at), _local(row.concluded_at),
        _said(row.on_time), _said(row.solved), row.rating, row.dispatches, row.return_count, row.redo_count,
    ]  # fmt: skip


def _local(moment: datetime | None) -> datetime | None:
    return timezone.localtime(moment).replace(tzinfo=None, microsecond=0) if moment else None


def _said(value: bool | None) -> str:
    return "" if value is None else _("是") if value else _("否")
