"""Pushes to a real worker: in Kafka when they are acknowledged, in silver soon after, once however often they are sent.

Kafka is killed while they come, and started again. It is one of this test's own.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from liontrack_stream.contract.topics import ACTIVITIES, CHALLENGES, POSITIONS, WEIGHTS
from liontrack_stream.local import kafka, processes
from liontrack_stream.settings import Settings
from tests.support.oracle import Consumed
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import wait_until
from tests.views.test_worker import get
from tests.views.tokens import PRODUCER, SECRET

TIMEOUT_S = 2.0
START = "2026-03-01T"
EVENTS: dict[str, list[dict[str, Any]]] = {
    POSITIONS.noun: [
        {"lion_id": "nala", "name": "Nala", "position": {"lat": -21.5 + n / 1e3, "lng": 23.5}, "event_id": f"p{n}"}
        | {"timestamp": f"{START}{n:02d}:00:00Z"}
        for n in range(6)
    ],
    WEIGHTS.noun: [
        {"weight_id": f"w{n}", "lion_id": "nala", "weight": 140 + n, "measured_at": f"{START}{n:02d}:30:00+02:00"}
        for n in range(1, 3)
    ],
    ACTIVITIES.noun: [
        {"user_id": "u1", "activity_type": "login", "timestamp": f"{START}09:00:00Z", "event_id": f"a{n}"}
        for n in range(3)
    ],
    CHALLENGES.noun: [
        {
            "challenge_id": "c1",
            "user_id": "u1",
            "title": "Track",
            "status": status,
            "updated_at": f"{START}{hour}:00:00Z",
        }
        for hour, status in (("10", "pending"), ("11", "completed"))
    ],
}
SILVER = {
    "positions": "SELECT lion_id, event_time, lat, lng, flags FROM silver.positions ORDER BY 1, 2",
    "weights": "SELECT weight_id, lion_id, weight, measured_at FROM silver.weight_history ORDER BY 1",
    "activities": "SELECT user_id, activity_type, event_time, event_id FROM silver.user_activities ORDER BY 1, 2, 3, 4",
    "challenges": "SELECT challenge_id, status, updated_at FROM silver.challenge_events ORDER BY 1, 3",
}


class OwnKafka:
    """A Kafka that may be killed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.port, self.controller_port = processes.free_ports(2)
        self.start()

    def start(self) -> None:
        log = self.folder / "kafka.log"
        self.process = kafka.start(self.folder, log, self.port, self.controller_port, lambda part, message: None)

    def kill(self) -> None:
        processes.stop(self.process, signal.SIGKILL, signal.SIGKILL, 10.0)


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[OwnKafka]:
    running = OwnKafka(tmp_path / "kafka")
    yield running
    running.kill()


@pytest.fixture
def pipeline(settings: Settings, own_kafka: OwnKafka, tmp_path: Path) -> Iterator[PipelineKit]:
    changes = {
        "jwt_secret": SecretStr(SECRET),
        "kafka_brokers": f"127.0.0.1:{own_kafka.port}",
        "ingest_timeout_s": TIMEOUT_S,
    }
    kit = PipelineKit(settings.model_copy(update=changes), tmp_path)
    yield kit
    kit.end()


@dataclass
class Told:
    """What the pushers were told: (begun, ended, status) of each answer, and the lions that were acknowledged."""

    answers: list[tuple[float, float, int]] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)


def test_what_is_acknowledged_is_stored_once_through_an_outage(pipeline: PipelineKit, own_kafka: OwnKafka) -> None:
    worker = pipeline.worker()
    wait_until(lambda: get(pipeline, "/ready")[0] == 200, 60, "/ready")

    asyncio.run(push_all(pipeline))
    held = [json.loads(record.value) for record in pipeline.consumed() if "pushed-by" in dict(record.headers)]
    expected = [event for events in EVENTS.values() for event in events]
    assert sorted(map(json.dumps, held)) == sorted(map(json.dumps, expected))
    counts = {noun: len(events) for noun, events in EVENTS.items()}
    wait_until(lambda: {n: len(rows) for n, rows in silver(pipeline).items()} == counts, 20, "silver")
    before = silver(pipeline)

    asyncio.run(push_all(pipeline))
    repeats = "SELECT count(*) FROM metadata.repeats"
    wait_until(lambda: pipeline.fetch(repeats)[0][0] == len(expected), 20, "as many repeats")
    assert silver(pipeline) == before

    told, killed, started = asyncio.run(push_through_an_outage(pipeline, own_kafka))
    assert worker.running
    refused = [answer for answer in told.answers if answer[2] != 200]
    assert {status for _, _, status in refused} == {503}
    assert max(ended - begun for begun, ended, _ in told.answers) < TIMEOUT_S + 2.0
    assert not [answer for answer in told.answers if answer[2] == 200 and killed < answer[0] < answer[1] < started]
    records = [record for record in pipeline.consumed() if "pushed-by" in dict(record.headers)]
    assert told.acknowledged <= {record.key.decode() for record in records}

    bronze = "SELECT count(*) FROM bronze.lions_raw"
    wait_until(lambda: pipeline.fetch(bronze)[0][0] == of_topic(records, POSITIONS.name), 40, "everything stored")
    lions = [row["lion_id"] for row in pipeline.fetch("SELECT lion_id FROM silver.positions WHERE lion_id <> 'nala'")]
    assert sorted(lions) == sorted(told.acknowledged)  # one fix each, for each was pushed until it was acknowledged
    assert silver(pipeline)["weights"] == before["weights"]
    assert pipeline.fetch("SELECT count(*) FROM metadata.dead_letters")[0][0] == 0
    assert worker.stop()[0] == 0, worker.log_text()[-3000:]


def of_topic(records: list[Consumed], topic: str) -> int:
    """How many of the records are of one topic."""
    return sum(record.topic == topic for record in records)


def silver(pipeline: PipelineKit) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of what was pushed, by noun."""
    return {noun: [tuple(row) for row in pipeline.fetch(sql)] for noun, sql in SILVER.items()}


async def push_all(pipeline: PipelineKit) -> None:
    """Push all events, each noun's at once."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{pipeline.settings.web_port}", headers=PRODUCER) as session:
        for noun, events in EVENTS.items():
            async with session.post(f"/ingest/{noun}", json=events) as response:
                assert await response.json() == {"accepted": len(events), "rejected": []}


async def push_through_an_outage(pipeline: PipelineKit, own_kafka: OwnKafka) -> tuple[Told, float, float]:
    """Eight pushers, each pushing the next lion once the one before is acknowledged; when Kafka was away."""
    told, ending = Told(), asyncio.Event()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{pipeline.settings.web_port}", headers=PRODUCER) as session:

        async def pusher(number: int) -> None:
            count = 0
            while not ending.is_set():
                count += 1
                lion = f"lion-{number}-{count}"
                fix = {"lion_id": lion, "position": {"lat": -21.5, "lng": 23.5}, "timestamp": f"{START}12:00:00Z"}
                while lion not in told.acknowledged:
                    begun = time.monotonic()
                    async with session.post("/ingest/positions", json=fix) as response:
                        await response.read()
                    told.answers.append((begun, time.monotonic(), response.status))
                    if response.status == 200:
                        told.acknowledged.add(lion)
                    else:
                        await asyncio.sleep(0.2)
                await asyncio.sleep(0.02)

        pushers = [asyncio.create_task(pusher(number)) for number in range(8)]
        await asyncio.sleep(1.0)
        assert told.acknowledged
        await asyncio.to_thread(own_kafka.kill)
        killed = time.monotonic()
        await asyncio.sleep(TIMEOUT_S + 1.5)
        starting = time.monotonic()
        await asyncio.to_thread(own_kafka.start)
        before = len(told.acknowledged)
        async with asyncio.timeout(40):
            while len(told.acknowledged) < before + 50:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        ending.set()
        await asyncio.gather(*pushers)
        return told, killed, starting
