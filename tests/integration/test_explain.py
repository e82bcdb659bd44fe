"""`liontrack explain`: from a gold cell to exactly the records that the oracle says it is made of."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from io import StringIO
from typing import Any

from rich.console import Console

from liontrack_stream.commands.explanation import explanation_tree
from liontrack_stream.core.rules import RULES
from liontrack_stream.kafka.producer import Outgoing
from tests.support.oracle import POSITIONS, Tables, compute
from tests.support.pipeline_kit import PipelineKit
from tests.support.records import fix, weight
from tests.support.worker_process import REPOSITORY

SIMULATE = ["simulate", "--lions", "3", "--days", "8", "--users", "4", "--seed", "3"]


def test_cells_lead_to_their_records(pipeline: PipelineKit) -> None:
    pipeline.command(*SIMULATE)
    pipeline.send(_by_hand())
    pipeline.catch_up()
    expected = compute(pipeline.consumed())
    _a_lions_day(pipeline, expected)
    _a_lions_window(pipeline, expected)
    _a_users_day(pipeline, expected)
    _silver_rows_and_the_rest(pipeline, expected)
    _bronze_dropped(pipeline, expected)
    _revisions(pipeline, expected)
    _wrong_questions(pipeline)


def _a_lions_day(pipeline: PipelineKit, expected: Tables) -> None:
    lion_id, day = "by hand", date(2025, 3, 4)
    fixes = _places(expected["silver.positions"], lion_id, day)
    found = _explain(pipeline, "gold.lions_metrics", f"lion_id={lion_id}", f"metric_date={day}")
    of_day, before, weighings, days = found["sources"]
    assert {(_place(row["record"]), row["flags"]) for row in of_day["rows"]} == fixes
    assert of_day["count"] == len(fixes)
    assert of_day["more"] == 0
    assert any(row["flag_names"] for row in of_day["rows"])
    assert all(row["event_time"] < day.isoformat() for row in before["rows"])
    assert found["row"]["tracking_frequency"] == sum(flags == 0 for _, flags in fixes)
    assert {row["weight_id"]: _place(row["record"]) for row in weighings["rows"]} == {
        key[0]: (row["topic"], row["partition"], row["offset"])
        for key, row in expected["silver.weight_history"].items()
        if row["lion_id"] == lion_id and row["measured_at"].date() == day
    }
    assert weighings["count"] > 0
    earlier = sorted(at.isoformat() for lion, at in expected["gold.lions_metrics"] if lion == lion_id and at < day)
    assert [row["metric_date"] for row in days["rows"]] == earlier
    assert found["rule"]["rule_version"] == found["row"]["rule_version"] == 1
    assert found["rule"]["parameters"]["rules"] == RULES
    files = {row["path"] for row in pipeline.fetch("SELECT path FROM metadata.lake_files WHERE layer = 'bronze'")}
    for row in of_day["rows"]:
        record = row["record"]
        bronze = expected["bronze"][_place(record)]
        assert record["bronze"]["table"] == "bronze.lions_raw"
        assert record["bronze"]["partition_date"] == bronze["partition_date"].isoformat()
        assert record["lake_file"] in files
    repeats = {
        (place, row["conflict"])
        for place, row in expected["metadata.repeats"].items()
        if place[0] == POSITIONS and row["identity"] in _identities(expected, lion_id, day)
    }
    shown = {(_place(repeat), repeat["conflict"]) for row in of_day["rows"] for repeat in row["repeats"]}
    assert shown == repeats
    assert {conflict for _, conflict in repeats} == {False, True}

    text = pipeline.command("explain", "gold.lions_metrics", f"lion_id={lion_id}", f"metric_date={day}", "--limit", "2")
    assert f"fixes of the day: {len(fixes)} of silver.positions (the first 2; --limit shows more)" in text.stdout
    assert text.stdout.count(f"{POSITIONS}/") >= 2
    assert "rule version 1" in text.stdout


def _a_lions_window(pipeline: PipelineKit, expected: Tables) -> None:
    (lion_id, start), row = next(iter(expected["gold.lion_windows"].items()))
    found = _explain(pipeline, "gold.lion_windows", f"lion_id={lion_id}", f"window_start={start.isoformat()}")
    places = {
        (POSITIONS, fix["partition"], fix["offset"])
        for (lion, at), fix in expected["silver.positions"].items()
        if lion == lion_id and start <= at < start + timedelta(minutes=5)
    }
    assert {_place(fix["record"]) for fix in found["sources"][0]["rows"]} == places
    assert found["row"]["fixes"] == row["fixes"]


def _a_users_day(pipeline: PipelineKit, expected: Tables) -> None:
    event = max(expected["silver.challenge_events"], key=lambda event: event[1])
    user_id, day = expected["silver.challenges"][event[:1]]["user_id"], event[1].date()
    row = expected["gold.users_activity"][user_id, day]
    found = _explain(pipeline, "gold.users_activity", f"user_id={user_id}", f"activity_date={day}")
    activities, weighings, challenges = found["sources"]
    assert {_place(item["record"]) for item in activities["rows"]} == {
        (item["topic"], item["partition"], item["offset"])
        for (user, at, *_), item in expected["silver.user_activities"].items()
        if user == user_id and at.date() == day
    }
    assert activities["count"] == found["row"]["activity_events"]
    assert found["row"]["challenges_completed"] == row["challenges_completed"]
    assert {item["weight_id"] for item in weighings["rows"]} == {
        key[0]
        for key, item in expected["silver.weight_history"].items()
        if item["user_id"] == user_id and item["measured_at"].date() == day
    }
    owned = {key[0] for key, item in expected["silver.challenges"].items() if item["user_id"] == user_id}
    assert {_place(item["record"]) for item in challenges["rows"]} == {
        (item["topic"], item["partition"], item["offset"])
        for (challenge, at, _), item in expected["silver.challenge_events"].items()
        if challenge in owned and at.date() <= day
    }
    assert challenges["count"] > 0


def _silver_rows_and_the_rest(pipeline: PipelineKit, expected: Tables) -> None:
    """Every other table can be explained, and names a record that the oracle knows."""
    spike = next(key for key, row in expected["silver.positions"].items() if row["flags"])
    history = next(iter(expected["gold.lions_positions_history"]))
    window = next(iter(expected["gold.user_windows"]))
    activity = next(iter(expected["silver.user_activities"]))
    event = next(iter(expected["silver.challenge_events"]))
    table, day = next(iter(expected["gold.quality_daily"]))
    for name, *key in (
        ("silver.positions", f"lion_id={spike[0]}", f"event_time={spike[1].isoformat()}"),
        ("gold.lions_positions_history", f"lion_id={history[0]}", f"position_date={history[1].isoformat()}"),
        ("gold.user_windows", f"user_id={window[0]}", f"window_start={window[1].isoformat()}"),
        ("gold.quality_daily", f"table_name={table}", f"check_date={day}"),
        ("silver.weight_history", f"weight_id={next(iter(expected['silver.weight_history']))[0]}"),
        ("silver.user_activities", f"user_id={activity[0]}", f"event_time={activity[1].isoformat()}",
         f"activity_type={activity[2]}", f"event_id={activity[3]}"),
        ("silver.challenge_events", f"challenge_id={event[0]}", f"updated_at={event[1].isoformat()}",
         f"status={event[2]}"),
        ("silver.lions", f"lion_id={spike[0]}"),
        ("silver.users", f"user_id={window[0]}"),
        ("silver.challenges", f"challenge_id={event[0]}"),
    ):  # fmt: skip
        found = _explain(pipeline, name, *key)
        assert found["row"] is not None, name
        places = [_place(row["record"]) for source in found["sources"] for row in source["rows"]]
        assert places, name
        assert all(place in expected["bronze"] for place in places), name
        Console(file=StringIO()).print(explanation_tree(found))


def _bronze_dropped(pipeline: PipelineKit, expected: Tables) -> None:
    """A fix whose bronze row retention has dropped is in the lake."""
    (lion_id, at), fix = next(iter(expected["silver.positions"].items()))
    children = pipeline.fetch(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'bronze.lions_raw'::regclass"
    )
    for (child,) in children:
        pipeline.fetch(f"DROP TABLE {child}")
    key = (f"lion_id={lion_id}", f"event_time={at.isoformat()}")
    (row,) = _explain(pipeline, "silver.positions", *key)["sources"][0]["rows"]
    assert _place(row["record"]) == (POSITIONS, fix["partition"], fix["offset"])
    assert row["record"]["bronze"] is None
    assert (
        f"dropped by retention, in the lake at {row['record']['lake_file']}"
        in pipeline.command("explain", "silver.positions", *key).stdout
    )


def _revisions(pipeline: PipelineKit, expected: Tables) -> None:
    """A revision is shown, also one of a row that is no more."""
    lion_id, day = next(iter(expected["gold.lions_metrics"]))
    sql = """INSERT INTO metadata.revisions
        (table_name, entity_id, period_start, kind, changes, cause, topic, partition, offsets, record_count)
        VALUES ('gold.lions_metrics', $1, $2::text::timestamptz, $3, $4, 'late', $5, 1, '{41,42}', 3)"""
    changes = json.dumps({"tracking_frequency": [47, 48]})
    pipeline.fetch(sql, lion_id, f"{day} 00:00Z", "changed", changes, POSITIONS)
    found = _explain(pipeline, "gold.lions_metrics", f"lion_id={lion_id}", f"metric_date={day}")["revisions"]
    (mine,) = [row for row in found["rows"] if row["offsets"] == [41, 42]]
    assert (mine["kind"], mine["cause"], mine["changes"]) == ("changed", "late", {"tracking_frequency": [47, 48]})
    assert (mine["topic"], mine["partition"], mine["record_count"]) == (POSITIONS, 1, 3)
    text = pipeline.command("explain", "gold.lions_metrics", f"lion_id={lion_id}", f"metric_date={day}").stdout
    assert f"changed (late) by {POSITIONS}/1 offsets 41, 42 and 1 more" in text
    assert "tracking_frequency: 47 → 48" in text

    pipeline.fetch(sql, "gone", "2025-01-01 00:00Z", "removed", changes, POSITIONS)
    code, stdout, stderr = _run(pipeline, "gold.lions_metrics", "lion_id=gone", "metric_date=2025-01-01")
    assert code == 3
    assert "removed (late)" in stdout
    assert "has no row with this key" in stderr


def _wrong_questions(pipeline: PipelineKit) -> None:
    for arguments, sentence in (
        (["gold.lions_metrics", "lion_id=a"], "metric_date is missing"),
        (["silver.lions", "lion_id=a", "lion_id=b"], "more than once"),
    ):
        code, _, stderr = _run(pipeline, *arguments)
        assert code == 2, arguments
        assert sentence in stderr, stderr


def _by_hand() -> list[Outgoing]:
    """A lion's four days of fixes, one at 0,0, one repeated, one contradicted; a weighing and an implausible one."""
    fixes = [
        fix("by hand", f"2025-03-0{day} {hour:02d}:00", -21.5 + hour / 500) for day in (1, 2, 3, 4) for hour in (1, 9)
    ]
    fixes += [fixes[-1], fix("by hand", "2025-03-04 09:00", -21.6), fix("by hand", "2025-03-04 10:00", 0.0, 0.0)]
    weights = [weight("hand-1", "by hand", "2025-03-04", 181.5), weight("hand-2", "by hand", "2025-03-04", 900)]
    return [Outgoing(record.topic, record.key, record.value) for record in (*fixes, *weights)]


def _places(rows: dict[tuple[Any, ...], dict[str, Any]], lion_id: str, day: date) -> set[tuple[Any, int]]:
    return {
        ((POSITIONS, row["partition"], row["offset"]), row["flags"])
        for (lion, at), row in rows.items()
        if lion == lion_id and at.date() == day
    }


def _identities(expected: Tables, lion_id: str, day: date) -> set[str]:
    return {
        f"{lion}|{round(at.timestamp() * 1e6)}"
        for lion, at in expected["silver.positions"]
        if lion == lion_id and at.date() == day
    }


def _place(record: dict[str, Any]) -> tuple[str, int, int]:
    return record["topic"], record["partition"], record["offset"]


def _explain(pipeline: PipelineKit, *arguments: str) -> dict[str, Any]:
    return dict(json.loads(pipeline.command("explain", *arguments, "--json", "--limit", "1000").stdout))


def _run(pipeline: PipelineKit, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "liontrack_stream", "explain", *arguments],
        env=pipeline.environment(), cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr
