"""Records that break the contract, each in one way: what dead letters are for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from liontrack_stream.contract.topics import ACTIVITIES, BY_NAME, CHALLENGES, POSITIONS, QUALITY, WEIGHTS
from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.sources.simulator.plan import DAY_MS, Plan, Stream, rng_for
from liontrack_stream.sources.simulator.positions import Arriving

Breaking = Callable[[dict[str, Any]], bytes]
_encode = msgspec.json.encode
_OVERSIZED_CHARS = 300_000


def _set(**changes: Any) -> Breaking:
    return lambda event: _encode({**event, **changes})


def _without(field: str) -> Breaking:
    return lambda event: _encode({name: value for name, value in event.items() if name != field})


_ANY: tuple[Breaking, ...] = (
    lambda event: _encode(event)[:-7],
    lambda event: b"",
    lambda event: b"not json at all",
    lambda event: _encode([event]),
    lambda event: _encode(event)[:-1] + b',"note":"\xff\xfe"}',
    _set(note="a NUL \x00 character"),
)
BREAKINGS: dict[str, tuple[Breaking, ...]] = {
    POSITIONS.name: (
        *_ANY,
        _without("lion_id"),
        _without("position"),
        _without("timestamp"),
        _set(lion_id=""),
        _set(lion_id=17),
        _set(timestamp="yesterday"),
        _set(position={"lat": -95.2, "lng": 23.1}),
        _set(position={"lat": -21.9, "lng": 223.1}),
        _set(position={"lat": "south", "lng": 23.1}),
        lambda event: _encode({**event, "position": None}).replace(b"null", b'{"lat":NaN,"lng":23.1}'),
        _set(name="x" * _OVERSIZED_CHARS),
    ),
    WEIGHTS.name: (
        *_ANY,
        _without("weight_id"),
        _set(weight=0),
        _set(weight=-12.5),
        _set(unit="stone"),
        _set(weight="heavy"),
    ),
    ACTIVITIES.name: (*_ANY, _without("user_id"), _set(timestamp=True), _set(user_id="")),
    CHALLENGES.name: (*_ANY, _without("challenge_id"), _set(status="paused"), _set(updated_at="soon")),
    QUALITY.name: (*_ANY, _without("table_name"), _set(total_records="many"), _without("check_timestamp")),
}


def bad_records_of_day(plan: Plan, day: int, models: list[Arriving]) -> list[Arriving]:
    """About ``bad_fraction`` as many records as ``models``: each a broken copy of one, beside the sound ones."""
    if plan.bad_fraction <= 0 or not models:
        return []
    rng = rng_for(plan, Stream.BAD, day)
    count = int(plan.bad_fraction * len(models) + rng.random())
    records = []
    for at, how, when in rng.random((count, 3)).tolist():
        _, model = models[int(at * len(models))]
        breakings = BREAKINGS[BY_NAME[model.topic].name]
        value = breakings[int(how * len(breakings))](msgspec.json.decode(model.value or b"{}"))
        arrival = plan.start_ms + day * DAY_MS + int(when * DAY_MS)
        records.append((arrival, Outgoing(model.topic, model.key, value, model.headers)))
    return records
