"""``kill -9`` of replay and swap at every named point and at random moments, beside a worker that stores and readers
who ask all the while: they never see a mix, and the same command again finishes the work."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import shutil
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from liontrack_stream import crashpoints, generation
from liontrack_stream.replay.bounds import Bounds
from liontrack_stream.replay.run import Order
from liontrack_stream.replay.swap import swap
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.generations import GenerationError
from tests.replay.test_replay import lines, run
from tests.replay.test_swap import LOAD, readers
from tests.support.forked import PRELOADED
from tests.support.oracle import compute
from tests.support.oracle.compare import compare_tables
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import wait_until

REPLAY_POINTS = ("replay.created", "sink.after_commit:5", "replay.held", "replay.compared")
SWAP_POINTS = ("swap.drained", "swap.half_renamed", "swap.before_commit")
RANDOM_KILLS = 2  # of each


_PROCESSES = multiprocessing.get_context("forkserver")


@contextmanager
def askers(pipeline: PipelineKit) -> Iterator[list[object]]:
    """Ask the API all the while; yields what was wrong. It may be away: its worker starts again."""
    wrong: list[object] = []
    done = threading.Event()
    address = f"http://127.0.0.1:{pipeline.settings.web_port}/api/analytics/lions?limit=100"

    def ask() -> None:
        lions: set[str] = set()
        while not done.is_set():
            try:
                with urllib.request.urlopen(address, timeout=10) as answer:
                    seen = {lion["lion_id"] for lion in json.load(answer)["lions"]}
                if lions - seen:
                    wrong.append(lions - seen)
                lions |= seen
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    wrong.append((error.code, error.read()))
            except OSError:
                time.sleep(0.1)
            except Exception as error:
                wrong.append(error)
            time.sleep(0.05)
        if not lions:
            wrong.append("the API was never there")

    thread = threading.Thread(target=ask)
    thread.start()
    yield wrong
    done.set()
    thread.join()


def _work(settings: Settings, crash: str, number: int | None) -> None:
    """In a process of its own: a replay, or the swap of a generation (0: a rollback); it dies at the named point."""
    crashpoints._NAME, _, nth = crash.partition(":")
    crashpoints._passes_left[:] = [int(nth or 1)]
    if number is None:
        run(settings, Order(Bounds(), records_per_s=1000.0))
    else:
        asyncio.run(swap(settings, number, lambda part, message: None, back=not number))


def _start(pipeline: PipelineKit, number: int | None, crash: str = "") -> BaseProcess:
    _PROCESSES.set_forkserver_preload(PRELOADED)  # a start takes less than importing
    process = _PROCESSES.Process(target=_work, args=(pipeline.settings, crash, number))
    process.start()
    return process


def _killed_at(pipeline: PipelineKit, point: str, number: int | None = None) -> None:
    process = _start(pipeline, number, point)
    process.join(120.0)
    assert process.exitcode == -signal.SIGKILL, f"{point} was not reached"


def _killed_after(pipeline: PipelineKit, seconds: float, number: int | None = None) -> None:
    process = _start(pipeline, number)
    time.sleep(seconds)
    process.kill()
    process.join(60.0)


def _states(pipeline: PipelineKit) -> dict[int, str]:
    return dict(pipeline.fetch("SELECT generation, state FROM catalog.generations"))


@pytest.mark.slow
@pytest.mark.timeout(600)  # a worker, a replay and readers share two cores
def test_kill_9_of_replay_and_swap(mixed: PipelineKit) -> None:
    moments, backlog = random.Random(20250303), len(mixed.consumed())
    with mixed.load(LOAD, 50):
        worker = mixed.worker()
        wait_until(lambda: mixed.stored() > backlog, 40.0, "the worker has caught up")
        with readers(mixed) as wrong, askers(mixed) as odd:
            number = _a_replay_that_is_killed(mixed, moments)
            _a_swap_that_is_killed(mixed, number, moments)
            at_swap = mixed.stored()
            wait_until(lambda: mixed.stored() > at_swap + 50, 40.0, "the worker stores on")
        assert wrong == []
        assert odd == []
        assert worker.running, worker.log_text()[-3000:]
        worker.stop()
    mixed.catch_up()
    records = mixed.consumed()
    expected = compute(records)
    assert compare_tables(expected, mixed.warehouse()) == []
    assert mixed.command("generations", "rollback").stdout.startswith("Generation 0 is live.")
    again = run(mixed.settings, Order(Bounds(), dry_run=True))
    assert lines(again.diff) == []
    assert _states(mixed) == {0: "live", number: "ready", again.number: "building"}
    shutil.rmtree(Path(mixed.settings.lake_root, "generations"))
    mixed.assert_right(records, expected)


def _a_replay_that_is_killed(pipeline: PipelineKit, moments: random.Random) -> int:
    """The number of the generation that the last of its runs completed."""
    for point in REPLAY_POINTS:
        _killed_at(pipeline, point)
        assert _states(pipeline) == {0: "live", 1: "building"}
    for _ in range(RANDOM_KILLS):
        _killed_after(pipeline, moments.uniform(0.1, 2.5))
    with pipeline.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(hashtext('generation'), 1)")
        with pytest.raises(GenerationError, match="Another process works at generation 1"):
            run(pipeline.settings)
    outcome = run(pipeline.settings)
    assert generation.current() is None
    assert (outcome.number, outcome.resumed, lines(outcome.diff)) == (1, True, [])
    assert outcome.stats.bronze < outcome.records
    return outcome.number


def _a_swap_that_is_killed(pipeline: PipelineKit, number: int, moments: random.Random) -> None:
    """At last it is live."""
    for point in SWAP_POINTS:
        _killed_at(pipeline, point, number)
        assert _states(pipeline) == {0: "live", number: "ready"}
    for _ in range(RANDOM_KILLS):
        _killed_after(pipeline, moments.uniform(0.1, 2.5), number)
        if _states(pipeline) == {0: "retired", number: "live"}:  # it was quicker
            pipeline.command("generations", "rollback")
        assert _states(pipeline) == {0: "live", number: "ready"}
    _killed_at(pipeline, "swap.after_commit", number)
    assert _states(pipeline) == {0: "retired", number: "live"}
    assert pipeline.command("generations", "swap", str(number)).stdout == f"Generation {number} is live already.\n"


@pytest.mark.slow
def test_a_rollback_takes_one_swap_back(pipeline: PipelineKit) -> None:
    """Killed before and after its COMMIT, and however often it is called again."""
    pipeline.command("simulate", "--lions", "2", "--days", "2", "--users", "1")
    pipeline.catch_up()
    number = run(pipeline.settings).number
    assert asyncio.run(swap(pipeline.settings, number, lambda part, message: None)) == 0
    _killed_at(pipeline, "swap.before_commit", 0)
    assert _states(pipeline) == {0: "retired", number: "live"}
    _killed_at(pipeline, "swap.after_commit", 0)
    taken_back = {0: "live", number: "ready"}
    assert _states(pipeline) == taken_back
    for _ in range(2):
        said = pipeline.command("generations", "rollback").stdout
        assert said.startswith(f"Generation 0 is live again already, since generation {number} was rolled back.")
        assert _states(pipeline) == taken_back
    pipeline.command("generations", "swap", str(number))
    assert _states(pipeline) == {0: "retired", number: "live"}
    assert pipeline.command("generations", "rollback").stdout.startswith("Generation 0 is live.")
    assert _states(pipeline) == taken_back
