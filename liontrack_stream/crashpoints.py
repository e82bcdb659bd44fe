"""Named places where a test may kill this process with ``kill -9``.

``LIONTRACK_CRASH_AT="lake.bronze.after_rename:3"`` kills at the third pass through that point (default: the first).
Unset, a point costs one comparison.
"""

from __future__ import annotations

import os
import signal

_NAME, _, _nth = os.environ.get("LIONTRACK_CRASH_AT", "").partition(":")
_passes_left = [int(_nth or 1)]


def crash_here(name: str) -> None:
    """Die at once when this is the point that the environment names."""
    if not _NAME or name != _NAME:
        return
    _passes_left[0] -= 1
    if _passes_left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
