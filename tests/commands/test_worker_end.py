"""How the worker command ends where a swap and a signal come together."""

from __future__ import annotations

import io
import os
from types import SimpleNamespace
from typing import Any

import pytest
from faust.cli.worker import worker as faust_worker

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
