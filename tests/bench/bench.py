"""One bench: one backlog of simulated position events, four contenders, each in a process of its own.

    raw      aiokafka + msgspec: reads and decodes, keeps nothing
    stock    a Faust agent, event by event, with a windowed table; on the backlog's first events only
    ours     ``liontrack worker --until-caught-up``: bronze, silver, windows, gold and Parquet, from its start to its
             last closed file
    replay   ``liontrack replay``: the same again, into a generation beside the live one, whose diff has to be nothing
    spark    ``liontrack submit``: the same again by Spark's two batch jobs, on ``local[2]``; where it is wanted

Raw and stock run before and after ours, so that a machine whose speed changes gives itself away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.bronze import TABLES
from tests.bench.checks import problems, stored_counts
from tests.bench.running import Run, run_module

LIONS = 50  # as `liontrack simulate` has them; a million fixes are 14 months of their lives


@dataclass(frozen=True, slots=True)
class Contender:
    """One or two runs of the same thing."""

    name: str
    does: str
    runs: list[Run] = field(default_factory=list)

    @property
    def events(self) -> int:
        return int(self.runs[0].report["events"])

    @property
    def seconds(self) -> float:
        """Mean of the runs."""
        return fmean(run.report["seconds"] for run in self.runs)

    @property
    def events_per_s(self) -> float:
        return self.events / self.seconds

    @property
    def peak_mb(self) -> float:
        return max(run.peak_mb for run in self.runs)

    @property
    def cpu_us_per_event(self) -> float:
        """Of the contender's own process, its start included."""
        return fmean(run.cpu_s for run in self.runs) * 1e6 / self.events

    @property
    def spread(self) -> float:
        """How far the runs lie apart, as a share of their mean; 0 for a single one."""
        seconds = [run.report["seconds"] for run in self.runs]
        return (max(seconds) - min(seconds)) / self.seconds


@dataclass(frozen=True, slots=True)
class Result:
    """What a bench found. ``problems`` is empty when every count matches."""

    events: int
    raw: Contender
    stock: Contender
    ours: Contender
    replay: Contender
    counts: Mapping[str, int]
    problems: list[str]
    spark: Contender | None = None

    @property
    def contenders(self) -> tuple[Contender, ...]:
        four = self.raw, self.stock, self.ours, self.replay
        return four if self.spark is None else (*four, self.spark)

    @property
    def replay_of_live(self) -> float:
        """The replay's rate as a share of the live worker's."""
        return self.replay.events_per_s / self.ours.events_per_s


class Bench:
    """Runs against the Kafka and PostgreSQL of ``settings``, which must be its own: it fills an empty warehouse.

    Parameters
    ----------
    environment
        What gives a child process those settings.
    folder
        For logs and the stock worker's data.
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

    def run(self, events: int, stock_events: int, twice: bool = True, with_spark: bool = False) -> Result:
        """Produce the backlog, run the contenders, compare the counts.

        Raises
        ------
        ContenderFailed
            When one of them does not get to its end.
        """
        self.produce(events)
        raw = Contender("raw", "aiokafka + msgspec: read and decode, keep nothing")
        stock = Contender("stock Faust", f"one count per window, event by event (first {stock_events:,})")
        ours = Contender("LionTrack", "bronze, silver, windows, gold, Parquet")
        raw.runs.append(self._raw())
        stock.runs.append(self._stock(stock_events, 1))
        ours.runs.append(self._ours())
        self._say("Counting what is stored")
        counts = stored_counts(self._settings)
        replay = Contender(
            "LionTrack replay", "the same again, beside the live warehouse, and compared", [self._replay()]
        )
        spark = Contender("LionTrack on Spark", "the same again, by local[2]", [self._spark()]) if with_spark else None
        if twice:
            stock.runs.append(self._stock(stock_events, 2))
            raw.runs.append(self._raw())
        found = problems(counts, events, raw.events)
        if replay.runs[0].report["differs"]:
            found.append("the replay differs from what the worker stored")
        if spark is not None and spark.runs[0].report["differs"]:
            found.append("what Spark made differs from what the worker stored")
        return Result(events, raw, stock, ours, replay, counts, found, spark)

    def produce(self, events: int) -> None:
        """Make schema, topics and backlog."""
        self._say(f"Producing {events:,} position events of {LIONS} simulated lions")
        size = ("--lions", str(LIONS), "--events", str(events), "--topics", "positions", "--json")
        for command in (("migrate",), ("topics",), ("simulate", *size)):
            run_module(("liontrack_stream", *command), self._environment, self._log("backlog"), json_line=False)

    def _raw(self) -> Run:
        self._say("Raw reader")
        return run_module(("tests.bench.raw_reader",), self._environment, self._log("raw"))

    def _stock(self, events: int, number: int) -> Run:
        self._say(f"Stock Faust, {events:,} events")
        name = f"{self._settings.topic_prefix}bench-stock-{number}"
        arguments = ("tests.bench.stock_faust", str(events), name, str(self._folder / name))
        return run_module(arguments, self._environment, self._log("stock"))

    def _ours(self) -> Run:
        self._say("LionTrack, the whole job")
        profiled = ("tests.bench.sampled", str(self._profile)) if self._profile else ("liontrack_stream",)
        run = run_module((*profiled, "worker", "--until-caught-up"), self._environment, self._log("ours"))
        run.report["events"] = run.report["records"][POSITIONS.name]
        return run

    def _replay(self) -> Run:
        self._say("LionTrack, the same by replay")
        run = run_module(("liontrack_stream", "replay", "--json"), self._environment, self._log("replay"))
        run.report["events"] = self._rows(run)
        run.report["seconds"] -= run.report["seconds_comparing"]  # a worker has nothing to compare
        return run

    def _spark(self) -> Run:
        jobs = []
        for job in ("bronze-to-silver", "silver-to-gold"):
            self._say(f"LionTrack, the same on Spark: {job}")
            command = ("liontrack_stream", "submit", "--master", "local[2]", "--json", job)
            jobs.append(run_module(command, self._environment, self._log("spark"), with_children=True))
        first, run = jobs
        run.report["events"] = self._rows(run)
        run.report["seconds"] += first.report["seconds"] - run.report["seconds_comparing"]
        run.peak_mb, run.cpu_s = max(first.peak_mb, run.peak_mb), first.cpu_s + run.cpu_s
        run.load_before = first.load_before
        return run

    def _rows(self, run: Run) -> int:
        """How many of the bench's records a generation holds."""
        rows = {table["table"]: table["rows_live"] for table in run.report["tables"]}
        return int(rows[f"bronze.{TABLES[POSITIONS.name]}"])

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"
