"""How a worker ends: exit codes, and the errors that carry them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from enum import IntEnum


class ExitCode(IntEnum):
    """What the supervisor sees. 0 is a wanted stop."""

    OK = 0
    SETTINGS = 2  # a setting, a topic or a table is missing, a password refused: fix it, then start again
    UNEXPECTED = 70  # a defect: the log has the traceback
    STUCK = 75  # no progress in spite of lag: starting again is the remedy
    CONSISTENCY = 78  # Kafka, Postgres and this version do not fit together: a person has to decide


class WorkerError(Exception):
    """Ends the worker; the message is a sentence for a person."""

    exit_code = ExitCode.UNEXPECTED


class StartError(WorkerError):
    """Something the worker needs is not there."""

    exit_code = ExitCode.SETTINGS


class StuckError(WorkerError):
    """The consumer stopped moving, or its place in the group is gone."""

    exit_code = ExitCode.STUCK


class SwappedError(StuckError):
    """Another generation has become the live one: starting again finds it."""


class ConsistencyError(WorkerError):
    """Kafka no longer holds what Postgres expects to read next, or is another Kafka."""

    exit_code = ExitCode.CONSISTENCY


class SchemaError(WorkerError):
    """The warehouse's schema is older or newer than this version needs."""

    exit_code = ExitCode.CONSISTENCY


def exit_code_of(error: BaseException) -> ExitCode:
    """The exit code an error asks for; `UNEXPECTED` where it says nothing."""
    return error.exit_code if isinstance(error, WorkerError) else ExitCode.UNEXPECTED


def end_process(code: ExitCode, tell: Callable[[], None], tell_within_s: float) -> None:
    """End the process at once. ``tell`` logs why, from a thread: a log that nobody reads may hold it up."""
    told = threading.Thread(target=tell, daemon=True)
    told.start()
    told.join(tell_within_s)
    os._exit(code)
