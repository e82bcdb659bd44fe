"""The worker as a service: it answers on its port while it works, keeps live state, and leaves when asked."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any

import jwt
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.support.oracle import compute
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import wait_until

SIMULATE = ["simulate", "--lions", "4", "--days", "5", "--users", "3", "--seed", "11"]
LIONS = "/api/analytics/lions"


def test_worker_serves_while_it_works_and_stops_when_asked(pipeline: PipelineKit) -> None:
    worker = pipeline.worker(QUALITY_INTERVAL_S=3600)  # no checks while records are counted
    wait_until(lambda: _get(pipeline, "/health")[0] == 200, 30.0, "/health")
    pipeline.command(*SIMULATE)
    records = pipeline.consumed()
    wait_until(lambda: pipeline.stored() == len(records), 30.0, "everything stored")
    wait_until(lambda: _get(pipeline, "/ready")[0] == 200, 30.0, "/ready")
    expected = compute(records)

    status, body = _get(pipeline, f"{LIONS}?as_of=2025-02-01T00:00:00Z", role="ranger")
    assert (status, body["count"]) == (200, 4)
    for lion in body["lions"]:
        row = expected["silver.lions"][(lion["lion_id"],)]
        assert (lion["name"], lion["position_lat"], lion["position_lng"], lion["status"]) == (
            row["name"], row["position_lat"], row["position_lng"], row["status"],
        )  # fmt: skip

    last_windows = {
        lion_id: max(start for lion, start in expected["gold.lion_windows"] if lion == lion_id)
        for (lion_id,) in expected["silver.lions"]
    }
    wait_until(lambda: _starts(pipeline) == last_windows, 10.0, "live windows: they follow the commit")
    for (lion_id,) in expected["silver.lions"]:
        windows = {start: row for (lion, start), row in expected["gold.lion_windows"].items() if lion == lion_id}
        newest = max(windows)
        status, body = _get(pipeline, f"{LIONS}/{lion_id}/live", role="ranger")
        assert status == 200, body
        window = body["window"]
        assert datetime.fromisoformat(window["window_start"]) == newest
        assert (window["fixes"], window["last"]["lat"]) == (windows[newest]["fixes"], windows[newest]["last_lat"])

    assert [_get(pipeline, path)[0] for path in (f"{LIONS}/nobody", "/table", "/router")] == [404, 404, 404]
    code, seconds = worker.stop()
    assert code == 0, worker.log_text()[-3000:]
    assert seconds < 8.0
    pipeline.catch_up()
    pipeline.assert_right()


def test_live_state_survives_kill_9(pipeline: PipelineKit) -> None:
    pipeline.command(*SIMULATE)
    pipeline.catch_up()
    worker = pipeline.worker()
    wait_until(lambda: _get(pipeline, "/ready")[0] == 200, 30.0, "/ready")
    before = _live(pipeline)
    assert len(before) == 4
    worker.kill()
    pipeline.worker()
    wait_until(lambda: _get(pipeline, "/ready")[0] == 200, 30.0, "/ready again")
    wait_until(lambda: _live(pipeline) == before, 10.0, "the same live windows")


def test_what_a_worker_wrote_that_was_paused_is_set_right(pipeline: PipelineKit) -> None:
    """Its last write came into the changelog when another had taken over, and is what the next worker restores."""
    pipeline.command(*SIMULATE)
    pipeline.catch_up()
    worker = pipeline.worker()
    wait_until(lambda: _get(pipeline, "/ready")[0] == 200, 30.0, "/ready")
    before = _live(pipeline)
    worker.stop()
    asyncio.run(_write_late(pipeline, next(iter(before))))
    worker = pipeline.worker()
    wait_until(lambda: _get(pipeline, "/ready")[0] == 200, 30.0, "/ready again")
    wait_until(lambda: "1 of " in worker.log_text(), 30.0, "a key that differed")
    assert _live(pipeline) == before


async def _write_late(pipeline: PipelineKit, lion_id: str) -> None:
    """One key of the positions' changelog as it might have been a while ago."""
    brokers = pipeline.settings.kafka_brokers
    topic = f"{pipeline.settings.liontrack_app_id}-positions-changelog"
    places = [TopicPartition(topic, number) for number in range(pipeline.settings.topic_partitions)]
    consumer, producer = AIOKafkaConsumer(bootstrap_servers=brokers), AIOKafkaProducer(bootstrap_servers=brokers)
    async with consumer, producer:
        consumer.assign(places)
        await consumer.seek_to_beginning()
        records = [one for run in (await consumer.getmany(timeout_ms=5000)).values() for one in run]
        [record] = {one.key: one for one in records if lion_id.encode() in one.key and one.value}.values()
        value = {**json.loads(record.value), "fixes": 99}
        await producer.send_and_wait(topic, json.dumps(value).encode(), record.key, partition=record.partition)


def _live(pipeline: PipelineKit) -> dict[str, Any]:
    lions = [row[0] for row in pipeline.fetch("SELECT lion_id FROM silver.lions ORDER BY 1")]
    answers = {lion_id: _get(pipeline, f"{LIONS}/{lion_id}/live", role="ranger") for lion_id in lions}
    return {lion_id: body["window"] for lion_id, (status, body) in answers.items() if status == 200}


def _starts(pipeline: PipelineKit) -> dict[str, datetime]:
    return {lion_id: datetime.fromisoformat(window["window_start"]) for lion_id, window in _live(pipeline).items()}


def _get(pipeline: PipelineKit, path: str, role: str | None = None) -> tuple[int, dict[str, Any]]:
    """Status and JSON body; status 0 while nothing listens."""
    request = urllib.request.Request(f"http://127.0.0.1:{pipeline.settings.web_port}{path}")
    if role is not None:
        claims = {"id": "tester", "roles": [role], "exp": int(time.time()) + 60}
        token = jwt.encode(claims, pipeline.settings.require_jwt_secret(), "HS256")
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=5.0) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, {"body": error.read().decode()}
    except OSError:
        return 0, {}
