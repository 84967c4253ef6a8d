"""The catalogue that comes with a new city (data/datasets.yaml), and whose data each set is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

try:
    from yaml import CSafeLoader as SafeLoader  # ten times as quick
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

from citybrain.base.catalogue.entry import Meta
from citybrain.base.catalogue.shape import Shape
from citybrain.base.identity.agencies import kind_named

FILE: Final = Path(__file__).parent / "data" / "datasets.yaml"
# Who stands in where a city has no body of the provider's kind: the nearest in duty first.
STAND_INS: Final[Mapping[str, tuple[str, ...]]] = {
    "统计": ("statistics", "development_reform", "data_bureau"),
    "港口企业": ("port_co", "transport", "data_bureau"),
    "公安交管": ("traffic_police", "police"),
    "运营企业": ("operator", "transport"),
    "街镇": ("subdistrict", "data_bureau"),
}
LAST: Final = ("data_bureau", "gov_service")


@dataclass(frozen=True, slots=True)
class Shipped:
    """One shipped entry. `system` is {zh, en, mode}: where its data come from."""

    meta: Meta
    shape: Shape
    provider: str
    system: Mapping[str, str]


@cache
def shipped() -> tuple[Shipped, ...]:
    """Return the entries of data/datasets.yaml in their order."""
    found = yaml.load(FILE.read_text(encoding="utf-8"), Loader=SafeLoader)["datasets"]
    return tuple(_entry(row) for row in found)


def _entry(row: Mapping[str, Any]) -> Shipped:
    shape = Shape.from_json(row)
    return Shipped(Meta.from_json(row), shape, row["provider"], row["system"])


def provider_kinds(provider: str) -> tuple[str, ...]:
    """Return the kinds of body that may provide for a name such as 公安, the right one first."""
    own = kind_named(provider)
    listed = STAND_INS.get(provider, (own,) if own else ())
    return (*listed, *LAST)
