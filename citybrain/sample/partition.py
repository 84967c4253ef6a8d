"""Groups of neighbouring cells: grids into communities, streets and districts, each in one piece."""

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from citybrain.sample.mesh import Mesh
from citybrain.sample.plan import Plan, stream
from citybrain.sample.terrain import Array, Terrain

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Partition:
    """For each cell the number of its district, street and community; numbers run through the whole city.

    Children of one parent have consecutive numbers, so that codes can be counted off.
    """

    district: Ints
    street: Ints
    community: Ints


def partition(plan: Plan, mesh: Mesh, land: Terrain) -> Partition:
    """Return the cells grouped as `plan` counts them."""
    near = _neighbours(mesh)
    rng = stream(plan.seed, "partition")
    everyone = np.arange(len(mesh.sites))
    drifted = land.drift(mesh.sites)
    warped = _warp(drifted, drifted[np.argmax(land.density(mesh.sites))], 2.6 * plan.extent)
    district = _from_the_centre(_grow(everyone, warped, near, plan.districts, rng, river=0.8), warped)
    street = _split(district, plan.streets, mesh.sites, near, rng, river=0.8)
    community = _split(street, plan.communities, mesh.sites, near, rng, river=1.5)
    return Partition(district, street, community)


def share_out(total: int, weights: Array, most: Ints) -> Ints:
    """Return `total` shared out by weight in whole numbers, each at least 1 and at most `most`.

    Raises ValueError where that can't be done.
    """
    if not len(weights) <= total <= int(most.sum()):
        raise ValueError(f"{total} can't be shared out to {len(weights)} that hold {int(most.sum())}")
    exact = weights / weights.sum() * total
    shares = np.clip(np.floor(exact).astype(np.int64), 1, most)
    while (missing := total - int(shares.sum())) != 0:
        room = shares < most if missing > 0 else shares > 1
        gap = np.where(room, (exact - shares) * np.sign(missing), -np.inf)
        step = np.argsort(-gap, kind="stable")[: min(abs(missing), int(room.sum()))]
        shares[step] += np.sign(missing)
    return np.asarray(shares)


def _from_the_centre(group: Ints, warped: Array) -> Ints:
    """Return the groups numbered anew, the innermost first: the old town has the first codes."""
    far = np.bincount(group, weights=np.hypot(warped[:, 0], warped[:, 1])) / np.bincount(group)
    place = np.empty(len(far), dtype=np.int64)
    place[np.argsort(far, kind="stable")] = np.arange(len(far))
    return np.asarray(place[group])


def _warp(sites: Array, centre: Array, core: float) -> Array:
    """Return the sites with the centre spread out, so that the old town gets several districts."""
    away = sites - centre
    far = np.hypot(away[:, 0], away[:, 1])[:, None]
    return np.asarray(away / np.maximum(far, 1e-9) * np.log1p(far / core))


def _neighbours(mesh: Mesh) -> list[list[tuple[int, bool]]]:
    """Return for each cell its neighbours, and whether the river lies between."""
    near: list[list[tuple[int, bool]]] = [[] for _ in mesh.sites]
    for (a, b), crossing in zip(mesh.pairs.tolist(), mesh.crosses.tolist(), strict=True):
        near[a].append((b, crossing))
        near[b].append((a, crossing))
    return near


def _split(
    parent: Ints,
    total: int,
    where: Array,
    near: list[list[tuple[int, bool]]],
    rng: np.random.Generator,
    river: float,
) -> Ints:
    """Return `total` groups inside the parents' borders, more where a parent has more cells."""
    sizes = np.bincount(parent)
    shares = share_out(total, sizes * rng.uniform(0.85, 1.15, len(sizes)), sizes)
    order = np.argsort(parent, kind="stable")
    result = np.empty_like(parent)
    first = 0
    for cells, share in zip(np.split(order, np.cumsum(sizes)[:-1]), shares.tolist(), strict=True):
        result[cells] = first + _grow(cells, where, near, share, rng, river)
        first += share
    return result


def _grow(
    cells: Ints,
    where: Array,
    near: list[list[tuple[int, bool]]],
    count: int,
    rng: np.random.Generator,
    river: float,
) -> Ints:
    """Return the group (0 … count-1) of each of `cells`: each grown from a seed over shared borders.

    A step over the river costs `river` times a group's width more, so borders like to follow it. Groups are
    numbered from north to south.
    """
    spots = where[cells]
    toll = river * float(np.sqrt(np.ptp(spots, axis=0).prod() / count))
    seeds = _seeds(spots, count, rng)
    seeds = seeds[np.lexsort((spots[seeds, 0], -spots[seeds, 1].round(1)))]
    local = {cell: place for place, cell in enumerate(cells.tolist())}
    xy = spots.tolist()
    group = [-1] * len(cells)
    heap = [(0.0, number, place) for number, place in enumerate(seeds.tolist())]
    members = cells.tolist()
    while heap:
        cost, number, place = heapq.heappop(heap)
        if group[place] >= 0:
            continue
        group[place] = number
        x, y = xy[place]
        for other, crossing in near[members[place]]:
            there = local.get(other)
            if there is None or group[there] >= 0:
                continue
            u, v = xy[there]
            step = ((x - u) ** 2 + (y - v) ** 2) ** 0.5 + (toll if crossing else 0.0)
            heapq.heappush(heap, (cost + step, number, there))
    return np.array(group, dtype=np.int64)


def _seeds(spots: Array, count: int, rng: np.random.Generator) -> Ints:
    """Return `count` different places spread as the spots are (a few rounds of k-means)."""
    chosen = rng.choice(len(spots), size=count, replace=False)
    centres = spots[chosen].copy()
    for _ in range(8 if count > 1 else 0):
        owner = _nearest(spots, centres)
        size = np.bincount(owner, minlength=count)
        for axis in (0, 1):
            total = np.bincount(owner, weights=spots[:, axis], minlength=count)
            centres[:, axis] = np.where(size > 0, total / np.maximum(size, 1), centres[:, axis])
    taken: set[int] = set()
    for number, centre in enumerate(centres):
        away = ((spots - centre) ** 2).sum(axis=1)
        for place in np.argsort(away, kind="stable").tolist():
            if place not in taken:
                taken.add(place)
                chosen[number] = place
                break
    return chosen.astype(np.int64)


def _nearest(spots: Array, centres: Array) -> Ints:
    """Return the number of the nearest centre of each spot."""
    away = ((spots[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(away.argmin(axis=1), dtype=np.int64)
