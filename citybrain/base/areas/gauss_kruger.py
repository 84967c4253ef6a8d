"""The transverse Mercator projection on an ellipsoid (Gauss-Krüger), forwards and back.

Source: Krüger's series in the third flattening n, to n⁶ (C. F. F. Karney, "Transverse Mercator with an accuracy
of a few nanometers", J. Geodesy 85, 2011, equations 35 and 36). Within 40° of the central meridian the error of
the series is far below a millimetre.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# CGCS2000 (GB/T 22021 names the system; the figures of its ellipsoid: EPSG 1024).
SEMI_MAJOR_M = 6_378_137.0
FLATTENING = 1 / 298.257222101

_N = FLATTENING / (2 - FLATTENING)
_ECCENTRICITY = float(np.sqrt(FLATTENING * (2 - FLATTENING)))
_RADIUS_M = SEMI_MAJOR_M / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64 + _N**6 / 256)

_FORWARD = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16 + 41 * _N**4 / 180 - 127 * _N**5 / 288 + 7891 * _N**6 / 37800,
    13 * _N**2 / 48 - 3 * _N**3 / 5 + 557 * _N**4 / 1440 + 281 * _N**5 / 630 - 1983433 * _N**6 / 1935360,
    61 * _N**3 / 240 - 103 * _N**4 / 140 + 15061 * _N**5 / 26880 + 167603 * _N**6 / 181440,
    49561 * _N**4 / 161280 - 179 * _N**5 / 168 + 6601661 * _N**6 / 7257600,
    34729 * _N**5 / 80640 - 3418889 * _N**6 / 1995840,
    212378941 * _N**6 / 319334400,
)
_BACK = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96 - _N**4 / 360 - 81 * _N**5 / 512 + 96199 * _N**6 / 604800,
    _N**2 / 48 + _N**3 / 15 - 437 * _N**4 / 1440 + 46 * _N**5 / 105 - 1118711 * _N**6 / 3870720,
    17 * _N**3 / 480 - 37 * _N**4 / 840 - 209 * _N**5 / 4480 + 5569 * _N**6 / 90720,
    4397 * _N**4 / 161280 - 11 * _N**5 / 504 - 830251 * _N**6 / 7257600,
    4583 * _N**5 / 161280 - 108847 * _N**6 / 3991680,
    20648693 * _N**6 / 638668800,
)


def project(lon: Floats, lat: Floats, meridian: float) -> tuple[Floats, Floats]:
    """Return metres east of the central meridian and north of the equator; degrees in, scale 1 on the meridian."""
    along = np.radians(lon - meridian)
    phi = np.radians(lat)
    tau = np.tan(phi)
    sigma = np.sinh(_ECCENTRICITY * np.arctanh(_ECCENTRICITY * np.sin(phi)))
    conformal = tau * np.hypot(1, sigma) - sigma * np.hypot(1, tau)
    xi = np.arctan2(conformal, np.cos(along))
    eta = np.arcsinh(np.sin(along) / np.hypot(conformal, np.cos(along)))
    north, east = xi.copy(), eta.copy()
    for order, factor in enumerate(_FORWARD, 1):
        north += factor * np.sin(2 * order * xi) * np.cosh(2 * order * eta)
        east += factor * np.cos(2 * order * xi) * np.sinh(2 * order * eta)
    return _RADIUS_M * east, _RADIUS_M * north


def unproject(east_m: Floats, north_m: Floats, meridian: float) -> tuple[Floats, Floats]:
    """Return longitude and latitude in degrees; the inverse of `project`."""
    xi, eta = north_m / _RADIUS_M, east_m / _RADIUS_M
    xi_0, eta_0 = xi.copy(), eta.copy()
    for order, factor in enumerate(_BACK, 1):
        xi_0 -= factor * np.sin(2 * order * xi) * np.cosh(2 * order * eta)
        eta_0 -= factor * np.cos(2 * order * xi) * np.sinh(2 * order * eta)
    conformal = np.sin(xi_0) / np.hypot(np.sinh(eta_0), np.cos(xi_0))
    along = np.arctan2(np.sinh(eta_0), np.cos(xi_0))
    tau = conformal / (1 - _ECCENTRICITY**2)
    for _ in range(4):  # Newton; each round doubles the digits
        sigma = np.sinh(_ECCENTRICITY * np.arctanh(_ECCENTRICITY * tau / np.hypot(1, tau)))
        reached = tau * np.hypot(1, sigma) - sigma * np.hypot(1, tau)
        slope = (1 + (1 - _ECCENTRICITY**2) * tau**2) / ((1 - _ECCENTRICITY**2) * np.hypot(1, tau))
        tau = tau + (conformal - reached) / np.hypot(1, reached) * slope
    return meridian + np.degrees(along), np.degrees(np.arctan(tau))
