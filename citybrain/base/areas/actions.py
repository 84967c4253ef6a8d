"""The door for changes of areas: every name here takes the actor first and writes history and ledger."""

from citybrain.base.areas.decisions import (
    Part,
    apply_due,
    merge_areas,
    recode_area,
    rename_area,
    split_area,
    withdraw_decision,
)
from citybrain.base.areas.importing import import_rows
from citybrain.base.areas.rows import Receipt, RowResult
from citybrain.base.areas.shaping import ShapeReceipt, ShapeResult, set_shape, set_shapes
from citybrain.base.areas.tables import AreaRow

__all__ = (
    "AreaRow",
    "Part",
    "Receipt",
    "RowResult",
    "ShapeReceipt",
    "ShapeResult",
    "apply_due",
    "import_rows",
    "merge_areas",
    "recode_area",
    "rename_area",
    "set_shape",
    "set_shapes",
    "split_area",
    "withdraw_decision",
)
