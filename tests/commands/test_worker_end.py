"""How a worker ends: where a swap and a signal come together; with live state that is still to be written."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from faust.cli.worker import worker as faust_worker

from liontrack_stream.app import LionTrackApp
from liontrack_stream.commands import worker as module
from liontrack_stream.commands.worker import worker
from liontrack_stream.kafka.exits import ExitCode, SwappedError


class Ended(Exception):
    """In place of the process's end; what ended it."""


@pytest.mark.parametrize(("stop_asked", "ended"), [(False, "begun anew"), (True, ExitCode.OK)])
def test_a_worker_that_is_asked_to_end_does_not_begin_anew(
    monkeypatch: pytest.MonkeyPatch, stop_asked: bool, ended: Any
) -> None:
    """The signal came 80 ms before another generation was noticed: the worker that began anew knew nothing of it."""

    def end(what: Any) -> None:
        raise Ended(what)

    monkeypatch.setattr(faust_worker, "__call__", lambda self: None)
    monkeypatch.setattr(os, "execv", lambda *_: end("begun anew"))
    monkeypatch.setattr(module, "_leave", end)
    command: Any = object.__new__(worker)
    command.stderr = io.StringIO()
    command.app = SimpleNamespace(
        error=SwappedError("Generation 1 is live now: starting again."),
        exit_code=ExitCode.STUCK,
        stop_asked=stop_asked,
        report=None,
        settings=SimpleNamespace(log_format="text"),
    )
    command.logfile = None
    with pytest.raises(Ended) as caught:
        command()
    assert caught.value.args == (ended,)


@pytest.mark.parametrize("kafka_takes", [True, False])
async def test_no_live_state_is_left_to_a_producer_that_has_stopped(
    monkeypatch: pytest.MonkeyPatch, kafka_takes: bool
) -> None:
    """What is left in Faust's buffer then is an error of Faust's: workers of 10,000 and 100,000 lions ended with 70."""
    monkeypatch.setattr(sys.modules[LionTrackApp.__module__], "LIVE_STATE_WITHIN_S", 0.05)
    done: list[str] = []
    unsent: asyncio.Queue[str] = asyncio.Queue()

    async def write_live_state() -> None:
        done.append("written to the tables")
        unsent.put_nowait("a record of the changelog")

    async def send_changelog() -> None:
        if not kafka_takes:
            await asyncio.Event().wait()
        unsent.get_nowait()
        done.append("sent to Kafka")

    async def stop() -> None:
        done.append("nothing more is written")
        unsent.put_nowait("a last one")

    app: Any = SimpleNamespace(
        live_updates=SimpleNamespace(flush=write_live_state, stop=stop),
        producer=SimpleNamespace(buffer=SimpleNamespace(flush=send_changelog, pending=unsent)),
    )
    with nullcontext() if kafka_takes else pytest.raises(TimeoutError):
        await LionTrackApp._write_last_live_state(app)
    sent = ["sent to Kafka"] if kafka_takes else []
    assert done == ["written to the tables", *sent, "nothing more is written"]
    assert unsent.empty()
