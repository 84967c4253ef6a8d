"""A city whose forms are filled from data, for journeys: the sample's own forms, with the sets they read taken in."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone

from citybrain.base.areas.models import Area
from citybrain.base.exchange import runs
from citybrain.base.exchange.models import Run
from citybrain.base.lake import serving
from citybrain.base.lake.pytest_lake import clear_lake
from citybrain.hub.forms.models import Round, Sheet
from citybrain.sample.city import make_city
from citybrain.sample.plan import TINY
from citybrain.sample.sets.fill import fill

if TYPE_CHECKING:
    from citybrain.sample.fixtures import TinyCity

CODES = ("ga_population", "ga_floating", "mz_key_elder", "mz_subsistence", "cl_disabled")


@dataclass(frozen=True)
class Formed:
    """The round of the sample city, and the sheet of the cast's own community."""

    round: Round
    sheet: Sheet
    community: Area


def formed(city: "TinyCity", codes: Sequence[str] = CODES) -> Formed:
    """Take the data sets in and make the sample's forms; every copy that forms read is there."""
    clear_lake()
    fill(make_city(TINY), people=240, codes=codes)
    while runs.work_one(timezone.now()) or Run.objects.filter(state__in=("queued", "running")).exists():
        time.sleep(0.1)  # the worker beside may be at the last one, and what it is at is its own
    serve(codes)
    community = city.area("community")
    round_ = Round.objects.select_related("form", "version").get()
    return Formed(round_, Sheet.objects.get(round=round_, area=community), community)


def serve(codes: Sequence[str]) -> None:
    """Make the serving copies of the sets as they are now."""
    from citybrain.base.catalogue.models import DataSet

    for one in DataSet.objects.select_related("current").filter(code__in=codes):
        serving.ask(one.code, one.shape)
        serving.publish(one.code, one.shape)
