"""Running the checks over a file in one scan: good rows to a file of typed rows, bad rows beside it, memory bounded.

The engine streams Arrow batches in the file's order. Rows that are right at a glance (glance.py) are written as they
are; the others go through the expressions. So nothing is scanned twice, and every row knows its number.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citybrain.base.exchange.checks.columns import CELL
from citybrain.base.exchange.checks.compile import PROBLEMS, Checks
from citybrain.base.exchange.checks.glance import Glance, glance
from citybrain.base.exchange.checks.outcome import BadWriter, Split
from citybrain.base.exchange.checks.repeated import part_repeated
from citybrain.base.exchange.reading.plan import ROW, Plan, quoted
from citybrain.base.lake import engine
from citybrain.base.lake.rowfile import NUMBER, RowFile

log = logging.getLogger("citybrain.exchange")
BATCH: Final = 122_880
HELD: Final = 100_000  # rows that wait to be looked at by the expressions
Rows = Iterator[pa.RecordBatch]


def statement(checks: Checks, plan: Plan) -> str:
    """Return the statement that scans a file and checks it by the expressions, for this machine's engine."""
    kinds = dict.fromkeys(plan.names, "string") | ({ROW: "int64"} if plan.counts_rows else {})
    table = ibis.table(kinds, name="_file")
    keep = (ROW,) if plan.counts_rows else ()
    return checks.sql(table, keep=keep).replace('"_file" AS', f"{plan.source()} AS", 1)


def split(checks: Checks, plan: Plan, good: Path, bad: Path, *, memory: str | None = None) -> Split:
    """Check a file; write its good rows (fields of the shape that came) to `good`, the others to `bad`.

    `bad` has columns row (its number in the file, from 1), problems (lines of field:reason) and raw (the cells of
    mapped fields by field). A key that comes again with the same values is left out and counted; one with other
    values is a problem of each of its rows.
    """
    if plan.parts_anywhere:
        try:
            return _split(checks, plan, good, bad, memory, plain=True)
        except pa.ArrowInvalid:
            log.info(
                "%s: a row can't be read; it is read by the engine, which sets such rows aside", plan.path
            )
    return _split(checks, plan, good, bad, memory, plain=False)


def _split(checks: Checks, plan: Plan, good: Path, bad: Path, memory: str | None, *, plain: bool) -> Split:
    done = Split(good, bad)
    fields = [checks.shape.field(name) for name in checks.mapped]
    schema = pa.schema([(one.name, one.type.arrow()) for one in fields])
    quick = glance(checks, plan)
    with engine.session(memory=memory, read_only_files=False) as link:
        link.execute("SET preserve_insertion_order = true; SET streaming_buffer_size = '64MB'")
        checks.register(link)
        with RowFile(good, schema) as kept, BadWriter(bad, checks) as aside:
            work = _Work(checks, done, kept, aside)
            if quick is not None and plain:
                work.at_a_glance(quick.scan_plain(plan), quick)
            elif quick is None:
                work.by_expressions(link.execute(statement(checks, plan)).to_arrow_reader(BATCH))
            else:
                work.at_a_glance(quick.scan(link, BATCH), quick)
            done.broken_count, done.broken = plan.set_aside(link)
            if done.broken_count:
                done.all_broken = plan.all_set_aside(link)
            if checks.shape.keys and done.rows_good:
                part_repeated(link, checks, kept.finish(), done, aside)
    return done


class _Work:
    """One check: where rows go."""

    def __init__(self, checks: Checks, done: Split, kept: RowFile, aside: BadWriter) -> None:
        self.checks = checks
        self.done = done
        self.kept = kept
        self.aside = aside
        self.names = list(checks.mapped)
        self.waiting: list[pa.RecordBatch] = []

    def at_a_glance(self, batches: Rows, quick: Glance) -> None:
        """Keep the rows that are right at a glance; let the expressions look at the others, some at a time."""
        before = held = 0
        for batch in batches:
            right, typed = quick.look(batch)
            numbers = _numbers(batch, before)
            rows = pa.record_batch([*(typed[name] for name in self.names), numbers], [*self.names, NUMBER])
            before += len(batch)
            if not bool(right.all()):
                held += self._hold(batch, numbers, ~right)
                rows = rows.filter(pa.array(right))
            self._keep(rows)
            if held >= HELD:
                self._look_closely()
                held = 0
        self._look_closely()

    def _hold(self, batch: pa.RecordBatch, numbers: Any, chosen: Any) -> int:
        columns = [batch.column(CELL.format(place)) for place in range(len(self.names))]
        named = [self.checks.columns[name] for name in self.names]
        rows = pa.record_batch([*columns, numbers], [*named, ROW]).filter(pa.array(chosen))
        self.waiting.append(rows)
        return len(rows)

    def _look_closely(self) -> None:
        """Let the expressions look at the rows that wait."""
        if not self.waiting:
            return
        table = pa.Table.from_batches(self.waiting)
        self.waiting = []
        with engine.session(memory="512MB", read_only_files=False) as link:
            link.execute("SET preserve_insertion_order = true")
            link.register("_held", table)
            self.checks.register(link)
            named = table.column_names[:-1]
            texts = ", ".join(f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in named)
            kinds = dict.fromkeys(named, "string") | {ROW: "int64"}
            sql = self.checks.sql(ibis.table(kinds, name="_file"), keep=(ROW,))
            sql = sql.replace('"_file" AS', f'(SELECT {texts}, "{ROW}" FROM _held) AS', 1)  # noqa: S608
            self.by_expressions(link.execute(sql).to_arrow_reader(BATCH))

    def by_expressions(self, batches: Rows) -> None:
        """Part rows that the expressions looked at, by their problems."""
        before = 0
        for batch in batches:
            problems = batch.column(PROBLEMS)
            numbers = _numbers(batch, before)
            before += len(batch)
            rows = pa.record_batch(
                [*(batch.column(name) for name in self.names), numbers], [*self.names, NUMBER]
            )
            if problems.null_count < len(batch):
                good = pc.is_null(problems)
                wrong = pc.invert(good)
                rows = rows.filter(good)
                self.aside.put(batch.filter(wrong), numbers.filter(wrong).to_pylist(), self.done)
            self._keep(rows)

    def _keep(self, rows: pa.RecordBatch) -> None:
        self.kept.write(rows)
        self.done.rows_good += len(rows)


def _numbers(batch: pa.RecordBatch, before: int) -> Any:
    """Return the numbers of a batch's rows: those that came with it, or their places in the file."""
    if ROW in batch.schema.names:
        return batch.column(ROW)
    return pa.array(np.arange(before + 1, before + 1 + len(batch)))
