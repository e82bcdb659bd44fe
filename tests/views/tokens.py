"""Tokens good and bad, as headers."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import jwt

SECRET = "a secret of the views' tests, of more than 48 characters"
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL8kO0cGVLBHyWn6vmpbFTVGWRxRyRkp
kZ9mRz9Y0mXQ1m6n1O0o9m2yKQXx6a0dN3Jm5x1pE0yV2mYv8n0JkN0CAwEAAQ==
-----END PUBLIC KEY-----
"""
LONG_AGO, FAR_AHEAD = 1_000_000_000, 4_000_000_000  # Unix seconds


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def signed(roles: Any = (), secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> dict[str, str]:
    """The header of a signed token of user u1."""
    roles = list(roles) if isinstance(roles, tuple) else roles
    return bearer(jwt.encode({"id": "u1", "roles": roles, **claims}, secret, algorithm=algorithm))


def encoded(*parts: Any) -> str:
    """The parts of a token that are signed."""
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)


def unsigned(name: str = "none") -> dict[str, str]:
    """A ranger's token with ``alg: none``."""
    return bearer(encoded({"alg": name, "typ": "JWT"}, {"id": "u1", "roles": ["ranger"]}) + ".")


def confused() -> dict[str, str]:
    """A ranger's token of header RS256, whose signature is an HMAC by a public key, which anybody has."""
    signed_part = encoded({"alg": "RS256", "typ": "JWT"}, {"id": "u1", "roles": ["ranger"]})
    return bearer(_with_hmac(signed_part, PUBLIC_KEY))


def relabelled() -> dict[str, str]:
    """A ranger's token that is rightly signed by our secret, and says it was signed otherwise."""
    signed_part = encoded({"alg": "RS256", "typ": "JWT"}, {"id": "u1", "roles": ["ranger"]})
    return bearer(_with_hmac(signed_part, SECRET))


def _with_hmac(signed_part: str, key: str) -> str:
    mark = hmac.digest(key.encode(), signed_part.encode(), "sha256")
    return f"{signed_part}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


RANGER = signed(("ranger",))
ADMIN = signed(("admin",))
VISITOR = signed(("user",))
PRODUCER = signed(("producer",), id="gateway")
EXPIRING_RANGER = signed(("ranger",), exp=FAR_AHEAD)


def _swapped() -> str:
    """A visitor's signature under a ranger's claims."""
    ranger, visitor = (token["Authorization"].removeprefix("Bearer ").split(".") for token in (RANGER, VISITOR))
    return ".".join([*ranger[:2], visitor[2]])


REFUSED = {
    "expired": signed(("ranger",), exp=LONG_AGO),
    "not yet valid": signed(("ranger",), nbf=FAR_AHEAD),
    "wrong signature": signed(("ranger",), secret="another secret of 32 characters or more"),
    "another algorithm": signed(("ranger",), algorithm="HS384"),
    "alg none": unsigned(),
    "alg NONE": unsigned("NONE"),
    "RS/HS confusion": confused(),
    "relabelled": relabelled(),
    "signed by a public key": bearer(
        _with_hmac(encoded({"alg": "HS256", "typ": "JWT"}, {"id": "u1", "roles": ["ranger"]}), PUBLIC_KEY)
    ),
    "signature cut off": bearer(RANGER["Authorization"].removeprefix("Bearer ").rpartition(".")[0] + "."),
    "roles swapped": bearer(_swapped()),
    "no id": bearer(jwt.encode({"roles": ["ranger"]}, SECRET, algorithm="HS256")),
    "id no text": signed(("ranger",), id=7),
    "id empty": signed(("ranger",), id=""),
    "id null": signed(("ranger",), id=None),
    "id half a character": signed(("ranger",), id="\ud800"),
    "role half a character": signed(("ranger", "\ud800")),
    "id a list": signed(("ranger",), id=["u1"]),
    "roles a text": signed("ranger"),
    "roles null": signed(None),
    "roles an object": signed({"admin": True}),
    "roles in a list": signed([["admin"]]),
    "exp a text": signed(("ranger",), exp="never"),
    "exp null": signed(("ranger",), exp=None),
    "exp endless": signed(("ranger",), exp=1e400),
    "claims a list": bearer(_with_hmac(encoded({"alg": "HS256", "typ": "JWT"}, ["ranger"]), SECRET)),
    "roles of numbers": signed([1]),
    "no token": {"Authorization": "Bearer "},
    "basic": {"Authorization": "Basic dTpw"},
    "nonsense": bearer("a.b.c"),
    "deep": bearer(base64.urlsafe_b64encode(b"[" * 4000).decode() + ".e30.e30"),
    "empty": {"Authorization": ""},
}
