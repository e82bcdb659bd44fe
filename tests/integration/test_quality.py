"""Quality checks of a real worker: right counts and samples, published once, whenever the worker dies."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from collections import Counter
from typing import Any

import pytest

from liontrack_stream.core.quality import SAMPLES_MAX, WORKER_SOURCE
from liontrack_stream.kafka.producer import Outgoing, headers_for
from tests.commands.running import liontrack
from tests.support.bad_records import BAD, GOOD
from tests.support.oracle import POSITIONS, QUALITY, TOPICS, compute
from tests.support.pipeline_kit import PipelineKit, own_checks
from tests.support.quality_counts import BRONZE, OWN, bronze_counts, published_counts, silver_counts
from tests.support.reading import read_topic
from tests.support.worker_process import REPOSITORY, wait_until

OFTEN = {"QUALITY_INTERVAL_S": 0.2, "BATCH_MAX_RECORDS": 20}
SHAPES = (
    "SELECT check_name, sum(invalid_records)::bigint FROM metadata.data_quality_checks WHERE table_name = $1 GROUP BY 1"
)
POINTS = sorted(
    name
    for file in (REPOSITORY / "liontrack_stream").rglob("*.py")
    for name in re.findall(r'crash_here\("(quality\.\w+)"\)', file.read_text())
)


def test_bad_records_become_checks(pipeline: PipelineKit) -> None:
    pipeline.send(_bad())
    pipeline.catch_up(BATCH_MAX_RECORDS=20)
    records = pipeline.consumed()
    pipeline.assert_right(records)
    expected = bronze_counts(records)
    for topic in TOPICS:
        found = dict(map(tuple, pipeline.fetch(SHAPES, BRONZE[topic])))
        rules = {rule: count for (table, rule), count in expected.items() if table == BRONZE[topic] and rule}
        shape = found.pop("schema_check")
        assert 0 < shape < found["bronze_validation"] == sum(rules.values())
        assert {rule: count for rule, count in found.items() if rule != "bronze_validation"} == rules
    assert published_counts(pipeline) == expected
    _assert_samples_are_dead_letters(pipeline)
    assert _waiting(pipeline) == (0, 0)


def test_checks_are_published_while_the_worker_runs_and_an_idle_one_is_silent(pipeline: PipelineKit) -> None:
    worker = pipeline.worker(**OFTEN)
    pipeline.send(_bad())
    sent = sum(1 for _ in _bad())
    wait_until(
        lambda: pipeline.fetch("SELECT count(*) FROM metadata.dead_letters")[0][0] == len(BAD), 40.0, "all stored"
    )
    wait_until(lambda: _waiting(pipeline) == (0, 0), 20.0, "all published")
    published = [r for r in asyncio.run(read_topic(pipeline.settings, QUALITY)) if OWN in r.headers]
    check = json.loads(published[0].value)
    assert published[0].key.decode() == check["table_name"]
    assert tuple(published[0].headers) == headers_for(QUALITY, check["check_timestamp"].encode(), WORKER_SOURCE)

    time.sleep(6 * float(OFTEN["QUALITY_INTERVAL_S"]))
    records = pipeline.consumed()
    assert own_checks(records) == len(published), "the worker's own checks make no new ones"
    assert len(records) == sent + len(published)
    code, _ = worker.stop()
    assert code == 0, worker.log_text()[-3000:]
    pipeline.catch_up()
    assert own_checks(pipeline.consumed()) == len(published)
    assert published_counts(pipeline) == bronze_counts(records)
    pipeline.assert_right()


def test_a_worker_that_is_stopped_publishes_what_it_has_counted(pipeline: PipelineKit) -> None:
    worker = pipeline.worker()
    pipeline.send(_bad())
    wait_until(
        lambda: pipeline.fetch("SELECT count(*) FROM metadata.dead_letters")[0][0] == len(BAD), 40.0, "all stored"
    )
    assert own_checks(pipeline.consumed()) == 0, "the first minute is not over"
    code, seconds = worker.stop()
    assert code == 0, worker.log_text()[-3000:]
    assert seconds < 8.0
    assert own_checks(pipeline.consumed()) > 0
    assert _waiting(pipeline) == (0, 0)
    pipeline.catch_up()
    assert published_counts(pipeline) == bronze_counts(pipeline.consumed())


def test_flags_of_silver_become_checks(pipeline: PipelineKit) -> None:
    pipeline.send(_flawed_fixes())
    pipeline.catch_up(**OFTEN)
    records = pipeline.consumed()
    wanted = silver_counts(records, compute(records))
    found = published_counts(pipeline, "silver.positions", "bronze_validation")
    assert set(found) == {("silver.positions", rule) for rule in ("zero_zero", "not_visible", "spike", "conflict")}
    assert found == {key: count for key, count in wanted.items() if key in found}


@pytest.mark.slow
def test_kill_9_loses_and_doubles_no_check(pipeline: PipelineKit) -> None:
    assert {"quality.before_cut", "quality.after_cut", "quality.after_publish"} <= set(POINTS)
    for point in POINTS:
        pipeline.send(_bad())
        worker = pipeline.worker("--until-caught-up", LIONTRACK_CRASH_AT=point, **OFTEN)
        code, _ = worker.wait(60.0)
        assert code == -signal.SIGKILL, f"{point} was not reached: {worker.log_text()[-3000:]}"
    pipeline.catch_up()
    records = pipeline.consumed()
    pipeline.assert_right(records)
    assert published_counts(pipeline) == bronze_counts(records)
    identities = Counter(
        tuple(json.loads(record.value)[f] for f in ("table_name", "check_name", "check_timestamp"))
        for record in records
        if OWN in record.headers
    )
    assert max(identities.values()) == 2, "a check was published again after a kill"
    repeats = pipeline.fetch("SELECT count(*) FROM metadata.data_quality_checks WHERE details ? 'offsets'")
    assert repeats[0][0] == len(identities)
    assert _waiting(pipeline) == (0, 0)


def test_the_command_shows_the_latest_checks(pipeline: PipelineKit) -> None:
    nothing = _command(pipeline)
    assert (nothing.returncode, nothing.stdout) == (0, "No checks within 7 days. A running worker makes them.\n")
    pipeline.send(_bad())
    pipeline.catch_up()
    shown = _command(pipeline, "--table", BRONZE[POSITIONS])
    assert shown.returncode == 0
    line = next(line for line in shown.stdout.splitlines() if " wrong_type " in line).split()
    first = pipeline.fetch(
        "SELECT partition, \"offset\" FROM metadata.dead_letters WHERE topic = $1 AND rule = 'wrong_type' "
        "ORDER BY 1, 2 LIMIT 1",
        POSITIONS,
    )[0]
    counts = bronze_counts(pipeline.consumed())
    total, invalid = counts[BRONZE[POSITIONS], ""], counts[BRONZE[POSITIONS], "wrong_type"]
    assert line[:2] == [BRONZE[POSITIONS], "wrong_type"]
    assert line[4:] == [
        str(total), str(total - invalid), str(invalid), f"{100 - 100 * invalid / total:.2f}", f"{first[0]}:{first[1]}",
    ]  # fmt: skip
    checks = json.loads(_command(pipeline, "--json").stdout)
    assert {check["table_name"] for check in checks} >= set(BRONZE.values())
    assert _command(pipeline, "--fail-below", "10").returncode == 0
    assert _command(pipeline, "--fail-below", "99").returncode == 3
    assert _command(pipeline, "--table", "no.such", "--fail-below", "99").returncode == 0
    away = _command(pipeline, PG_PORT="9")
    assert (away.returncode, away.stdout) == (1, "")
    assert away.stderr.startswith("liontrack: PostgreSQL at ")
    assert "Traceback" not in away.stderr


def test_the_command_sums_a_day(pipeline: PipelineKit) -> None:
    for _ in range(2):
        pipeline.send(_bad())
        pipeline.catch_up()
    counts = bronze_counts(pipeline.consumed())
    [(day,)] = pipeline.fetch(
        "SELECT (max(check_timestamp) AT TIME ZONE 'UTC')::date FROM metadata.data_quality_checks"
    )
    checks = json.loads(_command(pipeline, "--day", str(day), "--table", "bronze.*", "--json").stdout)
    invalid = {(check["table_name"], check["check_name"]): check["invalid_records"] for check in checks}
    assert {key: count for key, count in invalid.items() if key[1] not in ("bronze_validation", "schema_check")} == {
        key: count for key, count in counts.items() if key[1]
    }
    for check in checks:
        total = counts[check["table_name"], ""]
        assert (check["total_records"], check["valid_records"]) == (total, total - check["invalid_records"])
        assert check["quality_percentage"] == pytest.approx(100 * check["valid_records"] / total)
    worst = min(check["quality_percentage"] for check in checks)
    for threshold, code in ((worst - 0.1, 0), (worst + 0.1, 3)):
        assert _command(pipeline, "--day", str(day), "--fail-below", str(threshold)).returncode == code
    before = _command(pipeline, "--day", "2025-02-28", "--fail-below", "100")
    assert (before.returncode, before.stdout) == (0, "No checks on 2025-02-28. A running worker makes them.\n")


# -- what is sent and found


def _bad() -> list[Outgoing]:
    """Every bad record, and as many sound ones."""
    sound = [Outgoing(topic, b"sound", json.dumps(GOOD[topic]).encode()) for topic, _, _ in BAD.values()]
    return [*sound, *(Outgoing(topic, name.encode(), value) for name, (topic, value, _) in BAD.items())]


def _flawed_fixes() -> list[Outgoing]:
    """A lion's week by the hour, with every flaw, in order."""
    documents: list[dict[str, Any]] = []
    for hour in range(160):
        place = {"lat": -22.5 if hour % 10 == 5 else -21.5, "lng": 23.5}
        document = {
            "lion_id": "a",
            "timestamp": f"2025-03-{1 + hour // 24:02d}T{hour % 24:02d}:00:00Z",
            "position": place,
        }
        if hour % 10 == 2:
            document["position"] = {"lat": 0, "lng": 0}
        documents.append({**document, "visible": False} if hour % 10 == 8 else document)
        if hour % 40 == 0:
            documents.append({**document, "note": "another"})
    return [Outgoing(POSITIONS, b"a", json.dumps(document).encode()) for document in documents]


def _waiting(pipeline: PipelineKit) -> tuple[int, int]:
    """Rows of the tally and of the outbox."""
    counts = "SELECT (SELECT count(*) FROM metadata.quality_tally), (SELECT count(*) FROM metadata.quality_outbox)"
    return tuple(pipeline.fetch(counts)[0])


def _assert_samples_are_dead_letters(pipeline: PipelineKit) -> None:
    checks = pipeline.fetch(
        "SELECT details, invalid_records FROM metadata.data_quality_checks WHERE table_name LIKE 'bronze.%'"
    )
    letters = {
        (row["topic"], row["partition"], row["offset"]): row["rule"]
        for row in pipeline.fetch("SELECT * FROM metadata.dead_letters")
    }
    assert checks
    for row in checks:
        details = json.loads(row["details"])
        places = [(details["topic"], sample["partition"], sample["offset"]) for sample in details["samples"]]
        assert len(set(places)) == len(places) == min(row["invalid_records"], SAMPLES_MAX)
        assert [letters[place] for place in places] == [sample["rule"] for sample in details["samples"]]
        assert sum(details["rules"].values()) == row["invalid_records"]


def _command(pipeline: PipelineKit, *arguments: str, **changes: str) -> Any:
    return liontrack("quality", *arguments, cwd=REPOSITORY, environment=pipeline.environment(COLUMNS=200, **changes))
