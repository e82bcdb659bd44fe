"""Opening the warehouse for a worker, or the sentence that says what it lacks."""

from __future__ import annotations

import asyncio
import os
import socket

import asyncpg

from liontrack_stream import __version__
from liontrack_stream.kafka.exits import SchemaError, StartError
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.migrations import MigrationError, Standing, standing
from liontrack_stream.warehouse.roles import RoleError, check_roles
from liontrack_stream.warehouse.trouble import refusal
from liontrack_stream.warehouse.worker import WorkerWarehouse, open_worker_warehouse


def owner_name(settings: Settings) -> str:
    """This process, as leases and runs name it."""
    return f"{socket.gethostname()}/{os.getpid()}/{settings.liontrack_instance}"


def refused(settings: Settings, error: BaseException) -> StartError | None:
    """The sentence of a password that PostgreSQL no longer takes; None for all other errors."""
    if not isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return None
    what = refusal(settings.pg_dsn, error)
    return StartError(str(what)) if what else None


async def open_warehouse(settings: Settings) -> WorkerWarehouse:
    """The warehouse in PostgreSQL.

    Raises
    ------
    SchemaError
        When its schema is older or newer than this version's.
    StartError
        When it does not answer, or a role of the settings cannot be used.
    """
    if settings.liontrack_generation is not None:
        raise StartError("LIONTRACK_GENERATION is set: unset it, a worker is of the live generation.")
    try:
        found = await asyncio.to_thread(standing, settings.pg_dsn)
        if found == Standing([], []):
            await check_roles(settings)
            return await open_worker_warehouse(settings, owner_name(settings))
    except (RoleError, MigrationError) as error:
        raise StartError(str(error)) from error
    except Exception as error:
        place = f"{settings.pg_host}:{settings.pg_port}/{settings.pg_database}"
        raise StartError(f"PostgreSQL at {place} cannot be used ({error}).") from error
    if found.unknown:
        raise SchemaError(
            f"The warehouse is newer than LionTrack Stream {__version__}: it has {', '.join(found.unknown)}. Start a "
            "version that knows them."
        )
    raise SchemaError(f"The warehouse lacks {', '.join(found.pending)}: run `liontrack migrate`.")
