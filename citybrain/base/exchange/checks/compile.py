"""From a shape to expressions: each field typed, and for a bad row the lines that say what is wrong."""

import functools
import operator
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import ibis

from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.checks.digits import number_of
from citybrain.base.exchange.checks.rules import broken
from citybrain.base.exchange.checks.texts import ibis_type, text_of, trimmed, typed_of, violations

PROBLEMS: Final = "_problems"
RAW: Final = "_raw_{}"
CODES: Final = "_codes_{}"
KEPT: Final = 200  # statements: it takes a second to make one
MANY: Final = 100  # codes; written out in a statement they would be compared one by one


@contextmanager
def staged_selects() -> Iterator[None]:
    """Let Ibis keep each stage a subquery: merged into one select, texts are repeated within each other without end."""
    before = ibis.options.sql.fuse_selects
    ibis.options.sql.fuse_selects = False
    try:
        yield
    finally:
        ibis.options.sql.fuse_selects = before


@dataclass(frozen=True)
class Checks:
    """The compiled checks of a shape for the columns of one file."""

    shape: Shape
    columns: Mapping[str, str]
    """Field to column; a field that isn't there has no column in the file."""
    codes: Mapping[str, Collection[str]]
    damaged: bool = False

    @property
    def mapped(self) -> tuple[str, ...]:
        """The fields that have a column, in the shape's order."""
        return tuple(name for name in self.shape.names if name in self.columns)

    def code_tables(self) -> dict[str, list[str]]:
        """Return the long code tables by the name under which `sql` looks codes up."""
        return {CODES.format(key): sorted(codes) for key, codes in self.codes.items() if len(codes) > MANY}

    def register(self, link: Any) -> None:
        """Let a DuckDB connection know the tables that the statements of `sql` name."""
        import pyarrow as pa

        for name, codes in self.code_tables().items():
            link.register(name, pa.table({"code": codes}))

    def _look_up(self, *, named: bool) -> Mapping[str, Any]:
        """Return each code table: short ones as they are, long ones as a column to look codes up in."""
        found: dict[str, Any] = dict(self.codes)
        for key in [key for key, codes in self.codes.items() if len(codes) > MANY]:
            name = CODES.format(key)
            if named:
                found[key] = ibis.table({"code": "string"}, name=name).code
            else:
                found[key] = ibis.memtable({"code": sorted(self.codes[key])}).code
        return found

    def apply(self, table: Any, *, keep: tuple[str, ...] = (), named: bool = False) -> Any:
        """Return the rows typed, with `_problems` (null: the row is good) and, for bad rows, `_raw_N`.

        `table` is an Ibis table of texts; `keep` are further columns of it to go through. `_raw_N` holds the cell of
        the N-th mapped field as it came. `named`: long code tables are tables of the engine's (`register`).
        """
        shape = self.shape
        bare = {f"_s_{name}": trimmed(table[self.columns[name]]) for name in self.mapped}
        raw = {RAW.format(i): table[self.columns[name]] for i, name in enumerate(self.mapped)}
        staged = table.select(**bare, **raw, **{name: table[name] for name in keep})
        texts = {f"_t_{name}": text_of(shape.field(name), staged[f"_s_{name}"]) for name in self.mapped}
        staged = staged.mutate(**texts)
        typed = {name: typed_of(shape.field(name), staged[f"_t_{name}"]) for name in self.mapped}
        absent = {name: ibis.null(ibis_type(shape.field(name))) for name in shape.names if name not in typed}
        numbers = {
            f"_n_{name}": number_of(staged[f"_t_{name}"])
            for name in self.mapped
            if shape.field(name).check == "gb11643"
        }
        staged = staged.mutate(**typed, **absent, **numbers)
        flags = self._flags(staged, self._look_up(named=named))
        lines = [f"{text}\n" for text, _ in flags]
        staged = staged.mutate(**{f"_v_{i}": told for i, (_, told) in enumerate(flags)})
        marks = [staged[f"_v_{i}"] for i in range(len(flags))]
        staged = staged.mutate(_bad=functools.reduce(operator.or_, marks, ibis.literal(False)))
        told = [ibis.ifelse(staged[f"_v_{i}"], line, "") for i, line in enumerate(lines)]
        problems = functools.reduce(operator.add, told, ibis.literal(""))
        return staged.select(
            *[staged[name] for name in shape.names],
            **{PROBLEMS: ibis.ifelse(staged._bad, problems, ibis.null("string"))},
            **{name: ibis.ifelse(staged._bad, staged[name], ibis.null("string")) for name in raw},
            **{name: staged[name] for name in keep},
        )

    def _flags(self, staged: Any, known: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """Return (what the line says, whether it holds) of every check."""
        flags: list[tuple[str, Any]] = []
        for name in self.shape.names:
            field = self.shape.field(name)
            if name not in self.columns:
                if field.required or field.key:
                    flags.append((f"{name}:required", ibis.literal(True)))
                continue
            codes = known.get(field.code_table or "")
            number = staged[f"_n_{name}"] if field.check == "gb11643" else None
            text = staged[f"_t_{name}"]
            found = violations(field, text, staged[name], codes, number=number, damaged=self.damaged)
            flags += [(f"{name}:{reason}", told) for reason, told in found]
        typed = {name: staged[name] for name in self.shape.names}
        flags += [(f"{one.left}:rule:{one.key}", broken(one, self.shape, typed)) for one in self.shape.rules]
        return flags

    def sql(self, table: Any, *, keep: tuple[str, ...] = (), dialect: str = "duckdb") -> str:
        """Return `apply` as a statement for a connection of `register`; made once for the same checks.

        Each stage is a subquery, or texts would be repeated without end.
        """
        short = {
            key: None if len(codes) > MANY else sorted(codes) for key, codes in sorted(self.codes.items())
        }
        asked = (self.shape.to_json(), dict(self.columns), short, self.damaged, keep, dialect)
        same = repr((asked, table.get_name(), table.schema()))
        if same not in _made:
            with staged_selects():
                made = str(ibis.to_sql(self.apply(table, keep=keep, named=True), dialect=dialect))
            while len(_made) >= KEPT:
                _made.pop(next(iter(_made)))
            _made[same] = made
        return _made[same]


_made: dict[str, str] = {}


def compile_checks(
    shape: Shape,
    columns: Mapping[str, str],
    *,
    codes: Mapping[str, Collection[str]] | None = None,
    damaged: bool = False,
) -> Checks:
    """Return the checks for a file whose `columns` say which one holds which field.

    `codes` are the code tables by key; a field whose table isn't among them isn't checked against it.
    """
    return Checks(shape, dict(columns), dict(codes or {}), damaged)
