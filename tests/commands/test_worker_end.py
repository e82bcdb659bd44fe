"""How a worker ends: where a swap and a signal come together; with live state that is still to be written."""

from __future__ import annotations

import io
import os
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


async def test_the_last_live_state_is_with_kafka_before_the_producer_stops() -> None:
    """What is left in Faust's buffer then is an error of Faust's: a worker of 100,000 lions ended with 70."""
    done: list[str] = []

    async def write_live_state() -> None:
        done.append("written to the tables")

    async def send_changelog() -> None:
        done.append("sent to Kafka")

    live_updates = SimpleNamespace(flush=write_live_state)
    app: Any = SimpleNamespace(
        live_updates=live_updates, producer=SimpleNamespace(buffer=SimpleNamespace(flush=send_changelog))
    )
    await LionTrackApp._write_last_live_state(app)
    assert done == ["written to the tables", "sent to Kafka"]
