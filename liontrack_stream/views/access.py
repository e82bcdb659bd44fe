"""Who asks: JSON Web Tokens (RFC 7519), HS256 by ``JWT_SECRET``, claims ``{id, roles}``, ``exp`` honoured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import jwt

ALGORITHMS = ["HS256"]  # pinned: the token's header never chooses
ADMIN_ROLE = "admin"
PUSHING_ROLES = frozenset({"producer", ADMIN_ROLE})
EXACT_POSITION_ROLES = frozenset({"ranger", ADMIN_ROLE})


class BadToken(Exception):
    """The Authorization header holds no valid token; the message says why, never what it held."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The asker. ``user_id`` None: no token was sent. ``expires_at``: when the token ends; None: never."""

    user_id: str | None = None
    roles: frozenset[str] = frozenset()
    expires_at: datetime | None = None

    @property
    def is_admin(self) -> bool:
        """Whether a role opens what is every user's."""
        return ADMIN_ROLE in self.roles

    @property
    def sees_exact_positions(self) -> bool:
        """Whether a role opens exact, current positions."""
        return bool(self.roles & EXACT_POSITION_ROLES)

    @property
    def may_push(self) -> bool:
        """Whether a role opens the way into the topics."""
        return bool(self.roles & PUSHING_ROLES)


def token_of(viewer: Viewer, secret: str, since: datetime, until: datetime) -> str:
    """A token that `viewer_of` reads as this viewer, from one aware time to another."""
    claims = {"id": viewer.user_id, "roles": sorted(viewer.roles), "iat": since, "exp": until}
    return jwt.encode(claims, secret, algorithm=ALGORITHMS[0])


def viewer_of(authorization: tuple[str, ...], secret: str | None) -> Viewer:
    """The viewer whom the request's Authorization headers name; nobody where there is none.

    A token that was valid is so until it ends, so the latest ones are not read again.

    Raises
    ------
    BadToken
        For anything that is sent and is not one valid bearer token: an expired ranger should learn of it, not see less.
    """
    viewer = _read(authorization, secret)
    if viewer.expires_at is not None and datetime.now(UTC) >= viewer.expires_at:
        raise BadToken("The token has expired.")
    return viewer


@lru_cache(maxsize=1_000)
def _read(authorization: tuple[str, ...], secret: str | None) -> Viewer:
    if not authorization:
        return Viewer()
    scheme, _, token = authorization[0].partition(" ")
    if len(authorization) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise BadToken("Send one header `Authorization: Bearer <token>`.")
    if secret is None:
        raise BadToken("This server accepts no tokens: its JWT_SECRET is not set, or weak.")
    try:
        claims = jwt.decode(token.strip(), secret, algorithms=ALGORITHMS)
    except jwt.ExpiredSignatureError:
        raise BadToken("The token has expired.") from None
    except Exception:  # a hostile token can break its parser in many ways, and is not valid in any of them
        raise BadToken("The token is not valid.") from None
    user_id, roles = claims.get("id"), claims.get("roles", [])
    if not _is_text(user_id) or not user_id:
        raise BadToken("The token lacks the claim `id`.")
    if not isinstance(roles, list) or not all(map(_is_text, roles)):
        raise BadToken("The token's claim `roles` is not a list of texts.")
    return Viewer(user_id, frozenset(roles), _expiry(claims))


def _is_text(claim: Any) -> bool:
    """Whether a claim is a text that an answer can repeat: JSON may hold half characters, UTF-8 may not."""
    return isinstance(claim, str) and claim.encode(errors="ignore").decode() == claim


def _expiry(claims: Mapping[str, Any]) -> datetime | None:
    """When a valid token ends, as far as calendars go."""
    try:
        return datetime.fromtimestamp(int(claims["exp"]), UTC) if "exp" in claims else None
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC)
