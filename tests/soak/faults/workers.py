"""Workers killed, stopped, paused and doubled."""

from __future__ import annotations

import re
import signal
import time
from random import Random

from tests.support.worker_process import REPOSITORY, free_port, wait_until

from ..fault import fault
from ..scene import Scene

SESSION_S = 12.0  # the workers' session timeout and a little more
POINTS = sorted(
    {
        name
        for file in (REPOSITORY / "liontrack_stream").rglob("*.py")
        for name in re.findall(r'crash_here\("([\w.]+)"\)', file.read_text())
        if name.startswith(("sink.", "lake.bronze.", "lake.days.", "quality."))
    }
)
_KILLS, _CRASHES, _POINTS = 12, 15, 3


@fault("kill -9 at a random moment", "workers", kills=_KILLS)
def random_kills(scene: Scene, random: Random) -> None:
    for _ in range(_KILLS):
        scene.worker.kill()
        time.sleep(random.uniform(0.6, 4.0))


@fault("kill -9 at a named point", "workers", kills=_POINTS)
def named_point(scene: Scene, random: Random) -> None:
    with scene.worker.down():
        for name in random.sample(POINTS, _POINTS):
            _killed_at(scene, f"{name}:{random.randint(1, 4)}")


def _killed_at(scene: Scene, point: str) -> None:
    doomed = scene.kit.worker(
        LIONTRACK_CRASH_AT=point, PG_PORT=scene.servers.postgres.port, LAKE_INTERVAL_S=0.2, QUALITY_INTERVAL_S=0.2
    )
    try:
        wait_until(lambda: not doomed.running, 40.0, f"{point} is reached")
        code, _ = doomed.wait(1.0)
        assert code == -signal.SIGKILL, f"{point}: ended with {code}\n{doomed.log_text()[-2000:]}"
    finally:
        doomed.kill()


@fault("crash loop", "workers", kills=_CRASHES)
def crash_loop(scene: Scene, random: Random) -> None:
    for _ in range(_CRASHES):
        scene.worker.kill()
        time.sleep(random.uniform(0.0, 1.5))


@fault("SIGTERM while it writes", "workers")
def sigterm(scene: Scene, random: Random) -> None:
    begun = 0
    for _ in range(3):
        wait_until(lambda begun=begun: scene.worker.log.stat().st_size > begun, 30.0, "a worker that has begun")  # type: ignore[misc]
        time.sleep(random.uniform(0.3, 3.0))
        code = scene.worker.end()
        begun = scene.worker.log.stat().st_size
        scene.worker.start()
        assert code == 0, f"the worker ended with {code} after SIGTERM"


@fault("paused past its session, another takes over, then goes on", "workers")
def zombie(scene: Scene, random: Random) -> None:
    other = scene.add_worker("2", free_port())
    scene.worker.send(signal.SIGSTOP)
    try:
        other.start()
        time.sleep(SESSION_S + random.uniform(0.0, 3.0))
        before = scene.stored()
        wait_until(lambda: scene.stored() > before, 60.0, "the second worker's takeover")
    finally:
        scene.worker.send(signal.SIGCONT)
    time.sleep(random.uniform(0.5, 3.0))
    other.end()


@fault("a second worker comes and goes: rebalances with batches in hand", "workers", kills=1)
def rebalances(scene: Scene, random: Random) -> None:
    other = scene.add_worker("2", free_port())
    for number in (signal.SIGTERM, signal.SIGKILL):
        other.start()
        time.sleep(random.uniform(3.0, 8.0))
        other.end(number)
