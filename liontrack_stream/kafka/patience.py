"""Producers that wait between two looks for a broker.

While no broker answers, aiokafka's producer asks for the cluster's metadata again as soon as it was refused:
thousands of times a second, a core's work, with two lines in the log each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from aiokafka import AIOKafkaProducer
from aiokafka.cluster import ClusterMetadata


def be_patient(producer: AIOKafkaProducer) -> AIOKafkaProducer:
    """Have a producer wait its own ``retry_backoff_ms`` after metadata that it did not get; returns it."""
    client = producer.client
    update = client._metadata_update

    async def patiently(cluster: ClusterMetadata, topics: Collection[str]) -> bool:
        done = bool(await update(cluster, topics))
        if not done:
            await asyncio.sleep(client._retry_backoff)
        return done

    client._metadata_update = patiently
    return producer
