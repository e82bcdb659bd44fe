"""Bring a database to the schema of this version: the SQL files of ``sql/migrations``, in order, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from liontrack_stream.warehouse.queries import SQL_ROOT, query

MIGRATIONS = SQL_ROOT / "migrations"
_LOCK_KEY = 0x110A7AC4  # of pg_advisory_lock: one migration run at a time; released when the session ends, however


class MigrationError(Exception):
    """The database cannot be reached or refused a migration; the message is a sentence."""


def migration_files() -> list[Path]:
    """The files, in their order."""
    return sorted(MIGRATIONS.glob("*.sql"))


def migrate(dsn: Mapping[str, Any], warn: Callable[[str], None] | None = None) -> list[str]:
    """Apply what is missing; returns the names applied. Safe to run again, and at once with others.

    ``dsn`` has host, port, database, user, password and the link's security, as ``Settings.pg_dsn``. Each file is one
    transaction. The roles' privileges are set each time; ``warn`` is told what an administrator has to do where that is
    not possible.

    Raises
    ------
    MigrationError
        When the database cannot be reached, or a file fails; the files before it stay applied.
    """
    with _exclusive(dsn) as connection:
        applied = _apply(dsn)
        _grant_roles(connection, warn)
        return applied


@dataclass(frozen=True, slots=True)
class Standing:
    """How a database and this version stand to each other; names of migrations, in their order.

    ``pending``: the database lacks them. ``unknown``: it has them, and this version does not: it is newer.
    """

    pending: list[str]
    unknown: list[str]


def standing(dsn: Mapping[str, Any]) -> Standing:
    """Compare a database with this version. Changes nothing, and asks for no more than to read.

    Raises
    ------
    MigrationError
        When the database cannot be reached, or may not be looked at.
    """
    from psycopg.errors import InsufficientPrivilege, UndefinedTable

    with _connect(dsn) as connection:
        try:
            connection.execute("SET default_transaction_read_only = on")
            applied = {row[0] for row in connection.execute("SELECT migration_id FROM _yoyo_migration")}
        except UndefinedTable:
            applied = set()
        except InsufficientPrivilege:
            raise MigrationError(
                f"{dsn['user']} may not read which migrations are applied: have the owner of the warehouse run "
                f"GRANT SELECT ON _yoyo_migration TO {dsn['user']}."
            ) from None
    known = [file.stem for file in migration_files()]
    return Standing([name for name in known if name not in applied], sorted(applied.difference(known)))


def pending(dsn: Mapping[str, Any]) -> list[str]:
    """Names of the migrations that the database still lacks; raises as `standing`."""
    return standing(dsn).pending


@contextmanager
def _exclusive(dsn: Mapping[str, Any]) -> Iterator[Any]:
    """Hold the advisory lock, on a connection of its own."""
    with _connect(dsn) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
        yield connection


def _grant_roles(connection: Any, warn: Callable[[str], None] | None) -> None:
    """Give the roles their privileges on what there is now."""
    from psycopg.errors import InvalidSchemaName, UndefinedFunction

    def tell(notice: Any) -> None:
        if warn is not None and notice.severity_nonlocalized == "WARNING":
            warn(notice.message_primary)

    connection.add_notice_handler(tell)
    try:
        connection.execute(query("metadata/grant_migrations"))
        connection.execute(query("metadata/grant_roles"))
        connection.execute(query("generations/grant_roles"))
    except (InvalidSchemaName, UndefinedFunction):  # the migrations end before the roles
        return


def _connect(dsn: Mapping[str, Any]) -> Any:
    import psycopg

    from liontrack_stream.warehouse.trouble import refusal_now

    try:
        return psycopg.connect(
            dsn.get("dsn", ""),
            host=dsn["host"],
            port=dsn["port"],
            dbname=dsn["database"],
            user=dsn["user"],
            password=dsn["password"],
            connect_timeout=10,
            autocommit=True,
        )
    except psycopg.OperationalError as error:
        refused = refusal_now(dsn)
        if refused is not None:
            raise MigrationError(str(refused)) from error
        why = str(error).strip().splitlines()[-1]
        raise MigrationError(
            f"PostgreSQL at {dsn['host']}:{dsn['port']} cannot be reached ({why}): check PG_HOST, PG_PORT, PG_USER and "
            "PG_PASSWORD, or start the embedded one with `liontrack up`."
        ) from error


def _apply(dsn: Mapping[str, Any]) -> list[str]:
    import psycopg
    from yoyo import get_backend, read_migrations

    backend = get_backend(_uri(dsn))
    applied = []
    try:
        missing = backend.to_apply(read_migrations(str(MIGRATIONS)))
        for migration in missing:
            try:
                backend.apply_one(migration)
            except psycopg.Error as error:
                raise MigrationError(f"Migration {migration.id} failed: {error}") from error
            applied.append(migration.id)
    finally:
        backend.connection.close()
    return applied


def _uri(dsn: Mapping[str, Any]) -> str:
    user, password = quote(dsn["user"], safe=""), quote(dsn["password"], safe="")
    secure = dsn.get("dsn", "").removeprefix("postgresql://")  # how the link is secured, as ?sslmode=…
    return f"postgresql+psycopg://{user}:{password}@{dsn['host']}:{dsn['port']}/{dsn['database']}{secure}"
