"""``python -m tests.bench.growth``: does loading get slower as the warehouse grows? One backlog, one worker's life.

::

    events/s   ├ first slice ┤                              ├ last slice ┤
    stored     0 ─────────── 1 M ──────────────────────── end−1 M ─────── end: the first partition has run dry

The whole backlog is in Kafka before the worker starts, so nothing else produces while it is measured. The last slice
ends when the first partition runs dry: what comes after has fewer lanes, and would look slow for that.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

from liontrack_stream.local.processes import free_ports
from liontrack_stream.settings import Settings
from tests.bench.checks import problems, stored_counts
from tests.bench.own_stack import on_own_stack, say
from tests.bench.rates import Sample, connect, dry_from, rate, stored_offsets
from tests.bench.running import run_module
from tests.support.stack import environment_of

LIONS = 400
SLICE = 1_000_000
START = "2020-01-01"  # 20 million fixes are three years: all of them lie in the past, none is flagged `future`
WANTED_RATIO = 0.8
_SAMPLE_S = 0.25
_TIMEOUT_S = 6 * 3600.0
_TABLES = ("bronze.lions_raw", "silver.positions", "gold.lion_windows")
_PARTITIONS = "SELECT count(*) FROM pg_inherits WHERE inhparent = %s::text::regclass"
_SIZE = "SELECT pg_database_size(current_database())"


@dataclass(frozen=True, slots=True)
class Growth:
    """What a run found. ``rates``: events/s of each slice up to ``full_until``, where the first partition ran dry."""

    events: int
    slice_events: int
    full_until: int
    first: float
    last: float
    rates: list[float]
    partitions: Mapping[str, int]
    database_gb: float
    peak_mb: float
    seconds: float
    problems: list[str]

    @property
    def ratio(self) -> float:
        return self.last / self.first


class GrowthBench:
    """Runs against the Kafka and PostgreSQL of ``settings``, which must be its own: it fills an empty warehouse."""

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        folder: Path,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._settings, self._environment, self._folder, self._say = settings, environment, folder, say

    def run(self, events: int, lions: int = LIONS, slice_events: int = SLICE) -> Growth:
        """Produce the backlog, let one worker process it, and compare its first and last slice.

        Raises
        ------
        ContenderFailed
            When the worker does not get to its end.
        """
        self._produce(events, lions)
        self._say("One worker, until it has caught up")
        arguments = ("liontrack_stream", "worker", "--until-caught-up")
        with ThreadPoolExecutor(1) as pool, connect(self._settings) as connection:
            worker = pool.submit(
                run_module, arguments, self._environment, self._folder / "worker.log", timeout_s=_TIMEOUT_S
            )
            samples = [_sample(connection)]
            told = 0
            while not worker.done():
                time.sleep(_SAMPLE_S)
                samples.append(_sample(connection))
                if samples[-1].stored - told >= SLICE:
                    told = samples[-1].stored
                    self._say(f"{told:,} events stored")
            run = worker.result()
            samples.append(_sample(connection))
            partitions = {table: self._number(connection, _PARTITIONS, table) for table in _TABLES}
            size_bytes = self._number(connection, _SIZE)
        self._say("Counting what is stored")
        full_until = dry_from(samples)
        slice_events = min(slice_events, full_until // 2)
        marks = range(0, full_until - slice_events + 1, slice_events)
        return Growth(
            events, slice_events, full_until,
            first=rate(samples, 0, slice_events), last=rate(samples, full_until - slice_events, full_until),
            rates=[rate(samples, mark, mark + slice_events) for mark in marks],
            partitions=partitions, database_gb=size_bytes / 1e9, peak_mb=run.peak_mb,
            seconds=run.report["seconds_to_warehouse"],
            problems=problems(stored_counts(self._settings), events),
        )  # fmt: skip

    def _produce(self, events: int, lions: int) -> None:
        self._say(f"Producing {events:,} position events of {lions} simulated lions")
        size = ("--lions", str(lions), "--events", str(events), "--start", START, "--topics", "positions", "--json")
        for command in (("migrate",), ("topics",), ("simulate", *size)):
            arguments = ("liontrack_stream", *command)
            log = self._folder / "backlog.log"
            run_module(arguments, self._environment, log, json_line=False, timeout_s=_TIMEOUT_S)

    def _number(self, connection: psycopg.Connection[Any], sql: str, *arguments: str) -> int:
        row = connection.execute(sql, arguments).fetchone()
        return int(row[0]) if row else 0


def _sample(connection: psycopg.Connection[Any]) -> Sample:
    return Sample(time.monotonic(), stored_offsets(connection))


def lines(result: Growth) -> Iterator[str]:
    """Markdown, for a terminal or a README."""
    yield "| | events/s |"
    yield "|---|---:|"
    yield f"| first {result.slice_events:,} of {result.events:,} | {result.first:,.0f} |"
    yield f"| last {result.slice_events:,} | {result.last:,.0f} |"
    yield f"| last / first | {result.ratio:.2f} |"
    yield ""
    yield f"Events/s of each {result.slice_events:,}: {', '.join(f'{each:,.0f}' for each in result.rates)}."
    yield (
        f"The last slice ends at {result.full_until:,}, when the first partition ran dry. The backlog was in Kafka "
        f"before the worker started. {result.seconds:,.0f} s to the last commit, peak {result.peak_mb:,.0f} MB."
    )
    made = ", ".join(f"{name} {count:,}" for name, count in result.partitions.items())
    yield f"Partitions: {made}. Warehouse: {result.database_gb:.1f} GB. Machine: {os.cpu_count()} cores."
    yield "All match." if not result.problems else f"MISMATCH: {'; '.join(result.problems)}."


def main() -> int:
    """0 when nothing was lost and the last slice is at least 0.8 of the first's speed, 1 otherwise."""
    options = _options()

    def measure(settings: Settings, folder: Path) -> bool:
        settings = settings.model_copy(update={"web_port": free_ports(1)[0]})
        result = GrowthBench(settings, environment_of(settings), folder, say).run(options.events, options.lions)
        print(json.dumps(asdict(result) | {"ratio": result.ratio}) if options.json else "\n".join(lines(result)))
        return not result.problems and result.ratio >= WANTED_RATIO

    return on_own_stack("bench-growth", measure, options.keep)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000_000, help="size of the backlog (default: 20 million)")
    parser.add_argument("--lions", type=int, default=LIONS, help=f"whose fixes they are (default: {LIONS})")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--keep", action="store_true", help="keep logs and data; the path is printed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
