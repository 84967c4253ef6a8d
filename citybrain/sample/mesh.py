"""The finest tiling of the city: one cell per grid; neighbours share their borders point for point."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from citybrain.sample.plan import Plan, stream
from citybrain.sample.terrain import Array, Terrain, to_degrees

Ints = npt.NDArray[np.int64]
POINTS_PER_CELL = 12


@dataclass(frozen=True)
class Mesh:
    """`sites`: a point inside each cell (km); `shapes`: its polygon (WGS-84); `pairs`: neighbouring cells.

    `crosses` marks the pairs that face each other over the river, `gaps` is the distance of a pair (km).
    """

    sites: Array
    shapes: npt.NDArray[np.object_]
    pairs: Ints
    crosses: npt.NDArray[np.bool_]
    gaps: Array


def build_mesh(plan: Plan, land: Terrain) -> Mesh:
    """Return `plan.grids` cells that tile the land without gap or overlap."""
    sites = _sites(plan, land)
    rings, corners = _cells(sites, land, plan.extent)
    edges = _edges(rings)
    straight = np.zeros(len(edges.ends), dtype=bool)
    for _ in range(6):
        shapes = _polygons(rings, corners, edges, straight, plan)
        broken = ~shapely.is_valid(shapes)
        broken |= ~shapely.is_empty(shapely.coverage_invalid_edges(shapes))
        if not broken.any():
            break
        # A bend that met another border: the borders of the cells concerned become straight.
        straight[edges.of_half[np.isin(rings.owner, np.flatnonzero(broken))]] = True
    else:
        raise RuntimeError(f"seed {plan.seed}: the city's borders cross each other; take another seed")
    pairs = edges.cells[(edges.cells[:, 1] >= 0)]
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    steps = shapely.linestrings(np.stack([sites[pairs[:, 0]], sites[pairs[:, 1]]], axis=1))
    shapely.prepare(land.river)
    crosses = shapely.intersects(land.river, steps)
    return Mesh(sites, shapes, pairs, np.asarray(crosses), np.asarray(shapely.length(steps)))


def _sites(plan: Plan, land: Terrain) -> Array:
    """Return one site per grid: pairs along the river, so that borders follow it; the rest by density."""
    rng = stream(plan.seed, "sites")
    banks = _banks(land, plan) if plan.grids >= 600 else np.empty((0, 2))
    wanted = plan.grids - len(banks)
    inside = _scatter(rng, land, wanted * POINTS_PER_CELL, bool(len(banks)), plan.extent)
    return np.vstack([banks, np.array(_halve(inside, wanted))])


def _banks(land: Terrain, plan: Plan) -> Array:
    """Return pairs of sites on both sides of the river, as far apart as cells are wide there."""
    course = shapely.intersection(land.river, shapely.buffer(land.outline, -0.4 * plan.extent))
    course = max(shapely.get_parts(course), key=shapely.length)
    mean = _cell_km(land, plan)
    at, sites = 0.0, []
    while at < course.length:
        here, ahead = course.interpolate(at), course.interpolate(at + 0.05 * plan.extent)
        width = float(mean / land.density(np.array([[here.x, here.y]]))[0] ** 0.5)
        along = np.array([ahead.x - here.x, ahead.y - here.y])
        across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9) * width * 0.38
        sites += [(here.x + across[0], here.y + across[1]), (here.x - across[0], here.y - across[1])]
        at += width * 0.95
    return np.array(sites)


def _cell_km(land: Terrain, plan: Plan) -> float:
    """Return the width of a cell where density is 1, so that all cells together fill the land."""
    rng = stream(plan.seed, "density")
    box = np.array(land.outline.bounds)
    points = rng.uniform(box[:2], box[2:], (20_000, 2))
    points = points[shapely.contains_xy(land.outline, points[:, 0], points[:, 1])]
    return float((land.outline.area * land.density(points).mean() / plan.grids) ** 0.5)


def _scatter(rng: np.random.Generator, land: Terrain, count: int, keep_banks: bool, extent: float) -> Array:
    """Return `count` random points of the land, as dense as it is built, none on the river's banks."""
    box = np.array(land.outline.bounds)
    shapely.prepare(land.outline)
    shapely.prepare(land.river)
    found: list[Array] = []
    have = 0
    while have < count:
        points = _propose(rng, land, box, count)
        points = points[shapely.contains_xy(land.outline, points[:, 0], points[:, 1])]
        if keep_banks:
            near = shapely.dwithin(land.river, shapely.points(points), 0.12 * extent)
            points = points[~near]
        found.append(points)
        have += len(points)
    return np.vstack(found)[:count]


def _propose(rng: np.random.Generator, land: Terrain, box: Array, count: int) -> Array:
    """Return some points drawn by density: from a fine raster of it, then anywhere within its cell."""
    columns, rows = 220, 280
    step = (box[2:] - box[:2]) / (columns, rows)
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    corner = np.column_stack([x.ravel(), y.ravel()]) * step + box[:2]
    heap = np.cumsum(land.density(corner + step / 2))
    chosen = np.searchsorted(heap, rng.uniform(0, heap[-1], count))
    return np.asarray(corner[chosen] + rng.uniform(0, 1, (count, 2)) * step)


def _halve(points: Array, leaves: int) -> list[Array]:
    """Return the centres of `leaves` equally populated patches: halved along the longer side."""
    todo, centres = [(points, leaves)], []
    while todo:
        part, share = todo.pop()
        if share == 1:
            centres.append(part.mean(axis=0))
            continue
        axis = int(np.argmax(np.ptp(part, axis=0)))
        first = share // 2
        cut = len(part) * first // share
        order = np.argpartition(part[:, axis], cut)
        todo += [(part[order[:cut]], first), (part[order[cut:]], share - first)]
    return centres


@dataclass(frozen=True)
class _Rings:
    """All cells' rings as one run of half-edges: cell `owner`, from corner `tail` to corner `head`."""

    owner: Ints
    tail: Ints
    head: Ints


@dataclass(frozen=True)
class _Edges:
    """Each border once: its two `ends`, the `cells` on its sides (-1: outside), and the edge `of_half`."""

    ends: Ints
    cells: Ints
    of_half: Ints
    forward: npt.NDArray[np.bool_]


def _cells(sites: Array, land: Terrain, extent: float) -> tuple[_Rings, Array]:
    """Return the Voronoi cells of the sites. Their mirror images beyond the outline make it their border."""
    shore = shapely.get_exterior_ring(land.outline)
    shapely.prepare(shore)
    inner = shapely.buffer(land.outline, -5.0 if len(sites) >= 2_000 else -1_000.0)
    rim = sites[~shapely.contains_xy(inner, sites[:, 0], sites[:, 1])]
    feet = shapely.line_interpolate_point(shore, shapely.line_locate_point(shore, shapely.points(rim)))
    mirrored = 2 * shapely.get_coordinates(feet) - rim
    outside = ~shapely.contains_xy(land.outline, mirrored[:, 0], mirrored[:, 1])
    everyone = np.vstack([sites, mirrored[outside]])
    cells = shapely.voronoi_polygons(shapely.multipoints(everyone), ordered=True)
    kept = shapely.get_parts(cells)[: len(sites)]
    coords, owner = shapely.get_coordinates(shapely.get_exterior_ring(kept), return_index=True)
    degrees = to_degrees(coords, extent)
    keys = np.round(degrees * 1e6).astype(np.int64)
    _, first, corner = np.unique(
        keys[:, 0] * 1_000_000_000 + keys[:, 1], return_index=True, return_inverse=True
    )
    same_cell = owner[1:] == owner[:-1]
    moved = corner[1:] != corner[:-1]
    half = np.flatnonzero(same_cell & moved)
    return _Rings(owner[half], corner[half], corner[half + 1]), degrees[first]


def _edges(rings: _Rings) -> _Edges:
    """Return each border once, with the cells on both its sides."""
    low, high = np.minimum(rings.tail, rings.head), np.maximum(rings.tail, rings.head)
    ends, of_half, count = np.unique(
        np.column_stack([low, high]), axis=0, return_inverse=True, return_counts=True
    )
    if count.max() > 2:
        raise RuntimeError("a border with more than two sides")
    cells = np.full((len(ends), 2), -1, dtype=np.int64)
    order = np.argsort(of_half, kind="stable")
    starts = np.concatenate([[0], np.cumsum(count)[:-1]])
    cells[:, 0] = rings.owner[order[starts]]
    shared = count == 2
    cells[shared, 1] = rings.owner[order[starts[shared] + 1]]
    return _Edges(ends, cells, of_half.ravel(), rings.tail < rings.head)


def _bends(edges: _Edges, corners: Array, straight: npt.NDArray[np.bool_], plan: Plan) -> tuple[Array, Ints]:
    """Return for each border the points between its ends (7 slots, from the lower end) and how many are used.

    City blocks keep straight sides; the longer a border, the more it winds.
    """
    rng = stream(plan.seed, "borders")
    a, b = corners[edges.ends[:, 0]], corners[edges.ends[:, 1]]
    aspect = np.array([0.78, 1.0])  # a degree of longitude is shorter
    long_km = np.hypot(*((b - a) * aspect).T) * 111.0
    used = np.select([straight, long_km < 0.35, long_km < 0.8, long_km < 1.6], [0, 0, 1, 3], default=7)
    nodes = np.zeros((len(a), 9, 2))
    nodes[:, 0], nodes[:, 8] = a, b
    for reach in (8, 4, 2):
        for left in range(0, 8, reach):
            first, last = nodes[:, left], nodes[:, left + reach]
            run = last - first
            across = np.column_stack([-run[:, 1] / aspect[0], run[:, 0] * aspect[0]])
            swing = rng.uniform(-0.13, 0.13, (len(a), 1))
            nodes[:, left + reach // 2] = (first + last) / 2 + across * swing
    nodes = np.round(nodes, 6)
    bends = np.zeros((len(a), 7, 2))
    for count, slots in ((1, (4,)), (3, (2, 4, 6)), (7, (1, 2, 3, 4, 5, 6, 7))):
        rows = used == count
        for place, slot in enumerate(slots):
            bends[rows, place] = nodes[rows, slot]
    return bends, used.astype(np.int64)


def _polygons(
    rings: _Rings, corners: Array, edges: _Edges, straight: npt.NDArray[np.bool_], plan: Plan
) -> npt.NDArray[np.object_]:
    """Return the cells' polygons: corners and bends in ring order, a bend from both its sides alike."""
    bends, used = _bends(edges, corners, straight, plan)
    count = used[edges.of_half]
    length = count + 1
    starts = np.cumsum(length) - length
    half = np.repeat(np.arange(len(length)), length)
    step = np.arange(length.sum()) - starts[half] - 1  # -1: the corner itself, then the bends
    slot = np.where(edges.forward[half], step, count[half] - 1 - step)
    points = np.where(
        (step < 0)[:, None],
        corners[rings.tail[half]],
        bends[edges.of_half[half], np.clip(slot, 0, 6)],
    )
    shapes = shapely.polygons(shapely.linearrings(points, indices=rings.owner[half]))
    return np.asarray(shapely.orient_polygons(shapes))
