"""How fast points are located: `locate` over 20,000 grids against the bare STRtree query, in one run.

`python bench/areas.py [--grids 20000] [--points 1000000]` prints one JSON object. No database is needed: the
grids stand in memory, as they do in a web process. Both sides get the same points; five rounds each in turn,
the median counts.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable

import django
import numpy as np
import shapely

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
django.setup()

from citybrain.base.areas.index import AreaIndex, Layer, Outline  # noqa: E402
from citybrain.base.areas.tree import AreaTree  # noqa: E402

ROUNDS = 5
STEPS = 8  # vertices per side of a grid


def tiles(count: int, seed: int) -> list[shapely.MultiPolygon]:
    """Return at least `count` tiles of the unit square with crooked borders that neighbours share exactly."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(count)))
    along = np.linspace(0, 1, STEPS, endpoint=False)
    wobble = 0.12 * rng.standard_normal((2, side + 1, side + 1, STEPS)).clip(-1, 1)
    wobble[..., 0] = 0

    def edge(column: int, row: int, upright: int) -> np.ndarray:
        if upright:
            return np.column_stack((column + wobble[1, column, row], row + along))
        return np.column_stack((column + along, row + wobble[0, column, row]))

    def tile(column: int, row: int) -> shapely.MultiPolygon:
        south, north = edge(column, row, 0), edge(column, row + 1, 0)
        west, east = edge(column, row, 1), edge(column + 1, row, 1)
        corners = [[column + 1, row], [column + 1, row + 1], [column, row + 1]]
        ring = np.vstack((south, corners[:1], east[1:], corners[1:2], north[:0:-1], corners[2:], west[:0:-1]))
        return shapely.MultiPolygon([shapely.Polygon(ring / side)])

    return [tile(column, row) for row in range(side) for column in range(side)][:count]


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def both(work: Callable[[], object]) -> tuple[float, float]:
    """Return seconds on the clock and of the processor; they part where others use the machine."""
    began = time.process_time()
    return seconds(work), time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grids", type=int, default=20_000)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    shapes = tiles(args.grids, args.seed)
    outlines = [
        Outline(f"{number:015}", (1, 2, 3, 4, number), shape) for number, shape in enumerate(shapes, 10)
    ]
    points = np.random.default_rng(args.seed + 1).uniform(0, 1, (args.points, 2))
    lons, lats = points[:, 0].copy(), points[:, 1].copy()

    index = AreaIndex(AreaTree(0, [], {}, []))
    build = seconds(
        lambda: index.layers.update({level: Layer(outlines if level == 5 else []) for level in range(1, 6)})
    )
    bare_tree = shapely.STRtree(shapes)

    def bare() -> None:
        bare_tree.query(shapely.points(lons, lats), predicate="intersects")

    located, queried = [], []
    for _ in range(ROUNDS):
        located.append(both(lambda: index.locate(lons, lats)))
        queried.append(both(bare))
    single = seconds(lambda: [index.locate_one(*point) for point in points[:5_000].tolist()]) / 5_000
    ours, theirs = (
        args.points / statistics.median(wall for wall, _ in times) for times in (located, queried)
    )
    ours_cpu, theirs_cpu = (
        args.points / statistics.median(cpu for _, cpu in times) for times in (located, queried)
    )
    result = {
        "command": f"python bench/areas.py --grids {args.grids} --points {args.points} --seed {args.seed}",
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "shapely": shapely.__version__,
        },
        "vertices_per_grid": float(np.mean([shapely.get_num_coordinates(shape) for shape in shapes[:1000]])),
        "held_share": float(np.mean(index.locate(lons, lats)[:, 4] > 0)),
        "build_seconds": round(build, 3),
        "locate_points_per_second": round(ours),
        "bare_strtree_points_per_second": round(theirs),
        "locate_points_per_cpu_second": round(ours_cpu),
        "bare_strtree_points_per_cpu_second": round(theirs_cpu),
        "ratio_to_bare": round(ours_cpu / theirs_cpu, 3),
        "load_average": os.getloadavg()[0],
        "locate_one_microseconds": round(single * 1e6, 1),
        "enough": ours >= 100_000,
    }
    print(json.dumps(result, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
