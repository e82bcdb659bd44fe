"""Deployments in PostgreSQL, and the fixes that they say are another lion's. They are of no generation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

import asyncpg
import msgspec

from liontrack_stream.core.geo import DAY_US
from liontrack_stream.settings import Settings
from liontrack_stream.sources.corrections import Misplaced
from liontrack_stream.sources.deployments import Deployment, Deployments
from liontrack_stream.warehouse.pool import acting_as, integer_times
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.trouble import LOST

_STEP_US = 32 * DAY_US  # each day's partition needs room in the server's table of locks
_2000_US = 946_684_800_000_000  # what is older is one partition
_CHUNK_ROWS = 2_000
_CONNECT_S = 10.0


class DeploymentsError(Exception):
    """Deployments cannot be read or stored; the message is a sentence that says what to do."""


@asynccontextmanager
async def deployments_connection(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the role that writes; times are integers on it.

    Raises
    ------
    DeploymentsError
        When PostgreSQL cannot be reached, or is not migrated.
    """
    place = f"{settings.pg_host}:{settings.pg_port}/{settings.pg_database}"
    try:
        connection = await asyncpg.connect(
            **settings.pg_dsn,
            timeout=_CONNECT_S,
            server_settings={
                "application_name": "liontrack import",
                "timezone": "UTC",
                "jit": "off",
                "plan_cache_mode": "force_custom_plan",  # a plan for all values would lock every day's partition
                **acting_as(settings.pg_ingest_role),
            },
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise DeploymentsError(f"PostgreSQL at {place} cannot be used ({error}).") from error
    try:
        await integer_times(connection)
        yield connection
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError) as error:
        raise DeploymentsError(f"The warehouse is not migrated ({error}): run `liontrack migrate`.") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise DeploymentsError(f"Deployments cannot be used ({error}): run `liontrack migrate`.") from error
    except (asyncpg.PostgresConnectionError, *LOST, ConnectionError) as error:
        raise DeploymentsError(f"PostgreSQL at {place} went away ({error}): run the same again.") from error
    finally:
        await connection.close()


async def stored(connection: asyncpg.Connection) -> Deployments:
    """All deployments there are."""
    return Deployments.of(Deployment(*row) for row in await connection.fetch(query("deployments/stored")))


async def replace(connection: asyncpg.Connection, deployments: Deployments) -> None:
    """Store these in place of all that was told of their tags; in the caller's transaction."""
    await connection.execute(query("deployments/lock"))
    await connection.execute(query("deployments/remove"), sorted(deployments.tags))
    columns = list(zip(*deployments, strict=True))
    if columns:
        tags, animals, on_us, off_us, mass_g, sex, attributes, _ = columns
        told = [None if one is None else msgspec.json.encode(one).decode() for one in attributes]
        await connection.execute(query("deployments/add"), tags, animals, on_us, off_us, mass_g, sex, told)


async def weighings(connection: asyncpg.Connection, source: str, tags: Collection[str]) -> list[asyncpg.Record]:
    """The stored weighings that reference data told of these tags."""
    return list(await connection.fetch(query("deployments/weighings"), source, sorted(tags)))


async def misplaced(
    connection: asyncpg.Connection, deployments: Deployments, trial: bool = False
) -> AsyncGenerator[list[Misplaced], None]:
    """The stored fixes that deployments of these tags give to another lion, some at a time, by period.

    ``trial``: as if these deployments were stored.
    """
    sql = query("deployments/misplaced")
    for begin_us, end_us in _steps(deployments, *await connection.fetchrow(query("deployments/span"))):
        transaction = connection.transaction()
        await transaction.start()
        try:
            if trial:
                await replace(connection, deployments)
            cursor = await connection.cursor(sql, sorted(deployments.tags), begin_us, end_us)
            while rows := await cursor.fetch(_CHUNK_ROWS):
                yield [Misplaced(*row) for row in rows]
        finally:
            await transaction.rollback()


def _steps(deployments: Deployments, first_us: int | None, last_us: int | None) -> Sequence[tuple[int, int]]:
    """The periods, ends not included, in which both fixes and deployments are."""
    if first_us is None or last_us is None or not len(deployments):
        return []
    begin = max(first_us, min(one.begin for one in deployments))
    end = min(last_us + 1, max(last_us + 1 if one.off_us is None else one.off_us for one in deployments))
    edges = [begin, *([_2000_US] if begin < _2000_US < end else [])]
    while begin < end and edges[-1] < end:
        edges.append(min(end, _2000_US if edges[-1] < _2000_US else edges[-1] + _STEP_US))
    return [(low, high) for low, high in pairwise(edges) if low < high]


async def wait_for_worker(
    connection: asyncpg.Connection,
    topic: str,
    ends: dict[int, int],
    on_progress: Callable[[int], None],
    patience_s: float = 3.0,
) -> int:
    """Wait until what stood in a topic is stored, as long as it goes forward; how many records are not."""
    loop = asyncio.get_running_loop()
    left, since = -1, loop.time()
    while True:
        rows = await connection.fetch(query("metadata/offsets"))
        at = {row["partition"]: row["next_offset"] for row in rows if row["topic"] == topic}
        now_left = sum(max(0, end - at.get(partition, 0)) for partition, end in ends.items())
        if now_left != left:
            left, since = now_left, loop.time()
        on_progress(left)
        if not left or loop.time() - since > patience_s:
            return left
        await asyncio.sleep(0.2)
