"""Bytes into events. ``decode`` never raises: a record that breaks the contract becomes ``Rejected``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from liontrack_stream.contract import topics
from liontrack_stream.contract.convert import (
    CONVERTERS,
    BrokenRule,
    checked_id,
    position_from_json,
    positions_from_json,
)
from liontrack_stream.contract.envelopes import BadEnvelope, key_text, unwrap
from liontrack_stream.contract.events import Decoded, Deletion, Event, Rejected
from liontrack_stream.contract.times import BadTime

VALUE_MAX_BYTES = 262_144
NESTING_MAX = 64
_NUL_HINT = b"u0000"  # how a NUL character is written in JSON, also within a JSON text
_ESCAPE = b"\\"  # before it; looking for one byte is six times as fast


def decode(topic: str, key: bytes | None, value: bytes | None, value_max_bytes: int = VALUE_MAX_BYTES) -> Decoded:
    """Decode one record's value.

    Parameters
    ----------
    topic
        The contract's topic name, without prefix.
    key, value
        As Kafka holds them; a null value is a tombstone.
    value_max_bytes
        Longer values are rejected.
    """
    try:
        return _decode(topic, key, value, value_max_bytes)
    except Exception as error:  # whatever a record holds, it must not stop the stream
        return rejection(error, value)


def rejection(error: Exception, value: bytes | None) -> Rejected:
    """The rule that converting ``value`` found broken."""
    match error:
        case BrokenRule():
            return Rejected(error.rule, str(error))
        case BadTime():
            return Rejected("bad_timestamp", str(error))
        case BadEnvelope():
            return Rejected("bad_envelope", str(error))
        case msgspec.ValidationError():
            return Rejected(_validation_rule(str(error)), str(error)[:300])
        case UnicodeDecodeError():
            return Rejected("invalid_utf8", "the value is not UTF-8")
        case msgspec.DecodeError():
            if value and (b"NaN" in value or b"Infinity" in value):
                return Rejected("not_finite", "a number is NaN or infinite")
            return Rejected("malformed_json", str(error)[:300])
        case _:
            return Rejected("malformed_value", str(error)[:300] or type(error).__name__)


def decode_batch(
    topic: str, keys: Iterable[bytes | None], values: Sequence[bytes | None], value_max_bytes: int = VALUE_MAX_BYTES
) -> Sequence[Decoded]:
    """`decode` for a batch, with a short cut where all are plain positions."""
    if topic == topics.POSITIONS.name and None not in values:
        whole: list[bytes] = values  # type: ignore[assignment]
        together = b"".join(whole)
        has_nul = _ESCAPE in together and _NUL_HINT in together
        if not has_nul and max(map(len, whole), default=0) <= value_max_bytes:
            positions = positions_from_json(whole)
            if positions is not None:
                return positions
    return decode_records(topic, zip(keys, values, strict=True), value_max_bytes)


def decode_records(
    topic: str, keys_values: Iterable[tuple[bytes | None, bytes | None]], value_max_bytes: int = VALUE_MAX_BYTES
) -> list[Decoded]:
    """`decode` for many (key, value) pairs, with a short cut for plain positions."""
    if topic != topics.POSITIONS.name:
        return [decode(topic, key, value, value_max_bytes) for key, value in keys_values]
    decoded: list[Decoded] = []
    for key, value in keys_values:
        event: Decoded | None = None
        if value is not None and len(value) <= value_max_bytes and _NUL_HINT not in value:
            event = position_from_json(value)
        decoded.append(decode(topic, key, value, value_max_bytes) if event is None else event)
    return decoded


def _decode(topic: str, key: bytes | None, value: bytes | None, value_max_bytes: int) -> Event | Deletion:
    if value is None:
        entity = key_text(key)
        if not entity:
            raise BrokenRule("missing_id", "a tombstone without a key deletes nothing")
        return _deletion(Deletion(entity))
    if len(value) > value_max_bytes:
        raise BrokenRule("oversized", f"{len(value)} bytes, more than {value_max_bytes}")
    if topic == topics.POSITIONS.name and _NUL_HINT not in value:
        position = position_from_json(value)
        if position is not None:
            return position
    return _careful(topic, key, value)


def _careful(topic: str, key: bytes | None, value: bytes) -> Event | Deletion:
    document = msgspec.json.decode(value)
    if not isinstance(document, dict):
        raise BrokenRule("wrong_type", "the value is no JSON object")
    convert, id_field = CONVERTERS[topic]
    unwrapped = unwrap(document, id_field, key)
    if isinstance(unwrapped, Deletion):
        return _deletion(unwrapped)
    if value.count(b"{") + value.count(b"[") > NESTING_MAX and _nesting(unwrapped) > NESTING_MAX:
        raise BrokenRule("too_nested", f"nested more than {NESTING_MAX} levels deep")
    if _NUL_HINT in value and "\x00" in "".join(_texts(unwrapped)):
        raise BrokenRule("nul_byte", "a text holds a NUL character")
    return convert(unwrapped)


def _deletion(deletion: Deletion) -> Deletion:
    for text in (deletion.entity_id, deletion.event_id):
        if text is not None and "\x00" in checked_id("the key", text):
            raise BrokenRule("nul_byte", "the key holds a NUL character")
    return deletion


def _nesting(value: Any) -> int:
    levels, level = 0, [value]
    while level:
        level = [
            item
            for outer in level
            if isinstance(outer, dict | list)
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
        levels += 1
    return levels


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []


def _validation_rule(message: str) -> str:
    if "missing required field" in message:
        return "missing_field"
    if "datetime" in message:
        return "bad_timestamp"
    if "out of range" in message:
        return "not_finite"
    return "wrong_type"
