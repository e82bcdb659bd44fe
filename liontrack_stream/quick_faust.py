"""Faust's services without the seconds they wait, with our logs, and with an end that comes when it is asked for, and
only then.

first SIGTERM, Ctrl-C ─► the batches in hand are committed, nothing is begun ─► exit 0
                     └─► not done within STOP_WITHIN_S: ended as it is, what is not committed is rolled back ─► exit 0
second one            ─► ended at once ─► exit 143, 130
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import Any

import faust
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery
from mode import get_logger
from mode.utils.tracebacks import format_task_stack

from liontrack_stream import __version__, logs
from liontrack_stream.kafka.exits import WorkerError

logger = get_logger(__name__)

STOP_WITHIN_S = 8.0  # supervisors that wait for 10 s shall not have to kill


class LastingRecovery(Recovery):
    """Lasts as long as its worker: it is what begins to read, after each rebalance.

    Faust's ends for good, and says nothing, when one of its steps is cancelled, as a claim is by the next rebalance, or
    takes longer than ``broker_request_timeout``, as a claim does while Postgres is away: such a worker kept its
    partitions and read none.
    """

    async def _wait(self, coro: Any, timeout: Any = None) -> None:
        """As Faust's, as long as it takes; after a cancelled step it goes on with the assignment that follows."""
        try:
            await super()._wait(coro)
        except asyncio.CancelledError:
            own = asyncio.current_task()
            if self.should_stop or (own is not None and own.cancelling()):
                raise
            raise RebalanceAgain from None


class QuickTableManager(TableManager):
    """Without the second it waits for more tables: all are declared before the start."""

    @property
    def recovery(self) -> Recovery:
        """The service that restores the tables and begins to read."""
        if self._recovery is None:
            self._recovery = LastingRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

    async def on_start(self) -> None:
        """Start the tables and their recovery."""
        await self._update_channels()
        await self.recovery.start()


class QuickWorker(faust.Worker):
    """Without the second it sleeps before it closes the event loop, and without a spinner in log files."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.stderr.isatty():
            self.spinner = None

    @property
    def _our_app(self) -> Any:
        return self.app

    async def _sentinel_task(self) -> None:
        await asyncio.sleep(0)

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:
        """Set up logging as Faust does, then give its handlers our formats."""
        super().on_setup_root_logger(logger, level)
        settings = self._our_app.settings
        for handler in logger.handlers:
            handler.addFilter(_without_known_tracebacks)
            if isinstance(handler, logging.StreamHandler):
                logs.dress(handler, settings.log_format, settings.liontrack_instance, level)
        logs.quiet_libraries(level)
        _tell_start(settings)

    def _on_startup_end_spinner(self) -> None:
        logger.info("Ready: serving %s", self.app.web_server_url)
        if self.spinner:
            super()._on_startup_end_spinner()

    def _on_shutdown_immediately(self) -> None:
        """Say nothing of a start that a signal has cut short: the signal's line has said it."""

    def _on_sigint(self) -> None:
        self._stop_by(signal.SIGINT)

    def _on_sigterm(self) -> None:
        self._stop_by(signal.SIGTERM)

    def _on_sigusr1(self) -> None:
        """Tell what every task waits for. Faust's own way shows variables, and with them secrets."""
        for task in asyncio.all_tasks(self.loop):
            logger.warning("Asked by SIGUSR1: %s", format_task_stack(task))

    def _on_sigusr2(self) -> None:
        """No debugger in production."""

    def _stop_by(self, number: signal.Signals) -> None:
        if self._signal_stop_time:
            logger.warning("%s again: ending at once", number.name)
            os._exit(128 + number)
        self._flag_as_shutdown_by_signal()
        logger.info("%s: the batches in hand are finished, then the worker ends; again: at once", number.name)
        self._our_app.stop_asked = True
        self._our_app.end_within(STOP_WITHIN_S)
        self._schedule_shutdown(number)


def _tell_start(settings: Any) -> None:
    figures = {"version": __version__, "pid": os.getpid(), "app": settings.liontrack_app_id}
    logger.info("LionTrack Stream %(version)s begins, process %(pid)d", figures, extra=figures)


def _without_known_tracebacks(record: logging.LogRecord) -> bool:
    """An error whose message is a sentence for a person needs no traceback."""
    info: Any = record.exc_info
    if info and isinstance(info, tuple) and isinstance(info[1], WorkerError):
        record.exc_info = record.exc_text = None
    return True
