"""The items in force, kept in memory: 239 rows that every intake and every list reads."""

import csv
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources

from django.db.models import Count, Max
from django.utils import timezone

from citybrain.hub.cases.models import Item

RECHECK_SECONDS = 5.0


@dataclass(frozen=True)
class ItemIndex:
    """The versions in force on `on`, by code and by id; `by_id` holds past versions too."""

    on: date
    stamp: tuple[int, int]
    by_code: Mapping[str, Item]
    by_id: Mapping[int, Item]


_cache: ItemIndex | None = None
_checked = 0.0


def forget() -> None:
    """Drop the cache (after a change of items, and between tests)."""
    global _cache
    _cache = None


def index(on: date | None = None) -> ItemIndex:
    """Return the items in force on a day (today by default), at most 5 s stale."""
    global _cache, _checked
    day = on or timezone.localdate()
    now = time.monotonic()
    if _cache is not None and _cache.on == day and now - _checked < RECHECK_SECONDS:
        return _cache
    row = Item.objects.aggregate(newest=Max("id"), ended=Count("valid_until"))
    stamp = (row["newest"] or 0, row["ended"])
    if _cache is None or _cache.on != day or _cache.stamp != stamp:
        everything = list(Item.objects.all())
        current = {item.code: item for item in Item.objects.in_force(day)}
        _cache = ItemIndex(day, stamp, current, {item.pk: item for item in everything})
    _checked = now
    return _cache


def shipped_rows() -> list[dict[str, str]]:
    """Return the rows of the shipped item table (data/items.csv), as text."""
    text = resources.files("citybrain.hub.cases").joinpath("data/items.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))
