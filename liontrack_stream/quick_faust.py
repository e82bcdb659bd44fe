"""Faust's services without the seconds they wait, and with less to read when a worker ends on purpose."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import faust
from faust.tables.manager import TableManager

from liontrack_stream.kafka.exits import WorkerError


class QuickTableManager(TableManager):
    """Without the second it waits for more tables: all are declared before the start."""

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

    async def _sentinel_task(self) -> None:
        await asyncio.sleep(0)

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:
        """Set up logging as Faust does."""
        super().on_setup_root_logger(logger, level)
        for handler in logger.handlers:
            handler.addFilter(_without_known_tracebacks)


def _without_known_tracebacks(record: logging.LogRecord) -> bool:
    """An error whose message is a sentence for a person needs no traceback."""
    info: Any = record.exc_info
    if info and isinstance(info, tuple) and isinstance(info[1], WorkerError):
        record.exc_info = record.exc_text = None
    return True
