"""``liontrack source mongo`` as a person runs it, on a real change-stream server, Kafka and PostgreSQL."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pydantic import SecretStr

from tests.support.forked import Forked, run_forked
from tests.support.mongo import Mongo, running_mongo
from tests.support.oracle import ACTIVITIES, CHALLENGES, POSITIONS, WEIGHTS
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import REPOSITORY, wait_until

START = datetime(2025, 3, 1, tzinfo=UTC)
HASH = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
_SESSIONS = "pg_stat_activity WHERE application_name = 'liontrack source mongo' AND datname = current_database()"
QUICK = "&serverSelectionTimeoutMS=500"
SMALL_OPLOG = ("--oplog-max-entries", "200")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongo]:
    """One server for these tests; it forgets early."""
    with running_mongo(tmp_path_factory.mktemp("mongo"), *SMALL_OPLOG) as running:
        yield running


@pytest.fixture
def watched(pipeline: PipelineKit, server: Mongo) -> Iterator[tuple[PipelineKit, Any]]:
    """The pipeline with an empty database of its own, and that database."""
    name = f"db{ObjectId()}"
    uri = f"mongodb://127.0.0.1:{server.port}/{name}?directConnection=true"
    pipeline.settings = pipeline.settings.model_copy(update={"mongodb_uri": SecretStr(uri)})
    with server.client() as client:
        yield pipeline, client[name]


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def stamped(minutes: float, **fields: Any) -> dict[str, Any]:
    return {**fields, "createdAt": START, "updatedAt": at(minutes), "__v": 0}


def caught_up(pipeline: PipelineKit, *options: str) -> str:
    """Run it until caught up; what it said."""
    return pipeline.command("source", "mongo", "--until-caught-up", *options).stderr


def failing(pipeline: PipelineKit, *arguments: str, **changes: Any) -> tuple[int, str]:
    done = run_forked("liontrack_stream", arguments, pipeline.environment(**changes), REPOSITORY, 60)
    return done.returncode, done.stdout + done.stderr


def background(pipeline: PipelineKit, log: Path) -> Forked:
    log.touch()
    return Forked("liontrack_stream", ["source", "mongo"], pipeline.environment(), REPOSITORY, log, log)


def test_the_web_app_s_collections_reach_the_warehouse(watched: tuple[PipelineKit, Any]) -> None:
    pipeline, db = watched
    nala, simba, lion = ObjectId(), ObjectId(), ObjectId()
    db.users.insert_many(
        [
            stamped(0, _id=nala, username="nala", email="nala@x.org", roles=["user"], password=HASH),
            stamped(1, _id=simba, username="simba", email="simba@x.org", roles=["ranger"], password=HASH),
        ]
    )
    db.challenges.insert_one(stamped(2, _id="c", title="Walk", status="pending", progress=0, user=nala))
    db.weights.insert_many(
        [
            stamped(3, _id="w1", weight=70.5, date=START, note="a", user=nala),
            stamped(3, _id="w2", weight=71.5, date=START, note="b", user=nala),
            stamped(3, _id="w3", weight=180.5, date=START, lion=lion),
        ]
    )
    db.lions.insert_one(stamped(4, _id=lion, name="Simba", position={"lat": -21.5, "lng": 23.5}, lastUpdate=at(4)))
    said = caught_up(pipeline)
    assert "users: snapshot: 2 documents" in said

    db.users.update_one({"_id": nala}, {"$set": {"email": "new@x.org", "password": HASH[::-1], "updatedAt": at(5)}})
    db.users.delete_one({"_id": simba})
    db.challenges.update_one({"_id": "c"}, {"$set": {"status": "completed", "progress": 100, "updatedAt": at(6)}})
    db.weights.update_one({"_id": "w1"}, {"$set": {"weight": 69.5, "updatedAt": at(7)}})
    db.weights.update_one({"_id": "w3"}, {"$set": {"weight": 181.5}})  # written without a new updatedAt
    db.weights.delete_one({"_id": "w2"})
    db.lions.update_one({"_id": lion}, {"$set": {"position": {"lat": -21.6, "lng": 23.5}, "lastUpdate": at(34)}})
    assert "users: follows its changes" in caught_up(pipeline)

    report = pipeline.catch_up()
    assert (report["dead_letters"], report["conflicts"], report["duplicates"]) == (0, 0, 0)
    pipeline.assert_right()
    silver = pipeline.warehouse()
    user = silver["silver.users"][str(nala),]
    assert (user["username"], user["email"], user["roles"]) == ("nala", "new@x.org", ["user"])
    assert silver["silver.users"][str(simba),]["deleted_at"] is not None
    challenge = silver["silver.challenges"]["c",]
    assert (challenge["user_id"], challenge["status"], challenge["progress"]) == (str(nala), "completed", 100)
    day = silver["gold.users_activity"][str(nala), START.date()]
    assert (day["weight_entries"], day["challenges_completed"]) == (1, 1)
    assert silver["gold.lions_metrics"][str(lion), START.date()]["avg_weight"] == 181.5
    place = silver["silver.lions"][str(lion),]
    assert (place["position_lat"], place["last_update"]) == (-21.6, at(34))
    everything = b"".join((record.key or b"") + (record.value or b"") for record in pipeline.consumed())
    assert HASH[7:].encode() not in everything
    assert HASH[::-1][:20].encode() not in everything

    status = json.loads(pipeline.command("source", "mongo", "--status", "--json").stdout)
    assert {row["collection"]: (row["mode"], row["documents"]) for row in status} == {
        "challenges": ("stream", 1),
        "lions": ("stream", 1),
        "users": ("stream", 1),
        "weights": ("stream", 2),
    }


def test_a_place_that_mongodb_forgot_leads_to_a_new_snapshot(watched: tuple[PipelineKit, Any]) -> None:
    pipeline, db = watched
    db.users.insert_many([stamped(n, _id=f"u{n}", username=f"u{n}") for n in range(5)])
    caught_up(pipeline)
    db.users.delete_one({"_id": "u1"})  # the change that is forgotten
    for _ in range(4):
        db.others.insert_many([{"n": n} for n in range(1_000)])
    db.users.update_one({"_id": "u2"}, {"$set": {"username": "two", "updatedAt": at(9)}})
    said = caught_up(pipeline)
    assert "users: MongoDB no longer has what comes after the last place" in said
    assert "a new snapshot" in said
    assert "users: snapshot: 4 documents, 1 deleted since the one before" in said
    records = [record for record in pipeline.consumed() if record.topic == ACTIVITIES]
    assert len([r for r in records if r.key == b"u2"]) == 2
    assert [r.value is None for r in records if r.key == b"u1"] == [False, True]
    assert len([r for r in records if r.key == b"u3"]) == 1  # Kafka is known to hold it
    caught_up(pipeline, "--again")
    assert len([r for r in pipeline.consumed() if r.key == b"u3"]) == 2


def test_without_change_streams_it_polls_and_says_so(watched: tuple[PipelineKit, Any]) -> None:
    pipeline, db = watched
    db.challenges.insert_many([stamped(n, _id=f"c{n}", title="Walk", status="pending", user="u") for n in range(3)])
    no_streams = {"failCommands": ["aggregate"], "errorCode": 40573}
    db.client.admin.command({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": no_streams})
    try:
        said = caught_up(pipeline)
        assert "challenges: MongoDB has no change streams here" in said
        now = datetime.now(UTC)
        db.challenges.update_one({"_id": "c0"}, {"$set": {"status": "completed", "updatedAt": now}})
        db.challenges.delete_one({"_id": "c1"})
        assert "1 deleted since the one before" in caught_up(pipeline)
    finally:
        db.client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
    told = [(r.key, r.value and json.loads(r.value)["status"]) for r in pipeline.consumed() if r.topic == CHALLENGES]
    assert sorted(told, key=str) == [
        (b"c0", "completed"),
        (b"c0", "pending"),
        (b"c1", "pending"),
        (b"c1", None),
        (b"c2", "pending"),
    ]
    db.challenges.update_one({"_id": "c2"}, {"$set": {"status": "abandoned", "updatedAt": at(60)}})
    assert "challenges: follows its changes" in caught_up(
        pipeline
    )  # there are change streams again: from a snapshot on
    assert len([r for r in pipeline.consumed() if r.key == b"c2"]) == 2


def test_one_process_watches_and_stops_when_asked(watched: tuple[PipelineKit, Any]) -> None:
    pipeline, db = watched
    log = pipeline.folder / "source.log"
    first = background(pipeline, log)
    wait_until(lambda: log.read_text().count("follows its changes") == 4, 30, "the first process follows")
    code, said = failing(pipeline, "source", "mongo", "--until-caught-up")
    assert code == 1
    assert f"/{first.pid}/" in said
    assert "only one process may" in said
    second_log = pipeline.folder / "second.log"
    second = background(pipeline, second_log)
    wait_until(lambda: "this one waits for its turn" in second_log.read_text(), 30, "the second one waits")
    first.kill()
    wait_until(lambda: second_log.read_text().count("follows its changes") == 4, 30, "the second one takes over")
    pipeline.fetch(f"SELECT pg_terminate_backend(pid) FROM {_SESSIONS}")  # PostgreSQL loses the second one's sessions
    db.lions.insert_one(stamped(1, _id="l", name="Simba", position={"lat": -21.5, "lng": 23.5}))
    wait_until(lambda: "lions: 1 changes" in second_log.read_text(), 20, "a change arrives")
    assert "lions: waits for PostgreSQL" in second_log.read_text()
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0
    third = background(pipeline, pipeline.folder / "third.log")
    wait_until(lambda: "follows" in (pipeline.folder / "third.log").read_text(), 30, "a third one follows")
    third.send_signal(signal.SIGINT)
    assert third.wait(20) == 130
    assert "Traceback" not in (pipeline.folder / "third.log").read_text() + second_log.read_text()
    assert [r.key for r in pipeline.consumed() if r.topic == POSITIONS] == [b"l"]


def test_what_is_away_is_waited_for(pipeline: PipelineKit, tmp_path: Path) -> None:
    server = Mongo(tmp_path)
    secret = "correct-horse-battery"
    uri = f"mongodb://nala:{secret}@127.0.0.1:{server.port}/liontrack?directConnection=true{QUICK}"
    log = pipeline.folder / "source.log"
    pipeline.settings = pipeline.settings.model_copy(update={"mongodb_uri": SecretStr(uri)})
    refused = background(pipeline, log)
    wait_until(lambda: "waits for MongoDB" in log.read_text(), 30, "it waits")
    assert refused.poll() is None
    pipeline.settings = pipeline.settings.model_copy(update={"mongodb_uri": SecretStr(server.uri + QUICK)})
    other_log = pipeline.folder / "other.log"
    refused.kill()
    refused.wait(10)
    source = background(pipeline, other_log)
    server.start()
    try:
        wait_until(lambda: other_log.read_text().count("follows its changes") == 4, 60, "it follows")
        server.stop()
        wait_until(lambda: "waits for MongoDB" in other_log.read_text(), 30, "it waits again")
        server.start()
        with server.client() as client:
            weight = stamped(1, _id="w", weight=180, date=START, lion="l")
            client.get_default_database().weights.insert_one(weight)
        wait_until(lambda: "weights: 1 changes" in other_log.read_text(), 40, "the change arrives")
    finally:
        source.kill()
        server.stop()
    assert [r.key for r in pipeline.consumed() if r.topic == WEIGHTS] == [b"l"]
    assert secret not in log.read_text() + other_log.read_text()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"MONGODB_URI": ""}, "Set MONGODB_URI to where MongoDB is"),
        ({"MONGODB_URI": "mongodb://u:geh/eim@h/db"}, "MONGODB_URI is no URI of MongoDB"),
        ({"MONGODB_URI": "postgres://u:geheim@h/db"}, "MONGODB_URI is no URI of MongoDB"),
        ({"MONGODB_URI": "mongodb://u:geheim@127.0.0.1:1/"}, "MONGODB_URI names no database"),
        ({"MONGO_MAPPING_FILE": "none.toml"}, "MONGO_MAPPING_FILE: none.toml cannot be read"),
    ],
)
def test_a_setting_that_is_missing_or_wrong(pipeline: PipelineKit, changes: dict[str, str], words: str) -> None:
    code, said = failing(pipeline, "source", "mongo", **changes)
    assert code == 2
    assert words in said
    assert "heim" not in said
    assert "Traceback" not in said
