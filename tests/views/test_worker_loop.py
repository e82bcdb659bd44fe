"""Questions from the web server's thread to the worker's loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from liontrack_stream.views import worker_loop
from liontrack_stream.views.worker_loop import NoAnswer, in_loop


@pytest.fixture
def other_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs in another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def test_the_function_runs_in_the_loop_that_is_asked(other_loop: asyncio.AbstractEventLoop) -> None:
    assert await in_loop(other_loop, asyncio.get_running_loop) is other_loop
    assert await in_loop(asyncio.get_running_loop(), threading.get_ident) == threading.get_ident()


async def test_its_error_is_the_askers(other_loop: asyncio.AbstractEventLoop) -> None:
    with pytest.raises(ZeroDivisionError):
        await in_loop(other_loop, lambda: 1 // 0)


async def test_a_loop_that_hangs_is_not_waited_for(
    other_loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_loop, "ANSWER_WITHIN_S", 0.05)
    ended = threading.Event()
    other_loop.call_soon_threadsafe(ended.wait)
    with pytest.raises(NoAnswer):
        await in_loop(other_loop, time.monotonic)
    ended.set()
