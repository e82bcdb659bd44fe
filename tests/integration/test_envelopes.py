"""Debezium's envelopes and raw change-stream documents arrive in silver as they are; deletions hide."""

from __future__ import annotations

from typing import Any

from liontrack_stream.kafka.producer import Outgoing
from tests.contract.test_envelopes import EXAMPLES, as_bytes
from tests.support.pipeline_kit import PipelineKit

USER, CHALLENGE, WEIGHT, LION = (f"65f0c1d2e3a4b5c6d7e8f90{n}" for n in range(1, 5))
UUID_LION = "00112233-4455-6677-8899-aabbccddeeff"
RECORDED_LION = "65a1b2c3d4e5f60718293a4c"


def test_envelopes_arrive_and_their_deletions_hide(pipeline: PipelineKit) -> None:
    pipeline.send(_records(lambda kind: kind != "Deletion"))
    report = pipeline.catch_up()
    assert report["dead_letters"] == sum(example["becomes"]["kind"] == "Rejected" for example in EXAMPLES) > 0
    pipeline.assert_right()
    silver = pipeline.warehouse()
    user, challenge = silver["silver.users"][USER,], silver["silver.challenges"][CHALLENGE,]
    assert (user["username"], user["email"], user["roles"]) == ("nala", "n@example.org", ["user", "ranger"])
    assert silver["silver.users"]["1004",]["username"] == "anne"
    assert (challenge["user_id"], challenge["title"]) == (USER, "Track a pride")
    assert {LION, UUID_LION} <= {key[0] for key in silver["silver.lions"]}
    assert silver["silver.weight_history"][WEIGHT,]["weight"] == 181.5
    assert sum(row["weight_entries"] for row in silver["gold.users_activity"].values()) == 1

    pipeline.send(_records(lambda kind: kind == "Deletion"))
    assert pipeline.catch_up()["dead_letters"] == 0
    pipeline.assert_right()
    silver = pipeline.warehouse()
    assert all(silver["silver.users"][user,]["deleted_at"] for user in (USER, "1004"))
    assert silver["silver.challenges"][CHALLENGE,]["deleted_at"] is not None
    deleted = {key[0]: row["deleted_at"] is not None for key, row in silver["silver.lions"].items()}
    assert deleted == {LION: True, UUID_LION: False, RECORDED_LION: False}
    stored = pipeline.fetch("SELECT count(*) FROM bronze.users_raw WHERE position('$2b$10$'::bytea IN raw) > 0")
    assert stored[0][0] == 0


def _records(wanted: Any) -> list[Outgoing]:
    return [
        Outgoing(example["topic"], as_bytes(example["key"]), as_bytes(example["value"]))
        for example in EXAMPLES
        if wanted(example["becomes"]["kind"])
    ]
