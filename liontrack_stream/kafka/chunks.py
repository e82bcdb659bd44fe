"""aiokafka's records a chunk at a time.

aiokafka goes through a fetch record by record in Python: a generator, its checks, and a `ConsumerRecord` made of each,
which together take twice as long as parsing. Here its loop sees chunks instead, each as if it were one record; what it
decides about batches (checksums, aborted transactions, markers, offsets) it goes on deciding.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from aiokafka.consumer.fetcher import FetchResult

CHUNK_RECORDS = 256


class _Chunk:
    """Some records of one batch. For aiokafka a record whose offset is the last one's."""

    __slots__ = ("offset", "records")

    def __init__(self, records: list[Any]) -> None:
        self.offset: int = records[-1].offset
        self.records = records


class _Batch:
    """One of aiokafka's record batches, whose iterator gives chunks."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)  # a control batch's marker

    def __iter__(self) -> Iterator[_Chunk]:
        records = list(self._batch)
        for start in range(0, len(records), CHUNK_RECORDS):
            yield _Chunk(records[start : start + CHUNK_RECORDS])


class _Batches:
    """What was fetched of one partition."""

    def __init__(self, records: Any) -> None:
        self._records = records

    def has_next(self) -> bool:
        return bool(self._records.has_next())

    def next_batch(self) -> _Batch:
        return _Batch(self._records.next_batch())


def take_chunks(records: Any) -> None:
    """Have aiokafka's `PartitionRecords`, of which nothing was taken yet, give lists of parsed records."""
    if isinstance(records._records, _Batches):
        return
    place = weakref.proxy(records)  # in a circle with it a fetch would stay in memory until a garbage collection

    def wanted(tp: Any, chunk: _Chunk) -> list[Any]:
        start = place.next_fetch_offset  # may lie within a batch: it was sought
        if chunk.records[0].offset >= start:
            return chunk.records
        return [record for record in chunk.records if record.offset >= start]

    records._records = _Batches(records._records)
    records._consumer_record = wanted


def single(items: Iterable[Any]) -> list[Any]:
    """The records of chunks, and those between that came one by one: what was fetched while others were waited for."""
    return [record for item in items for record in (item if isinstance(item, list) else (item,))]


async def fetched(fetcher: Any, tps: Collection[Any], max_records: int | None) -> dict[Any, list[Any]]:
    """What aiokafka's fetcher holds now of some partitions: records, at most so many of all, or a chunk."""
    for tp, result in fetcher._records.items():
        if tp in tps and isinstance(result, FetchResult) and result.has_more():
            take_chunks(result._partition_records)
    limit = None if max_records is None else max(1, max_records // CHUNK_RECORDS)
    taken = await fetcher.fetched_records(tps, timeout=0, max_records=limit)
    return {tp: single(items) for tp, items in taken.items()}


async def new_data(fetcher: Any, timeout_s: float) -> None:
    """Wait until the fetcher got something, or failed."""
    waiter = fetcher._create_fetch_waiter()
    await asyncio.wait([waiter], timeout=timeout_s)
    if waiter.done():
        waiter.result()
    else:
        waiter.cancel()
