"""What ``tests.bench.sampled`` saw, as a table: CPU seconds per thread, and per function of the project."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_SHOWN = ("liontrack_stream/", "agents/", "tables/", "faust/", "mode/", "aiokafka/", "asyncpg/", "pyarrow/")
_SHARE_MIN = 0.01
_THREAD_MIN_S = 0.3


def profile_lines(report: Path) -> Iterator[str]:
    """Threads that used CPU, each with its functions' CPU seconds, those they call included."""
    for thread, stacks in sorted(json.loads(report.read_text()).items(), key=lambda item: -sum(s for s, _ in item[1])):
        total = sum(seconds for seconds, _ in stacks)
        if total < _THREAD_MIN_S:
            continue
        yield f"\nThread {thread}: {total:.2f} s of CPU"
        own: Counter[str] = Counter()
        inside: Counter[str] = Counter()
        for seconds, frames in stacks:
            own[frames[-1]] += seconds
            for frame in set(frames):
                inside[frame] += seconds
        for frame, seconds in inside.most_common():
            if seconds >= _SHARE_MIN * total and frame.startswith(_SHOWN):
                yield f"  {seconds:7.2f} s {seconds / total:6.1%}  {frame}"
        yield "  own time:"
        yield from (f"  {seconds:7.2f} s {seconds / total:6.1%}  {frame}" for frame, seconds in own.most_common(12))
