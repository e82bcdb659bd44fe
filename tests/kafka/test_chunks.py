"""Chunks of records, as aiokafka gives them, against its records one by one: batches, seeks, aborted transactions."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from liontrack_stream.kafka.chunks import CHUNK_RECORDS, single, take_chunks

TP = TopicPartition("lions.position.events", 0)
ABORTED_PRODUCER = 7


def _batch(first_offset: int, count: int, producer: int = -1) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, int(producer >= 0), producer, 0, 0, 1 << 24)
    for place in range(count):
        assert builder.append(place, 1_000 + place, b"key", b"value %d" % (first_offset + place), []) is not None
    data = bytearray(builder.build())
    data[:8] = first_offset.to_bytes(8, "big")
    return bytes(data)


def _fetched(from_offset: int) -> PartitionRecords:
    """A fetch begins with the batch that holds the offset."""
    data = b"".join(batch for end, batch in BATCHES if end > from_offset)
    return PartitionRecords(
        TP, MemoryRecords(data), [(ABORTED_PRODUCER, 0)], from_offset, None, None, True, READ_COMMITTED
    )


def _seen(record: Any) -> tuple[int, int, bytes, bytes]:
    return record.offset, record.timestamp, record.key, record.value


END = 20 + CHUNK_RECORDS + 2 * CHUNK_RECORDS + 17
BATCHES = [  # with the offset after each
    (3, _batch(0, 3)),
    (8, _batch(3, 5, ABORTED_PRODUCER)),
    (8 + CHUNK_RECORDS, _batch(8, CHUNK_RECORDS)),
    (9 + CHUNK_RECORDS, _batch(8 + CHUNK_RECORDS, 1)),
    (END, _batch(20 + CHUNK_RECORDS, 2 * CHUNK_RECORDS + 17, producer=8)),  # after a gap
]


@pytest.mark.parametrize(
    "from_offset", [0, 1, 3, 5, 8, 9, 7 + CHUNK_RECORDS, 12 + CHUNK_RECORDS, 30 + 2 * CHUNK_RECORDS, END - 1]
)
def test_chunks_hold_what_single_records_do(from_offset: int) -> None:
    plain, chunked = _fetched(from_offset), _fetched(from_offset)
    take_chunks(chunked)
    take_chunks(chunked)  # of a result that was looked at before
    chunks = list(chunked)
    assert all(0 < len(chunk) <= CHUNK_RECORDS for chunk in chunks)
    records = single(chunks)
    assert [_seen(record) for record in records] == [_seen(record) for record in plain]
    assert records[0].offset >= from_offset
    assert chunked.next_fetch_offset == plain.next_fetch_offset == END


def test_a_fetch_that_is_left_goes_on_after_its_last_chunk() -> None:
    chunked = _fetched(0)
    take_chunks(chunked)
    taken = [next(chunked), next(chunked)]
    assert [record.offset for record in taken[0]] == [0, 1, 2]
    assert chunked.next_fetch_offset == taken[1][-1].offset + 1 == 8 + CHUNK_RECORDS


def test_what_came_before_the_chunks_is_taken_as_it_is() -> None:
    plain, chunked = _fetched(0), _fetched(8)
    take_chunks(chunked)
    first = [next(plain), next(plain), next(plain)]
    assert [record.offset for record in single([*first, *chunked])][:5] == [0, 1, 2, 8, 9]


def test_what_was_taken_leaves_memory_without_a_garbage_collection() -> None:
    """Collections are rare in a worker: 10 million events would hold 600 MB of fetches."""
    records = _fetched(0)
    take_chunks(records)
    gone = weakref.ref(records)
    gc.disable()
    try:
        assert single(records)
        del records
        assert gone() is None
    finally:
        gc.enable()
