"""10,000 changes in MongoDB while the source is killed with ``kill -9`` again and again: silver is what was written."""

from __future__ import annotations

import os
import random
import threading
import time
from datetime import timedelta
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.support.forked import Forked
from tests.support.mongo import Mongo
from tests.support.mongo_changes import SECRET, Changes
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import REPOSITORY

CHANGES = 10_000
BULK = 200
MILLISECOND = timedelta(milliseconds=1)  # versions that cannot be told apart by updatedAt are microseconds apart
POINTS = ("mongo.in_snapshot", "mongo.after_intend:2", "mongo.after_flush:2", "mongo.after_save:2")
_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('bronze', 'silver', 'gold', 'metadata', 'catalog') AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition
"""


@pytest.mark.slow
@pytest.mark.timeout(600)  # SecantusDB shares two cores with everything that is killed and started
def test_10_000_changes_under_kill_9(pipeline: PipelineKit, mongo: Mongo, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline.settings = pipeline.settings.model_copy(update={"mongodb_uri": SecretStr(mongo.uri)})
    changes, log = Changes(20250301), pipeline.folder / "source.log"
    writer = threading.Thread(target=_write, args=(mongo, changes), daemon=True)
    moments, kills = random.Random(7), 0
    writer.start()
    while writer.is_alive():
        point = POINTS[kills // 2 % len(POINTS)] if kills % 2 == 0 else ""
        source = _start(pipeline, log, LIONTRACK_CRASH_AT=point)
        until = time.monotonic() + (8.0 if point else moments.uniform(1.5, 5.0))
        while time.monotonic() < until and source.poll() is None:
            time.sleep(0.02)
        source.kill()
        source.wait(10)
        kills += 1
    pipeline.command("source", "mongo", "--until-caught-up")
    report = pipeline.catch_up()
    with capsys.disabled():
        print(f"\n{kills} kills, {sum(report['records'].values())} records, {report['duplicates']} duplicates")
    assert kills >= 4
    assert sum(len(states) for collection in changes.made.values() for states in collection.values()) == CHANGES
    assert (report["conflicts"], report["dead_letters"]) == (0, 0)
    _assert_silver(pipeline, changes)
    _assert_no_secret(pipeline, log)


def _write(mongo: Mongo, changes: Changes) -> None:
    with mongo.client() as client:
        database = client.get_default_database()
        ops = changes.ops(CHANGES)
        while bulk := list(islice(ops, BULK)):
            bulk.sort(key=lambda op: op[0])  # the order within a collection stays
            for collection, run in groupby(bulk, key=lambda op: op[0]):
                database[collection].bulk_write([op for _, op in run])


def _start(pipeline: PipelineKit, log: Path, **changes: str) -> Forked:
    environment = pipeline.environment(**changes)
    return Forked("liontrack_stream", ["source", "mongo"], environment, REPOSITORY, Path(os.devnull), log)


def _assert_silver(pipeline: PipelineKit, changes: Changes) -> None:
    users = {row["user_id"]: row for row in pipeline.fetch("SELECT * FROM silver.users")}
    for one, document in changes.live("users").items():
        row = users[str(one)]
        assert (row["username"], row["email"], row["roles"]) == tuple(
            document[f] for f in ("username", "email", "roles")
        )
        assert row["deleted_at"] is None
    assert all(str(one) not in users or users[str(one)]["deleted_at"] for one in changes.gone("users"))

    challenges = {row["challenge_id"]: row for row in pipeline.fetch("SELECT * FROM silver.challenges")}
    for one, document in changes.live("challenges").items():
        row = challenges[str(one)]
        stored = [row[f] for f in ("title", "description", "progress", "status", "due_date", "user_id", "created_at")]
        wanted = [document[f] for f in ("title", "description", "progress", "status", "dueDate", "user", "createdAt")]
        assert stored == [*wanted[:5], str(wanted[5]), wanted[6]]
        assert row["deleted_at"] is None
    assert all(str(one) not in challenges or challenges[str(one)]["deleted_at"] for one in changes.gone("challenges"))

    lions = {row["lion_id"]: row for row in pipeline.fetch("SELECT * FROM silver.lions")}
    for one, document in changes.live("lions").items():
        row = lions[str(one)]
        assert {"lat": row["position_lat"], "lng": row["position_lng"]} == document["position"]
        assert document["updatedAt"] <= row["last_update"] < document["updatedAt"] + MILLISECOND
        assert row["deleted_at"] is None
    assert all(str(one) not in lions or lions[str(one)]["deleted_at"] for one in changes.gone("lions"))

    days = pipeline.fetch(
        "SELECT user_id, activity_date, weight_entries FROM gold.users_activity WHERE weight_entries > 0"
    )
    assert {(row[0], row[1]): row[2] for row in days} == dict(changes.weighings())
    weighed = pipeline.fetch(
        "SELECT user_id, event_time, metadata->>'weight' AS weight, metadata->>'note' AS note "
        "FROM silver.user_activities WHERE activity_type = 'weight_entry' AND flags = 0"
    )
    wanted = [(str(w["user"]), w["date"], str(w["weight"]), w["note"]) for w in changes.live("weights").values()]
    assert sorted(tuple(row) for row in weighed) == sorted(wanted)
    _assert_nothing_invented(pipeline, changes)


def _assert_nothing_invented(pipeline: PipelineKit, changes: Changes) -> None:
    """Every event tells a state that its document was in."""

    def states(collection: str, *fields: str) -> set[tuple[Any, ...]]:
        made = changes.made[collection].items()
        return {(str(one), *(str(s[f]) for f in fields)) for one, all_states in made for s in all_states if s}

    told = pipeline.fetch("SELECT challenge_id, status, title, progress::int FROM silver.challenge_events")
    assert {tuple(map(str, row)) for row in told} <= states("challenges", "status", "title", "progress")
    told = pipeline.fetch("SELECT user_id, email, roles FROM silver.user_activities WHERE email IS NOT NULL")
    assert {tuple(map(str, row)) for row in told} <= states("users", "email", "roles")
    made = changes.made["lions"].items()
    places = {(str(one), *s["position"].values()) for one, all_states in made for s in all_states if s}
    told = pipeline.fetch("SELECT lion_id, lat, lng FROM silver.positions")
    assert {tuple(row) for row in told} <= places


def _assert_no_secret(pipeline: PipelineKit, log: Path) -> None:
    """Not a byte of a hash, nor of another field that is not mapped."""
    pieces = [SECRET[:12], SECRET[-12:], SECRET[::-1][:12]]
    forms = [piece.encode() for piece in pieces] + [piece.encode().hex().encode() for piece in pieces]
    for record in pipeline.consumed():
        assert not any(form in (record.value or b"") + (record.key or b"") for form in forms)
    for (table,) in pipeline.fetch(_TABLES):
        for (text,) in pipeline.fetch(f"SELECT t::text FROM {table} t"):
            assert not any(form in text.encode() for form in forms), table
    for file in pipeline.folder.rglob("*.log"):
        if file.name != "mongo.log":
            assert not any(form in file.read_bytes() for form in forms), file
    assert log.read_bytes()
