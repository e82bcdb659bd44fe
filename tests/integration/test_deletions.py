"""What a source deletes is marked in silver and gone from gold, lake and API; what comes later lives."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from liontrack_stream.kafka.producer import Outgoing
from tests.support.oracle import ACTIVITIES, CHALLENGES, POSITIONS, WEIGHTS
from tests.support.pipeline_kit import PipelineKit
from tests.support.records import activity, at, challenge, fix, weight


def _lion(lion: str, event_ids: bool = False) -> list[Any]:
    start = at("2025-03-01 00:00")
    times = [(start + timedelta(hours=3 * n)).isoformat()[:19] for n in range(40)]
    ids = [{"event_id": f"{lion}-{n}"} if event_ids else {} for n in range(40)]
    return [fix(lion, time, -21.5 - 0.01 * (n % 4), **ids[n]) for n, time in enumerate(times)]


def _user(user: str) -> list[Any]:
    return [
        activity(user, "2025-03-01T08:00:00", username=f"name of {user}"),
        activity(user, "2025-03-02T08:00:00", "weight_logged", event_id=f"{user}-logged"),
        weight(f"w-{user}", "kept", "2025-03-02", 180, user_id=user),
        challenge(f"c-{user}", user, "2025-03-01T09:00:00", "in_progress"),
        challenge(f"c-{user}", user, "2025-03-03T09:00:00", "completed"),
    ]


def _outgoing(records: list[Any]) -> list[Outgoing]:
    return [Outgoing(record.topic, record.key, record.value) for record in records]


def _debezium(before: dict[str, Any]) -> bytes:
    return json.dumps({"op": "d", "before": json.dumps(before), "after": None, "source": {}}).encode()


def test_deletions_reach_silver_gold_and_the_lake(pipeline: PipelineKit) -> None:
    lions = [*_lion("kept"), *_lion("gone"), *_lion("back"), *_lion("one-less", event_ids=True)]
    weights = [weight("w-gone", "kept", "2025-03-03", 240), weight("w-kept", "kept", "2025-03-03", 181)]
    pipeline.send(_outgoing([*lions, *weights, *_user("kept"), *_user("gone")]))
    pipeline.catch_up()
    pipeline.assert_right()
    deletions = [
        Outgoing(POSITIONS, b"gone", None),
        Outgoing(POSITIONS, b"back", None),
        Outgoing(POSITIONS, b"one-less", _debezium({"_id": "one-less-7", "lion_id": "one-less"})),
        Outgoing(POSITIONS, b"never seen", None),
        Outgoing(WEIGHTS, b"kept", _debezium({"_id": "w-gone", "lionId": "kept"})),
        Outgoing(ACTIVITIES, b"gone", _debezium({"_id": "gone"})),
        Outgoing(CHALLENGES, b"c-gone", None),
    ]
    pipeline.send(deletions)
    pipeline.send(_outgoing([fix("back", "2025-04-01T00:00:00")]))
    pipeline.catch_up()
    pipeline.assert_right()

    silver = pipeline.warehouse()
    deleted = {key[0]: row["deleted_at"] is not None for key, row in silver["silver.lions"].items()}
    assert deleted == {"kept": False, "gone": True, "back": False, "one-less": False}
    assert silver["silver.lions"][("one-less",)]["accepted_fixes"] == 39
    assert silver["silver.users"][("gone",)]["deleted_at"] is not None
    assert silver["silver.challenges"][("c-gone",)]["deleted_at"] is not None
    days = {key for key in silver["gold.lions_metrics"] if key[0] in ("gone", "back")}
    assert days == {("back", at("2025-04-01 00:00").date())}
    weighed = silver["gold.lions_metrics"][("kept", at("2025-03-03 00:00").date())]
    assert (weighed["avg_weight"], weighed["weight_count"]) == (181.0, 1)
    causes = pipeline.fetch("SELECT DISTINCT cause FROM metadata.revisions")
    assert [row["cause"] for row in causes] == ["deletion"]
