"""Serving copies follow the grants: made where a live grant takes rows by key or filter, gone where none does.

However a grant came or ended (a decision, at once, the command line, its date), the worker compares what is wanted
with what is kept.
"""

from datetime import datetime

from citybrain.base.catalogue.grants import live_grants
from citybrain.base.catalogue.models import DataSet
from citybrain.base.lake import serving
from citybrain.base.lake.models import Serving


def wanted(now: datetime) -> dict[str, DataSet]:
    """Return the data sets of which copies are wanted, by code. A set without a key has none."""
    grants = live_grants(now).only("dataset_id", "modes")
    served = {one.dataset_id for one in grants if not set(serving.MODES).isdisjoint(one.modes)}
    found = DataSet.objects.filter(pk__in=served).select_related("current")
    return {one.code: one for one in found if one.current is not None and one.shape.keys}


def tick(now: datetime) -> int:
    """Worker: ask for copies that are missing, have them made, and withdraw those nobody may read; return how many."""
    asked = wanted(now)
    kept = set(Serving.objects.values_list("code", flat=True))
    for code in sorted(asked.keys() - kept):
        serving.ask(code, asked[code].shape)
    for code in sorted(kept - asked.keys()):
        serving.withdraw(code)
    if asked.keys() - kept:
        serving.tick(now)
    return len(asked.keys() ^ kept)
