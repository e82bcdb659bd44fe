"""Storing records of a generation by its sink, for as long as it takes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.infrastructure_errors import RETRIED, backoff_s
from liontrack_stream.kafka.ports import BatchStats, Behind, Committed, Outcome, Partition
from liontrack_stream.replay.archive import Kept
from liontrack_stream.warehouse.generations import GenerationError
from liontrack_stream.warehouse.sink import Sink

logger = logging.getLogger(__name__)


async def store_records(sink: Sink, partition: Partition, records: Sequence[Any]) -> BatchStats:
    """Store records that follow the stored offset, as one batch; those that are stored are passed over.

    Offsets in between hold no record that is wanted. Tries again while the infrastructure is away.

    Raises
    ------
    GenerationError
        When another process has taken the generation.
    """
    topic, number = partition
    kept, stats = list(records), BatchStats()
    while kept:
        verdicts = {record.offset: record.verdict for record in kept if isinstance(record, Kept) and record.verdict}
        batch = RecordBatch(topic, number, kept, verdicts=verdicts)
        match await _process(sink, batch):
            case Committed(stored):
                return stats + stored
            case Behind(next_offset):  # a call before was broken off while this was being stored
                kept = [record for record in kept if record.offset >= next_offset]
            case _:
                raise GenerationError("Another process works at this generation: let it end, then try again.")
    return stats


async def _process(sink: Sink, batch: RecordBatch) -> Outcome:
    attempt = 0
    while True:
        try:
            return await sink.process(batch, gap_proven=True)
        except RETRIED as error:
            attempt += 1
            if attempt == 1:
                logger.warning("%s/%d: %r; trying again", batch.topic, batch.partition, error)
        await asyncio.sleep(backoff_s(attempt))
