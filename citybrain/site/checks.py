"""A check of direction: a model points only to rooms below its own, which import-linter can't see."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, register
from django.db.models import ForeignObject, ManyToManyField, Model

BELOW: dict[str, frozenset[str]] = {
    "base.ledger": frozenset(),
    "base.worktime": frozenset(),
    "base.areas": frozenset({"base.ledger", "base.worktime"}),
    "base.identity": frozenset({"base.areas", "base.ledger", "base.worktime"}),
    "base.catalogue": frozenset({"base.identity", "base.areas", "base.ledger", "base.worktime"}),
    "base.lake": frozenset({"base.catalogue", "base.identity", "base.areas", "base.ledger", "base.worktime"}),
    "base.exchange": frozenset(
        {"base.lake", "base.catalogue", "base.identity", "base.areas", "base.ledger", "base.worktime"}
    ),
}
STANDS_BELOW = "hub.cases"  # inside hub everything else stands on cases
FLOORS = {"base": 0, "hub": 1, "sample": 2, "faces": 2, "site": 3}


def room_of(module: str) -> str:
    """Return "base.areas" for citybrain.base.areas.models, "sample" for citybrain.sample.x, "" for others."""
    parts = module.split(".")
    if parts[0] != "citybrain" or len(parts) < 2:
        return ""
    return parts[1] if parts[1] in {"sample", "site"} else ".".join(parts[1:3])


def may_point(source: str, target: str) -> bool:
    """Tell whether a model of room `source` may hold a relation to one of room `target`."""
    if not source or not target or source == target:
        return True
    if source in BELOW:
        return target in BELOW[source]
    high, low = FLOORS[source.split(".")[0]], FLOORS[target.split(".")[0]]
    return high > low or (target == STANDS_BELOW and source.startswith("hub."))


def relations(model: type[Model]) -> Iterable[tuple[str, type[Model]]]:
    """Return the forward relations of a model with what they point to."""
    for field in model._meta.get_fields():
        if isinstance(field, (ForeignObject, ManyToManyField)) and isinstance(field.related_model, type):
            yield field.name, field.related_model


@register()
def relation_direction(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Return an error for every relation that points up or sideways."""
    found: list[CheckMessage] = []
    for config in app_configs or apps.get_app_configs():
        for model in config.get_models():
            source = room_of(model.__module__)
            for name, related in relations(model):
                target = room_of(related.__module__)
                if not may_point(source, target):
                    found.append(
                        Error(
                            f"{model.__name__}.{name} points from {source} to {target}",
                            hint="a room knows only the rooms below it; keep an opaque key instead",
                            obj=model,
                            id="citybrain.E001",
                        )
                    )
    return found
