"""A list as an Excel file: the rows the reader may see, as many as they may take out, written down in the ledger."""

import io
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.cases import lists
from citybrain.hub.cases.filters import Filters
from citybrain.hub.cases.rows import CaseRow

MOST_ROWS = 20_000
RISKY = ("=", "+", "-", "@", "\t", "\r")


def workbook(actor: Actor, key: str, filters: Filters, now: datetime | None = None) -> bytes:
    """Return an .xlsx of a list. Raises Forbidden without `cases.export`, KeyError for a list not had."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    require(actor, "cases.export")
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
    record(
        actor.key, "cases.export", f"list:{key}", {"rows": written, "filters": dict(filters.raw)}, at=moment
    )
    return out.getvalue()


def safe(value: object) -> object:
    """Return a cell value that no spreadsheet will take for a formula."""
    if isinstance(value, str) and value.startswith(RISKY):
        return "'" + value
    return value


def _titles() -> list[str]:
    return [
        _("案件编号"), _("状态"), _("事项编码"), _("事项"), _("描述"), _("地址"), _("区域"), _("来源"), _("处置单位"),
        _("上报时间"), _("到期时间"), _("办结时间"), _("按时"), _("已解决"), _("评价"), _("退回次数"), _("返工次数"),
    ]  # fmt: skip


def _values(row: CaseRow) -> list[object]:
    return [
        row.number, row.state_label, row.item_code, row.item_name, row.description, row.address,
        " ".join(row.area_names), row.source_label, row.agency_name, _local(row.reported_at), _local(row.due_at),
        _local(row.closed_at), _said(row.on_time), _said(row.solved), row.rating, row.return_count, row.rework_count,
    ]  # fmt: skip


def _local(moment: datetime | None) -> datetime | None:
    return timezone.localtime(moment).replace(tzinfo=None, microsecond=0) if moment else None


def _said(value: bool | None) -> str:
    return "" if value is None else _("是") if value else _("否")
