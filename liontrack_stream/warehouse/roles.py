"""The roles that connections act as: liontrack_ingest for what writes, liontrack_api for what serves."""

from __future__ import annotations

import asyncpg

from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.queries import query


class RoleError(Exception):
    """A role cannot be used; the message is a sentence that says what to do."""


async def check_roles(settings: Settings) -> None:
    """Try the roles of the settings, once, in transactions that change nothing.

    Raises
    ------
    RoleError
        When one is missing, PG_USER is no member of it, or it has no privileges yet; when the worker's may make no
        temporary tables, which PostgreSQL lets everybody do unless somebody took it away.
    """
    connection = await asyncpg.connect(**settings.pg_dsn, timeout=10)
    try:
        for variable, role in (("PG_INGEST_ROLE", settings.pg_ingest_role), ("PG_API_ROLE", settings.pg_api_role)):
            if role:
                await _try(connection, settings.pg_user, variable, role)
        async with connection.transaction():
            if settings.pg_ingest_role:
                await connection.execute(query("metadata/take_role"), settings.pg_ingest_role)
            if not await connection.fetchval(query("metadata/may_make_temporary")):
                role, database = settings.pg_ingest_role or settings.pg_user, settings.pg_database
                raise RoleError(
                    f"{role} may make no temporary tables: have an administrator run GRANT TEMPORARY ON DATABASE "
                    f"{database} TO {role}."
                )
    finally:
        await connection.close()


async def _try(connection: asyncpg.Connection, user: str, variable: str, role: str) -> None:
    otherwise = f"or set {variable} to nothing, to work as {user}"
    try:
        async with connection.transaction():
            await connection.execute(query("metadata/take_role"), role)
            allowed = await connection.fetchval(query("metadata/may_read_offsets"))
    except asyncpg.InvalidParameterValueError:
        raise RoleError(
            f"The role {role} does not exist: let {user} create roles (ALTER ROLE {user} CREATEROLE; the embedded "
            f"server does so when it is started again) and run `liontrack migrate`, {otherwise}."
        ) from None
    except asyncpg.InsufficientPrivilegeError as error:
        if "set role" not in str(error):
            allowed = False
        else:
            raise RoleError(
                f"{user} may not act as the role {role}: have an administrator run GRANT {role} TO {user}, {otherwise}."
            ) from None
    if not allowed:
        raise RoleError(f"The role {role} has no privileges yet: run `liontrack migrate`, {otherwise}.")
