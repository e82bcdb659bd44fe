"""Python's collector of cycles, where records are stored: they hold none, and there are many of them at a time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def collect_less() -> None:
    """Leave out what is there now, as it lives as long as the process, and look at the rest less often."""
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
