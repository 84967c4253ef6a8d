"""From a grant and what is asked under it to one SQL statement, for PostgreSQL (serving copies) and DuckDB (the lake).

A field that isn't granted never enters a statement: names are looked up in the grant before any SQL is made, and
what isn't granted is told in the same words as what doesn't exist. Masks are part of the statement, and filters
and sorts see what is shown, never what is behind it. The statement names columns `s.…` and nothing else of the set.
One exception, in `subject=True` only: the person's number is read as `_subject`, for the receipt; the door hashes
it and throws it away, and it is never part of an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import sqlglot
from django.utils.translation import gettext_lazy as _
from sqlglot import exp

from citybrain.base.catalogue import masks
from citybrain.base.catalogue.conditions import Condition
from citybrain.base.catalogue.grants import Policy
from citybrain.base.catalogue.shape import Field, Shape
from citybrain.base.catalogue.types import Type
from citybrain.base.exchange.delivery.refusals import Refused
from citybrain.base.exchange.delivery.values import BadValue, made
from citybrain.base.lake import residences

Dialect = Literal["postgres", "duckdb"]
Near = Literal["", "places", "places or strays"]
ALIAS: Final = "s"
LAKE_ROWS: Final = "lake_rows"  # what the rows of a version are called in DuckDB
MOST_ROWS: Final = 1_000
MOST_VALUES: Final = 200
MOST_CONDITIONS: Final = 20
_COMPARES: Final = {"eq": exp.EQ, "ne": exp.NEQ, "lt": exp.LT, "le": exp.LTE, "gt": exp.GT, "ge": exp.GTE}
_ORDERED: Final = frozenset({"lt", "le", "gt", "ge", "between"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asks for. No fields: all that are granted. One sort at most; True is downwards."""

    fields: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    sort: tuple[str, bool] | None = None
    limit: int = 100

    def to_json(self) -> dict[str, Any]:
        return {
            "fields": list(self.fields),
            "where": [one.to_json() for one in self.where],
            "sort": list(self.sort) if self.sort else None,
            "limit": self.limit,
        }

    @staticmethod
    def from_json(data: Any) -> "Asked":
        """Return what was asked. Raises Refused for anything that has another form."""
        if not isinstance(data, dict):
            raise Refused("bad_request", _("请求内容应为 JSON 对象。"))
        try:
            where = tuple(Condition.from_json(one) for one in data.get("where") or ())
        except (ValueError, TypeError, AttributeError) as bad:
            raise Refused("bad_condition", _("条件应为 {field, op, value} 的列表。")) from bad
        fields, limit = data.get("fields") or [], data.get("limit", 100)
        if not isinstance(fields, list) or not all(isinstance(one, str) for one in fields):
            raise Refused("bad_request", _("fields 应为字段名列表。"))
        if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MOST_ROWS:
            raise Refused(
                "bad_limit",
                _("limit 应为 1 到 %(most)d 的整数，更多数据请分页或申请文件。"),
                told={"most": MOST_ROWS},
            )
        if len(where) > MOST_CONDITIONS:
            raise Refused("bad_condition", _("条件最多 %(most)d 项。"), told={"most": MOST_CONDITIONS})
        return Asked(tuple(dict.fromkeys(fields)), where, _sort_of(data.get("sort")), limit)


def _sort_of(value: Any) -> tuple[str, bool] | None:
    if not value:
        return None
    if isinstance(value, str):
        return (value[1:], True) if value.startswith("-") else (value, False)
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        return value[0], bool(value[1])
    raise Refused("bad_request", _("sort 应为一个字段名，前加 - 表示降序。"))


@dataclass
class Statement:
    """SQL with its parameters, and the fields of the answer in order; columns after them are the door's own."""

    sql: str
    fields: tuple[str, ...]
    params: dict[str, Any] = field(default_factory=dict)


class Compiler:
    """Makes the statements of one grant over one shape, for one engine."""

    def __init__(self, policy: Policy, shape: Shape, dialect: Dialect) -> None:
        self.policy = policy
        self.dialect = dialect
        self.granted: dict[str, Field] = {
            name: shape.field(name) for name in policy.fields if shape.has(name)
        }
        self.limits: dict[str, Field] = {
            one.field: shape.field(one.field) for one in policy.conditions if shape.has(one.field)
        }
        if len(self.limits) < len({one.field for one in policy.conditions}):
            raise Refused(
                "grant_outdated", _("数据集结构已变更，授权的行范围条件不再适用，请重新申请。"), 403
            )
        self.subject = shape.subject
        self.keys = shape.keys
        key_clear = all(name in self.granted and name not in policy.masks for name in shape.keys)
        self.key_clear = bool(shape.keys) and key_clear
        self.params: dict[str, Any] = {}

    def fields_asked(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the fields of the answer. Raises Refused naming those that aren't granted, or aren't at all."""
        chosen = tuple(names) or tuple(self.granted)
        strange = [name for name in chosen if name not in self.granted]
        if strange:
            raise self._not_granted(strange)
        return chosen

    def _not_granted(self, names: Sequence[str]) -> Refused:
        told = {"names": "、".join(name[:60] for name in names[:10]), "granted": "、".join(self.granted)}
        return Refused(
            "field_not_granted", _("字段 %(names)s 不在授权范围内。可用字段：%(granted)s。"), 403, told
        )

    def _column(self, name: str) -> exp.Expr:
        return exp.column(exp.to_identifier(name, quoted=True), table=ALIAS)

    def _shown(self, one: Field) -> exp.Expr:
        """Return a granted field as the grant shows it."""
        kind = self.policy.masks.get(one.name)
        if kind is None:
            return self._column(one.name)
        column = self._column(one.name)
        if not one.type.is_text:
            column = exp.cast(column, "text")
        return sqlglot.parse_one(masks.sql(column.sql("postgres"), kind), read="postgres")

    def _value(self, value: Any, one: Field) -> exp.Expr:
        try:
            plain = made(value, one.type)
        except BadValue as bad:
            told = {"name": one.name, "type": str(one.type)}
            raise Refused("bad_value", _("字段 %(name)s 的值不符合类型 %(type)s。"), told=told) from bad
        name = f"p{len(self.params)}"
        self.params[name] = plain
        typed = one.type.postgres if self.dialect == "postgres" else one.type.duckdb
        return exp.cast(exp.Placeholder(this=name), exp.DataType.build(typed, dialect=self.dialect))

    def _ordered(self, expression: exp.Expr, one: Field) -> exp.Expr:
        """Return an expression that compares by code point in every engine."""
        if self.dialect == "postgres" and (one.type.is_text or one.name in self.policy.masks):
            return exp.Collate(this=exp.paren(expression), expression=exp.to_identifier("C", quoted=True))
        return expression

    def _compared(self, condition: Condition, expression: exp.Expr, one: Field) -> exp.Expr:
        op, value = condition.op, condition.value
        if op in {"is_null", "not_null"}:
            empty = exp.Is(this=exp.paren(expression), expression=exp.Null())
            return empty if op == "is_null" else exp.Not(this=empty)
        if op in _ORDERED:
            expression = self._ordered(expression, one)
        if op == "in":
            if not 1 <= len(value) <= MOST_VALUES:
                raise Refused(
                    "bad_condition", _("in 的取值应为 1 到 %(most)d 个。"), told={"most": MOST_VALUES}
                )
            return exp.In(this=exp.paren(expression), expressions=[self._value(item, one) for item in value])
        if op == "between":
            low, high = (self._value(item, one) for item in value)
            return exp.and_(
                exp.GTE(this=expression.copy(), expression=low),
                exp.LTE(this=expression.copy(), expression=high),
            )
        if op == "prefix":
            if not one.type.is_text:
                raise Refused(
                    "bad_condition", _("字段 %(name)s 不是文本，不能按前缀查询。"), told={"name": one.name}
                )
            return exp.Anonymous(this="starts_with", expressions=[expression, self._value(value, one)])
        return _COMPARES[op](this=expression, expression=self._value(value, one))

    def _conditions(self, where: Sequence[Condition]) -> list[exp.Expr]:
        """Return the grant's own limits, then what is asked: the latter over what is shown."""
        strange = [one.field for one in where if one.field not in self.granted]
        if strange:
            raise self._not_granted(strange)
        own = [
            self._compared(one, self._column(one.field), self.limits[one.field])
            for one in self.policy.conditions
        ]
        asked = []
        for one in where:
            known = self.granted[one.field]
            shown = known if one.field not in self.policy.masks else _as_text(known)
            asked.append(self._compared(one, self._shown(known), shown))
        return [*own, *asked]

    def order_key(self) -> exp.Expr:
        """Return what rows are ordered by when nothing else decides; not the key itself where that isn't shown."""
        key = exp.column("_key", table=ALIAS)
        return key if self.key_clear else exp.MD5(this=key)

    def select(self, fields: Sequence[str]) -> exp.Select:
        """Return SELECT of fields as they are shown; every one is granted."""
        return exp.select(
            *(exp.alias_(self._shown(self.granted[name]), name, quoted=True) for name in fields)
        )

    def by_key(self, table: str, fields: Sequence[str], *, subject: bool = False) -> Statement:
        """Return the look-up of rows of a serving copy. Parameter `keys`; last columns `_key`, and `_subject`."""
        self.params = {}
        chosen = self.fields_asked(fields)
        query = self._with_own(self.select(chosen), subject=subject).from_(_aliased(table))
        query = query.where(
            exp.EQ(
                this=exp.column("_key", table=ALIAS),
                expression=exp.Any(this=exp.paren(exp.Placeholder(this="keys"))),
            )
        )
        return self._done(query.where(*self._conditions(())), chosen)

    def by_filter(
        self, table: str, asked: Asked, after: tuple[Any, str] | None = None, *, subject: bool = False
    ) -> Statement:
        """Return one page of a serving copy, a row more than asked to tell whether there is another.

        `after`: the last row's sort value and order key. Last columns: `_key`, `_subject` if wanted, `_order`,
        `_sort` if sorted.
        """
        self.params = {}
        chosen = self.fields_asked(asked.fields)
        query = self._with_own(self.select(chosen), subject=subject).from_(_aliased(table))
        query = query.select(exp.alias_(self.order_key(), "_order")).where(*self._conditions(asked.where))
        sort = self._sorted_by(asked.sort)
        if sort is not None and asked.sort is not None:
            query = query.select(exp.alias_(sort[0].copy(), "_sort"))
            query = query.order_by(exp.Ordered(this=sort[0].copy(), desc=asked.sort[1], nulls_first=False))
        query = query.order_by(exp.Ordered(this=self.order_key(), desc=False, nulls_first=False))
        if after is not None:
            query = query.where(self._after(sort, asked.sort, after))
        return self._done(query.limit(asked.limit + 1), chosen)

    def among(
        self,
        table: str,
        fields: Sequence[str],
        name: str,
        where: Sequence[Condition] = (),
        last: str = "",
        *,
        near: Near = "",
        written: bool = False,
    ) -> Statement:
        """Return the rows of a serving copy whose field `name` is one of parameter `among`, one for each subject.

        `name` limits rows as the grant's own conditions do: by what lies in the set, and it needn't be granted. Of
        several rows of a subject the one with the greatest `last` (a granted, unmasked field) is given, else the
        greatest key. Last columns: `_key`, then `_subject` and `_many` (rows of that subject) where the set has one.

        `near`: of a copy with places (lake.residences) only rows at one of parameter `places` are looked at, or also
        those of parameter `strays`, some of the people of `among`. `written` adds the column `_written` of a
        residence set.
        """
        self.params = {}
        chosen = self.fields_asked(fields)
        query = self._with_own(self.select(chosen), subject=True).from_(_aliased(table))
        rows = _among(self._named(name), "among", "text")
        if near and self.subject is not None:
            rows = self._near(self._named(name), self._named(self.subject), near)
        query = query.where(rows).where(*self._conditions(where))
        if self.subject is not None:
            query = self._one_each(query, self._column(self.subject), last)
        if written:
            query = query.select(exp.column(residences.WRITTEN, table=ALIAS))
        return self._done(query, chosen)

    def _named(self, name: str) -> exp.Expr:
        """Return a field as a copy is searched by it: one that is the whole key by `_key`, which has the index."""
        return exp.column("_key", table=ALIAS) if self.keys == (name,) else self._column(name)

    @staticmethod
    def _near(column: exp.Expr, subject: exp.Expr, near: Near) -> exp.Expr:
        """Return rows limited to those at some places, and those of people who may have rows elsewhere.

        There the column is part of an expression, so that no index of it is asked for each of thousands of people.
        """
        own = (exp.column(one, table=ALIAS) for one in (residences.PLACE, residences.ALSO))
        unasked = exp.DPipe(this=column, expression=exp.Literal.string(""), safe=True)
        here = exp.and_(
            _among(unasked, "among", "text"), exp.or_(*(_among(one, "places", "bigint") for one in own))
        )
        return exp.or_(here, _among(subject, "strays", "text")) if near == "places or strays" else here

    def _one_each(self, query: exp.Select, subject: exp.Expr, last: str) -> exp.Select:
        """Return the query with one row for each subject, and how many there are."""
        if self.keys == (self.subject,):
            return query.select(exp.alias_(exp.Literal.number(1), "_many"))
        many = exp.Window(this=exp.Count(this=exp.Star()), partition_by=[subject.copy()])
        query = query.select(exp.alias_(many, "_many")).distinct(subject.copy())
        query = query.order_by(subject.copy())
        if last in self.granted and last not in self.policy.masks:
            query = query.order_by(exp.Ordered(this=self._column(last), desc=True, nulls_first=False))
        return query.order_by(exp.Ordered(this=exp.column("_key", table=ALIAS), desc=True, nulls_first=True))

    def rows(self, asked: Asked, since: int | None = None) -> Statement:
        """Return the rows of a version in the lake (`lake_rows`), or those written after version `since`."""
        self.params = {}
        chosen = self.fields_asked(asked.fields)
        query = self.select(chosen).from_(_aliased(LAKE_ROWS)).where(*self._conditions(asked.where))
        query = self._since(query, since)
        sort = self._sorted_by(asked.sort)
        if sort is not None and asked.sort is not None:
            query = query.order_by(exp.Ordered(this=sort[0], desc=asked.sort[1], nulls_first=False))
        return self._done(query, chosen)

    def whose(self, names: Sequence[str], asked: Asked, since: int | None = None) -> Statement:
        """Return the keys of the very rows of `rows`, for the receipt alone: nothing of it leaves."""
        self.params = {}
        query = exp.select(*(self._column(name) for name in names)).from_(_aliased(LAKE_ROWS))
        query = self._since(query.where(*self._conditions(asked.where)), since)
        return self._done(query, tuple(names))

    def _since(self, query: exp.Select, since: int | None) -> exp.Select:
        if since is None:
            return query
        self.params["since"] = since
        return query.where(
            exp.GT(this=exp.column("_version", table=ALIAS), expression=exp.Placeholder(this="since"))
        )

    def _with_own(self, query: exp.Select, *, subject: bool) -> exp.Select:
        query = query.select(exp.column("_key", table=ALIAS))
        if subject and self.subject is not None:
            return query.select(exp.alias_(self._column(self.subject), "_subject"))
        return query

    def _sorted_by(self, sort: tuple[str, bool] | None) -> tuple[exp.Expr, Field] | None:
        if sort is None:
            return None
        if sort[0] not in self.granted:
            raise self._not_granted([sort[0]])
        one = self.granted[sort[0]]
        kept = _as_text(one) if one.name in self.policy.masks else one
        return self._ordered(self._shown(one), kept), kept

    def _after(
        self,
        sort: tuple[exp.Expr, Field] | None,
        asked: tuple[str, bool] | None,
        after: tuple[Any, str],
    ) -> exp.Expr:
        self.params["after_key"] = after[1]
        later = exp.GT(this=self.order_key(), expression=exp.Placeholder(this="after_key"))
        if sort is None or asked is None:
            return later
        expression, kept = sort
        empty = exp.Is(this=expression.copy(), expression=exp.Null())
        if after[0] is None:
            return exp.and_(empty, later)
        value = self._value(after[0], kept)
        beyond = (exp.LT if asked[1] else exp.GT)(this=expression.copy(), expression=value.copy())
        same = exp.and_(exp.EQ(this=expression.copy(), expression=value), later)
        return exp.or_(beyond, same, empty)

    def _done(self, query: exp.Select, fields: tuple[str, ...]) -> Statement:
        return Statement(query.sql(self.dialect), fields, dict(self.params))


def _as_text(one: Field) -> Field:
    """Return a masked field as what it shows: text."""
    return replace(one, type=Type("varchar"))


def _among(column: exp.Expr, name: str, kind: str) -> exp.Expr:
    """Return that a column is one of a parameter's array."""
    listed = exp.cast(exp.Placeholder(this=name), exp.DataType.build(f"{kind}[]", dialect="postgres"))
    return exp.EQ(this=column, expression=exp.Any(this=exp.paren(listed)))


def _aliased(table: str) -> exp.Expr:
    """Return a table of ours ("schema.name" or a name) under the alias of all statements."""
    schema, _dot, name = table.rpartition(".")
    found = exp.table_(name, db=schema or None, quoted=True)
    return exp.alias_(found, ALIAS, table=True)
