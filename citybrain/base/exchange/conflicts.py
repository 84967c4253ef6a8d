"""Suppliers that disagree: rows of a key that another supply wrote with other values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from citybrain.base.catalogue.actions.lending import due
from citybrain.base.catalogue.models import Supply
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.models import OPEN_CONFLICT, Conflict, ConflictEvent, Run, Source
from citybrain.base.exchange.reading.plan import quoted
from citybrain.base.lake.rowfile import NUMBER, Rows
from citybrain.base.worktime.clock import Clock

MOST: Final = 10_000
"""Conflicts of one run that are listed; more are counted only: then two suppliers mean different things."""
KEY_SIGN: Final = "\x1f"
ANSWER_MINUTES: Final = 5 * 8 * 60
"""Working time of the supplier who is asked to look again; our choice, no rule found."""


@dataclass(frozen=True)
class Compared:
    """`held_back`: rows that another supply's stand against; `left_out`: the numbers of all rows not to be merged."""

    left_out: Any = None
    found: int = 0
    held_back: int = 0


def several_supply(source: Source) -> bool:
    """Whether more than one supply feeds the data set."""
    feeding = Source.objects.filter(dataset=source.dataset, supply__isnull=False, is_active=True)
    return feeding.values("supply").distinct().count() > 1


@dataclass(frozen=True)
class _Verdicts:
    """What was settled before, by key, the last word only; and how suppliers rank."""

    settled: dict[str, Conflict]
    ranks: dict[int, int]
    mine: int

    def counts(self, key: str, found: dict[str, Any]) -> bool | None:
        """Return whether a settled word makes a row count (True) or not (False); None where none was said about it."""
        last = self.settled.get(key)
        if last is None or last.settled_for_id not in {self.mine, found["_supply"]}:
            return None
        side = "held" if self.mine == last.held_by_id else "offered"
        if last.settled_for_id == self.mine:
            return True
        same = all(found.get("n_" + name) == values[side] for name, values in last.fields.items())
        return False if same else None

    def stands(self, found: dict[str, Any]) -> bool:
        """Whether the row that is stored counts before the one that comes."""
        return self.ranks.get(found["_supply"], 1) <= self.ranks.get(self.mine, 1)


def compare(run: Run, shape: Shape, rows: Path, left_out: Any = None) -> Compared:
    """List where checked rows contradict another supply's, and return those that may not be merged.

    `rows` is a row file; `left_out` are the numbers of those in it that don't count anyway, rising.

    A supply whose rank stands behind (or equals) the holder's is held back, unless it was settled for it; what was
    settled against it is held back and not listed again. Open conflicts that came to an end are closed. Doing it again
    lists nothing twice.
    """
    from citybrain.base.lake import engine  # with Iceberg: those who settle conflicts need none of it
    from citybrain.base.lake.tables import Table

    source, table = run.source, Table(run.dataset.code)
    if source.supply is None or not shape.keys or not table.exists() or not several_supply(source):
        return Compared(left_out)
    mine = source.supply_id or 0
    verdicts = _verdicts(run.dataset_id, mine)
    with engine.session(read_only_files=False) as link:
        here = _open(link, rows, left_out)
        listed, held = [], []
        for one in _differing(link, run.dataset.code, shape, here, mine):
            word = verdicts.counts(_key(one, shape), one)
            if word is None:
                listed.append(one)
            if word is False or (word is None and verdicts.stands(one)):
                held.append(one)
        _keep(run, shape, here, listed[:MOST], verdicts.ranks, mine)
        _agree(run, _come_again(link, shape, run.dataset_id, mine), mine)
    if not held:
        return Compared(left_out, len(listed))
    both = [np.asarray([one["_n"] for one in held], np.int64), *([] if left_out is None else [left_out])]
    return Compared(np.unique(np.concatenate(both)), len(listed), len(held))


def _open(link: Any, rows: Path, left_out: Any) -> list[str]:
    """Let `came` be the rows that count; return their fields."""
    file = Rows(rows)
    link.register("row_file", file.dataset())
    link.register(
        "left_out", pa.table({"number": pa.array([] if left_out is None else left_out, pa.int64())})
    )
    link.execute(f"CREATE TEMP VIEW came AS SELECT * FROM row_file ANTI JOIN left_out ON {NUMBER} = number")  # noqa: S608
    return file.names()


def _verdicts(dataset_id: int, mine: int) -> _Verdicts:
    rows = Conflict.objects.filter(
        dataset=dataset_id, state__in=("settled", "agreed"), settled_for__isnull=False
    )
    ranks = dict(Supply.objects.filter(dataset=dataset_id).values_list("pk", "rank"))
    return _Verdicts({one.key: one for one in rows.order_by("settled_at", "pk")}, ranks, mine)


def _come_again(link: Any, shape: Shape, dataset_id: int, mine: int) -> list[tuple[Conflict, dict[str, Any]]]:
    """Return the open conflicts in which this supply is a side and whose row came again, with that row as texts."""
    sides = Q(held_by=mine) | Q(offered_by=mine)
    waiting = {
        one.pk: one for one in Conflict.objects.filter(sides, dataset=dataset_id, state__in=OPEN_CONFLICT)
    }
    if not waiting:
        return []
    asked = [
        {"_c": pk} | {key: str(one.key_values[key]) for key in shape.keys} for pk, one in waiting.items()
    ]
    link.register("_open", pa.Table.from_pylist(asked))
    same = " AND ".join(f"CAST(n.{quoted(key)} AS VARCHAR) = c.{quoted(key)}" for key in shape.keys)
    texts = "SELECT c._c, COLUMNS(n.*)::VARCHAR FROM came n"
    found = link.execute(f"{texts} JOIN _open c ON {same}").to_arrow_table().to_pylist()
    return [(waiting[one["_c"]], one) for one in found]


def _agree(run: Run, again: list[tuple[Conflict, dict[str, Any]]], mine: int) -> None:
    """Close the conflicts whose row now says what the other side says."""
    for conflict, row in again:
        other = "offered" if conflict.held_by_id == mine else "held"
        if all(name in row and row[name] == values[other] for name, values in conflict.fields.items()):
            close_agreed(conflict, run.asked_by)


@transaction.atomic
def close_agreed(conflict: Conflict, by: str) -> None:
    """Close a conflict whose sides say the same."""
    Conflict.objects.filter(pk=conflict.pk).update(state="agreed")
    told(conflict, "agree", by)


def told(
    conflict: Conflict, action: str, by: str, *, name: str = "", supply: Supply | None = None, note: str = ""
) -> ConflictEvent:
    """Keep one step of a conflict."""
    return ConflictEvent.objects.create(
        conflict=conflict,
        at=timezone.now(),
        action=action,
        actor=by,
        actor_name=name[:60],
        supply=supply,
        note=note[:500],
    )


def _differing(link: Any, code: str, shape: Shape, here: list[str], mine: int) -> list[dict[str, Any]]:
    """Return the rows that differ, each with both sides as texts, its place and the supply that holds the key."""
    from citybrain.base.lake import engine

    names = [name for name in here if name not in shape.keys]
    stored = engine.relation_sql(code, columns=[*here, "_supply"])
    pairs = ", ".join(
        f"CAST(n.{quoted(name)} AS VARCHAR) AS {quoted('n_' + name)}, "
        f"CAST(o.{quoted(name)} AS VARCHAR) AS {quoted('o_' + name)}"
        for name in here
    )
    same = " AND ".join(f"n.{quoted(key)} = o.{quoted(key)}" for key in shape.keys)
    differs = " OR ".join(f"n.{quoted(name)} IS DISTINCT FROM o.{quoted(name)}" for name in names) or "false"
    sql = (
        f"SELECT n.{NUMBER} AS _n, o._supply, {pairs} FROM came n JOIN {stored} o ON {same} "  # noqa: S608
        f"WHERE o._supply NOT IN (0, {int(mine)}) AND ({differs}) ORDER BY n.{NUMBER}"
    )
    found: list[dict[str, Any]] = link.execute(sql).to_arrow_table().to_pylist()
    return found


def _key(found: dict[str, Any], shape: Shape) -> str:
    return KEY_SIGN.join(str(found["n_" + key]) for key in shape.keys)


@transaction.atomic
def _keep(
    run: Run, shape: Shape, here: list[str], found: list[dict[str, Any]], ranks: dict[int, int], mine: int
) -> None:
    """List the conflicts that are new; one that is open still has what came now, and its clock goes on."""
    waiting = Conflict.objects.filter(dataset=run.dataset, state__in=OPEN_CONFLICT, offered_by=mine)
    known = {(one.key, one.held_by_id): one for one in waiting}
    clock = Clock(timezone.now(), ANSWER_MINUTES)
    made: list[Conflict] = []
    changed: list[Conflict] = []
    for one in found:
        theirs = one["_supply"]
        if theirs not in ranks:
            continue
        fields = {
            name: {"held": one["o_" + name], "offered": one["n_" + name]}
            for name in here
            if name not in shape.keys and one["n_" + name] != one["o_" + name]
        }
        same = known.pop((_key(one, shape), theirs), None)
        if same is not None:
            same.fields, same.run = fields, run
            changed.append(same)
            continue
        loser = mine if ranks[theirs] <= ranks.get(mine, 1) else theirs
        made.append(
            Conflict(
                dataset=run.dataset, key=_key(one, shape), fields=fields, held_by_id=theirs, offered_by_id=mine,
                asked_id=loser, run=run, key_values={key: one["n_" + key] for key in shape.keys},
                clock=clock.to_json(), due_at=due(clock),
            )
        )  # fmt: skip
    Conflict.objects.bulk_update(changed, ["fields", "run"], batch_size=1000)
    created = Conflict.objects.bulk_create(made, batch_size=1000)
    ConflictEvent.objects.bulk_create(
        [
            ConflictEvent(
                conflict=one, at=clock.started_at, action="send", actor="system", supply_id=one.asked_id
            )
            for one in created
        ],
        batch_size=1000,
    )
    if run.mode == "full":
        for one in known.values():
            close_agreed(one, run.asked_by)
