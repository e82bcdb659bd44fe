"""The pipeline's state, its health by the hour, and who asks."""

from __future__ import annotations

from typing import Any

import pytest

from liontrack_stream.views.site import LakeLag, WorkerState
from tests.views.conftest import Serve
from tests.views.tokens import RANGER, VISITOR

PIPELINE, HEALTH, ME = (f"/api/analytics/{name}" for name in ("pipeline", "system-health", "me"))
POSITIONS = "lions.position.events"


async def test_pipeline_of_a_worker(serve: Serve, by_hand: str) -> None:
    client = await serve(pg_database=by_hand, worker=WorkerState({(POSITIONS, 1): 12}, LakeLag(30, 2.5, True)))
    response = await client.get(PIPELINE)
    body = await response.json()
    assert body["timestamp"] == "2026-03-10T12:00:00Z"
    pipeline = body["pipeline"]
    runs = pipeline.pop("runs")
    assert pipeline == {
        "lag_records": 12,
        "partitions": [
            {
                "topic": POSITIONS,
                "partition": partition,
                "next_offset": next_offset,
                "lag_records": lag,
                "updated_at": f"2026-03-10T11:{minute}:00Z",
            }
            for partition, next_offset, lag, minute in ((0, 4, None, 59), (1, 7, 12, 58))
        ],
        "dead_letters": {
            "total": 4,
            "last_24h": 2,
            "rules": [
                {"topic": POSITIONS, "rule": "not_json", "records": 3, "last_seen": "2026-03-10T11:00:00Z"},
                {
                    "topic": "lions.weight.events",
                    "rule": "missing_id",
                    "records": 1,
                    "last_seen": "2026-03-08T00:00:00Z",
                },
            ],
        },
        "lake": {"files": 2, "bytes": 1234, "rows": 15, "lag_records": 30, "lag_s": 2.5, "error": True},
    }
    assert len(runs) == 10
    assert runs[0] == {
        "pipeline_run_id": "00000000-0000-0000-0000-0000000000ff",
        "pipeline_name": "weights",
        "start_time": "2026-03-09T00:00:00Z",
        "end_time": None,
        "status": "running",
        "processed_records": 5,
        "error_count": 1,
    }
    assert [run["processed_records"] for run in runs[1:]] == list(range(11, 2, -1))
    assert "secret" not in await response.text()


async def test_pipeline_without_a_worker(serve: Serve, by_hand: str) -> None:
    client = await serve(pg_database=by_hand)
    pipeline = (await (await client.get(PIPELINE)).json())["pipeline"]
    assert pipeline["lag_records"] is None
    assert [pipeline["lake"][name] for name in ("lag_records", "lag_s", "error")] == [None, None, False]


async def test_pipeline_of_an_empty_warehouse(serve: Serve, database: str) -> None:
    client = await serve(pg_database=database)
    pipeline = (await (await client.get(PIPELINE)).json())["pipeline"]
    assert pipeline == {
        "lag_records": None,
        "partitions": [],
        "dead_letters": {"total": 0, "last_24h": 0, "rules": []},
        "lake": {"files": 0, "bytes": 0, "rows": 0, "lag_records": None, "lag_s": None, "error": False},
        "runs": [],
    }
    health = await (await client.get(HEALTH)).json()
    assert health["health"] == {"checks_last_hour": 0, "avg_quality": None, "unique_statuses": 0, "last_check": None}
    assert health["status"] == "degraded"


@pytest.mark.parametrize(
    ("as_of", "status", "states", "last_check"),
    [
        ("2026-03-01T00:45:00Z", "healthy", 1, "00:40"),
        ("2026-03-01T02:45:00Z", "healthy", 1, "02:40"),
        ("2026-03-01T03:10:00Z", "healthy", 2, "02:40"),  # one runs at that time, and fails later
        ("2026-03-01T03:45:00Z", "degraded", 1, "03:40"),  # it has failed; the one before ended over an hour ago
        ("2026-03-01T04:25:00Z", "degraded", 2, "03:40"),
        ("2026-03-01T05:45:00Z", "healthy", 1, "05:40"),
        ("2026-03-01T13:00:00Z", "degraded", 0, "11:40"),  # no check for over an hour
    ],
)
async def test_health_is_rewound(
    serve: Serve, by_hand: str, as_of: str, status: str, states: int, last_check: str
) -> None:
    client = await serve(pg_database=by_hand)
    body = await (await client.get(HEALTH, params={"as_of": as_of})).json()
    assert (body["status"], body["health"]["unique_statuses"]) == (status, states)
    assert body["health"]["last_check"] == f"2026-03-01T{last_check}:00Z"


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        ({}, (None, False, [], "generalised", 0.1, 24)),
        (VISITOR, ("u1", True, ["user"], "generalised", 0.1, 24)),
        (RANGER, ("u1", True, ["ranger"], "exact", None, None)),
    ],
)
async def test_who_asks(serve: Serve, headers: dict[str, str], seen: tuple[Any, ...]) -> None:
    body = await (await (await serve()).get(ME, headers=headers)).json()
    names = ("user_id", "known", "roles", "positions", "grid_deg", "delay_h")
    assert body == {**dict(zip(names, seen, strict=True)), "demo": False, "timestamp": "2026-03-10T12:00:00Z"}


async def test_the_open_demo_says_so(serve: Serve) -> None:
    body = await (await (await serve(liontrack_demo=True)).get(ME)).json()
    assert (body["positions"], body["grid_deg"], body["demo"]) == ("exact", None, True)
