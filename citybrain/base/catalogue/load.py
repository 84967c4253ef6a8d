"""Filling a city's catalogue from what is shipped: entries of the right bodies, their systems, supplies and demands."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from citybrain.base.areas.models import Level
from citybrain.base.areas.tree import tree
from citybrain.base.catalogue.actions import publish_at_once
from citybrain.base.catalogue.models import DataSet, Demand, Supply, System, TaskItem
from citybrain.base.catalogue.shipped import LAST, Shipped, provider_kinds, shipped
from citybrain.base.identity.access import Forbidden
from citybrain.base.identity.actions import install_agency_kinds
from citybrain.base.identity.actor import Actor
from citybrain.base.identity.agencies import directory, kind_named, kind_rows, resolve_agency
from citybrain.base.identity.models import Agency, AgencyKind
from citybrain.base.ledger import record

SCENES: Final = Path(__file__).parent / "data" / "scenes.toml"


@dataclass
class Loaded:
    """How many entries are added, changed, unchanged; `stood_in`: (set, body) where the right kind is missing."""

    counts: Counter[str] = field(default_factory=Counter)
    systems: int = 0
    supplies: int = 0
    items: int = 0
    demands: int = 0
    stood_in: list[tuple[str, str]] = field(default_factory=list)


class NoBodies(LookupError):
    """A city without agencies can't provide data."""


@cache
def scenes() -> dict[str, dict[str, str]]:
    """Return the items of data/scenes.toml: key → zh, en, agency (a kind)."""
    return tomllib.loads(SCENES.read_text(encoding="utf-8"))


def load(actor: Actor, codes: Sequence[str] | None = None, *, lists: bool = True) -> Loaded:
    """Publish the shipped entries (all, or those named) with their systems and supplies, and what needs them.

    Running it again changes nothing. Only the system may. Raises Forbidden, NoBodies for a city without
    agencies, KeyError for a code that isn't shipped.
    """
    if not actor.is_system:
        raise Forbidden("load: the system fills a catalogue")
    by_code = {one.meta.code: one for one in shipped()}
    chosen = list(by_code.values()) if codes is None else [by_code[code] for code in codes]
    lineage = _city_lineage()
    if AgencyKind.objects.count() < len(kind_rows()):  # a city from before a kind was added
        install_agency_kinds(actor)
    done = Loaded()
    with transaction.atomic():
        entries = []
        for one in chosen:
            provider = _provider(one, lineage, done)
            dataset, outcome = publish_at_once(actor, provider, one.meta, one.shape)
            done.counts[outcome] += 1
            entries.append((one, dataset, provider))
        if lists:
            _fill_supplies(entries, done)
            _fill_demands(entries, lineage, done)
        record(actor.key, "catalogue.load", "catalogue", {**done.counts, "supplies": done.supplies})
    return done


def _city_lineage() -> tuple[int | None, ...]:
    city = next(iter(tree().in_force(Level.CITY)), None)
    if city is None:
        raise NoBodies("catalogue: there are no areas yet; import them first")
    return city.lineage


def _provider(one: Shipped, lineage: tuple[int | None, ...], done: Loaded) -> Agency:
    """Return the body that provides a set: of the right kind at the city, else the one that stands in."""
    kinds = provider_kinds(one.provider)
    for kind in kinds:
        body = resolve_agency(kind, lineage)
        if body is not None:
            if kind != kind_named(one.provider):
                done.stood_in.append((one.meta.code, body.name))
            return body
    anyone = next(iter(directory().covering(lineage)), None)
    if anyone is None:
        raise NoBodies("catalogue: the city has no agencies yet; create them first")
    done.stood_in.append((one.meta.code, anyone.name))
    return anyone


Entries = Iterable[tuple[Shipped, DataSet, Agency]]


def _fill_supplies(entries: Entries, done: Loaded) -> None:
    known = {(row.agency_id, row.name): row for row in System.objects.all()}
    supplied = set(Supply.objects.values_list("dataset_id", "system_id"))
    for one, dataset, provider in entries:
        name = one.system["zh"]
        system = known.get((provider.pk, name))
        if system is None:
            key = f"{provider.key}-{len(known) + 1}"[:60]
            system = known[provider.pk, name] = System.objects.create(
                agency=provider, key=key, name=name, name_en=one.system["en"]
            )
            done.systems += 1
        if (dataset.pk, system.pk) not in supplied:
            mode, cycle = one.system["mode"], one.meta.update_cycle
            Supply.objects.create(dataset=dataset, system=system, mode=mode, update_cycle=cycle)
            done.supplies += 1


def _fill_demands(entries: Entries, lineage: tuple[int | None, ...], done: Loaded) -> None:
    items = {row.key: row for row in TaskItem.objects.select_related("agency")}
    asked = set(Demand.objects.values_list("item_id", "dataset_id"))
    for one, dataset, _provider in entries:
        for key in one.meta.scenes:
            item = items.get(key)
            if item is None:
                item = items[key] = _item(key, lineage)
                done.items += 1
            if (item.pk, dataset.pk) not in asked:
                _demand(item, one, dataset).save()
                done.demands += 1


def _item(key: str, lineage: tuple[int | None, ...]) -> TaskItem:
    row = scenes()[key]
    bodies = (resolve_agency(kind, lineage) for kind in (row["agency"], *LAST))
    agency = next((body for body in bodies if body is not None), None) or directory().covering(lineage)[0]
    return TaskItem.objects.create(agency=agency, key=key, name_zh=row["zh"], name_en=row["en"])


def _demand(item: TaskItem, one: Shipped, dataset: DataSet) -> Demand:
    fields: list[dict[str, Any]] = [
        {"name": field.name, "zh": field.zh, "type": field.type.text} for field in one.shape.fields
    ]
    return Demand(
        agency=item.agency,
        item=item,
        dataset=dataset,
        title=f"{item.name_zh}：{one.meta.name_zh}"[:120],
        purpose=item.name_zh,
        fields=fields,
        update_cycle=one.meta.update_cycle,
        mode="",
    )
