"""``liontrack worker``: Faust's worker with all its options, meaningful exit codes, and ``--until-caught-up``."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import uvloop
from faust.cli.base import option
from faust.cli.faust import cli
from faust.cli.worker import worker as faust_worker
from mode import ServiceT
from yarl import URL

from liontrack_stream.app import LionTrackApp, canonical_url
from liontrack_stream.kafka.exits import ExitCode, SwappedError


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
      2   a setting, a topic or a table is missing; a password or certificate is refused
      70  unexpected error, the log has the traceback
      75  stuck, or the group membership is gone: start it again
      78  Kafka and Postgres disagree (lost or recreated topic): a person has to decide

    When another generation becomes the live one (`liontrack generations swap`) it starts again, in the same process.

    With --until-caught-up it processes up to the topics' ends as they stood at start, closes the lake's files,
    prints one line of JSON on stdout and exits. Logs go to stderr.
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
        if self.app.error is not None:
            code = self.app.exit_code
            self.stderr.write(f"liontrack worker: {self.app.error}\n")
            if isinstance(self.app.error, SwappedError):
                self.stderr.flush()
                os.execv(sys.executable, sys.orig_argv)  # noqa: S606 — the same command again
        elif code:
            code = ExitCode.UNEXPECTED
        elif self.app.report is not None:
            self._report_to.write(json.dumps(self.app.report) + "\n")
            self._report_to.flush()
        sys.exit(code)


def run_worker(app: LionTrackApp, arguments: Sequence[str]) -> NoReturn:
    """Run the worker command on an app that exists already."""
    cli(args=["worker", *arguments], app=app)
    raise SystemExit(ExitCode.OK)
