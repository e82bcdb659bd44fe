"""Memory where records are stored: there are many objects at a time, none in a cycle, most of them free in a moment."""

from __future__ import annotations

import ctypes
import gc
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of glibc's malloc.h
_ON_ITS_OWN_BYTES = 1 << 20


def share_one_heap() -> None:
    """Have all threads use one heap, and Arrow, too: what one gives back another one takes.

    glibc gives each thread a heap of its own, Arrow has one more, and none of them returns much to the system. To be
    called before numpy and Arrow are imported, which start threads and choose. ``MALLOC_ARENA_MAX``,
    ``MALLOC_MMAP_THRESHOLD_`` and ``ARROW_DEFAULT_MEMORY_POOL`` of the environment come first; another libc than glibc
    stays as it is.

    What is of 1 MB and more is mapped by itself, also later, when glibc would have raised that bar to 32 MB: between
    such blocks the heap would grow into pieces.
    """
    for variable, option, value in (
        ("MALLOC_ARENA_MAX", _M_ARENA_MAX, 1),
        ("MALLOC_MMAP_THRESHOLD_", _M_MMAP_THRESHOLD, _ON_ITS_OWN_BYTES),
    ):
        if variable not in os.environ:
            with suppress(AttributeError):
                ctypes.CDLL(None).mallopt(option, value)
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def forget_frames(*errors: BaseException) -> None:
    """Let go of what was computed in vain: an error and the frames it went through may hold each other, until a
    collection, which is rare. Tracebacks still tell the lines."""
    for raised in errors:
        error: BaseException | None = raised
        while error is not None:
            traceback.clear_frames(error.__traceback__)
            error = error.__context__


def collect_less() -> None:
    """Leave what is there now out of garbage collections, as it lives as long as the process; have fewer of them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(500_000, 20, 50)


@contextmanager
def collecting_less() -> Iterator[None]:
    """The same for as long as the context lasts."""
    before = gc.get_threshold()
    collect_less()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
