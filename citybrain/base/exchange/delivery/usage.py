"""How many rows a grant delivered on a day, for readings that don't go through the door.

The door and the files count in the statement that also keeps the receipt. Forms read dozens of grants in one
transaction, and many communities the same grants at once: counting there would let one wait for the other. So they
ask before, and count when their transaction is through.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from citybrain.base.catalogue.models import Grant
from citybrain.base.exchange.models import Usage

_COUNT: Final = """
INSERT INTO exchange_usage AS u (grant_id, day, rows, calls, second, calls_in_second)
SELECT a.grant_id, %(day)s::date, a.rows, a.calls, 0, 0
  FROM unnest(%(grants)s::bigint[], %(rows)s::bigint[], %(calls)s::int[]) AS a (grant_id, rows, calls)
 ORDER BY a.grant_id
ON CONFLICT (grant_id, day) DO UPDATE SET rows = u.rows + excluded.rows, calls = u.calls + excluded.calls"""


def with_left(grants: QuerySet[Grant], now: datetime | None = None) -> QuerySet[Any]:
    """Return grants, each with `left`: the rows it may still deliver on this day; 0 or less where none are."""
    used = Usage.objects.filter(grant_id=OuterRef("pk"), day=timezone.localdate(now))
    return grants.annotate(left=F("daily_rows") - Coalesce(Subquery(used.values("rows")[:1]), Value(0)))


def count_on_commit(delivered: Mapping[int, tuple[int, int]]) -> None:
    """Count (rows, readings) by grant when the transaction around is through; nothing where it isn't."""
    if not delivered:
        return
    told: dict[str, Any] = {
        "day": timezone.localdate(),
        "grants": list(delivered),
        "rows": [rows for rows, _ in delivered.values()],
        "calls": [calls for _, calls in delivered.values()],
    }

    def count() -> None:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, told)

    transaction.on_commit(count)
