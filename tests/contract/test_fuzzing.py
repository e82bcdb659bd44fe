"""Any bytes, and broken copies of sound records, keep what decoding promises. ``make fuzz``: ten million times."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.bad_records import BAD, GOOD

from .fuzzing import NAMES, check

_KEYS = st.none() | st.binary(max_size=30)
_VALUES = [json.dumps(good).encode() for good in GOOD.values()] + [v for _, v, _ in BAD.values() if len(v) < 2_000]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)

any_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@any_machine
@given(st.sampled_from(NAMES), _KEYS, st.none() | st.binary(max_size=200))
def test_any_bytes(topic: str, key: bytes | None, value: bytes | None) -> None:
    check(topic, key, value)


@any_machine
@given(st.sampled_from(NAMES), _KEYS, st.sampled_from(_VALUES), st.data())
def test_broken_copies(topic: str, key: bytes | None, value: bytes, data: st.DataObject) -> None:
    """A piece of one is put into another."""
    other = data.draw(st.sampled_from(_VALUES) | st.binary(max_size=8))
    begin, end = sorted((data.draw(st.integers(0, len(value))), data.draw(st.integers(0, len(value)))))
    check(topic, key, value[:begin] + other[: data.draw(st.integers(0, len(other)))] + value[end:])


@any_machine
@given(st.sampled_from(sorted(GOOD)), _KEYS, st.data())
def test_fields_of_any_kind(topic: str, key: bytes | None, data: st.DataObject) -> None:
    document = dict(GOOD[topic])
    for name in data.draw(st.lists(st.sampled_from([*document, "event_id", "created_at", "note"]), max_size=3)):
        document[name] = data.draw(_JSON)
    check(topic, key, json.dumps(document).encode())
