"""Filling the catalogue of a made-up city: its entries published, and a file of each waiting to be taken in.

Here the files are only handed over; the worker takes them in one after the other, as it would any agency's.
"""

import shutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils import timezone

from citybrain.base.catalogue.actions import add_supply, add_system
from citybrain.base.catalogue.load import load
from citybrain.base.catalogue.models import DataSet, Supply, System
from citybrain.base.exchange.actions import add_source, receive_file
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.models import Agency
from citybrain.sample.city import City
from citybrain.sample.forms.make import make_forms
from citybrain.sample.sets.handed import Handed
from citybrain.sample.sets.handing import SECOND, TRUTH, Say, hand_over
from citybrain.sample.sets.lend import lend_register
from citybrain.sample.sets.make import basis_of

SECOND_BODY: Final = "data_bureau"
SECOND_SYSTEM: Final = "sample-second"


def fill(
    city: City,
    say: Say | None = None,
    *,
    people: int | None = None,
    codes: Sequence[str] = (),
    written: Callable[[], list[Handed]] | None = None,
) -> int:
    """Publish the shipped catalogue and queue the intake of every set; return how many files wait.

    `codes` names the sets where not all are wanted; `written` returns what `write_files` did in another process. What
    is wrong in the files on purpose stays in `HOME/sample/truth.jsonl`. Once to a city.
    """
    load(SYSTEM, list(codes) or None)
    handed = written() if written else write_files(city, say, people=people, codes=codes)
    home, handed_over = _folder().parent, _folder()
    lend_register()
    make_forms()
    second = _second_system()
    for one in handed:
        _queue(one, second)
    (handed_over / TRUTH).replace(home / TRUTH)
    shutil.rmtree(handed_over)  # each file is kept as it came, where the lake keeps them
    return len(handed)


def write_files(
    city: City, say: Say | None = None, *, people: int | None = None, codes: Sequence[str] = ()
) -> list[Handed]:
    """Write the files as the agencies of the city would hand them over. No database is needed."""
    basis = basis_of(city, timezone.localdate() - timedelta(days=1), people)
    return hand_over(basis, _folder(), codes, say=say)


def _folder() -> Path:
    return Path(settings.HOME) / "sample" / "handed_over"


def _second_system() -> System:
    """Return the system of the agency that has a part of some sets, too."""
    body = Agency.objects.filter(kind__key=SECOND_BODY).order_by("area__level", "pk").first()
    if body is None:
        raise LookupError(f"the city has no body of the kind {SECOND_BODY}")
    return add_system(
        SYSTEM, body, key=SECOND_SYSTEM, name="城市数据归集系统", name_en="City data collection system"
    )


def _queue(one: Handed, second: System) -> None:
    dataset = DataSet.objects.select_related("provider", "current").get(code=one.code)
    supply, agency = _supply(dataset, one, second)
    name = "数据归集" if one.second else "业务系统导出"
    source = add_source(SYSTEM, dataset, agency, name=name, supply=supply)
    receive_file(SYSTEM, source, one.path, one.path.name)


def _supply(dataset: DataSet, one: Handed, second: System) -> tuple[Supply, Agency]:
    if one.second:
        fields = [*dataset.shape.keys, *SECOND[one.code]]
        return add_supply(SYSTEM, dataset, second, fields=fields, mode="file", rank=2), second.agency
    supply = dataset.supplies.order_by("rank", "pk").first()
    if supply is None:
        raise LookupError(f"the shipped catalogue names no supply of {one.code}")
    return supply, dataset.provider
