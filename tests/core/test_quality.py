"""Counts of batches into checks."""

from __future__ import annotations

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import QualityCheck, to_json
from liontrack_stream.contract.topics import POSITIONS, QUALITY
from liontrack_stream.core.quality import EVERYTHING, Tally, checks

AT_US = 1_750_000_000_123_000


def tally(table: str, rule: str, records: int, *samples: int, partition: int = 0, ends: tuple[int, int] = (0, 10)):
    return Tally(POSITIONS.name, partition, *ends, table, rule, records, samples)


def found(*tallies: Tally) -> dict[tuple[str, str], dict]:
    return {(event["table_name"], event["check_name"]): event for event in checks(tallies, AT_US)}


def test_a_clean_bronze_table_has_two_checks_and_a_clean_silver_table_none() -> None:
    events = found(tally("bronze.lions_raw", EVERYTHING, 10), tally("silver.positions", EVERYTHING, 10))
    assert set(events) == {("bronze.lions_raw", "bronze_validation"), ("bronze.lions_raw", "schema_check")}
    assert {event["quality_percentage"] for event in events.values()} == {100.0}


def test_batches_and_partitions_add_up() -> None:
    events = found(
        tally("bronze.lions_raw", EVERYTHING, 10),
        tally("bronze.lions_raw", "wrong_type", 2, 3, 4),
        tally("bronze.lions_raw", "missing_id", 1, 9),
        tally("bronze.lions_raw", EVERYTHING, 30, partition=1, ends=(5, 35)),
        tally("bronze.lions_raw", EVERYTHING, 60, ends=(10, 70)),
        tally("bronze.lions_raw", "wrong_type", 1, 10, ends=(10, 70)),
    )
    assert {check: event["invalid_records"] for (_, check), event in events.items()} == {
        "bronze_validation": 4,
        "schema_check": 3,
        "wrong_type": 3,
        "missing_id": 1,
    }
    assert events["bronze.lions_raw", "schema_check"] == {
        "check_timestamp": "2025-06-15T15:06:40.123Z",
        "table_name": "bronze.lions_raw",
        "check_name": "schema_check",
        "total_records": 100,
        "valid_records": 97,
        "invalid_records": 3,
        "quality_percentage": 97.0,
        "topic": POSITIONS.name,
        "rules": {"wrong_type": 3},
        "samples": [{"partition": 0, "offset": offset, "rule": "wrong_type"} for offset in (3, 4, 10)],
        "offsets": {"0": [0, 69], "1": [5, 34]},
    }


def test_silver_has_one_check_per_rule() -> None:
    events = found(tally("silver.positions", EVERYTHING, 8), tally("silver.positions", "spike", 2, 6, 7))
    assert set(events) == {("silver.positions", "spike")}
    assert events["silver.positions", "spike"]["quality_percentage"] == 75.0


def test_ten_samples_at_most_and_nothing_without_records() -> None:
    rows = [tally("bronze.lions_raw", "wrong_type", 10, *range(n, n + 10), ends=(n, n + 10)) for n in (20, 0)]
    assert found(*rows) == {}
    events = found(tally("bronze.lions_raw", EVERYTHING, 20), *rows)
    samples = events["bronze.lions_raw", "wrong_type"]["samples"]
    assert [sample["offset"] for sample in samples] == list(range(10))


def test_a_check_is_a_record_of_the_contract() -> None:
    (event, *_) = checks([tally("bronze.lions_raw", EVERYTHING, 3), tally("bronze.lions_raw", "wrong_type", 1)], AT_US)
    decoded = decode(QUALITY.name, b"bronze.lions_raw", to_json(event))
    assert isinstance(decoded, QualityCheck)
    assert (decoded.time_us, decoded.total_records, decoded.invalid_records) == (AT_US, 3, 1)
    assert set(decoded.extra) == {"topic", "rules", "samples", "offsets"}
