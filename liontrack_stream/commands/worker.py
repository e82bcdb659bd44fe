"""``liontrack worker``: Faust's worker with all its options, meaningful exit codes, and ``--until-caught-up``."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import uvloop
from click.core import ParameterSource
from faust.cli.base import DEFAULT_LOGLEVEL, option
from faust.cli.faust import cli
from faust.cli.worker import worker as faust_worker
from mode import ServiceT, Worker
from yarl import URL

from liontrack_stream import logs
from liontrack_stream.app import LionTrackApp, canonical_url
from liontrack_stream.kafka.exits import ExitCode, SwappedError
from liontrack_stream.redaction import redacted

logger = logging.getLogger(__name__)


class worker(faust_worker):
    """Consume the five topics into the warehouse, the lake and the live tables, and serve the API.

    \b
    Examples:
      liontrack worker -l info
      liontrack worker --web-port 4002
      liontrack worker --until-caught-up > report.json

    \b
    Exit codes:
      0   stopped as asked (SIGTERM, SIGINT, or caught up)
      2   a setting or a topic is missing, PostgreSQL cannot be used, a password or certificate is refused
      70  unexpected error, the log has the traceback
      75  stuck, or the group membership is gone: start it again
      78  a person has to decide: the schema is older or newer than this version (`liontrack migrate --check`), or
          Kafka and Postgres disagree (lost or recreated topic)
      130, 143  ended at once by a second Ctrl-C or SIGTERM; the first one lets it finish within 8 s

    \b
    Logs go to stderr: JSON (LOG_FORMAT=json), or lines for people, which are the default on a terminal. LOG_LEVEL is
    info, a line a minute; debug has one per batch. --loglevel comes first.

    When another generation becomes the live one (`liontrack generations swap`) it starts again, in the same process.

    With --until-caught-up it processes up to the topics' ends as they stood at start, closes the lake's files,
    prints one line of JSON on stdout and exits.
    """

    options = [
        option("--until-caught-up", is_flag=True, default=False, help="Stop at the topics' ends and print a report."),
        *faust_worker.options,
    ]

    app: LionTrackApp

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # COPY streams megabytes through the loop
        super().__init__(*args, **kwargs)
        self._report_to = self.stdout
        self.stdout = self.stderr

    def as_service(self, loop: asyncio.AbstractEventLoop, *args: Any, **kwargs: Any) -> ServiceT:
        """The app; told to stop at the ends when asked to."""
        until_caught_up = kwargs.pop("until_caught_up", False)
        service = super().as_service(loop, *args, **kwargs)
        self.app.conf.canonical_url = URL(canonical_url(self.app.settings))  # Faust has made it of --web-port
        if until_caught_up:
            self.app.stop_when_caught_up()
        return service

    @property
    def loglevel(self) -> str:
        """What the command line says, else LOG_LEVEL."""
        told = self._loglevel or (DEFAULT_LOGLEVEL if self._told("loglevel") else None)
        return told or str(self.app.settings.log_level)

    @loglevel.setter
    def loglevel(self, level: str) -> None:
        self._loglevel = level

    def _told(self, option: str) -> bool:
        """Whether an option stands on the command line: Faust takes its default for silence."""
        contexts = (self.ctx, self.ctx.find_root())
        return any(context.get_parameter_source(option) is ParameterSource.COMMANDLINE for context in contexts)

    @property
    def _writes_json(self) -> bool:
        return logs.writes_json(self.app.settings.log_format, self.stderr if self.logfile is None else None)

    def on_worker_created(self, worker: Worker) -> None:
        """Print Faust's banner where people read."""
        if not self._writes_json:
            super().on_worker_created(worker)

    def say(self, message: str, file: Any = None, err: Any = None, **kwargs: Any) -> None:
        """Everything but the report goes to stderr."""
        super().say(message, file=file or self.stderr, err=err, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run, then exit with the app's code."""
        code: int = ExitCode.OK
        try:
            super().__call__(*args, **kwargs)
        except SystemExit as end:
            code = int(end.code or 0) if isinstance(end.code, int | None) else ExitCode.UNEXPECTED
        except Exception:
            code = ExitCode.UNEXPECTED
        if isinstance(self.app.error, SwappedError) and self.app.stop_asked:
            code = ExitCode.OK  # asked to end while it was about to begin anew
        elif self.app.error is not None:
            code = self.app.exit_code
            self._tell_end(str(self.app.error), code)
            if isinstance(self.app.error, SwappedError):
                self.stderr.flush()
                os.execv(sys.executable, sys.orig_argv)  # noqa: S606 — the same command again
        elif code:
            code = ExitCode.UNEXPECTED
        elif self.app.report is not None:
            self._report_to.write(json.dumps(self.app.report) + "\n")
            self._report_to.flush()
        _leave(code)

    def _tell_end(self, sentence: str, code: int) -> None:
        if self._writes_json and logging.root.handlers:
            logger.critical("%s", sentence, extra={"exit_code": int(code)})
        else:
            self.stderr.write(redacted(f"liontrack worker: {sentence}\n"))


def _leave(code: int) -> NoReturn:
    """End the process. All is closed, and what Python does at its end may hang: an S3 that is mute holds up Arrow's."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def run_worker(app: LionTrackApp, arguments: Sequence[str]) -> NoReturn:
    """Run the worker command on an app that exists already."""
    cli(args=["worker", *arguments], app=app)
    raise SystemExit(ExitCode.OK)
