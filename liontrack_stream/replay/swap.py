"""Makes a generation the live one, in one transaction.

::

    catch up, complete the lake's files, refresh the views
    BEGIN   lock ── drain to the live offsets ── rename: live ─► _gOLD, _gN ─► live ── fence the workers ── COMMIT

Who reads by one statement, or has asked the catalog in its transaction, sees one generation or the other.
"""

from __future__ import annotations

import asyncio

import asyncpg

from liontrack_stream import generation
from liontrack_stream.crashpoints import crash_here
from liontrack_stream.replay.run import Report, Work, at_work
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.generations import (
    BUILDING,
    LIVE,
    READY,
    RETIRED,
    Generation,
    GenerationError,
    LiveAlreadyError,
    catalog_connection,
    found,
    listed,
    other_shape,
)
from liontrack_stream.warehouse.queries import live_query
from liontrack_stream.warehouse.refreshing import refresh_views
from liontrack_stream.warehouse.rules import register_rules

# Batches and requests wait as long as we do. At first that is little; more each time: where each batch takes longer, as
# on a slow machine, we would always be too late. Between two attempts they have twice as long to themselves.
_LOCK_WITHIN_S = 0.3
_LOCK_WITHIN_MAX_S = 3.0
# Who reads several tables in one statement may hold one and wait for another that we have. PostgreSQL would end that
# reader once it has waited for its deadlock_timeout, 1 s by default: we give way before.
_READERS_WAIT_MAX_S = 0.8
_LONGER_EACH_TIME = 1.5
_ATTEMPTS = 100  # a quarter of an hour, as long as an export may take
# What tells of operation, not of the records, stays with whichever generation is live.
OPERATION = (
    "consumed_offsets", "quality_tally", "quality_outbox", "pipeline_logs", "data_lineage", "revisions", "rule_versions"
)  # fmt: skip


async def swap(settings: Settings, number: int, report: Report, *, back: bool = False) -> int:
    """Make a generation live; the number of the one that was. Workers start again by themselves.

    ``back``: the one that was is taken back, as if it had never been live.

    Raises
    ------
    GenerationError, WorkerError, OSError, asyncpg.PostgresError
        Then nothing has changed.
    """
    async with catalog_connection(settings) as catalog:
        rule_version = await register_rules(settings)
        _check(await found(catalog, number), rule_version)
        other = await other_shape(catalog, number)
        if other is not None:
            raise GenerationError(
                f"Generation {number} is of another version of the schema ({other} differs): replay again."
            )
        async with at_work(settings, catalog, number, report) as work:
            async with work.lake():
                await work.catch_up()
            await refresh_views(work.settings)
            crash_here("swap.before_lock")
            former = await _exchange(work, number, READY if back else RETIRED)
            crash_here("swap.after_commit")
            return former


async def previous(settings: Settings) -> int:
    """The generation that was live before.

    Raises
    ------
    LiveAlreadyError
        The last change was a rollback: a second one is a repetition, and goes neither forward nor further back.
    GenerationError
        No generation was live before.
    """
    async with catalog_connection(settings) as catalog:
        generations = await listed(catalog)
    former = [(one.swapped_at, one) for one in generations if one.state != LIVE and one.swapped_at is not None]
    if not former:
        raise GenerationError("No generation was live before: there is nothing to roll back to.")
    last = max(former, key=lambda pair: pair[0])[1]
    if last.state == READY:
        live = next(one.number for one in generations if one.state == LIVE)
        raise LiveAlreadyError(
            f"Generation {live} is live again already, since generation {last.number} was rolled back. `liontrack "
            "generations swap N` goes on to any other."
        )
    return last.number


def _check(one: Generation, rule_version: int) -> None:
    if one.state == LIVE:
        raise LiveAlreadyError(f"Generation {one.number} is live already.")
    if "spark" in one.options:
        raise GenerationError(f"Generation {one.number} is not computed to its end: see `liontrack submit --help`.")
    if one.options:
        raise GenerationError(f"Generation {one.number} holds only what it was bounded to, and cannot become live.")
    if one.state == BUILDING:
        raise GenerationError(f"Generation {one.number} was never compared: let `liontrack replay` come to its end.")
    if one.rule_version not in (None, rule_version):
        raise GenerationError(
            f"Generation {one.number} was computed with rules {one.rule_version}, and the settings here make rules "
            f"{rule_version}: set SPEED_LIMITS_KMH as it was then (metadata.rule_versions has it)."
        )
    assert one.state in (READY, RETIRED)


async def _exchange(work: Work, number: int, former_state: str) -> int:
    """Try until the locks are had at once: those who hold them are let finish, and nobody waits long for us."""
    for attempt in range(_ATTEMPTS):
        within_s = min(_LOCK_WITHIN_S * _LONGER_EACH_TIME**attempt, _LOCK_WITHIN_MAX_S)
        try:
            return await _exchange_now(work, number, former_state, within_s)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, TimeoutError):
            if attempt == 0:
                work.report("swap", "waiting for batches, exports and requests to end")
            await asyncio.sleep(2 * within_s)
            await work.catch_up()
    raise GenerationError("The live generation was in use all the while, by exports perhaps: try again.")


async def _exchange_now(work: Work, number: int, former_state: str, lock_within_s: float) -> int:
    catalog = work.catalog
    async with catalog.transaction():
        await catalog.fetchval(live_query("generations/lock_catalog"))
        await catalog.fetchval(live_query("generations/lock_timeout"), f"{1000 * lock_within_s:.0f}ms")
        await catalog.execute(live_query("generations/hold_batches"))  # they are what takes long; readers go on
        relations = await catalog.fetch(live_query("generations/lock_relations"))
        locks = [live_query("generations/lock_for_swap"), *(row["statement"] for row in relations)]
        await catalog.execute(";\n".join(locks), timeout=min(lock_within_s, _READERS_WAIT_MAX_S))
        await work.feed.advance(await work.live_ends())
        crash_here("swap.drained")
        former = int(await catalog.fetchval(live_query("generations/live")))
        await catalog.execute(live_query("generations/retire"), former_state)
        await _rename(catalog, None, former)
        crash_here("swap.half_renamed")
        await _rename(catalog, number, None)
        of = generation.suffix(former)
        for name in OPERATION:
            await catalog.execute(live_query("generations/exchange").format(kind="TABLE", name=name, of=of))
        await catalog.execute(live_query("generations/exchange").format(kind="SEQUENCE", name="lease_epochs", of=of))
        await catalog.execute(live_query("generations/fence"), f"generation {number}")
        await catalog.execute(live_query("generations/make_live"), number)
        crash_here("swap.before_commit")
    return former


async def _rename(catalog: asyncpg.Connection, old: int | None, new: int | None) -> None:
    """Give a generation other names: its schemas', and those in the texts of its functions."""
    names = {"old": generation.suffix(old), "new": generation.suffix(new)}
    await catalog.execute(live_query("generations/rename_schemas").format(**names))
    for row in await catalog.fetch(live_query("generations/functions"), names["new"]):
        await catalog.execute(generation.renamed(row["statement"], old, new))
