"""How lions walk: a persistent random walk on a daily clock, fitted to 107,323 fixes of nine Kalahari lions.

Half an hour a step. A lion is resting or moving (a Markov chain whose share of moving follows the local hour), moves
at a Weibull speed that lasts over some steps, keeps its heading, and turns for home at the edge of its range.
Days differ: most are lazy, a few are long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from liontrack_stream.sources.simulator.plan import Plan, Stream, rng_for

STEPS_PER_DAY = 48
STEP_H = 0.5
LOCAL_UTC_OFFSET_H = 2
M_PER_DEG_LAT = 110_850.0  # WGS84 near 22° south
M_PER_DEG_LNG_EQUATOR = 111_413.0

# By local hour, measured on the real fixes: share of steps above 0.2 km/h, and their mean speed over the night's.
_MOVING_SHARE = np.array(
    [0.49, 0.49, 0.48, 0.46, 0.43, 0.44, 0.46, 0.34, 0.18, 0.12, 0.03, 0.0,
     0.0, 0.0, 0.01, 0.03, 0.08, 0.18, 0.38, 0.47, 0.45, 0.46, 0.48, 0.50]
)  # fmt: skip
_SPEED_FACTOR = np.array(
    [1.0, 1.0, 1.03, 1.05, 1.08, 1.06, 1.0, 0.92, 0.62, 0.6, 0.6, 0.6,
     0.6, 0.6, 0.6, 0.6, 0.6, 0.62, 0.76, 0.87, 0.91, 0.95, 0.98, 0.98]
)  # fmt: skip
_STATE_MEMORY = 0.54  # P(moving | was moving) - P(moving | was resting)
_SPEED_SCALE_KMH, _SPEED_SHAPE = 1.64, 1.45
_SPEED_MAX_KMH = 10.2
_SPEED_KEPT = 0.35
_TURN_SD_RAD = 0.75
_SHUFFLE_SHARE, _SHUFFLE_MAX_M = 0.10, 90.0
_GPS_NOISE_M = 2.4
_RANGE_M = 11_000.0
_DAY_FLOOR, _DAY_SPAN, _DAY_POWER = 0.48, 2.5, 4.5  # most days lazy, a few long: median 7.7 km at a mean near 10
_KALAHARI = ((-22.6, 22.4), (-21.0, 24.8))  # south-west and north-east corner: lat, lng
_PRIDE = 4


@dataclass(slots=True)
class Walk:
    """The state of all lions between two days; arrays of one value per lion, distances from home in metres."""

    home_lat: np.ndarray
    home_lng: np.ndarray
    vigour: np.ndarray
    east_m: np.ndarray
    north_m: np.ndarray
    heading: np.ndarray
    speed_u: np.ndarray  # the speed's quantile, 0 to 1
    moving: np.ndarray


def start_walk(plan: Plan) -> Walk:
    """Lions in prides of four whose members share a range."""
    rng = rng_for(plan, Stream.HOMES)
    n = plan.lions
    prides = (n + _PRIDE - 1) // _PRIDE
    (south, west), (north, east) = _KALAHARI
    lat = south + (north - south) * rng.random(prides)
    lng = west + (east - west) * rng.random(prides)
    pride = np.arange(n) // _PRIDE
    return Walk(
        home_lat=lat[pride] + 0.02 * (rng.random(n) - 0.5),
        home_lng=lng[pride] + 0.02 * (rng.random(n) - 0.5),
        vigour=0.88 + 0.3 * rng.random(n),
        east_m=(rng.random(n) - 0.5) * _RANGE_M,
        north_m=(rng.random(n) - 0.5) * _RANGE_M,
        heading=rng.random(n) * 2 * np.pi,
        speed_u=rng.random(n),
        moving=np.zeros(n, dtype=bool),
    )


def walk_day(plan: Plan, walk: Walk, day: int) -> tuple[np.ndarray, np.ndarray]:
    """Advance all lions by one day.

    Returns
    -------
    latitude, longitude
        Degrees, shape (48, lions): where each lion is at 00:00, 00:30, … UTC, with GPS noise.
    """
    rng = rng_for(plan, Stream.WALK, day)
    n = plan.lions
    u_state, u_speed, u_keep, u_shuffle = (rng.random((STEPS_PER_DAY, n)) for _ in range(4))
    turn = _TURN_SD_RAD * _normal(rng, (STEPS_PER_DAY, n))
    energy = walk.vigour * (_DAY_FLOOR + _DAY_SPAN * rng.random(n) ** _DAY_POWER)
    east, north = np.empty((STEPS_PER_DAY, n)), np.empty((STEPS_PER_DAY, n))
    for step in range(STEPS_PER_DAY):
        hour = int(step * STEP_H + LOCAL_UTC_OFFSET_H) % 24
        east[step], north[step] = walk.east_m, walk.north_m
        share = np.minimum(_MOVING_SHARE[hour] * energy, 0.95)
        was_moving = walk.moving
        walk.moving = u_state[step] < share * (1 - _STATE_MEMORY) + _STATE_MEMORY * was_moving * (share > 0)
        walk.speed_u = np.where(was_moving & (u_keep[step] < _SPEED_KEPT), walk.speed_u, u_speed[step])
        metres = np.where(
            walk.moving,
            _speed_kmh(walk.speed_u, hour) * STEP_H * 1000,
            _shuffle_m(u_shuffle[step]),
        )
        walk.heading = _turn_home(walk, walk.heading + np.where(was_moving, 1.0, 2.0) * turn[step])
        walk.east_m = walk.east_m + metres * np.sin(walk.heading)
        walk.north_m = walk.north_m + metres * np.cos(walk.heading)
    east += _GPS_NOISE_M * _normal(rng, (STEPS_PER_DAY, n))
    north += _GPS_NOISE_M * _normal(rng, (STEPS_PER_DAY, n))
    return to_degrees(walk, east, north)


def to_degrees(walk: Walk, east_m: np.ndarray, north_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Metres from home into degrees; a plane near home, good to 0.5 % over a lion's range."""
    lat = walk.home_lat + north_m / M_PER_DEG_LAT
    lng = walk.home_lng + east_m / (M_PER_DEG_LNG_EQUATOR * np.cos(np.deg2rad(walk.home_lat)))
    return lat, lng


def _speed_kmh(quantile: np.ndarray, hour: int) -> np.ndarray:
    speed: np.ndarray = _SPEED_SCALE_KMH * _SPEED_FACTOR[hour] * (-np.log1p(-quantile)) ** (1 / _SPEED_SHAPE)
    return np.minimum(speed, _SPEED_MAX_KMH)


def _shuffle_m(u: np.ndarray) -> np.ndarray:
    """A resting lion stays, but for a few metres into the shade now and then."""
    return np.where(u < _SHUFFLE_SHARE, u / _SHUFFLE_SHARE * _SHUFFLE_MAX_M, 0.0)


def _turn_home(walk: Walk, heading: np.ndarray) -> np.ndarray:
    """Blend the heading with the way home, more so the farther out."""
    away = np.hypot(walk.east_m, walk.north_m)
    pull = 0.5 * np.minimum(1.0, (away / _RANGE_M) ** 2)
    scale = pull / np.maximum(away, 1.0)
    east = (1 - pull) * np.sin(heading) - scale * walk.east_m
    north = (1 - pull) * np.cos(heading) - scale * walk.north_m
    return np.arctan2(east, north)


def _normal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Close to standard normal, by three uniforms: enough for turns and noise, and the same on every machine."""
    total: np.ndarray = rng.random(shape) + rng.random(shape) + rng.random(shape) - 1.5
    return 2.0 * total
