"""Runs ``liontrack`` with a sampling profiler beside it: ``python -m tests.bench.sampled REPORT.json worker …``.

A thread looks at every other thread's stack some 200 times a second, and weighs what it sees by the CPU time that
thread has used since the last look; waiting weighs nothing. The report: thread -> [[seconds, [frame, …]], …], a frame
being ``file:function``, outermost first.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from types import FrameType
from typing import NoReturn

_INTERVAL_S = 0.005
_ROOT = Path(__file__).resolve().parents[2]

Stacks = dict[str, Counter[tuple[str, ...]]]


def _frames(frame: FrameType | None) -> tuple[str, ...]:
    names = []
    while frame is not None:
        code = frame.f_code
        path = code.co_filename.removeprefix(f"{_ROOT}/")
        names.append(f"{path.rpartition('site-packages/')[2].rpartition('lib/python3.11/')[2]}:{code.co_qualname}")
        frame = frame.f_back
    return tuple(reversed(names))


def _sample(stacks: Stacks) -> None:
    clocks: dict[int, float] = {}
    me = threading.get_ident()
    while True:
        time.sleep(_INTERVAL_S)
        frames = sys._current_frames()
        for thread in threading.enumerate():
            ident = thread.ident
            if ident is None or ident == me or ident not in frames:
                continue
            try:
                used = time.clock_gettime(time.pthread_getcpuclockid(ident))
            except OSError:
                continue
            spent = used - clocks.get(ident, used)
            clocks[ident] = used
            if spent > 0:
                stacks[thread.name][_frames(frames[ident])] += spent  # type: ignore[assignment]


def main() -> None:
    """Profile the rest of the command line as ``liontrack`` would run it."""
    report = Path(sys.argv[1])
    stacks: Stacks = defaultdict(Counter)

    def write() -> None:
        report.write_text(
            json.dumps({name: [[s, stack] for stack, s in counter.most_common()] for name, counter in stacks.items()})
        )

    leave = os._exit

    def write_and_leave(code: int) -> NoReturn:
        write()
        leave(code)

    os._exit = write_and_leave  # how the worker ends
    atexit.register(write)
    threading.Thread(target=_sample, args=(stacks,), daemon=True, name="sampler").start()
    sys.argv = ["liontrack", *sys.argv[2:]]
    from liontrack_stream.__main__ import main as liontrack

    liontrack()


if __name__ == "__main__":
    main()
