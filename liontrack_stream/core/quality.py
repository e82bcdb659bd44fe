"""Counts per rule and table into quality checks, as they are published to ``data.quality.events``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from liontrack_stream.contract.rules import SHAPE_RULES
from liontrack_stream.contract.times import iso

WORKER_SOURCE = b"liontrack-worker"  # the header «source» of the worker's own checks
EVERYTHING = ""  # the rule of a row that counts all records looked at
SAMPLES_MAX = 10
_BRONZE = "bronze."


@dataclass(frozen=True, slots=True)
class Tally:
    """What one batch found by one rule in one table; ``records`` are those that broke it.

    The rule `EVERYTHING` counts all records of the batch that the table's rules looked at. ``samples`` are offsets of
    records that broke the rule, at most `SAMPLES_MAX`.
    """

    topic: str
    partition: int
    first_offset: int
    next_offset: int
    table_name: str
    rule: str
    records: int
    samples: Sequence[int] = ()


@dataclass(slots=True)
class _Table:
    topic: str
    total: int
    by_rule: dict[str, int]
    samples: list[tuple[int, int, str]]  # partition, offset, rule
    ranges: dict[int, tuple[int, int]]  # partition -> first and last offset


def checks(tallies: Iterable[Tally], at_us: int) -> list[dict[str, Any]]:
    """The quality events of these counts, all with the time ``at_us``; a table without records has none.

    A bronze table has ``bronze_validation`` and ``schema_check``; every table has one check per rule that was broken.
    """
    events = []
    for name, table in sorted(_tables(tallies).items()):
        rules = sorted(table.by_rule)
        parts = [(rule, [rule]) for rule in rules]
        if name.startswith(_BRONZE):
            parts = [("bronze_validation", rules), ("schema_check", [r for r in rules if r in SHAPE_RULES]), *parts]
        events += [_event(name, check, table, counted, at_us) for check, counted in parts]
    return events


def _tables(tallies: Iterable[Tally]) -> dict[str, _Table]:
    tables: dict[str, _Table] = {}
    for tally in tallies:
        table = tables.setdefault(tally.table_name, _Table(tally.topic, 0, {}, [], {}))
        first, last = table.ranges.get(tally.partition, (tally.first_offset, -1))
        table.ranges[tally.partition] = min(first, tally.first_offset), max(last, tally.next_offset - 1)
        if tally.rule == EVERYTHING:
            table.total += tally.records
        else:
            table.by_rule[tally.rule] = table.by_rule.get(tally.rule, 0) + tally.records
            table.samples += [(tally.partition, offset, tally.rule) for offset in tally.samples]
    return {name: table for name, table in tables.items() if table.total}


def _event(name: str, check: str, table: _Table, rules: Sequence[str], at_us: int) -> dict[str, Any]:
    invalid = sum(table.by_rule[rule] for rule in rules)
    samples = sorted(sample for sample in table.samples if sample[2] in rules)[:SAMPLES_MAX]
    return {
        "check_timestamp": iso(at_us),
        "table_name": name,
        "check_name": check,
        "total_records": table.total,
        "valid_records": table.total - invalid,
        "invalid_records": invalid,
        "quality_percentage": 100.0 * (table.total - invalid) / table.total,
        "topic": table.topic,
        "rules": {rule: table.by_rule[rule] for rule in rules},
        "samples": [{"partition": p, "offset": offset, "rule": rule} for p, offset, rule in samples],
        "offsets": {str(partition): list(ends) for partition, ends in sorted(table.ranges.items())},
    }
