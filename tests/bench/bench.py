"""One bench: one backlog of simulated position events, read by all contenders, each in a process of its own.

    floor      read: aiokafka + msgspec; COPY: our own rows once more; write: our own files once more (`floor_*.py`)
    LionTrack  ``liontrack worker --until-caught-up``, from its claim of the partitions to its last closed file;
               ``liontrack replay`` of the same into a generation beside it, whose diff, in its time, has to be nothing;
               windows only (`own_windows.py`); ``liontrack submit``: the same by our own jobs on Spark
    others     `engines.py`: from the first event to the end; Spark from the second query's start (cold: its process's)

The read, and Faust's windows, run again at the end, so that a machine whose speed changes gives itself away.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from time import perf_counter

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.bronze import TABLES
from tests.bench.checks import job_problems, problems, stored_counts
from tests.bench.engines import JOBS, Job, command_of, run_job
from tests.bench.ratios import REPLAY, WHOLE, WINDOWS
from tests.bench.result import Contender, Result
from tests.bench.running import ContenderFailed, Run, run_module
from tests.bench.scratch import postgres_cpu_s, scratch_database, stored
from tests.bench.truth import Truth, read_truth

LIONS = 50  # as `liontrack simulate` has them; a million fixes are 14 months of their lives
OURS, FLOOR, SUBMIT = "ours", "floor", "submit"
TWICE = "Faust, windows"


class Bench:
    """Runs against the Kafka and PostgreSQL of ``settings``, which must be its own: it fills an empty warehouse.

    Parameters
    ----------
    environment
        What gives a child process those settings.
    folder
        For logs, and the contenders' data.
    say
        Told what is being done.
    profile
        Where to write a profile of our worker (see ``tests.bench.sampled``), None for none.
    """

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        folder: Path,
        say: Callable[[str], None] = lambda text: None,
        profile: Path | None = None,
    ) -> None:
        self._settings, self._environment, self._folder = settings, environment, folder
        self._say, self._profile = say, profile
        self._free_bytes = shutil.disk_usage(folder).free

    def run(
        self,
        events: int,
        sample_events: int,
        contenders: Collection[str],
        twice: bool = True,
        lions: int = LIONS,
        spark_runs: int = 2,
    ) -> Result:
        """Produce the backlog, run the contenders (``ours``, ``floor``, ``submit``, engines), compare the counts.

        An engine that does not get to its end is a problem of the result.

        Raises
        ------
        ContenderFailed
            When ours or the floor does not, or an engine's environment is missing.
        """
        began, result = perf_counter(), Result(events)
        jobs = [job for job in JOBS if job.engine in contenders]
        for job in jobs:
            command_of(job)  # whether it could be run, before anything is begun
        self.produce(events, lions)
        truth = read_truth(self._settings)
        if truth.events != events:
            result.problems.append(f"the topic holds {truth.events:,} of {events:,} events")
        if FLOOR in contenders:
            self._read(result)
        if OURS in contenders:
            self._ours(result, events)
        if FLOOR in contenders and OURS in contenders:
            self._write_again(result, events)
        for job in jobs:
            self._job(job, result, truth, sample_events if job.sample else events, spark_runs)
        if SUBMIT in contenders and OURS in contenders:
            self._add(
                result, Contender("LionTrack on Spark", "whole", "the same again, by local[2]", [self._submit(result)])
            )
        self._note_disk(result)
        if twice:
            for job in jobs:
                if job.name == TWICE:
                    self._job(job, result, truth, sample_events, spark_runs)
            if FLOOR in contenders:
                self._read(result)
        result.took_s = perf_counter() - began
        return result

    def produce(self, events: int, lions: int = LIONS) -> None:
        """Make schema, topics and backlog."""
        self._say(f"Producing {events:,} position events of {lions} simulated lions")
        size = ("--lions", str(lions), "--events", str(events), "--topics", "positions", "--json")
        for command in (("migrate",), ("topics",), ("simulate", *size)):
            run_module(("liontrack_stream", *command), self._environment, self._log("backlog"), json_line=False)

    # -- floor

    def _read(self, result: Result) -> None:
        self._say("Floor: read")
        run = run_module(("tests.bench.floor_read",), self._environment, self._log("floor"))
        self._add(result, Contender("floor: read", "floor", "aiokafka + msgspec: read and decode, keep nothing", [run]))
        if run.report["events"] != result.events:
            result.problems.append(f"the floor's reader saw {run.report['events']:,} of {result.events:,} events")

    def _write_again(self, result: Result, events: int) -> None:
        self._say("Floor: COPY and write")
        with scratch_database(self._settings, "bench_floor", tables=None) as database:
            migrated = {**self._environment, "PG_DATABASE": database}
            run_module(("liontrack_stream", "migrate"), migrated, self._log("floor"), json_line=False)
            copies = self._folder / "floor"
            run = run_module(("tests.bench.floor_write", database, str(copies)), self._environment, self._log("floor"))
            self._note_disk(result)
            shutil.rmtree(copies)
        for name, does in (
            ("COPY", "bronze and silver rows that are ready in binary form"),
            ("COPY by asyncpg", "the same rows as Python's objects"),
            ("write", "pyarrow: the same Parquet files, tables in memory"),
        ):
            key = {"COPY": "copy_seconds", "COPY by asyncpg": "copy_python_seconds", "write": "write_seconds"}[name]
            part = Run({"events": events, "seconds": run.report[key]}, run.peak_mb, run.cpu_s, run.load_before)
            self._add(result, Contender(f"floor: {name}", "floor", does, [part]))
        wanted = result.counts["bronze rows"] + result.counts["silver rows"]
        if run.report["rows"] != wanted:
            result.problems.append(f"the floor copied {run.report['rows']:,} of {wanted:,} rows")

    # -- ours

    def _ours(self, result: Result, events: int) -> None:
        self._say("LionTrack, the whole job")
        profiled = ("tests.bench.sampled", str(self._profile)) if self._profile else ("liontrack_stream",)
        arguments = (*profiled, "worker", "--until-caught-up")
        run = self._with_postgres(lambda: run_module(arguments, self._environment, self._log("ours")))
        run.report["events"] = run.report["records"][POSITIONS.name]
        self._add(result, Contender(WHOLE, "whole", "bronze, silver, windows, gold, Parquet, exactly once", [run]))
        result.counts = stored_counts(self._settings)
        result.problems += problems(result.counts, events)
        self._own_windows(result)
        self._say("LionTrack, the same by replay")
        arguments = ("liontrack_stream", "replay", "--json")
        run = self._with_postgres(lambda: run_module(arguments, self._environment, self._log("replay")))
        run.report["events"] = _live_rows(run)
        self._add(result, Contender(REPLAY, "whole", "the same again, beside the live warehouse, and compared", [run]))
        if run.report["differs"]:
            result.problems.append("the replay differs from what the worker stored")

    def _own_windows(self, result: Result) -> None:
        self._say(WINDOWS)
        found = self._folder / "own-windows.json"
        apart = {"LIONTRACK_APP_ID": f"{self._settings.liontrack_app_id}-windows"}
        apart["LIONTRACK_DATA_DIR"] = str(self._folder / "own-windows")
        arguments = ("tests.bench.own_windows", str(found), "--until-caught-up")
        run = run_module(arguments, {**self._environment, **apart}, self._log("own-windows"))
        run.report["events"] = run.report["records"][POSITIONS.name]
        self._add(
            result, Contender(WINDOWS, "windows", "the same windows as in its gold, flags and repeats left out", [run])
        )
        got, wanted = json.loads(found.read_text()), result.counts
        if (got["windows"], got["fixes"]) != (wanted["windows"], wanted["fixes in windows"]):
            result.problems.append(f"{WINDOWS}: {got} instead of {wanted['windows']} and {wanted['fixes in windows']}")

    def _submit(self, result: Result) -> Run:
        jobs = []
        for job in ("bronze-to-silver", "silver-to-gold"):
            self._say(f"LionTrack, the same on Spark: {job}")
            command = ("liontrack_stream", "submit", "--master", "local[2]", "--json", job)
            jobs.append(run_module(command, self._environment, self._log("submit"), with_children=True))
        first, run = jobs
        run.report["events"] = _live_rows(run)
        run.report["seconds"] += first.report["seconds"]
        run.peak_mb, run.cpu_s = max(first.peak_mb, run.peak_mb), first.cpu_s + run.cpu_s
        run.load_before = first.load_before
        if run.report["differs"]:
            result.problems.append("what Spark made differs from what the worker stored")
        return run

    # -- others

    def _job(self, job: Job, result: Result, truth: Truth, events: int, spark_runs: int) -> None:
        self._say(f"{job.name}, {events:,} events")
        number = len(list(self._folder.glob("job-*.log")))
        folder = self._folder / f"job-{number:02}"
        name = f"bench_{self._settings.topic_prefix.rstrip('.')}_{number}"
        with scratch_database(self._settings, name) as database:
            try:
                run = self._with_postgres(
                    lambda: run_job(job, self._settings, self._environment, folder, events, database, runs=spark_runs)
                )
            except ContenderFailed as error:
                self._say(f"{job.name} failed")
                result.problems.append(str(error))
                return
            self._note_disk(result)
            counts, seen = stored(self._settings, database, folder) if job.whole else (None, truth)
        shutil.rmtree(folder)
        self._add(result, Contender(job.name, "whole" if job.whole else "windows", job.does, [run]))
        if "windows_wanted" in run.report:
            if (run.report["windows"], run.report["fixes"]) != (run.report["windows_wanted"], events):
                result.problems.append(f"{job.name}: {run.report}")
        else:
            result.problems += job_problems(job, run.report, seen, counts)
        if not job.sample and run.report["events"] != result.events:
            result.problems.append(f"{job.name} saw {run.report['events']:,} of {result.events:,} events")

    def _with_postgres(self, run_it: Callable[[], Run]) -> Run:
        """Run, with the CPU time that PostgreSQL took meanwhile."""
        before_s = postgres_cpu_s(self._settings)
        run = run_it()
        run.postgres_cpu_s = postgres_cpu_s(self._settings) - before_s
        return run

    def _add(self, result: Result, contender: Contender) -> None:
        """Keep it, and tell its rate: the table comes at the very end, or never."""
        result.add(contender)
        self._say(f"  {contender.name}: {contender.events_per_s:,.0f} events/s")

    def _note_disk(self, result: Result) -> None:
        """Keep the most that was taken, as the disk has it: on a machine of its own, the bench's."""
        result.disk_gb = max(result.disk_gb, (self._free_bytes - shutil.disk_usage(self._folder).free) / 1e9)

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


def _live_rows(run: Run) -> int:
    """How many of the bench's records a generation holds."""
    rows = {table["table"]: table["rows_live"] for table in run.report["tables"]}
    return int(rows[f"bronze.{TABLES[POSITIONS.name]}"])
