"""Why PostgreSQL does not let us in, in a sentence; and how asyncpg says that it is gone.

libpq tells its errors as text, in the server's language. So where a connection by it fails, one is tried by asyncpg,
whose errors have types.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import asyncpg

from liontrack_stream import secure_links

LOOK_WITHIN_S = 5.0
LOST: tuple[type[Exception], ...] = (
    asyncpg.InterfaceError,  # "connection is closed"
    asyncpg.InternalClientError,  # "another operation is in progress": it ended within a COPY, or between statements
)
"""What asyncpg raises for a connection that ended, beside the errors of PostgreSQL and of the system."""


class Refusal(NamedTuple):
    """What is the matter and what to do, as sentences without full stops."""

    what: str
    mend: str

    def __str__(self) -> str:
        return f"PostgreSQL: {self.what}. {self.mend}."


def refusal(dsn: Mapping[str, Any], error: BaseException) -> Refusal | None:
    """What an error of asyncpg's connecting means; None where it is no matter of password or link.

    ``dsn`` as `Settings.pg_dsn`.
    """
    found = _found(dsn, error)
    return Refusal(*found) if found else None


def _found(dsn: Mapping[str, Any], error: BaseException) -> tuple[str, str] | None:
    place = f"{dsn['host']}:{dsn['port']}"
    if isinstance(error, asyncpg.InvalidPasswordError):
        return f"{place} does not let {dsn['user']} in with this password", "Correct PG_USER and PG_PASSWORD"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return _not_authorised(dsn, place, str(error))
    if isinstance(error, ConnectionError) and "SSL upgrade" in str(error):
        return f"{place} does not speak TLS", "Set ssl = on there, or name another server in PG_HOST and PG_PORT"
    return secure_links.tls_trouble(error, place, "PG", "PG_HOST")


def _not_authorised(dsn: Mapping[str, Any], place: str, said: str) -> tuple[str, str]:
    if "sslmode=disable" in dsn.get("dsn", ""):
        return (
            f"{place} does not let {dsn['user']} in from here without TLS ({said})",
            "Set PG_SSLMODE=verify-full and PG_TLS_CA_FILE",
        )
    if "certificate" in said:
        return f"{place} wants a certificate of {dsn['user']} ({said})", "Set PG_TLS_CERT_FILE and PG_TLS_KEY_FILE"
    return f"{place} does not let {dsn['user']} in ({said})", "Correct PG_USER, or the server's pg_hba.conf"


def refusal_now(dsn: Mapping[str, Any]) -> Refusal | None:
    """The same of a connection that is tried for it. Blocks; also where an event loop runs."""

    async def look() -> Refusal | None:
        try:
            connection = await asyncpg.connect(**dsn, timeout=LOOK_WITHIN_S)
        except Exception as error:
            return refusal(dsn, error)
        await connection.close()
        return None

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, look()).result()
