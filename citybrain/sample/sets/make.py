"""One data set of the made-up city as an Arrow table: every field of its shape, typed, in the catalogue's order."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citybrain.base.catalogue.shape import Shape
from citybrain.sample.city import City
from citybrain.sample.sets import civil, health, land, market, police, services, things, transport, utilities
from citybrain.sample.sets.basis import Basis
from citybrain.sample.sets.draw import Draw
from citybrain.sample.sets.tell import MAKERS

MODULES = (
    civil,
    health,
    land,
    market,
    police,
    services,
    things,
    transport,
    utilities,
)  # each enters its makers
PEOPLE_PER_GRID = 1


def basis_of(city: City, until: date, people: int | None = None) -> Basis:
    """Return who and what there is; `people` None: one to a grid, so that a first start stays short."""
    return Basis(city, until, people or max(600, city.plan.grids * PEOPLE_PER_GRID))


def codes() -> list[str]:
    """Return the codes of all data sets that the made-up city can tell, in order."""
    return sorted(MAKERS)


def make_set(code: str, basis: Basis, shape: Shape) -> pa.Table:
    """Return a data set without any fault. The same for the same basis; no other set changes it."""
    draw = Draw(basis.stream(code), shape, basis.until)
    columns = MAKERS[code](basis, draw)
    unknown, missing = set(columns) - set(shape.names), set(shape.names) - set(columns)
    if unknown or missing:
        raise ValueError(
            f"{code}: fields without a column {sorted(missing)}, columns without a field {sorted(unknown)}"
        )
    return pa.table({field.name: typed(columns[field.name], field.type.arrow()) for field in shape.fields})


def typed(values: Any, kind: pa.DataType) -> pa.Array:
    """Return a column in the catalogue's type."""
    if isinstance(values, pa.Array):
        plain = values
    elif values.dtype.kind == "U":
        plain = pa.array(values.astype(object), pa.string())
    else:
        plain = pa.array(np.ascontiguousarray(values))
    if pa.types.is_decimal(kind):
        return pc.cast(pc.round(pc.cast(plain, pa.float64()), kind.scale), kind, safe=False)
    if pa.types.is_timestamp(kind):
        return pc.cast(plain, pa.timestamp("us")).cast(kind)
    return plain if plain.type == kind else pc.cast(plain, kind)
