"""Asking the worker from the web server's thread.

The web server has a thread and an event loop of its own, so that a batch being stored holds up no request. What the
worker keeps in memory belongs to the worker's loop: views read it by a function that runs there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

ANSWER_WITHIN_S = 3.0


class NoAnswer(ConnectionError):
    """The worker does not get to a question."""


async def in_loop(loop: asyncio.AbstractEventLoop, function: Callable[[], T]) -> T:
    """What a function returns when it is called in another thread's loop (or in this one).

    Raises
    ------
    NoAnswer
        When that loop does not get to it in time; requests answer 503.
    """
    if loop is asyncio.get_running_loop():
        return function()

    async def call() -> T:
        return function()

    asked = asyncio.run_coroutine_threadsafe(call(), loop)
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await asyncio.wrap_future(asked)
    except TimeoutError:
        raise NoAnswer(f"The worker does not answer within {ANSWER_WITHIN_S:.0f} s.") from None
