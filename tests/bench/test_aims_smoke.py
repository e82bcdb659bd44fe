"""The benches of the aims in small: each measures what it is for, and nothing is lost. No times are judged."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from liontrack_stream.local import Stack
from liontrack_stream.settings import Settings
from tests.bench.aims import growth, kalahari, latency, lions, memory, sizes, workers
from tests.bench.aims.aim import Aim, Finding
from tests.bench.aims.aim import lines as lines_of
from tests.bench.rates import Sample, dry_from, rate

_FIXES = [
    f"{name},2011-03-01 {minute // 60:02}:{minute % 60:02}:00.000,21.5,-24.{minute:04}\n"
    for name in ("Mojo", "Bella")
    for minute in range(0, 1_440, 30)
]


def _say(text: str) -> None:
    pass


def test_a_movebank_file(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "lions.csv.gz"
    head = "individual-local-identifier,timestamp,location-long,location-lat\n"
    file.write_bytes(gzip.compress((head + "".join(_FIXES)).encode()))
    finding = kalahari.measure(settings, tmp_path, _say, file)
    assert finding.problems == []
    assert finding.title == f"lions.csv.gz, {len(_FIXES)} fixes"
    assert len(finding.rows) == 4


def test_a_file_that_is_not_there(settings: Settings, tmp_path: Path) -> None:
    finding = kalahari.measure(settings, tmp_path, _say, tmp_path / "lions.csv.gz")
    assert not finding.enough
    assert "is not here. NOT MET." in "\n".join(lines_of(finding))


def test_latency_of_every_event(settings: Settings, tmp_path: Path) -> None:
    finding = latency.measure(settings, tmp_path, _say, lions=20, events_per_s=200.0, seconds=1.0)
    assert finding.problems == []
    assert finding.rows[0][5] == "200"


def test_latencies_of_ticks_and_moments() -> None:
    """
    ::

        s           0        1        2        3        4        5
        due                  2, 1              0, 1              (of partitions 0 and 1)
        committed   10, 0             11, 1             12, 1    12, 2
    """
    ticks = [(1.0, [2, 1]), (3.0, [0, 1])]
    offsets = [(0.0, {0: 10}), (2.0, {0: 11, 1: 1}), (4.0, {0: 12, 1: 1}), (5.0, {0: 12, 1: 2})]
    moments = [Sample(at_s, stored) for at_s, stored in offsets]
    assert latency.latencies_ms(ticks, moments) == [1e3, 3e3, 1e3, 2e3]


def test_memory_of_one_backlog_after_the_other(settings: Settings, tmp_path: Path) -> None:
    finding = memory.measure(settings, tmp_path, _say, [500, 1_500], lions=10)
    assert (finding.problems, [row[0] for row in finding.rows]) == ([], ["500", "1,500"])


def test_growth_has_both_ends(settings: Settings, tmp_path: Path) -> None:
    events, few = 6_000, 10
    finding = growth.measure(settings, tmp_path, _say, few, events, slice_events=1_000)
    assert finding.problems == []
    assert len(finding.rows) >= 2
    assert all(int(row[1].replace(",", "")) > 0 for row in finding.rows)
    assert any(note.startswith("Partitions: bronze.lions_raw") for note in finding.notes)


def test_what_an_event_takes(settings: Settings, stack: Stack, tmp_path: Path) -> None:
    finding = sizes.measure(settings, tmp_path, _say, stack.data_dir / "kafka", lions=10, events=1_000)
    assert finding.problems == []
    taken = dict(finding.rows)
    assert taken["bronze.lions_raw, rows × 1,000"] == "1,000"
    assert int(taken["Kafka's log, zstd"]) > 10
    assert int(taken["lake, Parquet"]) > 10


def test_cost_of_few_and_many_lions(settings: Settings, tmp_path: Path) -> None:
    finding = lions.measure(settings, tmp_path, _say, [5, 50], events=2_000, rounds=2)
    assert (finding.problems, [row[0] for row in finding.rows]) == ([], ["5", "50"])
    assert [len(row[-1].split(", ")) for row in finding.rows] == [2, 2]


def test_one_worker_and_two(settings: Settings, tmp_path: Path) -> None:
    finding = workers.measure(settings, tmp_path, _say, lions=20, events=4_000)
    assert (finding.problems, [row[0] for row in finding.rows]) == ([], ["1", "2"])


def test_rates_of_samples() -> None:
    """
    ::

        s         0    1    2    3     4     5
        part 0    -    0   10   30    40    40     dry at 4 s: 40 of it and 60 of the other are stored
        part 1    -    0   10   30    60    80
    """
    stored = [{}, {0: 0, 1: 0}, {0: 10, 1: 10}, {0: 30, 1: 30}, {0: 40, 1: 60}, {0: 40, 1: 80}]
    samples = [Sample(float(second), offsets) for second, offsets in enumerate(stored)]
    assert dry_from(samples) == 100
    assert rate(samples, 0, 20) == 20.0
    assert rate(samples, 40, 80) == 40.0


@pytest.mark.parametrize("met", [True, False])
def test_a_finding_says_whether_its_aims_are_met(met: bool) -> None:
    finding = Finding("T", ("a", "b"), [("x", "1")], [Aim("b ≤ 2", "1", met)])
    assert finding.enough == met
    assert "| x | 1 |" in lines_of(finding)
    assert f"Aim: b ≤ 2. Found: 1. {'Met' if met else 'NOT MET'}." in lines_of(finding)
    lost = Finding("T", ("a",), [], [], problems=["bronze: 1 instead of 2"])
    assert not lost.enough
    assert "MISMATCH: bronze: 1 instead of 2." in lines_of(lost)
