"""Bronze's folders and its manifest agree again after a crash: interrupted swaps are finished or taken back."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import asyncpg

from liontrack_stream.lake.layout import bronze_folder
from liontrack_stream.lake.manifest import Manifest
from liontrack_stream.lake.ports import LakeFile
from liontrack_stream.lake.store import Store
from liontrack_stream.warehouse.queries import query


async def settle_swaps(manifest: Manifest, store: Store, topic: str) -> None:
    """What the manifest lists is in place afterwards, where a compaction was killed between exchange and COMMIT."""
    folder = bronze_folder(topic)
    if not await asyncio.to_thread(store.interrupted, folder):
        return
    async with manifest.transaction() as connection:
        listed: dict[str, list[str]] = defaultdict(list)
        for file in await locked_files(connection, topic):
            day_folder, _, name = file.path.rpartition("/")
            listed[day_folder].append(name)
        await asyncio.to_thread(store.recover, folder, listed)


async def remove_orphans(manifest: Manifest, store: Store, topic: str) -> list[str]:
    """Delete the bronze files of a topic that the manifest does not list; their paths."""
    async with manifest.transaction() as connection:
        listed = {file.path for file in await locked_files(connection, topic)}
        orphans = sorted((await asyncio.to_thread(store.files, bronze_folder(topic))).keys() - listed)
        for path in orphans:
            await asyncio.to_thread(store.delete, path)
    return orphans


async def locked_files(connection: asyncpg.Connection, topic: str) -> list[LakeFile]:
    """The topic's bronze files, while no exporter publishes; until the transaction ends."""
    await connection.execute(query("lake/lock_watermarks"))
    return await listed_files(connection, topic)


async def listed_files(connection: asyncpg.Connection, topic: str) -> list[LakeFile]:
    """The topic's bronze files as the manifest lists them now."""
    return [LakeFile(**dict(row)) for row in await connection.fetch(query("lake/manifest_topic"), topic)]
