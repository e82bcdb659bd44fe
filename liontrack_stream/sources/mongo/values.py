"""BSON values as JSON has them, and without anything that looks like a password's hash."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bson import Binary, DatetimeMS, Decimal128, ObjectId, Timestamp
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps

from liontrack_stream.contract.convert import without_secrets
from liontrack_stream.contract.redact import REMOVED

# bcrypt, argon2, scrypt, pbkdf2, sha-crypt, phpass; and digests of 128 bits and more in hexadecimal
_HASH = re.compile(
    r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{31,}|\$argon2(?:id|i|d)\$|\$(?:7|scrypt)\$|\$?pbkdf2[_:$-]|"
    r"\$[156]\$[^$\s]+\$|\$[PH]\$[./A-Za-z0-9]{20,}|\b(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})\b",
    re.IGNORECASE,
)


def first(document: Mapping[str, Any], paths: tuple[str, ...]) -> Any:
    """The first value among some paths that is there and not null, as JSON; None without one.

    A number in a path is a place in a list: ``location.coordinates.0``.
    """
    for path in paths:
        value: Any = document
        for part in path.split("."):
            if isinstance(value, Mapping):
                value = value.get(part)
            elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            else:
                value = None
                break
        if value is not None:
            return plain(value)
    return None


def plain(value: Any) -> Any:
    """A BSON value as JSON: ids and decimals as text and numbers, times as ISO-8601 in UTC; secrets removed."""
    return without_secrets(_plain(value))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return REMOVED if _HASH.search(value) else value
    if isinstance(value, int):
        return int(value)  # an Int64 is a class of its own
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # text where a number should be is a dead letter
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _other(value)


def _other(value: Any) -> Any:
    if isinstance(value, ObjectId):
        return str(value)
    if isinstance(value, Decimal128):
        number = float(value.to_decimal())
        return number if math.isfinite(number) else str(number)
    if isinstance(value, DatetimeMS):
        return int(value)  # beyond the years that Python knows: the contract rejects it
    if isinstance(value, Timestamp):
        return value.time
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Binary) and value.subtype in (3, 4):
        return str(UUID(bytes=bytes(value)))
    return None  # bytes, code, regular expressions: nothing that an event carries


def _iso(value: datetime) -> str:
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return aware.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def microseconds(value: Any) -> int | None:
    """A BSON time in µs since 1970; None for what is none."""
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        return int(aware.timestamp()) * 1_000_000 + aware.microsecond
    if isinstance(value, Timestamp):
        return value.time * 1_000_000 + value.inc % 1_000_000
    if isinstance(value, ObjectId):
        return microseconds(value.generation_time)
    return None


def id_text(value: Any) -> str:
    """A document's ``_id``, or what refers to one, as events name it; '' for nothing."""
    if isinstance(value, Mapping) and "_id" in value:  # a reference that came populated
        return id_text(value["_id"])
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    text = _plain(value)
    if isinstance(text, str):
        return text
    if isinstance(text, int | float):
        return str(text)
    return dumps(value, json_options=CANONICAL_JSON_OPTIONS, sort_keys=True)
