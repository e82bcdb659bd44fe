"""What both exporters work with."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from liontrack_stream.lake.reader import Reader
from liontrack_stream.lake.store import Store
from liontrack_stream.memory import forget_frames

T = TypeVar("T")

THREADS = 3  # read, sort, encode: two cores' worth, and one that waits for PostgreSQL or the disk
_WRITERS = 8  # mostly wait for the disk
_NICENESS = 15


def yield_to_others() -> None:
    """Lower this thread's priority: storing and answering come first. Linux knows one per thread."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def _threads(count: int, name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, name, initializer=yield_to_others)


async def all_tried(tries: Iterable[Awaitable[None]]) -> None:
    """Wait for all of them; raises the first one's error after all had their turn."""
    results = await asyncio.gather(*tries, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    forget_frames(*errors)
    if errors:
        raise errors[0]


@dataclass(frozen=True, slots=True)
class Resources:
    """The store, the warehouse's reader, and threads for work that must not hold the event loop."""

    store: Store
    reader: Reader
    threads: ThreadPoolExecutor = field(default_factory=lambda: _threads(THREADS, "lake"))
    writers: ThreadPoolExecutor = field(default_factory=lambda: _threads(_WRITERS, "lake-write"))

    async def in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, function, *arguments)

    def close(self) -> None:
        """Let go without waiting; a thread that is busy ends by its statement's timeout."""
        for threads in (self.threads, self.writers):
            threads.shutdown(wait=False, cancel_futures=True)
        self.reader.close()
