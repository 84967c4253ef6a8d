"""Types of fields, as the catalogue writes them and as every engine calls them.

Text stays text: char, varchar, json and geometry (WKT, CGCS2000 longitude latitude) are strings everywhere.
Timestamps are kept in UTC.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, get_args

Kind = Literal[
    "char", "varchar", "integer", "double", "decimal", "boolean", "date", "timestamp", "json", "geometry"
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
TEXT_KINDS: Final = frozenset({"char", "varchar", "json", "geometry"})
NUMBER_KINDS: Final = frozenset({"integer", "double", "decimal"})
LONGEST: Final = 100_000
DIGITS_MOST: Final = 38
DEFAULT_DECIMAL: Final = (18, 2)
SHAPES: Final = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon")
SRID: Final = "4490"

_WRITTEN: Final = re.compile(r"([a-z_0-9 ]+?|[\u4e00-\u9fff]+[a-z]?)\s*(?:\(\s*([^)]*?)\s*\))?")
_CHINESE_END: Final = re.compile(r"(?<=[\u4e00-\u9fff])型?[a-z]?$")  # 字符型C → 字符
_ALIASES: Final[dict[str, Kind]] = {
    "character": "char", "nchar": "char", "character varying": "varchar", "varchar2": "varchar",
    "nvarchar": "varchar", "nvarchar2": "varchar", "string": "varchar", "text": "varchar", "clob": "varchar",
    "c": "varchar", "字符": "varchar", "字符串": "varchar", "文本": "varchar",
    "int": "integer", "int4": "integer", "int8": "integer", "bigint": "integer", "smallint": "integer",
    "tinyint": "integer", "long": "integer", "整数": "integer", "整": "integer",
    "float": "double", "float8": "double", "real": "double", "double precision": "double", "浮点": "double",
    "双精度": "double",
    "numeric": "decimal", "number": "decimal", "n": "decimal", "数值": "decimal", "money": "decimal",
    "货币": "decimal",
    "bool": "boolean", "bit": "boolean", "布尔": "boolean", "逻辑": "boolean",
    "d": "date", "日期": "date",
    "datetime": "timestamp", "timestamptz": "timestamp", "timestamp with time zone": "timestamp",
    "t": "timestamp", "时间": "timestamp", "日期时间": "timestamp",
    "jsonb": "json", "wkt": "geometry", "空间": "geometry", "几何": "geometry",
}  # fmt: skip


class BadType(ValueError):
    """The text names no type; the message says which text."""


@dataclass(frozen=True, slots=True)
class Type:
    """One type. `length` (letters) for char and varchar, `precision` and `scale` for decimal.

    `form` is the shape of a geometry ("Point"); a varchar without length holds any text.
    """

    kind: Kind
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    form: str = ""

    @staticmethod
    def parse(written: str) -> "Type":
        """Return the type meant by varchar(50), char(18), decimal(18,2), geometry(Point,4490), 字符型(50) …

        Raises BadType for anything else, and for lengths and digits that can't be.
        """
        return _parsed(" ".join(written.lower().replace("（", "(").replace("）", ")").split()), written)

    @property
    def text(self) -> str:
        """The canonical writing, which `parse` reads back."""
        if self.kind == "decimal":
            return f"decimal({self.precision},{self.scale})"
        if self.kind == "geometry":
            return f"geometry({self.form},{SRID})"
        return f"{self.kind}({self.length})" if self.length else self.kind

    def __str__(self) -> str:
        return self.text

    @property
    def is_text(self) -> bool:
        return self.kind in TEXT_KINDS

    @property
    def is_number(self) -> bool:
        return self.kind in NUMBER_KINDS

    @property
    def duckdb(self) -> str:
        """The name in DuckDB."""
        if self.kind == "decimal":
            return f"DECIMAL({self.precision},{self.scale})"
        return "VARCHAR" if self.is_text else _DUCKDB[self.kind]

    @property
    def postgres(self) -> str:
        """The name in PostgreSQL. Lengths aren't put on columns: they are checked before."""
        if self.kind == "decimal":
            return f"numeric({self.precision},{self.scale})"
        return "text" if self.is_text else _POSTGRES[self.kind]

    def arrow(self) -> Any:
        """Return the pyarrow type."""
        import pyarrow as pa

        if self.kind == "decimal":
            return pa.decimal128(self.precision or DEFAULT_DECIMAL[0], self.scale or 0)
        simple = {
            "integer": pa.int64(),
            "double": pa.float64(),
            "boolean": pa.bool_(),
            "date": pa.date32(),
            "timestamp": pa.timestamp("us", tz="UTC"),
        }
        return simple.get(self.kind, pa.string())

    def holds(self, other: "Type") -> bool:
        """Return whether every value of `other` fits into this type unchanged (the same or a wider one)."""
        if self == other:
            return True
        if self.kind in {"char", "varchar"} and other.kind in {"char", "varchar"}:
            if self.length is None:
                return self.kind == "varchar"
            return self.kind == "varchar" and other.length is not None and self.length >= other.length
        if self.kind == "decimal":
            return self._holds_digits(other)
        return self.kind == "double" and other.kind == "integer"

    def _holds_digits(self, other: "Type") -> bool:
        whole = (self.precision or 0) - (self.scale or 0)
        if other.kind == "integer":
            return whole >= 19
        if other.kind != "decimal":
            return False
        other_scale = other.scale or 0
        return (self.scale or 0) >= other_scale and whole >= (other.precision or 0) - other_scale


_DUCKDB: Final = {
    "integer": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
}
_POSTGRES: Final = {
    "integer": "bigint",
    "double": "double precision",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamptz",
}


@cache
def _parsed(text: str, written: str) -> Type:
    found = _WRITTEN.fullmatch(text)
    name = _CHINESE_END.sub("", found[1]) if found else ""
    kind = _ALIASES.get(name) or next((one for one in KINDS if one == name), None)
    if found is None or kind is None:
        raise BadType(f"{written!r} names no type; known: {', '.join(KINDS)}")
    arguments = [part.strip() for part in (found[2] or "").split(",") if part.strip()]
    if kind == "geometry":
        return Type(kind, form=_form(arguments, written))
    numbers = _numbers(arguments, written)
    if kind == "decimal":
        return _decimal(numbers, written)
    if kind in {"char", "varchar"}:
        return _lettered(kind, numbers, written)
    return Type(kind)


def _numbers(arguments: list[str], written: str) -> list[int]:
    if not all(part.isascii() and part.isdigit() for part in arguments):
        raise BadType(f"{written!r}: lengths are whole numbers")
    return [int(part) for part in arguments]


def _form(arguments: list[str], written: str) -> str:
    wanted = arguments[0] if arguments else "point"
    form = next((one for one in SHAPES if one.lower() == wanted), None)
    if form is None or (len(arguments) > 1 and arguments[1] != SRID):
        raise BadType(f"{written!r}: a geometry is one of {', '.join(SHAPES)} in EPSG:{SRID} (CGCS2000)")
    return form


def _decimal(numbers: list[int], written: str) -> Type:
    precision, scale = [*numbers, 0][:2] if numbers else DEFAULT_DECIMAL
    if not (1 <= precision <= DIGITS_MOST and 0 <= scale <= precision):
        raise BadType(f"{written!r}: a decimal has 1 to {DIGITS_MOST} digits, and no more places than digits")
    return Type("decimal", precision=precision, scale=scale)


def _lettered(kind: Kind, numbers: list[int], written: str) -> Type:
    if not numbers:
        return Type(kind, 1) if kind == "char" else Type(kind)
    if not 1 <= numbers[0] <= LONGEST:
        raise BadType(f"{written!r}: a text holds 1 to {LONGEST} letters")
    return Type(kind, numbers[0])
