"""What `make cluster` asks, on Sail in this process beside DuckDB: the same rows; and what is no question for all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from bench.cluster import data
from bench.cluster.comparing import difference
from bench.cluster.engines import answered, duckdb_link, opened, remote_link, sail
from bench.cluster.questions import questions
from citybrain.base.lake.portable import NotPortable, epoch_seconds, portable, whole


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a city of 700 people."""
    home = tmp_path_factory.mktemp("engines")
    rows = data.make(home, 700)
    assert all(count > 200 for count in rows.values())
    return home


@pytest.fixture(scope="module")
def mine(folder: Path) -> Any:
    return duckdb_link()


@pytest.fixture(scope="module")
def theirs() -> Iterator[Any]:
    pytest.importorskip("pysail")
    with sail() as address, remote_link(address) as link:
        yield link


def test_checks_joins_and_aggregates_give_the_same_rows_on_sail(folder: Path, mine: Any, theirs: Any) -> None:
    shapes, codes = data.told(folder)
    here, there = (questions(shapes, codes, opened(link, folder, data.NAMES)) for link in (mine, theirs))
    assert len(here) == 9
    for name in here:
        rows = answered(mine, here[name])
        assert rows.num_rows, name
        assert (name, difference(rows, answered(theirs, there[name]))) == (name, None)
        if name.startswith("check"):
            assert 0 < rows["_problems"].null_count < rows.num_rows, name


def test_what_engines_do_differently_is_said_alike(folder: Path, mine: Any, theirs: Any) -> None:
    found = []
    for link in (mine, theirs):
        one = opened(link, folder, ("good_wj_health_code",))["good_wj_health_code"].limit(1)
        halves = [-2.5, -1.5, -0.5, 0.5, 1.4999, 2.5]
        asked = one.select(
            **{
                f"n{i}": whole(ibis.literal(half) + one.id_no.length() * 0.0) for i, half in enumerate(halves)
            },
            at=epoch_seconds(ibis.timestamp("2026-11-21 08:00:00.999").cast("timestamp('UTC')")),
        )
        found.append(answered(link, portable(asked)).to_pylist())
    expected = {"n0": -3, "n1": -2, "n2": -1, "n3": 1, "n4": 1, "n5": 3, "at": 1795248000}
    assert found == [[expected], [expected]]


ROWS = ibis.table(
    {"f": "float64", "d": "decimal(8, 2)", "i": "int32", "s": "string", "at": "timestamp('UTC')"}, name="rows"
)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (ROWS.f.cast("int64"), "use portable.whole"),
        (ROWS.f.try_cast("int64"), "use portable.whole"),
        (ROWS.mutate(n=ROWS.d.cast("int32")), "use portable.whole"),
        (ROWS.s.approx_nunique(), "count with nunique"),
        (ROWS.group_by("i").aggregate(m=ROWS.f.approx_median()), "use median"),
        (ROWS.s.group_concat(order_by=ROWS.i), "fetch them sorted"),
        (ROWS.i.collect(), "fetch them sorted"),
        (ROWS.at.epoch_seconds(), "use portable.epoch_seconds"),
        (ROWS.at.truncate("ms").epoch_seconds(), "use portable.epoch_seconds"),
        (ROWS.at.truncate("s").approx_nunique(), "count with nunique"),
    ],
)
def test_an_expression_that_engines_answer_differently_is_refused(asked: Any, told: str) -> None:
    with pytest.raises(NotPortable, match=told):
        portable(asked)


def test_an_expression_that_engines_answer_alike_passes() -> None:
    asked = ROWS.group_by("i").aggregate(
        n=whole(ROWS.f.mean()), at=epoch_seconds(ROWS.at.max()), s=ROWS.s.nunique()
    )
    assert portable(asked) is asked


def test_comparing_finds_a_row_a_null_and_a_float_that_differ_but_no_order() -> None:
    rows = pa.table({"x": [0.1 + 0.2, 1.0, None], "k": ["a", "b", "c"]})
    assert difference(rows, pa.table({"x": [None, 1.0, 0.3], "k": ["c", "b", "a"]})) is None
    assert difference(rows, rows.slice(1)) == "3 and 2 rows"
    assert "x: 1 values" in (
        difference(rows, pa.table({"x": [0.3000001, 1.0, None], "k": ["a", "b", "c"]})) or ""
    )
    assert "x: 1 values" in (difference(rows, pa.table({"x": [0.3, None, None], "k": ["a", "b", "c"]})) or "")
    assert "k: 1 values" in (difference(rows, pa.table({"x": [0.3, 1.0, None], "k": ["a", "b", None]})) or "")
