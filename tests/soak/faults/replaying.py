"""Replays beside the stream, killed; swaps and compactions killed."""

from __future__ import annotations

import time
from random import Random

from liontrack_stream.replay.bounds import Bounds
from liontrack_stream.replay.run import Order
from tests.replay.test_kills import REPLAY_POINTS, SWAP_POINTS, _killed_after, _killed_at
from tests.replay.test_replay import lines, run
from tests.support.forked import Forked
from tests.support.worker_process import REPOSITORY

from ..fault import fault
from ..scene import Scene

_COMPACTION_POINTS = ("lake.compact.staged", "lake.compact.before_swap", "lake.compact.after_swap")


@fault("a replay beside the stream, killed and begun again, differs in nothing", "replay", kills=2)
def replay(scene: Scene, random: Random) -> None:
    """Its last run compares, at one moment of both."""
    _killed_at(scene.kit, random.choice(REPLAY_POINTS))
    _killed_after(scene.kit, random.uniform(0.1, 3.0))
    outcome = run(scene.kit.settings, Order(Bounds()))
    assert lines(outcome.diff) == [], lines(outcome.diff)
    scene.kit.command("generations", "drop", str(outcome.number))


@fault("a swap killed, then done, then taken back", "replay", kills=2)
def swap(scene: Scene, random: Random) -> None:
    number = run(scene.kit.settings, Order(Bounds())).number
    _killed_at(scene.kit, random.choice(SWAP_POINTS), number)
    _killed_after(scene.kit, random.uniform(0.1, 2.0), number)
    scene.kit.command("generations", "swap", str(number), timeout_s=240.0)
    scene.recover()
    time.sleep(random.uniform(0.0, 3.0))
    scene.kit.command("generations", "rollback", timeout_s=240.0)
    scene.kit.command("generations", "drop", str(number))


@fault("a compaction is killed", "replay", kills=1, quiet=True)
def compaction(scene: Scene, random: Random) -> None:
    environment = scene.kit.environment(LIONTRACK_CRASH_AT=random.choice(_COMPACTION_POINTS))
    log = scene.folder / "compaction.log"
    arguments = ["lake", "compact", "--not-at-once"]
    killed = Forked("liontrack_stream", arguments, environment, REPOSITORY, log, log)
    killed.wait(240.0)
    scene.kit.command(*arguments, timeout_s=240.0)
