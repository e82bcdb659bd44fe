"""Tokens good and bad, as headers."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt

SECRET = "a secret of the views' tests, of more than 48 characters"
LONG_AGO, FAR_AHEAD = 1_000_000_000, 4_000_000_000  # Unix seconds


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def signed(roles: Any = (), secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> dict[str, str]:
    """The header of a signed token of user u1."""
    roles = list(roles) if isinstance(roles, tuple) else roles
    return bearer(jwt.encode({"id": "u1", "roles": roles, **claims}, secret, algorithm=algorithm))


def unsigned() -> dict[str, str]:
    """A ranger's token with ``alg: none``."""
    parts = ({"alg": "none", "typ": "JWT"}, {"id": "u1", "roles": ["ranger"]})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return bearer(".".join([*encoded, ""]))


RANGER = signed(("ranger",))
ADMIN = signed(("admin",))
VISITOR = signed(("user",))
EXPIRING_RANGER = signed(("ranger",), exp=FAR_AHEAD)

REFUSED = {
    "expired": signed(("ranger",), exp=LONG_AGO),
    "not yet valid": signed(("ranger",), nbf=FAR_AHEAD),
    "wrong signature": signed(("ranger",), secret="another secret of 32 characters or more"),
    "another algorithm": signed(("ranger",), algorithm="HS384"),
    "alg none": unsigned(),
    "no id": bearer(jwt.encode({"roles": ["ranger"]}, SECRET, algorithm="HS256")),
    "id no text": signed(("ranger",), id=7),
    "roles a text": signed("ranger"),
    "roles of numbers": signed([1]),
    "no token": {"Authorization": "Bearer "},
    "basic": {"Authorization": "Basic dTpw"},
    "nonsense": bearer("a.b.c"),
    "deep": bearer(base64.urlsafe_b64encode(b"[" * 4000).decode() + ".e30.e30"),
    "empty": {"Authorization": ""},
}
