"""Topics as an Excel file: what the reader may know of each, written down in the ledger."""

import io
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.access import require
from citybrain.base.identity.actor import Actor
from citybrain.base.ledger.append import record
from citybrain.hub.cases.export import safe
from citybrain.hub.hotline.models.topic import TopicState
from citybrain.hub.hotline.topics.lists import topics

EXPORT: Final = "hotline.export"
MOST_ROWS: Final = 1_000


def workbook(actor: Actor, state: TopicState = TopicState.ACTIVE, now: datetime | None = None) -> bytes:
    """Return an .xlsx of the reader's topics of a state, hottest first. Raises Forbidden without `hotline.export`."""
    from openpyxl import Workbook

    require(actor, EXPORT)
    moment = now or timezone.now()
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("热点"))
    sheet.append(
        [
            _("热点"),
            _("状态"),
            _("人数"),
            _("工单数"),
            _("近期新增人数"),
            _("热度"),
            _("预警"),
            _("首次"),
            _("最近"),
            _("案件"),
        ]
    )
    rows = topics(actor, state=state, limit=MOST_ROWS, now=moment)
    for one in rows:
        values = [
            one.name, str(one.state.label), one.people, one.messages, one.recent, round(one.heat, 1),
            str(one.severity.label), _stamp(one.first), _stamp(one.last), one.case_number,
        ]  # fmt: skip
        sheet.append([safe(value) for value in values])
    out = io.BytesIO()
    book.save(out)
    record(actor.key, EXPORT, "topics", {"rows": len(rows), "state": str(state)}, at=moment)
    return out.getvalue()


def _stamp(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M")
