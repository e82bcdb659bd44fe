"""A warehouse, a lake and a consumer group of their own on the bench's Kafka and PostgreSQL; workers that fill them.

Several scenes may read the same topics: each begins at their start, as nothing of another's is in its warehouse.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from liontrack_stream.local.processes import free_ports
from liontrack_stream.settings import Settings
from tests.bench.rates import Sample, connect, stored_offsets
from tests.bench.running import Run, run_module
from tests.support.stack import environment_of

Say = Callable[[str], None]
START = "2020-01-01"  # years of backlog lie in the past: none of their fixes is flagged `future`
TIMEOUT_S = 6 * 3600.0
_SAMPLE_S = 0.1
_TELL_EACH = 1_000_000  # events stored
_BRONZE = "SELECT count(*) FROM bronze.lions_raw"
_KEPT = "SELECT (SELECT count(*) FROM silver.positions) + (SELECT count(*) FROM metadata.repeats)"
_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_DAYS = "SELECT count(DISTINCT metric_date) FROM gold.lions_metrics"


@dataclass(frozen=True, slots=True)
class Moment(Sample):
    """A sample with the CPU seconds used until then by the workers, by PostgreSQL and by all programs of the machine,
    the highest resident memory that a worker has had, and the connections to the warehouse."""

    workers_s: float
    postgres_s: float
    machine_s: float
    workers_mb: float
    connections: int

    def cost_us(self, since: Moment, events: int) -> tuple[float, float]:
        """CPU time per event since an earlier moment, µs: of the workers, of PostgreSQL."""
        used = (self.workers_s - since.workers_s, self.postgres_s - since.postgres_s)
        return used[0] / events * 1e6, used[1] / events * 1e6


@dataclass(slots=True)
class Life:
    """The workers' life from their start to the last of a backlog: their runs, and moments of it."""

    runs: list[Run] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)

    @property
    def peak_mb(self) -> float:
        """The highest resident memory of one of the workers."""
        return max(run.peak_mb for run in self.runs)

    @property
    def working(self) -> tuple[Moment, Moment]:
        """From the last moment before anything was stored to the first at which all was: no worker's start or end."""
        before, all_of_it = self.moments[0].stored, self.moments[-1].stored
        begin = next(n for n, moment in enumerate(self.moments) if moment.stored > before) - 1
        return self.moments[begin], next(moment for moment in self.moments if moment.stored == all_of_it)

    @property
    def cores_busy(self) -> float:
        """With whatever, while the workers worked."""
        begin, end = self.working
        return (end.machine_s - begin.machine_s) / (end.at_s - begin.at_s)


class Scene:
    """``name`` is that of its database; ``topics``: whose topics it reads, its own by default."""

    def __init__(self, settings: Settings, name: str, folder: Path, say: Say, topics: Scene | None = None) -> None:
        self.folder, self.say, self.name = folder / name, say, name
        self.folder.mkdir()
        with connect(settings) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        prefix = f"{settings.topic_prefix}{name}." if topics is None else topics.settings.topic_prefix
        self.settings = settings.model_copy(
            update={
                "pg_database": name,
                "topic_prefix": prefix,
                "liontrack_app_id": f"{settings.topic_prefix}{name}",
                "lake_root": str(self.folder / "lake"),
                "liontrack_data_dir": self.folder / "data",
            }
        )
        self.environment = environment_of(self.settings)
        self.command("migrate")
        if topics is None:
            self.command("topics")

    def close(self) -> None:
        """Drop the database: the next scene shall have the disk. Autovacuum is waited for, it cannot be ended."""
        with connect(self.settings.model_copy(update={"pg_database": "postgres"})) as connection:
            while True:
                try:
                    connection.execute(f"DROP DATABASE {self.name} WITH (FORCE)")  # type: ignore[arg-type]
                except psycopg.errors.InsufficientPrivilege:
                    time.sleep(0.5)
                else:
                    return

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def command(self, *arguments: str, json_line: bool = False) -> Run:
        """``liontrack …`` to its end; 6 hours at most."""
        log = self.folder / "commands.log"
        return run_module(
            ("liontrack_stream", *arguments), self.environment, log, json_line=json_line, timeout_s=TIMEOUT_S
        )

    def produce(self, lions: int, events: int, start: str = START) -> float:
        """A backlog of simulated fixes; how long that took, s."""
        self.say(f"Producing {events:,} position events of {lions:,} simulated lions")
        size = ("--lions", str(lions), "--events", str(events), "--start", start)
        report = self.command("simulate", *size, "--topics", "positions", "--json", json_line=True).report
        return float(report["seconds"])

    def catch_up(self, workers: int = 1) -> Life:
        """Let workers store what the topics hold, beginning at the same time, and sample them."""
        self.say(f"{workers} worker{'s' * (workers > 1)}, until caught up")
        life, now = Life(), [Run() for _ in range(workers)]
        with ThreadPoolExecutor(workers) as pool, self._sampling(life.moments, now):
            running = [pool.submit(self._work, number, now) for number in range(workers)]
            life.runs = [each.result() for each in running]
        return life

    def worker_environment(self, number: int) -> dict[str, str]:
        """The environment of one of several workers, from 1."""
        own = {
            "LIONTRACK_INSTANCE": str(number),
            "LIONTRACK_DATA_DIR": str(self.folder / f"worker-{number}"),
            "WEB_PORT": str(free_ports(1)[0]),
        }
        return {**self.environment, **own}

    def _work(self, place: int, now: list[Run]) -> Run:
        def watch(run: Run) -> None:
            now[place] = run

        return run_module(
            ("liontrack_stream", "worker", "--until-caught-up"), self.worker_environment(place + 1),
            self.folder / f"worker-{place + 1}.log", timeout_s=TIMEOUT_S, watch=watch,
        )  # fmt: skip

    @contextmanager
    def _sampling(self, moments: list[Moment], runs: list[Run]) -> Iterator[None]:
        """Note moments while the block runs, and one at its end. A moment is when its offsets were known."""
        ended = threading.Event()

        def sample() -> None:
            with connect(self.settings) as connection:
                server, told = _server(connection), 0
                while True:
                    last = ended.is_set()
                    offsets = stored_offsets(connection)
                    used = (sum(run.cpu_s for run in runs), cpu_s_of_all(server), busy_s())
                    connections = connection.execute(_CONNECTIONS).fetchall()[0][0]
                    peak_mb = max(run.peak_mb for run in runs)
                    moments.append(Moment(time.monotonic(), offsets, *used, peak_mb, connections))
                    if moments[-1].stored >= told + _TELL_EACH:
                        told = moments[-1].stored
                        self.say(f"{told:,} events stored")
                    if last:
                        return
                    ended.wait(_SAMPLE_S)

        thread = threading.Thread(target=sample)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    @property
    def days(self) -> int:
        """On how many days lions were seen."""
        return self._number(_DAYS)

    def problems(self, events: int) -> list[str]:
        """What is not as it must be once so many events are stored."""
        found = {"bronze": self._number(_BRONZE), "silver and repeats": self._number(_KEPT)}
        return [f"{name} of {self.name}: {n:,} instead of {events:,}" for name, n in found.items() if n != events]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the warehouse answers."""
        with connect(self.settings) as connection:
            return connection.execute(sql).fetchall()  # type: ignore[call-overload]

    def _number(self, sql: str) -> int:
        return int(self.rows(sql)[0][0])


def _server(connection: psycopg.Connection[Any]) -> psutil.Process:
    """PostgreSQL's first process."""
    found = psutil.Process(connection.info.backend_pid).parent()
    assert found is not None
    return found


def cpu_s_of_all(server: psutil.Process) -> float:
    """CPU seconds of a process and all that it has started, the ended ones included."""
    times = server.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in server.children():
        try:
            own = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += own.user + own.system
    return float(total)


def busy_s() -> float:
    """CPU seconds that the machine has not idled, all cores and all programs together."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)
