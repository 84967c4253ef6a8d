"""The table of makers: which function tells which data set."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from citybrain.sample.sets.basis import Basis
from citybrain.sample.sets.draw import Draw
from citybrain.sample.sets.text import Array

Columns = dict[str, Any]
Maker = Callable[[Basis, Draw], Columns]
MAKERS: dict[str, Maker] = {}


def tells(code: str) -> Callable[[Maker], Maker]:
    """Enter a function as the maker of a data set: field name → column, all of one length."""

    def enter(maker: Maker) -> Maker:
        MAKERS[code] = maker
        return maker

    return enter


def gone(values: Array, where: Array) -> pa.Array:
    """Return a column that is empty where `where` is true."""
    return pa.array(values, mask=np.asarray(where, dtype=bool))


def full(count: int, value: Any) -> Array:
    """Return a column with one value in every row."""
    return np.full(count, value)
