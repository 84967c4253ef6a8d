"""From a data set's shape to Iceberg's schema, and which changes of it a table can follow."""

from typing import Final

from pyiceberg import types as iceberg
from pyiceberg.schema import Schema

from citybrain.base.catalogue.shape import Field, Shape
from citybrain.base.catalogue.types import Type
from citybrain.base.lake.names import SYSTEM_COLUMNS, LakeError

_SIMPLE: Final[dict[str, iceberg.IcebergType]] = {
    "integer": iceberg.LongType(),
    "double": iceberg.DoubleType(),
    "boolean": iceberg.BooleanType(),
    "date": iceberg.DateType(),
    "timestamp": iceberg.TimestamptzType(),
}
_DUCKDB: Final[dict[type[iceberg.IcebergType], str]] = {
    iceberg.LongType: "BIGINT",
    iceberg.DoubleType: "DOUBLE",
    iceberg.BooleanType: "BOOLEAN",
    iceberg.DateType: "DATE",
    iceberg.TimestamptzType: "TIMESTAMPTZ",
    iceberg.StringType: "VARCHAR",
}


class BadEvolution(LakeError):
    """The table can't follow the new shape; the message names the field."""


def iceberg_type(kind: Type) -> iceberg.IcebergType:
    """Return Iceberg's type for a field's."""
    if kind.kind == "decimal":
        return iceberg.DecimalType(kind.precision or 18, kind.scale or 0)
    return _SIMPLE.get(kind.kind, iceberg.StringType())


def duckdb_type(kind: iceberg.IcebergType) -> str:
    """Return DuckDB's name of a column's type. Raises LakeError for one that we never write."""
    if isinstance(kind, iceberg.DecimalType):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if type(kind) not in _DUCKDB:
        raise LakeError(f"lake: a column of type {kind} isn't one of ours")
    return _DUCKDB[type(kind)]


def schema_of(shape: Shape) -> Schema:
    """Return the schema of a new table: the lake's own columns first, then the fields, all nullable.

    What is required is checked at intake; a table whose columns may be null can follow any later shape.
    """
    own = [
        iceberg.NestedField(number, name, iceberg.LongType(), required=False)
        for number, name in enumerate(SYSTEM_COLUMNS, 1)
    ]
    fields = [
        iceberg.NestedField(number, field.name, iceberg_type(field.type), required=False, doc=field.zh)
        for number, field in enumerate(shape.fields, len(own) + 1)
    ]
    return Schema(*own, *fields)


def additions(schema: Schema, shape: Shape) -> tuple[list[Field], list[Field], list[Field]]:
    """Return the fields to add, to widen in place, and to write anew in another type.

    Raises BadEvolution for a field dropped or narrowed.
    """
    there = {field.name: field.field_type for field in schema.fields if field.name not in SYSTEM_COLUMNS}
    for name in there:
        if not shape.has(name):
            raise BadEvolution(f"field {name} would be dropped; keep it, or make a new data set")
    added = [field for field in shape.fields if field.name not in there]
    known = [field for field in shape.fields if field.name in there]
    retyped = [one for one in known if _becomes_another(iceberg_type(one.type), there[one.name])]
    if retyped and {one.name for one in retyped} & set(shape.keys):
        raise BadEvolution(f"field {retyped[0].name} is part of the key, whose type can't change")
    widened = [one for one in known if one not in retyped and _widens(one, there[one.name])]
    return added, widened, retyped


def _widens(field: Field, old: iceberg.IcebergType) -> bool:
    """Return whether the column must be widened: False where it stays. Raises BadEvolution otherwise."""
    new = iceberg_type(field.type)
    if new == old:
        return False
    if _gets_more_digits(old, new):
        return True
    raise BadEvolution(
        f"field {field.name} is kept as {old} and can't become {field.type}: whole numbers may become "
        "decimals or texts, and decimals get more digits; add a new field, or make a new data set"
    )


def _becomes_another(new: iceberg.IcebergType, old: iceberg.IcebergType) -> bool:
    """Whether no value is lost in another type: whole numbers as decimals or texts, decimals with more places."""
    if isinstance(old, iceberg.LongType):
        return isinstance(new, iceberg.DecimalType | iceberg.StringType)
    if not (isinstance(old, iceberg.DecimalType) and isinstance(new, iceberg.DecimalType)):
        return False
    return new.scale > old.scale and new.precision - new.scale >= old.precision - old.scale


def _gets_more_digits(old: iceberg.IcebergType, new: iceberg.IcebergType) -> bool:
    if not (isinstance(old, iceberg.DecimalType) and isinstance(new, iceberg.DecimalType)):
        return False
    return new.scale == old.scale and new.precision > old.precision
