"""The shape of a data set: its fields with type, grade and rules. A value: kept as JSON with each revision."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Final, Literal, get_args

from citybrain.base.catalogue.conditions import Condition, Rule
from citybrain.base.catalogue.types import BadType, Type

__all__ = ["BadShape", "Condition", "Field", "Rule", "Shape"]

Personal = Literal["none", "personal", "sensitive"]
PERSONAL: Final[tuple[Personal, ...]] = get_args(Personal)
Check = Literal["gb11643", "gb32100", "gb11714"]
CHECKS: Final[tuple[Check, ...]] = get_args(Check)
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
UNPORTABLE: Final = re.compile(r"\\[uUN1-9]|\(\?(?:[=!<#(]|P[=>])|[*+?}]\+")
"""What Python's patterns know and RE2's (DuckDB's) don't."""
SUBJECT_NAMES: Final = ("id_no",)
FIELDS_MOST: Final = 400


class BadShape(ValueError):
    """A field or rule that can't be; `field` names it (empty: the shape as a whole)."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Field:
    """One field (信息项). `minimum` and `maximum` are numbers or ISO dates as text, both inside.

    `mask` names a rule of `masks`, `code_table` a table of `codes`, `check` a check digit, `pattern` a
    regular expression for the whole text (RE2: no look-around). Key fields are required.
    """

    name: str
    zh: str
    type: Type
    en: str = ""
    grade: int = 1
    personal: Personal = "none"
    key: bool = False
    mask: str | None = None
    code_table: str | None = None
    check: Check | None = None
    required: bool = False
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    pattern: str | None = None
    note: str = ""

    @property
    def is_personal(self) -> bool:
        return self.personal != "none"

    def to_json(self) -> dict[str, Any]:
        """Return what differs from the defaults; `from_json` reads it back."""
        told: dict[str, Any] = {"name": self.name, "zh": self.zh, "type": self.type.text, "grade": self.grade}
        told["personal"] = self.personal
        for name in _OPTIONAL:
            value = getattr(self, name)
            if value is not None and value != "" and value is not False:  # 0 is a limit
                told[name] = value
        return told

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Field":
        """Return the field. Raises BadShape naming the field and what is wrong."""
        name = str(data.get("name", ""))
        try:
            kind = Type.parse(str(data.get("type", "")))
        except BadType as bad:
            raise BadShape(str(bad), name) from bad
        field = Field(
            name=name,
            zh=str(data.get("zh") or name),
            type=kind,
            en=str(data.get("en") or ""),
            grade=_whole(data.get("grade", 1), name),
            personal=_one_of(data.get("personal") or "none", PERSONAL, name, "personal"),
            key=bool(data.get("key", False)),
            mask=data.get("mask") or None,
            code_table=data.get("code_table") or None,
            check=_one_of(data["check"], CHECKS, name, "check") if data.get("check") else None,
            required=bool(data.get("required", False)) or bool(data.get("key", False)),
            minimum=data.get("minimum"),
            maximum=data.get("maximum"),
            pattern=data.get("pattern") or None,
            note=str(data.get("note") or ""),
        )
        field.verify()
        return field

    def verify(self) -> None:
        """Raise BadShape for a name, grade, limit or pattern that can't be."""
        if not NAME.fullmatch(self.name):
            raise BadShape(
                f"{self.name!r}: a name is small Latin letters, digits and _, at most 40", self.name
            )
        if self.grade not in {1, 2, 3, 4}:
            raise BadShape(f"{self.name}: grade {self.grade!r}; 1 to 4 are known", self.name)
        self._verify_limits()
        if self.pattern is not None:
            self._verify_pattern(self.pattern)

    def _verify_pattern(self, pattern: str) -> None:
        try:
            re.compile(pattern)
        except re.error as bad:
            raise BadShape(f"{self.name}: pattern {pattern!r}: {bad}", self.name) from bad
        if found := UNPORTABLE.search(pattern):
            raise BadShape(
                f"{self.name}: pattern {pattern!r}: {found[0]} isn't known to every engine; write letters as they"
                " are, without look-around and back-references",
                self.name,
            )

    def _verify_limits(self) -> None:
        limits = [one for one in (self.minimum, self.maximum) if one is not None]
        if limits and not (self.type.is_number or self.type.kind in {"date", "timestamp"}):
            raise BadShape(f"{self.name}: {self.type} has no order, so no minimum or maximum", self.name)
        try:
            ordered = [Decimal(str(one)) if self.type.is_number else str(one) for one in limits]
        except InvalidOperation as bad:
            raise BadShape(f"{self.name}: a limit of {limits!r} isn't a number", self.name) from bad
        if len(ordered) == 2 and ordered[0] > ordered[1]:  # type: ignore[operator]
            raise BadShape(f"{self.name}: the minimum lies above the maximum", self.name)


_OPTIONAL = (
    "en", "key", "mask", "code_table", "check", "required", "minimum", "maximum", "pattern", "note",
)  # fmt: skip


def _whole(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as bad:
        raise BadShape(f"{name}: grade {value!r}; 1 to 4 are known", name) from bad


def _one_of(value: Any, known: tuple[Any, ...], name: str, what: str) -> Any:
    if value not in known:
        raise BadShape(f"{name}: {what} {value!r}; known: {', '.join(known)}", name)
    return value


@dataclass(frozen=True)
class Shape:
    """Fields in their order, rules between them, and the field that says whose row it is.

    `subject_name` may name that field; without it the first of `id_no` and fields with check gb11643 counts.
    """

    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    subject_name: str | None = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The key fields in their order; empty for a set without a key (which can only be appended to)."""
        return tuple(field.name for field in self.fields if field.key)

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}

    def field(self, name: str) -> Field:
        """Return the field. Raises KeyError."""
        return self._by_name[name]

    def has(self, name: str) -> bool:
        return name in self._by_name

    @cached_property
    def subject(self) -> str | None:
        """The field that holds the person's 公民身份号码, None where rows aren't about one person."""
        if self.subject_name is not None:
            return self.subject_name or None
        named = [field.name for field in self.fields if field.name in SUBJECT_NAMES]
        checked = [field.name for field in self.fields if field.check == "gb11643"]
        return next(iter([*named, *checked]), None)

    @cached_property
    def personal_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.is_personal)

    def pick(self, names: Iterable[str]) -> "Shape":
        """Return the shape of some fields, in this shape's order, with the rules that read only those."""
        wanted = set(names)
        kept = tuple(field for field in self.fields if field.name in wanted)
        rules = tuple(rule for rule in self.rules if wanted.issuperset(rule.fields))
        subject = self.subject if self.subject in wanted else ""
        return Shape(kept, rules, subject)

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"fields": [field.to_json() for field in self.fields]}
        if self.rules:
            told["rules"] = [rule.to_json() for rule in self.rules]
        if self.subject_name is not None:
            told["subject"] = self.subject_name
        return told

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Shape":
        """Return the shape. Raises BadShape for fields or rules that can't be."""
        try:
            rules = tuple(Rule.from_json(one) for one in data.get("rules", ()))
        except ValueError as bad:
            raise BadShape(str(bad)) from bad
        shape = Shape(
            tuple(Field.from_json(one) for one in data.get("fields", ())), rules, data.get("subject")
        )
        shape.verify()
        return shape

    def verify(self) -> None:
        """Raise BadShape for no fields, too many, a name twice, or a rule about a field that isn't there."""
        if not 1 <= len(self.fields) <= FIELDS_MOST:
            raise BadShape(f"a data set has 1 to {FIELDS_MOST} fields, {len(self.fields)} received")
        twice = next((name for name in self.names if self.names.count(name) > 1), None)
        if twice is not None:
            raise BadShape(f"field {twice} is there twice", twice)
        for rule in self.rules:
            missing = next((name for name in rule.fields if not self.has(name)), None)
            if missing is not None:
                raise BadShape(f"rule {rule.key} reads {missing}, which is no field", missing)
        if self.subject_name and not self.has(self.subject_name):
            raise BadShape(f"subject {self.subject_name} is no field", self.subject_name)
