"""Passwords and tokens are never stored, not even in bronze: their values are cut out of the bytes."""

from __future__ import annotations

import re

SECRET_FIELDS = frozenset(
    {"password", "passwd", "pwd", "passwordhash", "password_hash", "secret", "token", "access_token", "refresh_token"}
)
_NAMES = b"|".join([name.encode() for name in sorted(SECRET_FIELDS, key=len, reverse=True)])
_HINT = re.compile(rb"pass|pwd|secret|token", re.IGNORECASE)
# The quotes may be escaped, where the document is itself a JSON text (Debezium).
_SECRET = re.compile(
    rb'((?P<q>\\*")(?:' + _NAMES + rb")(?P=q)\s*:\s*)(?:(?P=q)(?:(?!(?<!\\)(?P=q)).)*(?P=q)|[^,}\]\s]+)",
    re.IGNORECASE | re.DOTALL,
)


def redact(value: bytes) -> bytes:
    """``value`` with the values of secret fields replaced by ``"[removed]"``; unchanged where it has none."""
    if not _HINT.search(value):
        return value
    return _SECRET.sub(lambda found: found[1] + found["q"] + b"[removed]" + found["q"], value)
