"""Passwords and tokens are never stored, not even in bronze: their values are cut out of the bytes."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

SECRET_FIELDS = frozenset(
    {"password", "passwd", "pwd", "passwordhash", "password_hash", "secret", "token", "access_token", "refresh_token"}
)
REMOVED = "[removed]"
_NAMES = b"|".join([name.encode() for name in sorted(SECRET_FIELDS, key=len, reverse=True)])
_HINT = re.compile(rb"pass|pwd|secret|token|\\u", re.IGNORECASE)
# For what does not parse; the rest of it goes with the first secret, as nobody can tell where its value ends.
_SECRET = re.compile(rb'\\*"(?:' + _NAMES + rb')\\*"\s*:.*', re.IGNORECASE | re.DOTALL)


def redact(value: bytes) -> bytes:
    """``value`` with the values of secret fields, at any depth, replaced; unchanged where it has none."""
    if not _HINT.search(value):
        return value
    try:
        document = msgspec.json.decode(value)
        clean = _clean(document)
        return value if clean == document else _json(clean)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _SECRET.sub(REMOVED.encode(), value)


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: REMOVED if name.lower() in SECRET_FIELDS else _clean(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        return _clean_text(value)
    return value


def _clean_text(text: str) -> str:
    """A JSON text inside a document, as Debezium nests it."""
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return _SECRET.sub(REMOVED.encode(), text.encode()).decode()
    clean = _clean(document)
    return text if clean == document else _json(clean).decode()


def _json(document: Any) -> bytes:
    try:
        return msgspec.json.encode(document)
    except OverflowError:  # an integer of more than 64 bits
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
