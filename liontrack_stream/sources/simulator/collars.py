"""What a collar makes of a walk: which fixes it takes, when they arrive, and what is wrong with them.

taken      00:00 00:30 [gap]        05:00 05:30 06:00 06:30
satellite  ok    ok      ok         lost ················· back 07:10
arrives    00:01 00:31              07:10 07:10 07:10 07:10    (late upload; some collars send the newest first)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from liontrack_stream.sources.simulator.movement import M_PER_DEG_LAT, STEPS_PER_DAY
from liontrack_stream.sources.simulator.plan import DAY_MS, HOUR_MS, MINUTE_MS, Plan, Stream, rng_for

# Chances per lion and day, and lengths
_GAP_CHANCE, _GAP_MAX_H = 0.08, 12.0
_DEAD_CHANCE, _DEAD_MAX_H = 0.003, 200.0
_OUTAGE_CHANCE, _OUTAGE_MIN_H, _OUTAGE_MAX_H = 0.06, 2.0, 96.0
# Chances per fix
_MISSED = 0.012
_OFF_BY_A_MINUTE = 0.06  # as in the real data
_ZERO_ZERO = 0.0004
_SPIKE, _SPIKE_MIN_M, _SPIKE_MAX_M = 0.0008, 25_000.0, 80_000.0
_NOT_VISIBLE = 0.0008
_FUTURE, _FUTURE_MS = 0.0001, 27_028 * DAY_MS  # a collar's clock 74 years ahead
_DUPLICATE = 0.01
_CONFLICT, _CONFLICT_DEG = 0.0005, 0.0002
_RESENT_AFTER_MAX_MS = 2 * DAY_MS
_MIDDAY_PAUSE_STEPS = range(16, 30)  # 10:00 to 17:00 local: two thirds of the real collars saved power so
_MIDDAY_PAUSE_EVERY, _NEWEST_FIRST_EVERY = 3, 5


@dataclass(slots=True)
class Collars:
    """Until when each lion's collar takes no fix, and until when it cannot send; milliseconds since the epoch."""

    gap_until_ms: np.ndarray
    silent_until_ms: np.ndarray


@dataclass(slots=True)
class Fixes:
    """Position events of a day; arrays of equal length. ``serial`` tells apart what an event id tells apart."""

    lion: np.ndarray
    time_ms: np.ndarray
    arrival_ms: np.ndarray
    lat: np.ndarray
    lng: np.ndarray
    dop: np.ndarray
    visible: np.ndarray
    serial: np.ndarray

    def take(self, index: np.ndarray) -> Fixes:
        return Fixes(*(getattr(self, field)[index] for field in self.__slots__))

    def join(self, *others: Fixes) -> Fixes:
        parts = (self, *others)
        return Fixes(*(np.concatenate([getattr(part, field) for part in parts]) for field in self.__slots__))


def start_collars(plan: Plan) -> Collars:
    never = np.zeros(plan.lions, dtype=np.int64)
    return Collars(never, never.copy())


def fixes_of_day(plan: Plan, collars: Collars, day: int, lat: np.ndarray, lng: np.ndarray) -> Fixes:
    """The day's events, duplicates and defects included, from positions of shape (48, lions)."""
    rng = rng_for(plan, Stream.COLLARS, day)
    midnight = plan.start_ms + day * DAY_MS
    times = midnight + np.arange(STEPS_PER_DAY, dtype=np.int64)[:, None] * (DAY_MS // STEPS_PER_DAY)
    times = np.broadcast_to(times, lat.shape)
    taken = (rng.random(lat.shape) >= _MISSED) & ~_in_gap(plan, collars, rng, midnight, times)
    jitter = rng.random(lat.shape)
    stamped = times + np.where(jitter < _OFF_BY_A_MINUTE, np.where(jitter < _OFF_BY_A_MINUTE / 2, -1, 1), 0) * MINUTE_MS
    arrival = _arrival(plan, collars, day, midnight, times)
    dop = 0.8 + 5.2 * rng.random(lat.shape) ** 3
    step, lion = np.nonzero(taken)
    fixes = Fixes(
        lion=lion,
        time_ms=np.maximum(stamped[step, lion], plan.start_ms),
        arrival_ms=arrival[step, lion],
        lat=lat[step, lion],
        lng=lng[step, lion],
        dop=dop[step, lion],
        visible=np.ones(len(lion), dtype=bool),
        serial=step * 4,
    )
    return _with_defects(plan, day, fixes)


def _in_gap(plan: Plan, collars: Collars, rng: np.random.Generator, midnight: int, times: np.ndarray) -> np.ndarray:
    n = plan.lions
    begins = midnight + (rng.random(n) * DAY_MS).astype(np.int64)
    hours = np.where(
        (dead := rng.random(n) < _DEAD_CHANCE),
        24 + rng.random(n) * (_DEAD_MAX_H - 24),
        rng.random(n) * _GAP_MAX_H,
    )
    has_gap = dead | (rng.random(n) < _GAP_CHANCE)
    ends = begins + (hours * HOUR_MS).astype(np.int64)
    gap: np.ndarray = (times < collars.gap_until_ms) | (has_gap & (times >= begins) & (times < ends))
    gap[_MIDDAY_PAUSE_STEPS.start : _MIDDAY_PAUSE_STEPS.stop, ::_MIDDAY_PAUSE_EVERY] = True
    collars.gap_until_ms = np.maximum(collars.gap_until_ms, np.where(has_gap, ends, 0))
    return gap


def _arrival(plan: Plan, collars: Collars, day: int, midnight: int, times: np.ndarray) -> np.ndarray:
    """When each fix reaches Kafka's door."""
    rng = rng_for(plan, Stream.UPLINK, day)
    n = plan.lions
    begins = midnight + (rng.random(n) * DAY_MS).astype(np.int64)
    hours = _OUTAGE_MIN_H + (_OUTAGE_MAX_H - _OUTAGE_MIN_H) * rng.random(n) ** 4
    free = collars.silent_until_ms <= midnight
    lost = free & (rng.random(n) < _OUTAGE_CHANCE)
    ends = begins + (hours * HOUR_MS).astype(np.int64)
    in_new = lost & (times >= begins) & (times < ends)
    in_old = times < collars.silent_until_ms
    back = np.where(in_new, ends, np.where(in_old, collars.silent_until_ms, 0))
    collars.silent_until_ms = np.where(lost, ends, collars.silent_until_ms)
    newest_first = (np.arange(n) % _NEWEST_FIRST_EVERY) == 0
    # Within an upload a second stands for an hour of waiting: in order, or newest first.
    waited_ms = np.where(back > 0, back - times, 0) // 3600
    longest_ms = int(_OUTAGE_MAX_H * 1000)
    upload = back + np.where(newest_first, waited_ms, longest_ms - waited_ms)
    usual = times + (20_000 + 160_000 * rng.random(times.shape)).astype(np.int64)
    return np.where(back > 0, upload, usual)


def _with_defects(plan: Plan, day: int, fixes: Fixes) -> Fixes:
    rng = rng_for(plan, Stream.DEFECTS, day)
    n = len(fixes.lion)
    u, direction, u_resent, distance = (rng.random(n) for _ in range(4))
    edges = np.cumsum([_ZERO_ZERO, _SPIKE, _NOT_VISIBLE, _FUTURE])
    kind = np.searchsorted(edges, u, side="right")  # 0 zero, 1 spike, 2 not visible, 3 future, 4 sound
    metres = _SPIKE_MIN_M + (_SPIKE_MAX_M - _SPIKE_MIN_M) * distance
    spike = np.where(kind == 1, metres / M_PER_DEG_LAT, 0.0)
    zero = kind == 0
    fixes.lat = np.where(zero, 0.0, fixes.lat + spike * np.cos(direction * 2 * np.pi))
    fixes.lng = np.where(zero, 0.0, fixes.lng + spike * np.sin(direction * 2 * np.pi))
    fixes.visible = kind != 2
    fixes.time_ms = fixes.time_ms + np.where(kind == 3, _FUTURE_MS, 0)
    return fixes.join(_resent(rng, fixes, u_resent))


def _resent(rng: np.random.Generator, fixes: Fixes, u_resent: np.ndarray) -> Fixes:
    """Copies that arrive later: most say the same, a few (another ``serial``) put the lion elsewhere."""
    index = np.nonzero(u_resent < _DUPLICATE + _CONFLICT)[0]
    again = fixes.take(index)
    differs = u_resent[index] >= _DUPLICATE
    again.arrival_ms = again.arrival_ms + 1 + (rng.random(len(index)) ** 3 * _RESENT_AFTER_MAX_MS).astype(np.int64)
    again.lat = again.lat + np.where(differs, _CONFLICT_DEG, 0.0)
    again.serial = again.serial + np.where(differs, 1, 0)
    return again
