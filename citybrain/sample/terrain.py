"""The lie of the land: the city's outline, its river, and how densely it is built. Kilometres, on a plane."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from citybrain.sample.plan import stream

Array = npt.NDArray[np.float64]

WIDTH_KM, HEIGHT_KM = 70.0, 90.0
CENTRE_LON, CENTRE_LAT = 119.82, 38.76
"""The middle of the city: in the open water of the Bohai Sea, where nobody lives, inside the box in which
Chinese coordinate systems are defined, and in Tianjin's latitude. Our choice."""
KM_PER_LAT = 111.0
KM_PER_LON = 111.32 * float(np.cos(np.radians(CENTRE_LAT)))


@dataclass(frozen=True)
class Terrain:
    """`outline` of the land, the `river` through it, `hubs`: x, y, grids per km² at the top, spread."""

    outline: shapely.Polygon
    river: shapely.LineString
    hubs: Array
    countryside: float
    phases: Array

    def density(self, points: Array) -> Array:
        """Return how densely each point is built, in grids per km² (relative where the city is scaled)."""
        x, y = points[:, 0, None], points[:, 1, None]
        away = ((x - self.hubs[:, 0]) ** 2 + (y - self.hubs[:, 1]) ** 2) / (2 * self.hubs[:, 3] ** 2)
        # A bell with a long tail: suburbs thin out along the way, they don't end at a wall.
        bell = 0.8 * np.exp(-away) + 0.2 / (1 + away) ** 2
        return np.asarray(self.countryside + (self.hubs[:, 2] * bell).sum(axis=1))

    def drift(self, points: Array) -> Array:
        """Return the points moved by a smooth field, so that borders drawn between them come out curved."""
        moved = points.copy()
        span = self.outline.bounds[2]
        for number, (length, height) in enumerate(((0.42, 0.036), (0.19, 0.018), (0.08, 0.008))):
            turn = self.phases[number]
            u, v = points[:, 0] / (length * span) * 2 * np.pi, points[:, 1] / (length * span) * 2 * np.pi
            moved[:, 0] += height * span * np.sin(v + turn[0]) * np.cos(0.6 * u + turn[1])
            moved[:, 1] += height * span * np.sin(u + turn[2]) * np.cos(0.6 * v + turn[3])
        return moved

    @property
    def centre(self) -> Array:
        """Return the busiest point."""
        return self.hubs[0, :2]


def _outline(rng: np.random.Generator, extent: float) -> shapely.Polygon:
    """Return a closed shape taller than wide, rough inland, with bays on the eastern coast."""
    turn = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    radius = np.ones_like(turn)
    inland = 0.5 - 0.5 * np.cos(turn)  # 0 in the east, 1 in the west
    for waves, height in ((2, 0.06), (3, 0.09), (5, 0.065), (7, 0.05), (11, 0.03), (19, 0.018), (37, 0.009)):
        roughness = 1.0 if waves < 5 else 0.25 + 0.75 * inland
        radius += height * roughness * np.sin(waves * turn + rng.uniform(0, 2 * np.pi))
    for middle, depth, width in ((-0.42, -0.20, 0.05), (0.02, 0.10, 0.012), (0.45, -0.09, 0.03)):
        off = (turn - middle + np.pi) % (
            2 * np.pi
        ) - np.pi  # a wide bay, the cape of the harbour, a small bay
        radius += depth * np.exp(-(off**2) / width)
    corner = (np.abs(np.cos(turn)) ** 2.6 + np.abs(np.sin(turn)) ** 2.6) ** (-1 / 2.6)
    x, y = radius * corner * np.cos(turn), radius * corner * np.sin(turn)
    x = (x - x.min()) / np.ptp(x) * WIDTH_KM * extent
    y = (y - y.min()) / np.ptp(y) * HEIGHT_KM * extent
    return shapely.Polygon(np.column_stack([x, y]))


def _river(rng: np.random.Generator, extent: float) -> shapely.LineString:
    """Return the river: from the north-west, in bends through the centre, to the eastern coast."""
    along = np.linspace(-0.1, 1.1, 400)
    x = along * WIDTH_KM
    y = HEIGHT_KM * (0.60 - 0.17 * along)
    for bends, height in ((1.3, 3.5), (3.1, 2.2), (6.7, 0.9), (13.0, 0.35)):
        y = y + height * np.sin(2 * np.pi * bends * along + rng.uniform(0, 2 * np.pi))
    return shapely.LineString(np.column_stack([x, y]) * extent)


def terrain(seed: int, extent: float) -> Terrain:
    """Return the land of the city of `seed`; `extent` 1 is 70 × 90 km."""
    rng = stream(seed, "terrain")
    outline, river = _outline(rng, extent), _river(rng, extent)
    bridge = river.interpolate(0.47, normalized=True)
    hubs = [(bridge.x, bridge.y, 30.0, 6.5 * extent)]
    harbour = river.interpolate(0.78, normalized=True)
    hubs.append((harbour.x, harbour.y - 2 * extent, 9.0, 4.5 * extent))
    towns = [(0.50, 0.86), (0.27, 0.74), (0.74, 0.72), (0.20, 0.42), (0.34, 0.24), (0.60, 0.16), (0.70, 0.34)]
    for u, v in towns:
        x, y = np.array([u * WIDTH_KM, v * HEIGHT_KM]) * extent + rng.normal(0, 1.5 * extent, 2)
        hubs.append((float(x), float(y), float(rng.uniform(7, 14)), float(rng.uniform(1.8, 3.0)) * extent))
    return Terrain(outline, river, np.array(hubs), countryside=0.75, phases=rng.uniform(0, 2 * np.pi, (3, 4)))


def to_degrees(points: Array, extent: float) -> Array:
    """Return longitude and latitude (WGS-84, rounded to 1e-6 degree, 0.1 m) of points on the plane."""
    lon = CENTRE_LON + (points[:, 0] - WIDTH_KM * extent / 2) / KM_PER_LON
    lat = CENTRE_LAT + (points[:, 1] - HEIGHT_KM * extent / 2) / KM_PER_LAT
    return np.asarray(np.round(np.column_stack([lon, lat]), 6), dtype=np.float64)
