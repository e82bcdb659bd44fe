"""What decoding promises for any bytes: for the fuzzer (``make fuzz``) and for hypothesis (test_fuzzing.py)."""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import chain
from typing import Any

import msgspec

from liontrack_stream.contract.convert import BrokenRule
from liontrack_stream.contract.decode import _careful, _decode, decode, decode_batch, decode_records
from liontrack_stream.contract.envelopes import BadEnvelope
from liontrack_stream.contract.events import Deletion, Position, Rejected, to_json
from liontrack_stream.contract.redact import redact
from liontrack_stream.contract.rules import CONTENT_RULES, SHAPE_RULES
from liontrack_stream.contract.times import BadTime
from liontrack_stream.contract.topics import POSITIONS, TOPICS

NAMES = tuple(topic.name for topic in TOPICS)
_EXPECTED = (BrokenRule, BadTime, BadEnvelope, msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_END_US = 253_402_300_800_000_000  # year 10000
_LARGEST = 262_144


def check(topic: str, key: bytes | None, value: bytes | None) -> None:
    """Decode; fail where a promise is broken."""
    event = decode(topic, key, value)
    assert event == decode(topic, key, value)
    if topic == POSITIONS.name:
        assert decode_records(topic, [(key, value)]) == [event], "the short cut says something else"
        assert list(decode_batch(topic, [key], [value])) == [event], "the short cut for batches says something else"
    if isinstance(event, Rejected):
        assert event.rule in SHAPE_RULES | CONTENT_RULES, event
        _expected_error(topic, key, value)
        return
    texts = list(_texts(msgspec.to_builtins(event)))
    assert not any("\x00" in text for text in texts), "PostgreSQL takes no NUL"
    for text in texts:
        text.encode()  # nor half a surrogate pair
    if isinstance(event, Deletion):
        assert event.entity_id.strip()
        return
    assert 0 <= event.time_us < _END_US
    to_json(event.extra)
    if isinstance(event, Position):
        assert -90 <= event.lat <= 90 and -180 <= event.lng <= 180
    assert all(math.isfinite(number) for number in _floats(msgspec.to_builtins(event)))
    if value is not None:
        redact(value)
        _the_same_the_careful_way(topic, key, value, event)


def _expected_error(topic: str, key: bytes | None, value: bytes | None) -> None:
    """A rejection is a rule that was found broken, not a defect that was caught."""
    with suppress(*_EXPECTED):
        _decode(topic, key, value, _LARGEST)


def _the_same_the_careful_way(topic: str, key: bytes | None, value: bytes, event: Any) -> None:
    careful = _careful(topic, key, value)
    if isinstance(event, Position):
        assert careful == event, "the short cut for plain positions says something else"


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in chain(value, value.values()) for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list | tuple) else []


def _floats(value: Any) -> list[float]:
    if isinstance(value, float):
        return [value]
    if isinstance(value, dict):
        return [number for item in value.values() for number in _floats(item)]
    return [number for item in value for number in _floats(item)] if isinstance(value, list | tuple) else []
