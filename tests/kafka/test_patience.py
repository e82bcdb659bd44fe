"""A producer whose brokers are away looks for them a few times a second, not as often as it can."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaProducer
from aiokafka.structs import BrokerMetadata

from liontrack_stream.kafka.patience import be_patient
from liontrack_stream.kafka.transport import BatchTransport, PatientProducer
from liontrack_stream.local.processes import free_ports


async def test_a_producer_waits_between_two_looks_for_a_broker() -> None:
    (nobody,) = free_ports(1)
    producer = be_patient(AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{nobody}", retry_backoff_ms=200))
    client = producer.client
    client.cluster._brokers = {1: BrokerMetadata(1, "127.0.0.1", nobody, None)}  # as it was before it went away
    asking = asyncio.create_task(client._md_synchronizer())
    looks = 0
    try:
        async with asyncio.timeout(1.0):
            while True:
                assert await client.force_metadata_update() is False
                looks += 1
    except TimeoutError:
        pass
    finally:
        asking.cancel()
    assert 1 <= looks <= 5


def test_fausts_producer_is_such_a_one() -> None:
    assert BatchTransport.Producer is PatientProducer
