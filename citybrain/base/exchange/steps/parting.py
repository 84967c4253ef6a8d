"""part and end: rows that a source marks as ended leave the set; the others go the usual way.

A source may name a column that marks ended rows (`ended_column`, `ended_values`), or give files or calls of ended rows
only. Of one key the last row of a file counts: one that ended and came back stays.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import ibis
import orjson
from django.db import transaction

from citybrain.base.catalogue.models import Supply
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.checks.compile import PROBLEMS
from citybrain.base.exchange.checks.reasons import parse
from citybrain.base.exchange.conflicts import several_supply
from citybrain.base.exchange.models import Quarantined
from citybrain.base.exchange.reading.plan import ROW, Plan, literal, quoted
from citybrain.base.exchange.steps.checking import checks_for
from citybrain.base.exchange.steps.job import Job, Stopped
from citybrain.base.lake import engine
from citybrain.base.lake.ending import end
from citybrain.base.lake.tables import Table

ENDED: Final = ("1", "true", "t", "yes", "y", "是", "d", "del", "delete", "deleted", "删除", "注销")
ANY: Final = "*"
LISTED: Final = 10_000


def part(job: Job) -> dict[str, Any]:
    """Part ended rows from the others; with neither a marker nor ended rows there is nothing to do."""
    marker = str(job.source.settings.get("ended_column") or "")
    if not (job.ended or marker):
        return {}
    plan = job.reading.plan
    if not job.shape.keys:
        raise Stopped("refused", "ended_without_key")
    if not job.ended and marker not in plan.names:
        raise Stopped("waiting", "ended_column_gone", column=marker)
    with engine.session(read_only_files=False) as link:
        work = _Parting(link, job, plan)
        return work.part(
            "true" if job.ended else _marks(marker, job.source.settings.get("ended_values") or ())
        )


def _marks(column: str, values: Sequence[Any]) -> str:
    """Return the condition that marks a row as ended."""
    text = f"lower(trim({quoted(column)}))"
    if ANY in values:
        return f"coalesce({text}, '') <> ''"
    known = [str(one).strip().lower() for one in values] or list(ENDED)
    return f"coalesce({text}, '') IN ({', '.join(map(literal, known))})"


class _Parting:
    """One parting on its connection: `whole` are all rows with their numbers, `gone` the keys that ended."""

    def __init__(self, link: Any, job: Job, plan: Plan) -> None:
        self.link, self.job, self.plan = link, job, plan
        self.columns = {name: job.columns[name] for name in job.shape.keys}
        self.keys = ", ".join(quoted(one) for one in self.columns.values())
        self.rows = job.folder / "rows-left.parquet"

    def part(self, marked: str) -> dict[str, Any]:
        """Write both parts; let the run go on with the rows that are left."""
        self.link.execute("SET preserve_insertion_order = true")
        number = "" if self.plan.counts_rows else f", row_number() OVER () AS {quoted(ROW)}"
        rows = f"SELECT *{number}, {marked} AS _gone FROM {self.plan.source()}"  # noqa: S608
        self.link.execute(f"CREATE TEMP TABLE whole AS {rows}")
        broken_count, broken = self.plan.set_aside(self.link)
        self.link.execute(
            f"CREATE TEMP TABLE gone AS SELECT {self.keys}, max({quoted(ROW)}) AS last FROM whole "  # noqa: S608
            f"WHERE _gone GROUP BY {self.keys}"
        )
        self._let_come_back()
        left = self._write_left()
        told = self._write_keys()
        told["marked"] = self._one("SELECT count(*) FROM whole WHERE _gone")
        if left or broken_count:
            kept = tuple((one.line, one.reason, one.text) for one in broken)
            plan = replace(
                self.plan, kind="rows", path=str(self.rows), broken=kept, broken_count=broken_count
            )
            self.job.run.done["read"]["reading"]["plan"] = plan.to_json()
        else:
            self._nothing_else(told)
        return told

    def _one(self, query: str) -> int:
        return int(self.link.execute(query).fetchone()[0])

    def _let_come_back(self) -> None:
        """Leave out the keys of which a later row didn't end."""
        same = " AND ".join(f"g.{quoted(one)} = w.{quoted(one)}" for one in self.columns.values())
        self.link.execute(
            f"DELETE FROM gone g USING whole w WHERE NOT w._gone AND {same} AND w.{quoted(ROW)} > g.last"  # noqa: S608
        )

    def _write_left(self) -> int:
        """Write the rows that go on: not marked, and not followed by the end of their key."""
        same = " AND ".join(f"g.{quoted(one)} = w.{quoted(one)}" for one in self.columns.values())
        left = (
            f"SELECT w.* EXCLUDE (_gone) FROM whole w WHERE NOT w._gone AND NOT EXISTS "  # noqa: S608
            f"(SELECT 1 FROM gone g WHERE {same}) ORDER BY w.{quoted(ROW)}"
        )
        self.link.execute(f"COPY ({left}) TO {literal(str(self.rows))} (FORMAT parquet)")
        return self._one(f"SELECT count(*) FROM read_parquet({literal(str(self.rows))})")  # noqa: S608

    def _write_keys(self) -> dict[str, Any]:
        """Write the keys that end in the fields' types; put aside what can't be a key."""
        shape = keys_of(self.job.shape)
        checks = checks_for(shape, self.columns)
        kinds = dict.fromkeys(self.columns.values(), "string") | {ROW: "int64"}
        checks.register(self.link)
        self.link.execute(f"CREATE TEMP VIEW ended AS SELECT {self.keys}, last AS {quoted(ROW)} FROM gone")  # noqa: S608
        statement = checks.sql(ibis.table(kinds, name="ended"), keep=(ROW,))
        self.link.execute(f"CREATE TEMP TABLE checked AS {statement}")
        target = self.job.folder / "ended.parquet"
        fields = ", ".join(quoted(name) for name in shape.names)
        fine = f"SELECT {fields} FROM checked WHERE {quoted(PROBLEMS)} IS NULL"  # noqa: S608
        self.link.execute(f"COPY ({fine}) TO {literal(str(target))} (FORMAT parquet)")
        good = self._one(f"SELECT count(*) FROM read_parquet({literal(str(target))})")  # noqa: S608
        bad = self._one("SELECT count(*) FROM checked") - good
        return {"keys": str(target), "ended": good, "ended_bad": bad, "bad": self._bad(shape) if bad else []}

    def _bad(self, shape: Shape) -> list[list[Any]]:
        """Return [row, cells, problems] of keys that can't be; kept with the step, listed once the rest was checked."""
        cells = ", ".join(f"g.{quoted(column)}" for column in self.columns.values())
        rows = self.link.execute(
            f"SELECT c.{quoted(ROW)}, c.{quoted(PROBLEMS)}, {cells} "  # noqa: S608
            f"FROM checked c JOIN gone g ON g.last = c.{quoted(ROW)} "
            f"WHERE c.{quoted(PROBLEMS)} IS NOT NULL ORDER BY 1 LIMIT {LISTED}"
        ).fetchall()
        told = []
        for number, problems, *values in rows:
            raw = dict(zip(shape.names, values, strict=True))
            told.append([number, raw, [one.to_json() for one in parse(problems, raw)]])
        return told

    def _nothing_else(self, told: dict[str, Any]) -> None:
        """Let the steps that check and merge rows count as done: there are none."""
        bad = told["ended_bad"]
        checked = {"rows": told["ended"] + bad, "rows_good": told["ended"], "rows_bad": bad, "repeated": 0}
        self.job.run.done["check"] = {**checked, "reasons": {}, "broken": 0, "good": "", "bad": ""}
        self.job.run.done["merge"] = {
            "version": 0, "inserted": 0, "updated": 0, "unchanged": 0, "removed": 0, "conflicts": 0, "held_back": 0,
        }  # fmt: skip


def keys_of(shape: Shape) -> Shape:
    """Return the shape of the key alone."""
    return Shape(tuple(shape.field(name) for name in shape.keys))


def end_rows(job: Job) -> dict[str, Any]:
    """Take the rows of ended keys out of the lake, those of suppliers that rank before this one left in."""
    told = job.run.done.get("part") or {}
    if not told:
        return {}
    _put_aside(job, told["bad"])
    table = Table(job.run.dataset.code)
    merged = job.run.done["merge"]
    done = {"removed": 0, "held_back": 0}
    if told["ended"] and job.run.mode != "full" and table.exists():
        ended = end(
            table,
            Path(told["keys"]),
            f"{job.run.ingest}-ended",
            job.run.pk,
            job.source.supply_id or 0,
            only=_mine(job),
        )
        done = {"removed": ended.removed, "held_back": ended.held_back}
    merged["removed"] += done["removed"]
    merged["held_back"] += done["held_back"]
    merged["version"] = table.version() if table.exists() else 0
    job.run.version = merged["version"]
    job.run.save(update_fields=["version"])
    return done


def _mine(job: Job) -> list[int] | None:
    """Return the supplies whose rows this source may end; None: all. One that gives only some fields ends no row."""
    supply = job.source.supply
    if supply is None or not several_supply(job.source):
        return None
    if supply.fields and not set(job.shape.names) <= {*supply.fields, *job.shape.keys}:
        return []
    behind = Supply.objects.filter(dataset=job.run.dataset, rank__gte=supply.rank).values_list(
        "pk", flat=True
    )
    return [0, *behind]


@transaction.atomic
def _put_aside(job: Job, bad: Sequence[Sequence[Any]]) -> None:
    """List the keys that can't be, once."""
    there = set(Quarantined.objects.filter(run=job.run).values_list("row", flat=True))
    Quarantined.objects.bulk_create(
        Quarantined(
            run=job.run, dataset=job.run.dataset, row=number, raw=orjson.loads(orjson.dumps(raw)), problems=problems
        )
        for number, raw, problems in bad
        if number not in there
    )  # fmt: skip
