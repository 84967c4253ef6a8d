"""Suppliers that disagree: rows of a key that another supply wrote with other values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from citybrain.base.catalogue.models import Supply
from citybrain.base.catalogue.shape import Shape
from citybrain.base.exchange.models import Conflict, Run, Source
from citybrain.base.exchange.reading.plan import literal, quoted
from citybrain.base.lake import engine
from citybrain.base.lake.tables import Table

MOST: Final = 10_000
"""Conflicts of one run that are listed; more are counted only: then two suppliers mean different things."""
KEY_SIGN: Final = "\x1f"


@dataclass(frozen=True)
class Compared:
    """`held_back`: keys of rows that another supply's stand against, to be left out of the merge."""

    rows: Path
    found: int = 0
    held_back: int = 0


def several_supply(source: Source) -> bool:
    """Whether more than one supply feeds the data set."""
    feeding = Source.objects.filter(dataset=source.dataset, supply__isnull=False, is_active=True)
    return feeding.values("supply").distinct().count() > 1


def compare(run: Run, shape: Shape, rows: Path) -> Compared:
    """List where checked rows contradict another supply's, and return those that may be merged.

    A supply whose rank stands behind (or equals) the holder's is held back. Doing it again lists nothing twice.
    """
    source, table = run.source, Table(run.dataset.code)
    settled = set(
        Conflict.objects.filter(dataset=run.dataset, state="settled", settled_for=source.supply).values_list(
            "key", flat=True
        )
    )
    if source.supply is None or not shape.keys or not table.exists() or not several_supply(source):
        return Compared(rows)
    ranks = dict(Supply.objects.filter(dataset=run.dataset).values_list("pk", "rank"))
    mine = source.supply_id or 0
    with engine.session(read_only_files=False) as link:
        here = [
            row[0] for row in link.execute(f"DESCRIBE FROM read_parquet({literal(str(rows))})").fetchall()
        ]
        found = _differing(link, run.dataset.code, rows, shape, here, mine)
        _keep(run, shape, here, found[:MOST], ranks, mine)
        stands = [
            one
            for one in found
            if _key(one, shape) not in settled and ranks.get(one["_supply"], 1) <= ranks.get(mine, 1)
        ]
        if not stands:
            return Compared(rows, len(found))
        target = rows.with_name("merge.parquet")
        import pyarrow as pa

        link.register("_held", pa.Table.from_pylist([{"n": one["_n"]} for one in stands]))
        link.execute(
            f"COPY (SELECT * EXCLUDE (file_row_number) FROM read_parquet({literal(str(rows))}, file_row_number=true) "  # noqa: S608
            f"WHERE file_row_number NOT IN (SELECT n FROM _held)) TO {literal(str(target))} (FORMAT parquet)"
        )
    return Compared(target, len(found), len(stands))


def _differing(
    link: Any, code: str, rows: Path, shape: Shape, here: list[str], mine: int
) -> list[dict[str, Any]]:
    """Return the rows that differ, each with both sides as texts, its place and the supply that holds the key."""
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
        f"SELECT n.file_row_number AS _n, o._supply, {pairs} "  # noqa: S608
        f"FROM read_parquet({literal(str(rows))}, file_row_number=true) n JOIN {stored} o ON {same} "
        f"WHERE o._supply NOT IN (0, {int(mine)}) AND ({differs}) ORDER BY n.file_row_number"
    )
    found: list[dict[str, Any]] = link.execute(sql).to_arrow_table().to_pylist()
    return found


def _key(found: dict[str, Any], shape: Shape) -> str:
    return KEY_SIGN.join(str(found["n_" + key]) for key in shape.keys)


@transaction.atomic
def _keep(
    run: Run, shape: Shape, here: list[str], found: list[dict[str, Any]], ranks: dict[int, int], mine: int
) -> None:
    rows = []
    for one in found:
        theirs = one["_supply"]
        if theirs not in ranks:
            continue
        fields = {
            name: {"held": one["o_" + name], "offered": one["n_" + name]}
            for name in here
            if name not in shape.keys and one["n_" + name] != one["o_" + name]
        }
        loser = mine if ranks[theirs] <= ranks.get(mine, 1) else theirs
        rows.append(
            Conflict(
                dataset=run.dataset, key=_key(one, shape), fields=fields, held_by_id=theirs, offered_by_id=mine,
                asked_id=loser, run=run, key_values={key: one["n_" + key] for key in shape.keys},
            )
        )  # fmt: skip
    keys = {row.key for row in rows}
    again = Conflict.objects.filter(dataset=run.dataset, state="sent", offered_by_id=mine)
    again.filter(key__in=keys).delete()
    if run.mode == "full":
        again.exclude(key__in=keys).update(state="agreed")
    Conflict.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
