"""Live state: RocksDB-backed Faust tables that are a copy of what Postgres holds, and repair themselves.

A table is written after the commit, and made to hold what Postgres holds whenever its partition is claimed: what files
and changelog bring may be of a worker that was paused, and wrote when another had taken over. Losing it, or finding it
broken, changes no result.
"""

from __future__ import annotations

import asyncio
import shutil
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import faust
from faust.stores import rocksdb
from faust.streams import _current_event
from faust.types import TP, ConsumerMessage
from mode import get_logger

logger = get_logger(__name__)

KEYS_PER_TURN = 200  # between two turns of the event loop; a key costs some 50 µs

# Faust's defaults take a 2 GiB block cache and 3 write buffers of 64 MiB for each partition of each table.
ROCKSDB_OPTIONS: Mapping[str, int] = {
    "block_cache_size": 4 * 1024**2,
    "write_buffer_size": 2 * 1024**2,
    "max_write_buffer_number": 2,
    "target_file_size_base": 8 * 1024**2,
    "max_open_files": 64,
}

# Faust reads a changelog record by record: keep few of them.
CHANGELOG_CONFIG: Mapping[str, Any] = {
    "min.cleanable.dirty.ratio": 0.05,
    "segment.ms": 600_000,
    "segment.bytes": 16 * 1024**2,
    "delete.retention.ms": 60_000,
}


class RepairingStore(rocksdb.Store):
    """A RocksDB store that starts anew where its files are broken or gone."""

    def _open_for_partition(self, partition: int) -> Any:
        path = self.partition_path(partition)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return super()._open_for_partition(partition)
        except Exception as error:
            if "lock" in str(error).lower():
                raise  # another process has it open; Faust waits for that
            logger.warning("Table files %s are unusable (%s): starting them anew", path.name, error)
            shutil.rmtree(path, ignore_errors=True)
            return super()._open_for_partition(partition)

    # The next two leave out Faust's gc.collect(): five tables spend seconds in it, at every start and stop.

    async def stop(self) -> None:
        """Close the databases."""
        for partition in list(self._dbs):
            self._close(partition)

    def revoke_partitions(self, table: Any, tps: set[TP]) -> None:
        """Close the databases of partitions that are another worker's now."""
        for tp in tps:
            if tp.topic in table.changelog_topic.topics:
                self._close(tp.partition)

    def _close(self, partition: int) -> None:
        db = self._dbs.pop(partition, None)
        if db is not None:
            try:
                db.close()
            except Exception as error:
                logger.info("Table files of partition %d did not close: %s", partition, error)

    def discard(self, partition: int) -> None:
        """Throw a partition's files away; the next use opens an empty database."""
        self._close(partition)
        self._key_index.clear()
        shutil.rmtree(self.partition_path(partition), ignore_errors=True)

    def partition_items(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values of one partition, Faust's own bookkeeping left out."""
        yield from self._visible_items(self._db_for_partition(partition))


class LiveTable(faust.Table):
    """Key (str) -> live state (JSON) of one topic, partitioned like the topic.

    ``newest_by``: the field of a value that holds its time (ISO-8601); an older value does not replace a newer one.
    """

    newest_by: str | None = None

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._events: dict[int, Any] = {}

    def _new_store_by_url(self, url: Any) -> Any:
        return RepairingStore(
            url,
            self.app,
            self,
            table_name=self.name,
            key_type=self.key_type,
            key_serializer=self.key_serializer,
            value_serializer=self.value_serializer,
            value_type=self.value_type,
            loop=self.loop,
            options=self.options,
        )

    @property
    def store(self) -> RepairingStore:
        """The RocksDB store."""
        return cast(RepairingStore, self.data)

    def newer(self, old: Any | None, new: Any | None) -> Any | None:
        """Which of two values of a key is to be kept."""
        field = self.newest_by
        return old if field and old and new and old[field] > new[field] else new

    def write(self, topic: str, partition: int, live: Mapping[str, Any]) -> None:
        """Set keys that differ; a value of None deletes. ``topic`` is the source's name in Kafka."""
        with self._in_partition(topic, partition):
            for key, value in live.items():
                old = self.get(key)
                new = self.newer(old, value)
                if new is None:
                    if old is not None:
                        del self[key]
                elif new != old:
                    self[key] = new

    async def replace(self, topic: str, partition: int, live: Mapping[str, Any]) -> int:
        """Make the partition hold exactly these keys; how many it did not. Lets the event loop turn in between."""
        known = {self.store._decode_key(key) for key, _ in self.store.partition_items(partition)}
        wanted = {**dict.fromkeys(known - live.keys()), **live}
        with self._in_partition(topic, partition):
            outdated = {key: value for key, value in wanted.items() if self.get(key) != value}
        keys = list(outdated)
        for start in range(0, len(keys), KEYS_PER_TURN):
            turn = keys[start : start + KEYS_PER_TURN]
            with self._in_partition(topic, partition):
                for key in turn:
                    if outdated[key] is None:
                        del self[key]
                    else:
                        self[key] = outdated[key]
            await asyncio.sleep(0)
        return len(keys)

    @contextmanager
    def _in_partition(self, topic: str, partition: int) -> Iterator[None]:
        """Faust's tables find their partition by the current event: give them one."""
        event = self._events.get(partition)
        if event is None:
            message = ConsumerMessage(topic, partition, -1, 0.0, 1, None, None, None, None, tp=TP(topic, partition))
            event = self._events[partition] = self.app.create_event(None, None, None, message)
        token = _current_event.set(weakref.ref(event))
        try:
            yield
        finally:
            _current_event.reset(token)
