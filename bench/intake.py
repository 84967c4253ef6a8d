"""How quickly files are taken in (kept as they came, read, checked, stored once), beside DuckDB's bare rate.

`python bench/intake.py [--rows N] [--rounds R] [--sets CODE,…]`. Both sides get the same files of the same data sets
and the same rules. Ours is the whole intake as the worker does it: the file landed under its digest and on disk, its
form found out, every rule checked, bad rows listed with what is wrong, good rows committed to the set's table under
the run's name, figures told. Bare is SQL by hand for exactly these files (`_bare_intake.py`): their form is known
beforehand, and rows that break a rule are told apart, with the names of their fields, in a file. The figures of both
must agree to the row. Prints one JSON object.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MIX = ("ga_population", "rs_insurance", "gy_water_usage", "gy_power_usage", "sj_enterprise")


def timed_steps(spent: dict[str, float]) -> None:
    """Let each step of a run add what it took."""
    from citybrain.base.exchange import runs

    def timed(name: str, step: Any) -> Any:
        def run(job: Any) -> Any:
            begun = time.perf_counter()
            try:
                return step(job)
            finally:
                spent[name] = spent.get(name, 0.0) + time.perf_counter() - begun

        return run

    runs.STEPS = tuple((name, timed(name, step)) for name, step in runs.STEPS)


def ours(source: Any, path: Path, spent: dict[str, float]) -> tuple[float, dict[str, Any]]:
    """Take one file in; return the seconds from its receipt to the end of its run, and the run's figures."""
    from django.utils import timezone

    from citybrain.base.exchange import actions, runs
    from citybrain.base.exchange.models import Run
    from citybrain.base.identity.actor import SYSTEM
    from citybrain.base.lake.tables import Table

    begun = time.perf_counter()
    run = actions.receive_file(SYSTEM, source, path, path.name)
    spent["receive"] = spent.get("receive", 0.0) + time.perf_counter() - begun
    if not runs.work_one(timezone.now(), run.pk):
        sys.exit("bench: the run was not to be had")
    seconds = time.perf_counter() - begun
    run = Run.objects.get(pk=run.pk)
    if run.state != "done":
        sys.exit(f"bench: the run is {run.state}: {run.error}")
    Table(source.dataset.code).drop()
    Run.objects.filter(pk=run.pk).update(
        state="refused", finished_at=None
    )  # so that the next round does it all again
    from citybrain.base.exchange import landing

    landing.path_of(run.landed).unlink(missing_ok=True)
    told = {name: run.figures[name] for name in ("rows", "rows_good", "rows_bad", "repeated", "inserted")}
    return seconds, told


def measured(folder: Path, ask: argparse.Namespace) -> dict[str, Any]:
    """Measure every set, ours and bare by turns."""
    import _bare_intake
    import _exchange
    import _volume

    _exchange.areas(_volume.REGIONS)
    found: dict[str, Any] = {}
    for code in ask.sets:
        source = _exchange.data_set(code)
        path = _volume.write(
            code, ask.rows, folder, {one.name: one.zh for one in source.dataset.shape.fields}
        )
        spent: dict[str, float] = {}
        timed_steps(spent)
        mine, bare = [], []
        for _round in range(ask.rounds):
            seconds, told = ours(source, path, spent)
            mine.append(seconds)
            begun = time.perf_counter()
            figures = _bare_intake.run(code, path, folder)
            bare.append(time.perf_counter() - begun)
            if any(told[name] != count for name, count in figures.items()):
                sys.exit(f"bench: {code}: ours {told}, bare {figures}")
        found[code] = {
            "form": path.suffix[1:], "bytes_a_row": round(path.stat().st_size / ask.rows, 1), **told,
            "ours_seconds": _rounded(mine), "bare_seconds": _rounded(bare),
            "ours_rows_per_second": round(ask.rows / statistics.median(mine)),
            "bare_rows_per_second": round(ask.rows / statistics.median(bare)),
            "ratio": round(statistics.median(bare) / statistics.median(mine), 3),
            "steps_seconds": {name: round(whole / ask.rounds, 2) for name, whole in spent.items()},
        }  # fmt: skip
        path.unlink()
    return found


def _rounded(values: list[float]) -> list[float]:
    return [round(one, 2) for one in values]


def summed(found: dict[str, Any], rounds: int) -> dict[str, Any]:
    """Return the ratio of the whole mix: each round's sum over the sets."""
    ratios = [
        sum(one["bare_seconds"][at] for one in found.values())
        / sum(one["ours_seconds"][at] for one in found.values())
        for at in range(rounds)
    ]
    ratio = round(statistics.median(ratios), 3)
    return {
        "ratio": ratio,
        "ratio_by_round": [round(one, 3) for one in ratios],
        "wanted": 0.5,
        "enough": ratio >= 0.5,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2_000_000, help="of each set")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sets", type=lambda text: text.split(","), default=list(MIX))
    ask = parser.parse_args()
    sys.path[:0] = [str(ROOT), str(ROOT / "bench")]
    import _exchange

    with _exchange.house() as (_, _, _), tempfile.TemporaryDirectory(prefix="citybrain-bench-") as files:
        found = measured(Path(files), ask)
        told = {
            "bench": "intake", "rows_of_each_set": ask.rows, "rounds": ask.rounds, **summed(found, ask.rounds),
            "sets": found, "load_average": [round(one, 2) for one in os.getloadavg()],
        }  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main()
