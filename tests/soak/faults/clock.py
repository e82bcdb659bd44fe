"""A worker whose clock is an hour off, and jumps: no result goes by it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from tests.support.worker_process import REPOSITORY, wait_until

from ..fault import NotHere, fault
from ..scene import SMALL_STEPS, Scene


@fault("the worker's clock jumps by an hour, back and forth", "input")
def jumps(scene: Scene, random: Random) -> None:
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        raise NotHere("it needs libfaketime: `apt-get install libfaketime`")
    clock = scene.folder / "clock"
    clock.write_text("+0")
    preload = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with scene.worker.down(), (scene.folder / "clock.log").open("ab") as log:
        environment = scene.kit.environment(PG_PORT=scene.servers.postgres.port, **SMALL_STEPS, **preload)
        process = subprocess.Popen(
            [sys.executable, "-m", "liontrack_stream", "worker"],
            cwd=REPOSITORY, env={**environment, "PYTHONPATH": os.fspath(REPOSITORY)}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            for offset in random.sample(("+3600", "-3600", "+0"), 3):
                before = scene.stored()
                wait_until(lambda before=before: scene.stored() > before, 60.0, "progress")  # type: ignore[misc]
                clock.write_text(offset)
                time.sleep(random.uniform(1.0, 3.0))
        finally:
            process.terminate()
            process.wait(30.0)
