"""The data asked about: sets of the made-up city with their faults, as texts; what passed the checks, typed."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench.cluster.questions import CHECKED, GOOD
from citybrain.base.catalogue.shape import Shape

DAY = date(2026, 11, 20)


def make(folder: Path, people: int) -> dict[str, int]:
    """Write texts of a city of so many people, shapes and codes into `folder`; return rows by set. Needs Django set up.

    `good_*` are those rows that DuckDB finds good, one of each key: what joins and aggregates go over.
    """
    from citybrain.base.catalogue.codes import shipped as shipped_tables
    from citybrain.base.catalogue.shipped import shipped
    from citybrain.sample.city import COMMUNITY, DISTRICT, GRID, make_city
    from citybrain.sample.plan import TINY
    from citybrain.sample.sets.basis import Basis
    from citybrain.sample.sets.dirt import as_text, spoil
    from citybrain.sample.sets.make import basis_of, make_set

    basis: Basis = basis_of(make_city(TINY), DAY, people)
    shapes = {one.meta.code: one.shape for one in shipped() if one.meta.code in GOOD}
    areas = basis.city.areas
    codes = {key: sorted(table.codes) for key, table in shipped_tables().items()}
    codes["region6"] = sorted({area.code.ljust(6, "0") for area in areas if area.level <= DISTRICT})
    codes["region12"] = sorted({area.code.ljust(12, "0") for area in areas if area.level <= COMMUNITY})
    codes["grid15"] = sorted(area.code for area in areas if area.level == GRID)
    rows = {}
    for code in GOOD:
        texts, _ = spoil(
            code,
            shapes[code],
            as_text(make_set(code, basis, shapes[code])),
            basis.stream(f"dirt.{code}"),
        )
        pq.write_table(texts, folder / f"{code}.parquet", compression="zstd", row_group_size=50_000)
        rows[code] = texts.num_rows
    told = {"shapes": {code: shape.to_json() for code, shape in shapes.items()}, "codes": codes}
    (folder / "told.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    _check(folder)
    return rows


def told(folder: Path) -> tuple[dict[str, Shape], Mapping[str, Any]]:
    """Return the shapes and code tables that lie in `folder`."""
    found = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    return {code: Shape.from_json(row) for code, row in found["shapes"].items()}, found["codes"]


def _check(folder: Path) -> None:
    from bench.cluster.engines import duckdb_link
    from bench.cluster.questions import check_of
    from citybrain.base.exchange.checks.compile import staged_selects

    shapes, codes = told(folder)
    link = duckdb_link()
    for code in GOOD:
        shape = shapes[code]
        texts = link.read_parquet(str(folder / f"{code}.parquet"))
        checked = check_of(shape, codes, texts)
        good = checked.filter(checked["_problems"].isnull()).select(*shape.names)
        with staged_selects():
            once = good.distinct(on=list(shape.keys), keep="first") if shape.keys else good
            pq.write_table(link.to_pyarrow(once), folder / f"good_{code}.parquet", row_group_size=50_000)


NAMES = (*CHECKED, *(f"good_{code}" for code in GOOD))
"""The tables every engine opens."""
