"""Geodesic distances on WGS84 and the speed rule's limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

_WGS84 = Geod(ellps="WGS84")

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


def distance_m(lat1: Floats, lng1: Floats, lat2: Floats, lng2: Floats) -> Floats:
    """Geodesic metres between two arrays of points in degrees (Karney 2013, by PROJ)."""
    if len(lat1) == 0:
        return np.empty(0)
    return np.asarray(_WGS84.inv(lng1, lat1, lng2, lat2)[2], dtype=np.float64)


def impossibly_fast(metres: Floats, elapsed_us: Ints, limits_kmh: tuple[float, float, float, float]) -> Mask:
    """Whether a step is faster than a lion: limits for steps under 10 min, under 1 h, up to 4 h, and longer."""
    limit = np.select(
        [elapsed_us < 10 * MINUTE_US, elapsed_us < HOUR_US, elapsed_us <= 4 * HOUR_US],
        list(limits_kmh[:3]),
        default=limits_kmh[3],
    )
    return np.asarray(metres * 3.6e6 / elapsed_us > limit)
