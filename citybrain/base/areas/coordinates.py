"""Between WGS-84, GCJ-02 (火星坐标), BD-09 (Baidu) and CGCS2000, for single numbers and for arrays.

Everything inside the house is WGS-84 longitude, latitude in degrees; the other systems end where data comes in
and where it goes out. CGCS2000 and WGS-84 differ by centimetres and count as the same in degrees; as metres,
CGCS2000 is the 3-degree Gauss-Krüger projection, named by its EPSG number.

GCJ-02 and BD-09 are unpublished. The formulas here are the ones in common use; the inverse is found by iteration
to well under a centimetre. Outside China's rectangle neither system shifts anything.
"""

from collections.abc import Callable
from typing import Any, Literal, get_args, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from citybrain.base.areas import gauss_kruger

Floats = NDArray[np.float64]
System = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
SYSTEMS: tuple[str, ...] = get_args(System)

CHINA_WEST, CHINA_EAST = 72.004, 137.8347
CHINA_SOUTH, CHINA_NORTH = 0.8293, 55.8271

_GCJ_SEMI_MAJOR_M = 6_378_245.0  # Krasovsky 1940
_GCJ_ECCENTRICITY_2 = 0.00669342162296594323
_BD_TURNS = np.pi * 3000.0 / 180.0
_BD_SHIFT_LON, _BD_SHIFT_LAT = 0.0065, 0.006
_ROUNDS = 12  # the offset changes by less than a thousandth over its own length: 12 rounds leave no digit
_CLOSE_ENOUGH = 1e-11  # degrees, about a micrometre


class UnknownSystemError(ValueError):
    """A coordinate system or an EPSG number that isn't known here."""


_Pair = tuple[Floats, Floats]


class _Conversion:
    """A conversion of array pairs, made to answer floats with floats."""

    def __init__(self, convert: Callable[[Floats, Floats], _Pair]) -> None:
        self._convert = convert
        self.__doc__ = convert.__doc__
        self.__name__ = convert.__name__

    @overload
    def __call__(self, lon: float, lat: float) -> tuple[float, float]: ...
    @overload
    def __call__(self, lon: ArrayLike, lat: ArrayLike) -> _Pair: ...
    def __call__(self, lon: Any, lat: Any) -> Any:
        return _answer(self._convert, lon, lat)


def _answer(convert: Callable[[Floats, Floats], _Pair], lon: Any, lat: Any) -> Any:
    x, y = np.broadcast_arrays(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
    first, second = convert(x, y)
    return (float(first), float(second)) if x.ndim == 0 else (first, second)


def in_china(lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    """Return which points lie in the rectangle inside which GCJ-02 is shifted (its edge belongs to it)."""
    inside: NDArray[np.bool_] = (
        (lon >= CHINA_WEST) & (lon <= CHINA_EAST) & (lat >= CHINA_SOUTH) & (lat <= CHINA_NORTH)
    )
    return inside


def _waves(x: Floats, y: Floats, *, scale: float) -> Floats:
    """Return the 20-metre waves common to both axes plus those of `y` over 12·`scale` and 30 steps."""
    total: Floats = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    total = total + (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    far, near = (160.0, 320.0) if scale == 1.0 else (150.0, 300.0)
    return total + (far * np.sin(y / 12.0 * np.pi) + near * np.sin(y / 30.0 * np.pi)) * 2.0 / 3.0


def _shift(lon: Floats, lat: Floats) -> _Pair:
    """Return the offset in degrees that GCJ-02 adds at a WGS-84 point; zero outside China."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + _waves(x, y, scale=1.0)
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + _waves(x, x, scale=0.0)
    phi = np.radians(lat)
    magic = 1 - _GCJ_ECCENTRICITY_2 * np.sin(phi) ** 2
    meridian = _GCJ_SEMI_MAJOR_M * (1 - _GCJ_ECCENTRICITY_2) / (magic * np.sqrt(magic))
    parallel = _GCJ_SEMI_MAJOR_M / np.sqrt(magic) * np.cos(phi)
    inside = in_china(lon, lat)
    return (
        np.where(inside, np.degrees(east / parallel), 0.0),
        np.where(inside, np.degrees(north / meridian), 0.0),
    )


@_Conversion
def wgs84_to_gcj02(lon: Floats, lat: Floats) -> _Pair:
    """Return GCJ-02 longitude and latitude of WGS-84 points."""
    east, north = _shift(lon, lat)
    return lon + east, lat + north


@_Conversion
def gcj02_to_wgs84(lon: Floats, lat: Floats) -> _Pair:
    """Return the WGS-84 points that GCJ-02 shifts to the ones given, to under a centimetre."""
    x, y = lon.copy(), lat.copy()
    for _ in range(_ROUNDS):
        east, north = _shift(x, y)
        next_x, next_y = lon - east, lat - north
        moved = np.maximum(np.abs(next_x - x), np.abs(next_y - y))
        x, y = next_x, next_y
        if not np.any(moved > _CLOSE_ENOUGH):
            break
    outside = ~in_china(lon, lat)
    return np.where(outside, lon, x), np.where(outside, lat, y)


@_Conversion
def gcj02_to_bd09(lon: Floats, lat: Floats) -> _Pair:
    """Return BD-09 longitude and latitude of GCJ-02 points."""
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_TURNS)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_TURNS)
    inside = in_china(lon, lat)
    return (
        np.where(inside, radius * np.cos(angle) + _BD_SHIFT_LON, lon),
        np.where(inside, radius * np.sin(angle) + _BD_SHIFT_LAT, lat),
    )


@_Conversion
def bd09_to_gcj02(lon: Floats, lat: Floats) -> _Pair:
    """Return the GCJ-02 points that BD-09 shifts to the ones given, to under a centimetre."""
    x, y = lon - _BD_SHIFT_LON, lat - _BD_SHIFT_LAT
    for _ in range(_ROUNDS):
        radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_TURNS)
        angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_TURNS)
        off_x = lon - (radius * np.cos(angle) + _BD_SHIFT_LON)
        off_y = lat - (radius * np.sin(angle) + _BD_SHIFT_LAT)
        x, y = x + off_x, y + off_y
        if not np.any(np.maximum(np.abs(off_x), np.abs(off_y)) > _CLOSE_ENOUGH):
            break
    outside = ~in_china(lon, lat)
    return np.where(outside, lon, x), np.where(outside, lat, y)


@_Conversion
def wgs84_to_bd09(lon: Floats, lat: Floats) -> _Pair:
    """Return BD-09 longitude and latitude of WGS-84 points."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


@_Conversion
def bd09_to_wgs84(lon: Floats, lat: Floats) -> _Pair:
    """Return the WGS-84 points of BD-09 ones, to under a centimetre."""
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def zone(epsg: int) -> tuple[float, float]:
    """Return central meridian (degrees east) and false easting (metres) of a CGCS2000 3-degree zone.

    EPSG 4513 to 4533 carry the zone number (25 to 45) before the easting, 4534 to 4554 don't.

    Raises UnknownSystemError for any other number.
    """
    if 4513 <= epsg <= 4533:
        number = epsg - 4513 + 25
        return number * 3.0, number * 1_000_000.0 + 500_000.0
    if 4534 <= epsg <= 4554:
        return 75.0 + (epsg - 4534) * 3.0, 500_000.0
    raise UnknownSystemError(
        f"EPSG {epsg} is no CGCS2000 3-degree zone; 4513 to 4533 (with zone number) and 4534 to 4554 are"
    )


def epsg_for(lon: float) -> int:
    """Return the zone (without number before the easting) whose meridian is nearest to a longitude.

    Raises UnknownSystemError where no zone lies within 1.5 degrees (China's are 73.5 to 136.5 east).
    """
    nearest = round((lon - 75.0) / 3.0)
    if not 0 <= nearest <= 20:
        raise UnknownSystemError(f"longitude {lon} lies in none of the CGCS2000 3-degree zones")
    return 4534 + nearest


@overload
def wgs84_to_cgcs2000(lon: float, lat: float, epsg: int) -> tuple[float, float]: ...
@overload
def wgs84_to_cgcs2000(lon: ArrayLike, lat: ArrayLike, epsg: int) -> _Pair: ...
def wgs84_to_cgcs2000(lon: Any, lat: Any, epsg: int) -> Any:
    """Return easting and northing in metres (in that order) in the given 3-degree zone."""
    meridian, false_easting = zone(epsg)

    def convert(x: Floats, y: Floats) -> _Pair:
        east, north = gauss_kruger.project(x, y, meridian)
        return east + false_easting, north

    return _answer(convert, lon, lat)


@overload
def cgcs2000_to_wgs84(easting: float, northing: float, epsg: int) -> tuple[float, float]: ...
@overload
def cgcs2000_to_wgs84(easting: ArrayLike, northing: ArrayLike, epsg: int) -> _Pair: ...
def cgcs2000_to_wgs84(easting: Any, northing: Any, epsg: int) -> Any:
    """Return longitude and latitude of easting and northing in metres in the given 3-degree zone."""
    meridian, false_easting = zone(epsg)
    return _answer(lambda x, y: gauss_kruger.unproject(x - false_easting, y, meridian), easting, northing)


def _same(lon: Floats, lat: Floats) -> _Pair:
    return lon, lat


_SAME = _Conversion(_same)
_TO_WGS84 = {"wgs84": _SAME, "cgcs2000": _SAME, "gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}
_FROM_WGS84 = {"wgs84": _SAME, "cgcs2000": _SAME, "gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}


def _conversion(table: dict[str, _Conversion], system: str) -> _Conversion:
    found = table.get(system)
    if found is None:
        raise UnknownSystemError(
            f"coordinate system {system!r} is not known; use one of {', '.join(SYSTEMS)}"
        )
    return found


@overload
def to_wgs84(lon: float, lat: float, system: str) -> tuple[float, float]: ...
@overload
def to_wgs84(lon: ArrayLike, lat: ArrayLike, system: str) -> _Pair: ...
def to_wgs84(lon: Any, lat: Any, system: str) -> Any:
    """Return WGS-84 degrees of degrees in one of `SYSTEMS`; raises UnknownSystemError."""
    return _conversion(_TO_WGS84, system)(lon, lat)


@overload
def from_wgs84(lon: float, lat: float, system: str) -> tuple[float, float]: ...
@overload
def from_wgs84(lon: ArrayLike, lat: ArrayLike, system: str) -> _Pair: ...
def from_wgs84(lon: Any, lat: Any, system: str) -> Any:
    """Return degrees in one of `SYSTEMS` of WGS-84 degrees; raises UnknownSystemError."""
    return _conversion(_FROM_WGS84, system)(lon, lat)
